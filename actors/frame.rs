//! A frame on its way out, the lane it travels in, and what became of it.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use bytes::Bytes;
use bytestring::ByteString;

use crate::msgpack;

/// One frame: JSON, and each other form made at most once. Shared by all who get it: a clone only
/// counts a reference.
#[derive(Debug, Clone)]
pub struct Frame(Arc<Forms>);

#[derive(Debug)]
struct Forms {
    json: ByteString,
    binary: OnceLock<Bytes>,
    made_at: Instant,
}

/// How a socket's frames look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON in text messages, several frames joined by `\n`.
    Json,
    /// MessagePack in binary messages, several frames one behind the other.
    MessagePack,
    /// Each frame in a message of its own, as it is: text or bytes.
    Plain,
}

impl Frame {
    /// A frame of this JSON text.
    pub fn json(text: impl Into<ByteString>) -> Self {
        let (json, binary) = (text.into(), OnceLock::new());
        Self(Arc::new(Forms { json, binary, made_at: Instant::now() }))
    }

    /// A frame of JSON that is UTF-8 already; `None` if it is not.
    pub fn from_bytes(bytes: Bytes) -> Option<Self> {
        ByteString::try_from(bytes).ok().map(Self::json)
    }

    /// A frame of bytes that have no JSON form, for [`Format::Plain`].
    pub fn binary(bytes: Bytes) -> Self {
        let (json, binary) = (ByteString::new(), OnceLock::from(bytes));
        Self(Arc::new(Forms { json, binary, made_at: Instant::now() }))
    }

    /// The JSON text.
    pub fn text(&self) -> &str {
        &self.0.json
    }

    /// The MessagePack form; made by whoever needs it first.
    pub fn msgpack(&self) -> &Bytes {
        self.0.binary.get_or_init(|| msgpack::of_json(&self.0.json))
    }

    /// The bytes of a frame without a JSON form.
    pub fn plain_bytes(&self) -> Option<&Bytes> {
        self.0.binary.get().filter(|_| self.0.json.is_empty())
    }

    /// Length in bytes: of the text, if it has one.
    pub fn len(&self) -> usize {
        match self.0.json.len() {
            0 => self.0.binary.get().map_or(0, Bytes::len),
            len => len,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The JSON text as bytes, shared.
    pub fn into_bytes(self) -> Bytes {
        self.0.json.clone().into_bytes()
    }

    /// When it was made: for entries, right after their commit.
    pub fn made_at(&self) -> Instant {
        self.0.made_at
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        self.0.json == other.0.json && self.plain_bytes() == other.plain_bytes()
    }
}

impl Eq for Frame {}

/// Which frames go first. Frames of one lane keep their order; so all of a logged channel are in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Replies and what concerns the connection itself.
    Control,
    /// Offers and alarms: inboxes and stores.
    Critical,
    /// Chat and status of orders.
    Chat,
    /// Typing and the like: dropped first.
    Ephemeral,
}

impl Lane {
    /// A label for counters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Critical => "critical",
            Self::Chat => "chat",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// Names a value of which only the newest counts: a hash of channel and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(pub u64, pub u64);

/// What became of a pushed frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It will be written in turn.
    Queued,
    /// It took the place of an older value.
    Conflated,
    /// The reader is slow and this frame can be missed.
    Dropped,
    /// The reader is slow: it should read this channel from the journal at its own speed.
    Lagging,
    /// The reader is too slow to be kept: the connection is closing because of this push.
    Full,
    /// The connection is closing or closed.
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_made_once_and_shared() {
        let frame = Frame::json("{\"push\":\"ping\"}");
        let other = frame.clone();
        assert_eq!(frame.msgpack().as_ptr(), other.msgpack().as_ptr());
        assert_eq!(other.msgpack()[..], *b"\x81\xa4push\xa4ping");
        assert_eq!(frame.plain_bytes(), None, "it has a text");
        assert_eq!(frame.len(), 15);
        let bytes = Frame::binary(Bytes::from_static(&[0xff]));
        assert_eq!((bytes.len(), bytes.plain_bytes().is_some()), (1, true));
    }
}
