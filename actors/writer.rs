//! The writing half of a socket: an outbox as bytes on the wire.
//!
//! Everything that is ready goes out in one write, its frames joined to one WebSocket message. Only
//! what the kernel does not take at once is kept here: at most one such batch, so nothing piles up
//! behind the outbox where it is not counted.

use std::{
    cell::RefCell,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::AsyncWrite,
    time::{Instant, Sleep, sleep},
};

use crate::{
    close::Close,
    frame::{Format, Frame},
    outbox::{Batch, Beat, Outbox, STALL_MAX},
    wire::{HEADER_BYTES_MAX, opcode, put_control, put_header},
};

/// Bytes of text that are joined into one WebSocket message; a longer frame goes alone.
pub const JOIN_BYTES_MAX: usize = 16_384;
/// Bytes that the shared buffer of a thread may keep.
const SCRATCH_BYTES_MAX: usize = 4 * JOIN_BYTES_MAX;

/// Of this many writes one is timed, for [`COMMIT_TO_WRITE`].
const TIMED_ONE_OF: u32 = 64;
/// The histogram of the time from a frame's commit (or making) to its write, by lane.
pub const COMMIT_TO_WRITE: &str = "riderhub_commit_to_write_seconds";

thread_local! {
    /// For all writers of a thread: nothing is allocated per write.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// What was taken and how it looks on the wire.
#[derive(Default)]
struct Scratch {
    batch: Batch,
    bytes: Vec<u8>,
    n_writes: u32,
}

/// Writes an outbox to a socket; ends when the outbox has ended or the socket is gone. Dropping it
/// ends the connection.
#[derive(Debug)]
pub struct Writer<W> {
    outbox: Arc<Outbox>,
    socket: W,
    format: Format,
    /// What the socket has not taken yet.
    rest: Bytes,
    /// Runs while the socket takes nothing.
    patience: Option<Pin<Box<Sleep>>>,
}

/// What became of a write.
enum Written {
    All,
    Rest(Bytes),
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// The one writer of this outbox.
    pub const fn new(outbox: Arc<Outbox>, socket: W, format: Format) -> Self {
        Self { outbox, socket, format, rest: Bytes::new(), patience: None }
    }

    /// Hands `bytes` to the kernel as far as it takes them. `None` if the socket is gone.
    fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Option<Written> {
        match Pin::new(&mut self.socket).poll_write(cx, bytes) {
            Poll::Pending => Some(Written::Rest(Bytes::copy_from_slice(bytes))),
            Poll::Ready(Ok(n)) if n == bytes.len() => Some(Written::All),
            Poll::Ready(Ok(n)) if n > 0 => Some(Written::Rest(Bytes::copy_from_slice(&bytes[n..]))),
            Poll::Ready(_) => None,
        }
    }

    /// Writes what was left; `false` if the socket is gone.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        while !self.rest.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_write(cx, &self.rest)) {
                Ok(n) if n > 0 => {
                    self.rest.advance(n);
                    self.patience = None;
                }
                _ => return Poll::Ready(false),
            }
        }
        self.rest = Bytes::new();
        Poll::Ready(true)
    }

    /// The socket takes nothing: cuts it off after a while. Ready once nobody waits for it.
    fn poll_blocked(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(STALL_MAX)));
        while patience.as_mut().poll(cx).is_ready() {
            self.outbox.close(Close::Slow);
            patience.as_mut().reset(Instant::now() + STALL_MAX);
        }
        self.outbox.poll_left(cx)
    }

    /// Takes what is ready and writes it; `false` if there is nothing more to come.
    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        SCRATCH.with_borrow_mut(|Scratch { batch, bytes, n_writes }| {
            *n_writes = n_writes.wrapping_add(1);
            batch.wants_front = n_writes.is_multiple_of(TIMED_ONE_OF);
            let taken = ready!(self.outbox.poll_take(cx, JOIN_BYTES_MAX, batch));
            if taken.is_none() {
                return Poll::Ready(false);
            }
            encode(batch, self.format, bytes);
            let front = batch.front;
            batch.clear();
            let written = self.write(cx, bytes);
            if let Some((lane, made_at)) = front {
                metrics::histogram!(COMMIT_TO_WRITE, "lane" => lane).record(made_at.elapsed());
            }
            bytes.clear();
            if bytes.capacity() > SCRATCH_BYTES_MAX {
                *bytes = Vec::new();
            }
            match written {
                Some(Written::All) if batch.is_drained => Poll::Pending,
                Some(Written::All) => Poll::Ready(true),
                Some(Written::Rest(rest)) => {
                    self.rest = rest;
                    Poll::Ready(true)
                }
                None => Poll::Ready(false),
            }
        })
    }
}

impl<W: AsyncWrite + Unpin> Future for Writer<W> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let goes_on = match self.poll_rest(cx) {
                Poll::Pending => return self.poll_blocked(cx),
                Poll::Ready(is_there) => is_there && ready!(self.poll_batch(cx)),
            };
            if !goes_on {
                return Poll::Ready(());
            }
        }
    }
}

impl<W> Drop for Writer<W> {
    fn drop(&mut self) {
        self.outbox.end();
    }
}

fn encode(batch: &Batch, format: Format, bytes: &mut Vec<u8>) {
    for beat in &batch.beats {
        match beat {
            Beat::Ping => put_control(bytes, opcode::PING, b""),
            Beat::Pong(payload) => put_control(bytes, opcode::PONG, payload),
        }
    }
    match format {
        Format::Json => join(bytes, opcode::TEXT, b"\n", &batch.frames, |it| it.text().as_bytes()),
        Format::MessagePack => {
            join(bytes, opcode::BINARY, b"", &batch.frames, |it| it.msgpack());
        }
        Format::Plain => {
            for frame in &batch.frames {
                let (opcode, payload) = match frame.plain_bytes() {
                    Some(binary) => (opcode::BINARY, &binary[..]),
                    None => (opcode::TEXT, frame.text().as_bytes()),
                };
                put_header(bytes, opcode, payload.len());
                bytes.extend_from_slice(payload);
            }
        }
    }
    if let Some(close) = batch.close {
        put_control(bytes, opcode::CLOSE, &close.payload());
    }
}

/// Writes frames as one message.
fn join(
    bytes: &mut Vec<u8>,
    opcode: u8,
    between: &[u8],
    frames: &[Frame],
    form: impl Fn(&Frame) -> &[u8],
) {
    let Some((first, others)) = frames.split_first() else { return };
    let n_payload =
        frames.iter().map(|it| form(it).len()).sum::<usize>() + between.len() * others.len();
    bytes.reserve(n_payload + HEADER_BYTES_MAX);
    put_header(bytes, opcode, n_payload);
    bytes.extend_from_slice(form(first));
    for frame in others {
        bytes.extend_from_slice(between);
        bytes.extend_from_slice(form(frame));
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
