//! The log of every stock: who changed what, why and for which order. Its sums are the numbers.

use domain::{
    clock::Timestamp,
    ids::{OrderId, ProductId},
    role::{Actor, ActorRole},
    stock::{Stock, StockChange, StockEvent, StockReason},
};

use crate::{
    args,
    columns::{parsed, word},
    db::{Reader, Tx, Val},
    error::StoreError,
};

/// Lines of one page of the log at most.
pub const LOG_PAGE_MAX: u32 = 200;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockLine {
    /// Which product.
    pub product_id: ProductId,
    /// Number of the line.
    pub version: i64,
    /// What changed.
    pub change: StockChange,
    /// For which order, if for one.
    pub order_id: Option<OrderId>,
    /// What kind of actor caused it.
    pub by_role: ActorRole,
    /// The profile, if it was a person.
    pub by_id: Option<String>,
    /// Why, if a reason was given.
    pub reason: Option<StockReason>,
    /// When.
    pub at: Timestamp,
}

impl StockLine {
    /// The line that tells a change whose outcome is `after`.
    pub fn new(
        product_id: ProductId,
        after: &Stock,
        change: StockChange,
        by: Actor,
        at: Timestamp,
    ) -> Self {
        Self {
            product_id,
            version: after.version,
            change,
            order_id: None,
            by_role: by.role(),
            by_id: by.profile().map(|it| it.to_string()),
            reason: None,
            at,
        }
    }
}

/// Writes lines of the log.
///
/// # Errors
///
/// [`StoreError::Duplicate`] if a line of that number is there, or as the statement gives it.
pub async fn insert(tx: &mut Tx, lines: &[StockLine]) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let marks = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; lines.len()].join(", ");
    let sql = format!(
        "insert into stock_move (product_id, version, kind, available, reserved, sold, order_id,
            by_role, by_id, reason, at_ms) values {marks}"
    );
    let mut values: Vec<Val<'_>> = Vec::with_capacity(lines.len() * 11);
    for line in lines {
        values.extend_from_slice(args![
            line.product_id,
            line.version,
            line.change.event.as_str(),
            line.change.left,
            line.change.reserved,
            line.change.sold,
            line.order_id,
            line.by_role.as_str(),
            line.by_id.as_ref(),
            line.reason.map(|it| it.as_str()),
            line.at
        ]);
    }
    tx.exec(&sql, &values).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct LineRow {
    version: i64,
    kind: String,
    available: i64,
    reserved: i64,
    sold: i64,
    order_id: Option<String>,
    by_role: String,
    by_id: Option<String>,
    reason: Option<String>,
    at_ms: i64,
}

/// The log of a product, newest line first; `before` for lines of smaller numbers.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list(
    reader: &mut impl Reader,
    product_id: ProductId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<StockLine>, StoreError> {
    let rows: Vec<LineRow> = reader
        .all(
            "select version, kind, available, reserved, sold, order_id, by_role, by_id, reason,
                at_ms from stock_move where product_id = ? and version < ?
              order by version desc limit ?",
            args![product_id, before.unwrap_or(i64::MAX), limit.min(LOG_PAGE_MAX)],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let order_id = row.order_id.map(|it| parsed("stock_move.order_id", &it)).transpose()?;
            let reason = |it: String| word("stock_move.reason", &it, StockReason::from_text);
            Ok(StockLine {
                product_id,
                version: row.version,
                change: StockChange {
                    event: word("stock_move.kind", &row.kind, StockEvent::from_text)?,
                    left: row.available,
                    reserved: row.reserved,
                    sold: row.sold,
                },
                order_id,
                by_role: word("stock_move.by_role", &row.by_role, ActorRole::from_text)?,
                by_id: row.by_id,
                reason: row.reason.map(reason).transpose()?,
                at: Timestamp::from_ms(row.at_ms),
            })
        })
        .collect()
}

#[derive(sqlx::FromRow)]
struct IdRow {
    product_id: String,
}

/// Products whose numbers are not the sums of their log, or not what orders hold. There are none
/// unless somebody wrote past this module. Reads everything: for tests and for `doctor`.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_wrong(reader: &mut impl Reader) -> Result<Vec<ProductId>, StoreError> {
    let logged = |column: &str| {
        format!(
            "(select coalesce(sum(m.{column}), 0) from stock_move m
               where m.product_id = p.product_id)"
        )
    };
    let held = |state: &str| {
        format!(
            "(select coalesce(sum(h.quantity), 0) from stock_hold h
               where h.product_id = p.product_id and h.state = '{state}')"
        )
    };
    let sql = format!(
        "select p.product_id from product p where p.stock <> {} or p.stock_reserved <> {}
            or p.stock_sold <> {} or p.stock_reserved <> {} or p.stock_sold <> {}
          order by p.product_id limit 100",
        logged("available"),
        logged("reserved"),
        logged("sold"),
        held("reserved"),
        held("sold"),
    );
    let rows: Vec<IdRow> = reader.all(&sql, &[]).await?;
    rows.iter().map(|row| parsed("product.product_id", &row.product_id)).collect()
}
