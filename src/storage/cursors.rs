//! How far each party of a channel has received and read it.

use domain::{channel::Channel, role::Profile};

use crate::{
    args,
    columns::parsed,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

/// Cursors of one channel at most.
pub const CURSORS_MAX: usize = 200;

/// How far one party has come. Both only rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Whose.
    pub profile: Profile,
    /// Everything up to here arrived at one of its devices.
    pub delivered: u64,
    /// Everything up to here was read.
    pub read: u64,
}

#[derive(sqlx::FromRow)]
struct CursorRow {
    profile_id: String,
    delivered_off: i64,
    read_off: i64,
}

impl CursorRow {
    fn cursor(self) -> Result<Cursor, StoreError> {
        Ok(Cursor {
            profile: parsed("channel_cursor.profile_id", &self.profile_id)?,
            delivered: u64::try_from(self.delivered_off).unwrap_or(0),
            read: u64::try_from(self.read_off).unwrap_or(0),
        })
    }
}

/// Moves a cursor forward; smaller offsets than the stored ones change nothing.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn advance(tx: &mut Tx, channel: &Channel, cursor: Cursor) -> Result<(), StoreError> {
    tx.exec(
        dialect::advance_cursor(tx.is_mysql()),
        args![channel.to_string(), cursor.profile.to_string(), cursor.delivered, cursor.read],
    )
    .await?;
    Ok(())
}

/// How far one party has come; `None` if it has received nothing yet.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    channel: &Channel,
    profile: Profile,
) -> Result<Option<Cursor>, StoreError> {
    let row: Option<CursorRow> = reader
        .opt(
            "select profile_id, delivered_off, read_off from channel_cursor
              where channel = ? and profile_id = ?",
            args![channel.to_string(), profile.to_string()],
        )
        .await?;
    row.map(CursorRow::cursor).transpose()
}

/// How far all parties have come.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list(reader: &mut impl Reader, channel: &Channel) -> Result<Vec<Cursor>, StoreError> {
    let rows: Vec<CursorRow> = reader
        .all(
            "select profile_id, delivered_off, read_off from channel_cursor
              where channel = ? order by profile_id limit ?",
            args![channel.to_string(), CURSORS_MAX],
        )
        .await?;
    rows.into_iter().map(CursorRow::cursor).collect()
}
