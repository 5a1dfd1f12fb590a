//! One cycle of the dispatcher: look, plan, offer, tell.
//!
//! Every effect is a conditional change of its own, so two dispatchers at once cost work and
//! nothing else: what one has offered, the other finds offered.

use std::collections::{BTreeMap, HashMap};

use domain::{
    channel::Channel,
    clock::Timestamp,
    delivery_state::DeliveryState,
    dispatch::{self, Policy, decision::Decision, snapshot::Stage},
    geo::Place,
    ids::{OrderId, RiderId},
    policy::OrderPolicy,
    role::Profile,
};
use storage::{
    accounts, deliveries,
    duty::{self, RiderDuty},
    error::StoreError,
    events::{self, Latest, OpsRider, OpsValue, StopView},
    offers,
};

use crate::{
    board::{Board, Numbered, PlannedStop, TimedRoute},
    deliveries as delivery_cases,
    offers::{Proposal, make},
    platform::Platform,
    work::WorkError,
};

/// Rounds of search of the batch policy in one cycle.
const ROUNDS: u32 = 40;
/// An ETA is told again when it moves by more than this.
const ETA_DRIFT_MS: i64 = 60_000;
/// A pooled delivery stays with the pool for so long before riders are asked one by one again.
const POOL_TURN_MS: i64 = 60_000;
/// Half the width of an ETA's range for each minute ahead, and at least.
const ETA_SPREAD: f64 = 0.15;
const ETA_SPREAD_MIN_MS: i64 = 60_000;

/// Where riders are now, as far as positions tell.
pub type Places = HashMap<RiderId, Place>;

/// What the dispatcher remembers from one cycle to the next. Losing it costs nothing but pushes
/// that are sent again.
#[derive(Debug, Default)]
pub struct Memory {
    routes: HashMap<RiderId, Vec<PlannedStop>>,
    told_routes: HashMap<RiderId, Vec<PlannedStop>>,
    told_etas: HashMap<(OrderId, String), i64>,
    shown: HashMap<RiderId, String>,
    names: HashMap<RiderId, String>,
    pooled_since: HashMap<OrderId, Timestamp>,
}

/// What the database says at the start of a cycle.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Deliveries that still need work.
    pub deliveries: Vec<deliveries::StoredDelivery>,
    /// Riders at work.
    pub riders: Vec<RiderDuty>,
    /// Who was asked about what.
    pub asked: Vec<offers::Asked>,
}

/// What a cycle came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CycleReport {
    /// Offers made.
    pub n_offers: usize,
    /// Deliveries put into the pool.
    pub n_pooled: usize,
    /// Routes told to riders.
    pub n_routes: usize,
    /// Conditional changes that somebody else had made first.
    pub n_beaten: usize,
}

/// Reads what a cycle looks at.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn look(platform: &Platform) -> Result<Look, StoreError> {
    let mut reader = platform.reader();
    let deliveries = deliveries::list_open(&mut reader).await?;
    let riders = duty::list_working(&mut reader).await?;
    let asked =
        if deliveries.is_empty() { Vec::new() } else { offers::list_asked(&mut reader).await? };
    Ok(Look { deliveries, riders, asked })
}

impl Look {
    /// Whose orders each rider holds.
    pub fn carried(&self) -> HashMap<RiderId, Vec<OrderId>> {
        let mut carried: HashMap<RiderId, Vec<OrderId>> = HashMap::new();
        for it in &self.deliveries {
            if let Some(rider) = it.delivery.rider_id {
                carried.entry(rider).or_default().push(it.delivery.order_id);
            }
        }
        carried
    }
}

/// Plans every region and carries the plan out.
///
/// # Errors
///
/// [`StoreError`] if the store fails; being beaten by somebody else is no failure.
pub async fn cycle(
    platform: &Platform,
    look: &Look,
    places: &Places,
    memory: &mut Memory,
    policy: Policy,
) -> Result<CycleReport, StoreError> {
    let now = platform.now();
    let mut report = CycleReport::default();
    memory.forget_ended(look);
    let mut regions: BTreeMap<&str, Vec<deliveries::StoredDelivery>> = BTreeMap::new();
    for it in &look.deliveries {
        regions.entry(&it.region).or_default().push(it.clone());
    }
    let at_place =
        |it: &RiderDuty| (it.clone(), places.get(&it.rider_id).copied().unwrap_or(it.place));
    let riders: Vec<(RiderDuty, Place)> = look.riders.iter().map(at_place).collect();
    for open in regions.into_values() {
        let Some(centre) = open.first().map(|it| it.pickup) else { continue };
        let board = Board {
            deliveries: open,
            riders: riders.clone(),
            asked: look.asked.clone(),
            routes: memory.routes.clone(),
        };
        let lead_ms = OrderPolicy::DEFAULT.offer_open.as_millis() as i64;
        let numbered = board.number(centre, lead_ms, ROUNDS, now);
        let outcome = dispatch::plan(policy, &numbered.snapshot, now.ms());
        let decided = Decided { numbered: &numbered, decisions: &outcome.decisions, now };
        offer_all(platform, &decided, &outcome.routes, memory, &mut report).await?;
        pool_the_rest(platform, &decided, memory, &mut report).await?;
        tell_routes(platform, &numbered, &outcome.routes, memory, now, &mut report).await?;
    }
    show_riders(platform, look, &riders, memory, now).await?;
    Ok(report)
}

struct Decided<'a> {
    numbered: &'a Numbered,
    decisions: &'a [Decision],
    now: Timestamp,
}

