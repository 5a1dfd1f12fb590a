//! The one device that a profile works on, where its role allows only one.

use domain::{clock::Timestamp, ids::SessionId, role::Profile};

use crate::{
    args,
    columns::parsed,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

/// Who has the seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The device.
    pub device: String,
    /// The sign-in with which it was taken.
    pub session_id: SessionId,
    /// Rises each time another device takes it.
    pub fence: u64,
}

#[derive(sqlx::FromRow)]
struct SeatRow {
    profile_id: String,
    device: String,
    session_id: String,
    fence: i64,
}

impl SeatRow {
    fn read(self) -> Result<(Profile, Seat), StoreError> {
        let fence = u64::try_from(self.fence)
            .map_err(|_| StoreError::corrupt("device_seat.fence", self.fence))?;
        let profile = parsed("device_seat.profile_id", &self.profile_id)?;
        let session_id = parsed("device_seat.session_id", &self.session_id)?;
        Ok((profile, Seat { device: self.device, session_id, fence }))
    }
}

/// Gives a profile's seat to a device, unless another one took it with a later sign-in. Answers who
/// has it then. `now` is real time.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn take(
    tx: &mut Tx,
    profile: Profile,
    device: &str,
    session_id: SessionId,
    now: Timestamp,
) -> Result<Seat, StoreError> {
    let verb = dialect::insert_or_keep(tx.is_mysql());
    let make = format!(
        "{verb} into device_seat (profile_id, device, session_id, fence, changed_at_ms)
         values (?, ?, ?, 1, ?)"
    );
    let id = profile.to_string();
    tx.exec(&make, args![&id, device, session_id, now]).await?;
    let sql = "select profile_id, device, session_id, fence from device_seat where profile_id = ?";
    let row: Option<SeatRow> = tx.opt_locked(sql, args![&id]).await?;
    let (_, known) = row.ok_or_else(|| StoreError::not_found("seat", &id))?.read()?;
    if known.session_id > session_id {
        return Ok(known);
    }
    let is_other = known.device != device;
    let fence = known.fence + u64::from(is_other);
    let seat = Seat { device: device.to_owned(), session_id, fence };
    if seat != known {
        // Only another device is news to the other nodes.
        let sql = "update device_seat set device = ?, session_id = ?, fence = ?,
                          changed_at_ms = case when ? = 1 then ? else changed_at_ms end
                    where profile_id = ?";
        tx.exec(sql, args![device, session_id, fence, i64::from(is_other), now, &id]).await?;
    }
    Ok(seat)
}

/// Who has taken a seat since `since` in real time.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn since(
    reader: &mut impl Reader,
    since: Timestamp,
) -> Result<Vec<(Profile, Seat)>, StoreError> {
    let sql = "select profile_id, device, session_id, fence from device_seat
                where changed_at_ms >= ?";
    let rows: Vec<SeatRow> = reader.all(sql, args![since]).await?;
    rows.into_iter().map(SeatRow::read).collect()
}
