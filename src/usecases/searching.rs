//! The search for a rider, step by step: a timer looks at each order that has none.

use std::time::Duration;

use domain::{
    alarm::AlarmKind,
    change::{Change, Machine},
    clock::Timestamp,
    delivery_state::DeliveryState,
    escalation::{self, Level, NEAR_M, Search, SearchPolicy},
    ids::OrderId,
    money::Money,
    order_state::OrderEvent,
    policy::OrderPolicy,
    reason::Reason,
    role::Actor,
};
use storage::{
    db::Tx,
    deliveries::{self, Outreach, StoredDelivery},
    duty,
    error::StoreError,
    leaves,
    timers::{self, Due, TimerKind},
};

use crate::{
    alarms,
    board::AHEAD_OF_READY_MS,
    deliveries::show_in_pool,
    endings,
    error::AskError,
    order_case::{Cause, OrderCase},
    platform::{Changes, Platform},
};

/// While a rider thinks about an offer, an order does not end: looked at again after this long.
const LET_HIM_THINK: Duration = Duration::from_secs(10);

/// Begins to look after the search for a rider, which began at `from`.
pub(crate) async fn begin(
    tx: &mut Tx,
    order_id: OrderId,
    policy: &SearchPolicy,
    from: Timestamp,
) -> Result<(), StoreError> {
    let Some(first) = escalation::next_look(policy, Duration::ZERO) else { return Ok(()) };
    timers::set(tx, TimerKind::RiderSearch, &order_id.to_string(), from + first).await
}

/// The search is over: somebody has it, or the order has ended.
pub(crate) async fn end(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &OrderCase,
    at: Timestamp,
) -> Result<(), StoreError> {
    timers::clear(tx, TimerKind::RiderSearch, &case.id().to_string()).await?;
    alarms::resolve(tx, changes, case, AlarmKind::NoRider, None, at).await?;
    Ok(())
}

/// From when on riders are looked for: not long before the kitchen is done.
pub(crate) fn begins_at(stored: &StoredDelivery) -> Timestamp {
    stored.created_at.max(Timestamp::from_ms(stored.ready_at.ms() - AHEAD_OF_READY_MS))
}

/// Does what is due about an order without a rider. `true` if the order ended: its refunds are to
/// be sent.
pub(crate) async fn look_after(
    tx: &mut Tx,
    changes: &mut Changes,
    policy: &OrderPolicy,
    order_id: OrderId,
    due: &Due,
    at: Timestamp,
) -> Result<bool, AskError> {
    // The order first, then the timer: everybody takes locks in this order.
    let mut case = OrderCase::lock(tx, order_id).await?;
    let Some(stored) = case.delivery.clone().filter(|_| case.stored.order.ended_at.is_none())
    else {
        timers::take(tx, due).await?;
        return Ok(false);
    };
    let state = stored.delivery.state;
    let is_searched = state.is_without_rider() || state == DeliveryState::Offering;
    if !timers::take(tx, due).await? || !is_searched {
        return Ok(false);
    }
    let left = leaves::last(tx, stored.delivery.id).await?;
    let from = begins_at(&stored).max(left.unwrap_or(stored.created_at));
    let searched = Duration::from_millis(u64::try_from(at.ms_since(from)).unwrap_or(0));
    let n_near = duty::count_near(tx, stored.pickup, NEAR_M).await?;
    let search = Search { searched, n_offers: stored.n_offers, n_near };
    let level = escalation::level(&policy.search, search);
    if level.is_over && state.is_without_rider() {
        let cause = Cause { by: Actor::System, reason: Some(Reason::NoRiderFound), at };
        endings::end(&mut case, tx, changes, policy, OrderEvent::Cancelled, cause).await?;
        return Ok(true);
    }
    reach_farther(tx, changes, &mut case, level, at).await?;
    let next = match escalation::next_look(&policy.search, searched) {
        Some(next) => from + next,
        None => at + LET_HIM_THINK,
    };
    timers::set(tx, TimerKind::RiderSearch, &due.subject, next).await?;
    Ok(false)
}

/// Widens the pool, raises the pay, tells whom it concerns; nothing of it is ever taken back.
async fn reach_farther(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &mut OrderCase,
    level: Level,
    at: Timestamp,
) -> Result<(), AskError> {
    let Some(stored) = case.delivery.as_mut() else { return Ok(()) };
    let before = stored.outreach;
    let bonus = escalation::bonus(stored.pay, level).minor().max(before.bonus.minor());
    let now = Outreach {
        rings: before.rings.max(level.rings),
        bonus: Money::from_minor(bonus, stored.pay.currency()),
    };
    let is_news = level.is_alarming && stored.delivery.no_rider_since.is_none();
    if is_news {
        stored.delivery.no_rider_since = Some(at);
    }
    stored.outreach = now;
    if now != before || is_news {
        deliveries::save_search(tx, stored).await?;
    }
    let (delivery, shown) = (stored.delivery.clone(), stored.clone());
    if now != before && delivery.state == DeliveryState::Pooled {
        show_in_pool(tx, changes, &shown, true, at).await?;
    }
    if !is_news {
        return Ok(());
    }
    alarms::raise(tx, changes, case, AlarmKind::NoRider, at).await?;
    let state = delivery.state.as_str();
    let line = Change {
        order_id: delivery.order_id,
        seq: case.stored.order.seq + 1,
        machine: Machine::Delivery,
        event: "no_rider",
        from: Some(state),
        to: state,
        by: Actor::System,
        reason: Some(Reason::NoRiderFound),
        at,
    };
    case.tell(tx, changes, line).await
}

/// Carries out the timer of a search. `false` if there was nothing left to do.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved; the timer stays and is tried again.
pub(crate) async fn is_due(platform: &Platform, due: Due) -> Result<bool, AskError> {
    let order_id: OrderId =
        due.subject.parse().map_err(|_| StoreError::corrupt("timer.subject", &due.subject))?;
    let policy = platform.policy;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        look_after(tx, changes, &policy, order_id, &due, at).await
    };
    let has_ended = platform.command(None, work).await?.value;
    if has_ended {
        crate::payments::send_refunds(platform, order_id).await;
    }
    Ok(has_ended)
}
