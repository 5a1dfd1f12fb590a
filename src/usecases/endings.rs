//! How an order ends before it is delivered: everything that was promised is undone, once.

use domain::{
    change::{Change, Machine},
    channel::Channel,
    delivery_state::{DeliveryEvent, DeliveryState},
    display_status::refund_summary,
    geo::cells_within,
    ids::PaymentId,
    offer_state::OfferEvent,
    order_state::{OrderEvent, OrderState},
    payment::Refund,
    payment_state::PaymentEvent,
    policy::OrderPolicy,
    reason::Reason,
    refund_state::RefundEvent,
    role::{Actor, ActorRole, Profile},
};
use serde::Serialize;
use storage::{
    db::Tx,
    error::StoreError,
    events::{self, Alarm, Latest, OfferClosed},
    offers, payments,
    push::Push,
    timers::{self, TimerKind},
};

use crate::{
    error::AskError,
    order_case::{Cause, OrderCase},
    payments::move_payment,
    platform::{Changes, Nudge},
    searching, stock,
};

/// Refunds are sent right after the commit; this long after it a timer tries again.
pub(crate) const REFUND_RETRY: std::time::Duration = std::time::Duration::from_secs(20);

/// Why a store's bell rings for a new order.
pub(crate) const NEW_ORDER: &str = "new_order";

#[derive(Serialize)]
struct PoolGone {
    order: String,
    open: bool,
}

/// Ends an order before pickup: its state, stock, payments, delivery, offer, bell and timers.
///
/// # Errors
///
/// [`AskError::Order`] if the rules refuse, [`AskError::Store`] if it cannot be saved.
pub(crate) async fn end(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    policy: &OrderPolicy,
    event: OrderEvent,
    cause: Cause,
) -> Result<(), AskError> {
    let was = case.stored.order.state;
    case.move_order(tx, changes, policy, event, cause).await?;
    let subject = case.id().to_string();
    for kind in [TimerKind::OrderUnpaid, TimerKind::OrderUnaccepted, TimerKind::OrderAutoComplete] {
        timers::clear(tx, kind, &subject).await?;
    }
    if was == OrderState::Paid {
        silence_bell(case, changes)?;
    }
    searching::end(tx, changes, case, cause.at).await?;
    stock::release(tx, changes, case.id(), cause.by, cause.at).await?;
    give_up_payments(case, tx, changes, cause).await?;
    let because = cause.reason.unwrap_or(Reason::OrderEnded);
    call_off_delivery(case, tx, changes, cause).await?;
    if because.is_customers_doing() {
        // It was made, and nobody came for it.
        return Ok(());
    }
    refund_in_full(case, tx, changes, because, cause).await
}

/// Stops the ringing for a new order.
pub(crate) fn silence_bell(case: &OrderCase, changes: &mut Changes) -> Result<(), StoreError> {
    ring(case, changes, NEW_ORDER, false)
}

/// Rings a store's bell, or stops it.
pub(crate) fn ring(
    case: &OrderCase,
    changes: &mut Changes,
    why: &str,
    rings: bool,
) -> Result<(), StoreError> {
    let (order, number) = (case.id().to_string(), case.number());
    let alarm = Alarm { order, number, alarm: why.to_owned(), rings };
    let push = if rings { Push::Alarm } else { Push::AlarmClear };
    let channel = Channel::Store(case.stored.order.store_id);
    changes.entries.push(events::entry(channel, push, None, &alarm)?);
    Ok(())
}

/// Closes the attempts to pay that are still open.
async fn give_up_payments(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    cause: Cause,
) -> Result<(), AskError> {
    let because = Cause { by: Actor::System, reason: Some(Reason::OrderEnded), at: cause.at };
    for stored in payments::list_for_order(tx, case.id()).await? {
        let event = PaymentEvent::GivenUp;
        if stored.payment.state.on(event).is_ok() {
            move_payment(case, tx, changes, &stored, event, because).await?;
        }
    }
    Ok(())
}

