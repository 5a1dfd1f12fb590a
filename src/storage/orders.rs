//! Orders, their lines and their story.
//!
//! Whoever changes anything about an order locks its row first ([`lock`]), so that two changes of
//! one order, of whatever machine, never run at once and the story has no holes.

use domain::{
    clock::Timestamp,
    geo::Place,
    ids::{CustomerId, MerchantId, OrderId, RiderId, StoreId},
    order::{Order, StateChange},
    order_number::OrderNumber,
    order_state::OrderState,
    price::Breakdown,
};

use crate::{
    args,
    columns::{instant, money, parsed, place, word},
    db::{Reader, Tx, Val},
    error::StoreError,
    order_lines::{self, StoredLine},
};

/// Orders of one page at most.
pub const PAGE_MAX: u32 = 100;

/// An order with all that was said when it was placed.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredOrder {
    /// What the rules see.
    pub order: Order,
    /// What it costs and why. Its total is the order's.
    pub parts: Breakdown,
    /// By which its people call it; `None` for orders from before there were numbers.
    pub number: Option<OrderNumber>,
    /// The store's day on which the number counts.
    pub day: Option<String>,
    /// For when it was ordered; `None` for as soon as possible.
    pub scheduled_for: Option<Timestamp>,
    /// The region of its store.
    pub region: String,
    /// Where it goes.
    pub dropoff: Place,
    /// Where it goes, for people.
    pub dropoff_address: String,
    /// What the customer asked for; `None` if nothing.
    pub note: Option<String>,
    /// For how many people cutlery is wanted; `None` if the customer did not say.
    pub cutlery: Option<u32>,
    /// Whom to ask for at the door; `None` if the customer did not say.
    pub contact_name: Option<String>,
    /// Where to call; `None` if the customer did not say.
    pub contact_phone: Option<String>,
}

/// Whose orders to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those that a customer placed.
    Customer(CustomerId),
    /// Those that a store may see: paid, and what became of it.
    Store(StoreId),
    /// The same of all stores that a merchant works for.
    Staff(MerchantId),
    /// Those whose delivery a rider holds, or was the last to hold.
    Rider(RiderId),
    /// Those that a store may see, of every store.
    Anybody,
}

#[derive(sqlx::FromRow)]
struct OrderRow {
    order_id: String,
    customer_id: String,
    store_id: String,
    state: String,
    version: i64,
    seq: i64,
    items_minor: i64,
    packing_minor: i64,
    delivery_fee_minor: i64,
    discount_minor: i64,
    tip_minor: i64,
    total_minor: i64,
    carriage_minor: i64,
    currency: String,
    region: String,
    dropoff_lat: f64,
    dropoff_lng: f64,
    dropoff_address: String,
    note: Option<String>,
    cutlery: Option<i64>,
    contact_name: Option<String>,
    contact_phone: Option<String>,
    day_name: Option<String>,
    day_no: Option<i64>,
    scheduled_for_ms: Option<i64>,
    release_at_ms: Option<i64>,
    placed_at_ms: i64,
    paid_at_ms: Option<i64>,
    accepted_at_ms: Option<i64>,
    ready_at_ms: Option<i64>,
    delivered_at_ms: Option<i64>,
    ended_at_ms: Option<i64>,
}

const COLUMNS: &str = "order_id, customer_id, store_id, state, version, seq, items_minor,
    packing_minor, delivery_fee_minor, discount_minor, tip_minor, total_minor, carriage_minor,
    currency, region, dropoff_lat, dropoff_lng, dropoff_address, note, cutlery, contact_name,
    contact_phone, day_name, day_no, scheduled_for_ms, release_at_ms, placed_at_ms, paid_at_ms,
    accepted_at_ms, ready_at_ms, delivered_at_ms, ended_at_ms";

