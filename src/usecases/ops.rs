//! What operators see live: every open order, store and event of a region.

use domain::{
    channel::Channel, clock::Timestamp, geo::Place, ids::OrderId, money::Money,
    order_state::OrderState, role::Profile,
};
use storage::{
    deliveries, duty,
    error::StoreError,
    events::{self, Latest, OpsEvent, OpsOrder, OpsRider, OpsStore, OpsValue, OrderMoved, Point},
    explanations::{self, Explanation},
    orders,
    push::Push,
    stores::{self, StoreRecord},
};

use crate::{
    alarms,
    error::AskError,
    order_case::OrderCase,
    people::people,
    platform::{Changes, Platform},
};

/// Open orders of one snapshot at most.
pub const SNAPSHOT_ORDERS_MAX: u32 = 2_000;

fn order_value(case: &OrderCase) -> OpsOrder {
    let order = &case.stored.order;
    OpsOrder {
        order: order.id.to_string(),
        store: order.store_id.to_string(),
        store_name: case.store.name.clone(),
        status: case.status().to_string(),
        order_state: order.state.to_string(),
        delivery_state: case.delivery.as_ref().map(|it| it.delivery.state.to_string()),
        rider: case.rider.clone(),
        pickup: case.store.place.into(),
        dropoff: case.stored.dropoff.into(),
        total_minor: Money::minor(order.total),
        currency: order.total.currency().code().to_owned(),
        placed: order.placed_at.ms(),
        alarm: (order.state == OrderState::Paid).then(|| "new_order".to_owned()),
    }
}

/// Tells operators of the region what became of an order.
pub(crate) fn tell(
    changes: &mut Changes,
    case: &OrderCase,
    moved: &OrderMoved,
    at: Timestamp,
) -> Result<(), StoreError> {
    let order = &case.stored.order;
    if !order.state.is_visible_to_store() {
        return Ok(());
    }
    let channel = Channel::Ops(case.stored.region.clone());
    let v = order.ended_at.is_none().then(|| order_value(case));
    let value = OpsValue { key: format!("order:{}", order.id), v };
    changes.latest.push(Latest {
        channel: channel.clone(),
        key: value.key.clone(),
        push: Push::Ops,
        body: events::json(&value)?,
        at,
    });
    changes.latest.push(Latest {
        channel,
        key: format!("event:{}:{}", moved.order, moved.seq),
        push: Push::OpsEvent,
        body: events::json(&OpsEvent { kind: "order", line: moved })?,
        at,
    });
    Ok(())
}

/// Tells operators of the region why a rider is asked. Only the newest of an order counts.
pub(crate) fn tell_why(
    changes: &mut Changes,
    region: &str,
    why: &Explanation,
    at: Timestamp,
) -> Result<(), StoreError> {
    changes.latest.push(Latest {
        channel: Channel::Ops(region.to_owned()),
        key: format!("why:{}", why.order),
        push: Push::OpsWhy,
        body: events::json(why)?,
        at,
    });
    Ok(())
}

/// Why riders were asked about an order, the newest first.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such order.
pub async fn why(platform: &Platform, order_id: OrderId) -> Result<Vec<Explanation>, AskError> {
    let mut reader = platform.reader();
    orders::find(&mut reader, order_id).await?.ok_or(AskError::not_found("order"))?;
    Ok(explanations::list_for_order(&mut reader, order_id).await?)
}

/// Tells operators of the region about a store.
pub(crate) fn tell_store(
    changes: &mut Changes,
    store: &StoreRecord,
    at: Timestamp,
) -> Result<(), StoreError> {
    let value = OpsValue { key: format!("store:{}", store.id), v: Some(store_value(store)) };
    changes.latest.push(Latest {
        channel: Channel::Ops(store.place.region()),
        key: value.key.clone(),
        push: Push::Ops,
        body: events::json(&value)?,
        at,
    });
    Ok(())
}

fn store_value(store: &StoreRecord) -> OpsStore {
    let Point { lat, lng } = store.place.into();
    OpsStore { name: store.name.clone(), lat, lng, is_open: store.is_open }
}

/// What is true now in a region: keys as in the pushes of its channel, values as JSON.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be read.
pub async fn snapshot(
    platform: &Platform,
    region: &str,
) -> Result<Vec<(String, String)>, AskError> {
    let mut reader = platform.reader();
    let mut found = Vec::new();
    for store in stores::list_by_region(&mut reader, region).await? {
        found.push((format!("store:{}", store.id), events::json(&store_value(&store))?));
    }
    for open in orders::list_open_in_region(&mut reader, region, SNAPSHOT_ORDERS_MAX).await? {
        let case = OrderCase::read(&mut reader, open.order.id).await?;
        found.push((format!("order:{}", open.order.id), events::json(&order_value(&case))?));
    }
    for alarm in storage::alarms::list_open(&mut reader, Some(region)).await? {
        let key = alarms::key(alarm.order_id, alarm.kind);
        found.push((key, events::json(&alarms::value(&alarm))?));
    }
    let is_here = |place: Place| place.cell(region.len()) == region;
    let working: Vec<_> =
        duty::list_working(&mut reader).await?.into_iter().filter(|it| is_here(it.place)).collect();
    let held = deliveries::list_open(&mut reader).await?;
    let profiles: Vec<_> = working.iter().map(|it| Profile::Rider(it.rider_id)).collect();
    let names = people(&mut reader, &profiles).await?;
    for (it, person) in working.into_iter().zip(names) {
        let Point { lat, lng } = it.place.into();
        let value = OpsRider {
            name: person.name,
            lat,
            lng,
            hdg: None,
            duty: it.duty.to_string(),
            load: held.iter().filter(|one| one.delivery.rider_id == Some(it.rider_id)).count(),
            capacity: it.capacity,
            stops: Vec::new(),
        };
        found.push((format!("rider:{}", it.rider_id), events::json(&value)?));
    }
    Ok(found)
}
