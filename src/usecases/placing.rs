//! Placing an order: the server prices it, the stock is taken, and nobody but the customer knows.

use domain::{
    cart::{self, CartLine},
    change::{Change, Machine},
    channel::Channel,
    checked_text::{Address, Note},
    clock::Timestamp,
    geo::Place,
    handover::{Handover, HandoverPolicy, Proof},
    ids::{CustomerId, OrderId, StoreId},
    money::Money,
    order::Order,
    order_state::OrderState,
    policy::OrderPolicy,
    price::Price,
    role::Profile,
};
use storage::{
    carts,
    commands::CommandKey,
    db::Tx,
    handovers,
    orders::{self, StoredLine, StoredOrder},
    products::{self, ProductRecord},
    stores::{self, StoreRecord},
    timers::{self, TimerKind},
};

use crate::{
    error::AskError,
    order_case::{Moved, OrderCase},
    platform::{Changes, Done, Platform},
    stock,
};

/// What a customer wants. There is no price in it: the server knows what things cost.
#[derive(Debug, Clone)]
pub struct OrderWish {
    /// Where from.
    pub store_id: StoreId,
    /// What; `None` for what is in the cart.
    pub lines: Option<Vec<CartLine>>,
    /// How and where it changes hands.
    pub handover: HandoverWish,
    /// What to ask the store or the rider for.
    pub note: Option<Note>,
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
/// [`AskError::StoreClosed`], [`AskError::TooFar`], [`AskError::NotSold`], …
pub async fn place(
    platform: &Platform,
    by: CustomerId,
    wish: OrderWish,
    key: Option<CommandKey>,
) -> Result<Done<Moved>, AskError> {
    let policy = platform.policy;
    platform
        .command(key, async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
            let store = open_store(tx, &wish).await?;
            let wanted = wanted(tx, by, &wish).await?;
            let fee = delivery_fee(&wish, &store);
            let (price, lines) = priced(tx, &store, fee, &wanted).await?;
            let stored = new_order(by, &wish, &store, &price, at);
            let taken = lines.iter().map(|it| (it.product_id, it.quantity.get()));
            stock::reserve(tx, changes, stored.order.id, by.into(), taken, at).await?;
            orders::insert(tx, &stored, &lines).await?;
            let handover = new_handover(&wish, &policy.handover);
            handovers::insert(tx, stored.order.id, store.id, &handover).await?;
            if wish.lines.is_none() {
                carts::clear(tx, by, store.id).await?;
            }
            tell(tx, changes, stored.order.id, by, &policy, at).await
        })
        .await
}

async fn open_store(tx: &mut Tx, wish: &OrderWish) -> Result<StoreRecord, AskError> {
    let store = stores::find(tx, wish.store_id).await?.ok_or(AskError::not_found("store"))?;
    if !store.is_open {
        return Err(AskError::StoreClosed);
    }
    let HandoverWish::Delivered { dropoff, .. } = wish.handover else { return Ok(store) };
    let distance_m = store.place.metres_to(dropoff);
    if distance_m > f64::from(store.radius_m) {
        let (radius_m, distance_m) = (store.radius_m, distance_m as u32);
        return Err(AskError::TooFar { radius_m, distance_m });
    }
    Ok(store)
}

/// Who fetches the goods pays nobody to bring them.
const fn delivery_fee(wish: &OrderWish, store: &StoreRecord) -> Money {
    match wish.handover {
        HandoverWish::Delivered { .. } => store.delivery_fee,
        HandoverWish::Collected => Money::from_minor(0, store.delivery_fee.currency()),
    }
}

fn new_handover(wish: &OrderWish, policy: &HandoverPolicy) -> Handover {
    match wish.handover {
        HandoverWish::Delivered { proof, .. } => {
            Handover::delivered(proof.unwrap_or(policy.default_proof), rand::random())
        }
        HandoverWish::Collected => Handover::collected(),
    }
}

async fn wanted(tx: &mut Tx, by: CustomerId, wish: &OrderWish) -> Result<Vec<CartLine>, AskError> {
    let mut lines = match &wish.lines {
        Some(lines) => lines.clone(),
        None => carts::list_lines(tx, by, wish.store_id).await?,
    };
    cart::check_lines(&lines)?;
    // Stock is taken in this order by everybody, so that two orders never wait in a circle.
    lines.sort_by_key(|it| it.product_id);
    Ok(lines)
}

async fn priced(
    tx: &mut Tx,
    store: &StoreRecord,
    fee: Money,
    wanted: &[CartLine],
) -> Result<(Price, Vec<StoredLine>), AskError> {
    let ids: Vec<_> = wanted.iter().map(|it| it.product_id).collect();
    let sold = products::list_listed(tx, store.id, &ids).await?;
    let mut asked = Vec::with_capacity(wanted.len());
    let mut names = Vec::with_capacity(wanted.len());
    for line in wanted {
        let product_id = line.product_id;
        let found: Option<&ProductRecord> = sold.iter().find(|it| it.id == product_id);
        let product = found.ok_or(AskError::NotSold { product_id })?;
        asked.push((product_id, product.price, line.quantity));
        names.push(product.name.clone());
    }
    let price = Price::of(&asked, fee, store.min_order)?;
    let lines = price
        .lines
        .iter()
        .zip(names)
        .map(|(line, name)| StoredLine {
            product_id: line.product_id,
            name,
            unit: line.unit,
            quantity: line.quantity,
            total: line.total,
        })
        .collect();
    Ok((price, lines))
}

fn new_order(
    by: CustomerId,
    wish: &OrderWish,
    store: &StoreRecord,
    price: &Price,
    at: Timestamp,
) -> StoredOrder {
    let (dropoff, address) = match &wish.handover {
        HandoverWish::Delivered { dropoff, address, .. } => (*dropoff, address.as_str()),
        // Where the customer lives is nobody's business then.
        HandoverWish::Collected => (store.place, store.address.as_deref().unwrap_or(&store.name)),
    };
    StoredOrder {
        order: Order {
            id: OrderId::generate(),
            customer_id: by,
            store_id: store.id,
            state: OrderState::PendingPayment,
            version: 0,
            seq: 0,
            total: price.total,
            placed_at: at,
            paid_at: None,
            accepted_at: None,
            ready_at: None,
            delivered_at: None,
            ended_at: None,
        },
        items: price.items,
        delivery_fee: price.delivery_fee,
        region: store.place.region(),
        dropoff,
        dropoff_address: address.to_owned(),
        note: wish.note.as_ref().map(|it| it.as_str().to_owned()),
    }
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
