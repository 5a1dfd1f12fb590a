//! Riders by position: an R-tree that says who is nearest, and takes many reports a second.
//!
//! Most reports move a rider by a few metres. The tree keeps him where it has him until he is farther than
//! [`SLACK_M`] from there; a question looks that much farther, and compares the true places. So the answers
//! are exact, and most reports touch no tree.

use std::collections::HashMap;

use rstar::{AABB, PointDistance, RTree, RTreeObject};

use crate::{
    geo::{EARTH_RADIUS_M, Place},
    ids::RiderId,
};

/// How far a rider may be from where the tree has him, in metres.
pub const SLACK_M: f64 = 60.0;

/// A point on the globe, in metres from its middle: no map, so no place where it ends.
type Point = [f64; 3];

/// Where the tree has a rider.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pin {
    rider_id: RiderId,
    at: Point,
}

impl RTreeObject for Pin {
    type Envelope = AABB<Point>;

    fn envelope(&self) -> Self::Envelope {
        AABB::from_point(self.at)
    }
}

impl PointDistance for Pin {
    fn distance_2(&self, point: &Point) -> f64 {
        square(&self.at, point)
    }
}

#[derive(Clone, Copy, Debug)]
struct Known {
    at: Point,
    pinned: Point,
}

/// Riders by position.
#[derive(Debug, Default)]
pub struct RiderIndex {
    tree: RTree<Pin>,
    by_id: HashMap<RiderId, Known>,
}

impl RiderIndex {
    /// Puts a rider on the map or moves him.
    pub fn set(&mut self, rider_id: RiderId, place: Place) {
        let at = point(place);
        if let Some(known) = self.by_id.get_mut(&rider_id) {
            known.at = at;
            if square(&known.pinned, &at) <= SLACK_M * SLACK_M {
                return;
            }
            self.tree.remove(&Pin { rider_id, at: known.pinned });
            known.pinned = at;
        } else {
            self.by_id.insert(rider_id, Known { at, pinned: at });
        }
        self.tree.insert(Pin { rider_id, at });
    }

    /// Takes a rider off the map; `false` if he was not on it.
    pub fn remove(&mut self, rider_id: RiderId) -> bool {
        let Some(known) = self.by_id.remove(&rider_id) else { return false };
        self.tree.remove(&Pin { rider_id, at: known.pinned });
        true
    }

    /// How many riders are on the map.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether nobody is on the map.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The `n` riders nearest to `place`, the nearest first, each with his straight line in metres.
    pub fn nearest(&self, place: Place, n: usize) -> Vec<(RiderId, f64)> {
        let from = point(place);
        let mut found: Vec<(RiderId, f64)> = Vec::with_capacity(n + 1);
        for (pin, pinned_2) in self.tree.nearest_neighbor_iter_with_distance_2(from) {
            let worst =
                if found.len() < n { f64::INFINITY } else { found.last().map_or(0.0, |it| it.1) };
            if pinned_2.sqrt() - SLACK_M > worst {
                break;
            }
            let Some(known) = self.by_id.get(&pin.rider_id) else { continue };
            let metres = square(&known.at, &from).sqrt();
            if metres < worst {
                let at = found.partition_point(|it| it.1 <= metres);
                found.insert(at, (pin.rider_id, metres));
                found.truncate(n);
            }
        }
        found
    }
}

fn point(place: Place) -> Point {
    let (lat, lng) = (place.lat().to_radians(), place.lng().to_radians());
    let ring = EARTH_RADIUS_M * lat.cos();
    [ring * lng.cos(), ring * lng.sin(), EARTH_RADIUS_M * lat.sin()]
}

fn square(a: &Point, b: &Point) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn riders_come_nearest_first_and_move() {
        let centre = Place::new(31.2, 121.5).unwrap();
        let mut index = RiderIndex::default();
        let riders: Vec<RiderId> = (0..20).map(|_| RiderId::generate()).collect();
        for (i, rider) in riders.iter().enumerate() {
            index.set(*rider, centre.offset(100.0 * i as f64, 0.0));
        }
        index.set(riders[19], centre.offset(10.0, 0.0));
        assert!(index.remove(riders[0]) && !index.remove(riders[0]));
        let found: Vec<RiderId> = index.nearest(centre, 3).iter().map(|it| it.0).collect();
        assert_eq!(found, [riders[19], riders[1], riders[2]]);
        assert_eq!((index.nearest(centre, 99).len(), index.len()), (19, 19));
        assert_eq!(index.nearest(centre, 0), []);
    }

    #[test]
    fn neither_the_date_line_nor_a_pole_is_a_wall() {
        for (lat, lng) in [(0.0, 180.0), (89.999, 10.0), (-45.0, -179.999)] {
            let centre = Place::new(lat, lng).unwrap();
            let mut index = RiderIndex::default();
            let (near, far) = (RiderId::generate(), RiderId::generate());
            index.set(near, Place::new(lat, -lng).unwrap());
            index.set(far, Place::new(lat - 1.0, lng).unwrap());
            let found = index.nearest(centre, 2);
            assert!(found[0].0 == near && found[0].1 < 1_000.0, "{found:?}");
            assert!((found[1].1 - 111_195.0).abs() < 5.0, "{found:?}");
        }
    }

    proptest! {
        #[test]
        fn answers_are_those_of_looking_at_everybody(
            moves in prop::collection::vec((0..30_usize, -900.0..900.0_f64, -900.0..900.0_f64, 0..9_u8), 1..400),
            n in 0..12_usize,
        ) {
            let centre = Place::new(48.1, 11.6).unwrap();
            let riders: Vec<RiderId> = (0..30).map(|_| RiderId::generate()).collect();
            let (mut index, mut places) = (RiderIndex::default(), HashMap::new());
            for (who, x, y, what) in moves {
                let rider = riders[who];
                // Most move a little, some far, a few leave.
                let place = match (what, places.get(&rider)) {
                    (0, _) => { index.remove(rider); places.remove(&rider); continue }
                    (1..=2, _) | (_, None) => centre.offset(x, y),
                    (_, Some(place)) => Place::offset(*place, x / 40.0, y / 40.0),
                };
                index.set(rider, place);
                places.insert(rider, place);
            }
            let mut all: Vec<f64> = places.values().map(|it| it.metres_to(centre)).collect();
            all.sort_by(f64::total_cmp);
            all.truncate(n);
            let found = index.nearest(centre, n);
            prop_assert_eq!(found.len(), all.len());
            for ((rider, metres), expected) in found.into_iter().zip(all) {
                prop_assert!((metres - expected).abs() < 0.01);
                prop_assert!((places[&rider].metres_to(centre) - metres).abs() < 0.01);
            }
        }
    }
}
