//! When riders are expected at their stops, reckoned from where they are now.
//!
//! Cheap: once in a cycle of the dispatcher for each rider who holds something, not for each
//! position.

use std::collections::HashMap;

use domain::{
    channel::Channel,
    clock::Timestamp,
    delivery_state::DeliveryState,
    dispatch::snapshot::Stop,
    eta::{EtaFeed, Expected, Guess, TOLD_EVERY_MS, Told},
    ids::OrderId,
    travel::TravelTimes,
};
use storage::{
    deliveries::StoredDelivery,
    error::StoreError,
    events::{self, EtaRange, Latest},
    push::Push,
};

use crate::board::{Numbered, SERVICE};

/// Who is farther from a store than this has left it, in metres.
const LEFT_M: f64 = 40.0;

/// An order that a rider took longer ago than this is no news to its region, in milliseconds.
const FRESH_MS: i64 = 20_000;

/// One order on its way.
#[derive(Debug)]
struct Watched {
    feed: EtaFeed,
    held: Option<Told>,
    /// The state of the delivery, and since when we know it.
    state: (DeliveryState, i64),
}

/// What is expected of all orders that riders hold.
#[derive(Debug, Default)]
pub(crate) struct Expectations {
    orders: HashMap<OrderId, Watched>,
}

/// The guesses for one order.
#[derive(Debug, Clone, Copy, Default)]
struct Guesses {
    store: Option<Guess>,
    door: Option<Guess>,
}

impl Expectations {
    /// Reckons when a rider reaches each of `stops`, which he will go through in this order, and
    /// answers the estimates that are to be told.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a body has no JSON form, which none lacks.
    pub(crate) fn follow(
        &mut self,
        numbered: &Numbered,
        rider: u32,
        stops: &[Stop],
        now: Timestamp,
    ) -> Result<Vec<(OrderId, Latest)>, StoreError> {
        for stop in stops {
            self.note_state(&numbered.deliveries[stop.delivery() as usize], now);
        }
        let mut values = Vec::new();
        for (order_id, guesses) in self.walk(numbered, rider, stops, now) {
            let (Some(door), Some(watched)) = (guesses.door, self.orders.get_mut(&order_id)) else {
                continue;
            };
            let (held, is_told) = watched.feed.follow(door, guesses.store, now.ms());
            watched.held = Some(held);
            if is_told {
                values.push((order_id, value(order_id, held, now)?));
            }
        }
        Ok(values)
    }

    /// What is expected of an order now.
    pub(crate) fn of(&self, order_id: OrderId) -> Option<Told> {
        self.orders.get(&order_id)?.held
    }

    /// Forgets orders that are over.
    pub(crate) fn keep_only(&mut self, is_open: impl Fn(&OrderId) -> bool) {
        self.orders.retain(|order, _| is_open(order));
    }

    fn note_state(&mut self, stored: &StoredDelivery, now: Timestamp) {
        let state = stored.delivery.state;
        // Another dispatcher may have told of it a moment ago.
        let is_known = stored.assigned_at.is_some_and(|it| now.ms_since(it) > FRESH_MS);
        let quiet_until = if is_known { now.ms() + TOLD_EVERY_MS } else { 0 };
        let fresh =
            Watched { feed: EtaFeed::new(quiet_until), held: None, state: (state, now.ms()) };
        let watched = self.orders.entry(stored.delivery.order_id).or_insert(fresh);
        if watched.state.0 != state {
            watched.state = (state, now.ms());
        }
    }

    /// Since when a delivery has been in its state, as far as we know.
    fn since(&self, stored: &StoredDelivery, now: i64) -> i64 {
        self.orders.get(&stored.delivery.order_id).map_or(now, |it| it.state.1)
    }

    fn walk(
        &self,
        numbered: &Numbered,
        rider: u32,
        stops: &[Stop],
        now: Timestamp,
    ) -> Vec<(OrderId, Guesses)> {
        let who = &numbered.snapshot.riders[rider as usize];
        let (mut at, mut t) = (who.at, self.leaves_at(numbered, rider, stops, now.ms()));
        let mut waits_for_kitchen = false;
        let mut found: Vec<(OrderId, Guesses)> = Vec::new();
        for (n_before, stop) in (0_u32..).zip(stops) {
            let stored = &numbered.deliveries[stop.delivery() as usize];
            let planned = &numbered.snapshot.deliveries[stop.delivery() as usize];
            let since = self.since(stored, now.ms());
            let spot = match stop {
                Stop::Pickup(_) => planned.pickup,
                Stop::DropOff(_) => planned.drop_off,
            };
            t += numbered.snapshot.travel.time(at, spot, who.vehicle);
            let guess = Guess { at: t, n_before, waits_for_kitchen };
            let order_id = stored.delivery.order_id;
            let index = found.iter().position(|it| it.0 == order_id).unwrap_or_else(|| {
                found.push((order_id, Guesses::default()));
                found.len() - 1
            });
            let is_there = matches!(
                stored.delivery.state,
                DeliveryState::ArrivedPickup | DeliveryState::ArrivedDropoff
            );
            let came_at = if is_there { since } else { t };
            match stop {
                Stop::Pickup(_) => {
                    found[index].1.store = (!is_there).then_some(guess);
                    waits_for_kitchen |= stored.ready_at > now;
                    let served = (came_at + SERVICE.before_pickup_ms).max(stored.ready_at.ms());
                    t = served.max(t) + SERVICE.after_pickup_ms;
                }
                Stop::DropOff(_) => {
                    found[index].1.door = (!is_there).then_some(guess);
                    let service = SERVICE.before_drop_ms + SERVICE.after_drop_ms;
                    t = (came_at + service).max(t);
                }
            }
            at = spot;
        }
        found
    }

    /// Who has just taken goods and is still at the store needs a moment before he leaves.
    pub(crate) fn leaves_at(
        &self,
        numbered: &Numbered,
        rider: u32,
        stops: &[Stop],
        now: i64,
    ) -> i64 {
        let at = numbered.snapshot.riders[rider as usize].at;
        let taken = stops.iter().filter_map(|stop| {
            let planned = &numbered.snapshot.deliveries[stop.delivery() as usize];
            let stored = &numbered.deliveries[stop.delivery() as usize];
            let is_here = stored.delivery.state == DeliveryState::PickedUp
                && at.metres_to(planned.pickup) <= LEFT_M;
            is_here.then(|| self.since(stored, now) + SERVICE.after_pickup_ms)
        });
        taken.max().map_or(now, |it| it.max(now))
    }
}

fn value(order_id: OrderId, held: Told, now: Timestamp) -> Result<Latest, StoreError> {
    let range = |it: Expected| EtaRange { eta: it.at, low: it.low, high: it.high };
    let eta = events::Eta {
        order: order_id.to_string(),
        stop: "dropoff".to_owned(),
        range: range(held.door),
        pickup: held.store.map(range),
        at: now.ms(),
    };
    Ok(Latest {
        channel: Channel::Loc(order_id),
        key: "eta".to_owned(),
        push: Push::Eta,
        body: events::json(&eta)?,
        at: now,
    })
}
