//! What nodes say to each other on the bus: a small binary header and the ready frame.
//!
//! `version u8 | kind u8 | node 16 bytes | at u64 | off u64 | len u8 + text | len u16 + text |
//! frame`, numbers big-endian. The texts are epoch and joined channel of an entry, or nothing and the key
//! of a value. A message of another version is ignored: the journal repairs, newest values follow.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use uuid::Uuid;

/// The version that this node speaks and understands.
const VERSION: u8 = 2;
/// Version, kind, node, time, offset and the first length.
const FIXED_BYTES: usize = 1 + 1 + 16 + 8 + 8 + 1;

/// What is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An entry of a logged channel.
    Entry,
    /// A value of a latest-only channel.
    Value,
    /// From node to node; the second text names what it is.
    Control,
}

/// One message on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What is inside.
    pub kind: Kind,
    /// Who sent it.
    pub node: Uuid,
    /// When it was handed to the bus, in ms since 1970 by the sender's machine.
    pub at_ms: u64,
    /// The offset of an entry, else 0.
    pub off: u64,
    /// The epoch of an entry, else empty.
    pub epoch: String,
    /// The channel that an entry joins its reader to, the key of a value, or the kind of a control message.
    pub label: String,
    /// The frame, or the body of a control message.
    pub frame: Bytes,
}

impl Envelope {
    /// The bytes on the bus. Texts that are too long make the message unreadable, never wrong.
    pub fn encode(&self) -> Bytes {
        let len = FIXED_BYTES + self.epoch.len() + 2 + self.label.len() + self.frame.len();
        let mut bytes = BytesMut::with_capacity(len);
        bytes.put_u8(VERSION);
        bytes.put_u8(match self.kind {
            Kind::Entry => 1,
            Kind::Value => 2,
            Kind::Control => 3,
        });
        bytes.put_slice(self.node.as_bytes());
        bytes.put_u64(self.at_ms);
        bytes.put_u64(self.off);
        bytes.put_u8(u8::try_from(self.epoch.len()).unwrap_or(u8::MAX));
        bytes.put_slice(self.epoch.as_bytes());
        bytes.put_u16(u16::try_from(self.label.len()).unwrap_or(u16::MAX));
        bytes.put_slice(self.label.as_bytes());
        bytes.put_slice(&self.frame);
        bytes.freeze()
    }

    /// Reads what [`Self::encode`] wrote; `None` for anything else.
    pub fn decode(mut bytes: Bytes) -> Option<Self> {
        if bytes.len() < FIXED_BYTES || bytes.get_u8() != VERSION {
            return None;
        }
        let kind = match bytes.get_u8() {
            1 => Kind::Entry,
            2 => Kind::Value,
            3 => Kind::Control,
            _ => return None,
        };
        let node = Uuid::from_slice(&bytes.split_to(16)).ok()?;
        let at_ms = bytes.get_u64();
        let off = bytes.get_u64();
        let epoch_len = usize::from(bytes.get_u8());
        let epoch = text(&mut bytes, epoch_len)?;
        let label_len = usize::from(bytes.try_get_u16().ok()?);
        let label = text(&mut bytes, label_len)?;
        Some(Self { kind, node, at_ms, off, epoch, label, frame: bytes })
    }
}

fn text(bytes: &mut Bytes, len: usize) -> Option<String> {
    if bytes.len() < len {
        return None;
    }
    String::from_utf8(bytes.split_to(len).into()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            at_ms: u64,
            off: u64,
            epoch in ".{0,40}",
            label in ".{0,80}",
            frame in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let (node, frame) = (Uuid::now_v7(), Bytes::from(frame));
            let sent = Envelope { kind: Kind::Entry, node, at_ms, off, epoch, label, frame };
            prop_assert_eq!(Envelope::decode(sent.encode()), Some(sent));
        }

        #[test]
        fn noise_is_survived(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut noise = noise;
            let _nothing = Envelope::decode(Bytes::from(noise.clone()));
            if let Some(first) = noise.first_mut() {
                *first = VERSION;
            }
            let _nothing = Envelope::decode(Bytes::from(noise));
        }
    }
}
