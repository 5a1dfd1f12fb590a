//! Changes of carts: each counts, and is told to all the customer's devices.

use domain::{
    cart::{CART_LINES_MAX, CartError, CartLine, Quantity},
    channel::Channel,
    clock::Timestamp,
    ids::{CustomerId, StoreId},
    role::Profile,
};
use storage::{
    carts::{self as rows, StoredItem},
    commands::CommandKey,
    db::Tx,
    events::{self, CartMoved},
    push::Push,
    stores::{self, StoreRecord},
};

use crate::{
    error::AskError,
    platform::{Changes, Platform},
    pricing,
};

/// A line as a customer wants it.
#[derive(Debug, Clone)]
pub struct WantedItem {
    /// What and how many.
    pub line: CartLine,
    /// Whether it is part of the next order; `None` leaves it, and is yes for a new line.
    pub is_selected: Option<bool>,
}

/// What to do with a line of a cart.
#[derive(Debug, Clone)]
pub enum LineWish {
    /// Have so many of it.
    Have(WantedItem),
    /// Take it out. The number of pieces does not matter.
    Without(CartLine),
}

/// Puts a line into the cart, changes it, or takes it out.
///
/// # Errors
///
/// [`AskError::NotSold`] and [`AskError::Options`] if the store does not sell it so,
/// [`AskError::Cart`] if it does not fit.
pub async fn put(
    platform: &Platform,
    by: CustomerId,
    store_id: StoreId,
    wish: LineWish,
) -> Result<(), AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let store = stores::find(tx, store_id).await?.ok_or(AskError::not_found("store"))?;
        let version = rows::count_change(tx, by, store_id, at).await?;
        match &wish {
            LineWish::Without(line) => rows::delete_item(tx, by, store_id, line).await?,
            LineWish::Have(wanted) => {
                let known = rows::list_items(tx, by, store_id).await?;
                let before = known.iter().find(|it| it.line.is_like(&wanted.line));
                check_room(known.len() + usize::from(before.is_none()))?;
                let selected = wanted.is_selected.or(before.map(|it| it.is_selected));
                let line = wanted.line.clone();
                put_new(tx, by, &store, line, selected.unwrap_or(true), at).await?;
            }
        }
        tell(tx, changes, by, store_id, version).await
    };
    platform.command(None, work).await?;
    Ok(())
}

/// Puts a whole cart in the place of what was there. With `version`, only if nobody has changed the
/// cart since.
///
/// # Errors
///
/// [`AskError::CartMoved`] if somebody has, or as [`put`].
pub async fn replace(
    platform: &Platform,
    by: CustomerId,
    store_id: StoreId,
    items: Vec<WantedItem>,
    version: Option<i64>,
    key: Option<CommandKey>,
) -> Result<(), AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let store = stores::find(tx, store_id).await?.ok_or(AskError::not_found("store"))?;
        let counted = rows::count_change(tx, by, store_id, at).await?;
        if let Some(expected) = version
            && expected != counted - 1
        {
            return Err(AskError::CartMoved { version: counted - 1 });
        }
        check(&items)?;
        rows::clear(tx, by, store_id, false).await?;
        for item in &items {
            let is_selected = item.is_selected.unwrap_or(true);
            put_new(tx, by, &store, item.line.clone(), is_selected, at).await?;
        }
        tell(tx, changes, by, store_id, counted).await
    };
    platform.command(key, work).await?;
    Ok(())
}

/// Puts the lines of another device beside what is there: of a line that both have, the larger number
/// counts, so that merging twice changes nothing. What is not sold any more is left out.
///
/// # Errors
///
/// [`AskError::Cart`] if it does not fit.
pub async fn merge(
    platform: &Platform,
    by: CustomerId,
    store_id: StoreId,
    items: Vec<WantedItem>,
    key: Option<CommandKey>,
) -> Result<(), AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let store = stores::find(tx, store_id).await?.ok_or(AskError::not_found("store"))?;
        let version = rows::count_change(tx, by, store_id, at).await?;
        put_beside(tx, by, &store, &items, at).await?;
        tell(tx, changes, by, store_id, version).await
    };
    platform.command(key, work).await?;
    Ok(())
}

