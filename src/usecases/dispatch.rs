//! One cycle of the dispatcher: look, plan, offer, tell.
//!
//! Every effect is a conditional change of its own, so two dispatchers at once cost work and
//! nothing else: what one has offered, the other finds offered.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::{
    clock::Timestamp,
    delivery_state::DeliveryState,
    dispatch::{self, Policy, tuning::Tuning},
    geo::Place,
    ids::{DeliveryId, OfferId, OrderId, RiderId},
    offer_state::OfferState,
    roads::LiveTravel,
};
use storage::{
    deliveries::{self, StoredDelivery},
    duty::{self, RiderDuty},
    error::StoreError,
    offers,
};

use crate::{
    board::{Board, Numbered, Planning},
    deliveries as delivery_cases,
    dispatch_news::{Memory, PlannedRegion, show_riders, tell_routes},
    error::AskError,
    offering::{Decided, offer_all},
    offers::withdraw,
    platform::Platform,
    spots::Spots,
};

/// Rounds of search of the batch policy in one cycle.
const ROUNDS: u32 = 40;
/// So many riders can be asked about a delivery, one after the other, before its rider has to set out.
const OFFERS_IN_TIME: i64 = 2;

/// So many free riders are looked at for each store: wide, because what counts is not who is near but
/// whose route grows least.
pub const NEAREST_MAX: usize = 400;

/// How riders are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choosing {
    /// By which policy.
    pub policy: Policy,
    /// With which weights and thresholds.
    pub tuning: Tuning,
}

impl Default for Choosing {
    fn default() -> Self {
        Self { policy: Policy::Instant, tuning: Tuning::default() }
    }
}

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
    /// Where riders who move will be when they have read an offer: whoever rides away must turn first.
    pub ahead: HashMap<RiderId, Place>,
    /// Riders without work who may be planned; `None` for all.
    pub free_near: Option<HashSet<RiderId>>,
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
    /// Regions with work that were planned.
    pub n_regions: usize,
    /// Offers withdrawn because another rider had become much better.
    pub n_withdrawn: usize,
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
    Ok(Look { deliveries, riders, asked, ..Look::default() })
}

impl Look {
    /// Leaves riders out of the plan who have no work and are not among the many nearest to any store
    /// where something waits; `nearest` answers that many.
    ///
    /// Whoever has work stays: his route may end next to the store, however far away he is now.
    pub fn plan_only(&mut self, nearest: impl Fn(Place, usize) -> Vec<(RiderId, f64)>) {
        if self.riders.len() <= NEAREST_MAX {
            return;
        }
        let waits = self.deliveries.iter().filter(|it| it.delivery.rider_id.is_none());
        let mut stores: Vec<Place> = Vec::new();
        for it in waits {
            if !stores.contains(&it.pickup) {
                stores.push(it.pickup);
            }
        }
        let near = stores.into_iter().flat_map(|it| nearest(it, NEAREST_MAX)).map(|it| it.0);
        self.free_near = Some(near.collect());
    }

    /// Whether a rider may be planned; `busy` are those who hold something or are asked about it.
    fn is_planned(&self, rider: RiderId, busy: &HashSet<RiderId>) -> bool {
        self.free_near.as_ref().is_none_or(|near| near.contains(&rider) || busy.contains(&rider))
    }

    fn busy(&self) -> HashSet<RiderId> {
        let holders = self.deliveries.iter().filter_map(|it| it.delivery.rider_id);
        let asked = self.asked.iter().filter(|it| it.state == OfferState::Open);
        holders.chain(asked.map(|it| it.rider_id)).collect()
    }

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
    pub(crate) fn homes(&self) -> HashMap<RiderId, &str> {
        let mut homes = HashMap::new();
        for it in &self.deliveries {
            if let Some(rider) = it.delivery.rider_id {
                homes.entry(rider).or_insert(it.region.as_str());
            }
        }
        homes
    }
}

