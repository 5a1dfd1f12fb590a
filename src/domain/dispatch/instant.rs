//! The instant policy: each delivery goes at once to the rider whose route it lengthens least.

use super::{
    candidates::Candidates,
    decision::{Decision, OTHERS_MAX, Why},
    snapshot::{Stage, Stop},
    tours::Tours,
    weights::MINUTE_MS,
};
use crate::travel::TravelTimes;

/// Gives away all movable deliveries, those waiting longest first.
pub(super) fn assign<T: TravelTimes>(tours: &mut Tours<'_, T>) -> Vec<Decision> {
    let snapshot = tours.timeline.snapshot;
    let is_waiting = |it: &u32| snapshot.deliveries[*it as usize].stage == Stage::Movable;
    let mut waiting: Vec<u32> = (0..snapshot.deliveries.len() as u32).filter(is_waiting).collect();
    waiting.sort_by_key(|it| (snapshot.deliveries[*it as usize].placed_at, *it));
    let mut decisions = Vec::new();
    for delivery in waiting {
        // Nobody is promised anything under this policy before it is decided.
        if let Some(rider) = tours.rider_of[delivery as usize] {
            tours.remove(rider, |it| it == delivery);
        }
        let found = Candidates::new(tours).for_delivery(tours, delivery, usize::MAX);
        let Some((rider, cost)) = found.first().copied() else { continue };
        let Some(place) = tours.best_insertion(rider, delivery, f64::INFINITY) else { continue };
        tours.insert(rider, delivery, place);
        let why = Why {
            n_candidates: found.len() as u32,
            cost: cost / MINUTE_MS as f64,
            others: others(&found, rider),
        };
        let (pickup_at, drop_at) = times(tours, rider, delivery);
        decisions.push(Decision { delivery, rider, pickup_at, drop_at, why });
    }
    decisions
}

/// The best riders but the chosen one, in minutes.
pub(super) fn others(found: &[(u32, f64)], chosen: u32) -> Vec<(u32, f64)> {
    let others = found.iter().filter(|(rider, _)| *rider != chosen);
    others.take(OTHERS_MAX).map(|(rider, cost)| (*rider, cost / MINUTE_MS as f64)).collect()
}

/// When a planned delivery is taken and handed over.
pub(super) fn times<T: TravelTimes>(tours: &Tours<'_, T>, rider: u32, delivery: u32) -> (i64, i64) {
    let tour = &tours.tours[rider as usize];
    let done_at = |stop: Stop| {
        let at = tour.stops.iter().position(|it| *it == stop);
        at.map_or(tours.timeline.now, |at| tour.progress[at + 1].done_at)
    };
    (done_at(Stop::Pickup(delivery)), done_at(Stop::DropOff(delivery)))
}
