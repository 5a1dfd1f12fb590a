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
    attachment_ends, endings,
    error::AskError,
    offers,
    order_case::{Cause, OrderCase},
    payments,
    platform::{Changes, Platform},
    searching, stock,
};

/// Carries out a due timer, once whatever number of nodes tries. `false` if there was
/// nothing left to do or somebody else was faster.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved; the timer stays and is tried again.
pub async fn carry_out(platform: &Platform, due: &Due) -> Result<bool, AskError> {
    match due.kind {
        TimerKind::OrderUnpaid | TimerKind::OrderUnaccepted | TimerKind::OrderAutoComplete => {
            order_is_due(platform, due.clone()).await
        }
        TimerKind::RefundRetry => {
            let refund_id = due
                .subject
                .parse()
                .map_err(|_| StoreError::corrupt("timer.subject", &due.subject))?;
            payments::send_refund(platform, refund_id).await.map(|()| true)
        }
        TimerKind::AttachmentExpiry => attachment_ends::expire(platform, due.clone()).await,
        TimerKind::OfferExpiry => offers::expire(platform, due.clone()).await,
        TimerKind::RiderSearch => searching::is_due(platform, due.clone()).await,
        TimerKind::StockReset => stock::day_begins(platform, due.clone()).await,
    }
}

async fn order_is_due(platform: &Platform, due: Due) -> Result<bool, AskError> {
    let order_id: OrderId =
        due.subject.parse().map_err(|_| StoreError::corrupt("timer.subject", &due.subject))?;
    let policy = platform.policy;
    let done = platform
        .command(None, async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
            // The order first, then the timer: everybody takes locks in this order.
            let mut case = OrderCase::lock(tx, order_id).await?;
            if !timers::take(tx, &due).await? {
                return Ok(false);
            }
            act(&mut case, tx, changes, &policy, due.kind, at).await
        })
        .await?;
    if done.value {
        payments::send_refunds(platform, order_id).await;
    }
    Ok(done.value)
}

async fn act(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    policy: &OrderPolicy,
    kind: TimerKind,
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
        // What the timer waited for has happened meanwhile.
        _ => return Ok(false),
    }
    Ok(true)
}
