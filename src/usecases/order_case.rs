//! Everything about one order, locked for a change; and how a change is saved and told.
//!
//! Every use case that moves anything of an order, of whatever machine, opens the case, moves it
//! with the functions here, and so cannot forget the story, the journal or the lock.

use domain::{
    change::{Change, Machine},
    channel::Channel,
    clock::Timestamp,
    delivery::DeliveryChange,
    delivery_state::DeliveryEvent,
    display_status::{DisplayStatus, RefundSummary, display_status, refund_summary},
    handover::Mode,
    ids::OrderId,
    offer::{Offer, OfferChange},
    offer_state::OfferEvent,
    order::{Ask, StateChange},
    order_state::{OrderEvent, OrderState},
    policy::{DOOR_WAIT, OrderPolicy},
    reason::Reason,
    role::{Actor, Profile, Role},
};
use serde::{Deserialize, Serialize};
use storage::{
    db::{Reader, Tx},
    deliveries::{self, StoredDelivery},
    error::StoreError,
    events::{self, By, DeliveryPart, OrderMoved, PaymentPart, Person},
    handovers::{self, StoredHandover},
    offers, orders,
    orders::StoredOrder,
    payments,
    push::Push,
    stores::{self, StoreRecord},
    stories,
};

use crate::{error::AskError, ops, people::people, platform::Changes};

/// An order with all that its changes touch.
#[derive(Debug, Clone)]
pub struct OrderCase {
    /// The order.
    pub stored: StoredOrder,
    /// Who makes it.
    pub store: StoreRecord,
    /// Who ordered.
    pub customer: Person,
    /// How it changes hands.
    pub handover: StoredHandover,
    /// Its transport, once the store has accepted.
    pub delivery: Option<StoredDelivery>,
    /// Who holds the delivery.
    pub rider: Option<Person>,
    /// How much of what was paid goes back.
    pub refund: RefundSummary,
    /// Whether the customer was promised that it may be called off, or the store has agreed.
    pub(crate) is_granted: bool,
}

/// The answer to whoever moved an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Moved {
    /// The order.
    pub order: String,
    /// By which people call it, e.g. `#0042`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Where it stands.
    pub state: String,
    /// What to show to people.
    pub status: String,
    /// Number of the last line of its story.
    pub seq: i64,
    /// When the kitchen means to be done, in UTC milliseconds.
    pub ready_at: Option<i64>,
    /// When it moved, in UTC milliseconds.
    pub at: i64,
}

/// What happened, who caused it, why and when.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// Who.
    pub by: Actor,
    /// Why, if a reason was given.
    pub reason: Option<Reason>,
    /// When.
    pub at: Timestamp,
}

impl OrderCase {
    /// Opens a case and keeps everybody else from changing anything of the order until the
    /// transaction ends.
    ///
    /// # Errors
    ///
    /// [`AskError::NotFound`] if there is no such order.
    pub async fn lock(tx: &mut Tx, order_id: OrderId) -> Result<Self, AskError> {
        let stored = orders::lock(tx, order_id).await?.ok_or(AskError::not_found("order"))?;
        Self::complete(tx, stored).await
    }

    /// Opens a case only to look at it.
    ///
    /// # Errors
    ///
    /// [`AskError::NotFound`] if there is no such order.
    pub async fn read(reader: &mut impl Reader, order_id: OrderId) -> Result<Self, AskError> {
        let stored = orders::find(reader, order_id).await?.ok_or(AskError::not_found("order"))?;
        Self::complete(reader, stored).await
    }

    async fn complete(reader: &mut impl Reader, stored: StoredOrder) -> Result<Self, AskError> {
        let order = &stored.order;
        let store = stores::find(reader, order.store_id)
            .await?
            .ok_or_else(|| StoreError::not_found("store", order.store_id))?;
        let handover = handovers::get(reader, order.id).await?;
        let delivery = match order.accepted_at {
            None => None,
            Some(_) => deliveries::find_for_order(reader, order.id).await?,
        };
        let rider_id = delivery.as_ref().and_then(|it| it.delivery.rider_id);
        let mut profiles = vec![Profile::Customer(order.customer_id)];
        profiles.extend(rider_id.map(Profile::Rider));
        let people = people(reader, &profiles).await?;
        let refund = match order.paid_at.or(order.ended_at) {
            None => RefundSummary::None,
            Some(_) => {
                let (paid, refunds) = payments::money_back(reader, order.id).await?;
                refund_summary(paid, refunds)
            }
        };
        let mut people = people.into_iter();
        let customer =
            people.next().ok_or_else(|| StoreError::not_found("profile", order.customer_id))?;
        let (rider, is_granted) = (people.next(), false);
        Ok(Self { store, customer, rider, handover, delivery, refund, stored, is_granted })
    }

