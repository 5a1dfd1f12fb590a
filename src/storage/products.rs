//! What stores sell, and how many are left.

use domain::{
    clock::Timestamp,
    ids::{MerchantId, ProductId, StoreId},
    money::Money,
};

use crate::{
    args,
    columns::{any_of, money, parsed},
    db::{Reader, Tx, Val},
    error::StoreError,
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
    /// How many are left.
    pub stock: i64,
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
    stock: i64,
    is_listed: bool,
}

const COLUMNS: &str = "p.product_id, p.store_id, p.name, p.description, p.price_minor, p.currency,
    p.stock, p.is_listed";

impl ProductRow {
    fn record(self) -> Result<ProductRecord, StoreError> {
        Ok(ProductRecord {
            id: parsed("product.product_id", &self.product_id)?,
            store_id: parsed("product.store_id", &self.store_id)?,
            price: money("product.currency", self.price_minor, &self.currency)?,
            name: self.name,
            description: self.description,
            stock: self.stock,
            is_listed: self.is_listed,
        })
    }
}

fn records(rows: Vec<ProductRow>) -> Result<Vec<ProductRecord>, StoreError> {
    rows.into_iter().map(ProductRow::record).collect()
}

/// Writes a new product.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert(tx: &mut Tx, product: &ProductRecord, at: Timestamp) -> Result<(), StoreError> {
    tx.exec(
        "insert into product (product_id, store_id, name, description, price_minor, currency, stock,
            is_listed, created_at_ms)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            product.id,
            product.store_id,
            &product.name,
            product.description.as_ref(),
            product.price.minor(),
            product.price.currency().code(),
            product.stock,
            product.is_listed,
            at
        ],
    )
    .await?;
    Ok(())
}

/// Overwrites what a merchant may change: all but store and currency. Read it locked before.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save(tx: &mut Tx, product: &ProductRecord) -> Result<(), StoreError> {
    tx.exec(
        "update product set name = ?, description = ?, price_minor = ?, stock = ?, is_listed = ?
          where product_id = ?",
        args![
            &product.name,
            product.description.as_ref(),
            product.price.minor(),
            product.stock,
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
        "select {COLUMNS} from product p where p.product_id = ? and exists (select 1
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
    let sql = format!("select {COLUMNS} from product p where p.product_id = ?");
    let row: Option<ProductRow> = reader.opt(&sql, args![product_id]).await?;
    row.map(ProductRow::record).transpose()
}

/// How many pieces are left; `None` if there is no such product.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_stock(
    reader: &mut impl Reader,
    product_id: ProductId,
) -> Result<Option<i64>, StoreError> {
    Ok(find(reader, product_id).await?.map(|it| it.stock))
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
        "select {COLUMNS} from product p where p.store_id = ? and (p.is_listed or not ?)
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
        "select {COLUMNS} from product p where p.product_id in ({marks}) and p.store_id = ?
            and p.is_listed"
    );
    records(reader.all(&sql, &values).await?)
}

/// Takes pieces out of the stock; `false` if there are not that many.
///
/// Of any number of buyers at once, no more succeed than there are pieces.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn take_stock(
    tx: &mut Tx,
    product_id: ProductId,
    quantity: u32,
) -> Result<bool, StoreError> {
    let n = tx
        .exec(
            "update product set stock = stock - ? where product_id = ? and stock >= ?",
            args![quantity, product_id, quantity],
        )
        .await?;
    Ok(n == 1)
}

/// Puts pieces back.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn give_back_stock(
    tx: &mut Tx,
    product_id: ProductId,
    quantity: u32,
) -> Result<(), StoreError> {
    tx.exec(
        "update product set stock = stock + ? where product_id = ?",
        args![quantity, product_id],
    )
    .await?;
    Ok(())
}
