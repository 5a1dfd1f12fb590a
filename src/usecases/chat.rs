//! What is said in an order's chat, how far everybody has come, and the history of a channel.
//!
//! Who may speak is checked before the write, outside its transaction: the writer does nothing but
//! append. Somebody who leaves in that instant may still be heard once.

use domain::{
    channel::Channel,
    chat::{ChatRefusal, may_speak},
    checked_text::{MessageText, TextError},
    ids::OrderId,
    role::Profile,
};
use serde::{Deserialize, Serialize};
use storage::{
    commands::{CommandKey, fingerprint},
    cursors::{self, Cursor},
    db::Tx,
    error::{Failure, StoreError},
    events::{self, Latest, Person, Said},
    journal::{self, Entry},
    push::Push,
};

use crate::{
    channels::find_order_for,
    platform::{Changes, Done, Platform},
};

/// Entries of one page of history at most.
pub const HISTORY_MAX: u32 = 100;

/// Why something about a chat was refused.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// No such channel, or none that the asker may use.
    #[error("there is no such channel for you")]
    NotFound,
    /// The chat is not open.
    #[error(transparent)]
    Refused(#[from] ChatRefusal),
    /// The text is not acceptable.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The kind of message is unknown.
    #[error("a message has the kind `text`")]
    Kind,
    /// The position is behind the newest entry.
    #[error("the newest entry of the channel is {top}")]
    PositionAhead {
        /// The newest offset.
        top: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for ChatError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(err) => Some(err),
            Self::NotFound
            | Self::Refused(_)
            | Self::Text(_)
            | Self::Kind
            | Self::PositionAhead { .. } => None,
        }
    }
}

/// Something that somebody wants to say.
#[derive(Debug, Clone)]
pub struct Saying {
    /// In which order's chat.
    pub channel: Channel,
    /// The client's id of the command.
    pub cid: String,
    /// `text`.
    pub kind: String,
    /// The text.
    pub body: String,
    /// Offset of the entry that this answers.
    pub reply_to: Option<u64>,
}

/// What the sender is told; the offset is in the positions of [`Done`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub struct Sent {
    /// When it was written, in UTC milliseconds.
    pub ts: i64,
}

/// Says something in an order's chat. A repetition gets its first answer, also if the chat has
/// closed since, or the speaker has left it.
///
/// # Errors
///
/// [`ChatError::NotFound`] for everybody who is no party, [`ChatError::Refused`] while the chat is
/// not open.
pub async fn send(
    platform: &Platform,
    speaker: Profile,
    name: &str,
    saying: Saying,
) -> Result<Done<Sent>, ChatError> {
    let Channel::Order(order_id) = saying.channel else { return Err(ChatError::NotFound) };
    if saying.kind != "text" {
        return Err(ChatError::Kind);
    }
    let text = MessageText::parse(&saying.body)?;
    let allowed = may_send(platform, speaker, order_id, saying.reply_to).await;
    let said = Said {
        from: Person {
            profile: speaker.to_string(),
            role: speaker.role().as_str().to_owned(),
            name: name.to_owned(),
        },
        kind: saying.kind,
        body: text.as_str().to_owned(),
        reply_to: saying.reply_to,
    };
    let body = events::json(&said)?;
    let key = key(speaker, &saying.channel, saying.cid, &body);
    match allowed {
        Ok(()) => write(platform, speaker, saying.channel, key, body).await,
        Err(refusal) => platform.recorded(&key).await?.ok_or(refusal),
    }
}

async fn may_send(
    platform: &Platform,
    speaker: Profile,
    order_id: OrderId,
    reply_to: Option<u64>,
) -> Result<(), ChatError> {
    let mut reader = platform.reader();
    let stored = find_order_for(&mut reader, speaker, order_id).await?;
    let stored = stored.ok_or(ChatError::NotFound)?;
    may_speak(&stored.order, speaker.role(), platform.now(), &platform.policy)?;
    if let Some(answered) = reply_to {
        let top = journal::head(&mut reader, &Channel::Order(order_id)).await?.top;
        if answered == 0 || answered > top {
            return Err(ChatError::PositionAhead { top });
        }
    }
    Ok(())
}

