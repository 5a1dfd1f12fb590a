//! How far people have come in a channel: what arrived at a device of theirs, what they have read.
//!
//! A cursor belongs to the profile and only rises: `delivered` by the first of its devices, `read`
//! by any. Saying the same or less again changes nothing, so positions may be saved late and
//! together.

use domain::{channel::Channel, clock::Timestamp, role::Profile};
use serde::Serialize;
use storage::{
    cursors::{self, Cursor},
    db::Tx,
    error::StoreError,
    events::{self, Latest},
    journal,
    push::Push,
};

use crate::{chat::ChatError, platform::Platform};

/// How far somebody says to have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// Everything up to here arrived at a device.
    Delivered(u64),
    /// Everything up to here was read.
    Read(u64),
}

impl Reached {
    /// The position itself.
    pub const fn off(self) -> u64 {
        match self {
            Self::Delivered(off) | Self::Read(off) => off,
        }
    }

    /// A cursor that has come so far, and not less than before. What was read has arrived.
    #[must_use]
    pub fn moves(self, old: Cursor) -> Cursor {
        let delivered = old.delivered.max(self.off());
        match self {
            Self::Delivered(_) => Cursor { delivered, ..old },
            Self::Read(off) => Cursor { delivered, read: old.read.max(off), ..old },
        }
    }
}

/// Push `cur`: how far somebody has come.
#[derive(Serialize, schemars::JsonSchema)]
pub struct CursorMoved {
    /// Who.
    pub profile: String,
    /// Everything up to here arrived at one of the profile's devices.
    pub delivered: u64,
    /// Everything up to here was read.
    pub read: u64,
}

/// How far somebody has come; nowhere, if nothing is known.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn find(
    platform: &Platform,
    channel: &Channel,
    profile: Profile,
) -> Result<Cursor, StoreError> {
    let known = cursors::find(&mut platform.reader(), channel, profile).await?;
    Ok(known.unwrap_or(Cursor { profile, delivered: 0, read: 0 }))
}

/// Refuses positions that the channel has not come to.
///
/// # Errors
///
/// [`ChatError::PositionAhead`] if it has no such entry yet.
pub async fn check_exists(
    platform: &Platform,
    channel: &Channel,
    off: u64,
) -> Result<(), ChatError> {
    let top = journal::head(&mut platform.reader(), channel).await?.top;
    if off > top { Err(ChatError::PositionAhead { top }) } else { Ok(()) }
}

/// Saves cursors in one commit, and answers those that did move, as they stand now.
///
/// # Errors
///
/// [`StoreError`] as the store gives it; then none is saved.
pub async fn save(
    platform: &Platform,
    mut moves: Vec<(Channel, Cursor)>,
) -> Result<Vec<(Channel, Cursor)>, StoreError> {
    // All nodes take the rows in one order.
    moves.sort_by_cached_key(|(channel, cursor)| (channel.to_string(), cursor.profile.to_string()));
    let work = async move |tx: &mut Tx| {
        let mut moved = Vec::with_capacity(moves.len());
        for (channel, cursor) in &moves {
            let old = cursors::find(tx, channel, cursor.profile).await?;
            let old = old.unwrap_or(Cursor { delivered: 0, read: 0, ..*cursor });
            let new =
                Reached::Read(cursor.read).moves(Reached::Delivered(cursor.delivered).moves(old));
            if new != old {
                cursors::advance(tx, channel, new).await?;
                moved.push((channel.clone(), new));
            }
        }
        Ok::<_, StoreError>(moved)
    };
    // Before the writes that lock channels, in every group.
    platform.store.grouped("", work).await
}

/// What the parties of a channel are told of a cursor that moved.
///
/// # Errors
///
/// [`StoreError::Refused`] if it has no JSON form, which it does not lack.
pub fn news(channel: Channel, cursor: Cursor, at: Timestamp) -> Result<Latest, StoreError> {
    let Cursor { profile, delivered, read } = cursor;
    let body = events::json(&CursorMoved { profile: profile.to_string(), delivered, read })?;
    Ok(Latest { channel, key: format!("cur:{profile}"), push: Push::Cur, body, at })
}

/// Moves somebody's cursor forward at once and tells the channel, if it did move. Older positions
/// are no error: devices report out of order. Sockets say it through `actors::receipts`, which
/// saves many together.
///
/// # Errors
///
/// [`ChatError::PositionAhead`] if the channel has no such entry yet.
pub async fn reach(
    platform: &Platform,
    profile: Profile,
    channel: &Channel,
    reached: Reached,
) -> Result<Cursor, ChatError> {
    let old = find(platform, channel, profile).await?;
    let new = reached.moves(old);
    if new == old {
        return Ok(old);
    }
    check_exists(platform, channel, reached.off()).await?;
    for (channel, cursor) in save(platform, vec![(channel.clone(), new)]).await? {
        platform.announcer.latest(vec![news(channel, cursor, platform.now())?]);
    }
    Ok(new)
}
