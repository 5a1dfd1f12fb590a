//! Who left a delivery before pickup, or was taken off it.

use domain::{
    clock::Timestamp,
    ids::{DeliveryId, RiderId},
    offer_state::OfferState,
    reason::Reason,
};

use crate::{
    args,
    columns::parsed,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
    offers::Asked,
};

#[derive(sqlx::FromRow)]
struct LeftRow {
    delivery_id: String,
    rider_id: String,
    left_at_ms: i64,
}

/// Notes that a rider left a delivery; the last time counts.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save(
    tx: &mut Tx,
    delivery_id: DeliveryId,
    rider_id: RiderId,
    reason: Reason,
    at: Timestamp,
) -> Result<(), StoreError> {
    let key = "delivery_id, rider_id";
    let tail = dialect::or_update(tx.is_mysql(), key, &["reason", "left_at_ms"]);
    tx.exec(
        &format!(
            "insert into delivery_left (delivery_id, rider_id, reason, left_at_ms)
             values (?, ?, ?, ?){tail}"
        ),
        args![delivery_id, rider_id, reason.as_str(), at],
    )
    .await?;
    Ok(())
}

/// Who left the deliveries that still have no rider, as if an offer had been withdrawn.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub(crate) async fn list(reader: &mut impl Reader) -> Result<Vec<Asked>, StoreError> {
    let rows: Vec<LeftRow> = reader
        .all(
            "select l.delivery_id, l.rider_id, l.left_at_ms
               from delivery_left l join delivery d on d.delivery_id = l.delivery_id
              where d.state in ('waiting', 'offering', 'pooled')",
            args![],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Asked {
                delivery_id: parsed("delivery_left.delivery_id", &row.delivery_id)?,
                rider_id: parsed("delivery_left.rider_id", &row.rider_id)?,
                state: OfferState::Withdrawn,
                open: None,
                at: Timestamp::from_ms(row.left_at_ms),
            })
        })
        .collect()
}

/// When somebody last left a delivery; `None` if nobody did.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn last(
    reader: &mut impl Reader,
    delivery_id: DeliveryId,
) -> Result<Option<Timestamp>, StoreError> {
    let row: Option<LeftRow> = reader
        .opt(
            "select delivery_id, rider_id, left_at_ms from delivery_left where delivery_id = ?
              order by left_at_ms desc limit 1",
            args![delivery_id],
        )
        .await?;
    Ok(row.map(|it| Timestamp::from_ms(it.left_at_ms)))
}
