//! Removing what has been kept long enough: journal entries and results of commands.
//!
//! A channel's head stays, so offsets go on where they were, and says up to where entries are gone:
//! whoever resumes from below learns that he has missed something.

use domain::{channel::Channel, clock::Timestamp, ids::OrderId};

use crate::{
    args,
    columns::any_of,
    db::{Reader, Tx, Val},
    error::StoreError,
};

/// Channels looked at in one step at most.
pub const CHANNELS_MAX: u32 = 200;
/// Rows removed by one transaction at most, or nearly so: what has one instant goes together.
pub const ROWS_MAX: u64 = 500;

/// A channel that still has entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which channel.
    pub channel: Channel,
    /// Its newest entry.
    pub top: u64,
    /// Everything up to here is gone.
    pub removed: u64,
}

#[derive(sqlx::FromRow)]
struct KeptRow {
    channel: String,
    top: i64,
    removed: i64,
}

#[derive(sqlx::FromRow)]
struct OffsetRow {
    off: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct InstantRow {
    at_ms: i64,
}

#[derive(sqlx::FromRow)]
struct OrderRow {
    order_id: String,
}

/// The next channels that still have entries, in the order of their names.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_kept(reader: &mut impl Reader, after: &str) -> Result<Vec<Kept>, StoreError> {
    let rows: Vec<KeptRow> = reader
        .all(
            "select channel, top, removed from channel_head
              where channel > ? and removed < top order by channel limit ?",
            args![after, CHANNELS_MAX],
        )
        .await?;
    let kept = rows.into_iter().map(|row| {
        let corrupt = |_| StoreError::corrupt("channel_head.channel", &row.channel);
        Ok(Kept {
            channel: row.channel.parse().map_err(corrupt)?,
            top: u64::try_from(row.top).unwrap_or(0),
            removed: u64::try_from(row.removed).unwrap_or(0),
        })
    });
    kept.collect()
}

/// Those of `orders` that ended before `cutoff`.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn ended_before(
    reader: &mut impl Reader,
    orders: &[OrderId],
    cutoff: Timestamp,
) -> Result<Vec<OrderId>, StoreError> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let (marks, mut values) = any_of(orders);
    let sql = format!(
        "select order_id from customer_order where ended_at_ms < ? and order_id in ({marks})"
    );
    values.insert(0, Val::from(cutoff));
    let rows: Vec<OrderRow> = reader.all(&sql, &values).await?;
    let parse = |row: OrderRow| {
        row.order_id
            .parse()
            .map_err(|_| StoreError::corrupt("customer_order.order_id", row.order_id))
    };
    rows.into_iter().map(parse).collect()
}

/// The newest entry of a channel that was written before `cutoff`; 0 if there is none.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn newest_before(
    reader: &mut impl Reader,
    channel: &Channel,
    cutoff: Timestamp,
) -> Result<u64, StoreError> {
    let row: Option<OffsetRow> = reader
        .opt(
            "select max(off) as off from journal where channel = ? and at_ms < ?",
            args![channel.to_string(), cutoff],
        )
        .await?;
    Ok(row.and_then(|it| it.off).and_then(|it| u64::try_from(it).ok()).unwrap_or(0))
}

/// Removes the next entries of a channel up to `upto`; returns how many, and up to where.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn remove_entries(tx: &mut Tx, kept: &Kept, upto: u64) -> Result<(u64, u64), StoreError> {
    let name = kept.channel.to_string();
    let upto = upto.min(kept.removed + ROWS_MAX);
    // First the mark, then the rows: whoever sees a hole also sees why.
    tx.exec(
        "update channel_head set removed = ? where channel = ? and removed < ?",
        args![upto, &name, upto],
    )
    .await?;
    let n =
        tx.exec("delete from journal where channel = ? and off <= ?", args![&name, upto]).await?;
    Ok((n, upto))
}

/// Removes the oldest results of commands from before `cutoff`; returns how many.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn remove_results(tx: &mut Tx, cutoff: Timestamp) -> Result<u64, StoreError> {
    let last: Option<InstantRow> = tx
        .opt(
            "select at_ms from command_result where at_ms < ?
              order by at_ms limit 1 offset ?",
            args![cutoff, ROWS_MAX - 1],
        )
        .await?;
    let before = last.map_or(cutoff, |row| Timestamp::from_ms(row.at_ms + 1).min(cutoff));
    tx.exec("delete from command_result where at_ms < ?", args![before]).await
}
