//! The reading half of a socket: WebSocket frames (RFC 6455) out of bytes, whole messages in order.
//!
//! One frame after the other: what came before a broken one is handled first. After a broken frame
//! the rest is read and thrown away, so that the close frame still reaches the client.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use bytestring::ByteString;
use futures_util::Stream;

use crate::protocol::FRAME_BYTES_MAX;

/// Longest payload of a control frame.
const CONTROL_BYTES_MAX: u64 = 125;
const FINAL_BIT: u8 = 0x80;
const RESERVED_BITS: u8 = 0x70;
const MASK_BIT: u8 = 0x80;

/// What a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A text message, put together if it came in parts.
    Text(ByteString),
    /// A binary message.
    Binary(Bytes),
    /// Wants a pong with the same payload.
    Ping(Bytes),
    /// Answers our ping.
    Pong,
    /// Says good-bye, with this code.
    Close(u16),
}

/// Why nothing more can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Against RFC 6455.
    Protocol,
    /// A message above [`FRAME_BYTES_MAX`].
    TooBig,
    /// Text that is not UTF-8.
    NotUtf8,
    /// The socket is gone.
    Gone,
}

/// Kinds of frames.
mod opcode {
    pub(super) const CONTINUATION: u8 = 0;
    pub(super) const TEXT: u8 = 1;
    pub(super) const BINARY: u8 = 2;
    pub(super) const CLOSE: u8 = 8;
    pub(super) const PING: u8 = 9;
    pub(super) const PONG: u8 = 10;
}

/// Puts frames together. Plain data.
#[derive(Debug, Default)]
pub struct Parser {
    buffer: BytesMut,
    /// A message of which parts are missing, and whether it is text.
    partial: Option<(bool, BytesMut)>,
}

/// The header of a frame.
#[derive(Debug, Clone, Copy)]
struct Header {
    is_final: bool,
    opcode: u8,
    /// Bytes of header and mask.
    n_header: usize,
    len: u64,
}

impl Parser {
    /// Takes in bytes from the wire.
    pub fn feed(&mut self, bytes: Bytes) {
        if self.buffer.is_empty() {
            // Without a copy if nobody else holds the bytes.
            self.buffer = BytesMut::from(bytes);
        } else {
            self.buffer.extend_from_slice(&bytes);
        }
    }

