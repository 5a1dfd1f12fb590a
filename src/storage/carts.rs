//! What customers have put together and not ordered yet.

use domain::{
    cart::{CartLine, Quantity},
    clock::Timestamp,
    ids::{CustomerId, ProductId, StoreId},
};

use crate::{
    args,
    columns::parsed,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

#[derive(sqlx::FromRow)]
struct LineRow {
    product_id: String,
    quantity: i64,
}

/// The lines of a customer's cart at a store, oldest product first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_lines(
    reader: &mut impl Reader,
    customer_id: CustomerId,
    store_id: StoreId,
) -> Result<Vec<CartLine>, StoreError> {
    let rows: Vec<LineRow> = reader
        .all(
            "select product_id, quantity from cart_line
              where customer_id = ? and store_id = ? order by product_id",
            args![customer_id, store_id],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(CartLine {
                product_id: parsed("cart_line.product_id", &row.product_id)?,
                quantity: Quantity::new(row.quantity)
                    .map_err(|_| StoreError::corrupt("cart_line.quantity", row.quantity))?,
            })
        })
        .collect()
}

/// Sets how many pieces of a product are in the cart.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn put_line(
    tx: &mut Tx,
    customer_id: CustomerId,
    store_id: StoreId,
    line: CartLine,
    at: Timestamp,
) -> Result<(), StoreError> {
    let tail = dialect::or_update(
        tx.is_mysql(),
        "customer_id, store_id, product_id",
        &["quantity", "updated_at_ms"],
    );
    let sql = format!(
        "insert into cart_line (customer_id, store_id, product_id, quantity, updated_at_ms)
         values (?, ?, ?, ?, ?){tail}"
    );
    tx.exec(&sql, args![customer_id, store_id, line.product_id, line.quantity.get(), at]).await?;
    Ok(())
}

/// Takes a product out of the cart.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn delete_line(
    tx: &mut Tx,
    customer_id: CustomerId,
    store_id: StoreId,
    product_id: ProductId,
) -> Result<(), StoreError> {
    tx.exec(
        "delete from cart_line where customer_id = ? and store_id = ? and product_id = ?",
        args![customer_id, store_id, product_id],
    )
    .await?;
    Ok(())
}

/// Empties the cart.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn clear(
    tx: &mut Tx,
    customer_id: CustomerId,
    store_id: StoreId,
) -> Result<(), StoreError> {
    tx.exec(
        "delete from cart_line where customer_id = ? and store_id = ?",
        args![customer_id, store_id],
    )
    .await?;
    Ok(())
}
