//! What was told of delays: one row for each order that is late.

use domain::{clock::Timestamp, ids::OrderId};

use crate::{
    args,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

#[derive(sqlx::FromRow)]
struct LateRow {
    late_ms: i64,
}

/// By how many milliseconds an order was told to be late, if it was.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(reader: &mut impl Reader, order_id: OrderId) -> Result<Option<i64>, StoreError> {
    let row: Option<LateRow> =
        reader.opt("select late_ms from order_delay where order_id = ?", args![order_id]).await?;
    Ok(row.map(|it| it.late_ms))
}

/// Notes what is told. The caller holds the order's lock.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save(
    tx: &mut Tx,
    order_id: OrderId,
    promised_at: Timestamp,
    late_ms: i64,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "insert into order_delay (order_id, promised_at_ms, late_ms, told_at_ms)
         values (?, ?, ?, ?){}",
        dialect::or_update(tx.is_mysql(), "order_id", &["promised_at_ms", "late_ms", "told_at_ms"])
    );
    tx.exec(&sql, args![order_id, promised_at, late_ms, at]).await?;
    Ok(())
}

/// Forgets it, once the order's story is no longer kept.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn forget(tx: &mut Tx, order_id: OrderId) -> Result<(), StoreError> {
    tx.exec("delete from order_delay where order_id = ?", args![order_id]).await?;
    Ok(())
}
