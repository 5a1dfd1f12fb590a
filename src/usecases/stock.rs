//! Stocks: orders hold pieces, merchants count them, days begin. SQL alone decides.
//!
//! An order holds its pieces from the moment it is placed; they are confirmed when it is paid and
//! given back, once, when it ends before pickup. Everything goes through `Counter`, so that no
//! change misses the log or those who remember numbers (`Changes::counted`).

use std::collections::BTreeMap;

use domain::{
    clock::Timestamp,
    ids::{MerchantId, OrderId, ProductId},
    role::Actor,
    stock::{
        self as rules, DAY_MIN, Daily, HoldState, STOCK_MAX, Stock, StockChange, StockError,
        StockMode, StockReason,
    },
};
use serde::{Deserialize, Serialize};
use storage::{
    commands::CommandKey,
    db::Tx,
    error::StoreError,
    products,
    stock::{self as rows, Hold, Shelf},
    stock_log::{self, StockLine},
    stores,
    timers::{self, Due, TimerKind},
};

use crate::{
    cache::Stale,
    error::AskError,
    platform::{Changes, Done, Platform},
    stock_guard::Counted,
};

/// Moves stocks that are locked, and writes down what moved.
struct Counter<'c> {
    changes: &'c mut Changes,
    order_id: Option<OrderId>,
    by: Actor,
    reason: Option<StockReason>,
    at: Timestamp,
    lines: Vec<StockLine>,
}

impl<'c> Counter<'c> {
    const fn new(changes: &'c mut Changes, by: Actor, at: Timestamp) -> Self {
        Self { changes, order_id: None, by, reason: None, at, lines: Vec::new() }
    }

    /// Saves `after`, which came of `change`, over what is locked.
    async fn save(
        &mut self,
        tx: &mut Tx,
        shelf: &Shelf,
        after: Stock,
        change: StockChange,
    ) -> Result<(), StoreError> {
        rows::save(tx, shelf.product_id, &after, shelf.stock.version).await?;
        let line = StockLine::new(shelf.product_id, &after, change, self.by, self.at);
        self.lines.push(StockLine { order_id: self.order_id, reason: self.reason, ..line });
        if shelf.stock.shown() != after.shown() {
            self.changes.stale.push(Stale::Menu(shelf.store_id));
        }
        let shelf = Shelf { stock: after, ..shelf.clone() };
        self.changes.counted.push(Counted { shelf, order: self.order_id });
        Ok(())
    }

    async fn finish(self, tx: &mut Tx) -> Result<(), StoreError> {
        stock_log::insert(tx, &self.lines).await
    }
}

/// A new order takes its pieces off the shelf.
///
/// # Errors
///
/// [`AskError::OutOfStock`] if there are not enough of one; then nothing must be kept of it.
pub(crate) async fn reserve(
    tx: &mut Tx,
    changes: &mut Changes,
    order_id: OrderId,
    by: Actor,
    wanted: impl IntoIterator<Item = (ProductId, u32)>,
    at: Timestamp,
) -> Result<(), AskError> {
    let mut pieces: BTreeMap<ProductId, i64> = BTreeMap::new();
    for (product_id, quantity) in wanted {
        *pieces.entry(product_id).or_default() += i64::from(quantity);
    }
    let ids: Vec<_> = pieces.keys().copied().collect();
    let shelves = rows::lock(tx, &ids).await?;
    let mut counter = Counter { order_id: Some(order_id), ..Counter::new(changes, by, at) };
    let mut holds = Vec::with_capacity(pieces.len());
    for (product_id, pieces) in pieces {
        let found = shelves.iter().find(|it| it.product_id == product_id);
        let shelf = found.ok_or(AskError::NotSold { product_id })?;
        let change = shelf.stock.reserve(pieces).map_err(|err| short(shelf, err))?;
        counter.save(tx, shelf, shelf.stock.after(&change), change).await?;
        holds.push(Hold { product_id, pieces, state: HoldState::Reserved, since: at });
    }
    counter.finish(tx).await?;
    Ok(rows::insert_holds(tx, order_id, &holds).await?)
}

fn short(shelf: &Shelf, err: StockError) -> AskError {
    let left = match err {
        StockError::Short { left } => left,
        StockError::OutOfRange { .. } => shelf.stock.available(),
    };
    AskError::OutOfStock { product_id: shelf.product_id, name: shelf.name.clone(), left }
}

/// The order was paid: what it holds is sold. Once, however often it is asked for.
pub(crate) async fn confirm(
    tx: &mut Tx,
    changes: &mut Changes,
    order_id: OrderId,
    by: Actor,
    at: Timestamp,
) -> Result<(), StoreError> {
    let holds = rows::list_holds(tx, order_id).await?;
    let due: Vec<_> = holds.into_iter().filter(|it| it.state == HoldState::Reserved).collect();
    let moves = |hold: &Hold, _: &Stock| Stock::confirm(hold.pieces);
    move_holds(tx, changes, order_id, &due, by, at, moves).await?;
    rows::move_holds(tx, order_id, HoldState::Reserved, HoldState::Sold).await?;
    Ok(())
}

