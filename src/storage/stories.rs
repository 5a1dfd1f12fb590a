//! The story of each order: every change of every machine, numbered without holes.

use domain::{
    change::{Change, Machine},
    clock::Timestamp,
    ids::OrderId,
    role::ActorRole,
};

use crate::{
    args,
    columns::word,
    db::{Reader, Tx},
    error::StoreError,
};

/// One line of an order's story as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChange {
    /// Number of the line, from 1 without holes.
    pub seq: i64,
    /// Which machine moved.
    pub machine: Machine,
    /// What happened.
    pub event: String,
    /// State before; `None` when the thing was created.
    pub from: Option<String>,
    /// State after.
    pub to: String,
    /// What kind of actor caused it.
    pub by_role: ActorRole,
    /// The profile, if it was a person.
    pub by_id: Option<String>,
    /// Why, if a reason was given.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Writes the next line of an order's story, of whatever machine.
///
/// # Errors
///
/// [`StoreError::Conflict`] if the line is not the next one.
pub async fn insert_change(tx: &mut Tx, change: &Change) -> Result<(), StoreError> {
    let updated = tx
        .exec(
            "update customer_order set seq = ? where order_id = ? and seq = ?",
            args![change.seq, change.order_id, change.seq - 1],
        )
        .await?;
    if updated != 1 {
        return Err(StoreError::conflict("order", change.order_id));
    }
    tx.exec(
        "insert into order_change (order_id, seq, machine, event, from_state, to_state, by_role,
            by_id, reason, at_ms)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            change.order_id,
            change.seq,
            change.machine.as_str(),
            change.event,
            change.from,
            change.to,
            change.by.role().as_str(),
            change.by.profile().map(|it| it.to_string()),
            change.reason.map(|it| it.as_str()),
            change.at
        ],
    )
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    seq: i64,
    machine: String,
    event: String,
    from_state: Option<String>,
    to_state: String,
    by_role: String,
    by_id: Option<String>,
    reason: Option<String>,
    at_ms: i64,
}

/// The story of an order, oldest line first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_changes(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<Vec<StoredChange>, StoreError> {
    let rows: Vec<ChangeRow> = reader
        .all(
            "select seq, machine, event, from_state, to_state, by_role, by_id, reason, at_ms
               from order_change where order_id = ? order by seq",
            args![order_id],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(StoredChange {
                machine: word("order_change.machine", &row.machine, Machine::from_text)?,
                by_role: word("order_change.by_role", &row.by_role, ActorRole::from_text)?,
                seq: row.seq,
                event: row.event,
                from: row.from_state,
                to: row.to_state,
                by_id: row.by_id,
                reason: row.reason,
                at: Timestamp::from_ms(row.at_ms),
            })
        })
        .collect()
}
