//! What was told of when orders come: a row for each order that is late, and one for the time of
//! the last estimate.

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

/// Takes the right to tell an estimate of an order at `at`; `false` if one was told after `since`.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn claim_estimate(
    tx: &mut Tx,
    order_id: OrderId,
    at: Timestamp,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let sql = format!(
        "{} into order_estimate (order_id, told_at_ms) values (?, 0)",
        dialect::insert_or_keep(tx.is_mysql())
    );
    tx.exec(&sql, args![order_id]).await?;
    let n = tx
        .exec(
            "update order_estimate set told_at_ms = ? where order_id = ? and told_at_ms <= ?",
            args![at, order_id, since],
        )
        .await?;
    Ok(n > 0)
}

/// Forgets all that, once the order's story is no longer kept.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn forget(tx: &mut Tx, order_id: OrderId) -> Result<(), StoreError> {
    tx.exec("delete from order_delay where order_id = ?", args![order_id]).await?;
    tx.exec("delete from order_estimate where order_id = ?", args![order_id]).await?;
    Ok(())
}
