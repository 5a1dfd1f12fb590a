//! What is said in an order's chat, and the history of a channel.
//!
//! Who may speak is checked before the write, outside its transaction: the writer does nothing but
//! append. Somebody who leaves in that instant may still be heard once.

use domain::{
    channel::Channel,
    chat::{ChatHours, ChatRefusal, RecallRefusal, hours, may_speak},
    checked_text::TextError,
    geo::PlaceError,
    ids::{AttachmentId, OrderId},
    role::Profile,
};
use serde::{Deserialize, Serialize};
use storage::{
    commands::{CommandKey, fingerprint},
    db::{Reader, Tx},
    entries,
    error::{Failure, StoreError},
    events::{self, Person, Said},
    journal::{self, Entry},
    orders,
    push::Push,
};

use crate::{
    attachments::{self, AttachmentError},
    channels::find_order_for,
    platform::{Changes, Done, Platform},
    saying::Checked,
};
pub use crate::{
    receipts::{Reached, reach},
    saying::Saying,
};

/// Entries of one page of history at most.
pub const HISTORY_MAX: u32 = 100;

/// Why something about a chat was refused.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// No such channel, or none that the asker may use.
    #[error("there is no such channel for you")]
    NotFound,
    /// No message stands at the offset that was named.
    #[error("there is no message at this offset")]
    NoMessage,
    /// The chat is not open.
    #[error(transparent)]
    Refused(#[from] ChatRefusal),
    /// The text is not acceptable.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The place is not on earth.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The kind of message is unknown.
    #[error("a message has the kind `text`, `image` or `location`")]
    Kind,
    /// The message lacks what its kind needs, or has what its kind must not have.
    #[error("{0}")]
    Shape(&'static str),
    /// The attachment cannot go with it.
    #[error(transparent)]
    Attachment(#[from] AttachmentError),
    /// The message is not to be taken back.
    #[error(transparent)]
    Recall(#[from] RecallRefusal),
    /// The position is behind the newest entry.
    #[error("the newest entry of the channel is {top}")]
    PositionAhead {
        /// The newest offset.
        top: u64,
    },
    /// What follows the position is no longer kept.
    #[error("entries up to {removed} are no longer kept; go on with `after` {removed}")]
    PositionTooOld {
        /// Everything up to here is gone.
        removed: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for ChatError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(err) | Self::Attachment(AttachmentError::Store(err)) => Some(err),
            Self::NotFound
            | Self::NoMessage
            | Self::Refused(_)
            | Self::Text(_)
            | Self::Place(_)
            | Self::Kind
            | Self::Shape(_)
            | Self::Recall(_)
            | Self::Attachment(_)
            | Self::PositionAhead { .. }
            | Self::PositionTooOld { .. } => None,
        }
    }
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
    let Checked { text, place, att } = saying.checked()?;
    let allowed = may_send(platform, speaker, order_id, saying.reply_to).await;
    let said = Said {
        from: Person {
            profile: speaker.to_string(),
            role: speaker.role().as_str().to_owned(),
            name: name.to_owned(),
        },
        kind: saying.kind,
        body: text,
        reply_to: saying.reply_to,
        place,
        att: saying.att,
    };
    let body = events::json(&said)?;
    let key = key(speaker, &saying.channel, saying.cid, &body);
    match allowed {
        Ok(()) => match att {
            None => write(platform, speaker, saying.channel, Some(key), body).await,
            Some(att) => write_with_file(platform, speaker, order_id, key, body, att).await,
        },
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
    match reply_to {
        None => Ok(()),
        Some(answered) => is_message(&mut reader, &Channel::Order(order_id), answered).await,
    }
}

/// Answers are for messages, also for those that were taken back.
async fn is_message(
    reader: &mut impl Reader,
    channel: &Channel,
    off: u64,
) -> Result<(), ChatError> {
    match entries::find(reader, channel, off).await? {
        Some(entry) if entry.kind == Push::Msg.as_str() => Ok(()),
        Some(_) => Err(ChatError::Shape("`reply_to` is not the offset of a message")),
        None => match journal::head(reader, channel).await?.top {
            top if off > top => Err(ChatError::PositionAhead { top }),
            _ => Err(ChatError::Shape("`reply_to` is not the offset of a message")),
        },
    }
}

/// When the chat of an order takes messages; `None` if there is no such order.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn open_hours(
    platform: &Platform,
    order_id: OrderId,
) -> Result<Option<ChatHours>, StoreError> {
    let stored = orders::find(&mut platform.reader(), order_id).await?;
    Ok(stored.map(|it| hours(&it.order, platform.now(), &platform.policy)))
}

/// Writes a body as it is to a channel of the load generator; once for each `cid`, if there is one.
///
/// # Errors
///
/// [`ChatError::NotFound`] for any other channel.
pub async fn send_bench(
    platform: &Platform,
    speaker: Profile,
    channel: Channel,
    cid: Option<String>,
    body: String,
) -> Result<Done<Sent>, ChatError> {
    match channel {
        Channel::BenchLog(_) => {
            let key = cid.map(|cid| key(speaker, &channel, cid, &body));
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
    key: Option<CommandKey>,
    body: String,
) -> Result<Done<Sent>, ChatError> {
    let cid = key.as_ref().map(|it| it.cid.as_str());
    let entry = message(&channel, speaker, cid, &body);
    Ok(platform.post(key, entry, |entry| Sent { ts: entry.at.ms() }).await?)
}

/// The same for a message that carries a file: it is claimed in the same transaction.
async fn write_with_file(
    platform: &Platform,
    speaker: Profile,
    order_id: OrderId,
    key: CommandKey,
    body: String,
    att: AttachmentId,
) -> Result<Done<Sent>, ChatError> {
    let (into, cid) = (Channel::Order(order_id), key.cid.clone());
    let channel = into.clone();
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: domain::clock::Timestamp| {
        attachments::claim(tx, att, order_id, speaker, &cid).await?;
        changes.entries.push(message(&into, speaker, Some(&cid), &body));
        Ok::<_, ChatError>(Sent { ts: at.ms() })
    };
    platform.grouped_command(&channel, Some(key), work).await
}

fn message(into: &Channel, speaker: Profile, cid: Option<&str>, body: &str) -> journal::NewEntry {
    journal::NewEntry {
        channel: into.clone(),
        kind: Push::Msg,
        sender: speaker.to_string(),
        cid: cid.map(str::to_owned),
        body: body.to_owned(),
        joins: None,
    }
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
/// [`ChatError::PositionTooOld`] if what follows the position is gone. From 0 on whoever asks gets
/// what is left.
pub async fn history(
    platform: &Platform,
    channel: &Channel,
    part: Part,
    limit: u32,
) -> Result<Page, ChatError> {
    let limit = limit.clamp(1, HISTORY_MAX);
    let mut reader = platform.reader();
    let mut entries = match part {
        Part::After(off) => {
            let entries = journal::read_after(&mut reader, channel, off, limit + 1).await?;
            if off > 0 && entries.first().is_none_or(|it| it.off != off + 1) {
                let removed = journal::head(&mut reader, channel).await?.removed;
                if off < removed {
                    return Err(ChatError::PositionTooOld { removed });
                }
            }
            entries
        }
        Part::Before(off) => {
            let below = off.unwrap_or(i64::MAX as u64);
            journal::read_before(&mut reader, channel, below, limit + 1).await?
        }
    };
    let more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    Ok(Page { entries, more })
}
