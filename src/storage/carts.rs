//! What customers have put together and not ordered yet.

use domain::{
    cart::{CartLine, Quantity},
    clock::Timestamp,
    ids::{CustomerId, OptionId, StoreId},
};

use crate::{
    args,
    columns::parsed,
    commands::fingerprint,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

/// A line of a cart as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredItem {
    /// What and how many.
    pub line: CartLine,
    /// Whether it is part of the next order.
    pub is_selected: bool,
    /// What one piece cost when the customer last saw it, in minor units; `None` if nobody noted it.
    pub seen_minor: Option<i64>,
}

impl StoredItem {
    /// The line's name in its cart: the product, and a summary of what was chosen if anything was.
    pub fn key(&self) -> String {
        line_key(&self.line)
    }
}

/// The name of a line in its cart.
pub fn line_key(line: &CartLine) -> String {
    if line.options.is_empty() {
        return line.product_id.to_string();
    }
    format!("{}.{}", line.product_id, &fingerprint(&[&options_text(line)])[..16])
}

fn options_text(line: &CartLine) -> String {
    line.options.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// A cart in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartHead {
    /// At which store.
    pub store_id: StoreId,
    /// How many lines it has.
    pub n_lines: u32,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct ItemRow {
    product_id: String,
    options: String,
    quantity: i64,
    is_selected: bool,
    seen_minor: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    store_id: String,
    n_lines: i64,
    updated_at_ms: i64,
}

#[derive(sqlx::FromRow)]
struct VersionRow {
    version: i64,
}

impl ItemRow {
    fn read(self) -> Result<StoredItem, StoreError> {
        let ids = self.options.split(',').filter(|it| !it.is_empty());
        let options: Vec<OptionId> =
            ids.map(|it| parsed("cart_item.options", it)).collect::<Result<_, _>>()?;
        let quantity = Quantity::new(self.quantity)
            .map_err(|_| StoreError::corrupt("cart_item.quantity", self.quantity))?;
        let product_id = parsed("cart_item.product_id", &self.product_id)?;
        let line = CartLine { product_id, quantity, options };
        Ok(StoredItem { line, is_selected: self.is_selected, seen_minor: self.seen_minor })
    }
}

/// The lines of a customer's cart at a store, oldest product first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_items(
    reader: &mut impl Reader,
    customer_id: CustomerId,
    store_id: StoreId,
) -> Result<Vec<StoredItem>, StoreError> {
    let rows: Vec<ItemRow> = reader
        .all(
            "select product_id, options, quantity, is_selected, seen_minor from cart_item
              where customer_id = ? and store_id = ? order by line_key",
            args![customer_id, store_id],
        )
        .await?;
    rows.into_iter().map(ItemRow::read).collect()
}

/// The customer's carts that have lines, the one that changed last first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_carts(
    reader: &mut impl Reader,
    customer_id: CustomerId,
    limit: u32,
) -> Result<Vec<CartHead>, StoreError> {
    let rows: Vec<HeadRow> = reader
        .all(
            "select store_id, count(*) as n_lines, max(updated_at_ms) as updated_at_ms
               from cart_item where customer_id = ? group by store_id
              order by updated_at_ms desc, store_id limit ?",
            args![customer_id, limit],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(CartHead {
                store_id: parsed("cart_item.store_id", &row.store_id)?,
                n_lines: u32::try_from(row.n_lines).unwrap_or(0),
                updated_at: Timestamp::from_ms(row.updated_at_ms),
            })
        })
        .collect()
}

/// How often the cart has changed; 0 for one that nobody has touched.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn version(
    reader: &mut impl Reader,
    customer_id: CustomerId,
    store_id: StoreId,
) -> Result<i64, StoreError> {
    let row: Option<VersionRow> = reader
        .opt(
            "select version from cart where customer_id = ? and store_id = ?",
            args![customer_id, store_id],
        )
        .await?;
    Ok(row.map_or(0, |it| it.version))
}

/// Counts a change and keeps everybody else from changing the cart until the transaction ends.
/// Returns the new count.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn count_change(
    tx: &mut Tx,
    customer_id: CustomerId,
    store_id: StoreId,
    at: Timestamp,
) -> Result<i64, StoreError> {
    tx.exec(dialect::count_cart_change(tx.is_mysql()), args![customer_id, store_id, at]).await?;
    version(tx, customer_id, store_id).await
}

/// Writes a line, or overwrites the one of the same product and choice.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn put_item(
    tx: &mut Tx,
    customer_id: CustomerId,
    store_id: StoreId,
    item: &StoredItem,
    at: Timestamp,
) -> Result<(), StoreError> {
    let tail = dialect::or_update(
        tx.is_mysql(),
        "customer_id, store_id, line_key",
        &["quantity", "is_selected", "seen_minor", "updated_at_ms"],
    );
    let sql = format!(
        "insert into cart_item (customer_id, store_id, line_key, product_id, options, quantity,
            is_selected, seen_minor, updated_at_ms)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?){tail}"
    );
    let values = args![
        customer_id,
        store_id,
        item.key(),
        item.line.product_id,
        options_text(&item.line),
        item.line.quantity.get(),
        item.is_selected,
        item.seen_minor,
        at
    ];
    tx.exec(&sql, values).await?;
    Ok(())
}

/// Takes a line out of the cart.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn delete_item(
    tx: &mut Tx,
    customer_id: CustomerId,
    store_id: StoreId,
    line: &CartLine,
) -> Result<(), StoreError> {
    tx.exec(
        "delete from cart_item where customer_id = ? and store_id = ? and line_key = ?",
        args![customer_id, store_id, line_key(line)],
    )
    .await?;
    Ok(())
}

/// Empties the cart, or takes out only what is part of the next order.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn clear(
    tx: &mut Tx,
    customer_id: CustomerId,
    store_id: StoreId,
    selected_only: bool,
) -> Result<(), StoreError> {
    let filter = if selected_only { " and is_selected" } else { "" };
    let sql = format!("delete from cart_item where customer_id = ? and store_id = ?{filter}");
    tx.exec(&sql, args![customer_id, store_id]).await?;
    Ok(())
}
