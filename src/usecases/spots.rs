//! Which places of a region are measured on roads: all stops that are planned, and the riders near them.

use std::collections::{BTreeSet, HashMap};

use domain::{geo::Place, roads::UNMEASURED, travel::Vehicle};

use crate::roads::{PLACES_MAX, STOPS_MAX, Wanted};

type Bits = (u64, u64);

/// Places and their rows in a table of travel times. Empty if nothing is measured.
#[derive(Debug, Default)]
pub struct Spots {
    wanted: Wanted,
    rows: HashMap<Bits, u32>,
}

impl Spots {
    /// Takes `stops` in, the more urgent first, and then the riders nearest to one of them.
    pub fn new(
        centre: Place,
        stops: impl Iterator<Item = Place>,
        riders: impl Iterator<Item = (Vehicle, Place)>,
    ) -> Self {
        let mut spots = Self::default();
        for place in stops {
            if spots.rows.len() >= STOPS_MAX {
                break;
            }
            spots.add(place);
        }
        spots.wanted.n_stops = spots.wanted.places.len();
        if spots.rows.is_empty() {
            return spots;
        }
        let at: Vec<[f64; 2]> = spots.wanted.places.iter().map(|it| it.flat_from(centre)).collect();
        let to_nearest = |place: Place| {
            let [x, y] = place.flat_from(centre);
            at.iter().map(|it| (it[0] - x).hypot(it[1] - y)).fold(f64::INFINITY, f64::min)
        };
        let riders: Vec<(Vehicle, Place)> = riders.collect();
        let vehicles: BTreeSet<Vehicle> = riders.iter().map(|it| it.0).collect();
        spots.wanted.vehicles = vehicles.into_iter().collect();
        let mut riders: Vec<(f64, Place)> =
            riders.into_iter().map(|it| (to_nearest(it.1), it.1)).collect();
        riders.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, place) in riders {
            if spots.rows.len() >= PLACES_MAX {
                break;
            }
            spots.add(place);
        }
        spots
    }

    fn add(&mut self, place: Place) {
        let next = self.rows.len() as u32;
        if *self.rows.entry(bits(place)).or_insert(next) == next {
            self.wanted.places.push(place);
        }
    }

    /// What is to be measured.
    pub const fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The row of a place.
    pub fn row(&self, place: Place) -> u32 {
        self.rows.get(&bits(place)).copied().unwrap_or(UNMEASURED)
    }
}

const fn bits(place: Place) -> Bits {
    (place.lat().to_bits(), place.lng().to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_come_first_each_once_and_then_the_riders_who_are_near() {
        let centre = Place::new(31.2, 121.5).unwrap();
        let at = |metres: f64| centre.offset(metres, 0.0);
        let stops = [at(0.0), at(900.0), at(0.0)];
        let riders =
            [(Vehicle::Car, at(9_000.0)), (Vehicle::Bike, at(900.0)), (Vehicle::Car, at(50.0))];
        let spots = Spots::new(centre, stops.into_iter(), riders.into_iter());
        assert_eq!(spots.wanted().places, [at(0.0), at(900.0), at(50.0), at(9_000.0)]);
        assert_eq!(spots.wanted().n_stops, 2);
        assert_eq!(spots.wanted().vehicles, [Vehicle::Bike, Vehicle::Car]);
        let rows = [at(900.0), at(9_000.0), at(1.0)].map(|it| spots.row(it));
        assert_eq!(rows, [1, 3, UNMEASURED]);
    }

    #[test]
    fn however_many_there_are_few_are_measured() {
        let centre = Place::new(31.2, 121.5).unwrap();
        let stops = (0..5_000).map(|n| centre.offset(f64::from(n), 0.0));
        let riders = (0..5_000).map(|n| (Vehicle::Car, centre.offset(0.0, f64::from(n) + 1.0)));
        let spots = Spots::new(centre, stops, riders);
        assert_eq!((spots.wanted().n_stops, spots.wanted().places.len()), (STOPS_MAX, PLACES_MAX));
        assert_ne!(spots.row(centre.offset(0.0, 1.0)), UNMEASURED, "the nearest rider");
        assert_eq!(spots.row(centre.offset(0.0, 5_000.0)), UNMEASURED);
    }
}