/// Plans the regions that `is_ours` names and carries the plan out.
///
/// # Errors
///
/// [`StoreError`] if the store fails; being beaten by somebody else is no failure.
pub async fn cycle(
    platform: &Platform,
    look: &Look,
    places: &Places,
    memory: &mut Memory,
    choosing: &Choosing,
    is_ours: &impl Fn(&str) -> bool,
) -> Result<CycleReport, StoreError> {
    let now = platform.now();
    memory.forget_ended(look);
    memory.forget_other_nodes(look, is_ours);
    let regions: BTreeSet<&str> =
        look.deliveries.iter().map(|it| it.region.as_str()).filter(|it| is_ours(it)).collect();
    let mut report = CycleReport { n_regions: regions.len(), ..CycleReport::default() };
    let homes = look.homes();
    memory.scores.refresh(platform, now).await?;
    let records = memory.scores.records(look, now);
    let lead_ms = OFFERS_IN_TIME * platform.policy.offer_open.as_millis() as i64;
    let planning = Planning { lead_ms, rounds: ROUNDS, tuning: choosing.tuning };
    let at_place =
        |it: &RiderDuty| (it.clone(), places.get(&it.rider_id).copied().unwrap_or(it.place));
    let mut riders: Vec<(RiderDuty, Place)> = look.riders.iter().map(at_place).collect();
    let busy = look.busy();
    let planned = riders.iter().filter(|it| look.is_planned(it.0.rider_id, &busy));
    let planned: Vec<(RiderDuty, Place)> = planned.cloned().collect();
    for region in regions {
        let routes = memory.routes.get(region).cloned().unwrap_or_default();
        let Some((centre, mut board)) = Board::of_region(look, region, &planned, routes) else {
            continue;
        };
        board.records.clone_from(&records);
        let spots =
            if platform.roads.is_on() { board.spots(centre, now) } else { Spots::default() };
        let tables = platform.roads.measure(spots.wanted()).await;
        let factors = memory.legs.factors(platform, region, now).await?;
        let travel = LiveTravel { tables, factors };
        let numbered = board.number(centre, &planning, (&spots, travel), now);
        withdraw_overtaken(platform, look, &numbered, &planning, now, &mut report).await?;
        let outcome = dispatch::plan(choosing.policy, &numbered.snapshot, now.ms());
        let decided = Decided {
            policy: choosing.policy,
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
    let is_shown_here = |(duty, place): &(RiderDuty, Place)| match homes.get(&duty.rider_id) {
        Some(home) => is_ours(home),
        None => is_ours(&place.region()),
    };
    riders.retain(is_shown_here);
    show_riders(platform, look, &riders, memory, now).await?;
    Ok(report)
}

/// Takes offers back where another rider would cost much less by now; the next cycle asks him.
async fn withdraw_overtaken(
    platform: &Platform,
    look: &Look,
    numbered: &Numbered,
    planning: &Planning,
    now: Timestamp,
    report: &mut CycleReport,
) -> Result<(), StoreError> {
    let open: HashMap<DeliveryId, OfferId> =
        look.asked.iter().filter_map(|it| Some((it.delivery_id, it.open?))).collect();
    let is_offered = |it: &StoredDelivery| it.delivery.state == DeliveryState::Offering;
    let offered: Vec<u32> =
        (0..).zip(&numbered.deliveries).filter(|(_, it)| is_offered(it)).map(|it| it.0).collect();
    if offered.is_empty() {
        return Ok(());
    }
    let gain = planning.tuning.withdraw_gain;
    for it in dispatch::overtaken(&numbered.snapshot, now.ms(), &offered, gain) {
        let delivery = &numbered.deliveries[it.delivery as usize].delivery;
        let Some(offer) = open.get(&delivery.id) else { continue };
        if carried_out(withdraw(platform, *offer).await, report)? {
            report.n_withdrawn += 1;
            let (order, gain) = (delivery.order_id, it.gain);
            tracing::debug!(order.id = %order, gain_min = gain, "withdrew an offer of {order}");
        }
    }
    Ok(())
}

/// `Ok(false)` if somebody else was faster or something is wrong with this one order; only when the
/// store itself is in trouble the cycle ends.
pub(crate) fn carried_out<T>(
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