impl OrderRow {
    fn read(self) -> Result<StoredOrder, StoreError> {
        let amount = |minor| money("customer_order.currency", minor, &self.currency);
        let order = Order {
            id: parsed("customer_order.order_id", &self.order_id)?,
            customer_id: parsed("customer_order.customer_id", &self.customer_id)?,
            store_id: parsed("customer_order.store_id", &self.store_id)?,
            state: word("customer_order.state", &self.state, OrderState::from_text)?,
            version: self.version,
            seq: self.seq,
            total: amount(self.total_minor)?,
            release_at: instant(self.release_at_ms),
            placed_at: Timestamp::from_ms(self.placed_at_ms),
            paid_at: instant(self.paid_at_ms),
            accepted_at: instant(self.accepted_at_ms),
            ready_at: instant(self.ready_at_ms),
            delivered_at: instant(self.delivered_at_ms),
            ended_at: instant(self.ended_at_ms),
        };
        let parts = Breakdown {
            items: amount(self.items_minor)?,
            packing: amount(self.packing_minor)?,
            delivery_fee: amount(self.delivery_fee_minor)?,
            discount: amount(self.discount_minor)?,
            tip: amount(self.tip_minor)?,
            total: order.total,
            carriage: amount(self.carriage_minor)?,
        };
        let small = |it: i64| u32::try_from(it).ok();
        Ok(StoredOrder {
            order,
            parts,
            number: self.day_no.and_then(small).and_then(OrderNumber::new),
            day: self.day_name,
            scheduled_for: instant(self.scheduled_for_ms),
            region: self.region,
            dropoff: place("customer_order.dropoff_lat", self.dropoff_lat, self.dropoff_lng)?,
            dropoff_address: self.dropoff_address,
            note: self.note,
            cutlery: self.cutlery.and_then(small),
            contact_name: self.contact_name,
            contact_phone: self.contact_phone,
        })
    }
}

fn read_all(rows: Vec<OrderRow>) -> Result<Vec<StoredOrder>, StoreError> {
    rows.into_iter().map(OrderRow::read).collect()
}

/// Writes a new order with its lines. Its story is empty: tell the first line with
/// [`crate::stories::insert_change`].
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn insert(
    tx: &mut Tx,
    stored: &StoredOrder,
    lines: &[StoredLine],
) -> Result<(), StoreError> {
    let (order, parts) = (&stored.order, &stored.parts);
    let values = args![
        order.id,
        order.customer_id,
        order.store_id,
        order.state.as_str(),
        order.version,
        order.seq,
        parts.items.minor(),
        parts.packing.minor(),
        parts.delivery_fee.minor(),
        parts.discount.minor(),
        parts.tip.minor(),
        order.total.minor(),
        parts.carriage.minor(),
        order.total.currency().code(),
        &stored.region,
        stored.dropoff.lat(),
        stored.dropoff.lng(),
        &stored.dropoff_address,
        stored.note.as_ref(),
        stored.cutlery,
        stored.contact_name.as_ref(),
        stored.contact_phone.as_ref(),
        stored.day.as_ref(),
        stored.number.map(OrderNumber::get),
        stored.scheduled_for,
        order.release_at,
        order.placed_at,
        order.paid_at,
        order.accepted_at,
        order.ready_at,
        order.delivered_at,
        order.ended_at,
    ];
    let marks = vec!["?"; values.len()].join(", ");
    let sql = format!("insert into customer_order ({COLUMNS}) values ({marks})");
    tx.exec(&sql, values).await?;
    order_lines::insert(tx, order.id, lines).await
}

/// Reads an order and keeps everybody else from changing it until the transaction ends.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn lock(tx: &mut Tx, order_id: OrderId) -> Result<Option<StoredOrder>, StoreError> {
    let sql = format!("select {COLUMNS} from customer_order where order_id = ?");
    let row: Option<OrderRow> = tx.opt_locked(&sql, args![order_id]).await?;
    row.map(OrderRow::read).transpose()
}

/// Reads an order. Whoever shows it checks first that the reader is one of its parties.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<Option<StoredOrder>, StoreError> {
    let sql = format!("select {COLUMNS} from customer_order where order_id = ?");
    let row: Option<OrderRow> = reader.opt(&sql, args![order_id]).await?;
    row.map(OrderRow::read).transpose()
}

