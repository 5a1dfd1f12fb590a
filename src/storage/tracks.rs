//! Sampled tracks of deliveries: a few positions a minute, written many at once.

use domain::{
    clock::Timestamp,
    geo::Place,
    ids::{OrderId, RiderId},
};

use crate::{
    args,
    db::{Reader, Tx, Val},
    dialect,
    error::StoreError,
};

/// Positions written by one statement at most.
pub const ROWS_MAX: usize = 100;
/// Positions of one order that are read at most: a day of it.
pub const READ_MAX: u32 = 8_640;

/// Where the rider of an order was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackPoint {
    /// Whose goods.
    pub order_id: OrderId,
    /// Who.
    pub rider_id: RiderId,
    /// Where.
    pub place: Place,
    /// When.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct PointRow {
    at_ms: i64,
    rider_id: String,
    lat: f64,
    lng: f64,
}

/// Writes positions; those that are there already stay.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn insert(tx: &mut Tx, points: &[TrackPoint]) -> Result<(), StoreError> {
    for some in points.chunks(ROWS_MAX) {
        let marks = vec!["(?, ?, ?, ?, ?)"; some.len()].join(", ");
        let sql = format!(
            "{} into track_point (order_id, at_ms, rider_id, lat, lng) values {marks}",
            dialect::insert_or_keep(tx.is_mysql())
        );
        let mut values = Vec::with_capacity(some.len() * 5);
        for it in some {
            values.push(Val::Owned(it.order_id.to_string()));
            values.push(Val::from(it.at));
            values.push(Val::Owned(it.rider_id.to_string()));
            values.push(Val::from(it.place.lat()));
            values.push(Val::from(it.place.lng()));
        }
        tx.exec(&sql, &values).await?;
    }
    Ok(())
}

/// The track of an order, in the order of time.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<Vec<TrackPoint>, StoreError> {
    let rows: Vec<PointRow> = reader
        .all(
            "select at_ms, rider_id, lat, lng from track_point
              where order_id = ? order by at_ms limit ?",
            args![order_id, READ_MAX],
        )
        .await?;
    let read = |row: PointRow| {
        let rider_id = row.rider_id.parse();
        Ok(TrackPoint {
            order_id,
            rider_id: rider_id
                .map_err(|_| StoreError::corrupt("track_point.rider_id", &row.rider_id))?,
            place: Place::new(row.lat, row.lng)
                .map_err(|_| StoreError::corrupt("track_point.lat", row.lat))?,
            at: Timestamp::from_ms(row.at_ms),
        })
    };
    rows.into_iter().map(read).collect()
}

/// Forgets the track of an order, once its story is no longer kept.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn forget(tx: &mut Tx, order_id: OrderId) -> Result<(), StoreError> {
    tx.exec("delete from track_point where order_id = ?", args![order_id]).await?;
    Ok(())
}
