//! The rider's side of an order: pool, grab, stops.

use domain::{
    channel::Channel,
    clock::Timestamp,
    delivery_state::{DeliveryEvent, DeliveryState},
    geo::POOL_CELL_CHARS,
    ids::{OrderId, RiderId},
    order::Ask,
    order_state::OrderEvent,
    policy::OrderPolicy,
    role::{Actor, Profile},
    text_enum::text_enum,
};
use serde::{Deserialize, Serialize};
use storage::{
    commands::CommandKey,
    db::{Reader, Tx},
    deliveries::{self, StoredDelivery},
    duty,
    error::StoreError,
    events::{self, Latest, MemberMoved, PoolItem, RouteChanged, StopView, StorePoint},
    stores,
    timers::{self, TimerKind},
};

use crate::{
    offers::Answered,
    platform::{Changes, Done, Nudge, Platform},
    story::{self, OrderInHand},
    work::{WorkError, room_for_one},
};

text_enum! {
    /// Which end of a delivery a stop is.
    pub enum StopKind {
        /// The store.
        Pickup => "pickup",
        /// The customer's door.
        Dropoff => "dropoff",
    }
}

/// Where a delivery stands after a rider's command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryView {
    /// The order.
    pub order: String,
    /// State of the delivery.
    pub state: String,
    /// State of the order.
    pub order_state: String,
}

/// A rider takes a delivery from the pool. Exactly one of many wins.
///
/// # Errors
///
/// [`WorkError::Gone`] if it is not in the pool any more, [`WorkError::BagFull`] and
/// [`WorkError::NotOnDuty`] if the rider cannot take it.
pub async fn grab(
    platform: &Platform,
    rider_id: RiderId,
    order_id: OrderId,
    key: Option<CommandKey>,
) -> Result<Done<Answered>, WorkError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let (mut hand, stored) = take_delivery(tx, order_id).await?;
        if stored.delivery.state != DeliveryState::Pooled {
            return Err(WorkError::Gone { state: stored.delivery.state.as_str() });
        }
        room_for_one(tx, rider_id, None).await?;
        assign_in_hand(tx, changes, &mut hand, DeliveryEvent::Grabbed, rider_id, at).await?;
        show_in_pool(tx, changes, &stored, false, at).await?;
        Ok(Answered { state: "won".to_owned(), order: order_id.to_string() })
    };
    platform.command(key, work).await
}

/// Opens a delivery to every rider near, because asking one by one has not helped.
///
/// # Errors
///
/// [`WorkError`] if it does not wait any more.
pub async fn put_in_pool(platform: &Platform, order_id: OrderId) -> Result<(), WorkError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        move_pool(tx, changes, order_id, DeliveryEvent::PutInPool, at).await
    };
    platform.command(None, work).await.map(|_| ())
}

/// Takes a delivery out of the pool, because a rider can be asked again.
///
/// # Errors
///
/// [`WorkError`] if it is not in the pool any more.
pub async fn take_from_pool(platform: &Platform, order_id: OrderId) -> Result<(), WorkError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        move_pool(tx, changes, order_id, DeliveryEvent::TakenFromPool, at).await
    };
    platform.command(None, work).await.map(|_| ())
}

async fn move_pool(
    tx: &mut Tx,
    changes: &mut Changes,
    order_id: OrderId,
    event: DeliveryEvent,
    at: Timestamp,
) -> Result<(), WorkError> {
    let (mut hand, stored) = take_delivery(tx, order_id).await?;
    let change = stored.delivery.decide(event, Actor::System, None, at)?;
    hand.move_delivery(tx, changes, &change).await?;
    show_in_pool(tx, changes, &stored, change.to == DeliveryState::Pooled, at).await
}

/// Shows a delivery in its pool cell, or takes it away. For those who move orders in hand.
///
/// # Errors
///
/// [`WorkError`] as the store gives it.
pub async fn show_in_pool(
    tx: &mut Tx,
    changes: &mut Changes,
    stored: &StoredDelivery,
    open: bool,
    at: Timestamp,
) -> Result<(), WorkError> {
    let item = pool_item(tx, stored, open).await?;
    changes.latest.push(Latest {
        channel: Channel::Pool(stored.pool_cell.clone()),
        key: item.order.clone(),
        push: "pool",
        body: events::json(&item)?,
        at,
    });
    Ok(())
}

async fn pool_item(
    reader: &mut impl Reader,
    stored: &StoredDelivery,
    open: bool,
) -> Result<PoolItem, StoreError> {
    let store = stores::find(reader, stored.store_id)
        .await?
        .ok_or_else(|| StoreError::not_found("store", stored.store_id))?;
    Ok(PoolItem {
        order: stored.delivery.order_id.to_string(),
        open,
        store: StorePoint {
            id: stored.store_id.to_string(),
            name: store.name.to_string(),
            lat: stored.pickup.lat(),
            lng: stored.pickup.lng(),
        },
        pay_minor: stored.pay.minor(),
        currency: stored.pay.currency().code().to_owned(),
        dropoff_area: stored.dropoff.cell(POOL_CELL_CHARS),
        since: stored.created_at.ms(),
    })
}

/// What the pools of some cells show now.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn pool_snapshot(
    platform: &Platform,
    cells: &[String],
) -> Result<Vec<PoolItem>, StoreError> {
    let mut reader = platform.reader();
    let mut items = Vec::new();
    for cell in cells {
        for stored in deliveries::list_pooled(&mut reader, cell).await? {
            items.push(pool_item(&mut reader, &stored, true).await?);
        }
    }
    Ok(items)
}

