//! Stocks: the numbers, and what orders hold.
//!
//! Whoever changes a stock locks its row first ([`lock`], always in the order of the ids), saves it
//! at the version that was read ([`save`]) and writes the log ([`crate::stock_log`]), whose sums are
//! the numbers.

use domain::{
    clock::Timestamp,
    ids::{OrderId, ProductId, StoreId},
    stock::{Daily, HoldState, Stock, StockMode},
};

use crate::{
    args,
    columns::{any_of, parsed, word},
    db::{Reader, Tx, Val},
    dialect,
    error::StoreError,
};

/// A product's place on the shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    /// Which product.
    pub product_id: ProductId,
    /// Who sells it.
    pub store_id: StoreId,
    /// What it is called.
    pub name: String,
    /// How many there are.
    pub stock: Stock,
}

/// What an order holds of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Which product.
    pub product_id: ProductId,
    /// How many.
    pub pieces: i64,
    /// What became of them.
    pub state: HoldState,
    /// Since when.
    pub since: Timestamp,
}

/// The columns of a stock, with `p` for the product.
pub(crate) const STOCK_COLUMNS: &str = "p.stock, p.stock_mode, p.stock_reserved, p.stock_sold,
    p.stock_per_day, p.stock_resets_min, p.stock_since_ms, p.stock_version";

/// The columns of a stock as they are stored.
#[derive(sqlx::FromRow)]
pub(crate) struct StockRow {
    stock: i64,
    stock_mode: String,
    stock_reserved: i64,
    stock_sold: i64,
    stock_per_day: Option<i64>,
    stock_resets_min: Option<i32>,
    stock_since_ms: i64,
    stock_version: i64,
}

impl StockRow {
    pub(crate) fn read(&self) -> Result<Stock, StoreError> {
        let minute = self.stock_resets_min.map(u32::try_from).transpose();
        let minute =
            minute.map_err(|_| StoreError::corrupt("product.stock_resets_min", "below 0"))?;
        let daily = self.stock_per_day.zip(minute);
        Ok(Stock {
            mode: word("product.stock_mode", &self.stock_mode, StockMode::from_text)?,
            left: self.stock,
            reserved: self.stock_reserved,
            sold: self.stock_sold,
            daily: daily.map(|(per_day, resets_min)| Daily { per_day, resets_min }),
            since: Timestamp::from_ms(self.stock_since_ms),
            version: self.stock_version,
        })
    }
}

#[derive(sqlx::FromRow)]
struct ShelfRow {
    product_id: String,
    store_id: String,
    name: String,
    #[sqlx(flatten)]
    stock: StockRow,
}

impl ShelfRow {
    fn read(self) -> Result<Shelf, StoreError> {
        Ok(Shelf {
            product_id: parsed("product.product_id", &self.product_id)?,
            store_id: parsed("product.store_id", &self.store_id)?,
            stock: self.stock.read()?,
            name: self.name,
        })
    }
}

fn shelf_sql(marks: &str) -> String {
    format!(
        "select p.product_id, p.store_id, p.name, {STOCK_COLUMNS} from product p
          where p.product_id in ({marks}) order by p.product_id"
    )
}

/// Reads the stocks of products and keeps everybody else from changing them until the transaction
/// ends. In the order of their ids, so that two who lock several never wait in a circle.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn lock(tx: &mut Tx, products: &[ProductId]) -> Result<Vec<Shelf>, StoreError> {
    if products.is_empty() {
        return Ok(Vec::new());
    }
    let (marks, values) = any_of(products);
    let sql = format!("{}{}", shelf_sql(&marks), dialect::row_lock(tx.is_mysql()));
    let rows: Vec<ShelfRow> = tx.all(&sql, &values).await?;
    rows.into_iter().map(ShelfRow::read).collect()
}

/// Reads the stocks of products, in the order of their ids.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list(
    reader: &mut impl Reader,
    products: &[ProductId],
) -> Result<Vec<Shelf>, StoreError> {
    if products.is_empty() {
        return Ok(Vec::new());
    }
    let (marks, values) = any_of(products);
    let rows: Vec<ShelfRow> = reader.all(&shelf_sql(&marks), &values).await?;
    rows.into_iter().map(ShelfRow::read).collect()
}

/// Writes a stock that was read at `based_on`.
///
/// # Errors
///
/// [`StoreError::Conflict`] if it is no longer at that version.
pub async fn save(
    tx: &mut Tx,
    product_id: ProductId,
    after: &Stock,
    based_on: i64,
) -> Result<(), StoreError> {
    let updated = tx
        .exec(
            "update product set stock = ?, stock_mode = ?, stock_reserved = ?, stock_sold = ?,
                stock_per_day = ?, stock_resets_min = ?, stock_since_ms = ?, stock_version = ?
              where product_id = ? and stock_version = ?",
            args![
                after.left,
                after.mode.as_str(),
                after.reserved,
                after.sold,
                after.daily.map(|it| it.per_day),
                after.daily.map(|it| it.resets_min),
                after.since,
                after.version,
                product_id,
                based_on
            ],
        )
        .await?;
    if updated == 1 { Ok(()) } else { Err(StoreError::conflict("stock", product_id)) }
}

/// Writes down what a new order holds.
///
/// # Errors
///
/// [`StoreError::Duplicate`] if the order holds some of it already, or as the statement gives it.
pub async fn insert_holds(
    tx: &mut Tx,
    order_id: OrderId,
    holds: &[Hold],
) -> Result<(), StoreError> {
    if holds.is_empty() {
        return Ok(());
    }
    let marks = vec!["(?, ?, ?, ?, ?)"; holds.len()].join(", ");
    let sql = format!(
        "insert into stock_hold (order_id, product_id, quantity, state, since_ms) values {marks}"
    );
    let mut values: Vec<Val<'_>> = Vec::with_capacity(holds.len() * 5);
    for it in holds {
        let state = it.state.as_str();
        values.extend_from_slice(args![order_id, it.product_id, it.pieces, state, it.since]);
    }
    tx.exec(&sql, &values).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct HoldRow {
    product_id: String,
    quantity: i64,
    state: String,
    since_ms: i64,
}

/// What an order holds, in the order of the products. Lock the order before.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_holds(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<Vec<Hold>, StoreError> {
    let rows: Vec<HoldRow> = reader
        .all(
            "select product_id, quantity, state, since_ms from stock_hold where order_id = ?
              order by product_id",
            args![order_id],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Hold {
                product_id: parsed("stock_hold.product_id", &row.product_id)?,
                pieces: row.quantity,
                state: word("stock_hold.state", &row.state, HoldState::from_text)?,
                since: Timestamp::from_ms(row.since_ms),
            })
        })
        .collect()
}

/// Moves everything that an order holds as `from`; says of how many products.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn move_holds(
    tx: &mut Tx,
    order_id: OrderId,
    from: HoldState,
    to: HoldState,
) -> Result<u64, StoreError> {
    tx.exec(
        "update stock_hold set state = ? where order_id = ? and state = ?",
        args![to.as_str(), order_id, from.as_str()],
    )
    .await
}
