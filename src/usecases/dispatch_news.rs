//! What a dispatcher tells after planning: routes to riders, ETAs to parties, riders to operators.

use std::collections::{HashMap, HashSet};

use domain::{
    channel::Channel,
    clock::Timestamp,
    dispatch::decision::Route,
    geo::Place,
    ids::{OrderId, RiderId},
    role::Profile,
};
use storage::{
    accounts,
    duty::RiderDuty,
    error::StoreError,
    events::{self, Latest, OpsRider, OpsValue, StopView},
    push::Push,
};

use crate::{
    board::{Numbered, PlannedStop, Routes, TimedRoute},
    deliveries as delivery_cases,
    dispatch::Look,
    platform::Platform,
    rider_scores::Scores,
};

/// An ETA is told again when it moves by more than this.
const ETA_DRIFT_MS: i64 = 60_000;
/// Half the width of an ETA's range for each minute ahead, and at least.
const ETA_SPREAD: f64 = 0.15;
const ETA_SPREAD_MIN_MS: i64 = 60_000;

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
    told_etas: HashMap<(OrderId, String), i64>,
    shown: HashMap<RiderId, String>,
    names: HashMap<RiderId, String>,
    pub(crate) pooled_since: HashMap<OrderId, Timestamp>,
    pub(crate) scores: Scores,
}

/// Tells riders whose certain stops changed, and parties whose ETA moved.
pub(crate) async fn tell_routes(
    platform: &Platform,
    planned: &PlannedRegion<'_>,
    memory: &mut Memory,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut n_told = 0;
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
        let timed = numbered.timed(rider as u32, &certain, now);
        if memory.told_routes.get(&rider_id).map(Vec::as_slice).unwrap_or_default() != names {
            delivery_cases::tell_route(platform, rider_id, timed.stops.clone(), "planned").await?;
            memory.told_routes.insert(rider_id, names);
            n_told += 1;
        }
        tell_etas(platform, memory, &timed, now)?;
    }
    Ok(n_told)
}

fn tell_etas(
    platform: &Platform,
    memory: &mut Memory,
    timed: &TimedRoute,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut values = Vec::new();
    for stop in &timed.stops {
        let Ok(order_id) = stop.order.parse::<OrderId>() else { continue };
        let key = (order_id, stop.stop.clone());
        let told = memory.told_etas.get(&key).copied();
        if told.is_some_and(|it| (it - stop.eta).abs() < ETA_DRIFT_MS) {
            continue;
        }
        memory.told_etas.insert(key, stop.eta);
        values.push(eta_value(order_id, stop, now)?);
    }
    if !values.is_empty() {
        platform.announcer.latest(values);
    }
    Ok(())
}

fn eta_value(order_id: OrderId, stop: &StopView, now: Timestamp) -> Result<Latest, StoreError> {
    let ahead = (stop.eta - now.ms()).max(0) as f64;
    let spread = ((ahead * ETA_SPREAD) as i64).max(ETA_SPREAD_MIN_MS);
    let eta = events::Eta {
        order: stop.order.clone(),
        stop: stop.stop.clone(),
        eta: stop.eta,
        low: (stop.eta - spread).max(now.ms()),
        high: stop.eta + spread,
    };
    Ok(Latest {
        channel: Channel::Loc(order_id),
        key: format!("eta:{}", stop.stop),
        push: Push::Eta,
        body: events::json(&eta)?,
        at: now,
    })
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
        self.told_etas.retain(|(order, _), _| open.contains(order));
        self.pooled_since.retain(|order, _| open.contains(order));
        let regions: HashSet<&str> = look.deliveries.iter().map(|it| it.region.as_str()).collect();
        self.routes.retain(|region, _| regions.contains(region.as_str()));
        self.told_routes.retain(|rider, _| working.contains(rider));
        self.shown.retain(|rider, _| working.contains(rider));
        self.names.retain(|rider, _| working.contains(rider));
    }

    /// Forgets what other nodes plan and tell now: what was true of it may have changed when it comes
    /// back.
    pub(crate) fn forget_other_nodes(&mut self, look: &Look, is_ours: &impl Fn(&str) -> bool) {
        let homes = look.homes();
        let is_told_here = |rider: &RiderId| homes.get(rider).is_none_or(|home| is_ours(home));
        self.routes.retain(|region, _| is_ours(region));
        self.told_routes.retain(|rider, _| is_told_here(rider));
        self.shown.retain(|rider, _| is_told_here(rider));
        let elsewhere: HashSet<OrderId> = look
            .deliveries
            .iter()
            .filter(|it| it.delivery.rider_id.is_some_and(|rider| !is_told_here(&rider)))
            .map(|it| it.delivery.order_id)
            .collect();
        self.told_etas.retain(|(order, _), _| !elsewhere.contains(order));
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
                let key = (*order, kind.as_str().to_owned());
                Some(StopView {
                    order: order.to_string(),
                    stop: kind.as_str().to_owned(),
                    lat: place.lat(),
                    lng: place.lng(),
                    eta: self.told_etas.get(&key).copied().unwrap_or_default(),
                })
            })
            .collect()
    }
}
