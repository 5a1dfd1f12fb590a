//! The riders on duty by position: an R-tree that holds what a query needs.

use std::collections::HashMap;

use rstar::{AABB, PointDistance, RTree, RTreeObject};

use crate::{geo::Place, ids::RiderId, travel::Vehicle};

/// What the index knows of a rider.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RiderOnMap {
    /// Who.
    pub rider_id: RiderId,
    /// Metres east and north of the index's origin.
    pub at: [f64; 2],
    /// What he moves with.
    pub vehicle: Vehicle,
    /// How much more he can load.
    pub free_load: u32,
}

impl RTreeObject for RiderOnMap {
    type Envelope = AABB<[f64; 2]>;

    fn envelope(&self) -> Self::Envelope {
        AABB::from_point(self.at)
    }
}

impl PointDistance for RiderOnMap {
    fn distance_2(&self, point: &[f64; 2]) -> f64 {
        let (dx, dy) = (self.at[0] - point[0], self.at[1] - point[1]);
        dx * dx + dy * dy
    }
}

/// Riders on duty of one region, on a flat map around the region's origin.
#[derive(Debug)]
pub struct RiderIndex {
    origin: Place,
    tree: RTree<RiderOnMap>,
    by_id: HashMap<RiderId, RiderOnMap>,
}

impl RiderIndex {
    /// An empty index; `origin` should lie within some tens of kilometres of its riders.
    pub fn new(origin: Place) -> Self {
        Self { origin, tree: RTree::new(), by_id: HashMap::new() }
    }

    /// Puts a rider on the map or moves him; returns what was known of him before.
    pub fn set(
        &mut self,
        rider_id: RiderId,
        place: Place,
        vehicle: Vehicle,
        free_load: u32,
    ) -> Option<RiderOnMap> {
        let rider = RiderOnMap { rider_id, at: place.flat_from(self.origin), vehicle, free_load };
        let before = self.by_id.insert(rider_id, rider);
        if before == Some(rider) {
            return before;
        }
        if let Some(before) = &before {
            self.tree.remove(before);
        }
        self.tree.insert(rider);
        before
    }

    /// Takes a rider off the map; `None` if he was not on it.
    pub fn remove(&mut self, rider_id: RiderId) -> Option<RiderOnMap> {
        let rider = self.by_id.remove(&rider_id)?;
        self.tree.remove(&rider);
        Some(rider)
    }

    /// What is known of one rider.
    pub fn get(&self, rider_id: RiderId) -> Option<&RiderOnMap> {
        self.by_id.get(&rider_id)
    }

    /// How many riders are on the map.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether nobody is on the map.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// All riders, the nearest to `place` first, each with his straight line in metres.
    ///
    /// Lazy: taking the first ten of a hundred thousand costs microseconds.
    pub fn nearest(&self, place: Place) -> impl Iterator<Item = (&RiderOnMap, f64)> {
        let point = place.flat_from(self.origin);
        self.tree
            .nearest_neighbor_iter_with_distance_2(point)
            .map(|(it, square)| (it, square.sqrt()))
    }

    /// Riders within `radius_m` metres of `place`, in no particular order.
    pub fn within(&self, place: Place, radius_m: f64) -> impl Iterator<Item = &RiderOnMap> {
        let point = place.flat_from(self.origin);
        self.tree.locate_within_distance(point, radius_m * radius_m)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn riders_come_nearest_first_and_move() {
        let centre = Place::new(31.2, 121.5).unwrap();
        let mut index = RiderIndex::new(centre);
        let riders: Vec<RiderId> = (0..20).map(|_| RiderId::generate()).collect();
        for (i, rider) in riders.iter().enumerate() {
            index.set(*rider, centre.offset(100.0 * i as f64, 0.0), Vehicle::Bike, 3);
        }
        index.set(riders[19], centre.offset(10.0, 0.0), Vehicle::Bike, 3);
        index.remove(riders[0]);
        let found: Vec<RiderId> = index.nearest(centre).map(|(it, _)| it.rider_id).collect();
        assert_eq!(found[..3], [riders[19], riders[1], riders[2]]);
        assert_eq!((found.len(), index.len()), (19, 19));
        assert_eq!(index.within(centre, 250.0).count(), 3);
        assert!(index.get(riders[0]).is_none());
    }

    #[test]
    fn a_rider_is_on_the_map_once_however_often_he_reports() {
        let centre = Place::new(48.1, 11.6).unwrap();
        let mut index = RiderIndex::new(centre);
        let rider = RiderId::generate();
        for i in 0..1_000 {
            index.set(rider, centre.offset(f64::from(i % 7), f64::from(i % 11)), Vehicle::Car, 8);
        }
        assert_eq!(index.nearest(centre).count(), 1);
    }
}
