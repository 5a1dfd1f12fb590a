//! What cannot wait: which planned deliveries must be given to their riders now, and when each sets out.

use super::{
    candidates::Candidates,
    decision::{Decision, Route, Why},
    instant::{others, times},
    snapshot::{Stage, Stop},
    tours::Tours,
    weights::MINUTE_MS,
};
use crate::travel::TravelTimes;

/// So many riders are named as candidates in an explanation.
const RIDERS_COMPARED: usize = 8;

/// The rider's next visit to a store, if that is the first thing he does.
struct NextVisit {
    /// Deliveries taken there and the last moment to act for each without making it wait.
    deliveries: Vec<(u32, i64)>,
    /// Whether he is there already or on his way.
    is_going_on: bool,
}

/// Looks at the pickups with which a tour begins.
fn next_visit<T: TravelTimes>(tours: &Tours<'_, T>, rider: u32) -> Option<NextVisit> {
    let tour = &tours.tours[rider as usize];
    let snapshot = tours.timeline.snapshot;
    let Some(Stop::Pickup(first)) = tour.stops.first().copied() else { return None };
    let store = tours.delivery(first).store;
    let it = &snapshot.riders[rider as usize];
    let is_going_on = it.visit.is_some_and(|visit| visit.store == store);
    let start = tour.progress[0];
    let leg = snapshot.travel.time(start.at, tours.delivery(first).pickup, it.vehicle);
    let mut deliveries = Vec::new();
    for (i, stop) in tour.stops.iter().enumerate() {
        let Stop::Pickup(delivery) = *stop else { break };
        if tours.delivery(delivery).store != store {
            break;
        }
        let act_at = if is_going_on {
            tour.progress[i + 1].done_at
        } else {
            let on_the_way = leg + snapshot.service.before_pickup_ms;
            start.time.max(tours.delivery(delivery).ready_at - on_the_way)
        };
        deliveries.push((delivery, act_at));
    }
    Some(NextVisit { deliveries, is_going_on })
}

/// Commits what must start within the lead time; everything else stays movable.
pub(super) fn due_now<T: TravelTimes>(tours: &mut Tours<'_, T>) -> Vec<Decision> {
    let until = tours.timeline.now + tours.timeline.snapshot.lead_ms;
    let mut due = Vec::new();
    for rider in 0..tours.tours.len() as u32 {
        let Some(visit) = next_visit(tours, rider) else { continue };
        for (delivery, act_at) in visit.deliveries {
            if act_at <= until && tours.delivery(delivery).stage == Stage::Movable {
                due.push((rider, delivery));
            }
        }
    }
    if due.is_empty() {
        return Vec::new();
    }
    let tree = Candidates::new(tours);
    due.into_iter()
        .map(|(rider, delivery)| {
            let (pickup_at, drop_at) = times(tours, rider, delivery);
            let why = explain(tours, &tree, rider, delivery);
            Decision { delivery, rider, pickup_at, drop_at, why }
        })
        .collect()
}

/// Compares the chosen rider with what the others would cost, their plans being what they are.
fn explain<T: TravelTimes>(
    tours: &mut Tours<'_, T>,
    tree: &Candidates,
    rider: u32,
    delivery: u32,
) -> Why {
    let cost = tours.share(rider, delivery) / MINUTE_MS as f64;
    let found = tree.for_delivery(tours, delivery, RIDERS_COMPARED);
    let n_candidates = found.len().max(1) as u32;
    Why { n_candidates, cost, others: others(&found, rider) }
}

/// Everybody's stops, and when to set out for the first.
pub(super) fn routes<T: TravelTimes>(tours: &Tours<'_, T>) -> Vec<Route> {
    let route = |rider: u32| {
        let tour = &tours.tours[rider as usize];
        let leave_at = match next_visit(tours, rider) {
            Some(visit) if visit.is_going_on => None,
            Some(visit) => visit.deliveries.iter().map(|(_, act_at)| *act_at).min(),
            None => tour.stops.first().map(|_| tour.progress[0].time),
        };
        Route { stops: tour.stops.clone(), leave_at }
    };
    (0..tours.tours.len() as u32).map(route).collect()
}
