//! The journal: history, resume, inbox and outbox in one table.
//!
//! Every entry of a logged channel has an offset 1, 2, 3 … without holes, given under the lock of
//! the channel's head in the transaction of the fact it tells. So nobody sees `off + 1` before
//! `off`, and what is committed is never lost, doubled or renumbered.

use bytes::Bytes;
use domain::{channel::Channel, clock::Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{args, columns::any_of, db::Reader, error::StoreError, push::Push};

mod append;

pub use append::{Watched, append, append_watched};

/// Entries of one page at most.
pub const PAGE_MAX: u32 = 500;
/// Channels asked for in one statement at most.
pub const HEADS_MAX: usize = 500;

/// An entry that is about to be written.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Where it goes. Must be a logged channel.
    pub channel: Channel,
    /// The name of the push that it becomes.
    pub kind: Push,
    /// The profile that caused it, or `system`.
    pub sender: String,
    /// The client's id of the command that caused it, where the client wants it back.
    pub cid: Option<String>,
    /// A JSON object; its fields become fields of the push.
    pub body: String,
    /// For inboxes: the profile hears this channel from now on.
    pub joins: Option<Channel>,
}

/// An entry as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub channel: Channel,
    /// Its number in the channel, from 1.
    pub off: u64,
    /// The numbering it belongs to.
    pub epoch: String,
    /// The name of the push that it becomes.
    pub kind: String,
    /// The profile that caused it, or `system`.
    pub sender: String,
    /// The client's id of the command that caused it.
    pub cid: Option<String>,
    /// A JSON object; its fields become fields of the push.
    pub body: String,
    /// When it was written.
    pub at: Timestamp,
    /// For inboxes: the profile hears this channel from now on.
    pub joins: Option<Channel>,
}

/// The newest position of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The newest offset; 0 if nothing was written yet.
    pub top: u64,
    /// The numbering; changes only if a numbering is destroyed.
    pub epoch: String,
    /// Entries up to here are no longer kept.
    pub removed: u64,
}

impl Head {
    pub(crate) fn from_columns(top: i64, epoch: String, removed: i64) -> Self {
        let count = |it| u64::try_from(it).unwrap_or(0);
        Self { top: count(top), epoch, removed: count(removed) }
    }

    /// Of a channel that nothing was written to yet.
    pub const fn of_nothing() -> Self {
        Self { top: 0, epoch: String::new(), removed: 0 }
    }
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    channel: String,
    top: i64,
    epoch: String,
    removed: i64,
}

#[derive(sqlx::FromRow)]
pub(crate) struct EntryRow {
    pub(crate) off: i64,
    kind: String,
    sender: String,
    cid: Option<String>,
    body: String,
    joins: Option<String>,
    at_ms: i64,
}

/// The newest position of a channel; top 0 and an empty epoch if nothing was written yet.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn head(reader: &mut impl Reader, channel: &Channel) -> Result<Head, StoreError> {
    let row: Option<HeadRow> = reader
        .opt(
            "select channel, top, epoch, removed from channel_head where channel = ?",
            args![channel.to_string()],
        )
        .await?;
    Ok(row.map_or_else(Head::of_nothing, Head::from))
}

/// The newest positions of many channels; channels without entries are left out.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn heads(
    reader: &mut impl Reader,
    channels: &[Channel],
) -> Result<Vec<(Channel, Head)>, StoreError> {
    let mut found = Vec::with_capacity(channels.len());
    for some in channels.chunks(HEADS_MAX) {
        let (marks, names) = any_of(some);
        let sql = format!(
            "select channel, top, epoch, removed from channel_head where channel in ({marks})"
        );
        count_query("heads");
        let rows: Vec<HeadRow> = reader.all(&sql, &names).await?;
        for row in rows {
            let channel = row
                .channel
                .parse()
                .map_err(|_| StoreError::corrupt("channel_head.channel", &row.channel))?;
            found.push((channel, row.into()));
        }
    }
    Ok(found)
}

/// Entries with larger offsets than `after`, oldest first, at most `limit`.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn read_after(
    reader: &mut impl Reader,
    channel: &Channel,
    after: u64,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    count_query("page");
    let rows: Vec<EntryRow> = reader
        .all(
            "select off, kind, sender, cid, body, joins, at_ms from journal
              where channel = ? and off > ? order by off limit ?",
            args![channel.to_string(), after, limit.min(PAGE_MAX + 1)],
        )
        .await?;
    with_epoch(reader, channel, rows).await
}

