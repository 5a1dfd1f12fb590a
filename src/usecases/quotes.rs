//! Prices that are promised for some minutes: whoever names such a quote is charged exactly that.

use domain::{
    cart::{CartLine, Quantity},
    clock::Timestamp,
    ids::{CustomerId, OrderId, QuoteId},
    money::{Currency, Money},
    options::Chosen,
    price::Breakdown,
};
use serde::{Deserialize, Serialize};
use storage::{
    commands::{CommandKey, fingerprint},
    db::Tx,
    error::StoreError,
    events,
    order_lines::StoredLine,
    quotes::{self as rows, QuoteKind, StoredQuote},
};

use crate::{
    error::AskError,
    placing::{self, HandoverWish, Judged, OrderWish},
    platform::{Changes, Done, Platform},
    pricing::Priced,
};

/// A price that was promised.
#[derive(Debug, Clone)]
pub struct Quote {
    /// By this an order names it.
    pub id: QuoteId,
    /// Until when it holds.
    pub expires_at: Timestamp,
    /// What was promised.
    pub priced: Priced,
}

#[derive(Serialize, Deserialize)]
struct PromiseText {
    currency: String,
    lines: Vec<LineText>,
    packing: i64,
    delivery_fee: i64,
    discount: i64,
    tip: i64,
    carriage: i64,
}

#[derive(Serialize, Deserialize)]
struct LineText {
    product: String,
    name: String,
    options: Vec<(String, String, String, i64)>,
    unit: i64,
    packing: i64,
    quantity: i64,
}

#[derive(Serialize, Deserialize)]
struct Given {
    quote: String,
}

const PROMISED: &str = "quote.promised";

/// Prices an order and promises the price for some minutes. Nothing is taken from the stock.
///
/// # Errors
///
/// As [`placing::place`], but for the stock.
pub async fn quote(
    platform: &Platform,
    by: CustomerId,
    wish: OrderWish,
    key: Option<CommandKey>,
) -> Result<Done<Quote>, AskError> {
    let policy = platform.policy;
    let work = async move |tx: &mut Tx, _: &mut Changes, at: Timestamp| {
        let Judged { store, wanted, priced, .. } = placing::judge(tx, by, &wish, at).await?;
        let quote = StoredQuote {
            id: QuoteId::generate(),
            customer_id: by,
            kind: QuoteKind::Order,
            subject: store.id.to_string(),
            asked: asked(&wish, &wanted),
            promised: write(&priced)?,
            expires_at: at + policy.quote,
            used_for: None,
        };
        rows::insert(tx, &quote, at).await?;
        Ok::<_, AskError>(Given { quote: quote.id.to_string() })
    };
    let done = platform.command(key, work).await?;
    let (positions, dup) = (done.positions, done.dup);
    let value = show(platform, by, &done.value.quote).await?;
    Ok(Done { value, positions, dup })
}

async fn show(platform: &Platform, by: CustomerId, quote_id: &str) -> Result<Quote, AskError> {
    let missing = AskError::not_found("quote");
    let Ok(quote_id) = quote_id.parse::<QuoteId>() else { return Err(missing) };
    let stored = rows::find(&mut platform.reader(), quote_id, by, QuoteKind::Order).await?;
    let stored = stored.ok_or(missing)?;
    let priced = read(&stored.promised)?;
    Ok(Quote { id: stored.id, expires_at: stored.expires_at, priced })
}