/// Puts lines beside what is in the cart. Returns those that are not sold so any more.
pub(crate) async fn put_beside(
    tx: &mut Tx,
    by: CustomerId,
    store: &StoreRecord,
    items: &[WantedItem],
    at: Timestamp,
) -> Result<Vec<(CartLine, AskError)>, AskError> {
    check(items)?;
    let known = rows::list_items(tx, by, store.id).await?;
    let is_new = |it: &&WantedItem| !known.iter().any(|old| old.line.is_like(&it.line));
    check_room(known.len() + items.iter().filter(is_new).count())?;
    let mut left_out = Vec::new();
    for WantedItem { line, is_selected } in items {
        let before = known.iter().find(|it| it.line.is_like(line));
        let most = before.map_or(line.quantity, |it| it.line.quantity.max(line.quantity));
        let selected = is_selected.unwrap_or(true) || before.is_some_and(|it| it.is_selected);
        let merged = CartLine { quantity: most, ..line.clone() };
        match put_new(tx, by, store, merged, selected, at).await {
            Err(err @ (AskError::NotSold { .. } | AskError::Options { .. })) => {
                left_out.push((line.clone(), err));
            }
            outcome => outcome?,
        }
    }
    Ok(left_out)
}

/// Empties the cart.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved.
pub async fn clear(platform: &Platform, by: CustomerId, store_id: StoreId) -> Result<(), AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        if stores::find(tx, store_id).await?.is_none() {
            return Ok(());
        }
        let version = rows::count_change(tx, by, store_id, at).await?;
        rows::clear(tx, by, store_id, false).await?;
        tell(tx, changes, by, store_id, version).await
    };
    platform.command(None, work).await?;
    Ok(())
}

/// What was selected has been ordered.
pub(crate) async fn ordered(
    tx: &mut Tx,
    changes: &mut Changes,
    by: CustomerId,
    store_id: StoreId,
    at: Timestamp,
) -> Result<(), AskError> {
    let version = rows::count_change(tx, by, store_id, at).await?;
    rows::clear(tx, by, store_id, true).await?;
    tell(tx, changes, by, store_id, version).await
}

async fn put_new(
    tx: &mut Tx,
    by: CustomerId,
    store: &StoreRecord,
    line: CartLine,
    is_selected: bool,
    at: Timestamp,
) -> Result<(), AskError> {
    let sold = pricing::sold(tx, store, std::slice::from_ref(&line)).await?;
    let priced = pricing::price_line(&line, &sold)?;
    let item = StoredItem { line, is_selected, seen_minor: Some(priced.unit.minor()) };
    rows::put_item(tx, by, store.id, &item, at).await?;
    Ok(())
}

/// Tells the customer's devices that a cart has changed.
pub(crate) async fn tell(
    tx: &mut Tx,
    changes: &mut Changes,
    by: CustomerId,
    store_id: StoreId,
    version: i64,
) -> Result<(), AskError> {
    let items = rows::list_items(tx, by, store_id).await?;
    let pieces = |it: &StoredItem| it.line.quantity.get();
    let body = CartMoved {
        store: store_id.to_string(),
        version,
        n_lines: items.len() as u32,
        n_pieces: items.iter().map(pieces).sum(),
    };
    let profile = Profile::Customer(by);
    let inbox = Channel::Inbox(profile);
    changes.entries.push(events::entry(inbox, Push::Cart, Some(profile), &body)?);
    Ok(())
}

fn check(items: &[WantedItem]) -> Result<(), CartError> {
    check_room(items.len())?;
    for (at, item) in items.iter().enumerate() {
        if items[..at].iter().any(|it| it.line.is_like(&item.line)) {
            return Err(CartError::Twice { product_id: item.line.product_id });
        }
    }
    Ok(())
}

const fn check_room(lines: usize) -> Result<(), CartError> {
    if lines > CART_LINES_MAX { Err(CartError::TooManyLines { lines }) } else { Ok(()) }
}

/// How many pieces a line shall have; `None` for none at all.
///
/// # Errors
///
/// [`CartError::Quantity`] if it is out of range.
pub fn pieces(quantity: i64) -> Result<Option<Quantity>, CartError> {
    if quantity == 0 { Ok(None) } else { Quantity::new(quantity).map(Some) }
}