    /// Which order.
    pub const fn id(&self) -> OrderId {
        self.stored.order.id
    }

    /// By which people call it, if it has a number.
    pub fn number(&self) -> Option<String> {
        self.stored.number.map(|it| it.to_string())
    }

    /// Who carries it from the store.
    pub const fn mode(&self) -> Mode {
        self.handover.handover.mode
    }

    /// What to show to people.
    pub fn status(&self) -> DisplayStatus {
        let delivery = self.delivery.as_ref().map(|it| it.delivery.state);
        display_status(self.stored.order.state, delivery, self.refund)
    }

    /// The answer to whoever moved it at `at`.
    pub fn moved(&self, at: Timestamp) -> Moved {
        let order = &self.stored.order;
        Moved {
            order: order.id.to_string(),
            number: self.number(),
            state: order.state.to_string(),
            status: self.status().to_string(),
            seq: order.seq,
            ready_at: order.ready_at.map(Timestamp::ms),
            at: at.ms(),
        }
    }

    /// The role in which `profile` is a party of this order; `None` for strangers.
    ///
    /// The store's staff are a party from the moment the order is paid, a rider while he holds the
    /// delivery or if he was the last to hold it, an operator always.
    ///
    /// # Errors
    ///
    /// [`AskError::Store`] if it cannot be found out.
    pub async fn party(
        &self,
        reader: &mut impl Reader,
        profile: Profile,
    ) -> Result<Option<Role>, AskError> {
        let order = &self.stored.order;
        let is_party = match profile {
            Profile::Customer(id) => id == order.customer_id,
            Profile::Merchant(id) => {
                order.state.is_visible_to_store()
                    && stores::is_staff(reader, order.store_id, id).await?
            }
            Profile::Rider(id) => {
                self.delivery.as_ref().is_some_and(|it| it.delivery.rider_id == Some(id))
            }
            Profile::Operator(_) => true,
        };
        Ok(is_party.then(|| profile.role()))
    }

    /// Refuses strangers in the words for things that do not exist.
    ///
    /// # Errors
    ///
    /// [`AskError::NotFound`] for strangers.
    pub async fn only_for(
        &self,
        reader: &mut impl Reader,
        profile: Profile,
    ) -> Result<Role, AskError> {
        self.party(reader, profile).await?.ok_or(AskError::not_found("order"))
    }

    /// Moves the order's own machine.
    ///
    /// # Errors
    ///
    /// [`AskError::Order`] if the rules refuse, [`AskError::Store`] if it cannot be saved.
    pub async fn move_order(
        &mut self,
        tx: &mut Tx,
        changes: &mut Changes,
        policy: &OrderPolicy,
        event: OrderEvent,
        cause: Cause,
    ) -> Result<StateChange, AskError> {
        let Cause { by, reason, at } = cause;
        let delivery = self.delivery.as_ref().map(|it| &it.delivery);
        let mode = self.mode();
        let is_granted = self.is_granted;
        let ask = Ask { event, by, reason, at, mode, delivery, policy, is_granted };
        let change = self.stored.order.decide(ask)?;
        self.stored.order = self.stored.order.after(&change);
        orders::save_change(tx, &change, &self.stored.order).await?;
        let has_left = change.to == OrderState::PickedUp || change.to.is_terminal();
        if has_left && self.handover.code.is_some() {
            handovers::free_code(tx, change.order_id).await?;
        }
        self.tell(tx, changes, change.told()).await?;
        Ok(change)
    }

    /// Moves the order's delivery. The caller tells riders what only concerns them.
    ///
    /// # Errors
    ///
    /// [`AskError::NotFound`] if there is no delivery yet, [`AskError::Delivery`] if the rules
    /// refuse, [`AskError::Store`] if it cannot be saved.
    pub async fn move_delivery(
        &mut self,
        tx: &mut Tx,
        changes: &mut Changes,
        event: DeliveryEvent,
        cause: Cause,
    ) -> Result<DeliveryChange, AskError> {
        let Cause { by, reason, at } = cause;
        let stored = self.delivery.as_mut().ok_or(AskError::not_found("delivery"))?;
        let change = stored.delivery.decide(event, by, reason, at)?;
        deliveries::save_change(tx, &change).await?;
        stored.delivery = stored.delivery.after(&change);
        if let Some(rider_id) = change.rider_id
            && self.rider.is_none()
        {
            self.rider = people(tx, &[Profile::Rider(rider_id)]).await?.pop();
        }
        let left = self.rider.take_if(|_| change.rider_id.is_none());
        let told = change.told_as(self.stored.order.seq + 1);
        self.tell_body(tx, changes, told, self.body(&told), left.as_ref()).await?;
        Ok(change)
    }

