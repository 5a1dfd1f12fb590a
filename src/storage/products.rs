//! What stores sell, and how many are left.

use domain::{
    clock::Timestamp,
    ids::{MerchantId, ProductId, StoreId},
    money::Money,
    role::Actor,
    stock::{Stock, StockChange, StockEvent},
};

use crate::{
    args,
    columns::{any_of, money, parsed},
    db::{Reader, Tx, Val},
    error::StoreError,
    stock::{STOCK_COLUMNS, StockRow},
    stock_log::{self, StockLine},
};

/// A product as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRecord {
    /// Which product.
    pub id: ProductId,
    /// Who sells it.
    pub store_id: StoreId,
    /// What it is called.
    pub name: String,
    /// What it is; `None` if the merchant did not say.
    pub description: Option<String>,
    /// What one piece costs.
    pub price: Money,
    /// How many there are.
    pub stock: Stock,
    /// Whether customers see it.
    pub is_listed: bool,
}

#[derive(sqlx::FromRow)]
struct ProductRow {
    product_id: String,
    store_id: String,
    name: String,
    description: Option<String>,
    price_minor: i64,
    currency: String,
    #[sqlx(flatten)]
    stock: StockRow,
    is_listed: bool,
}

const COLUMNS: &str = "p.product_id, p.store_id, p.name, p.description, p.price_minor, p.currency,
    p.is_listed";

impl ProductRow {
    fn record(self) -> Result<ProductRecord, StoreError> {
        Ok(ProductRecord {
            id: parsed("product.product_id", &self.product_id)?,
            store_id: parsed("product.store_id", &self.store_id)?,
            price: money("product.currency", self.price_minor, &self.currency)?,
            name: self.name,
            description: self.description,
            stock: self.stock.read()?,
            is_listed: self.is_listed,
        })
    }
}

fn records(rows: Vec<ProductRow>) -> Result<Vec<ProductRecord>, StoreError> {
    rows.into_iter().map(ProductRow::record).collect()
}

/// Writes a new product, whose stock nobody holds yet. The log of its stock begins with it.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert(
    tx: &mut Tx,
    product: &ProductRecord,
    by: Actor,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "insert into product (product_id, store_id, name, description, price_minor, currency, stock,
            stock_mode, stock_since_ms, is_listed, created_at_ms)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            product.id,
            product.store_id,
            &product.name,
            product.description.as_ref(),
            product.price.minor(),
            product.price.currency().code(),
            product.stock.left,
            product.stock.mode.as_str(),
            product.stock.since,
            product.is_listed,
            at
        ],
    )
    .await?;
    let opened =
        StockChange { event: StockEvent::Opened, left: product.stock.left, reserved: 0, sold: 0 };
    let line = StockLine::new(product.id, &product.stock, opened, by, at);
    stock_log::insert(tx, &[line]).await
}

/// Overwrites what a merchant may change: all but store, currency and stock. Read it locked before.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save(tx: &mut Tx, product: &ProductRecord) -> Result<(), StoreError> {
    tx.exec(
        "update product set name = ?, description = ?, price_minor = ?, is_listed = ?
          where product_id = ?",
        args![
            &product.name,
            product.description.as_ref(),
            product.price.minor(),
            product.is_listed,
            product.id
        ],
    )
    .await?;
    Ok(())
}

/// One product, locked, if the merchant works for its store.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_for_staff_locked(
    tx: &mut Tx,
    product_id: ProductId,
    merchant_id: MerchantId,
) -> Result<Option<ProductRecord>, StoreError> {
    let sql = format!(
        "select {COLUMNS}, {STOCK_COLUMNS} from product p where p.product_id = ? and exists (select 1
            from store_staff t where t.store_id = p.store_id and t.merchant_id = ?)"
    );
    let row: Option<ProductRow> = tx.opt_locked(&sql, args![product_id, merchant_id]).await?;
    row.map(ProductRow::record).transpose()
}

/// One product.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    product_id: ProductId,
) -> Result<Option<ProductRecord>, StoreError> {
    let sql = format!("select {COLUMNS}, {STOCK_COLUMNS} from product p where p.product_id = ?");
    let row: Option<ProductRow> = reader.opt(&sql, args![product_id]).await?;
    row.map(ProductRow::record).transpose()
}

/// A store's products in the order in which they were made; `listed_only` hides the others.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_for_store(
    reader: &mut impl Reader,
    store_id: StoreId,
    listed_only: bool,
) -> Result<Vec<ProductRecord>, StoreError> {
    let sql = format!(
        "select {COLUMNS}, {STOCK_COLUMNS} from product p where p.store_id = ? and (p.is_listed or not ?)
          order by p.product_id"
    );
    records(reader.all(&sql, args![store_id, listed_only]).await?)
}

/// The listed products of a store among `ids`, in no order.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_listed(
    reader: &mut impl Reader,
    store_id: StoreId,
    ids: &[ProductId],
) -> Result<Vec<ProductRecord>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (marks, mut values) = any_of(ids);
    values.push(Val::from(store_id));
    let sql = format!(
        "select {COLUMNS}, {STOCK_COLUMNS} from product p where p.product_id in ({marks}) and p.store_id = ?
            and p.is_listed"
    );
    records(reader.all(&sql, &values).await?)
}