/// What the price depends on, in a fixed spelling.
pub(crate) fn asked(wish: &OrderWish, wanted: &[CartLine]) -> String {
    let mut parts = vec![
        wish.store_id.to_string(),
        match &wish.handover {
            HandoverWish::Delivered { dropoff, .. } => {
                format!("{:?} {:?}", dropoff.lat(), dropoff.lng())
            }
            HandoverWish::Collected => "collected".to_owned(),
        },
        wish.terms.tip_minor.to_string(),
        wish.terms.scheduled_for.map_or(0, Timestamp::ms).to_string(),
    ];
    for line in wanted {
        let options: Vec<_> = line.options.iter().map(ToString::to_string).collect();
        parts.push(format!("{} {} {options:?}", line.product_id, line.quantity.get()));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    fingerprint(&parts)
}

/// Uses a quote for an order: the price that was promised, if it still holds. `now` is the price
/// without it: by then it is sure that all of it is sold.
///
/// # Errors
///
/// [`AskError::QuoteExpired`], [`AskError::QuoteUsed`], and [`AskError::QuoteDiffers`] if something
/// else is ordered than what was quoted.
pub(crate) async fn hold(
    tx: &mut Tx,
    by: CustomerId,
    quote_id: QuoteId,
    asked: &str,
    now: Priced,
    order_id: OrderId,
    at: Timestamp,
) -> Result<Priced, AskError> {
    let stored = rows::find(tx, quote_id, by, QuoteKind::Order).await?;
    let stored = stored.ok_or(AskError::not_found("quote"))?;
    if stored.used_for.is_some() {
        return Err(AskError::QuoteUsed);
    }
    if at >= stored.expires_at {
        return Err(AskError::QuoteExpired { expired_at: stored.expires_at, now: now.parts.total });
    }
    if stored.asked != asked {
        return Err(AskError::QuoteDiffers);
    }
    let promised = read(&stored.promised)?;
    if !rows::use_up(tx, quote_id, &order_id.to_string()).await? {
        return Err(AskError::QuoteUsed);
    }
    Ok(promised)
}

fn write(priced: &Priced) -> Result<String, StoreError> {
    let parts = &priced.parts;
    let option =
        |it: &Chosen| (it.id.to_string(), it.group.clone(), it.name.clone(), it.price.minor());
    let line = |it: &StoredLine| LineText {
        product: it.product_id.to_string(),
        name: it.name.clone(),
        options: it.options.iter().map(option).collect(),
        unit: it.unit.minor(),
        packing: it.packing.minor(),
        quantity: i64::from(it.quantity.get()),
    };
    events::json(&PromiseText {
        currency: parts.currency().code().to_owned(),
        lines: priced.lines.iter().map(line).collect(),
        packing: parts.packing.minor(),
        delivery_fee: parts.delivery_fee.minor(),
        discount: parts.discount.minor(),
        tip: parts.tip.minor(),
        carriage: parts.carriage.minor(),
    })
}

fn read(promised: &str) -> Result<Priced, AskError> {
    let corrupt = || StoreError::corrupt(PROMISED, promised);
    let text: PromiseText = events::read_json(promised.as_bytes()).ok_or_else(corrupt)?;
    let currency = Currency::from_code(&text.currency).ok_or_else(corrupt)?;
    let amount = |minor| Money::from_minor(minor, currency);
    let mut items = amount(0);
    let mut lines = Vec::with_capacity(text.lines.len());
    for line in text.lines {
        let option = |(id, group, name, price): (String, String, String, i64)| {
            let id = id.parse().map_err(|_| corrupt())?;
            Ok::<_, StoreError>(Chosen { id, group, name, price: amount(price) })
        };
        let quantity = Quantity::new(line.quantity).map_err(|_| corrupt())?;
        let total = amount(line.unit).checked_mul(quantity.get())?;
        items = items.checked_add(total)?;
        lines.push(StoredLine {
            product_id: line.product.parse().map_err(|_| corrupt())?,
            name: line.name,
            options: line.options.into_iter().map(option).collect::<Result<_, _>>()?,
            unit: amount(line.unit),
            packing: amount(line.packing),
            quantity,
            total,
        });
    }
    let parts = Breakdown::of(
        items,
        amount(text.packing),
        amount(text.delivery_fee),
        amount(text.discount),
        amount(text.tip),
    )?;
    Ok(Priced { lines, parts: Breakdown { carriage: amount(text.carriage), ..parts } })
}