    /// Moves an offer of the order's delivery. The caller moves the delivery and tells the rider.
    ///
    /// # Errors
    ///
    /// [`AskError::Offer`] if the rules refuse, [`AskError::Store`] if it cannot be saved.
    pub async fn move_offer(
        &mut self,
        tx: &mut Tx,
        changes: &mut Changes,
        offer: &Offer,
        event: OfferEvent,
        cause: Cause,
    ) -> Result<OfferChange, AskError> {
        let change = offer.decide(event, cause.by, cause.reason, cause.at)?;
        offers::save_change(tx, &change).await?;
        self.tell(tx, changes, change.told_as(self.stored.order.seq + 1)).await?;
        Ok(change)
    }

    /// Writes the next line of the story and tells everybody whom it concerns. For what the other
    /// functions do not cover: things that are created, payments, refunds.
    ///
    /// # Errors
    ///
    /// [`AskError::Store`] if it cannot be saved.
    pub async fn tell(
        &mut self,
        tx: &mut Tx,
        changes: &mut Changes,
        change: Change,
    ) -> Result<(), AskError> {
        self.tell_body(tx, changes, change, self.body(&change), None).await
    }

    /// Like [`Self::tell`], for a payment that moved.
    ///
    /// # Errors
    ///
    /// [`AskError::Store`] if it cannot be saved.
    pub(crate) async fn tell_payment(
        &mut self,
        tx: &mut Tx,
        changes: &mut Changes,
        change: Change,
        payment: PaymentPart,
    ) -> Result<(), AskError> {
        let body = OrderMoved { payment: Some(payment), ..self.body(&change) };
        self.tell_body(tx, changes, change, body, None).await
    }

    async fn tell_body(
        &mut self,
        tx: &mut Tx,
        changes: &mut Changes,
        change: Change,
        body: OrderMoved,
        left: Option<&Person>,
    ) -> Result<(), AskError> {
        stories::insert_change(tx, &change).await?;
        self.stored.order.seq = change.seq;
        let sender = change.by.profile();
        for channel in self.audience(change.machine, left)? {
            changes.entries.push(events::entry(channel, Push::Order, sender, &body)?);
        }
        ops::tell(changes, self, &body, change.at)?;
        Ok(())
    }

    /// Who hears of a change of `machine`: the order's channel always, the store from payment on,
    /// the customer and the rider in their inboxes unless it is the dispatcher's business.
    fn audience(&self, machine: Machine, left: Option<&Person>) -> Result<Vec<Channel>, AskError> {
        let order = &self.stored.order;
        let mut audience = vec![Channel::Order(order.id)];
        let is_private = match machine {
            Machine::Offer => return Ok(audience),
            Machine::Payment => true,
            Machine::Order | Machine::Delivery | Machine::Refund => false,
        };
        audience.push(Channel::Inbox(Profile::Customer(order.customer_id)));
        if is_private {
            return Ok(audience);
        }
        if order.state.is_visible_to_store() {
            audience.push(Channel::Store(order.store_id));
        }
        for rider in self.rider.iter().chain(left) {
            let profile: Profile = rider
                .profile
                .parse()
                .map_err(|_| StoreError::corrupt("profile.profile_id", &rider.profile))?;
            audience.push(Channel::Inbox(profile));
        }
        Ok(audience)
    }

    /// A change in the words of the wire.
    pub fn body(&self, change: &Change) -> OrderMoved {
        let order = &self.stored.order;
        OrderMoved {
            order: order.id.to_string(),
            number: self.number(),
            seq: change.seq,
            machine: change.machine.to_string(),
            event: change.event.to_owned(),
            from: change.from.map(str::to_owned),
            to: change.to.to_owned(),
            status: self.status().to_string(),
            order_state: order.state.to_string(),
            handover: (self.mode() == Mode::Pickup).then(|| Mode::Pickup.to_string()),
            delivery: self.delivery.as_ref().map(|it| DeliveryPart {
                delivery: it.delivery.id.to_string(),
                state: it.delivery.state.to_string(),
            }),
            payment: None,
            refund: self.refund.to_string(),
            by: Some(By {
                role: change.by.role().to_string(),
                id: change.by.profile().map(|it| it.to_string()),
            }),
            reason: change.reason.map(|it| it.to_string()),
            waits_until: (change.event == DeliveryEvent::RiderAtDoor.as_str())
                .then(|| (change.at + DOOR_WAIT).ms()),
            at: change.at.ms(),
            store: order.store_id.to_string(),
            rider: self.rider.clone(),
            total_minor: Some(order.total.minor()),
            currency: Some(order.total.currency().code().to_owned()),
            scheduled_for: self.stored.scheduled_for.map(Timestamp::ms),
            ready_at: order.ready_at.map(Timestamp::ms),
            delivered_at: order.delivered_at.map(Timestamp::ms),
            ended_at: order.ended_at.map(Timestamp::ms),
        }
    }
}