/// The order ended before pickup: what it still holds goes back. Once, however often it is asked
/// for. Lock the order before.
pub(crate) async fn release(
    tx: &mut Tx,
    changes: &mut Changes,
    order_id: OrderId,
    by: Actor,
    at: Timestamp,
) -> Result<(), StoreError> {
    let holds = rows::list_holds(tx, order_id).await?;
    let due: Vec<_> = holds.into_iter().filter(|it| it.state != HoldState::Released).collect();
    let moves = |hold: &Hold, stock: &Stock| stock.release(hold.pieces, hold.state, hold.since);
    move_holds(tx, changes, order_id, &due, by, at, moves).await?;
    for held in [HoldState::Reserved, HoldState::Sold] {
        if due.iter().any(|it| it.state == held) {
            rows::move_holds(tx, order_id, held, HoldState::Released).await?;
        }
    }
    Ok(())
}

async fn move_holds(
    tx: &mut Tx,
    changes: &mut Changes,
    order_id: OrderId,
    due: &[Hold],
    by: Actor,
    at: Timestamp,
    moves: impl Fn(&Hold, &Stock) -> StockChange,
) -> Result<(), StoreError> {
    let ids: Vec<_> = due.iter().map(|it| it.product_id).collect();
    let shelves = rows::lock(tx, &ids).await?;
    let mut counter = Counter { order_id: Some(order_id), ..Counter::new(changes, by, at) };
    for hold in due {
        // A product that is gone has no stock any more.
        let Some(shelf) = shelves.iter().find(|it| it.product_id == hold.product_id) else {
            continue;
        };
        let change = moves(hold, &shelf.stock);
        counter.save(tx, shelf, shelf.stock.after(&change), change).await?;
    }
    counter.finish(tx).await
}

/// What a merchant does to a stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockWish {
    /// So many are left now.
    Set(i64),
    /// So many came, or are gone.
    Adjust(i64),
    /// There are always enough.
    Unlimited,
    /// So many each day, from now on.
    Daily {
        /// How many.
        per_day: i64,
        /// When the day begins, in minutes after midnight UTC; `None` for midnight at the store.
        resets_min: Option<u32>,
    },
}

/// How a stock stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockNow {
    /// The product.
    pub product: String,
    /// How it is kept.
    pub mode: String,
    /// How many can be ordered; `None` if there are always enough.
    pub available: Option<i64>,
    /// What orders hold that are not paid.
    pub reserved: i64,
    /// What orders hold that are paid.
    pub sold: i64,
    /// All together; `None` if there are always enough.
    pub total: Option<i64>,
    /// How many each day.
    pub per_day: Option<i64>,
    /// When the day begins, in minutes after midnight UTC.
    pub resets_min: Option<u32>,
    /// When the next day begins, in UTC milliseconds.
    pub next_reset: Option<i64>,
    /// Number of the last line of its log.
    pub version: i64,
}

impl StockNow {
    fn new(product_id: ProductId, stock: &Stock, at: Timestamp) -> Self {
        let is_counted = stock.mode != StockMode::Unlimited;
        Self {
            product: product_id.to_string(),
            mode: stock.mode.to_string(),
            available: is_counted.then_some(stock.left),
            reserved: stock.reserved,
            sold: stock.sold,
            total: stock.total(),
            per_day: stock.daily.map(|it| it.per_day),
            resets_min: stock.daily.map(|it| it.resets_min),
            next_reset: stock.daily.map(|it| it.next(at).ms()),
            version: stock.version,
        }
    }
}

/// A stock with a page of its log.
#[derive(Debug, Clone)]
pub struct StockPage {
    /// How it stands.
    pub now: StockNow,
    /// Newest line first.
    pub lines: Vec<StockLine>,
}

/// A merchant changes a stock and says why.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::OutOfRange`] for impossible numbers.
pub async fn change(
    platform: &Platform,
    by: MerchantId,
    product_id: ProductId,
    wish: StockWish,
    reason: StockReason,
    key: Option<CommandKey>,
) -> Result<Done<StockNow>, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let product = products::find_for_staff_locked(tx, product_id, by)
            .await?
            .ok_or(AskError::not_found("product"))?;
        let midnight = match wish {
            StockWish::Daily { resets_min: None, .. } => {
                let store = stores::find(tx, product.store_id).await?;
                store.map_or(0, |it| rules::midnight_min(it.place))
            }
            _ => 0,
        };
        let (after, change) = wished(&product.stock, wish, midnight, at)?;
        let shelf = Shelf {
            product_id,
            store_id: product.store_id,
            name: product.name,
            stock: product.stock,
        };
        let counter = Counter::new(changes, by.into(), at);
        let mut counter = Counter { reason: Some(reason), ..counter };
        counter.save(tx, &shelf, after, change).await?;
        counter.finish(tx).await?;
        set_reset(tx, product_id, &after, at).await?;
        Ok(StockNow::new(product_id, &after, at))
    };
    platform.command(key, work).await
}

