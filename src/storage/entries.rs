//! One entry of the journal: looked up by its place, or emptied of what it said.
//!
//! The journal only grows; the one thing that changes in it is the body of a message that its
//! author took back. Whoever reads it afterwards, for whatever reason, finds the tombstone.

use domain::{channel::Channel, clock::Timestamp, role::Profile};

use crate::{
    args,
    db::{Reader, Tx},
    error::StoreError,
};

/// An entry without its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The name of the push that it is.
    pub kind: String,
    /// The profile that caused it; `None` if no person did.
    pub author: Option<Profile>,
    /// A JSON object.
    pub body: String,
    /// When it was written.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct ContentRow {
    kind: String,
    sender: String,
    body: String,
    at_ms: i64,
}

impl From<ContentRow> for Content {
    fn from(row: ContentRow) -> Self {
        let ContentRow { kind, sender, body, at_ms } = row;
        Self { kind, author: sender.parse().ok(), body, at: Timestamp::from_ms(at_ms) }
    }
}

/// What stands at `off`, if anything does.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    channel: &Channel,
    off: u64,
) -> Result<Option<Content>, StoreError> {
    let row: Option<ContentRow> = reader
        .opt(
            "select kind, sender, body, at_ms from journal where channel = ? and off = ?",
            args![channel.to_string(), off],
        )
        .await?;
    Ok(row.map(Content::from))
}

/// Like [`find`], and keeps the entry as it is until the transaction ends.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn lock(tx: &mut Tx, channel: &Channel, off: u64) -> Result<Option<Content>, StoreError> {
    let row: Option<ContentRow> = tx
        .opt_locked(
            "select kind, sender, body, at_ms from journal where channel = ? and off = ?",
            args![channel.to_string(), off],
        )
        .await?;
    Ok(row.map(Content::from))
}

/// Puts a tombstone in the place of what was said.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn bury(
    tx: &mut Tx,
    channel: &Channel,
    off: u64,
    tombstone: &str,
) -> Result<(), StoreError> {
    tx.exec(
        "update journal set body = ? where channel = ? and off = ?",
        args![tombstone, channel.to_string(), off],
    )
    .await?;
    Ok(())
}
