//! Travel times between places, behind one trait.
//!
//! All times are whole numbers. The live side counts milliseconds; a plan file counts seconds. Who makes
//! the implementation chooses the unit, and everything that is computed from it keeps that unit.

use crate::{geo::Place, text_enum::text_enum};

text_enum! {
    /// What a rider moves with.
    pub enum Vehicle {
        /// On foot.
        Walk => "walk",
        /// A bicycle without a motor.
        Bike => "bike",
        /// A scooter or an e-bike.
        Scooter => "scooter",
        /// A car.
        Car => "car",
    }
}

impl Vehicle {
    /// Usual speed on the road in a city, in metres per second, lights and corners included.
    pub const fn speed_m_per_s(self) -> f64 {
        match self {
            Self::Walk => 1.3,
            Self::Bike => 4.2,
            Self::Scooter => 6.0,
            Self::Car => 7.0,
        }
    }

    /// How many metres of road one metre of straight line costs.
    pub const fn detour(self) -> f64 {
        match self {
            Self::Walk => 1.2,
            Self::Bike | Self::Scooter => 1.3,
            Self::Car => 1.4,
        }
    }

    /// Longest straight line from store to drop-off that suits this vehicle, in metres.
    pub const fn reach_m(self) -> f64 {
        match self {
            Self::Walk => 1_500.0,
            Self::Bike => 5_000.0,
            Self::Scooter => 10_000.0,
            Self::Car => 25_000.0,
        }
    }

    /// Milliseconds for a straight line of `metres`, rounded up.
    pub fn ride_ms(self, metres: f64) -> i64 {
        whole_steps(metres * self.detour(), self.speed_m_per_s() / 1_000.0)
    }
}

/// A place as the planners see it: a row of a travel table and a point on a flat map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// Row and column in a [`Matrix`], or index of a place in [`GreatCircle`]; else unused.
    pub index: u32,
    /// Metres east and north on the region's flat map.
    pub at: [f64; 2],
}

impl Spot {
    /// Straight line to `other`, in metres.
    pub fn metres_to(self, other: Self) -> f64 {
        (self.at[0] - other.at[0]).hypot(self.at[1] - other.at[1])
    }
}

/// How long a leg takes.
pub trait TravelTimes {
    /// Time from one spot to another; never negative, zero from a spot to itself.
    fn time(&self, from: Spot, to: Spot, vehicle: Vehicle) -> i64;

    /// A lower bound for any leg whose ends are `metres` apart; zero if nothing is known.
    fn time_at_least(&self, metres: f64, vehicle: Vehicle) -> i64;
}

impl<T: TravelTimes + ?Sized> TravelTimes for &T {
    fn time(&self, from: Spot, to: Spot, vehicle: Vehicle) -> i64 {
        (**self).time(from, to, vehicle)
    }

    fn time_at_least(&self, metres: f64, vehicle: Vehicle) -> i64 {
        (**self).time_at_least(metres, vehicle)
    }
}

/// Straight line on the flat map, times the vehicle's detour, at its speed. Milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrowFlies;

impl TravelTimes for CrowFlies {
    fn time(&self, from: Spot, to: Spot, vehicle: Vehicle) -> i64 {
        vehicle.ride_ms(from.metres_to(to))
    }

    fn time_at_least(&self, metres: f64, vehicle: Vehicle) -> i64 {
        vehicle.ride_ms(metres)
    }
}

/// Great circle between places by latitude and longitude, times the vehicle's detour. Milliseconds.
#[derive(Clone, Debug, Default)]
pub struct GreatCircle {
    /// The places that [`Spot::index`] counts.
    pub places: Vec<Place>,
}

impl TravelTimes for GreatCircle {
    fn time(&self, from: Spot, to: Spot, vehicle: Vehicle) -> i64 {
        match (self.places.get(from.index as usize), self.places.get(to.index as usize)) {
            (Some(a), Some(b)) => vehicle.ride_ms(a.metres_to(*b)),
            _ => vehicle.ride_ms(from.metres_to(to)),
        }
    }

    fn time_at_least(&self, metres: f64, vehicle: Vehicle) -> i64 {
        // The flat map bends distances by less than this within a city.
        vehicle.ride_ms(metres * 0.99)
    }
}

/// Straight line on the flat map in whole steps, whatever the vehicle: the rule of recorded days.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stepped {
    /// Metres covered in one step.
    pub metres_per_step: f64,
    /// Length of a step in the caller's unit (60 000 for whole minutes in milliseconds).
    pub step: i64,
}

impl Stepped {
    /// Time for a straight line of `metres`: started steps count whole.
    pub fn for_metres(self, metres: f64) -> i64 {
        whole_steps(metres, self.metres_per_step) * self.step
    }
}

