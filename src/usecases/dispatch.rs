//! One cycle of the dispatcher: look, plan, offer, tell.
//!
//! Every effect is a conditional change of its own, so two dispatchers at once cost work and
//! nothing else: what one has offered, the other finds offered.

use std::collections::{BTreeSet, HashMap};

use domain::{
    clock::Timestamp,
    delivery_state::DeliveryState,
    dispatch::{self, Policy, decision::Decision, snapshot::Stage},
    geo::Place,
    ids::{OrderId, RiderId},
};
use storage::{
    deliveries,
    duty::{self, RiderDuty},
    error::StoreError,
    offers,
};

use crate::{
    board::{Board, Numbered},
    deliveries as delivery_cases,
    dispatch_news::{Memory, PlannedRegion, show_riders, tell_routes},
    error::AskError,
    offers::{Proposal, make},
    platform::Platform,
};

/// Rounds of search of the batch policy in one cycle.
const ROUNDS: u32 = 40;
/// A pooled delivery stays with the pool for so long before riders are asked one by one again.
const POOL_TURN_MS: i64 = 60_000;
/// Where riders are now, as far as positions tell.
pub type Places = HashMap<RiderId, Place>;

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

    /// The region that tells a rider his route: that of the oldest delivery that he holds.
    fn homes(&self) -> HashMap<RiderId, &str> {
        let mut homes = HashMap::new();
        for it in &self.deliveries {
            if let Some(rider) = it.delivery.rider_id {
                homes.entry(rider).or_insert(it.region.as_str());
            }
        }
        homes
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
    let regions: BTreeSet<&str> = look.deliveries.iter().map(|it| it.region.as_str()).collect();
    let homes = look.homes();
    let at_place =
        |it: &RiderDuty| (it.clone(), places.get(&it.rider_id).copied().unwrap_or(it.place));
    let riders: Vec<(RiderDuty, Place)> = look.riders.iter().map(at_place).collect();
    for region in regions {
        let routes = memory.routes.get(region).cloned().unwrap_or_default();
        let Some((centre, board)) = Board::of_region(look, region, &riders, routes) else {
            continue;
        };
        let lead_ms = platform.policy.offer_open.as_millis() as i64;
        let numbered = board.number(centre, lead_ms, ROUNDS, now);
        let outcome = dispatch::plan(policy, &numbered.snapshot, now.ms());
        let decided = Decided {
            numbered: &numbered,
            decisions: &outcome.decisions,
            unplanned: &outcome.unplanned,
            now,
        };
        offer_all(platform, &decided, &outcome.routes, memory, &mut report).await?;
        pool_the_rest(platform, &decided, memory, &mut report).await?;
        let planned =
            PlannedRegion { region, homes: &homes, numbered: &numbered, routes: &outcome.routes };
        report.n_routes += tell_routes(platform, &planned, memory, now).await?;
    }
    show_riders(platform, look, &riders, memory, now).await?;
    Ok(report)
}

struct Decided<'a> {
    numbered: &'a Numbered,
    decisions: &'a [Decision],
    /// Deliveries that nobody can be planned for; the others may wait on purpose.
    unplanned: &'a [u32],
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
        if carried_out(make(platform, proposal).await, report)? {
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

/// `Ok(false)` if somebody else was faster or something is wrong with this one order; only when the
/// store itself is in trouble the cycle ends.
fn carried_out<T>(
    outcome: Result<T, AskError>,
    report: &mut CycleReport,
) -> Result<bool, StoreError> {
    match outcome {
        Ok(_) => Ok(true),
        Err(AskError::Store(
            err @ (StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_)),
        )) => Err(err),
        Err(AskError::Store(err)) if !matches!(err, StoreError::Conflict { .. }) => {
            tracing::error!(error = ?err, "the dispatcher passes over an order");
            Ok(false)
        }
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
    let policy = platform.policy;
    for (index, stored) in decided.numbered.deliveries.iter().enumerate() {
        let is_decided = decided.decisions.iter().any(|it| it.delivery as usize == index);
        if stored.delivery.state != DeliveryState::Waiting || is_decided {
            continue;
        }
        let searched_from =
            stored.created_at.ms().max(stored.ready_at.ms() - crate::board::AHEAD_OF_READY_MS);
        let waited_ms = decided.now.ms() - searched_from;
        let asked_enough = stored.n_offers >= policy.offers_before_pool;
        let is_unplanned = decided.unplanned.contains(&(index as u32));
        let waited_enough = waited_ms >= policy.wait_before_pool.as_millis() as i64;
        let is_for_pool = asked_enough || (is_unplanned && waited_enough);
        if !is_for_pool {
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