    /// The next message; `None` if more bytes are needed.
    ///
    /// # Errors
    ///
    /// [`Broken`] as soon as a frame cannot become a message; then the parser is of no more use.
    pub fn read(&mut self) -> Result<Option<Incoming>, Broken> {
        while let Some(header) = self.header()? {
            let n_payload = usize::try_from(header.len).map_err(|_| Broken::TooBig)?;
            if self.buffer.len() < header.n_header + n_payload {
                return Ok(None);
            }
            let payload = self.payload(header, n_payload);
            if let Some(message) = self.message(header, payload)? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Reads and checks a header; a frame that is too long is refused before its payload is here.
    fn header(&mut self) -> Result<Option<Header>, Broken> {
        let [first, second, rest @ ..] = &self.buffer[..] else {
            if self.buffer.is_empty() && self.buffer.capacity() > 0 {
                self.buffer = BytesMut::new();
            }
            return Ok(None);
        };
        let (opcode, is_final) = (first & 0x0f, first & FINAL_BIT != 0);
        if first & RESERVED_BITS != 0 || second & MASK_BIT == 0 {
            return Err(Broken::Protocol);
        }
        let is_control = opcode >= opcode::CLOSE;
        let (n_len, len) = match second & !MASK_BIT {
            126 => (2, rest.get(..2).map(|mut it| u64::from(it.get_u16()))),
            127 => (8, rest.get(..8).map(|mut it| it.get_u64())),
            short => (0, Some(u64::from(short))),
        };
        let known = match opcode {
            opcode::CONTINUATION => self.partial.is_some(),
            opcode::TEXT | opcode::BINARY => self.partial.is_none(),
            opcode::CLOSE | opcode::PING | opcode::PONG => is_final && n_len == 0,
            _ => false,
        };
        if !known {
            return Err(Broken::Protocol);
        }
        let Some(len) = len else { return Ok(None) };
        if is_control && len > CONTROL_BYTES_MAX {
            return Err(Broken::Protocol);
        }
        let n_before = self.partial.as_ref().map_or(0, |(_, it)| it.len()) as u64;
        if !is_control && len.saturating_add(n_before) > FRAME_BYTES_MAX as u64 {
            return Err(Broken::TooBig);
        }
        Ok(Some(Header { is_final, opcode, n_header: 2 + n_len + 4, len }))
    }

    fn payload(&mut self, header: Header, n_payload: usize) -> BytesMut {
        let head = self.buffer.split_to(header.n_header);
        let mask = &head[header.n_header - 4..];
        let mask = [mask[0], mask[1], mask[2], mask[3]];
        let mut payload = self.buffer.split_to(n_payload);
        for part in payload.chunks_mut(4) {
            for (byte, key) in part.iter_mut().zip(mask) {
                *byte ^= key;
            }
        }
        payload
    }

    fn message(&mut self, header: Header, payload: BytesMut) -> Result<Option<Incoming>, Broken> {
        match header.opcode {
            opcode::PING => Ok(Some(Incoming::Ping(payload.freeze()))),
            opcode::PONG => Ok(Some(Incoming::Pong)),
            opcode::CLOSE => close_code(&payload).map(|code| Some(Incoming::Close(code))),
            opcode::CONTINUATION => {
                let Some((is_text, mut whole)) = self.partial.take() else {
                    return Err(Broken::Protocol);
                };
                whole.extend_from_slice(&payload);
                self.part(header, is_text, whole)
            }
            opcode => self.part(header, opcode == opcode::TEXT, payload),
        }
    }

    fn part(
        &mut self,
        header: Header,
        is_text: bool,
        so_far: BytesMut,
    ) -> Result<Option<Incoming>, Broken> {
        if !header.is_final {
            self.partial = Some((is_text, so_far));
            return Ok(None);
        }
        if !is_text {
            return Ok(Some(Incoming::Binary(so_far.freeze())));
        }
        let text = ByteString::try_from(so_far.freeze()).map_err(|_| Broken::NotUtf8)?;
        Ok(Some(Incoming::Text(text)))
    }
}

/// The code of a close frame, 1000 if it has none.
fn close_code(payload: &[u8]) -> Result<u16, Broken> {
    let [high, low, reason @ ..] = payload else {
        return if payload.is_empty() { Ok(1000) } else { Err(Broken::Protocol) };
    };
    let code = u16::from_be_bytes([*high, *low]);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Broken::Protocol);
    }
    std::str::from_utf8(reason).map(|_| code).map_err(|_| Broken::NotUtf8)
}

/// Messages out of a stream of bytes.
#[derive(Debug)]
pub struct Reader<S> {
    bytes: S,
    parser: Parser,
    is_broken: bool,
}

impl<S> Reader<S> {
    /// Reads from `bytes`, which is what follows the upgrade.
    pub fn new(bytes: S) -> Self {
        Self { bytes, parser: Parser::default(), is_broken: false }
    }
}

impl<S, E> Stream for Reader<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    type Item = Result<Incoming, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if !self.is_broken {
                match self.parser.read() {
                    Ok(Some(message)) => return Poll::Ready(Some(Ok(message))),
                    Ok(None) => {}
                    Err(broken) => {
                        self.is_broken = true;
                        self.parser = Parser::default();
                        return Poll::Ready(Some(Err(broken)));
                    }
                }
            }
            match ready!(Pin::new(&mut self.bytes).poll_next(cx)) {
                Some(Ok(bytes)) if !self.is_broken => self.parser.feed(bytes),
                // Thrown away, so that the socket is empty when it is closed.
                Some(Ok(_)) => {}
                Some(Err(_)) => return Poll::Ready(Some(Err(Broken::Gone))),
                None => return Poll::Ready(None),
            }
        }
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
