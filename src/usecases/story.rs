//! An order in hand: locked, with everything that its story tells, and the one place where a line
//! of that story is written and handed to everybody concerned.

use domain::{
    change::Change,
    channel::Channel,
    clock::Timestamp,
    delivery::DeliveryChange,
    display_status::{RefundSummary, display_status, refund_summary},
    ids::OrderId,
    offer::OfferChange,
    order::StateChange,
    order_state::OrderState,
    role::{Actor, Profile},
};
use storage::{
    accounts,
    db::Tx,
    deliveries::{self, StoredDelivery},
    error::StoreError,
    events::{self, By, Latest, OrderMoved, Person, Point},
    offers,
    orders::{self, StoredOrder},
    payments, stores, stories,
};

use crate::platform::Changes;

/// An order whose row is locked until the transaction ends. Everything that moves any machine of an
/// order locks the order first, so lines of a story never collide and locks never circle.
#[derive(Debug, Clone)]
pub struct OrderInHand {
    /// The order as it stands now, after the moves made so far.
    pub stored: StoredOrder,
    /// Its delivery, if the store has accepted it.
    pub delivery: Option<StoredDelivery>,
    /// Money on its way back, in one word.
    pub refund: RefundSummary,
}

impl OrderInHand {
    /// Reads and locks an order. `None` if there is no such order.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as the statements give it.
    pub async fn take(tx: &mut Tx, order_id: OrderId) -> Result<Option<Self>, StoreError> {
        let Some(stored) = orders::lock(tx, order_id).await? else { return Ok(None) };
        let delivery = deliveries::find_for_order(tx, order_id).await?;
        let (paid_minor, refunds) = payments::money_back(tx, order_id).await?;
        let refund = refund_summary(paid_minor, refunds);
        Ok(Some(Self { stored, delivery, refund }))
    }

    /// Number of the story's next line.
    const fn next_seq(&self) -> i64 {
        self.stored.order.seq + 1
    }

    /// Saves a move of the order itself and tells it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the order moved meanwhile.
    pub async fn move_order(
        &mut self,
        tx: &mut Tx,
        changes: &mut Changes,
        change: &StateChange,
    ) -> Result<(), StoreError> {
        // Other machines may have added lines since the order's move was decided.
        let line = Change { seq: self.next_seq(), ..change.told() };
        let after = self.stored.order.after(change);
        orders::save_change(tx, change, &after).await?;
        self.stored.order = after;
        self.add_line(tx, line).await?;
        self.tell(tx, changes, line).await
    }

    /// Saves a move of the delivery and tells it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the delivery moved meanwhile.
    pub async fn move_delivery(
        &mut self,
        tx: &mut Tx,
        changes: &mut Changes,
        change: &DeliveryChange,
    ) -> Result<(), StoreError> {
        deliveries::save_change(tx, change).await?;
        if let Some(delivery) = &mut self.delivery {
            delivery.delivery = delivery.delivery.after(change);
        }
        let line = change.told_as(self.next_seq());
        self.add_line(tx, line).await?;
        self.tell(tx, changes, line).await
    }

    /// Saves a move of an offer and tells it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the offer moved meanwhile.
    pub async fn move_offer(
        &mut self,
        tx: &mut Tx,
        changes: &mut Changes,
        change: &OfferChange,
    ) -> Result<(), StoreError> {
        offers::save_change(tx, change).await?;
        let line = change.told_as(self.next_seq());
        self.add_line(tx, line).await?;
        self.tell(tx, changes, line).await
    }

    /// Writes and tells a line of another machine (payment, refund), already saved by the caller;
    /// `told_as` is given the line's number.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as the statements give it.
    pub async fn tell_line(
        &mut self,
        tx: &mut Tx,
        changes: &mut Changes,
        told_as: impl FnOnce(i64) -> Change,
    ) -> Result<(), StoreError> {
        let line = told_as(self.next_seq());
        self.add_line(tx, line).await?;
        self.tell(tx, changes, line).await
    }

    async fn add_line(&mut self, tx: &mut Tx, line: Change) -> Result<(), StoreError> {
        stories::insert_change(tx, &line).await?;
        self.stored.order.seq = line.seq;
        Ok(())
    }

