//! Orders as their parties see them.

use domain::{channel::Channel, clock::Timestamp, role::Role};
use serde::Serialize;
use storage::{journal::Head, orders::StoredOrder, payments::StoredPayment, stories::StoredChange};
use usecases::{
    order_book::OrderPage,
    order_case::{Moved, OrderCase},
};
use utoipa::ToSchema;

use super::{
    aside_views::{CancelRequestView, ShortageView},
    handovers::HandoverView,
    price_views::{OrderLineView, PriceView},
};

/// A place.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaceView {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A store as the parties of an order see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderStoreView {
    /// The store.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Where it is.
    #[serde(flatten)]
    pub place: PlaceView,
}

/// Somebody who is a party of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberView {
    /// The profile.
    pub profile: String,
    /// Its role.
    pub role: String,
    /// The name to show.
    pub name: String,
}

impl From<storage::events::Person> for MemberView {
    fn from(it: storage::events::Person) -> Self {
        Self { profile: it.profile, role: it.role, name: it.name }
    }
}

/// The transport of the order.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryPartView {
    /// The delivery.
    pub delivery: String,
    /// Where it stands.
    pub state: &'static str,
    /// Who holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rider: Option<MemberView>,
}

/// One attempt to pay.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentPartView {
    /// The attempt.
    pub payment: String,
    /// Where it stands.
    pub state: &'static str,
    /// Which provider.
    pub provider: String,
    /// How much, in minor units.
    pub amount_minor: i64,
}

/// One line of the order's story.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeView {
    /// Number of the line, from 1 without holes.
    pub seq: i64,
    /// `order`, `payment`, `refund`, `delivery` or `offer`.
    pub machine: &'static str,
    /// What happened.
    pub event: String,
    /// State before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// State after.
    pub to: String,
    /// Who caused it.
    pub by: ByView,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// In UTC milliseconds.
    pub at: i64,
}

/// Who caused a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct ByView {
    /// A role, `system` or `provider`.
    pub role: &'static str,
    /// The profile, if it was a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Whether an order's chat takes messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChatHoursView {
    /// `not_open`, `open` or `closed`.
    pub state: &'static str,
    /// When it closes or has closed, in UTC milliseconds, once the order has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<i64>,
}

/// A position in a channel: pushes behind it are news to whoever read this answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct AsOfView {
    /// The channel.
    pub channel: String,
    /// Its numbering.
    pub epoch: String,
    /// The newest offset.
    pub off: u64,
}

impl AsOfView {
    /// Where `channel` stood.
    pub(super) fn new(channel: &Channel, head: Head) -> Self {
        Self { channel: channel.to_string(), epoch: head.epoch, off: head.top }
    }
}

/// Whom to ask for at the door.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactView {
    /// What the person is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where to call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// An order in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderRowView {
    /// The order.
    pub order: String,
    /// By which people call it, e.g. `#0042`: counted by the store, anew each day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Who makes it.
    pub store: String,
    /// Where it stands.
    pub state: &'static str,
    /// What is charged, in minor units.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: &'static str,
    /// For when it was ordered, in UTC milliseconds; left out for as soon as possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<i64>,
    /// Whether it is for later, and the kitchen is not to work on it yet.
    pub upcoming: bool,
    /// When it was placed, in UTC milliseconds.
    pub placed_at: i64,
    /// When the kitchen means to be done, in UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<i64>,
    /// When it ended, in UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
}

/// A page of orders, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrdersView {
    /// The orders.
    pub orders: Vec<OrderRowView>,
}

/// An order with all about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderView {
    /// The order.
    pub order: String,
    /// By which people call it, e.g. `#0042`: counted by the store, anew each day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Where it stands.
    pub state: &'static str,
    /// What to show to people.
    pub status: &'static str,
    /// `none`, `refunding`, `partial` or `full`.
    pub refund: &'static str,
    /// Number of the last line of its story.
    pub seq: i64,
    /// Who makes it.
    pub store: OrderStoreView,
    /// Who ordered.
    pub customer: MemberView,
    /// Where it goes.
    pub dropoff: PlaceView,
    /// What the customer asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// For how many people cutlery is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutlery: Option<u32>,
    /// Whom to ask for at the door.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactView>,
    /// What was ordered.
    pub lines: Vec<OrderLineView>,
    /// What it costs and why.
    pub price: PriceView,
    /// How it changes hands.
    pub handover: HandoverView,
    /// From when on the kitchen is to work on an order for later, in UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_at: Option<i64>,
    /// What ran out while it was made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shortages: Vec<ShortageView>,
    /// Whether the customer asked the store to let it go, and what came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_request: Option<CancelRequestView>,
    /// Its transport, once the store has accepted and if a rider brings it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryPartView>,
    /// Attempts to pay it; for the customer and operators.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<PaymentPartView>,
    /// Who is in its chat.
    pub members: Vec<MemberView>,
    /// Whether its chat takes messages.
    pub chat: ChatHoursView,
    /// Its story.
    pub changes: Vec<ChangeView>,
    /// For when it was ordered, in UTC milliseconds; left out for as soon as possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<i64>,
    /// Whether it is for later, and the kitchen is not to work on it yet.
    pub upcoming: bool,
    /// When it was placed, in UTC milliseconds.
    pub placed_at: i64,
    /// When the kitchen means to be done, in UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<i64>,
    /// When the customer got it, in UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<i64>,
    /// When it ended, in UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// From where on pushes are news.
    pub as_of: AsOfView,
}