async fn offer_all(
    platform: &Platform,
    decided: &Decided<'_>,
    routes: &[dispatch::decision::Route],
    memory: &mut Memory,
    report: &mut CycleReport,
) -> Result<(), StoreError> {
    for decision in decided.decisions {
        let stored = &decided.numbered.deliveries[decision.delivery as usize];
        let order_id = stored.delivery.order_id;
        if stored.delivery.state == DeliveryState::Pooled {
            let since = *memory.pooled_since.entry(order_id).or_insert(decided.now);
            if decided.now.ms_since(since) < POOL_TURN_MS {
                continue;
            }
            if !carried_out(delivery_cases::take_from_pool(platform, order_id).await, report)? {
                continue;
            }
            memory.pooled_since.remove(&order_id);
        }
        let proposal = propose(decided, decision, &routes[decision.rider as usize].stops);
        if carried_out(make(platform, proposal, OrderPolicy::DEFAULT).await, report)? {
            report.n_offers += 1;
            let why = decision.why;
            tracing::debug!(
                order.id = %order_id,
                n_candidates = why.n_candidates,
                cost_min = why.cost,
                runner_up_min = why.runner_up.map(|it| it.1),
                "offered {order_id}",
            );
        }
    }
    Ok(())
}

/// `Ok(false)` if somebody else was faster; only the store's own troubles are errors.
fn carried_out<T>(
    outcome: Result<T, WorkError>,
    report: &mut CycleReport,
) -> Result<bool, StoreError> {
    match outcome {
        Ok(_) => Ok(true),
        Err(WorkError::Store(err)) if !matches!(err, StoreError::Conflict { .. }) => Err(err),
        Err(beaten) => {
            tracing::debug!(cause = %beaten, "beaten by somebody else");
            report.n_beaten += 1;
            Ok(false)
        }
    }
}

fn propose(
    decided: &Decided<'_>,
    decision: &Decision,
    stops: &[dispatch::snapshot::Stop],
) -> Proposal {
    let numbered = decided.numbered;
    let stored = &numbered.deliveries[decision.delivery as usize];
    let planned: Vec<_> = stops
        .iter()
        .filter(|it| {
            let is_bound =
                numbered.snapshot.deliveries[it.delivery() as usize].stage != Stage::Movable;
            is_bound || it.delivery() == decision.delivery
        })
        .copied()
        .collect();
    let without: Vec<_> =
        planned.iter().filter(|it| it.delivery() != decision.delivery).copied().collect();
    let timed = numbered.timed(decision.rider, &planned, decided.now);
    let before = numbered.timed(decision.rider, &without, decided.now);
    let at = numbered.snapshot.riders[decision.rider as usize].at;
    let delivery = &numbered.snapshot.deliveries[decision.delivery as usize];
    Proposal {
        order_id: stored.delivery.order_id,
        rider_id: numbered.riders[decision.rider as usize],
        pickup_m: at.metres_to(delivery.pickup).round() as i64,
        trip_m: delivery.pickup.metres_to(delivery.drop_off).round() as i64,
        adds_s: ((timed.done_at - before.done_at) / 1_000).max(0),
        route: timed.stops,
    }
}

/// What has waited long enough without success goes to the pool.
async fn pool_the_rest(
    platform: &Platform,
    decided: &Decided<'_>,
    memory: &mut Memory,
    report: &mut CycleReport,
) -> Result<(), StoreError> {
    let policy = OrderPolicy::DEFAULT;
    for (index, stored) in decided.numbered.deliveries.iter().enumerate() {
        let is_decided = decided.decisions.iter().any(|it| it.delivery as usize == index);
        if stored.delivery.state != DeliveryState::Waiting || is_decided {
            continue;
        }
        let searched_from =
            stored.created_at.ms().max(stored.ready_at.ms() - crate::board::AHEAD_OF_READY_MS);
        let waited_ms = decided.now.ms() - searched_from;
        let asked_enough = stored.n_offers >= policy.offers_before_pool;
        if !asked_enough && waited_ms < policy.wait_before_pool.as_millis() as i64 {
            continue;
        }
        let order_id = stored.delivery.order_id;
        if carried_out(delivery_cases::put_in_pool(platform, order_id).await, report)? {
            memory.pooled_since.insert(order_id, decided.now);
            report.n_pooled += 1;
        }
    }
    Ok(())
}

/// Tells riders whose certain stops changed, and parties whose ETA moved.
async fn tell_routes(
    platform: &Platform,
    numbered: &Numbered,
    routes: &[dispatch::decision::Route],
    memory: &mut Memory,
    now: Timestamp,
    report: &mut CycleReport,
) -> Result<(), StoreError> {
    for (rider, route) in routes.iter().enumerate() {
        let rider_id = numbered.riders[rider];
        memory.routes.insert(rider_id, numbered.named(&route.stops));
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
            report.n_routes += 1;
        }
        tell_etas(platform, memory, &timed, now)?;
    }
    Ok(())
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
        push: "eta",
        body: events::json(&eta)?,
        at: now,
    })
}

/// Shows riders whose picture changed to the operators of their region.
async fn show_riders(
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
            push: "ops",
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
    fn forget_ended(&mut self, look: &Look) {
        let open: std::collections::HashSet<OrderId> =
            look.deliveries.iter().map(|it| it.delivery.order_id).collect();
        let working: std::collections::HashSet<RiderId> =
            look.riders.iter().map(|it| it.rider_id).collect();
        self.told_etas.retain(|(order, _), _| open.contains(order));
        self.pooled_since.retain(|order, _| open.contains(order));
        self.routes.retain(|rider, _| working.contains(rider));
        self.told_routes.retain(|rider, _| working.contains(rider));
        self.shown.retain(|rider, _| working.contains(rider));
        self.names.retain(|rider, _| working.contains(rider));
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
