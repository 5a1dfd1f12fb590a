//! Travel times of the live side: measured on roads where they were, by the straight line elsewhere, and
//! both corrected by what finished legs took.

use std::sync::Arc;

use crate::{
    geo::Place,
    pace::{Basis, Factors},
    travel::{Spot, TravelTimes, Vehicle},
};

/// Ends nearer to each other than this are reckoned by the straight line, in metres: places are
/// rounded before they are measured.
pub const NEAR_M: f64 = 200.0;
/// A time that needs more than this is nonsense, in metres of straight line a second.
pub const SPEED_MAX_M_PER_S: f64 = 50.0;
/// A longer time on a road is nonsense, in milliseconds: a day.
pub const LEG_MAX_MS: i64 = 86_400_000;
/// No row and no column: a spot that was not measured.
pub const UNMEASURED: u32 = u32::MAX;

/// What stands in a table where nothing was measured.
const UNKNOWN: i32 = -1;

/// A measured time that can be believed; `None` for nonsense.
pub fn believable(ms: i64, metres: f64) -> Option<i64> {
    let is_possible = ms as f64 * SPEED_MAX_M_PER_S >= metres * 1_000.0;
    ((0..=LEG_MAX_MS).contains(&ms) && is_possible).then_some(ms)
}

/// Times between places of one profile of roads: from all of them, to the first of them.
#[derive(Debug, Clone, PartialEq)]
pub struct RoadTable {
    n_rows: usize,
    n_columns: usize,
    times: Vec<i32>,
    /// The least time for a metre of straight line, in milliseconds.
    pace_min: f64,
}

impl RoadTable {
    /// Measures from all `places` to the first `n_columns` of them; `time` says nothing for what it
    /// does not know. What is not believable is left out.
    pub fn new(
        places: &[Place],
        n_columns: usize,
        mut time: impl FnMut(usize, usize) -> Option<i64>,
    ) -> Self {
        let n_columns = n_columns.min(places.len());
        let mut times = Vec::with_capacity(places.len() * n_columns);
        let mut pace_min = f64::INFINITY;
        for (row, from) in places.iter().enumerate() {
            for (column, to) in places[..n_columns].iter().enumerate() {
                let metres = from.metres_to(*to);
                let known = if row == column || metres < NEAR_M { None } else { time(row, column) };
                let known = known.and_then(|ms| believable(ms, metres));
                if let Some(ms) = known {
                    pace_min = pace_min.min(ms as f64 / metres);
                }
                times.push(known.and_then(|ms| i32::try_from(ms).ok()).unwrap_or(UNKNOWN));
            }
        }
        Self { n_rows: places.len(), n_columns, times, pace_min }
    }

    fn get(&self, from: u32, to: u32) -> Option<i64> {
        let (row, column) = (from as usize, to as usize);
        if row >= self.n_rows || column >= self.n_columns {
            return None;
        }
        let ms = self.times[row * self.n_columns + column];
        (ms != UNKNOWN).then_some(i64::from(ms))
    }
}

/// The travel times that the live dispatcher plans on and that estimates are made of.
#[derive(Debug, Clone, Default)]
pub struct LiveTravel {
    /// By vehicle: times on roads, if any were measured.
    pub tables: [Option<Arc<RoadTable>>; Vehicle::ALL.len()],
    /// What finished legs took, over what was estimated.
    pub factors: Factors,
}

impl LiveTravel {
    /// The estimate without any factor, and what it came from.
    pub fn estimate(&self, from: Spot, to: Spot, vehicle: Vehicle) -> (i64, Basis) {
        let metres = from.metres_to(to);
        let table = self.tables[vehicle as usize].as_ref().filter(|_| metres >= NEAR_M);
        match table.and_then(|it| it.get(from.index, to.index)) {
            Some(ms) => (ms, Basis::Road),
            None => (vehicle.ride_ms(metres), Basis::Straight),
        }
    }
}

impl TravelTimes for LiveTravel {
    fn time(&self, from: Spot, to: Spot, vehicle: Vehicle) -> i64 {
        let (ms, basis) = self.estimate(from, to, vehicle);
        (ms as f64 * self.factors.of(basis, vehicle)).ceil() as i64
    }

