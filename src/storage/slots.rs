//! Slots of orders for later, and how many orders each has.

use domain::{clock::Timestamp, ids::StoreId, slots::SlotRules};

use crate::{
    args,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

#[derive(sqlx::FromRow)]
struct RulesRow {
    minutes: i64,
    capacity: i64,
    days_ahead: i64,
}

#[derive(sqlx::FromRow)]
struct CountRow {
    slot_ms: i64,
    n: i64,
}

/// How a store takes orders for later.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn rules(reader: &mut impl Reader, store_id: StoreId) -> Result<SlotRules, StoreError> {
    let row: Option<RulesRow> = reader
        .opt(
            "select minutes, capacity, days_ahead from store_slot where store_id = ?",
            args![store_id],
        )
        .await?;
    let Some(row) = row else { return Ok(SlotRules::NONE) };
    let small = |it: i64| u32::try_from(it).map_err(|_| StoreError::corrupt("store_slot", it));
    Ok(SlotRules {
        minutes: small(row.minutes)?,
        capacity: small(row.capacity)?,
        days_ahead: small(row.days_ahead)?,
    })
}

/// Says how a store takes orders for later.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save_rules(
    tx: &mut Tx,
    store_id: StoreId,
    rules: SlotRules,
) -> Result<(), StoreError> {
    let tail =
        dialect::or_update(tx.is_mysql(), "store_id", &["minutes", "capacity", "days_ahead"]);
    let sql = format!(
        "insert into store_slot (store_id, minutes, capacity, days_ahead) values (?, ?, ?, ?){tail}"
    );
    tx.exec(&sql, args![store_id, rules.minutes, rules.capacity, rules.days_ahead]).await?;
    Ok(())
}

/// Takes a place in a slot; `false` if there is none. Of any number who try at once, no more succeed
/// than there are places.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn take(
    tx: &mut Tx,
    store_id: StoreId,
    slot: Timestamp,
    capacity: u32,
) -> Result<bool, StoreError> {
    let keep = dialect::insert_or_keep(tx.is_mysql());
    let sql = format!("{keep} into slot_count (store_id, slot_ms, n) values (?, ?, 0)");
    tx.exec(&sql, args![store_id, slot]).await?;
    let n = tx
        .exec(
            "update slot_count set n = n + 1 where store_id = ? and slot_ms = ? and n < ?",
            args![store_id, slot, capacity],
        )
        .await?;
    Ok(n == 1)
}

/// Gives a place back.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn give_back(tx: &mut Tx, store_id: StoreId, slot: Timestamp) -> Result<(), StoreError> {
    tx.exec(
        "update slot_count set n = n - 1 where store_id = ? and slot_ms = ? and n > 0",
        args![store_id, slot],
    )
    .await?;
    Ok(())
}

/// How many orders the slots from `from` up to but without `until` have; empty ones are left out.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn counts(
    reader: &mut impl Reader,
    store_id: StoreId,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<(Timestamp, u32)>, StoreError> {
    let rows: Vec<CountRow> = reader
        .all(
            "select slot_ms, n from slot_count where store_id = ? and slot_ms >= ? and slot_ms < ?",
            args![store_id, from, until],
        )
        .await?;
    let count = |it: &CountRow| (Timestamp::from_ms(it.slot_ms), u32::try_from(it.n).unwrap_or(0));
    Ok(rows.iter().map(count).collect())
}
