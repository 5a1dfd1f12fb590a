//! What operators see: the map and the feed.

use domain::{alarm::AlarmKind, display_status::DisplayStatus, order_state::OrderState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Person, Point, StopView};

/// An order on the operators' map.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OpsOrder {
    /// The order.
    pub order: String,
    /// Its store.
    pub store: String,
    /// The store's name.
    pub store_name: String,
    /// What people see.
    #[schemars(extend("enum" = DisplayStatus::names()))]
    pub status: String,
    /// State of the order itself.
    #[schemars(extend("enum" = OrderState::names()))]
    pub order_state: String,
    /// State of its delivery, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_state: Option<String>,
    /// The rider who holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rider: Option<Person>,
    /// Where it is fetched.
    pub pickup: Point,
    /// Where it goes.
    pub dropoff: Point,
    /// What the customer pays, in minor units.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// When it was placed, in UTC milliseconds.
    pub placed: i64,
    /// What rings for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<String>,
}

/// A rider on the operators' map.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OpsRider {
    /// The rider's name.
    pub name: String,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
    /// Heading in degrees from north, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdg: Option<f64>,
    /// `on` or `break`.
    pub duty: String,
    /// Orders he holds.
    pub load: usize,
    /// Orders he can hold.
    pub capacity: u32,
    /// His route.
    pub stops: Vec<StopView>,
}

/// A store on the operators' map.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
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

/// An alarm on the operators' map, until it is resolved.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OpsAlarm {
    /// About which order.
    pub order: String,
    /// Why.
    #[schemars(extend("enum" = AlarmKind::names()))]
    pub alarm: String,
    /// Since when, in UTC milliseconds.
    pub since: i64,
}

/// Push `ops`: the newest value of one thing on the operators' map; `null` when it is gone.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OpsValue<T> {
    /// `rider:rid_…`, `order:ord_…`, `store:sto_…` or `alarm:ord_…:KIND`.
    pub key: String,
    /// The value.
    pub v: Option<T>,
}

/// Push `ops.event`: a line of the operators' feed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OpsEvent<'a, T> {
    /// `order`, `offer`, `duty`, `alarm` or `delay`.
    pub kind: &'static str,
    /// What happened.
    #[serde(flatten)]
    pub line: &'a T,
}
