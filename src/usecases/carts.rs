//! What a customer has put together, always at the prices of now, and what has changed about it.

use domain::{
    cart::CartLine,
    channel::Channel,
    clock::Timestamp,
    ids::{CustomerId, ProductId, StoreId},
    money::Money,
    price::{Breakdown, FeeRules, Price, PriceAsk},
    role::Profile,
    text_enum::text_enum,
};
use storage::{
    carts::{self as rows, StoredItem},
    journal::{self, Head},
    order_lines::StoredLine,
    store_fees,
    stores::{self, StoreRecord},
};

use crate::{
    error::AskError,
    platform::Platform,
    pricing::{self, Sold},
};

/// Carts of one list at most.
pub const CARTS_MAX: u32 = 50;

text_enum! {
    /// What a customer should know about a cart before ordering.
    pub enum CartNews {
        /// The price of a line is not what the customer saw.
        PriceChanged => "price_changed",
        /// Nothing of it is left.
        SoldOut => "sold_out",
        /// Fewer are left than are in the cart.
        FewLeft => "few_left",
        /// The store does not sell it any more.
        NotSold => "not_sold",
        /// What was chosen with it cannot be had any more.
        OptionGone => "option_gone",
        /// The store takes no orders now.
        StoreClosed => "store_closed",
        /// The items cost less than the store delivers for.
        BelowMinimum => "below_minimum",
    }
}

/// Something that has changed about a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub news: CartNews,
    /// Which line; `None` if it is about the whole cart.
    pub key: Option<String>,
    /// A sentence that says what to do.
    pub said: String,
    /// What it was, in minor units, or what is asked for.
    pub was: Option<i64>,
    /// What it is now, in minor units, or how many are left.
    pub now: Option<i64>,
}

/// A line of the cart with its product as it is now.
#[derive(Debug, Clone)]
pub struct CartItem {
    /// The line's name in its cart.
    pub key: String,
    /// Whether it is part of the next order.
    pub is_selected: bool,
    /// What it costs now.
    pub line: StoredLine,
    /// How many are left.
    pub stock: i64,
}

/// A cart as it would be ordered now.
#[derive(Debug, Clone)]
pub struct Cart {
    /// Where from.
    pub store: StoreRecord,
    /// How often it has changed.
    pub version: i64,
    /// What is in it and still sold.
    pub items: Vec<CartItem>,
    /// Products that are not sold any more, or not so.
    pub gone: Vec<ProductId>,
    /// What the customer should know before ordering.
    pub messages: Vec<Message>,
    /// What the selected lines cost; the delivery fee is the store's base fee, for no door is known.
    pub parts: Breakdown,
    /// The position of the customer's inbox from before the rest was read.
    pub as_of: Head,
}

