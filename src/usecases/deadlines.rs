//! What happens when a timer is due.

use domain::{
    clock::Timestamp,
    ids::OrderId,
    order_state::{OrderEvent, OrderState},
    policy::OrderPolicy,
    reason::Reason,
    role::Actor,
};
use storage::{
    db::Tx,
    error::StoreError,
    timers::{self, Due, TimerKind},
};

use crate::{
    attachment_ends, bells, cancelling, endings,
    error::AskError,
    offers,
    order_case::{Cause, OrderCase},
    payments,
    platform::{Changes, Platform},
    refunds, searching, shortages, stock,
};

/// Carries out a due timer, once whatever number of nodes tries. `false` if there was
/// nothing left to do or somebody else was faster.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved; the timer stays and is tried again.
pub async fn carry_out(platform: &Platform, due: &Due) -> Result<bool, AskError> {
    match due.kind {
        TimerKind::OrderUnpaid
        | TimerKind::OrderUnaccepted
        | TimerKind::OrderAutoComplete
        | TimerKind::OrderRelease
        | TimerKind::StoreReminder
        | TimerKind::CancelConsent
        | TimerKind::Substitution => order_is_due(platform, due.clone()).await,
        TimerKind::RefundRetry => {
            let refund_id = due
                .subject
                .parse()
                .map_err(|_| StoreError::corrupt("timer.subject", &due.subject))?;
            refunds::send(platform, refund_id).await.map(|()| true)
        }
        TimerKind::AttachmentExpiry => attachment_ends::expire(platform, due.clone()).await,
        TimerKind::OfferExpiry => offers::expire(platform, due.clone()).await,
        TimerKind::RiderSearch => searching::is_due(platform, due.clone()).await,
        TimerKind::StockReset => stock::day_begins(platform, due.clone()).await,
    }
}

async fn order_is_due(platform: &Platform, due: Due) -> Result<bool, AskError> {
    let (order_id, no) = subject(&due)?;
    let policy = platform.policy;
    let done = platform
        .command(None, async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
            // The order first, then the timer: everybody takes locks in this order.
            let mut case = OrderCase::lock(tx, order_id).await?;
            if !timers::take(tx, &due).await? {
                return Ok(false);
            }
            act(&mut case, tx, changes, &policy, (due.kind, no), at).await
        })
        .await?;
    if done.value {
        payments::send_refunds(platform, order_id).await;
    }
    Ok(done.value)
}

/// Which order a timer is about, and which of its things.
fn subject(due: &Due) -> Result<(OrderId, u32), StoreError> {
    let found = match due.kind {
        TimerKind::Substitution => shortages::of_subject(&due.subject),
        _ => due.subject.parse().ok().map(|it| (it, 0)),
    };
    found.ok_or_else(|| StoreError::corrupt("timer.subject", &due.subject))
}

async fn act(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    policy: &OrderPolicy,
    (kind, no): (TimerKind, u32),
    at: Timestamp,
) -> Result<bool, AskError> {
    let cause = |reason| Cause { by: Actor::System, reason, at };
    match (kind, case.stored.order.state) {
        (TimerKind::OrderUnpaid, OrderState::PendingPayment | OrderState::Paying) => {
            let (event, why) = (OrderEvent::PaymentExpired, Some(Reason::UnpaidInTime));
            endings::end(case, tx, changes, policy, event, cause(why)).await?;
        }
        (TimerKind::OrderUnaccepted, OrderState::Paid) => {
            let (event, why) = (OrderEvent::StoreRejected, Some(Reason::NotAcceptedInTime));
            endings::end(case, tx, changes, policy, event, cause(why)).await?;
        }
        (TimerKind::OrderAutoComplete, OrderState::Delivered) => {
            case.move_order(tx, changes, policy, OrderEvent::Settled, cause(None)).await?;
        }
        (TimerKind::OrderRelease | TimerKind::StoreReminder, _) => {
            bells::remind_again(case, tx, changes, policy, at).await?;
            return Ok(false);
        }
        (TimerKind::CancelConsent, _) => {
            return cancelling::silence(case, tx, changes, policy, at).await;
        }
        (
            TimerKind::Substitution,
            OrderState::Accepted | OrderState::Preparing | OrderState::Ready,
        ) => {
            return shortages::silence(case, tx, changes, no, at).await;
        }
        // What the timer waited for has happened meanwhile.
        _ => return Ok(false),
    }
    Ok(true)
}