impl TravelTimes for Stepped {
    fn time(&self, from: Spot, to: Spot, _vehicle: Vehicle) -> i64 {
        self.for_metres(from.metres_to(to))
    }

    fn time_at_least(&self, metres: f64, _vehicle: Vehicle) -> i64 {
        self.for_metres(metres)
    }
}

/// Explicit times between spots by their index, for every vehicle the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    n: usize,
    times: Vec<i64>,
}

/// The numbers do not make a square table of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
    /// Not `n` times `n` numbers.
    #[error("{n} places need {} times, found {found}", .n * .n)]
    NotSquare {
        /// How many places.
        n: usize,
        /// How many times were given.
        found: usize,
    },
    /// A time below zero.
    #[error("the time from place {from} to place {to} is negative")]
    Negative {
        /// Row.
        from: usize,
        /// Column.
        to: usize,
    },
}

impl Matrix {
    /// A table of `n` rows, one row after the other.
    ///
    /// # Errors
    ///
    /// [`MatrixError`] if the table is not square or holds a negative time.
    pub fn new(n: usize, times: Vec<i64>) -> Result<Self, MatrixError> {
        if times.len() != n * n {
            return Err(MatrixError::NotSquare { n, found: times.len() });
        }
        match times.iter().position(|time| *time < 0) {
            Some(at) => Err(MatrixError::Negative { from: at / n, to: at % n }),
            None => Ok(Self { n, times }),
        }
    }

    /// The table of one vehicle between `spots`, in their order.
    pub fn between(spots: &[Spot], travel: &impl TravelTimes, vehicle: Vehicle) -> Self {
        let row = |from: &Spot| {
            let from = *from;
            spots.iter().map(move |to| travel.time(from, *to, vehicle).max(0))
        };
        Self { n: spots.len(), times: spots.iter().flat_map(row).collect() }
    }

    /// How many places it knows.
    pub const fn len(&self) -> usize {
        self.n
    }

    /// Whether it knows no place at all.
    pub const fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Time from row `from` to column `to`; zero for a place it does not know.
    pub fn get(&self, from: usize, to: usize) -> i64 {
        if from < self.n && to < self.n { self.times[from * self.n + to] } else { 0 }
    }
}

impl TravelTimes for Matrix {
    fn time(&self, from: Spot, to: Spot, _vehicle: Vehicle) -> i64 {
        self.get(from.index as usize, to.index as usize)
    }

    fn time_at_least(&self, _metres: f64, _vehicle: Vehicle) -> i64 {
        0
    }
}

/// How many steps of `per_step` metres are started by `metres`.
fn whole_steps(metres: f64, per_step: f64) -> i64 {
    // The small amount forgives what floating point adds to an exact quotient.
    (metres / per_step - 1e-9).ceil().max(0.0) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(x: f64, y: f64) -> Spot {
        Spot { index: 0, at: [x, y] }
    }

    #[test]
    fn a_started_minute_counts_whole_and_a_full_one_once() {
        let minutes = Stepped { metres_per_step: 320.0, step: 60_000 };
        for (metres, expected) in [(0.0, 0), (1.0, 1), (320.0, 1), (320.5, 2), (960.0, 3)] {
            let time = minutes.time(spot(0.0, 0.0), spot(metres, 0.0), Vehicle::Car);
            assert_eq!(time, expected * 60_000, "{metres} m");
        }
    }

    #[test]
    fn the_flat_map_and_the_great_circle_agree_in_a_city() {
        let centre = Place::new(31.2, 121.5).unwrap();
        let places = vec![centre, centre.offset(3_000.0, 4_000.0)];
        let spots =
            [0, 1].map(|i: u32| Spot { index: i, at: places[i as usize].flat_from(centre) });
        for vehicle in Vehicle::ALL {
            let flat = CrowFlies.time(spots[0], spots[1], *vehicle);
            let round = GreatCircle { places: places.clone() }.time(spots[0], spots[1], *vehicle);
            assert!((flat - round).abs() * 500 < flat, "{vehicle}: {flat} ms and {round} ms");
        }
    }

    #[test]
    fn a_table_must_be_square_and_never_negative() {
        assert_eq!(Matrix::new(2, vec![0; 3]), Err(MatrixError::NotSquare { n: 2, found: 3 }));
        let negative = Matrix::new(2, vec![0, 1, -1, 0]);
        assert_eq!(negative, Err(MatrixError::Negative { from: 1, to: 0 }));
    }

    #[test]
    fn a_faster_vehicle_is_never_slower_and_reaches_further() {
        for pair in Vehicle::ALL.windows(2) {
            assert!(pair[0].ride_ms(2_000.0) > pair[1].ride_ms(2_000.0));
            assert!(pair[0].reach_m() < pair[1].reach_m());
        }
    }
}