/// A cart in a list.
#[derive(Debug, Clone)]
pub struct CartSummary {
    /// At which store.
    pub store: StoreRecord,
    /// How many lines it has.
    pub n_lines: u32,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The customer's cart at a store.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such store.
pub async fn show(
    platform: &Platform,
    by: CustomerId,
    store_id: StoreId,
) -> Result<Cart, AskError> {
    let mut reader = platform.reader();
    let inbox = Channel::Inbox(Profile::Customer(by));
    let as_of = journal::head(&mut reader, &inbox).await?;
    let store = stores::find(&mut reader, store_id).await?.ok_or(AskError::not_found("store"))?;
    let version = rows::version(&mut reader, by, store_id).await?;
    let stored = rows::list_items(&mut reader, by, store_id).await?;
    let lines: Vec<CartLine> = stored.iter().map(|it| it.line.clone()).collect();
    let sold = pricing::sold(&mut reader, &store, &lines).await?;
    let rules = store_fees::of(&mut reader, &store).await?;
    let (mut items, mut gone, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    for item in stored {
        match look_at(&item, &sold, &mut messages)? {
            Some(found) => items.push(found),
            None => gone.push(item.line.product_id),
        }
    }
    let parts = sum_up(&store, rules, &items)?;
    messages.extend(about_all(&store, &items, &parts));
    Ok(Cart { store, version, items, gone, messages, parts, as_of })
}

/// The customer's carts, the one that changed last first.
///
/// # Errors
///
/// [`AskError::Store`] if they cannot be read.
pub async fn list(platform: &Platform, by: CustomerId) -> Result<Vec<CartSummary>, AskError> {
    let mut reader = platform.reader();
    let mut carts = Vec::new();
    for head in rows::list_carts(&mut reader, by, CARTS_MAX).await? {
        let Some(store) = stores::find(&mut reader, head.store_id).await? else { continue };
        carts.push(CartSummary { store, n_lines: head.n_lines, updated_at: head.updated_at });
    }
    Ok(carts)
}

/// A line as it would be ordered now; `None` if it cannot be.
fn look_at(
    item: &StoredItem,
    sold: &[Sold],
    messages: &mut Vec<Message>,
) -> Result<Option<CartItem>, AskError> {
    let key = item.key();
    let mut say = |news, said: String, was, now| {
        messages.push(Message { news, key: Some(key.clone()), said, was, now });
    };
    let line = match pricing::price_line(&item.line, sold) {
        Ok(line) => line,
        Err(AskError::NotSold { .. }) => {
            let said = "The store does not sell this any more; take it out.".to_owned();
            say(CartNews::NotSold, said, None, None);
            return Ok(None);
        }
        Err(AskError::Options { why, .. }) => {
            let said = format!("What was chosen does not fit any more ({why}); choose again.");
            say(CartNews::OptionGone, said, None, None);
            return Ok(None);
        }
        Err(err) => return Err(err),
    };
    let stock = sold
        .iter()
        .find(|it| it.product.id == item.line.product_id)
        .map_or(0, |it| it.product.stock.available());
    let asked = i64::from(line.quantity.get());
    let name = &line.name;
    if let Some(was) = item.seen_minor.filter(|was| *was != line.unit.minor()) {
        let before = Money::from_minor(was, line.unit.currency());
        let said = format!("`{name}` cost {before} and costs {} now.", line.unit);
        say(CartNews::PriceChanged, said, Some(was), Some(line.unit.minor()));
    }
    if stock == 0 {
        let said = format!("`{name}` is sold out; take it out or leave it unselected.");
        say(CartNews::SoldOut, said, Some(asked), Some(stock));
    } else if stock < asked {
        let said = format!("Only {stock} of `{name}` are left; order fewer.");
        say(CartNews::FewLeft, said, Some(asked), Some(stock));
    }
    Ok(Some(CartItem { key, is_selected: item.is_selected, line, stock }))
}

fn sum_up(store: &StoreRecord, rules: FeeRules, items: &[CartItem]) -> Result<Breakdown, AskError> {
    let selected = items.iter().filter(|it| it.is_selected);
    let lines: Vec<_> = selected.map(|it| pricing::asked_line(&it.line)).collect();
    let nothing = Money::from_minor(0, store.currency);
    // The minimum is a message here, not a refusal; an empty cart has no packing.
    let rules = if lines.is_empty() { FeeRules { packing: nothing, ..rules } } else { rules };
    let ask = PriceAsk { lines: &lines, rules, min_order: nothing, way_m: Some(0), tip: nothing };
    Ok(Price::of(ask)?.parts)
}

fn about_all(store: &StoreRecord, items: &[CartItem], parts: &Breakdown) -> Vec<Message> {
    let about = |news, said, was, now| Message { news, key: None, said, was, now };
    let mut messages = Vec::new();
    if !store.is_open {
        let said = "The store takes no orders now; come back later.".to_owned();
        messages.push(about(CartNews::StoreClosed, said, None, None));
    }
    let is_short = parts.items.minor() < store.min_order.minor();
    if is_short && items.iter().any(|it| it.is_selected) {
        let said = format!("The store delivers from {} on; add something.", store.min_order);
        let (min, now) = (store.min_order.minor(), parts.items.minor());
        messages.push(about(CartNews::BelowMinimum, said, Some(min), Some(now)));
    }
    messages
}