/// Takes back an open offer, tells the rider who was asked or had it, and closes the delivery.
async fn call_off_delivery(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    cause: Cause,
) -> Result<(), AskError> {
    let Some(stored) = &case.delivery else { return Ok(()) };
    let (delivery, region) = (stored.delivery.clone(), stored.region.clone());
    let cells = cells_within(&stored.pool_cell, stored.outreach.rings);
    if delivery.state.on(DeliveryEvent::CalledOff).is_err() {
        return Ok(());
    }
    let by = match cause.by.role() {
        ActorRole::Provider | ActorRole::Rider => Actor::System,
        _ => cause.by,
    };
    let cause = Cause { by, reason: Some(cause.reason.unwrap_or(Reason::OrderEnded)), ..cause };
    if let Some(offer) = offers::find_open(tx, delivery.id).await? {
        let change = case.move_offer(tx, changes, &offer, OfferEvent::TakenBack, cause).await?;
        timers::clear(tx, TimerKind::OfferExpiry, &offer.id.to_string()).await?;
        let body = OfferClosed {
            offer: offer.id.to_string(),
            order: case.id().to_string(),
            state: change.to.to_string(),
        };
        let inbox = Channel::Inbox(Profile::Rider(offer.rider_id));
        changes.entries.push(events::entry(inbox, Push::OfferClosed, None, &body)?);
    }
    case.move_delivery(tx, changes, DeliveryEvent::CalledOff, cause).await?;
    if delivery.state == DeliveryState::Pooled {
        let body = PoolGone { order: case.id().to_string(), open: false };
        for cell in cells {
            changes.latest.push(Latest {
                channel: Channel::Pool(cell),
                key: body.order.clone(),
                push: Push::Pool,
                body: events::json(&body)?,
                at: cause.at,
            });
        }
    }
    changes.nudges.push(Nudge::Dispatch { region });
    Ok(())
}

/// Gives back whatever was paid and is not on its way back yet.
pub(crate) async fn refund_in_full(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    because: Reason,
    cause: Cause,
) -> Result<(), AskError> {
    refund_payments(case, tx, changes, because, cause, |_| true).await
}

/// Gives back those payments that `which` picks.
pub(crate) async fn refund_payments(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    because: Reason,
    cause: Cause,
    which: impl Fn(PaymentId) -> bool,
) -> Result<(), AskError> {
    let paid = payments::list_for_order(tx, case.id()).await?;
    for stored in paid.into_iter().filter(|it| which(it.payment.id)) {
        let its: Vec<_> = payments::list_refunds(tx, case.id())
            .await?
            .into_iter()
            .filter(|it| it.payment_id == stored.payment.id)
            .collect();
        let left = stored.payment.refundable(&its)?;
        let Some(refund) = stored.payment.refund(&its, left, because, cause.at)? else { continue };
        payments::insert_refund(tx, &refund).await?;
        let by = Actor::System;
        let change = Change {
            order_id: case.id(),
            seq: case.stored.order.seq + 1,
            machine: Machine::Refund,
            event: "requested",
            from: None,
            to: refund.state.as_str(),
            by: cause.by,
            reason: Some(because),
            at: cause.at,
        };
        reread_refunds(case, tx).await?;
        case.tell(tx, changes, change).await?;
        move_refund(case, tx, changes, &refund, RefundEvent::Agreed, Cause { by, ..cause }).await?;
        let due = cause.at + REFUND_RETRY;
        timers::set(tx, TimerKind::RefundRetry, &refund.id.to_string(), due).await?;
    }
    Ok(())
}

/// Moves a refund and tells it.
pub(crate) async fn move_refund(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    refund: &Refund,
    event: RefundEvent,
    cause: Cause,
) -> Result<Refund, AskError> {
    let to = refund.state.on(event).map_err(StoreError::refused)?;
    let moved = payments::save_refund_state(tx, refund, to).await?;
    let change = Change {
        order_id: case.id(),
        seq: case.stored.order.seq + 1,
        machine: Machine::Refund,
        event: event.as_str(),
        from: Some(refund.state.as_str()),
        to: to.as_str(),
        by: cause.by,
        reason: Some(refund.reason),
        at: cause.at,
    };
    reread_refunds(case, tx).await?;
    case.tell(tx, changes, change).await?;
    Ok(moved)
}

async fn reread_refunds(case: &mut OrderCase, tx: &mut Tx) -> Result<(), StoreError> {
    let (paid, refunds) = payments::money_back(tx, case.id()).await?;
    case.refund = refund_summary(paid, refunds);
    Ok(())
}
