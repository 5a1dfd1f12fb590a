//! Placing an order: the server prices it, the stock is taken, and nobody but the customer knows.

use std::collections::BTreeMap;

use domain::{
    cart::{self, CartLine},
    change::{Change, Machine},
    channel::Channel,
    checked_text::{Address, Note, PersonName, Phone},
    clock::Timestamp,
    geo::Place,
    handover::{Handover, HandoverPolicy, Proof},
    ids::{CustomerId, OrderId, ProductId, QuoteId, StoreId},
    money::Money,
    order::Order,
    order_number,
    order_state::OrderState,
    policy::OrderPolicy,
    price::Breakdown,
    role::Profile,
};
use storage::{
    carts,
    commands::CommandKey,
    db::{Reader, Tx},
    handovers, order_numbers,
    orders::{self, StoredOrder},
    stores::{self, StoreRecord},
    timers::{self, TimerKind},
};

use crate::{
    cart_moves,
    error::AskError,
    order_case::{Moved, OrderCase},
    platform::{Changes, Done, Platform},
    pricing::{self, Priced},
    quotes,
    slots::{self, Schedule},
    stock,
};

/// Most people that cutlery is wanted for.
pub const CUTLERY_MAX: u32 = 99;

/// What a customer wants. There is no price in it: the server knows what things cost.
#[derive(Debug, Clone)]
pub struct OrderWish {
    /// Where from.
    pub store_id: StoreId,
    /// What; `None` for what is selected in the cart.
    pub lines: Option<Vec<CartLine>>,
    /// How and where it changes hands.
    pub handover: HandoverWish,
    /// What to ask the store or the rider for.
    pub note: Option<Note>,
    /// What else was said.
    pub terms: OrderTerms,
}

/// What a customer may say beside what and where to.
#[derive(Debug, Clone, Default)]
pub struct OrderTerms {
    /// What the customer gives the rider, in minor units of the store's currency.
    pub tip_minor: i64,
    /// For how many people cutlery is wanted.
    pub cutlery: Option<u32>,
    /// Whom to ask for at the door.
    pub contact_name: Option<PersonName>,
    /// Where to call.
    pub contact_phone: Option<Phone>,
    /// For when it is; `None` for as soon as possible.
    pub scheduled_for: Option<Timestamp>,
    /// The price that was promised.
    pub quote_id: Option<QuoteId>,
}

/// How a customer wants to get an order.
#[derive(Debug, Clone)]
pub enum HandoverWish {
    /// A rider brings it.
    Delivered {
        /// Where to.
        dropoff: Place,
        /// Where to, for people.
        address: Address,
        /// What proves it; `None` for what the settings say.
        proof: Option<Proof>,
    },
    /// The customer fetches it at the store.
    Collected,
}

impl HandoverWish {
    /// Brought to a door, with the proof that the settings ask for.
    pub const fn delivered(dropoff: Place, address: Address) -> Self {
        Self::Delivered { dropoff, address, proof: None }
    }
}

/// Places an order: prices it, takes the stock, waits for payment.
///
/// # Errors
///
/// [`AskError`] says what is wrong with the wish: [`AskError::OutOfStock`],
/// [`AskError::StoreClosed`], [`AskError::TooFar`], [`AskError::NotSold`],
/// [`AskError::QuoteExpired`], …
pub async fn place(
    platform: &Platform,
    by: CustomerId,
    wish: OrderWish,
    key: Option<CommandKey>,
) -> Result<Done<Moved>, AskError> {
    let (order_id, guard) = (OrderId::generate(), &platform.stock_guard);
    let wanted = pieces(platform, by, &wish).await;
    if let Err(refused) = guard.pass(&mut platform.reader(), order_id, &wanted).await {
        // It may have been placed before, when there were enough.
        let Some(key) = key else { return Err(refused) };
        return platform.recorded(&key).await?.ok_or(refused);
    }
    let placed = write(platform, order_id, by, wish, key).await;
    if !placed.as_ref().is_ok_and(|it| !it.dup) {
        guard.give_up(order_id, &wanted).await;
    }
    placed
}

