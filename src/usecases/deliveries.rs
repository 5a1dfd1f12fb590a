//! The rider's side of an order: pool, grab, stops.

use domain::{
    channel::Channel,
    clock::Timestamp,
    delivery_state::{DeliveryEvent, DeliveryState},
    geo::{POOL_CELL_CHARS, cells_within},
    ids::{OrderId, RiderId},
    order_state::OrderEvent,
    role::{Actor, Profile},
    text_enum::text_enum,
};
use serde::{Deserialize, Serialize};
use storage::{
    claims::Claimed,
    commands::CommandKey,
    db::{Reader, Tx},
    deliveries::{self, StoredDelivery},
    duty,
    error::StoreError,
    events::{self, Latest, MemberMoved, PoolItem, RouteChanged, StopView, StorePoint},
    push::Push,
    stores,
};

use crate::{
    error::AskError,
    handovers,
    offers::Answered,
    order_case::{Cause, OrderCase},
    platform::{Changes, Done, Nudge, Platform},
    room::room_for_one,
    searching,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeliveryView {
    /// The order.
    pub order: String,
    /// State of the delivery.
    pub state: String,
    /// State of the order.
    pub order_state: String,
}

/// What a rider hears who grabs what another one is taking this moment.
const CLAIMED: &str = "claimed";

/// A rider takes a delivery from the pool. Exactly one of many wins; the others do not reach SQL.
///
/// # Errors
///
/// [`AskError::BagFull`] and [`AskError::NotOnDuty`] if the rider cannot take it,
/// [`AskError::NotPooled`] if riders are asked about it one by one, [`AskError::Gone`] if somebody
/// has it or is taking it this moment.
pub async fn grab(
    platform: &Platform,
    rider_id: RiderId,
    order_id: OrderId,
    key: Option<CommandKey>,
) -> Result<Done<Answered>, AskError> {
    let claimed = platform.claims.take(order_id, rider_id).await;
    metrics::counter!("riderhub_claims_total", "result" => claimed.as_str()).increment(1);
    if claimed == Claimed::Lost {
        return Err(AskError::Gone { state: CLAIMED });
    }
    let grabbed = grab_claimed(platform, rider_id, order_id, key).await;
    if grabbed.is_err() {
        platform.claims.free(order_id, rider_id).await;
    }
    grabbed
}

/// SQL decides, whatever the claim said.
async fn grab_claimed(
    platform: &Platform,
    rider_id: RiderId,
    order_id: OrderId,
    key: Option<CommandKey>,
) -> Result<Done<Answered>, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let (mut case, stored) = lock_delivery(tx, order_id).await?;
        room_for_one(tx, rider_id, None).await?;
        let state = stored.delivery.state;
        match state {
            DeliveryState::Pooled => {}
            // Nobody has it: it was never in the pool, or riders are asked one by one again.
            DeliveryState::Waiting | DeliveryState::Offering => {
                return Err(AskError::NotPooled { state: state.as_str() });
            }
            _ => return Err(AskError::Gone { state: state.as_str() }),
        }
        assign(tx, changes, &mut case, DeliveryEvent::Grabbed, rider_id, at).await?;
        show_in_pool(tx, changes, &stored, false, at).await?;
        Ok(Answered { state: "won".to_owned(), order: order_id.to_string() })
    };
    platform.command(key, work).await
}

/// Opens a delivery to every rider near, because asking one by one has not helped.
///
/// # Errors
///
/// [`AskError`] if it does not wait any more.
pub async fn put_in_pool(platform: &Platform, order_id: OrderId) -> Result<(), AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        move_pool(tx, changes, order_id, DeliveryEvent::PutInPool, at).await
    };
    platform.command(None, work).await.map(|_| ())
}

/// Takes a delivery out of the pool, because a rider can be asked again.
///
/// # Errors
///
/// [`AskError`] if it is not in the pool any more.
pub async fn take_from_pool(platform: &Platform, order_id: OrderId) -> Result<(), AskError> {
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
) -> Result<(), AskError> {
    let (mut case, stored) = lock_delivery(tx, order_id).await?;
    let cause = Cause { by: Actor::System, reason: None, at };
    let change = case.move_delivery(tx, changes, event, cause).await?;
    show_in_pool(tx, changes, &stored, change.to == DeliveryState::Pooled, at).await
}

/// Shows a delivery in the cells of the pool that it reaches, or takes it away. For those who move orders in hand.
///
/// # Errors
///
/// [`AskError`] as the store gives it.
pub async fn show_in_pool(
    tx: &mut Tx,
    changes: &mut Changes,
    stored: &StoredDelivery,
    open: bool,
    at: Timestamp,
) -> Result<(), AskError> {
    let item = pool_item(tx, stored, open).await?;
    for cell in cells_within(&stored.pool_cell, stored.outreach.rings) {
        changes.latest.push(Latest {
            channel: Channel::Pool(cell),
            key: item.order.clone(),
            push: Push::Pool,
            body: events::json(&item)?,
            at,
        });
    }
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
        pay_minor: stored.pay.minor() + stored.outreach.bonus.minor(),
        bonus_minor: stored.outreach.bonus.minor(),
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
    let rings_max = platform.policy.search.rings_max;
    let mut around: Vec<_> = cells.iter().flat_map(|it| cells_within(it, rings_max)).collect();
    around.sort_unstable();
    around.dedup();
    let mut items = Vec::new();
    for stored in deliveries::list_pooled(&mut reader, &around).await? {
        let reached = cells_within(&stored.pool_cell, stored.outreach.rings);
        if reached.iter().any(|it| cells.contains(it)) {
            items.push(pool_item(&mut reader, &stored, true).await?);
        }
    }
    Ok(items)
}

