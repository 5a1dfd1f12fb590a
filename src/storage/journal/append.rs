//! Writing entries: under the lock of each channel's head, one offset after the other.

use std::collections::BTreeMap;

use domain::{channel::Channel, clock::Timestamp};

use super::{Entry, NewEntry, offset};
use crate::{
    args,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
    notices::{self, Source},
};

#[derive(sqlx::FromRow)]
struct MovedRow {
    top: i64,
    epoch: String,
    watched: bool,
}

/// Whose absence is to be noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watched {
    /// Of those with a push address: what is written to the channels marked for it.
    #[default]
    Marked,
    /// Of everybody.
    All,
}

/// Writes entries in one go and gives them their offsets.
///
/// Heads are locked in the order of the channels' names, so that two transactions never wait for
/// each other in a circle; call it once, at the end of a transaction. Entries of one channel keep
/// their order. Entries of channels that are marked as watched leave a source of notices.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn append(
    tx: &mut Tx,
    entries: Vec<NewEntry>,
    at: Timestamp,
) -> Result<Vec<Entry>, StoreError> {
    append_watched(tx, entries, at, Watched::Marked).await
}

/// Like [`append`], with the word of the caller on whose absence is to be noticed.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn append_watched(
    tx: &mut Tx,
    entries: Vec<NewEntry>,
    at: Timestamp,
    watched: Watched,
) -> Result<Vec<Entry>, StoreError> {
    let mut written = Vec::with_capacity(entries.len());
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for entry in entries {
        Group::of(&mut groups, &entry.channel).entries.push(entry);
    }
    while let Some((name, group)) = groups.pop_first() {
        if group.is_new {
            notices::watch(tx, &group.channel).await?;
        }
        if group.entries.is_empty() {
            continue;
        }
        let moved = move_head(tx, &name, group.entries.len()).await?;
        if moved.watched {
            // Whoever is watched hears another channel from now on: an inbox comes before it.
            for joined in group.entries.iter().filter_map(|it| it.joins.clone()) {
                Group::of(&mut groups, &joined).is_new = true;
            }
        }
        let before = offset("channel_head.top", moved.top)? - group.entries.len() as u64;
        if moved.watched || watched == Watched::All {
            leave_sources(tx, &group, before).await?;
        }
        for (off, entry) in (before + 1..).zip(group.entries) {
            written.push(insert(tx, entry, off, &moved.epoch, at).await?);
        }
    }
    Ok(written)
}

/// Entries of one channel, and whether it is watched from now on.
struct Group {
    channel: Channel,
    is_new: bool,
    entries: Vec<NewEntry>,
}

impl Group {
    fn of<'g>(groups: &'g mut BTreeMap<String, Self>, channel: &Channel) -> &'g mut Self {
        groups.entry(channel.to_string()).or_insert_with(|| Self {
            channel: channel.clone(),
            is_new: false,
            entries: Vec::new(),
        })
    }
}

async fn leave_sources(tx: &mut Tx, group: &Group, before: u64) -> Result<(), StoreError> {
    let mut left = Vec::new();
    for (off, entry) in (before + 1..).zip(&group.entries) {
        let class = notices::class_of(&group.channel, entry.kind);
        let Some(class) = class.filter(|it| !left.contains(it)) else { continue };
        left.push(class);
        notices::leave_source(tx, &Source { channel: group.channel.clone(), class, off }).await?;
    }
    Ok(())
}

async fn move_head(tx: &mut Tx, name: &str, steps: usize) -> Result<MovedRow, StoreError> {
    let epoch = format!("{:08x}", rand::random::<u32>());
    tx.exec(dialect::move_head(tx.is_mysql()), args![name, steps, &epoch]).await?;
    let sql = "select top, epoch, watched from channel_head where channel = ?";
    let row: Option<MovedRow> = tx.opt(sql, args![name]).await?;
    row.ok_or_else(|| StoreError::not_found("channel", name))
}

async fn insert(
    tx: &mut Tx,
    entry: NewEntry,
    off: u64,
    epoch: &str,
    at: Timestamp,
) -> Result<Entry, StoreError> {
    let NewEntry { channel, kind, sender, cid, body, joins } = entry;
    tx.exec(
        "insert into journal (channel, off, kind, sender, cid, body, joins, at_ms)
         values (?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            channel.to_string(),
            off,
            kind.as_str(),
            &sender,
            cid.as_ref(),
            &body,
            joins.as_ref().map(Channel::to_string),
            at
        ],
    )
    .await?;
    let (kind, epoch) = (kind.to_string(), epoch.to_owned());
    Ok(Entry { channel, off, epoch, kind, sender, cid, body, at, joins })
}
