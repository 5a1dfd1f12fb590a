//! When a rider is where: the clock work of a route, one stop after the other.

use super::{
    prices::{Prices, outlook},
    snapshot::{Delivery, Rules, Snapshot, Stage, Stop},
    weights::{BROKEN, MINUTE_MS},
};
use crate::travel::{Spot, TravelTimes, Vehicle};

/// No store: the rider is not in a visit.
const NOWHERE: u32 = u32::MAX;
/// A rider whose shift goes on for this long after his route is worth placing well.
const HORIZON_MS: i64 = 60 * MINUTE_MS;

/// A rider at one point of his route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// Where he is.
    pub(super) at: Spot,
    /// When he can leave.
    pub(super) time: i64,
    /// When the last stop was done: the order taken or handed over.
    pub(super) done_at: i64,
    /// Cost so far, in milliseconds of one customer's waiting.
    pub(super) cost: f64,
    pub(super) load: u32,
    /// Expected ride from `at` to the next orders, in milliseconds.
    outlook: f64,
    visit: u32,
    pickup_from: i64,
    /// Bound orders still to be taken before he may leave the first store.
    bound_here: u32,
}

/// The rules of time and cost for one snapshot.
pub(super) struct Timeline<'a, T> {
    pub(super) snapshot: &'a Snapshot<T>,
    pub(super) now: i64,
    pub(super) prices: &'a Prices,
    /// Per delivery: whether its rider must take it before he leaves the store of his present visit.
    pub(super) is_bound_here: &'a [bool],
}

/// Which deliveries riders have set out for, or stand waiting for: the committed ones that lead their routes.
///
/// An empty rider whose route does not say is taken to have set out for all that is his at that store.
pub(super) fn bound_here<T>(snapshot: &Snapshot<T>) -> Vec<bool> {
    let mut is_bound_here = vec![false; snapshot.deliveries.len()];
    for (rider, it) in (0_u32..).zip(&snapshot.riders) {
        let Some(visit) = it.visit else { continue };
        let is_here = |delivery: &u32| {
            let found = snapshot.deliveries.get(*delivery as usize);
            found.is_some_and(|found| {
                found.store == visit.store && found.stage == Stage::Committed(rider)
            })
        };
        let leading = it.stops.iter().map_while(|stop| match *stop {
            Stop::Pickup(delivery) => Some(delivery),
            Stop::DropOff(_) => None,
        });
        let mut bound: Vec<u32> = leading.filter(is_here).collect();
        let is_loaded = snapshot.deliveries.iter().any(|it| it.stage == Stage::OnBoard(rider));
        if bound.is_empty() && !is_loaded {
            bound = (0..snapshot.deliveries.len() as u32).filter(is_here).collect();
        }
        for delivery in bound {
            is_bound_here[delivery as usize] = true;
        }
    }
    is_bound_here
}

impl<T> Clone for Timeline<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Timeline<'_, T> {}

