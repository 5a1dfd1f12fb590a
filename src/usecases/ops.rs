//! What operators see live: every open order, store and event of a region.

use domain::{
    channel::Channel, clock::Timestamp, geo::Place, money::Money, order_state::OrderState,
};
use serde::Serialize;
use storage::{
    duty,
    error::StoreError,
    events::{self, Latest, OrderMoved, Person, Point},
    orders,
    stores::{self, StoreRecord},
};

use crate::{
    error::AskError,
    order_case::OrderCase,
    platform::{Changes, Platform},
};

/// Open orders of one snapshot at most.
pub const SNAPSHOT_ORDERS_MAX: u32 = 2_000;

/// An open order on the live map.
#[derive(Debug, Clone, Serialize)]
pub struct OpsOrder {
    /// The order.
    pub order: String,
    /// The store.
    pub store: String,
    /// The store's name.
    pub store_name: String,
    /// What people see.
    pub status: String,
    /// Where the order itself stands.
    pub order_state: String,
    /// Where its delivery stands, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_state: Option<String>,
    /// Who holds the delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rider: Option<Person>,
    /// The store's place.
    pub pickup: Point,
    /// The door.
    pub dropoff: Point,
    /// What the customer pays, in minor units.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// When it was placed, in UTC milliseconds.
    pub placed: i64,
    /// What rings for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<String>,
}

/// A store on the live map.
#[derive(Debug, Clone, Serialize)]
pub struct OpsStore {
    /// Its name.
    pub name: String,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
    /// Whether it takes orders.
    pub is_open: bool,
}

/// A rider on the live map, as far as the store of facts knows.
#[derive(Debug, Clone, Serialize)]
pub struct OpsRider {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
    /// `on` or `break`.
    pub duty: String,
    /// How many deliveries fit.
    pub capacity: u32,
}

#[derive(Serialize)]
struct Keyed<T> {
    key: String,
    v: Option<T>,
}

#[derive(Serialize)]
struct Event<'a> {
    kind: &'static str,
    #[serde(flatten)]
    moved: &'a OrderMoved,
}

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
    let value = Keyed { key: format!("order:{}", order.id), v };
    changes.latest.push(Latest {
        channel: channel.clone(),
        key: value.key.clone(),
        push: "ops",
        body: events::json(&value)?,
        at,
    });
    changes.latest.push(Latest {
        channel,
        key: format!("event:{}:{}", moved.order, moved.seq),
        push: "ops.event",
        body: events::json(&Event { kind: "order", moved })?,
        at,
    });
    Ok(())
}

/// Tells operators of the region about a store.
pub(crate) fn tell_store(
    changes: &mut Changes,
    store: &StoreRecord,
    at: Timestamp,
) -> Result<(), StoreError> {
    let value = Keyed { key: format!("store:{}", store.id), v: Some(store_value(store)) };
    changes.latest.push(Latest {
        channel: Channel::Ops(store.place.region()),
        key: value.key.clone(),
        push: "ops",
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
    let is_here = |place: Place| place.cell(region.len()) == region;
    for it in duty::list_working(&mut reader).await?.into_iter().filter(|it| is_here(it.place)) {
        let Point { lat, lng } = it.place.into();
        let (duty, capacity) = (it.duty.to_string(), it.capacity);
        let value = OpsRider { lat, lng, duty, capacity };
        found.push((format!("rider:{}", it.rider_id), events::json(&value)?));
    }
    Ok(found)
}
