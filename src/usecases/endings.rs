//! How an order ends before it is delivered: everything that was promised is undone, once.

use domain::{
    change::{Change, Machine},
    channel::Channel,
    delivery_state::{DeliveryEvent, DeliveryState},
    display_status::refund_summary,
    geo::cells_within,
    ids::PaymentId,
    money::Money,
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
    events::{self, Latest, OfferClosed},
    offers,
    payments::{self, StoredPayment},
    push::Push,
    slots,
    timers::{self, TimerKind},
};

use crate::{
    bells, cancelling,
    error::AskError,
    order_case::{Cause, OrderCase},
    payments::move_payment,
    platform::{Changes, Nudge},
    searching, shortages, stock,
};

/// Refunds are sent right after the commit; this long after it a timer tries again.
pub(crate) const REFUND_RETRY: std::time::Duration = std::time::Duration::from_secs(20);

#[derive(Serialize)]
struct PoolGone {
    order: String,
    open: bool,
}

/// Ends an order before pickup, and gives back all that was paid.
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
    let nothing = Money::from_minor(0, case.stored.order.total.currency());
    end_keeping(case, tx, changes, policy, event, cause, nothing).await
}

/// Ends an order before pickup: its state, stock, slot, payments, delivery, offer, bells and timers.
/// `fee` of what was paid is kept.
///
/// # Errors
///
/// [`AskError::Order`] if the rules refuse, [`AskError::Store`] if it cannot be saved.
pub(crate) async fn end_keeping(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    policy: &OrderPolicy,
    event: OrderEvent,
    cause: Cause,
    fee: Money,
) -> Result<(), AskError> {
    let was = case.stored.order.state;
    case.move_order(tx, changes, policy, event, cause).await?;
    let subject = case.id().to_string();
    for kind in [
        TimerKind::OrderUnpaid,
        TimerKind::OrderUnaccepted,
        TimerKind::OrderAutoComplete,
        TimerKind::OrderRelease,
        TimerKind::StoreReminder,
    ] {
        timers::clear(tx, kind, &subject).await?;
    }
    if was == OrderState::Paid {
        bells::silence(case, changes, bells::NEW_ORDER)?;
    }
    cancelling::lapse(tx, changes, case).await?;
    searching::end(tx, changes, case, cause.at).await?;
    shortages::lapse(tx, case.id()).await?;
    stock::release(tx, changes, case.id(), cause.by, cause.at).await?;
    if let Some(slot) = case.stored.scheduled_for {
        slots::give_back(tx, case.stored.order.store_id, slot).await?;
    }
    give_up_payments(case, tx, changes, cause).await?;
    let because = cause.reason.unwrap_or(Reason::OrderEnded);
    call_off_delivery(case, tx, changes, cause).await?;
    if because.is_customers_doing() {
        // It was made, and nobody came for it.
        return Ok(());
    }
    refund_keeping(case, tx, changes, because, cause, fee, |_| true).await
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
    let nothing = Money::from_minor(0, case.stored.order.total.currency());
    refund_keeping(case, tx, changes, because, cause, nothing, which).await
}

/// The same, but `fee` of what is left of them is kept.
async fn refund_keeping(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    because: Reason,
    cause: Cause,
    fee: Money,
    which: impl Fn(PaymentId) -> bool,
) -> Result<(), AskError> {
    let paid = payments::list_for_order(tx, case.id()).await?;
    let mut to_keep = fee.minor();
    for stored in paid.into_iter().filter(|it| which(it.payment.id)) {
        let its = refunds_of(case, tx, &stored).await?;
        let left = stored.payment.refundable(&its)?;
        let kept = to_keep.min(left.minor());
        to_keep -= kept;
        let amount = Money::from_minor(left.minor() - kept, left.currency());
        give_back(case, tx, changes, &stored, &its, amount, because, cause).await?;
    }
    Ok(())
}

/// Gives back part of what was paid, as far as so much is left.
pub(crate) async fn refund_part(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    amount: Money,
    because: Reason,
    cause: Cause,
) -> Result<(), AskError> {
    let mut to_give = amount.minor();
    for stored in payments::list_for_order(tx, case.id()).await? {
        let its = refunds_of(case, tx, &stored).await?;
        let part = stored.payment.refundable(&its)?.minor().min(to_give);
        to_give -= part;
        let part = Money::from_minor(part, amount.currency());
        give_back(case, tx, changes, &stored, &its, part, because, cause).await?;
    }
    Ok(())
}

async fn refunds_of(
    case: &OrderCase,
    tx: &mut Tx,
    stored: &StoredPayment,
) -> Result<Vec<Refund>, StoreError> {
    let all = payments::list_refunds(tx, case.id()).await?;
    Ok(all.into_iter().filter(|it| it.payment_id == stored.payment.id).collect())
}

/// Asks for a refund and agrees to it; nothing happens for nothing.
#[expect(clippy::too_many_arguments, reason = "one refund, with all that is known of it")]
async fn give_back(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    stored: &StoredPayment,
    its: &[Refund],
    amount: Money,
    because: Reason,
    cause: Cause,
) -> Result<(), AskError> {
    let Some(refund) = stored.payment.refund(its, amount, because, cause.at)? else {
        return Ok(());
    };
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