/// How many pieces of what are wanted, as far as that is known before the transaction.
async fn pieces(platform: &Platform, by: CustomerId, wish: &OrderWish) -> Vec<(ProductId, u32)> {
    // What is wrong with them is said by the transaction, after the look whether it was placed before.
    let lines = wanted(&mut platform.reader(), by, wish).await.unwrap_or_default();
    let mut pieces: BTreeMap<ProductId, u32> = BTreeMap::new();
    for line in lines {
        *pieces.entry(line.product_id).or_default() += line.quantity.get();
    }
    pieces.into_iter().collect()
}

async fn write(
    platform: &Platform,
    order_id: OrderId,
    by: CustomerId,
    wish: OrderWish,
    key: Option<CommandKey>,
) -> Result<Done<Moved>, AskError> {
    let policy = platform.policy;
    platform
        .command(key, async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
            let Judged { store, wanted, priced, schedule } = judge(tx, by, &wish, at).await?;
            let priced = match wish.terms.quote_id {
                Some(quote_id) => {
                    let asked = quotes::asked(&wish, &wanted);
                    quotes::hold(tx, by, quote_id, &asked, priced, order_id, at).await?
                }
                None => priced,
            };
            let taken = priced.lines.iter().map(|it| (it.product_id, it.quantity.get()));
            stock::reserve(tx, changes, order_id, by.into(), taken, at).await?;
            if let Some(schedule) = &schedule {
                slots::take(tx, store.id, schedule).await?;
            }
            // The count of the day is locked last: everybody at this store waits for it.
            let mut stored = new_order(tx, order_id, by, &wish, &store, priced.parts, at).await?;
            stored.scheduled_for = schedule.as_ref().map(|it| it.wanted);
            stored.order.release_at = schedule.as_ref().map(|it| it.release_at);
            orders::insert(tx, &stored, &priced.lines).await?;
            let handover = new_handover(&wish, &policy.handover);
            handovers::insert(tx, order_id, store.id, &handover).await?;
            let moved = tell(tx, changes, order_id, by, &policy, at).await?;
            if wish.lines.is_none() {
                cart_moves::ordered(tx, changes, by, store.id, at).await?;
            }
            Ok(moved)
        })
        .await
}

/// A wish that can be met, with its price of now.
pub(crate) struct Judged {
    pub(crate) store: StoreRecord,
    pub(crate) wanted: Vec<CartLine>,
    pub(crate) priced: Priced,
    schedule: Option<Schedule>,
}

/// Checks a wish and prices it as it would be ordered now.
pub(crate) async fn judge(
    reader: &mut impl Reader,
    by: CustomerId,
    wish: &OrderWish,
    at: Timestamp,
) -> Result<Judged, AskError> {
    if wish.terms.cutlery.is_some_and(|it| it > CUTLERY_MAX) {
        return Err(AskError::OutOfRange { what: "cutlery is for 0 to 99 people" });
    }
    if wish.terms.tip_minor != 0 && matches!(wish.handover, HandoverWish::Collected) {
        return Err(AskError::OutOfRange { what: "a tip is for a rider; leave it out to collect" });
    }
    let (store, way_m) = open_store(reader, wish).await?;
    let schedule =
        slots::check(reader, &store, wish.terms.scheduled_for, way_m.unwrap_or(0), at).await?;
    let wanted = wanted(reader, by, wish).await?;
    let tip = Money::from_minor(wish.terms.tip_minor, store.currency);
    let priced = pricing::price(reader, &store, &wanted, way_m, tip).await?;
    Ok(Judged { store, wanted, priced, schedule })
}

async fn open_store(
    reader: &mut impl Reader,
    wish: &OrderWish,
) -> Result<(StoreRecord, Option<u32>), AskError> {
    let store = stores::find(reader, wish.store_id).await?.ok_or(AskError::not_found("store"))?;
    // An order for later is cooked when the store is open again.
    if !store.is_open && wish.terms.scheduled_for.is_none() {
        return Err(AskError::StoreClosed);
    }
    let HandoverWish::Delivered { dropoff, .. } = wish.handover else {
        return Ok((store, None));
    };
    let distance_m = store.place.metres_to(dropoff);
    if distance_m > f64::from(store.radius_m) {
        let (radius_m, distance_m) = (store.radius_m, distance_m as u32);
        return Err(AskError::TooFar { radius_m, distance_m });
    }
    Ok((store, Some(distance_m.ceil() as u32)))
}

