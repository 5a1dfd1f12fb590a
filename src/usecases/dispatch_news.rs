//! What a dispatcher tells after planning: routes to riders, ETAs to parties, riders to operators.

use std::collections::{HashMap, HashSet};

use domain::{
    channel::Channel,
    clock::Timestamp,
    dispatch::{
        decision::Route,
        snapshot::{Delivery, Snapshot},
    },
    eta::{Told, delay_to_tell},
    geo::Place,
    ids::{OrderId, RiderId},
    roads::LiveTravel,
    role::Profile,
    travel::{TravelTimes, Vehicle},
};
use storage::{
    accounts,
    deliveries::StoredDelivery,
    duty::RiderDuty,
    error::StoreError,
    events::{self, Latest, OpsRider, OpsValue, StopView},
    push::Push,
};

use crate::{
    board::{Numbered, PlannedStop, Routes},
    delays::{self, Outlook},
    deliveries as delivery_cases,
    dispatch::Look,
    error::AskError,
    expected::Expectations,
    legs::LegBook,
    platform::Platform,
    rider_scores::Scores,
};

/// One region's plan, and who is told by it.
pub(crate) struct PlannedRegion<'a> {
    /// Which region.
    pub(crate) region: &'a str,
    /// The region that tells each rider who holds something.
    pub(crate) homes: &'a HashMap<RiderId, &'a str>,
    /// What was planned on.
    pub(crate) numbered: &'a Numbered,
    /// The route of each rider.
    pub(crate) routes: &'a [Route],
}

/// What the dispatcher remembers from one cycle to the next. Losing it costs nothing but pushes
/// that are sent again.
#[derive(Debug, Default)]
pub struct Memory {
    /// The routes planned last time, by region.
    pub(crate) routes: HashMap<String, Routes>,
    told_routes: HashMap<RiderId, Vec<PlannedStop>>,
    expected: Expectations,
    told_delays: HashMap<OrderId, i64>,
    shown: HashMap<RiderId, String>,
    names: HashMap<RiderId, String>,
    pub(crate) pooled_since: HashMap<OrderId, Timestamp>,
    pub(crate) scores: Scores,
    pub(crate) legs: LegBook,
}

/// Tells riders whose certain stops changed, and parties whose ETA moved.
pub(crate) async fn tell_routes(
    platform: &Platform,
    planned: &PlannedRegion<'_>,
    memory: &mut Memory,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let (mut n_told, mut estimates) = (0, Vec::new());
    let PlannedRegion { region, homes, numbered, routes } = *planned;
    let named =
        |(rider, route): (usize, &Route)| (numbered.riders[rider], numbered.named(&route.stops));
    memory.routes.insert(region.to_owned(), routes.iter().enumerate().map(named).collect());
    for (rider, route) in routes.iter().enumerate() {
        let rider_id = numbered.riders[rider];
        // Every region that he is near knows all that he holds, but may plan it differently.
        if homes.get(&rider_id).is_some_and(|home| *home != region) {
            continue;
        }
        let certain: Vec<_> = numbered
            .certain(&route.stops)
            .into_iter()
            .filter(|it| {
                // An offer that is out is not his route yet.
                numbered.deliveries[it.delivery() as usize].delivery.rider_id == Some(rider_id)
            })
            .collect();
        let names = numbered.named(&certain);
        if memory.told_routes.get(&rider_id).map(Vec::as_slice).unwrap_or_default() != names {
            let timed = numbered.timed(rider as u32, &certain, now);
            delivery_cases::tell_route(platform, rider_id, timed.stops, "planned").await?;
            memory.told_routes.insert(rider_id, names);
            n_told += 1;
        }
        estimates.extend(memory.expected.follow(numbered, rider as u32, &certain, now)?);
        let leaves_at = memory.expected.leaves_at(numbered, rider as u32, &certain, now.ms());
        memory.legs.follow(region, numbered, rider as u32, &certain, (leaves_at, now));
    }
    memory.legs.save(platform).await?;
    tell_estimates(platform, estimates, now).await?;
    tell_delays(platform, numbered, memory, now).await?;
    Ok(n_told)
}

/// Tells estimates, unless another node has just told one of the same order.
async fn tell_estimates(
    platform: &Platform,
    estimates: Vec<(OrderId, Latest)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if estimates.is_empty() {
        return Ok(());
    }
    let orders = estimates.iter().map(|it| it.0).collect();
    let free: HashSet<OrderId> =
        delays::may_tell(platform, orders, now).await?.into_iter().collect();
    let values = estimates.into_iter().filter(|it| free.contains(&it.0)).map(|it| it.1);
    platform.announcer.latest(values.collect());
    Ok(())
}

/// Tells the parties of orders that cannot be in time any more.
async fn tell_delays(
    platform: &Platform,
    numbered: &Numbered,
    memory: &mut Memory,
    now: Timestamp,
) -> Result<(), StoreError> {
    for (stored, planned) in numbered.deliveries.iter().zip(&numbered.snapshot.deliveries) {
        let (order_id, promised_at) = (stored.delivery.order_id, planned.promised_at);
        let outlook = match memory.expected.of(order_id) {
            Some(Told { door, .. }) if stored.delivery.rider_id.is_some() => {
                Outlook { order_id, promised_at, low: door.low, high: Some(door.high) }
            }
            _ => {
                let low = at_best(&numbered.snapshot, stored, planned, now);
                Outlook { order_id, promised_at, low, high: None }
            }
        };
        let told = memory.told_delays.get(&order_id).copied();
        if delay_to_tell(outlook.low, promised_at, told).is_none() {
            continue;
        }
        match delays::tell(platform, outlook).await {
            Ok(late_ms) => drop(memory.told_delays.insert(order_id, late_ms)),
            Err(AskError::Store(err)) => return Err(err),
            Err(err) => tracing::debug!(cause = %err, "a delay is nobody's business any more"),
        }
    }
    Ok(())
}

