//! What journal entries and latest values say: one typed struct for each body.
//!
//! These structs are the wire form of pushes; `docs/protocol.md` and the AsyncAPI document describe
//! the same shapes. Fields that are `None` are left out.

use domain::{
    change::Machine,
    channel::Channel,
    clock::Timestamp,
    delivery_state::DeliveryState,
    display_status::{DisplayStatus, RefundSummary},
    geo::Place,
    handover::Mode,
    order_state::OrderState,
    payment_state::PaymentState,
    role::{ActorRole, Profile, Role},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{error::StoreError, journal::NewEntry, push::Push};

mod chat;
mod handover;
mod on_the_way;
mod ops;
mod people;
mod trouble;

pub use chat::{Edited, MemberMoved, Said, SharedPlace, Tombstone};
pub use handover::{HandoverNews, PickupReady};
pub use on_the_way::{Eta, EtaRange, OrderDelayed};
pub use ops::{OpsAlarm, OpsEvent, OpsOrder, OpsRider, OpsStore, OpsValue};
pub use people::SignedOut;
pub use trouble::Unassigned;

/// The sender of entries that no person caused.
pub const SYSTEM: &str = "system";

/// Who caused a change.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub struct By {
    /// A role, `system` or `provider`.
    #[schemars(extend("enum" = ActorRole::names()))]
    pub role: String,
    /// The profile, if it was a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A person as the other parties of an order see them.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub struct Person {
    /// The profile.
    pub profile: String,
    /// The profile's role.
    #[schemars(extend("enum" = Role::names()))]
    pub role: String,
    /// The name to show.
    pub name: String,
}

/// A place as clients see it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, JsonSchema)]
pub struct Point {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
}

impl From<Place> for Point {
    fn from(place: Place) -> Self {
        Self { lat: place.lat(), lng: place.lng() }
    }
}

/// Push `order`: one line of an order's story, of any of its machines, and how the order stands
/// after it. Whoever has the order from REST keeps it up to date with this alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct OrderMoved {
    /// The order.
    pub order: String,
    /// By which people call it, e.g. `#0042`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Number of the line, from 1 without holes.
    pub seq: i64,
    /// Which machine moved.
    #[schemars(extend("enum" = Machine::names()))]
    pub machine: String,
    /// What happened.
    pub event: String,
    /// State before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// State after.
    pub to: String,
    /// What to show to people, after the change.
    #[schemars(extend("enum" = DisplayStatus::names()))]
    pub status: String,
    /// Where the order's own machine stands.
    #[schemars(extend("enum" = OrderState::names()))]
    pub order_state: String,
    /// `pickup` if the customer collects it; left out for what a rider brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [Mode::Pickup.as_str()]))]
    pub handover: Option<String>,
    /// Its transport, once the store has accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryPart>,
    /// The attempt to pay that moved, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentPart>,
    /// How much of what was paid goes back.
    #[schemars(extend("enum" = RefundSummary::names()))]
    pub refund: String,
    /// Who caused it.
    pub by: Option<By>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when the rider waits at the door, once he is there, in UTC milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<i64>,
    /// When, in UTC milliseconds.
    pub at: i64,
    /// The store.
    pub store: String,
    /// The rider who holds the delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rider: Option<Person>,
    /// What the customer pays, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_minor: Option<i64>,
    /// ISO 4217.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// For when it was ordered, in UTC milliseconds; left out for as soon as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<i64>,
    /// When the kitchen means to be done, in UTC milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<i64>,
    /// When the customer got it, in UTC milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<i64>,
    /// When the order ended, in UTC milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
}

/// The transport of an order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryPart {
    /// The delivery.
    pub delivery: String,
    /// Where it stands.
    #[schemars(extend("enum" = DeliveryState::names()))]
    pub state: String,
}

/// One attempt to pay an order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PaymentPart {
    /// The attempt.
    pub payment: String,
    /// Where it stands.
    #[schemars(extend("enum" = PaymentState::names()))]
    pub state: String,
    /// Which provider.
    pub provider: String,
    /// How much, in minor units.
    pub amount_minor: i64,
}

/// Push `alarm` or `alarm.clear`: the store's bell.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Alarm {
    /// What it is about.
    pub order: String,
    /// By which people call it, e.g. `#0042`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Why it rings, e.g. `new_order`.
    pub alarm: String,
    /// Whether it rings until it is cleared.
    pub rings: bool,
}

