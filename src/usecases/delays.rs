//! Telling the parties of an order when it comes: estimates not too often, and that it will be late
//! before they have to ask.

use std::time::Duration;

use domain::{
    channel::Channel,
    clock::Timestamp,
    delivery_state::DeliveryState,
    eta::{TOLD_EVERY_MS, delay_to_tell},
    ids::OrderId,
    role::Profile,
};
use storage::{
    db::Tx,
    delays,
    error::StoreError,
    events::{self, Latest, OpsEvent, OrderDelayed},
    push::Push,
};

use crate::{
    error::AskError,
    order_case::OrderCase,
    platform::{Changes, Platform},
};

/// When an order can be at its door at best, against what was promised. UTC milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// Which order.
    pub order_id: OrderId,
    /// What the customer was promised.
    pub promised_at: i64,
    /// The earliest sensible arrival.
    pub low: i64,
    /// The latest sensible arrival, if it is known who brings it.
    pub high: Option<i64>,
}

/// Those of `orders` of which an estimate may be told now: no node has told one within a minute.
///
/// # Errors
///
/// [`StoreError`] if the store fails.
pub(crate) async fn may_tell(
    platform: &Platform,
    mut orders: Vec<OrderId>,
    now: Timestamp,
) -> Result<Vec<OrderId>, StoreError> {
    // Everybody takes locks in this order.
    orders.sort_unstable();
    let since = now - Duration::from_millis(TOLD_EVERY_MS.unsigned_abs());
    let write = async move |tx: &mut Tx| {
        let mut free = Vec::with_capacity(orders.len());
        for order_id in &orders {
            if delays::claim_estimate(tx, *order_id, now, since).await? {
                free.push(*order_id);
            }
        }
        Ok::<_, StoreError>(free)
    };
    platform.store.write(write).await
}

/// Whether the order is still to come to the door: only then can it be late.
const fn is_on_its_way(state: DeliveryState) -> bool {
    match state {
        DeliveryState::Waiting
        | DeliveryState::Offering
        | DeliveryState::Pooled
        | DeliveryState::Assigned
        | DeliveryState::ArrivedPickup
        | DeliveryState::PickedUp => true,
        DeliveryState::ArrivedDropoff
        | DeliveryState::Delivered
        | DeliveryState::Returning
        | DeliveryState::Returned
        | DeliveryState::Failed
        | DeliveryState::Cancelled => false,
    }
}

/// Tells customer, store and operators that an order is late, once, and again only if the delay
/// grows by a step; with several dispatchers at once too. Answers the delay that was told last, in
/// milliseconds; 0 if none was.
///
/// # Errors
///
/// [`AskError`] if there is no such order or the store fails.
pub async fn tell(platform: &Platform, outlook: Outlook) -> Result<i64, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let Outlook { order_id, promised_at, low, high } = outlook;
        let case = OrderCase::lock(tx, order_id).await?;
        let told = delays::find(tx, order_id).await?;
        let is_open = case.delivery.as_ref().is_some_and(|it| is_on_its_way(it.delivery.state));
        let Some(late_ms) = delay_to_tell(low, promised_at, told).filter(|_| is_open) else {
            return Ok(told.unwrap_or(0));
        };
        delays::save(tx, order_id, Timestamp::from_ms(promised_at), late_ms, at).await?;
        let body = OrderDelayed {
            order: order_id.to_string(),
            promised: promised_at,
            low,
            high,
            late_ms,
            again: told.is_some(),
        };
        tell_all(&case, changes, &body, at)?;
        Ok::<_, AskError>(late_ms)
    };
    platform.command(None, work).await.map(|it| it.value)
}

fn tell_all(
    case: &OrderCase,
    changes: &mut Changes,
    body: &OrderDelayed,
    at: Timestamp,
) -> Result<(), StoreError> {
    let order = &case.stored.order;
    for channel in [
        Channel::Order(order.id),
        Channel::Inbox(Profile::Customer(order.customer_id)),
        Channel::Store(order.store_id),
    ] {
        changes.entries.push(events::entry(channel, Push::OrderDelayed, None, body)?);
    }
    changes.latest.push(Latest {
        channel: Channel::Ops(case.stored.region.clone()),
        key: format!("event:{}:late:{}", body.order, body.late_ms),
        push: Push::OpsEvent,
        body: events::json(&OpsEvent { kind: "delay", line: body })?,
        at,
    });
    Ok(())
}