/// The answer to whoever moved an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct MovedView {
    /// The order.
    pub order: String,
    /// By which people call it, e.g. `#0042`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Where it stands.
    pub state: String,
    /// What to show to people.
    pub status: String,
    /// Number of the last line of its story.
    pub seq: i64,
    /// When the kitchen means to be done, in UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<i64>,
    /// When it moved, in UTC milliseconds.
    pub at: i64,
}

impl From<Moved> for MovedView {
    fn from(it: Moved) -> Self {
        let Moved { order, number, state, status, seq, ready_at, at } = it;
        Self { order, number, state, status, seq, ready_at, at }
    }
}

impl From<StoredChange> for ChangeView {
    fn from(it: StoredChange) -> Self {
        Self {
            seq: it.seq,
            machine: it.machine.as_str(),
            event: it.event,
            from: it.from,
            to: it.to,
            by: ByView { role: it.by_role.as_str(), id: it.by_id },
            reason: it.reason,
            at: it.at.ms(),
        }
    }
}

impl From<StoredPayment> for PaymentPartView {
    fn from(it: StoredPayment) -> Self {
        Self {
            payment: it.payment.id.to_string(),
            state: it.payment.state.as_str(),
            provider: it.provider,
            amount_minor: it.payment.amount.minor(),
        }
    }
}

impl OrderRowView {
    /// An order as it is at `now`.
    pub(super) fn new(it: StoredOrder, now: Timestamp) -> Self {
        let order = it.order;
        Self {
            scheduled_for: it.scheduled_for.map(Timestamp::ms),
            upcoming: order.is_upcoming(now),
            order: order.id.to_string(),
            number: it.number.map(|it| it.to_string()),
            store: order.store_id.to_string(),
            state: order.state.as_str(),
            total_minor: order.total.minor(),
            currency: order.total.currency().code(),
            placed_at: order.placed_at.ms(),
            ready_at: order.ready_at.map(Timestamp::ms),
            ended_at: order.ended_at.map(Timestamp::ms),
        }
    }
}

impl From<OrderPage> for OrderView {
    fn from(page: OrderPage) -> Self {
        let status = page.case.status().as_str();
        let handover = HandoverView::of(&page);
        let OrderCase { stored, store, customer, delivery, rider, refund, .. } = page.case;
        let order = stored.order;
        let contact = (stored.contact_name.is_some() || stored.contact_phone.is_some())
            .then_some(ContactView { name: stored.contact_name, phone: stored.contact_phone });
        let sees_payments = matches!(page.role, Role::Customer | Role::Operator);
        let payments = if sees_payments { page.payments } else { Vec::new() };
        Self {
            order: order.id.to_string(),
            number: stored.number.map(|it| it.to_string()),
            state: order.state.as_str(),
            status,
            refund: refund.as_str(),
            seq: order.seq,
            store: OrderStoreView {
                id: store.id.to_string(),
                name: store.name,
                place: PlaceView {
                    lat: store.place.lat(),
                    lng: store.place.lng(),
                    address: store.address,
                },
            },
            customer: customer.into(),
            dropoff: PlaceView {
                lat: stored.dropoff.lat(),
                lng: stored.dropoff.lng(),
                address: Some(stored.dropoff_address),
            },
            note: stored.note,
            cutlery: stored.cutlery,
            contact,
            lines: page.lines.into_iter().map(OrderLineView::from).collect(),
            price: PriceView::from(&stored.parts),
            scheduled_for: stored.scheduled_for.map(Timestamp::ms),
            upcoming: page.is_upcoming,
            release_at: order.release_at.map(Timestamp::ms),
            shortages: page.shortages.into_iter().map(ShortageView::from).collect(),
            cancel_request: page.cancel_request.map(CancelRequestView::from),
            handover,
            delivery: delivery.map(|it| DeliveryPartView {
                delivery: it.delivery.id.to_string(),
                state: it.delivery.state.as_str(),
                rider: rider.map(MemberView::from),
            }),
            payments: payments.into_iter().map(PaymentPartView::from).collect(),
            members: page.members.into_iter().map(MemberView::from).collect(),
            chat: ChatHoursView {
                state: page.chat.state.as_str(),
                closes_at: page.chat.closes_at.map(Timestamp::ms),
            },
            changes: page.changes.into_iter().map(ChangeView::from).collect(),
            placed_at: order.placed_at.ms(),
            ready_at: order.ready_at.map(Timestamp::ms),
            delivered_at: order.delivered_at.map(Timestamp::ms),
            ended_at: order.ended_at.map(Timestamp::ms),
            as_of: AsOfView::new(&Channel::Order(order.id), page.as_of),
        }
    }
}
