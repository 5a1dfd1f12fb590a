//! The reading half of a socket: WebSocket frames (RFC 6455) out of bytes, whole messages in order.
//!
//! One frame after the other: what came before a broken one is handled first. After a broken frame
//! the rest is read and thrown away, so that the close frame still reaches the client. A quiet
//! socket holds no buffer: bytes are read into one that all sockets of a thread share.

use std::{
    cell::RefCell,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use bytestring::ByteString;
use futures_util::Stream;
use tokio::io::{AsyncRead, ReadBuf};

use crate::wire::{CONTROL_BYTES_MAX, FINAL_BIT, MASK_BIT, RESERVED_BITS, opcode, unmask};

/// Bytes of one read.
const READ_BYTES_MAX: usize = 65_536;
/// Room that is made for a message whose rest is still to come, however long it says it is.
const FIRST_ROOM_MAX: usize = 4_096;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES_MAX].into());
}

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
    /// A message above the limit.
    TooBig,
    /// Text that is not UTF-8.
    NotUtf8,
    /// The socket is gone.
    Gone,
}

/// Puts messages together. Plain data.
#[derive(Debug)]
pub struct Parser {
    message_max: usize,
    /// The bytes of a header that are here.
    head: [u8; 14],
    n_head: usize,
    /// A frame of which bytes are missing.
    open: Option<Open>,
    control: Vec<u8>,
    /// A data message of which parts or bytes are missing.
    message: Option<Message>,
}

/// A frame whose header is here.
#[derive(Debug, Clone, Copy)]
struct Open {
    is_final: bool,
    opcode: u8,
    mask: [u8; 4],
    n_done: usize,
    n_missing: usize,
}

#[derive(Debug, Default)]
struct Message {
    is_text: bool,
    bytes: Vec<u8>,
    /// Up to here it is known to be UTF-8.
    n_valid: usize,
}

impl Parser {
    /// Refuses messages above `message_max` bytes.
    pub const fn new(message_max: usize) -> Self {
        let control = Vec::new();
        Self { message_max, head: [0; 14], n_head: 0, open: None, control, message: None }
    }

    /// Takes bytes up to the end of the next message; `None` if it took all and needs more.
    ///
    /// # Errors
    ///
    /// [`Broken`] as soon as a frame cannot become a message; then the parser is of no more use.
    pub fn read(&mut self, bytes: &mut &[u8]) -> Result<Option<Incoming>, Broken> {
        loop {
            let Some(mut open) = self.open else {
                let Some(open) = self.read_head(bytes)? else { return Ok(None) };
                self.open = Some(open);
                continue;
            };
            if open.n_missing > 0 {
                if bytes.is_empty() {
                    return Ok(None);
                }
                let (part, rest) = bytes.split_at(open.n_missing.min(bytes.len()));
                *bytes = rest;
                self.add(open, part)?;
                open.n_done += part.len();
                open.n_missing -= part.len();
                self.open = Some(open);
            }
            if open.n_missing == 0 {
                self.open = None;
                if let Some(message) = self.finish(open)? {
                    return Ok(Some(message));
                }
            }
        }
    }

    /// Reads and checks a header, byte by byte: what is wrong is refused before the rest is here.
    fn read_head(&mut self, bytes: &mut &[u8]) -> Result<Option<Open>, Broken> {
        loop {
            if let Some(open) = self.header()? {
                self.n_head = 0;
                return Ok(Some(open));
            }
            let Some((first, rest)) = bytes.split_first() else { return Ok(None) };
            self.head[self.n_head] = *first;
            self.n_head += 1;
            *bytes = rest;
        }
    }

    fn header(&self) -> Result<Option<Open>, Broken> {
        let [first, rest @ ..] = &self.head[..self.n_head] else { return Ok(None) };
        let (opcode, is_final) = (first & 0x0f, first & FINAL_BIT != 0);
        let is_control = opcode >= opcode::CLOSE;
        let known = match opcode {
            opcode::CONTINUATION => self.message.is_some(),
            opcode::TEXT | opcode::BINARY => self.message.is_none(),
            opcode::CLOSE | opcode::PING | opcode::PONG => is_final,
            _ => false,
        };
        if first & RESERVED_BITS != 0 || !known {
            return Err(Broken::Protocol);
        }
        let [second, rest @ ..] = rest else { return Ok(None) };
        let short = second & !MASK_BIT;
        if second & MASK_BIT == 0 || (is_control && usize::from(short) > CONTROL_BYTES_MAX) {
            return Err(Broken::Protocol);
        }
        let (n_len, len) = match short {
            126 => (2, rest.get(..2).map(|mut it| u64::from(it.get_u16()))),
            127 => (8, rest.get(..8).map(|mut it| it.get_u64())),
            short => (0, Some(u64::from(short))),
        };
        let Some(len) = len else { return Ok(None) };
        let n_before = self.message.as_ref().map_or(0, |it| it.bytes.len());
        let n_missing = usize::try_from(len).map_err(|_| Broken::TooBig)?;
        if !is_control && n_missing.saturating_add(n_before) > self.message_max {
            return Err(Broken::TooBig);
        }
        let mask = rest.get(n_len..).and_then(|it| it.first_chunk::<4>());
        Ok(mask.map(|mask| Open { is_final, opcode, mask: *mask, n_done: 0, n_missing }))
    }