/// Writes a decided change of the order's own machine. Its line of the story is told apart, with
/// [`crate::stories::insert_change`].
///
/// # Errors
///
/// [`StoreError::Conflict`] if the order is no longer at `change.based_on`.
pub async fn save_change(
    tx: &mut Tx,
    change: &StateChange,
    after: &Order,
) -> Result<(), StoreError> {
    let updated = tx
        .exec(
            "update customer_order
                set state = ?, version = version + 1, paid_at_ms = ?, accepted_at_ms = ?,
                    ready_at_ms = ?, delivered_at_ms = ?, ended_at_ms = ?
              where order_id = ? and version = ?",
            args![
                after.state.as_str(),
                after.paid_at,
                after.accepted_at,
                after.ready_at,
                after.delivered_at,
                after.ended_at,
                change.order_id,
                change.based_on
            ],
        )
        .await?;
    if updated == 1 { Ok(()) } else { Err(StoreError::conflict("order", change.order_id)) }
}

/// One page of orders, newest first. `open` asks for those that have ended (`false`) or not
/// (`true`); `before` for those placed before that order.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list(
    reader: &mut impl Reader,
    whose: Whose,
    open: Option<bool>,
    before: Option<OrderId>,
    limit: u32,
) -> Result<Vec<StoredOrder>, StoreError> {
    let paid = "state not in ('pending_payment', 'paying', 'closed')";
    let (filter, mut values) = match whose {
        Whose::Customer(id) => ("customer_id = ?".to_owned(), vec![Val::from(id)]),
        Whose::Store(id) => (format!("store_id = ? and {paid}"), vec![Val::from(id)]),
        Whose::Staff(id) => {
            let stores = "select store_id from store_staff where merchant_id = ?";
            (format!("store_id in ({stores}) and {paid}"), vec![Val::from(id)])
        }
        Whose::Rider(id) => {
            let held = "select order_id from delivery where rider_id = ?";
            (format!("order_id in ({held})"), vec![Val::from(id)])
        }
        Whose::Anybody => (paid.to_owned(), Vec::new()),
    };
    let ended = match open {
        None => "",
        Some(true) => " and ended_at_ms is null",
        Some(false) => " and ended_at_ms is not null",
    };
    let mut page = "";
    if let Some(before) = before {
        // Ids of one kind sort by the time at which they were made.
        page = " and order_id < ?";
        values.push(Val::from(before));
    }
    values.push(Val::from(limit.min(PAGE_MAX)));
    let sql = format!(
        "select {COLUMNS} from customer_order where {filter}{ended}{page}
          order by order_id desc limit ?"
    );
    read_all(reader.all(&sql, &values).await?)
}

/// The open, paid orders of a region, oldest first, at most `limit`.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_open_in_region(
    reader: &mut impl Reader,
    region: &str,
    limit: u32,
) -> Result<Vec<StoredOrder>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from customer_order where region = ? and ended_at_ms is null
            and paid_at_ms is not null order by order_id limit ?"
    );
    read_all(reader.all(&sql, args![region, limit]).await?)
}

#[derive(sqlx::FromRow)]
struct IdRow {
    order_id: String,
}

/// The open orders that a customer placed.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_open_ids_for_customer(
    reader: &mut impl Reader,
    customer_id: CustomerId,
) -> Result<Vec<OrderId>, StoreError> {
    let sql = "select order_id from customer_order
                where customer_id = ? and ended_at_ms is null order by order_id desc limit 200";
    ids(reader.all(sql, args![customer_id]).await?)
}

/// The open orders whose chats a merchant is part of: accepted ones of the merchant's stores.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_open_ids_for_staff(
    reader: &mut impl Reader,
    merchant_id: MerchantId,
) -> Result<Vec<OrderId>, StoreError> {
    let sql = "select o.order_id from customer_order o
                 join store_staff t on t.store_id = o.store_id
                where t.merchant_id = ? and o.ended_at_ms is null and o.accepted_at_ms is not null
                order by o.order_id desc limit 500";
    ids(reader.all(sql, args![merchant_id]).await?)
}

fn ids(rows: Vec<IdRow>) -> Result<Vec<OrderId>, StoreError> {
    rows.iter().map(|row| parsed("customer_order.order_id", &row.order_id)).collect()
}
