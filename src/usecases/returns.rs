//! Goods that cannot be handed over: they go back to the store, or are lost.
//!
//! Money: what comes back or is lost is paid back in full, unless the customer was not there, refused
//! or gave a wrong address; then nothing is paid back, and operators decide about the rest.

use domain::{
    alarm::AlarmKind,
    change::Machine,
    clock::Timestamp,
    delivery::DeliveryRefusal,
    delivery_state::{DeliveryEvent, IllegalDeliveryTransition},
    ids::{MerchantId, OrderId, RiderId},
    order_state::OrderEvent,
    policy::DOOR_WAIT,
    reason::Reason,
    role::Profile,
};
use storage::{
    commands::CommandKey,
    db::Tx,
    stories::{self, StoredChange},
};

use crate::{
    alarms,
    deliveries::{DeliveryView, lock_own, view},
    endings,
    error::AskError,
    order_case::{Cause, Moved, OrderCase},
    payments,
    platform::{Changes, Done, Nudge, Platform},
    proofs,
};

/// The last line of the delivery's story that tells this event.
async fn last_line(
    tx: &mut Tx,
    order_id: OrderId,
    event: DeliveryEvent,
) -> Result<Option<StoredChange>, AskError> {
    let story = stories::list_changes(tx, order_id).await?;
    let is_it = |it: &StoredChange| it.machine == Machine::Delivery && it.event == event.as_str();
    Ok(story.into_iter().rev().find(is_it))
}

/// A rider brings goods back that he cannot hand over.
///
/// # Errors
///
/// [`AskError::NotFound`] if the delivery is not his, [`AskError::Delivery`] if he has no goods, gives
/// none of the reasons, or has not waited at the door for a customer who cannot be reached.
pub async fn start(
    platform: &Platform,
    rider_id: RiderId,
    order_id: OrderId,
    reason: Reason,
    key: Option<CommandKey>,
) -> Result<Done<DeliveryView>, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = lock_own(tx, rider_id, order_id).await?;
        if reason == Reason::CustomerUnreachable {
            check_wait(tx, &case, at).await?;
        }
        let cause = Cause { by: rider_id.into(), reason: Some(reason), at };
        case.move_delivery(tx, changes, DeliveryEvent::ReturnStarted, cause).await?;
        proofs::silence(tx, changes, &case, None, at).await?;
        alarms::raise(tx, changes, &case, AlarmKind::Undeliverable, at).await?;
        changes.nudges.push(Nudge::Dispatch { region: case.stored.region.clone() });
        Ok(view(&case))
    };
    platform.command(key, work).await
}

/// Nobody is unreachable before the rider has waited at the door.
async fn check_wait(tx: &mut Tx, case: &OrderCase, at: Timestamp) -> Result<(), AskError> {
    let Some(arrived) = last_line(tx, case.id(), DeliveryEvent::RiderAtDoor).await? else {
        let from = case.delivery.as_ref().ok_or(AskError::not_found("delivery"))?.delivery.state;
        let event = DeliveryEvent::ReturnStarted;
        return Err(DeliveryRefusal::Illegal(IllegalDeliveryTransition { from, event }).into());
    };
    let from = arrived.at + DOOR_WAIT;
    if at < from { Err(DeliveryRefusal::TooEarly { from }.into()) } else { Ok(()) }
}

/// The store has goods again that could not be handed over: the order ends.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Delivery`] if nothing was on its way back.
pub async fn brought_back(
    platform: &Platform,
    by: MerchantId,
    order_id: OrderId,
    key: Option<CommandKey>,
) -> Result<Done<Moved>, AskError> {
    let policy = platform.policy;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = OrderCase::lock(tx, order_id).await?;
        case.only_for(tx, Profile::Merchant(by)).await?;
        let told = last_line(tx, order_id, DeliveryEvent::ReturnStarted).await?;
        let reason = told.and_then(|it| it.reason).and_then(|it| Reason::from_text(&it));
        let reason = reason.unwrap_or(Reason::Undeliverable);
        let cause = Cause { by: by.into(), reason: Some(reason), at };
        case.move_delivery(tx, changes, DeliveryEvent::BroughtBack, cause).await?;
        case.move_order(tx, changes, &policy, OrderEvent::BroughtBack, cause).await?;
        if !reason.is_customers_doing() {
            endings::refund_in_full(&mut case, tx, changes, reason, cause).await?;
        }
        alarms::resolve(tx, changes, &case, AlarmKind::Undeliverable, None, at).await?;
        changes.nudges.push(Nudge::Dispatch { region: case.stored.region.clone() });
        Ok::<_, AskError>(case.moved(at))
    };
    let done = platform.command(key, work).await?;
    Ok(payments::refunds_follow(platform, order_id, done).await)
}

/// A rider says that the goods are gone: the order ends, and all the money goes back.
///
/// # Errors
///
/// [`AskError::NotFound`] if the delivery is not his, [`AskError::Delivery`] if he has no goods or
/// gives none of the reasons.
pub async fn lost(
    platform: &Platform,
    rider_id: RiderId,
    order_id: OrderId,
    reason: Reason,
    key: Option<CommandKey>,
) -> Result<Done<DeliveryView>, AskError> {
    let policy = platform.policy;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = lock_own(tx, rider_id, order_id).await?;
        let cause = Cause { by: rider_id.into(), reason: Some(reason), at };
        case.move_delivery(tx, changes, DeliveryEvent::Lost, cause).await?;
        case.move_order(tx, changes, &policy, OrderEvent::GoodsLost, cause).await?;
        endings::refund_in_full(&mut case, tx, changes, reason, cause).await?;
        proofs::silence(tx, changes, &case, None, at).await?;
        alarms::resolve(tx, changes, &case, AlarmKind::Undeliverable, None, at).await?;
        alarms::raise(tx, changes, &case, AlarmKind::GoodsLost, at).await?;
        changes.nudges.push(Nudge::Dispatch { region: case.stored.region.clone() });
        Ok::<_, AskError>(view(&case))
    };
    let done = platform.command(key, work).await?;
    Ok(payments::refunds_follow(platform, order_id, done).await)
}