/// A store as riders and operators see it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct StorePoint {
    /// The store.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
}

/// One stop of a rider's route.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct StopView {
    /// Which order.
    pub order: String,
    /// Fetching it, or handing it over.
    #[schemars(extend("enum" = ["pickup", "dropoff"]))]
    pub stop: String,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
    /// Expected arrival, in UTC milliseconds.
    pub eta: i64,
}

/// Push `offer`: an exclusive, timed proposal to one rider.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Offered {
    /// The offer.
    pub offer: String,
    /// The order it is about.
    pub order: String,
    /// Where to fetch it.
    pub store: StorePoint,
    /// Geohash of six characters around the door; the door itself is told after acceptance.
    pub dropoff_area: String,
    /// What the rider earns, with the bonus, in minor units.
    pub pay_minor: i64,
    /// How much of it is a bonus because nobody has taken it so far, in minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bonus_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Metres from the rider to the store.
    pub pickup_m: i64,
    /// Metres from the store to the door.
    pub trip_m: i64,
    /// Seconds that the route grows by.
    pub adds_s: i64,
    /// The rider's route with this delivery in it.
    pub route: Vec<StopView>,
    /// When it lapses, in UTC milliseconds.
    pub expires: i64,
    /// More deliveries on the same trip: whoever answers one of these offers answers all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<crate::offers::Bundled>,
}

/// Push `offer.closed`: the offer is over, however it ended.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OfferClosed {
    /// The offer.
    pub offer: String,
    /// The order it was about.
    pub order: String,
    /// `accepted`, `declined`, `expired` or `withdrawn`.
    pub state: String,
}

/// Push `route`: a rider's new stop plan.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RouteChanged {
    /// The stops in order.
    pub stops: Vec<StopView>,
    /// What changed it.
    pub why: String,
}

/// Push `store` on the inbox of a merchant: a store is open, and its channel is heard.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct StoreOpened {
    /// The store.
    pub store: String,
    /// Its name.
    pub name: String,
}

/// Push `cart` on the inbox of a customer: read the cart again if it is on the screen.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CartMoved {
    /// At which store.
    pub store: String,
    /// How often the cart has changed.
    pub version: i64,
    /// How many lines it has now.
    pub n_lines: u32,
    /// How many pieces they have together.
    pub n_pieces: u32,
}

/// Push `pool`: a delivery that any rider near may grab, or one that is gone.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PoolItem {
    /// The order.
    pub order: String,
    /// Whether it can still be grabbed.
    pub open: bool,
    /// Where to fetch it.
    pub store: StorePoint,
    /// What the rider earns, with the bonus, in minor units.
    pub pay_minor: i64,
    /// How much of it is a bonus because nobody has taken it so far, in minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bonus_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Geohash of six characters around the door.
    pub dropoff_area: String,
    /// When the store accepted the order, in UTC milliseconds.
    pub since: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(minor: &i64) -> bool {
    *minor == 0
}

/// Makes an entry of `body`.
///
/// # Errors
///
/// [`StoreError::Refused`] if the body has no JSON form, which none of ours lacks.
pub fn entry<T: Serialize>(
    channel: Channel,
    kind: Push,
    sender: Option<Profile>,
    body: &T,
) -> Result<NewEntry, StoreError> {
    let sender = sender.map_or_else(|| SYSTEM.to_owned(), |it| it.to_string());
    let body = json(body)?;
    Ok(NewEntry { channel, kind, sender, cid: None, body, joins: None })
}

/// The JSON text of a body.
///
/// # Errors
///
/// [`StoreError::Refused`] if the body has no JSON form, which none of ours lacks.
pub fn json<T: Serialize>(body: &T) -> Result<String, StoreError> {
    serde_json::to_string(body).map_err(StoreError::refused)
}

/// Reads JSON that came from outside; `None` if it is not what is expected.
pub fn read_json<T: serde::de::DeserializeOwned>(text: &[u8]) -> Option<T> {
    serde_json::from_slice(text).ok()
}

/// The newest value of one key of a latest-only channel. Never stored.
#[derive(Debug, Clone)]
pub struct Latest {
    /// Where it goes.
    pub channel: Channel,
    /// Newer values of the same key take its place.
    pub key: String,
    /// The name of the push.
    pub push: Push,
    /// A JSON object; its fields become fields of the push.
    pub body: String,
    /// When it was true.
    pub at: Timestamp,
}
