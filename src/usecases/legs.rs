//! What finished legs teach: the dispatcher follows each rider's way to his next stop, and writes down
//! how long it took against what was estimated.

use std::collections::HashMap;

use domain::{
    clock::Timestamp,
    delivery_state::DeliveryState,
    dispatch::snapshot::Stop,
    ids::{OrderId, RiderId},
    pace::{Factors, Finished, LegWatch, Sight, hour_of},
    travel::TravelTimes as _,
};
use metrics::counter;
use storage::{
    db::Tx,
    error::StoreError,
    paces::{self, NewLeg, RegionPaces},
};

use crate::{board::Numbered, deliveries::StopKind, paces::factors, platform::Platform};

/// How often what was learnt is read, on the platform's clock.
const READ_EVERY_MS: i64 = 60_000;
/// Who would be at a store so long before the kitchen is done has no reason to hurry.
const HURRY_MS: i64 = 120_000;

type Goal = (OrderId, StopKind);

/// The ways that riders are on, and what is known of ways.
#[derive(Debug, Default)]
pub(crate) struct LegBook {
    watches: HashMap<RiderId, LegWatch<Goal>>,
    known: HashMap<String, (Timestamp, RegionPaces)>,
    finished: Vec<NewLeg>,
}

impl LegBook {
    /// The factors of a region now.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as the statement gives it.
    pub(crate) async fn factors(
        &mut self,
        platform: &Platform,
        region: &str,
        now: Timestamp,
    ) -> Result<Factors, StoreError> {
        let is_fresh = |at: &Timestamp| now.ms_since(*at).abs() < READ_EVERY_MS;
        if !self.known.get(region).is_some_and(|(at, _)| is_fresh(at)) {
            self.known.retain(|_, (at, _)| is_fresh(at));
            let read = paces::of_region(&mut platform.reader(), region).await?;
            self.known.insert(region.to_owned(), (now, read));
        }
        Ok(self.known.get(region).map(|(_, paces)| factors(paces, now)).unwrap_or_default())
    }

    /// Follows a rider who goes through `stops`, and can leave where he is at `leaves_at`.
    pub(crate) fn follow(
        &mut self,
        region: &str,
        numbered: &Numbered,
        rider: u32,
        stops: &[Stop],
        (leaves_at, now): (i64, Timestamp),
    ) {
        let rider_id = numbered.riders[rider as usize];
        let Some(stop) = stops.first() else {
            self.watches.remove(&rider_id);
            return;
        };
        let seen = sight(numbered, rider, *stop, leaves_at);
        let watch = self.watches.entry(rider_id).or_default();
        if let Some(leg) = watch.follow(Some(seen), now.ms()) {
            self.take_in(region, leg);
        }
    }

    fn take_in(&mut self, region: &str, leg: Finished) {
        let known = self.known.get(region).and_then(|it| it.1.get(&(leg.basis, leg.vehicle)));
        let Some(ln) = known.copied().unwrap_or_default().weighed(&leg) else { return };
        counter!("riderhub_legs_learnt_total").increment(1);
        let hour = hour_of(Timestamp::from_ms(leg.began_at));
        let Finished { basis, vehicle, .. } = leg;
        self.finished.push(NewLeg { region: region.to_owned(), basis, vehicle, hour, ln });
    }

    /// Writes down what was learnt since the last time.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as the store gives it; what was to be written is lost, which costs little.
    pub(crate) async fn save(&mut self, platform: &Platform) -> Result<(), StoreError> {
        if self.finished.is_empty() {
            return Ok(());
        }
        let legs = std::mem::take(&mut self.finished);
        platform.store.write(async move |tx: &mut Tx| paces::learn(tx, &legs).await).await
    }

    /// Forgets riders who are not followed here any more.
    pub(crate) fn keep_only(&mut self, is_followed: impl Fn(&RiderId) -> bool) {
        self.watches.retain(|rider, _| is_followed(rider));
    }
}

fn sight(numbered: &Numbered, rider: u32, stop: Stop, leaves_at: i64) -> Sight<Goal> {
    let (stored, planned) = (
        &numbered.deliveries[stop.delivery() as usize],
        &numbered.snapshot.deliveries[stop.delivery() as usize],
    );
    let who = &numbered.snapshot.riders[rider as usize];
    let travel = &numbered.snapshot.travel;
    let (kind, to, state) = match stop {
        Stop::Pickup(_) => (StopKind::Pickup, planned.pickup, DeliveryState::ArrivedPickup),
        Stop::DropOff(_) => (StopKind::Dropoff, planned.drop_off, DeliveryState::ArrivedDropoff),
    };
    let is_urgent = match kind {
        StopKind::Pickup => {
            let at = leaves_at + travel.time(who.at, to, who.vehicle);
            at + HURRY_MS >= stored.ready_at.ms()
        }
        StopKind::Dropoff => stored.delivery.state == DeliveryState::PickedUp,
    };
    Sight {
        goal: (stored.delivery.order_id, kind),
        is_there: stored.delivery.state == state,
        leaves_at,
        estimate: travel.estimate(who.at, to, who.vehicle),
        vehicle: who.vehicle,
        is_urgent,
    }
}