/// When goods can be at the door if the fastest rider takes them as soon as they are there.
fn at_best(
    snapshot: &Snapshot<LiveTravel>,
    stored: &StoredDelivery,
    planned: &Delivery,
    now: Timestamp,
) -> i64 {
    if stored.delivery.state.is_on_board() {
        return now.ms();
    }
    let ride = |it: &Vehicle| snapshot.travel.time(planned.pickup, planned.drop_off, *it);
    let ride = Vehicle::ALL.iter().map(ride).min().unwrap_or(0);
    now.max(stored.ready_at).ms() + ride
}

/// Shows riders whose picture changed to the operators of their region.
pub(crate) async fn show_riders(
    platform: &Platform,
    look: &Look,
    riders: &[(RiderDuty, Place)],
    memory: &mut Memory,
    now: Timestamp,
) -> Result<(), StoreError> {
    let carried = look.carried();
    let mut values = Vec::new();
    for (duty, place) in riders {
        let name = memory.name(platform, duty.rider_id).await?;
        let shown = OpsRider {
            name,
            lat: place.lat(),
            lng: place.lng(),
            hdg: None,
            duty: duty.duty.as_str().to_owned(),
            load: carried.get(&duty.rider_id).map_or(0, Vec::len),
            capacity: duty.capacity,
            stops: memory.stops_shown(look, duty.rider_id),
        };
        let key = format!("rider:{}", duty.rider_id);
        let body = events::json(&OpsValue { key: key.clone(), v: Some(shown) })?;
        if memory.shown.get(&duty.rider_id) == Some(&body) {
            continue;
        }
        memory.shown.insert(duty.rider_id, body.clone());
        values.push(Latest {
            channel: Channel::Ops(place.region()),
            key,
            push: Push::Ops,
            body,
            at: now,
        });
    }
    if !values.is_empty() {
        platform.announcer.latest(values);
    }
    Ok(())
}

impl Memory {
    /// Forgets orders that ended and riders who left.
    pub(crate) fn forget_ended(&mut self, look: &Look) {
        let open: HashSet<OrderId> =
            look.deliveries.iter().map(|it| it.delivery.order_id).collect();
        let working: HashSet<RiderId> = look.riders.iter().map(|it| it.rider_id).collect();
        self.expected.keep_only(|order| open.contains(order));
        self.told_delays.retain(|order, _| open.contains(order));
        self.pooled_since.retain(|order, _| open.contains(order));
        let regions: HashSet<&str> = look.deliveries.iter().map(|it| it.region.as_str()).collect();
        self.routes.retain(|region, _| regions.contains(region.as_str()));
        self.told_routes.retain(|rider, _| working.contains(rider));
        self.shown.retain(|rider, _| working.contains(rider));
        self.names.retain(|rider, _| working.contains(rider));
        self.legs.keep_only(|rider| working.contains(rider));
    }

    /// Forgets what other nodes plan and tell now: what was true of it may have changed when it comes
    /// back.
    pub(crate) fn forget_other_nodes(&mut self, look: &Look, is_ours: &impl Fn(&str) -> bool) {
        let homes = look.homes();
        let is_told_here = |rider: &RiderId| homes.get(rider).is_none_or(|home| is_ours(home));
        self.routes.retain(|region, _| is_ours(region));
        self.told_routes.retain(|rider, _| is_told_here(rider));
        self.shown.retain(|rider, _| is_told_here(rider));
        self.legs.keep_only(is_told_here);
        let elsewhere: HashSet<OrderId> = look
            .deliveries
            .iter()
            .filter(|it| it.delivery.rider_id.is_some_and(|rider| !is_told_here(&rider)))
            .map(|it| it.delivery.order_id)
            .collect();
        self.expected.keep_only(|order| !elsewhere.contains(order));
        self.told_delays.retain(|order, _| !elsewhere.contains(order));
    }

    async fn name(&mut self, platform: &Platform, rider: RiderId) -> Result<String, StoreError> {
        if let Some(name) = self.names.get(&rider) {
            return Ok(name.clone());
        }
        let card = accounts::find_profile(&mut platform.reader(), Profile::Rider(rider)).await?;
        let name = card.map_or_else(String::new, |it| it.name.as_str().to_owned());
        self.names.insert(rider, name.clone());
        Ok(name)
    }

    /// The stops last told to a rider, with their places.
    fn stops_shown(&self, look: &Look, rider: RiderId) -> Vec<StopView> {
        let told = self.told_routes.get(&rider).map(Vec::as_slice).unwrap_or_default();
        told.iter()
            .filter_map(|(order, kind)| {
                let stored = look.deliveries.iter().find(|it| it.delivery.order_id == *order)?;
                let place = match kind {
                    delivery_cases::StopKind::Pickup => stored.pickup,
                    delivery_cases::StopKind::Dropoff => stored.dropoff,
                };
                let expected = self.expected.of(*order).and_then(|it| match kind {
                    delivery_cases::StopKind::Pickup => it.store,
                    delivery_cases::StopKind::Dropoff => Some(it.door),
                });
                Some(StopView {
                    order: order.to_string(),
                    stop: kind.as_str().to_owned(),
                    lat: place.lat(),
                    lng: place.lng(),
                    eta: expected.map_or(0, |it| it.at),
                })
            })
            .collect()
    }
}
