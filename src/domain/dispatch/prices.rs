//! What riders are worth at the moment: the part of the objective that looks ahead.

use super::{
    snapshot::{Demand, Rider, Snapshot},
    weights::MINUTE_MS,
};
use crate::travel::{Spot, TravelTimes, Vehicle};

/// Riders who are free within this time count as being there.
const SOON_MS: i64 = 60 * MINUTE_MS;
/// So many open deliveries a rider are usual: then a minute of his time has its plain price.
const USUAL_DELIVERIES: f64 = 2.0 / 3.0;
/// The price of a rider's minute stays within these multiples of the plain one.
const SCARCITY: (f64, f64) = (0.1, 10.0);
/// The outlook from a drop-off is counted for everybody as for this vehicle.
const OUTLOOK_VEHICLE: Vehicle = Vehicle::Scooter;

/// Prices that hold for one cycle.
pub(super) struct Prices {
    /// A millisecond of a rider's time. Where riders are scarce, somebody else waits for it.
    pub(super) rider_busy: f64,
    /// Per delivery: the outlook of a rider who has just handed it over.
    pub(super) outlook: Vec<f64>,
}

impl Prices {
    pub(super) fn of<T: TravelTimes>(snapshot: &Snapshot<T>, now: i64) -> Self {
        let is_here = |it: &&Rider| {
            it.free_at <= now + SOON_MS && it.shift_ends_at.is_none_or(|end| end > now)
        };
        let n_riders = snapshot.riders.iter().filter(is_here).count().max(1);
        let per_rider = snapshot.deliveries.len() as f64 / n_riders as f64;
        let scarcity = (per_rider / USUAL_DELIVERIES).powi(2).clamp(SCARCITY.0, SCARCITY.1);
        let drop_offs = snapshot.deliveries.iter().map(|it| it.drop_off);
        Self {
            rider_busy: snapshot.weights.rider_busy * scarcity,
            outlook: drop_offs.map(|at| outlook(snapshot, at, OUTLOOK_VEHICLE)).collect(),
        }
    }
}

/// Expected ride from a place to the next orders, in milliseconds; zero if nothing is expected.
pub(super) fn outlook<T: TravelTimes>(snapshot: &Snapshot<T>, at: Spot, vehicle: Vehicle) -> f64 {
    let all: f64 = snapshot.demand.iter().map(|it| it.share).sum();
    let ride = |it: &Demand| it.share * snapshot.travel.time(at, it.at, vehicle) as f64;
    if all > 0.0 { snapshot.demand.iter().map(ride).sum::<f64>() / all } else { 0.0 }
}
