//! The writing half of a socket: an outbox as a stream of bytes on the wire.
//!
//! Everything that is ready goes out in one WebSocket message, its frames joined by `\n`. The HTTP
//! server polls this as the response body only while the socket takes data, so nothing piles up
//! behind the outbox where it is not counted.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::Stream;

use crate::{
    frame::Frame,
    outbox::{Batch, Beat, Outbox},
};

/// Bytes of text that are joined into one WebSocket message; a longer frame goes alone.
pub const JOIN_BYTES_MAX: usize = 16_384;
/// Longest payload of a WebSocket control frame (RFC 6455 §5.5).
const CONTROL_BYTES_MAX: usize = 125;
/// Longest header of an unmasked WebSocket frame.
const HEADER_BYTES_MAX: usize = 10;

/// Kinds of WebSocket frames, with the bit that says that nothing follows.
mod opcode {
    pub(super) const TEXT: u8 = 0x81;
    pub(super) const CLOSE: u8 = 0x88;
    pub(super) const PING: u8 = 0x89;
    pub(super) const PONG: u8 = 0x8a;
}

/// Streams an outbox; ends when the outbox has ended. Dropping it ends the connection.
#[derive(Debug)]
pub struct Writer {
    outbox: Arc<Outbox>,
}

impl Writer {
    /// The one writer of this outbox.
    pub const fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox }
    }
}

impl Stream for Writer {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut batch = Batch::default();
        let taken = ready!(self.outbox.poll_take(cx, JOIN_BYTES_MAX, &mut batch));
        Poll::Ready(taken.map(|()| Ok(encode(&batch))))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.outbox.end();
    }
}

fn encode(batch: &Batch) -> Bytes {
    let n_text = text_len(&batch.frames);
    let n_control = (batch.beats.len() + usize::from(batch.close.is_some()))
        * (CONTROL_BYTES_MAX + HEADER_BYTES_MAX);
    let mut bytes = BytesMut::with_capacity(n_text + HEADER_BYTES_MAX + n_control);
    for beat in &batch.beats {
        match beat {
            Beat::Ping => put_control(&mut bytes, opcode::PING, b""),
            Beat::Pong(payload) => put_control(&mut bytes, opcode::PONG, payload),
        }
    }
    if let Some((first, others)) = batch.frames.split_first() {
        put_header(&mut bytes, opcode::TEXT, n_text);
        bytes.extend_from_slice(first.text().as_bytes());
        for frame in others {
            bytes.put_u8(b'\n');
            bytes.extend_from_slice(frame.text().as_bytes());
        }
    }
    if let Some(close) = batch.close {
        put_control(&mut bytes, opcode::CLOSE, &close.payload());
    }
    bytes.freeze()
}

/// The length of all frames joined.
fn text_len(frames: &[Frame]) -> usize {
    let n_newlines = frames.len().saturating_sub(1);
    frames.iter().map(Frame::len).sum::<usize>() + n_newlines
}

fn put_control(bytes: &mut BytesMut, opcode: u8, payload: &[u8]) {
    let payload = &payload[..payload.len().min(CONTROL_BYTES_MAX)];
    put_header(bytes, opcode, payload.len());
    bytes.extend_from_slice(payload);
}

/// The header of an unmasked frame; servers do not mask.
fn put_header(bytes: &mut BytesMut, opcode: u8, len: usize) {
    bytes.put_u8(opcode);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short), _) if short < 126 => bytes.put_u8(short),
        (_, Ok(medium)) => {
            bytes.put_u8(126);
            bytes.put_u16(medium);
        }
        _ => {
            bytes.put_u8(127);
            bytes.put_u64(len as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{FutureExt, StreamExt};

    use super::*;
    use crate::{close::Close, frame::Lane};

    fn taken(writer: &mut Writer) -> Option<Bytes> {
        writer.next().now_or_never().flatten().map(|it| it.unwrap())
    }

    #[test]
    fn what_is_ready_goes_out_in_one_message() {
        let outbox = Outbox::bounded(1_000);
        let mut writer = Writer::new(outbox.clone());
        outbox.push(Lane::Chat, Frame::json("{1}"));
        outbox.push(Lane::Control, Frame::json("{2}"));
        assert_eq!(taken(&mut writer).unwrap(), b"\x81\x07{2}\n{1}".as_slice());
        assert_eq!(taken(&mut writer), None);
    }

    #[test]
    fn long_messages_have_long_headers() {
        for (len, header) in [
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 126, 255, 255]),
            (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let outbox = Outbox::bounded(100_000);
            let mut writer = Writer::new(outbox.clone());
            outbox.push(Lane::Chat, Frame::json("x".repeat(len)));
            let bytes = taken(&mut writer).unwrap();
            assert!(bytes.starts_with(&header), "{len}: {:?}", &bytes[..10]);
            assert_eq!(bytes.len(), header.len() + len);
        }
    }

    #[test]
    fn the_close_frame_is_the_last_thing() {
        let outbox = Outbox::bounded(1_000);
        let mut writer = Writer::new(outbox.clone());
        outbox.push(Lane::Control, Frame::json("{}"));
        outbox.beat(Beat::Pong(Bytes::from_static(b"hi")));
        outbox.close(Close::Drain(Duration::from_millis(7)));
        let bytes = taken(&mut writer).unwrap();
        assert_eq!(bytes, b"\x8a\x02hi\x81\x02{}\x88\x0f\x0f\xa1drain;after=7".as_slice());
        assert!(writer.next().now_or_never().is_none(), "the client may answer the close");
        outbox.end();
        assert!(writer.next().now_or_never().unwrap().is_none(), "the stream has ended");
    }

    #[test]
    fn a_message_is_not_joined_beyond_its_limit() {
        let outbox = Outbox::bounded(100_000);
        let mut writer = Writer::new(outbox.clone());
        for _ in 0..4 {
            outbox.push(Lane::Chat, Frame::json("x".repeat(JOIN_BYTES_MAX / 2)));
        }
        assert_eq!(taken(&mut writer).unwrap().len(), JOIN_BYTES_MAX + 5);
        assert_eq!(taken(&mut writer).unwrap().len(), JOIN_BYTES_MAX + 5);
        assert_eq!(taken(&mut writer), None);
    }
}