/// Writes a body as it is to a channel of the load generator.
///
/// # Errors
///
/// [`ChatError::NotFound`] for any other channel.
pub async fn send_bench(
    platform: &Platform,
    speaker: Profile,
    channel: Channel,
    cid: String,
    body: String,
) -> Result<Done<Sent>, ChatError> {
    match channel {
        Channel::BenchLog(_) => {
            let key = key(speaker, &channel, cid, &body);
            write(platform, speaker, channel, key, body).await
        }
        _ => Err(ChatError::NotFound),
    }
}

fn key(speaker: Profile, channel: &Channel, cid: String, body: &str) -> CommandKey {
    let body_hash = fingerprint(&["chat.send", &channel.to_string(), body]);
    CommandKey { sender: speaker.to_string(), cid, body_hash }
}

/// `body` is a JSON object.
async fn write(
    platform: &Platform,
    speaker: Profile,
    channel: Channel,
    key: CommandKey,
    body: String,
) -> Result<Done<Sent>, ChatError> {
    let entry = journal::NewEntry {
        channel,
        kind: Push::Msg,
        sender: speaker.to_string(),
        cid: Some(key.cid.clone()),
        body,
        joins: None,
    };
    Ok(platform.post(key, entry, |entry| Sent { ts: entry.at.ms() }).await?)
}

/// How far somebody says to have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// Everything up to here arrived at a device.
    Delivered(u64),
    /// Everything up to here was read.
    Read(u64),
}

/// Push `cur`: how far somebody has come.
#[derive(Serialize)]
struct CursorMoved {
    profile: String,
    delivered: u64,
    read: u64,
}

/// Moves somebody's cursor forward and tells the channel, if it did move. Older positions are no
/// error: devices report out of order.
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
    let mut reader = platform.reader();
    let old = cursors::find(&mut reader, channel, profile).await?;
    let old = old.unwrap_or(Cursor { profile, delivered: 0, read: 0 });
    let new = match reached {
        Reached::Delivered(off) => Cursor { delivered: old.delivered.max(off), ..old },
        // What was read has arrived.
        Reached::Read(off) => {
            Cursor { delivered: old.delivered.max(off), read: old.read.max(off), ..old }
        }
    };
    if new == old {
        return Ok(old);
    }
    let top = journal::head(&mut reader, channel).await?.top;
    if new.delivered > top {
        return Err(ChatError::PositionAhead { top });
    }
    let into = channel.clone();
    let work = async move |tx: &mut Tx, changes: &mut Changes, at| {
        cursors::advance(tx, &into, new).await?;
        let moved =
            CursorMoved { profile: profile.to_string(), delivered: new.delivered, read: new.read };
        changes.latest.push(Latest {
            channel: into.clone(),
            key: format!("cur:{profile}"),
            push: Push::Cur,
            body: events::json(&moved)?,
            at,
        });
        Ok::<_, ChatError>(())
    };
    platform.grouped_command(channel, None, work).await?;
    Ok(new)
}

/// Which part of a channel's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The newest entries below this offset, newest first; `None` for the newest of all.
    Before(Option<u64>),
    /// The oldest entries above this offset, oldest first.
    After(u64),
}

/// A page of history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The entries, in the order of the [`Part`].
    pub entries: Vec<Entry>,
    /// Whether there are more beyond the last one.
    pub more: bool,
}

/// Reads a page of a logged channel. That the reader may was checked by the caller.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn history(
    platform: &Platform,
    channel: &Channel,
    part: Part,
    limit: u32,
) -> Result<Page, StoreError> {
    let limit = limit.clamp(1, HISTORY_MAX);
    let mut reader = platform.reader();
    let mut entries = match part {
        Part::After(off) => journal::read_after(&mut reader, channel, off, limit + 1).await?,
        Part::Before(off) => {
            let below = off.unwrap_or(i64::MAX as u64);
            journal::read_before(&mut reader, channel, below, limit + 1).await?
        }
    };
    let more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    Ok(Page { entries, more })
}