    /// Takes in a part of a payload.
    fn add(&mut self, open: Open, part: &[u8]) -> Result<(), Broken> {
        if open.opcode >= opcode::CLOSE {
            let start = self.control.len();
            self.control.extend_from_slice(part);
            unmask(&mut self.control[start..], open.mask, open.n_done);
            return Ok(());
        }
        let is_text = open.opcode == opcode::TEXT;
        let message = self.message.get_or_insert_with(|| Message { is_text, ..Message::default() });
        let is_last = open.is_final && part.len() == open.n_missing;
        let start = message.bytes.len();
        if is_last {
            message.bytes.reserve_exact(part.len());
        } else {
            message.bytes.reserve(part.len().max(open.n_missing.min(FIRST_ROOM_MAX)));
        }
        message.bytes.extend_from_slice(part);
        unmask(&mut message.bytes[start..], open.mask, open.n_done);
        // A whole message is looked at when it is handed out.
        if is_last { Ok(()) } else { message.check_so_far() }
    }

    fn finish(&mut self, open: Open) -> Result<Option<Incoming>, Broken> {
        match open.opcode {
            opcode::PING => Ok(Some(Incoming::Ping(std::mem::take(&mut self.control).into()))),
            opcode::PONG => {
                self.control = Vec::new();
                Ok(Some(Incoming::Pong))
            }
            opcode::CLOSE => close_code(&std::mem::take(&mut self.control))
                .map(|code| Some(Incoming::Close(code))),
            opcode => {
                let is_text = opcode == opcode::TEXT;
                let whole = self.message.take();
                let whole = whole.unwrap_or_else(|| Message { is_text, ..Message::default() });
                if !open.is_final {
                    self.message = Some(whole);
                    return Ok(None);
                }
                let bytes = Bytes::from(whole.bytes);
                if !whole.is_text {
                    return Ok(Some(Incoming::Binary(bytes)));
                }
                let text = ByteString::try_from(bytes).map_err(|_| Broken::NotUtf8)?;
                Ok(Some(Incoming::Text(text)))
            }
        }
    }
}

impl Message {
    /// Refuses text as soon as it cannot become UTF-8 any more.
    fn check_so_far(&mut self) -> Result<(), Broken> {
        if !self.is_text {
            return Ok(());
        }
        match std::str::from_utf8(&self.bytes[self.n_valid..]) {
            Ok(_) => self.n_valid = self.bytes.len(),
            Err(err) if err.error_len().is_some() => return Err(Broken::NotUtf8),
            Err(err) => self.n_valid += err.valid_up_to(),
        }
        Ok(())
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

/// Messages out of a socket.
#[derive(Debug)]
pub struct Reader<R> {
    socket: R,
    parser: Parser,
    /// What was read behind a message that has not been handled yet.
    rest: Bytes,
    is_broken: bool,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads `first`, which came with the upgrade, and then the socket.
    pub const fn new(socket: R, first: Bytes, message_max: usize) -> Self {
        Self { socket, parser: Parser::new(message_max), rest: first, is_broken: false }
    }

    /// Takes bytes that have just arrived, and keeps what follows the first message.
    fn take(&mut self, mut bytes: &[u8]) -> Option<Result<Incoming, Broken>> {
        let read = self.read(&mut bytes)?;
        if !self.is_broken {
            self.rest = Bytes::copy_from_slice(bytes);
        }
        Some(read)
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Option<Result<Incoming, Broken>> {
        if self.is_broken {
            // Thrown away, so that the socket is empty when it is closed.
            return None;
        }
        let read = self.parser.read(bytes);
        if read.is_err() {
            self.is_broken = true;
            self.parser = Parser::new(0);
            self.rest = Bytes::new();
        }
        read.transpose()
    }

    fn take_rest(&mut self) -> Option<Result<Incoming, Broken>> {
        let rest = std::mem::take(&mut self.rest);
        let mut bytes = &rest[..];
        let read = self.read(&mut bytes)?;
        if !self.is_broken && !bytes.is_empty() {
            self.rest = rest.slice_ref(bytes);
        }
        Some(read)
    }
}

impl<R: AsyncRead + Unpin> Stream for Reader<R> {
    type Item = Result<Incoming, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.rest.is_empty()
            && let Some(message) = self.take_rest()
        {
            return Poll::Ready(Some(message));
        }
        SCRATCH.with_borrow_mut(|scratch| {
            loop {
                let mut room = ReadBuf::new(scratch);
                let read = ready!(Pin::new(&mut self.socket).poll_read(cx, &mut room));
                if read.is_err() {
                    return Poll::Ready(Some(Err(Broken::Gone)));
                }
                if room.filled().is_empty() {
                    return Poll::Ready(None);
                }
                if let Some(message) = self.take(room.filled()) {
                    return Poll::Ready(Some(message));
                }
            }
        })
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