/// Entries with smaller offsets than `before`, newest first, at most `limit`.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn read_before(
    reader: &mut impl Reader,
    channel: &Channel,
    before: u64,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    count_query("page");
    let rows: Vec<EntryRow> = reader
        .all(
            "select off, kind, sender, cid, body, joins, at_ms from journal
              where channel = ? and off < ? order by off desc limit ?",
            args![channel.to_string(), before, limit.min(PAGE_MAX + 1)],
        )
        .await?;
    with_epoch(reader, channel, rows).await
}

/// Counts a statement that reads the journal.
pub(crate) fn count_query(what: &'static str) {
    metrics::counter!("riderhub_journal_queries_total", "what" => what).increment(1);
}

async fn with_epoch(
    reader: &mut impl Reader,
    channel: &Channel,
    rows: Vec<EntryRow>,
) -> Result<Vec<Entry>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let Head { epoch, .. } = head(reader, channel).await?;
    rows.into_iter().map(|row| row.entry(channel, &epoch)).collect()
}

impl EntryRow {
    pub(crate) fn entry(self, channel: &Channel, epoch: &str) -> Result<Entry, StoreError> {
        let joins = match self.joins {
            None => None,
            Some(text) => {
                Some(text.parse().map_err(|_| StoreError::corrupt("journal.joins", text))?)
            }
        };
        Ok(Entry {
            channel: channel.clone(),
            off: offset("journal.off", self.off)?,
            epoch: epoch.to_owned(),
            kind: self.kind,
            sender: self.sender,
            cid: self.cid,
            body: self.body,
            at: Timestamp::from_ms(self.at_ms),
            joins,
        })
    }
}

impl From<HeadRow> for Head {
    fn from(row: HeadRow) -> Self {
        Self::from_columns(row.top, row.epoch, row.removed)
    }
}

fn offset(column: &'static str, stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(|_| StoreError::corrupt(column, stored))
}

/// What the push frame of every entry begins with; the fields of its body follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// The name of the push.
    pub push: String,
    /// The channel.
    pub ch: String,
    /// The numbering: it changes only if an older backup was restored.
    pub ep: String,
    /// The place in the channel: 1, 2, 3 … without holes.
    pub off: u64,
    /// When it was written, in UTC milliseconds.
    pub ts: i64,
    /// The profile that caused it, or `system`.
    pub sender: String,
    /// The `cid` of the command that wrote it: a client knows its own by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cid: Option<String>,
}

/// The push frame of an entry, the same bytes on every node.
///
/// The body's fields are put behind the header's without being read again.
pub fn frame(entry: &Entry) -> Bytes {
    let fields = entry.body.strip_prefix('{').unwrap_or("}");
    let mut out = String::with_capacity(128 + entry.body.len());
    out.push_str("{\"push\":\"");
    out.push_str(&entry.kind);
    out.push_str("\",\"ch\":\"");
    out.push_str(&entry.channel.to_string());
    out.push_str("\",\"ep\":\"");
    out.push_str(&entry.epoch);
    out.push_str("\",\"off\":");
    out.push_str(&entry.off.to_string());
    out.push_str(",\"ts\":");
    out.push_str(&entry.at.ms().to_string());
    out.push_str(",\"sender\":\"");
    out.push_str(&entry.sender);
    out.push('"');
    if let Some(cid) = &entry.cid {
        out.push_str(",\"cid\":\"");
        out.push_str(cid);
        out.push('"');
    }
    if fields.trim_start().starts_with('}') {
        out.push('}');
    } else {
        out.push(',');
        out.push_str(fields);
    }
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_begins_with_the_header_that_is_documented() {
        for cid in [None, Some("01890000-aaaa".to_owned())] {
            let entry = Entry {
                channel: "order:ord_0000000000000000000000000a"
                    .parse()
                    .unwrap_or(Channel::Ops("w".to_owned())),
                off: 3,
                epoch: "a1".to_owned(),
                kind: "msg".to_owned(),
                sender: "system".to_owned(),
                cid: cid.clone(),
                body: "{}".to_owned(),
                at: Timestamp::from_ms(7),
                joins: None,
            };
            let header = Header {
                push: "msg".to_owned(),
                ch: entry.channel.to_string(),
                ep: "a1".to_owned(),
                off: 3,
                ts: 7,
                sender: "system".to_owned(),
                cid,
            };
            let expected = serde_json::to_string(&header).unwrap_or_default();
            assert_eq!(frame(&entry), expected);
        }
    }
}
