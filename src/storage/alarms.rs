//! What operators should look at, until somebody has.

use domain::{alarm::AlarmKind, clock::Timestamp, ids::OrderId, role::Profile};

use crate::{
    args,
    columns::{parsed, word},
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

/// Open alarms of one list at most.
pub const LIST_MAX: u32 = 500;

/// An alarm that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAlarm {
    /// About which order.
    pub order_id: OrderId,
    /// Why.
    pub kind: AlarmKind,
    /// In which region.
    pub region: String,
    /// Since when.
    pub raised_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct AlarmRow {
    order_id: String,
    kind: String,
    region: String,
    raised_ms: i64,
}

impl AlarmRow {
    fn read(self) -> Result<OpenAlarm, StoreError> {
        Ok(OpenAlarm {
            order_id: parsed("ops_alarm.order_id", &self.order_id)?,
            kind: word("ops_alarm.kind", &self.kind, AlarmKind::from_text)?,
            region: self.region,
            raised_at: Timestamp::from_ms(self.raised_ms),
        })
    }
}

/// Raises an alarm, also again after it was resolved.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn raise(tx: &mut Tx, alarm: &OpenAlarm) -> Result<(), StoreError> {
    let columns = ["region", "raised_ms", "resolved_ms", "resolved_by"];
    let tail = dialect::or_update(tx.is_mysql(), "order_id, kind", &columns);
    tx.exec(
        &format!(
            "insert into ops_alarm (order_id, kind, region, raised_ms, resolved_ms, resolved_by)
             values (?, ?, ?, ?, null, null){tail}"
        ),
        args![alarm.order_id, alarm.kind.as_str(), &alarm.region, alarm.raised_at],
    )
    .await?;
    Ok(())
}

/// Resolves an alarm. `false` if it was not open.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn resolve(
    tx: &mut Tx,
    order_id: OrderId,
    kind: AlarmKind,
    by: Option<Profile>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let n = tx
        .exec(
            "update ops_alarm set resolved_ms = ?, resolved_by = ?
              where order_id = ? and kind = ? and resolved_ms is null",
            args![at, by.map(|it| it.to_string()), order_id, kind.as_str()],
        )
        .await?;
    Ok(n > 0)
}

/// The open alarms, the oldest first; of one region or of all.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_open(
    reader: &mut impl Reader,
    region: Option<&str>,
) -> Result<Vec<OpenAlarm>, StoreError> {
    let here = if region.is_some() { "and region = ?" } else { "" };
    let sql = format!(
        "select order_id, kind, region, raised_ms from ops_alarm where resolved_ms is null {here}
          order by raised_ms, order_id limit {LIST_MAX}"
    );
    let rows: Vec<AlarmRow> = match region {
        Some(region) => reader.all(&sql, args![region]).await?,
        None => reader.all(&sql, args![]).await?,
    };
    rows.into_iter().map(AlarmRow::read).collect()
}