/// What comes of a wish.
fn wished(
    stock: &Stock,
    wish: StockWish,
    midnight_min: u32,
    at: Timestamp,
) -> Result<(Stock, StockChange), AskError> {
    let before = match (wish, stock.mode) {
        (StockWish::Set(_), StockMode::Unlimited) => stock.keep(StockMode::Counted, None, at),
        (StockWish::Set(_) | StockWish::Adjust(_), _) => *stock,
        (StockWish::Unlimited, _) => stock.keep(StockMode::Unlimited, None, at),
        (StockWish::Daily { per_day, resets_min }, _) => {
            let resets_min = resets_min.unwrap_or(midnight_min);
            if resets_min >= DAY_MIN {
                return Err(AskError::OutOfRange { what: "a time of day is from 00:00 to 23:59" });
            }
            stock.keep(StockMode::Daily, Some(Daily { per_day, resets_min }), at)
        }
    };
    let change = match wish {
        StockWish::Set(left) | StockWish::Daily { per_day: left, .. } => before.set(left),
        StockWish::Adjust(by) => before.adjust(by),
        StockWish::Unlimited => before.set(before.left),
    };
    let change = change.map_err(|_| AskError::OutOfRange { what: "stock is from 0 to 10^9" })?;
    Ok((before.after(&change), change))
}

async fn set_reset(
    tx: &mut Tx,
    product_id: ProductId,
    stock: &Stock,
    at: Timestamp,
) -> Result<(), StoreError> {
    let subject = product_id.to_string();
    match stock.daily {
        Some(daily) => timers::set(tx, TimerKind::StockReset, &subject, daily.next(at)).await,
        None => timers::clear(tx, TimerKind::StockReset, &subject).await.map(drop),
    }
}

/// A merchant says with the product itself how many are left.
pub(crate) async fn put(
    tx: &mut Tx,
    changes: &mut Changes,
    product: &products::ProductRecord,
    left: i64,
    by: Actor,
    at: Timestamp,
) -> Result<(), AskError> {
    let (after, change) = wished(&product.stock, StockWish::Set(left), 0, at)?;
    let (product_id, store_id, name) = (product.id, product.store_id, product.name.clone());
    let shelf = Shelf { product_id, store_id, name, stock: product.stock };
    let mut counter = Counter::new(changes, by, at);
    counter.save(tx, &shelf, after, change).await?;
    Ok(counter.finish(tx).await?)
}

/// A stock and the newest lines of its log, or those before a number.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers.
pub async fn show(
    platform: &Platform,
    by: MerchantId,
    product_id: ProductId,
    before: Option<i64>,
    limit: u32,
) -> Result<StockPage, AskError> {
    let mut reader = platform.reader();
    let product =
        products::find(&mut reader, product_id).await?.ok_or(AskError::not_found("product"))?;
    if !stores::is_staff(&mut reader, product.store_id, by).await? {
        return Err(AskError::not_found("product"));
    }
    let lines = stock_log::list(&mut reader, product_id, before, limit).await?;
    Ok(StockPage { now: StockNow::new(product_id, &product.stock, platform.now()), lines })
}

/// A day begins for a stock that is counted by days.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved; the timer stays and is tried again.
pub(crate) async fn day_begins(platform: &Platform, due: Due) -> Result<bool, AskError> {
    let product_id: ProductId =
        due.subject.parse().map_err(|_| StoreError::corrupt("timer.subject", &due.subject))?;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let shelves = rows::lock(tx, &[product_id]).await?;
        if !timers::take(tx, &due).await? {
            return Ok(false);
        }
        let Some(shelf) = shelves.first() else { return Ok(false) };
        let Some(daily) = shelf.stock.daily else { return Ok(false) };
        if let Some((reset, change)) = shelf.stock.reset(daily.began(at)) {
            let mut counter = Counter::new(changes, Actor::System, at);
            counter.save(tx, shelf, reset.after(&change), change).await?;
            counter.finish(tx).await?;
        }
        set_reset(tx, product_id, &shelf.stock, at).await?;
        Ok::<_, AskError>(true)
    };
    Ok(platform.command(None, work).await?.value)
}

/// Checks what a new product begins with.
pub(crate) fn check(stock: Option<i64>) -> Result<(), AskError> {
    if stock.is_none_or(|it| (0..=STOCK_MAX).contains(&it)) {
        Ok(())
    } else {
        Err(AskError::OutOfRange { what: "stock is from 0 to 10^9" })
    }
}
