//! Which device of a rider publishes his position.

use domain::{clock::Timestamp, ids::RiderId};

use crate::{
    args,
    columns::parsed,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

/// Longest name of a device, in characters.
pub const DEVICE_CHARS_MAX: usize = 64;

/// The device that publishes a rider's position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// Its name.
    pub device: String,
    /// Rises each time another device takes over; positions with a smaller one are too late.
    pub fence: u64,
}

#[derive(sqlx::FromRow)]
struct PublisherRow {
    rider_id: String,
    device: String,
    fence: i64,
}

impl PublisherRow {
    fn read(self) -> Result<(RiderId, Publisher), StoreError> {
        let fence = u64::try_from(self.fence)
            .map_err(|_| StoreError::corrupt("position_publisher.fence", self.fence))?;
        let rider_id = parsed("position_publisher.rider_id", &self.rider_id)?;
        Ok((rider_id, Publisher { device: self.device, fence }))
    }
}

/// Makes a device the publisher of a rider's position, with a new fence unless it is already.
/// `now` is real time.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn claim(
    tx: &mut Tx,
    rider_id: RiderId,
    device: &str,
    now: Timestamp,
) -> Result<Publisher, StoreError> {
    // Two first claims at once would both find nothing to lock; the row is made first.
    let verb = dialect::insert_or_keep(tx.is_mysql());
    let make = format!(
        "{verb} into position_publisher (rider_id, device, fence, changed_at_ms)
         values (?, '', 0, ?)"
    );
    tx.exec(&make, args![rider_id, now]).await?;
    let sql = "select rider_id, device, fence from position_publisher where rider_id = ?";
    let row: Option<PublisherRow> = tx.opt_locked(sql, args![rider_id]).await?;
    let (_, known) =
        row.ok_or_else(|| StoreError::not_found("publisher", rider_id.to_string()))?.read()?;
    if known.device == device {
        return Ok(known);
    }
    let publisher = Publisher { device: device.to_owned(), fence: known.fence + 1 };
    tx.exec(
        "update position_publisher set device = ?, fence = ?, changed_at_ms = ?
          where rider_id = ?",
        args![device, publisher.fence, now, rider_id],
    )
    .await?;
    Ok(publisher)
}

/// Who has taken over since `since` in real time.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn since(
    reader: &mut impl Reader,
    since: Timestamp,
) -> Result<Vec<(RiderId, Publisher)>, StoreError> {
    let sql = "select rider_id, device, fence from position_publisher where changed_at_ms >= ?";
    let rows: Vec<PublisherRow> = reader.all(sql, args![since]).await?;
    rows.into_iter().map(PublisherRow::read).collect()
}
