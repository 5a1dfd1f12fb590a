//! What a customer puts together before ordering, always at the prices of now.

use domain::{
    cart::{CART_LINES_MAX, CartError, CartLine, Quantity},
    clock::Timestamp,
    ids::{CustomerId, ProductId, StoreId},
    money::Money,
};
use storage::{
    carts as rows,
    db::Tx,
    products::{self, ProductRecord},
    stores::{self, StoreRecord},
};

use crate::{
    error::AskError,
    platform::{Changes, Platform},
};

/// A line of the cart with its product as it is now.
#[derive(Debug, Clone)]
pub struct CartItem {
    /// How many.
    pub quantity: Quantity,
    /// The product as it is now.
    pub product: ProductRecord,
    /// All pieces together.
    pub total: Money,
}

/// A cart as it would be ordered now.
#[derive(Debug, Clone)]
pub struct Cart {
    /// Where from.
    pub store: StoreRecord,
    /// What is in it and still sold.
    pub items: Vec<CartItem>,
    /// Products that are not sold any more.
    pub gone: Vec<ProductId>,
    /// Sum of the items.
    pub items_total: Money,
    /// Items and delivery.
    pub total: Money,
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
    let store = stores::find(&mut reader, store_id).await?.ok_or(AskError::not_found("store"))?;
    let lines = rows::list_lines(&mut reader, by, store_id).await?;
    let ids: Vec<_> = lines.iter().map(|it| it.product_id).collect();
    let sold = products::list_listed(&mut reader, store_id, &ids).await?;
    let (mut items, mut gone) = (Vec::new(), Vec::new());
    let mut items_total = Money::from_minor(0, store.currency);
    for CartLine { product_id, quantity } in lines {
        let Some(product) = sold.iter().find(|it| it.id == product_id) else {
            gone.push(product_id);
            continue;
        };
        let total = product.price.checked_mul(quantity.get())?;
        items_total = items_total.checked_add(total)?;
        items.push(CartItem { quantity, product: product.clone(), total });
    }
    let total = items_total.checked_add(store.delivery_fee)?;
    Ok(Cart { store, items, gone, items_total, total })
}

/// Sets how many pieces of a product are in the cart; 0 takes it out.
///
/// # Errors
///
/// [`AskError::NotSold`] if the store does not sell it, [`AskError::Cart`] if it does not fit.
pub async fn put(
    platform: &Platform,
    by: CustomerId,
    store_id: StoreId,
    product_id: ProductId,
    quantity: i64,
) -> Result<(), AskError> {
    let quantity = if quantity == 0 { None } else { Some(Quantity::new(quantity)?) };
    let write = async move |tx: &mut Tx, _: &mut Changes, at: Timestamp| {
        let Some(quantity) = quantity else {
            rows::delete_line(tx, by, store_id, product_id).await?;
            return Ok(());
        };
        if products::list_listed(tx, store_id, &[product_id]).await?.is_empty() {
            return Err(AskError::NotSold { product_id });
        }
        let lines = rows::list_lines(tx, by, store_id).await?;
        let is_new = lines.iter().all(|it| it.product_id != product_id);
        if is_new && lines.len() >= CART_LINES_MAX {
            return Err(CartError::TooManyLines { lines: lines.len() + 1 }.into());
        }
        rows::put_line(tx, by, store_id, CartLine { product_id, quantity }, at).await?;
        Ok(())
    };
    platform.command(None, write).await?;
    Ok(())
}

/// Empties the cart.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved.
pub async fn clear(platform: &Platform, by: CustomerId, store_id: StoreId) -> Result<(), AskError> {
    let write = async move |tx: &mut Tx| rows::clear(tx, by, store_id).await;
    platform.store.write(write).await?;
    Ok(())
}