/// Gives a delivery to a rider, who joins the order's chat.
pub(crate) async fn assign(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &mut OrderCase,
    event: DeliveryEvent,
    rider_id: RiderId,
    at: Timestamp,
) -> Result<(), AskError> {
    let cause = Cause { by: rider_id.into(), reason: None, at };
    case.move_delivery(tx, changes, event, cause).await?;
    searching::end(tx, changes, case, at).await?;

    let (profile, channel) = (Profile::Rider(rider_id), Channel::Order(case.id()));
    let person = case.rider.clone().ok_or(AskError::not_found("rider"))?;
    let joined = MemberMoved { person, joined: true };
    changes.entries.push(events::entry(channel.clone(), Push::Member, Some(profile), &joined)?);
    let view = view(case);
    let mut told = events::entry(Channel::Inbox(profile), Push::Assigned, None, &view)?;
    told.joins = Some(channel);
    changes.entries.push(told);
    changes.nudges.push(Nudge::Dispatch { region: case.stored.region.clone() });
    Ok(())
}

/// The rider has reached a stop: he says so, or his positions show it. Saying it again changes
/// nothing.
///
/// # Errors
///
/// [`AskError`] if the delivery is not his, or not at that point.
pub async fn arrive(
    platform: &Platform,
    rider_id: RiderId,
    order_id: OrderId,
    stop: StopKind,
    key: Option<CommandKey>,
) -> Result<Done<DeliveryView>, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = lock_own(tx, rider_id, order_id).await?;
        let (event, there) = match stop {
            StopKind::Pickup => (DeliveryEvent::RiderAtStore, DeliveryState::ArrivedPickup),
            StopKind::Dropoff => (DeliveryEvent::RiderAtDoor, DeliveryState::ArrivedDropoff),
        };
        if case.delivery.as_ref().is_some_and(|it| it.delivery.state == there) {
            return Ok(view(&case));
        }
        let cause = Cause { by: rider_id.into(), reason: None, at };
        case.move_delivery(tx, changes, event, cause).await?;
        Ok(view(&case))
    };
    platform.command(key, work).await
}

/// The rider has the goods, or has handed them over.
///
/// # Errors
///
/// [`AskError`] if the delivery is not his, or delivery or order are not at that point.
pub async fn finish_stop(
    platform: &Platform,
    rider_id: RiderId,
    order_id: OrderId,
    stop: StopKind,
    key: Option<CommandKey>,
) -> Result<Done<DeliveryView>, AskError> {
    let policy = platform.policy;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = lock_own(tx, rider_id, order_id).await?;
        let stored = case.delivery.as_ref().ok_or(AskError::not_found("delivery"))?;
        let (event, order_event, place) = match stop {
            StopKind::Pickup => {
                (DeliveryEvent::RiderTookGoods, OrderEvent::RiderTookIt, stored.pickup)
            }
            StopKind::Dropoff => {
                (DeliveryEvent::HandedOver, OrderEvent::HandedOver, stored.dropoff)
            }
        };
        let cause = Cause { by: rider_id.into(), reason: None, at };
        case.move_order(tx, changes, &policy, order_event, cause).await?;
        case.move_delivery(tx, changes, event, cause).await?;
        if stop == StopKind::Dropoff {
            handovers::complete_later(tx, order_id, &policy, at).await?;
        }
        duty::save_place(tx, rider_id, place).await?;
        changes.nudges.push(Nudge::Dispatch { region: case.stored.region.clone() });
        Ok(view(&case))
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
        changes.entries.push(events::entry(inbox, Push::Route, None, &body)?);
        Ok::<_, StoreError>(())
    };
    platform.command(None, work).await.map(|_| ())
}

/// Where a delivery stands, for whoever moved it.
pub(crate) fn view(case: &OrderCase) -> DeliveryView {
    let state = case.delivery.as_ref().map_or("", |it| it.delivery.state.as_str());
    DeliveryView {
        order: case.id().to_string(),
        state: state.to_owned(),
        order_state: case.stored.order.state.as_str().to_owned(),
    }
}

/// Locks an order and reads its delivery.
pub(crate) async fn lock_delivery(
    tx: &mut Tx,
    order_id: OrderId,
) -> Result<(OrderCase, StoredDelivery), AskError> {
    let case = OrderCase::lock(tx, order_id).await?;
    let stored = case.delivery.clone().ok_or(AskError::not_found("delivery"))?;
    Ok((case, stored))
}

/// A delivery that this rider holds; somebody else's is "not found".
pub(crate) async fn lock_own(
    tx: &mut Tx,
    rider_id: RiderId,
    order_id: OrderId,
) -> Result<OrderCase, AskError> {
    let (case, stored) = lock_delivery(tx, order_id).await?;
    if stored.delivery.rider_id != Some(rider_id) {
        return Err(AskError::not_found("delivery"));
    }
    Ok(case)
}

/// Who holds the delivery of an order, or held it last; `None` while nobody does.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn rider_of(
    platform: &Platform,
    order_id: OrderId,
) -> Result<Option<RiderId>, StoreError> {
    let stored = deliveries::find_for_order(&mut platform.reader(), order_id).await?;
    Ok(stored.and_then(|it| it.delivery.rider_id))
}
