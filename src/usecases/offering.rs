//! Turns decisions into offers: which deliveries are one offer, what it says, and why this rider.

use domain::{
    clock::Timestamp,
    delivery_state::DeliveryState,
    dispatch::{self, Policy, decision::Decision, snapshot::Stage},
    ids::OrderId,
};
use storage::{
    error::StoreError,
    explanations::{Candidate, Explanation},
};

use crate::{
    board::Numbered,
    deliveries as delivery_cases,
    dispatch::{CycleReport, carried_out},
    dispatch_news::Memory,
    offers::{Proposal, make},
    platform::Platform,
};

/// Deliveries of one offer at most.
const BUNDLE_MAX: usize = 5;
/// A pooled delivery stays with the pool for so long before riders are asked one by one again.
const POOL_TURN_MS: i64 = 60_000;

/// What a policy decided about one region.
pub(crate) struct Decided<'a> {
    /// By which policy.
    pub(crate) policy: Policy,
    /// On what.
    pub(crate) numbered: &'a Numbered,
    /// What must be offered now.
    pub(crate) decisions: &'a [Decision],
    /// Deliveries that nobody can be planned for; the others may wait on purpose.
    pub(crate) unplanned: &'a [u32],
    /// When.
    pub(crate) now: Timestamp,
}

/// Offers everything that was decided.
pub(crate) async fn offer_all(
    platform: &Platform,
    decided: &Decided<'_>,
    routes: &[dispatch::decision::Route],
    memory: &mut Memory,
    report: &mut CycleReport,
) -> Result<(), StoreError> {
    for trip in trips(decided) {
        let mut together = Vec::with_capacity(trip.len());
        for decision in trip {
            if is_free_to_offer(platform, decided, decision, memory, report).await? {
                together.push(decision);
            }
        }
        let Some(first) = together.first() else { continue };
        let stops = &routes[first.rider as usize].stops;
        let proposals = propose(decided, &together, stops);
        let n = proposals.len();
        if carried_out(make(platform, proposals).await, report)? {
            report.n_offers += 1;
            let (order_id, why) = (order_of(decided, first), &first.why);
            tracing::debug!(
                order.id = %order_id,
                n_deliveries = n,
                n_candidates = why.n_candidates,
                cost_min = why.cost,
                runner_up_min = why.others.first().map(|it| it.1),
                "offered {order_id}",
            );
        }
    }
    Ok(())
}

fn order_of(decided: &Decided<'_>, decision: &Decision) -> OrderId {
    decided.numbered.deliveries[decision.delivery as usize].delivery.order_id
}

/// Decisions that are one offer: of one rider at one store, where the policy plans them as one visit.
fn trips<'a>(decided: &Decided<'a>) -> Vec<Vec<&'a Decision>> {
    let store = |it: &Decision| decided.numbered.snapshot.deliveries[it.delivery as usize].store;
    let mut trips: Vec<Vec<&Decision>> = Vec::new();
    for decision in decided.decisions {
        let same = |it: &&mut Vec<&Decision>| {
            decided.policy == Policy::Batch
                && it.len() < BUNDLE_MAX
                && it.iter().all(|one| one.rider == decision.rider && store(one) == store(decision))
        };
        match trips.iter_mut().find(same) {
            Some(trip) => trip.push(decision),
            None => trips.push(vec![decision]),
        }
    }
    trips
}

/// Whether a delivery can be offered now; the pool has its turn first.
async fn is_free_to_offer(
    platform: &Platform,
    decided: &Decided<'_>,
    decision: &Decision,
    memory: &mut Memory,
    report: &mut CycleReport,
) -> Result<bool, StoreError> {
    let stored = &decided.numbered.deliveries[decision.delivery as usize];
    if stored.delivery.state != DeliveryState::Pooled {
        return Ok(true);
    }
    let order_id = stored.delivery.order_id;
    let since = *memory.pooled_since.entry(order_id).or_insert(decided.now);
    if decided.now.ms_since(since) < POOL_TURN_MS
        || !carried_out(delivery_cases::take_from_pool(platform, order_id).await, report)?
    {
        return Ok(false);
    }
    memory.pooled_since.remove(&order_id);
    Ok(true)
}

/// What is proposed to one rider: each delivery with the route that all of them make.
fn propose(
    decided: &Decided<'_>,
    decisions: &[&Decision],
    stops: &[dispatch::snapshot::Stop],
) -> Vec<Proposal> {
    let numbered = decided.numbered;
    let is_new = |delivery: u32| decisions.iter().any(|it| it.delivery == delivery);
    let is_bound =
        |delivery: u32| numbered.snapshot.deliveries[delivery as usize].stage != Stage::Movable;
    let mut planned = stops.to_vec();
    planned.retain(|it| is_bound(it.delivery()) || is_new(it.delivery()));
    let mut without = planned.clone();
    without.retain(|it| !is_new(it.delivery()));
    // They are of one rider.
    let Some(rider) = decisions.first().map(|it| it.rider) else { return Vec::new() };
    let timed = numbered.timed(rider, &planned, decided.now);
    let before = numbered.timed(rider, &without, decided.now);
    let adds_s = ((timed.done_at - before.done_at) / 1_000).max(0);
    let proposal = |decision: &&Decision| {
        let at = numbered.snapshot.riders[decision.rider as usize].at;
        let delivery = &numbered.snapshot.deliveries[decision.delivery as usize];
        Proposal {
            order_id: order_of(decided, decision),
            rider_id: numbered.riders[decision.rider as usize],
            pickup_m: at.metres_to(delivery.pickup).round() as i64,
            trip_m: delivery.pickup.metres_to(delivery.drop_off).round() as i64,
            adds_s,
            route: timed.stops.clone(),
            why: explain(decided, decision),
        }
    };
    decisions.iter().map(proposal).collect()
}

/// A decision in the operators' words; the offer's id is not known yet.
fn explain(decided: &Decided<'_>, decision: &Decision) -> Explanation {
    let numbered = decided.numbered;
    let snapshot = &numbered.snapshot;
    let delivery = &snapshot.deliveries[decision.delivery as usize];
    let candidate = |rider: u32, cost_min: f64| {
        let it = &snapshot.riders[rider as usize];
        let is_his = |one: &&dispatch::snapshot::Delivery| one.stage.rider() == Some(rider);
        Candidate {
            rider: numbered.riders[rider as usize].to_string(),
            cost_min: rounded(cost_min),
            handicap_min: rounded(it.handicap),
            pickup_m: it.at.metres_to(delivery.pickup).round() as i64,
            load: snapshot.deliveries.iter().filter(is_his).count() as u32,
        }
    };
    let chosen = candidate(decision.rider, decision.why.cost);
    Explanation {
        others: decision.why.others.iter().map(|(rider, cost)| candidate(*rider, *cost)).collect(),
        n_candidates: decision.why.n_candidates,
        ..Explanation::of(order_of(decided, decision), decided.policy.as_str(), chosen, decided.now)
    }
}

/// A hundredth of a minute is enough for anybody.
fn rounded(minutes: f64) -> f64 {
    (minutes * 100.0).round() / 100.0
}