impl<'a, T: TravelTimes> Timeline<'a, T> {
    pub(super) fn delivery(&self, delivery: u32) -> &'a Delivery {
        &self.snapshot.deliveries[delivery as usize]
    }

    /// The rider before his first free stop, with `load` on board and `bound_here` orders that he is bound
    /// to take in the visit that goes on.
    pub(super) fn start(&self, rider: u32, load: u32, bound_here: u32) -> Progress {
        let it = &self.snapshot.riders[rider as usize];
        let time = it.free_at.max(self.now);
        let (visit, pickup_from) = match it.visit {
            Some(visit) => (visit.store, visit.pickup_from.max(self.now)),
            None => (NOWHERE, time),
        };
        let at = it.at;
        let outlook = outlook(self.snapshot, at, it.vehicle);
        Progress {
            at,
            time,
            done_at: time,
            cost: 0.0,
            load,
            outlook,
            visit,
            pickup_from,
            bound_here,
        }
    }

    /// Makes one stop; `None` if the rules forbid it.
    pub(super) fn step(&self, rider: &Moves, from: Progress, stop: Stop) -> Option<Progress> {
        match stop {
            Stop::Pickup(delivery) => self.pick_up(rider, from, delivery),
            Stop::DropOff(delivery) => self.drop_off(rider, from, delivery),
        }
    }

    fn pick_up(&self, rider: &Moves, from: Progress, delivery: u32) -> Option<Progress> {
        let it = self.delivery(delivery);
        let snapshot = self.snapshot;
        let service = &snapshot.service;
        let weights = &snapshot.weights;
        let mut to = from;
        if it.store == from.visit {
            if self.is_bound_here[delivery as usize] {
                to.bound_here = from.bound_here.saturating_sub(1);
            }
        } else {
            if from.bound_here > 0 || (snapshot.rules == Rules::Strict && from.load > 0) {
                return None;
            }
            let leg = snapshot.travel.time(from.at, it.pickup, rider.vehicle);
            to.pickup_from = from.time + leg + service.before_pickup_ms;
            to.visit = it.store;
            to.at = it.pickup;
            to.cost += weights.driving * leg as f64;
        }
        to.done_at = it.ready_at.max(to.pickup_from);
        to.time = to.time.max(to.done_at + service.after_pickup_ms);
        to.cost += weights.food_waiting * (to.done_at - it.ready_at) as f64;
        to.load += it.load;
        if it.stage == Stage::Movable {
            to.cost += rider.handicap;
        }
        if to.load > rider.capacity || to.done_at > rider.shift_ends_at {
            to.cost += BROKEN;
        }
        Some(to)
    }

    fn drop_off(&self, rider: &Moves, from: Progress, delivery: u32) -> Option<Progress> {
        if from.bound_here > 0 {
            return None;
        }
        let it = self.delivery(delivery);
        let snapshot = self.snapshot;
        let leg = snapshot.travel.time(from.at, it.drop_off, rider.vehicle);
        let done_at = from.time + leg + snapshot.service.before_drop_ms;
        let driving = snapshot.weights.driving * leg as f64;
        Some(Progress {
            at: it.drop_off,
            time: done_at + snapshot.service.after_drop_ms,
            done_at,
            cost: from.cost + driving + self.cost_of_delivery(it, done_at),
            load: from.load.saturating_sub(it.load),
            outlook: self.prices.outlook[delivery as usize],
            visit: NOWHERE,
            ..from
        })
    }

    /// What a delivery at `done_at` costs.
    pub(super) fn cost_of_delivery(&self, it: &Delivery, done_at: i64) -> f64 {
        let weights = &self.snapshot.weights;
        let late = (done_at - it.promised_at).max(0) as f64;
        let too_late = (done_at - it.limit_at).max(0) as f64;
        weights.click_to_door * (done_at - it.placed_at) as f64
            + weights.past_promise * late
            + weights.past_limit * too_late
    }

    /// Cost of the whole route that ends at `end`.
    pub(super) fn total(&self, rider: &Moves, end: &Progress) -> f64 {
        let weights = &self.snapshot.weights;
        // Time after the shift is worth nothing, and neither is the place where he ends it.
        let busy_until = end.time.min(rider.shift_ends_at).max(rider.from);
        let shift_left = rider.shift_ends_at.saturating_sub(end.time) as f64;
        end.cost
            + self.prices.rider_busy * (busy_until - rider.from) as f64
            + weights.outlook * end.outlook * (shift_left / HORIZON_MS as f64).clamp(0.0, 1.0)
    }

    /// How a rider moves.
    pub(super) fn moves(&self, rider: u32) -> Moves {
        let it = &self.snapshot.riders[rider as usize];
        Moves {
            vehicle: it.vehicle,
            capacity: it.capacity,
            shift_ends_at: it.shift_ends_at.unwrap_or(i64::MAX),
            from: it.free_at.max(self.now),
            handicap: it.handicap * MINUTE_MS as f64,
        }
    }

    /// Whether the vehicle suits the distance and the rider was not excluded.
    pub(super) fn is_suitable(&self, rider: u32, delivery: &Delivery) -> bool {
        let it = &self.snapshot.riders[rider as usize];
        delivery.load <= it.capacity
            && !delivery.excluded.contains(&rider)
            && delivery.pickup.metres_to(delivery.drop_off) <= it.reach_m
    }
}

/// What the clock work needs to know of a rider.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moves {
    pub(super) vehicle: Vehicle,
    pub(super) capacity: u32,
    pub(super) shift_ends_at: i64,
    pub(super) from: i64,
    pub(super) handicap: f64,
}
