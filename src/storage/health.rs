//! Questions that `doctor` asks the database.

use crate::{args, db::Reader, error::StoreError};

#[derive(sqlx::FromRow)]
struct ClockRow {
    seconds: i64,
}

/// The clock of a MySQL or MariaDB server, in seconds since 1970 UTC.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn server_seconds(reader: &mut impl Reader) -> Result<i64, StoreError> {
    let row: Option<ClockRow> =
        reader.opt("select cast(unix_timestamp() as signed) as seconds", args![]).await?;
    row.map(|it| it.seconds).ok_or_else(|| StoreError::not_found("clock", "server"))
}
