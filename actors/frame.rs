//! A frame on its way out, the lane it travels in, and what became of it.

use bytes::Bytes;
use bytestring::ByteString;

/// One encoded frame. Made once, shared by all who get it: a clone only counts a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame(ByteString);

impl Frame {
    /// A frame of this JSON text.
    pub fn json(text: impl Into<ByteString>) -> Self {
        Self(text.into())
    }

    /// A frame of JSON that is UTF-8 already; `None` if it is not.
    pub fn from_bytes(bytes: Bytes) -> Option<Self> {
        ByteString::try_from(bytes).ok().map(Self)
    }

    /// The JSON text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes, shared.
    pub fn into_bytes(self) -> Bytes {
        self.0.into_bytes()
    }
}

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
    /// The reader is too slow to be kept: the connection is closing because of this push.
    Full,
    /// The connection is closing or closed.
    Gone,
}