/// Gives a delivery to a rider, who joins the order's chat.
pub(crate) async fn assign_in_hand(
    tx: &mut Tx,
    changes: &mut Changes,
    hand: &mut OrderInHand,
    event: DeliveryEvent,
    rider_id: RiderId,
    at: Timestamp,
) -> Result<(), WorkError> {
    let stored = hand.delivery.clone().ok_or(WorkError::NotFound { what: "delivery" })?;
    let change = stored.delivery.decide(event, rider_id.into(), None, at)?;
    hand.move_delivery(tx, changes, &change).await?;

    let profile = Profile::Rider(rider_id);
    let order_id = hand.stored.order.id;
    let joined = MemberMoved { person: story::person(tx, profile).await?, joined: true };
    let channel = Channel::Order(order_id);
    changes.entries.push(events::entry(channel.clone(), "member", Some(profile), &joined)?);
    let view = DeliveryView {
        order: order_id.to_string(),
        state: change.to.as_str().to_owned(),
        order_state: hand.stored.order.state.as_str().to_owned(),
    };
    let mut told = events::entry(Channel::Inbox(profile), "assigned", None, &view)?;
    told.joins = Some(channel);
    changes.entries.push(told);
    changes.nudges.push(Nudge::Dispatch { region: stored.region });
    Ok(())
}

/// The rider has reached a stop.
///
/// # Errors
///
/// [`WorkError`] if the delivery is not his, or not at that point.
pub async fn arrive(
    platform: &Platform,
    rider_id: RiderId,
    order_id: OrderId,
    stop: StopKind,
    key: Option<CommandKey>,
) -> Result<Done<DeliveryView>, WorkError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let (mut hand, stored) = take_own(tx, rider_id, order_id).await?;
        let event = match stop {
            StopKind::Pickup => DeliveryEvent::RiderAtStore,
            StopKind::Dropoff => DeliveryEvent::RiderAtDoor,
        };
        let change = stored.delivery.decide(event, rider_id.into(), None, at)?;
        hand.move_delivery(tx, changes, &change).await?;
        Ok(view(&hand, &stored))
    };
    platform.command(key, work).await
}

/// The rider has the goods, or has handed them over.
///
/// # Errors
///
/// [`WorkError`] if the delivery is not his, or delivery or order are not at that point.
pub async fn finish_stop(
    platform: &Platform,
    rider_id: RiderId,
    order_id: OrderId,
    stop: StopKind,
    policy: OrderPolicy,
    key: Option<CommandKey>,
) -> Result<Done<DeliveryView>, WorkError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let (mut hand, stored) = take_own(tx, rider_id, order_id).await?;
        let (event, order_event, place) = match stop {
            StopKind::Pickup => {
                (DeliveryEvent::RiderTookGoods, OrderEvent::RiderTookIt, stored.pickup)
            }
            StopKind::Dropoff => {
                (DeliveryEvent::HandedOver, OrderEvent::HandedOver, stored.dropoff)
            }
        };
        let by = Actor::from(rider_id);
        let ask = Ask {
            event: order_event,
            by,
            reason: None,
            at,
            delivery: Some(&stored.delivery),
            policy: &policy,
        };
        let order_change = hand.stored.order.decide(ask)?;
        let change = stored.delivery.decide(event, by, None, at)?;
        hand.move_delivery(tx, changes, &change).await?;
        hand.move_order(tx, changes, &order_change).await?;
        if stop == StopKind::Dropoff {
            let due = at + policy.auto_complete;
            let subject = order_id.to_string();
            timers::set(tx, TimerKind::OrderAutoComplete, &subject, due).await?;
        }
        duty::save_place(tx, rider_id, place).await?;
        changes.nudges.push(Nudge::Dispatch { region: stored.region.clone() });
        Ok(view(&hand, &stored))
    };
    platform.command(key, work).await
}

/// Tells a rider his new stop plan.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn tell_route(
    platform: &Platform,
    rider_id: RiderId,
    stops: Vec<StopView>,
    why: &'static str,
) -> Result<(), StoreError> {
    let work = async move |_: &mut Tx, changes: &mut Changes, _: Timestamp| {
        let body = RouteChanged { stops: stops.clone(), why: why.to_owned() };
        let inbox = Channel::Inbox(Profile::Rider(rider_id));
        changes.entries.push(events::entry(inbox, "route", None, &body)?);
        Ok::<_, StoreError>(())
    };
    platform.command(None, work).await.map(|_| ())
}

fn view(hand: &OrderInHand, before: &StoredDelivery) -> DeliveryView {
    let state = hand.delivery.as_ref().map_or(before.delivery.state, |it| it.delivery.state);
    DeliveryView {
        order: hand.stored.order.id.to_string(),
        state: state.as_str().to_owned(),
        order_state: hand.stored.order.state.as_str().to_owned(),
    }
}

async fn take_delivery(
    tx: &mut Tx,
    order_id: OrderId,
) -> Result<(OrderInHand, StoredDelivery), WorkError> {
    let none = || WorkError::NotFound { what: "delivery" };
    let hand = OrderInHand::take(tx, order_id).await?.ok_or_else(none)?;
    let stored = hand.delivery.clone().ok_or_else(none)?;
    Ok((hand, stored))
}

/// A delivery that this rider holds; somebody else's is "not found".
async fn take_own(
    tx: &mut Tx,
    rider_id: RiderId,
    order_id: OrderId,
) -> Result<(OrderInHand, StoredDelivery), WorkError> {
    let (hand, stored) = take_delivery(tx, order_id).await?;
    if stored.delivery.rider_id != Some(rider_id) {
        return Err(WorkError::NotFound { what: "delivery" });
    }
    Ok((hand, stored))
}
