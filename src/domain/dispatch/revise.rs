//! Second thoughts: offers that another rider has overtaken, and routes in a better order.

use super::{
    candidates::Candidates,
    prices::Prices,
    snapshot::{Snapshot, Stage, Stop},
    timeline::{self, Timeline},
    tours::Tours,
    weights::MINUTE_MS,
};
use crate::travel::TravelTimes;

/// A delivery that is offered to one rider, and would by now cost much less with another one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overtaken {
    /// What.
    pub delivery: u32,
    /// Who is being asked.
    pub rider: u32,
    /// Who would be better by now.
    pub by: u32,
    /// By how much, in minutes.
    pub gain: f64,
}

/// Which of the `offered` deliveries another rider would take for at least `gain_min` minutes less.
///
/// Everybody keeps what he is bound to; deliveries that nobody is bound to do not count.
pub fn overtaken<T: TravelTimes>(
    snapshot: &Snapshot<T>,
    now: i64,
    offered: &[u32],
    gain_min: f64,
) -> Vec<Overtaken> {
    let prices = Prices::of(snapshot, now);
    let is_bound_here = timeline::bound_here(snapshot);
    let timeline = Timeline { snapshot, now, prices: &prices, is_bound_here: &is_bound_here };
    let mut tours = Tours::new(timeline);
    for rider in 0..snapshot.riders.len() as u32 {
        tours.remove(rider, |it| snapshot.deliveries[it as usize].stage == Stage::Movable);
    }
    let mut found = Vec::new();
    for delivery in offered.iter().copied() {
        let Stage::Committed(rider) = snapshot.deliveries[delivery as usize].stage else {
            continue;
        };
        tours.mark();
        tours.remove(rider, |it| it == delivery);
        // He stands at the store for it: it cannot be taken out.
        if tours.rider_of[delivery as usize].is_none() {
            let his = tours.best_insertion(rider, delivery, f64::INFINITY);
            let others = Candidates::new(&tours).for_delivery(&mut tours, delivery, 2);
            let best = others.into_iter().find(|(other, _)| *other != rider);
            if let (Some(his), Some((by, cost))) = (his, best) {
                let gain = (his.added - cost) / MINUTE_MS as f64;
                if gain >= gain_min {
                    found.push(Overtaken { delivery, rider, by, gain });
                }
            }
        }
        tours.undo();
    }
    found
}

/// Changes the order of the stops that riders are bound to where that gains at least `gain_min` minutes.
/// Where a rider goes next stays as it is.
pub(super) fn reroute<T: TravelTimes>(tours: &mut Tours<'_, T>, gain_min: f64) {
    let snapshot = tours.timeline.snapshot;
    for rider in 0..tours.tours.len() as u32 {
        let before = tours.tours[rider as usize].clone();
        let mut bound: Vec<u32> = before.stops.iter().map(|stop| stop.delivery()).collect();
        bound.retain(|it| snapshot.deliveries[*it as usize].stage != Stage::Movable);
        bound.sort_unstable();
        bound.dedup();
        if bound.len() < 2 {
            continue;
        }
        tours.mark();
        for delivery in bound {
            put_anew(tours, rider, delivery);
        }
        let after = &tours.tours[rider as usize];
        let is_worth_it = before.cost - after.cost >= gain_min * MINUTE_MS as f64;
        let goes_on = after.stops.first() == before.stops.first();
        let is_whole = after.stops.len() == before.stops.len();
        if !(is_worth_it && goes_on && is_whole) {
            tours.undo();
        }
    }
}

/// Takes one delivery out of a route and puts it where it is cheapest.
fn put_anew<T: TravelTimes>(tours: &mut Tours<'_, T>, rider: u32, delivery: u32) {
    let stops: Vec<Stop> = tours.tours[rider as usize].stops.clone();
    tours.remove(rider, |it| it == delivery);
    if tours.rider_of[delivery as usize].is_some() {
        return;
    }
    match tours.best_insertion(rider, delivery, f64::INFINITY) {
        Some(place) => tours.insert(rider, delivery, place),
        None => drop(tours.set_stops(rider, stops)),
    }
}