fn new_handover(wish: &OrderWish, policy: &HandoverPolicy) -> Handover {
    match wish.handover {
        HandoverWish::Delivered { proof, .. } => {
            Handover::delivered(proof.unwrap_or(policy.default_proof), rand::random())
        }
        HandoverWish::Collected => Handover::collected(),
    }
}

async fn wanted(
    reader: &mut impl Reader,
    by: CustomerId,
    wish: &OrderWish,
) -> Result<Vec<CartLine>, AskError> {
    let mut lines = match &wish.lines {
        Some(lines) => lines.clone(),
        None => {
            let items = carts::list_items(reader, by, wish.store_id).await?;
            items.into_iter().filter(|it| it.is_selected).map(|it| it.line).collect()
        }
    };
    cart::check_lines(&lines)?;
    // Stock is taken in this order by everybody, so that two orders never wait in a circle.
    lines.sort_by(|a, b| (a.product_id, &a.options).cmp(&(b.product_id, &b.options)));
    Ok(lines)
}

async fn new_order(
    tx: &mut Tx,
    id: OrderId,
    by: CustomerId,
    wish: &OrderWish,
    store: &StoreRecord,
    parts: Breakdown,
    at: Timestamp,
) -> Result<StoredOrder, AskError> {
    let day = order_number::day_name(store.place, at);
    let number = order_numbers::next(tx, store.id, &day).await?;
    let OrderTerms { cutlery, contact_name, contact_phone, .. } = &wish.terms;
    let (dropoff, address) = match &wish.handover {
        HandoverWish::Delivered { dropoff, address, .. } => (*dropoff, address.as_str()),
        // Where the customer lives is nobody's business then.
        HandoverWish::Collected => (store.place, store.address.as_deref().unwrap_or(&store.name)),
    };
    Ok(StoredOrder {
        order: Order {
            id,
            customer_id: by,
            store_id: store.id,
            state: OrderState::PendingPayment,
            version: 0,
            seq: 0,
            total: parts.total,
            release_at: None,
            placed_at: at,
            paid_at: None,
            accepted_at: None,
            ready_at: None,
            delivered_at: None,
            ended_at: None,
        },
        parts,
        number: Some(number),
        day: Some(day),
        scheduled_for: None,
        region: store.place.region(),
        dropoff,
        dropoff_address: address.to_owned(),
        note: wish.note.as_ref().map(|it| it.as_str().to_owned()),
        cutlery: *cutlery,
        contact_name: contact_name.as_ref().map(|it| it.as_str().to_owned()),
        contact_phone: contact_phone.as_ref().map(|it| it.as_str().to_owned()),
    })
}

/// The first line of the story. The customer's connections hear the order's channel from here on.
async fn tell(
    tx: &mut Tx,
    changes: &mut Changes,
    order_id: OrderId,
    by: CustomerId,
    policy: &OrderPolicy,
    at: Timestamp,
) -> Result<Moved, AskError> {
    let mut case = OrderCase::lock(tx, order_id).await?;
    let change = Change {
        order_id,
        seq: 1,
        machine: Machine::Order,
        event: "placed",
        from: None,
        to: case.stored.order.state.as_str(),
        by: by.into(),
        reason: None,
        at,
    };
    case.tell(tx, changes, change).await?;
    let inbox = Channel::Inbox(Profile::Customer(by));
    for entry in changes.entries.iter_mut().filter(|it| it.channel == inbox) {
        entry.joins = Some(Channel::Order(order_id));
    }
    let due = case.stored.order.pay_until(policy);
    timers::set(tx, TimerKind::OrderUnpaid, &order_id.to_string(), due).await?;
    Ok(case.moved(at))
}
