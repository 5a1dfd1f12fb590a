//! Giving money back at the provider, once however often it is tried.

use domain::{
    clock::Timestamp,
    ids::RefundId,
    payment::{FactKind, Refund},
    refund_state::{RefundEvent, RefundState},
    role::Actor,
};
use storage::{
    db::Tx,
    payments as rows,
    timers::{self, TimerKind},
};

use crate::{
    endings::{self, REFUND_RETRY},
    error::AskError,
    order_case::{Cause, OrderCase},
    payments,
    platform::{Changes, Platform},
    sandbox::SignedNotify,
};

/// Tells the provider to give money back, for the first time or again, always under the number
/// that is stored with the refund.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved; the timer tries again.
pub async fn send(platform: &Platform, refund_id: RefundId) -> Result<(), AskError> {
    let Some(known) = rows::find_refund(&mut platform.reader(), refund_id).await? else {
        return Ok(());
    };
    let order_id = known.order_id;
    let write = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = OrderCase::lock(tx, order_id).await?;
        let Some(refund) = rows::find_refund(tx, refund_id).await? else { return Ok(false) };
        let event = RefundEvent::SentToProvider;
        if refund.state.on(event).is_ok() {
            let cause = Cause { by: Actor::System, reason: None, at };
            endings::move_refund(&mut case, tx, changes, &refund, event, cause).await?;
        } else if refund.state != RefundState::Processing {
            timers::clear(tx, TimerKind::RefundRetry, &refund_id.to_string()).await?;
            return Ok(false);
        }
        let due = at + REFUND_RETRY;
        timers::set(tx, TimerKind::RefundRetry, &refund_id.to_string(), due).await?;
        Ok::<_, AskError>(true)
    };
    if platform.command(None, write).await?.value {
        refund_at_sandbox(platform, &known).await?;
    }
    Ok(())
}

/// The sandbox gives money back at once and says so through the door.
async fn refund_at_sandbox(platform: &Platform, refund: &Refund) -> Result<(), AskError> {
    let number = refund.id.to_string();
    let SignedNotify { signature, body } = platform.sandbox.say(
        FactKind::Refunded,
        &number,
        &format!("sbx_{number}"),
        refund.amount,
        platform.now(),
    )?;
    let fact = platform.sandbox.verify(&signature, &body, platform.now())?;
    payments::apply(platform, Some(refund.order_id), fact).await?;
    Ok(())
}