    fn time_at_least(&self, metres: f64, vehicle: Vehicle) -> i64 {
        let factor = |basis| self.factors.of(basis, vehicle);
        let straight = vehicle.ride_ms(metres) as f64 * factor(Basis::Straight);
        let measured = self.tables[vehicle as usize].as_ref();
        let road = measured.map_or(f64::INFINITY, |it| it.pace_min * metres * factor(Basis::Road));
        // The flat map and the great circle differ by less than this within a city.
        (straight.min(road * 0.99)).floor() as i64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places(metres_east: &[f64]) -> Vec<Place> {
        let centre = Place::new(31.2, 121.5).unwrap();
        metres_east.iter().map(|east| centre.offset(*east, 0.0)).collect()
    }

    fn spots(places: &[Place]) -> Vec<Spot> {
        let spot = |(index, it): (u32, &Place)| Spot { index, at: it.flat_from(places[0]) };
        (0..).zip(places).map(spot).collect()
    }

    fn given(
        places: &[Place],
        n: usize,
        time: impl FnMut(usize, usize) -> Option<i64>,
    ) -> LiveTravel {
        let table = Some(Arc::new(RoadTable::new(places, n, time)));
        LiveTravel { tables: [None, None, None, table], factors: Factors::default() }
    }

    #[test]
    fn measured_legs_win_and_all_others_are_straight() {
        let places = places(&[0.0, 2_000.0, 4_000.0, 4_100.0]);
        let known = |from, to| (from != 2 || to != 1).then_some(500_000 + to as i64);
        let travel = given(&places, 2, known);
        let at = spots(&places);
        assert_eq!(travel.time(at[0], at[1], Vehicle::Car), 500_001);
        assert_eq!(travel.time(at[3], at[1], Vehicle::Car), 500_001);
        let straight = [(at[2], at[1]), (at[1], at[2]), (at[2], at[3])];
        for (from, to) in straight {
            let metres = from.metres_to(to);
            assert_eq!(travel.time(from, to, Vehicle::Car), Vehicle::Car.ride_ms(metres));
            assert_eq!(travel.estimate(from, to, Vehicle::Car).1, Basis::Straight);
        }
        let walk = travel.time(at[0], at[1], Vehicle::Walk);
        assert_eq!(walk, Vehicle::Walk.ride_ms(at[0].metres_to(at[1])), "no table for walkers");
        let unmeasured = Spot { index: UNMEASURED, ..at[0] };
        assert_eq!(travel.estimate(unmeasured, at[1], Vehicle::Car).1, Basis::Straight);
        assert_eq!(travel.time(at[1], at[1], Vehicle::Car), 0);
    }

    #[test]
    fn nonsense_is_not_believed() {
        let places = places(&[0.0, 2_000.0]);
        for nonsense in [-1, 0, 39_000, LEG_MAX_MS + 1, i64::MAX] {
            let travel = given(&places, 2, |_, _| Some(nonsense));
            let (from, to) = (spots(&places)[0], spots(&places)[1]);
            assert_eq!(travel.estimate(from, to, Vehicle::Car).1, Basis::Straight, "{nonsense}");
        }
        assert_eq!(believable(41_000, 2_000.0), Some(41_000));
    }

    #[test]
    fn factors_hold_for_their_vehicle_and_basis() {
        let places = places(&[0.0, 2_000.0]);
        let mut travel = given(&places, 2, |_, _| Some(400_000));
        travel.factors.set(Basis::Road, Vehicle::Car, 1.5);
        travel.factors.set(Basis::Straight, Vehicle::Bike, 2.0);
        let at = spots(&places);
        assert_eq!(travel.time(at[0], at[1], Vehicle::Car), 600_000);
        let bike = Vehicle::Bike.ride_ms(at[0].metres_to(at[1]));
        assert_eq!(travel.time(at[0], at[1], Vehicle::Bike), bike * 2);
        assert_eq!(travel.estimate(at[0], at[1], Vehicle::Bike).0, bike);
    }

    proptest! {
        #[test]
        fn no_leg_is_quicker_than_the_least(
            east in prop::collection::vec(-20_000.0..20_000.0_f64, 2..7),
            times in prop::collection::vec(prop::option::of(0..5_000_000_i64), 49),
            factor in (0.5..2.5_f64, 0.5..2.5_f64),
        ) {
            let places = places(&east);
            let mut travel = given(&places, places.len(), |a, b| times[a * 7 + b]);
            travel.factors.set(Basis::Road, Vehicle::Car, factor.0);
            travel.factors.set(Basis::Straight, Vehicle::Car, factor.1);
            let at = spots(&places);
            for from in &at {
                for to in &at {
                    let time = travel.time(*from, *to, Vehicle::Car);
                    let least = travel.time_at_least(from.metres_to(*to), Vehicle::Car);
                    prop_assert!(0 <= least && least <= time, "{least} {time}");
                }
            }
        }
    }
}
