//! One stored result for every command that changes something.
//!
//! The result is written in the transaction of its effects, so a command that is sent twice, to any
//! node, gets its first answer; the same id with another body is refused.

use domain::clock::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{
    args,
    db::{Reader, Tx},
    error::StoreError,
};

/// Longest id that a client may give a command, in bytes.
pub const CID_BYTES_MAX: usize = 255;

/// Who sent which command, and what was in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandKey {
    /// The profile that sent it.
    pub sender: String,
    /// The id that the client gave it.
    pub cid: String,
    /// What was asked, in a fixed spelling; see [`fingerprint`].
    pub body_hash: String,
}

/// What is known about a command that arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// Never seen: carry it out and call [`finish`] in the same transaction.
    First,
    /// Carried out before, with this result.
    Before(T),
}

#[derive(sqlx::FromRow)]
struct ResultRow {
    body_hash: String,
    result: String,
}

/// A short, stable summary of what a command asks for.
pub fn fingerprint(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Claims a command for this transaction, or finds its first result.
///
/// On MySQL the row is written first: of two that arrive at once, the second waits for the first
/// one's transaction and then finds its result.
///
/// # Errors
///
/// [`StoreError::KeyReused`] if the id was used for something else, or as the statements give it.
pub async fn begin<T: DeserializeOwned>(
    tx: &mut Tx,
    key: &CommandKey,
    at: Timestamp,
) -> Result<Seen<T>, StoreError> {
    claim(tx, key, at).await?.map_or(Ok(Seen::First), |text| read(text).map(Seen::Before))
}

/// Like [`begin`], with the result as it is stored.
pub(crate) async fn claim(
    tx: &mut Tx,
    key: &CommandKey,
    at: Timestamp,
) -> Result<Option<String>, StoreError> {
    if tx.is_mysql() {
        let claim = tx
            .exec(
                "insert into command_result (sender, cid, body_hash, result, at_ms)
                 values (?, ?, ?, '', ?)",
                args![&key.sender, &key.cid, &key.body_hash, at],
            )
            .await;
        match claim {
            Ok(_) => return Ok(None),
            Err(StoreError::Duplicate(_)) => {}
            Err(err) => return Err(err),
        }
    }
    find_text(tx, key).await
}

/// The first result of a command, if it was carried out; claims nothing.
///
/// # Errors
///
/// [`StoreError::KeyReused`] if the id was used for something else, or as the statement gives it.
pub async fn find<T: DeserializeOwned>(
    reader: &mut impl Reader,
    key: &CommandKey,
) -> Result<Option<T>, StoreError> {
    find_text(reader, key).await?.map(read).transpose()
}

/// A stored result as a value.
///
/// # Errors
///
/// [`StoreError::Corrupt`] if it is none of this type.
pub fn read<T: DeserializeOwned>(text: String) -> Result<T, StoreError> {
    serde_json::from_str(&text).map_err(|_| StoreError::corrupt("command_result.result", text))
}

async fn find_text(
    reader: &mut impl Reader,
    key: &CommandKey,
) -> Result<Option<String>, StoreError> {
    let row: Option<ResultRow> = reader
        .opt(
            "select body_hash, result from command_result where sender = ? and cid = ?",
            args![&key.sender, &key.cid],
        )
        .await?;
    match row {
        None => Ok(None),
        Some(row) if row.body_hash != key.body_hash => {
            Err(StoreError::KeyReused { cid: key.cid.clone() })
        }
        Some(row) => Ok(Some(row.result)),
    }
}

/// Keeps the result of a command that [`begin`] called [`Seen::First`].
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn finish<T: Serialize>(
    tx: &mut Tx,
    key: &CommandKey,
    result: &T,
    at: Timestamp,
) -> Result<(), StoreError> {
    keep(tx, key, &text(result)?, at).await
}

/// A result as it is stored.
///
/// # Errors
///
/// [`StoreError::Refused`] if it has no JSON form.
pub fn text<T: Serialize>(result: &T) -> Result<String, StoreError> {
    serde_json::to_string(result).map_err(StoreError::refused)
}

pub(crate) async fn keep(
    tx: &mut Tx,
    key: &CommandKey,
    result: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    if tx.is_mysql() {
        tx.exec(
            "update command_result set result = ? where sender = ? and cid = ?",
            args![result, &key.sender, &key.cid],
        )
        .await?;
        return Ok(());
    }
    tx.exec(
        "insert into command_result (sender, cid, body_hash, result, at_ms) values (?, ?, ?, ?, ?)",
        args![&key.sender, &key.cid, &key.body_hash, result, at],
    )
    .await?;
    Ok(())
}
