//! The store's bell: why it rings, that it rings again until somebody acts, and when it stops.

use domain::{
    channel::Channel, clock::Timestamp, ids::OrderId, order_state::OrderState, policy::OrderPolicy,
};
use storage::{
    db::Tx,
    error::StoreError,
    events::{self, Alarm},
    push::Push,
    timers::{self, TimerKind},
};

use crate::{order_case::OrderCase, platform::Changes};

/// A paid order waits for an answer.
pub(crate) const NEW_ORDER: &str = "new_order";
/// An order for later was paid; nothing need be done yet.
pub(crate) const UPCOMING: &str = "upcoming_order";
/// It is time to begin with an order for later.
pub(crate) const START_NOW: &str = "start_now";
/// The kitchen is later than it said.
pub(crate) const OVERDUE: &str = "kitchen_overdue";
/// A customer asks to let an order go.
pub(crate) const CANCEL_REQUEST: &str = "cancel_request";
/// A customer urges.
pub(crate) const URGED: &str = "urged";

/// Rings until it is silenced.
pub(crate) fn ring(case: &OrderCase, changes: &mut Changes, why: &str) -> Result<(), StoreError> {
    push(case, changes, Push::Alarm, why, true)
}

/// Rings once.
pub(crate) fn chime(case: &OrderCase, changes: &mut Changes, why: &str) -> Result<(), StoreError> {
    push(case, changes, Push::Alarm, why, false)
}

/// Stops the ringing.
pub(crate) fn silence(
    case: &OrderCase,
    changes: &mut Changes,
    why: &str,
) -> Result<(), StoreError> {
    push(case, changes, Push::AlarmClear, why, false)
}

fn push(
    case: &OrderCase,
    changes: &mut Changes,
    push: Push,
    why: &str,
    rings: bool,
) -> Result<(), StoreError> {
    let (order, number) = (case.id().to_string(), case.number());
    let alarm = Alarm { order, number, alarm: why.to_owned(), rings };
    let channel = Channel::Store(case.stored.order.store_id);
    changes.entries.push(events::entry(channel, push, None, &alarm)?);
    Ok(())
}

/// Looks at an order again at `due`, to ring if nobody has acted.
pub(crate) async fn remind(
    tx: &mut Tx,
    order_id: OrderId,
    due: Timestamp,
) -> Result<(), StoreError> {
    timers::set(tx, TimerKind::StoreReminder, &order_id.to_string(), due).await
}

/// Nobody need be reminded of an order any more.
pub(crate) async fn forget(tx: &mut Tx, order_id: OrderId) -> Result<(), StoreError> {
    timers::clear(tx, TimerKind::StoreReminder, &order_id.to_string()).await?;
    Ok(())
}

/// What the bell rings for as an order stands; `None` if nobody need act.
fn waits_for(case: &OrderCase, at: Timestamp) -> Option<&'static str> {
    let order = &case.stored.order;
    match order.state {
        _ if order.is_upcoming(at) => None,
        OrderState::Paid => Some(NEW_ORDER),
        OrderState::Accepted if order.release_at.is_some() => Some(START_NOW),
        OrderState::Accepted | OrderState::Preparing => {
            order.ready_at.filter(|ready| at >= *ready).map(|_| OVERDUE)
        }
        OrderState::PendingPayment
        | OrderState::Paying
        | OrderState::Ready
        | OrderState::PickedUp
        | OrderState::Delivered
        | OrderState::Completed
        | OrderState::Rejected
        | OrderState::Cancelled
        | OrderState::Closed => None,
    }
}

/// Rings again if nobody has acted, and looks again later.
pub(crate) async fn remind_again(
    case: &OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    policy: &OrderPolicy,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(why) = waits_for(case, at) else { return Ok(()) };
    ring(case, changes, why)?;
    let pause = if why == OVERDUE { policy.remind_late } else { policy.remind };
    remind(tx, case.id(), at + pause).await
}
