//! The one place where prices are made: what a store sells now, with its options, fees and packing.

use domain::{
    cart::CartLine,
    money::Money,
    options,
    price::{AskedLine, Breakdown, Price, PriceAsk},
};
use storage::{
    choices::{self, Choice},
    db::Reader,
    order_lines::StoredLine,
    products::{self, ProductRecord},
    store_fees,
    stores::StoreRecord,
};

use crate::error::AskError;

/// Lines and parts of a price, as they would be ordered now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// What would be ordered.
    pub lines: Vec<StoredLine>,
    /// What it costs and why.
    pub parts: Breakdown,
}

/// A line of a cart or order with its product as it is now.
#[derive(Debug, Clone)]
pub(crate) struct Sold {
    pub(crate) product: ProductRecord,
    pub(crate) choice: Choice,
}

/// What is sold now of the products of `lines`.
pub(crate) async fn sold(
    reader: &mut impl Reader,
    store: &StoreRecord,
    lines: &[CartLine],
) -> Result<Vec<Sold>, AskError> {
    let mut ids: Vec<_> = lines.iter().map(|it| it.product_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let products = products::list_listed(reader, store.id, &ids).await?;
    let mut choices = choices::list(reader, &ids, store.currency).await?;
    let sold = |product: ProductRecord| {
        let choice = choices.remove(&product.id).unwrap_or_default();
        Sold { product, choice }
    };
    Ok(products.into_iter().map(sold).collect())
}

/// A line at the price of now. Its total is left to the breakdown.
pub(crate) fn price_line(line: &CartLine, sold: &[Sold]) -> Result<StoredLine, AskError> {
    let product_id = line.product_id;
    let found = sold.iter().find(|it| it.product.id == product_id);
    let Sold { product, choice } = found.ok_or(AskError::NotSold { product_id })?;
    let refused = |why| AskError::Options { product_id, why };
    let chosen = options::choose(&choice.groups, &line.options).map_err(refused)?;
    let unit = options::unit_price(product.price, &chosen)?;
    Ok(StoredLine {
        product_id,
        name: product.name.clone(),
        options: chosen,
        unit,
        packing: Money::from_minor(choice.packing_minor, unit.currency()),
        quantity: line.quantity,
        total: unit.checked_mul(line.quantity.get())?,
    })
}

/// Prices lines that are to be ordered together. `way_m` is `None` if the customer fetches them.
pub(crate) async fn price(
    reader: &mut impl Reader,
    store: &StoreRecord,
    wanted: &[CartLine],
    way_m: Option<u32>,
    tip: Money,
) -> Result<Priced, AskError> {
    let sold = sold(reader, store, wanted).await?;
    let lines: Vec<_> =
        wanted.iter().map(|it| price_line(it, &sold)).collect::<Result<_, AskError>>()?;
    let rules = store_fees::of(reader, store).await?;
    let asked: Vec<_> = lines.iter().map(asked_line).collect();
    let ask = PriceAsk { lines: &asked, rules, min_order: store.min_order, way_m, tip };
    Ok(Priced { parts: Price::of(ask)?.parts, lines })
}

/// A line as the breakdown reads it.
pub(crate) fn asked_line(line: &StoredLine) -> AskedLine {
    let &StoredLine { product_id, unit, packing, quantity, .. } = line;
    AskedLine { product_id, unit, packing, quantity }
}