    /// Puts a line into the channels of everybody concerned.
    async fn tell(
        &self,
        tx: &mut Tx,
        changes: &mut Changes,
        line: Change,
    ) -> Result<(), StoreError> {
        let order = &self.stored.order;
        let body = self.body(tx, line).await?;
        let sender = line.by.profile();
        let mut channels =
            vec![Channel::Order(order.id), Channel::Inbox(Profile::Customer(order.customer_id))];
        if order.paid_at.is_some() {
            channels.push(Channel::Store(order.store_id));
        }
        for channel in channels {
            changes.entries.push(events::entry(channel, "order", sender, &body)?);
        }
        self.show_operators(tx, changes, &body, line.at).await
    }

    async fn body(&self, tx: &mut Tx, line: Change) -> Result<OrderMoved, StoreError> {
        let order = &self.stored.order;
        let rider = match self.delivery.as_ref().and_then(|it| it.delivery.rider_id) {
            Some(rider) => Some(person(tx, Profile::Rider(rider)).await?),
            None => None,
        };
        Ok(OrderMoved {
            order: order.id.to_string(),
            seq: line.seq,
            machine: line.machine.as_str().to_owned(),
            event: line.event.to_owned(),
            from: line.from.map(str::to_owned),
            to: line.to.to_owned(),
            status: self.status().to_owned(),
            by: Some(by(line.by)),
            reason: line.reason.map(|it| it.as_str().to_owned()),
            at: line.at.ms(),
            store: order.store_id.to_string(),
            rider,
            total_minor: Some(order.total.minor()),
            currency: Some(order.total.currency().code().to_owned()),
            ready_at: self.delivery.as_ref().map(|it| it.ready_at.ms()),
        })
    }

    /// The word that people see.
    pub fn status(&self) -> &'static str {
        let delivery = self.delivery.as_ref().map(|it| it.delivery.state);
        display_status(self.stored.order.state, delivery, self.refund).as_str()
    }

    /// The order on the operators' map, and the line in their feed.
    async fn show_operators(
        &self,
        tx: &mut Tx,
        changes: &mut Changes,
        body: &OrderMoved,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let order = &self.stored.order;
        let channel = Channel::Ops(self.stored.region.clone());
        let store = stores::find(tx, order.store_id)
            .await?
            .ok_or_else(|| StoreError::not_found("store", order.store_id))?;
        let over = order.state.is_terminal() || order.state == OrderState::Delivered;
        let value = (!over).then(|| events::OpsOrder {
            order: order.id.to_string(),
            store: order.store_id.to_string(),
            store_name: store.name.as_str().to_owned(),
            status: self.status().to_owned(),
            order_state: order.state.as_str().to_owned(),
            delivery_state: self.delivery.as_ref().map(|it| it.delivery.state.as_str().to_owned()),
            rider: body.rider.clone(),
            pickup: Point::from(store.place),
            dropoff: Point::from(self.stored.dropoff),
            total_minor: order.total.minor(),
            currency: order.total.currency().code().to_owned(),
            placed: order.placed_at.ms(),
        });
        let key = format!("order:{}", order.id);
        let shown = events::json(&events::OpsValue { key: key.clone(), v: value })?;
        changes.latest.push(Latest { channel: channel.clone(), key, push: "ops", body: shown, at });
        changes.latest.push(Latest {
            channel,
            key: format!("event:{}:{}", order.id, body.seq),
            push: "ops.event",
            body: events::json(&events::OpsEvent { kind: "order", line: body })?,
            at,
        });
        Ok(())
    }
}

/// How the other parties see a profile.
///
/// # Errors
///
/// [`StoreError::NotFound`] if there is no such profile.
pub async fn person(tx: &mut Tx, profile: Profile) -> Result<Person, StoreError> {
    let card = accounts::find_profile(tx, profile)
        .await?
        .ok_or_else(|| StoreError::not_found("profile", profile))?;
    let (profile, role) = (profile.to_string(), profile.role().as_str().to_owned());
    Ok(Person { profile, role, name: card.name.to_string() })
}

fn by(actor: Actor) -> By {
    By { role: actor.role().as_str().to_owned(), id: actor.profile().map(|it| it.to_string()) }
}
