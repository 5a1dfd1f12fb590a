//! The short numbers of a store's orders, counted anew each day.

use domain::{ids::StoreId, order_number::OrderNumber};

use crate::{
    args,
    db::{Reader as _, Tx},
    dialect,
    error::StoreError,
};

#[derive(sqlx::FromRow)]
struct CountRow {
    n: i64,
}

/// Takes the next number of a store's day. Two orders never get the same: the count is locked until
/// the transaction ends.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn next(tx: &mut Tx, store_id: StoreId, day: &str) -> Result<OrderNumber, StoreError> {
    tx.exec(dialect::count_order(tx.is_mysql()), args![store_id, day]).await?;
    let row: Option<CountRow> = tx
        .opt("select n from store_day where store_id = ? and day_name = ?", args![store_id, day])
        .await?;
    let n = row.map_or(0, |it| it.n);
    u32::try_from(n)
        .ok()
        .and_then(OrderNumber::new)
        .ok_or_else(|| StoreError::corrupt("store_day.n", n))
}
