//! The queue between this node and one socket: bounded in bytes, with lanes, never waited for.
//!
//! `push` takes a frame or says why not; the socket's writer takes everything that is ready.
//! A reader that is slow loses live extras first (at 50 % of the bytes), then its chats go to pull
//! mode (at 80 %: it reads the journal at its own speed), then it loses the connection.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use domain::channel::Channel;

use crate::{
    close::Close,
    frame::{Frame, Lane, Pushed, Slot},
    queue::{Put, Queue},
};

/// Bytes that may wait for one socket.
pub const OUTBOX_BYTES_MAX: usize = 262_144;
/// Notes that may wait for a connection; more close it, and its resume sets everything right.
pub const NOTES_MAX: usize = 512;
/// How long a frame may wait for a socket that takes nothing.
pub const STALL_MAX: Duration = Duration::from_secs(10);
/// Frames that an empty batch keeps room for.
const BATCH_CAPACITY_MAX: usize = 4_096;
/// Pings and pongs that may wait.
const BEATS_MAX: usize = 16;
/// The code of a socket that ended without a close frame (RFC 6455 §7.1.5).
const LOST: u16 = 1006;

/// What the hub tells the connection behind an outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// This profile became a party of a channel: subscribe to it.
    Join(Channel),
    /// Close, once the command under way is answered.
    Close(Close),
}

/// One socket's queue. Shared by the hub, the connection and the socket's writer.
#[derive(Debug)]
pub struct Outbox {
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queue: Queue,
    beats: VecDeque<Beat>,
    notes: VecDeque<Note>,
    end: End,
    /// The owner waits for nothing any more, not even for the client's answer to a close.
    has_left: bool,
    writer: Option<Waker>,
    /// The writer, while its socket takes nothing: no push wakes it, only the end.
    blocked: Option<Waker>,
    owner: Option<Waker>,
}

/// A WebSocket control frame that keeps the link alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beat {
    /// Asks the client for a pong.
    Ping,
    /// Answers the client's ping with the same payload.
    Pong(Bytes),
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// What is queued goes out, then the close frame.
    Closing(Close),
    /// The close frame is out; the client may answer it before the socket is closed.
    Closed,
    /// Nothing goes out any more.
    Ended,
}

/// What a writer took, in the order in which it goes out.
#[derive(Debug, Default)]
pub struct Batch {
    /// Control frames.
    pub beats: Vec<Beat>,
    /// Text frames.
    pub frames: Vec<Frame>,
    /// The last thing that goes out, if anything.
    pub close: Option<Close>,
    /// Nothing more waits: the writer is woken when that changes.
    pub is_drained: bool,
    /// Asks for [`Self::front`].
    pub wants_front: bool,
    /// The lane of the first frame that is no reply, and when that frame was made.
    pub front: Option<(&'static str, Instant)>,
}

impl Batch {
    /// Empties it for the next time; its memory is kept unless it is much.
    pub fn clear(&mut self) {
        if self.frames.capacity() > BATCH_CAPACITY_MAX {
            *self = Self::default();
        }
        self.beats.clear();
        self.frames.clear();
        (self.close, self.front, self.wants_front) = (None, None, false);
    }
}

impl Outbox {
    /// An empty outbox that holds at most `bytes_max` bytes.
    pub fn bounded(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, state: Mutex::default() })
    }

    /// Queues one frame. Never waits.
    pub fn push(&self, lane: Lane, frame: Frame) -> Pushed {
        let mut state = self.state();
        if let Some(refused) = self.refusal(&mut state, lane, frame.len()) {
            return refused;
        }
        state.queue.push(lane, frame);
        wake(&mut state.writer);
        Pushed::Queued
    }

    /// Queues an entry of a logged channel. Of what a slow reader can read from the journal
    /// itself nothing is queued: [`Pushed::Lagging`].
    pub fn push_entry(&self, lane: Lane, frame: Frame) -> Pushed {
        let mut state = self.state();
        if let Some(refused) = self.refusal(&mut state, lane, frame.len()) {
            return refused;
        }
        let n_bytes = state.queue.n_bytes();
        if lane == Lane::Chat && n_bytes > 0 && n_bytes + frame.len() > self.bytes_max / 5 * 4 {
            return Pushed::Lagging;
        }
        state.queue.push(lane, frame);
        wake(&mut state.writer);
        Pushed::Queued
    }

    /// Queues the newest value of a slot in place of an older one that still waits.
    pub fn push_latest(&self, slot: Slot, frame: Frame) -> Pushed {
        let mut state = self.state();
        if state.end != End::Open {
            return Pushed::Gone;
        }
        match state.queue.put_newest(slot, frame, self.bytes_max / 5 * 4) {
            Put::Conflated => Pushed::Conflated,
            Put::NoRoom => Pushed::Dropped,
            Put::Queued => {
                wake(&mut state.writer);
                Pushed::Queued
            }
        }
    }

    /// Why a frame cannot be taken; a reader that is too slow is cut off here.
    fn refusal(&self, state: &mut State, lane: Lane, len: usize) -> Option<Pushed> {
        if state.end != End::Open {
            return Some(Pushed::Gone);
        }
        // An empty queue takes any frame: a snapshot may be larger than the queue.
        if state.queue.n_bytes() == 0 {
            return None;
        }
        let n_bytes = state.queue.n_bytes() + len;
        if lane == Lane::Ephemeral {
            return (n_bytes > self.bytes_max / 2).then_some(Pushed::Dropped);
        }
        if n_bytes <= self.bytes_max && !state.queue.is_stalled() {
            return None;
        }
        state.cut_off(Close::Slow);
        Some(Pushed::Full)
    }

    /// Queues a ping or a pong. A client that pings without reading gets no more than a few pongs.
    pub fn beat(&self, beat: Beat) {
        let mut state = self.state();
        if state.end == End::Open && state.beats.len() < BEATS_MAX {
            state.beats.push_back(beat);
            wake(&mut state.writer);
        }
    }

    /// Tells the connection something.
    pub fn tell(&self, note: Note) {
        let mut state = self.state();
        if state.end != End::Open {
            return;
        }
        if state.notes.len() >= NOTES_MAX {
            return state.cut_off(Close::ServerError);
        }
        state.notes.push_back(note);
        wake(&mut state.owner);
    }

    /// Closes after what is queued; a reader that is too slow gets only the close frame.
    pub fn close(&self, why: Close) {
        let mut state = self.state();
        if state.end != End::Open {
            return;
        }
        if why == Close::Slow || state.queue.is_stalled() {
            return state.cut_off(why);
        }
        why.count();
        state.end = End::Closing(why);
        wake(&mut state.writer);
        wake(&mut state.owner);
    }

    /// The socket is gone or may go. A close frame that is due still goes out, nothing else does.
    pub fn end(&self) {
        let mut state = self.state();
        state.clear();
        if state.end == End::Open {
            // The socket went away without a word.
            Close::Answered(LOST).count();
        }
        state.end = match state.end {
            End::Closing(why) => End::Closing(why),
            End::Open | End::Closed | End::Ended => End::Ended,
        };
        state.has_left = true;
        wake(&mut state.blocked);
        wake(&mut state.writer);
        wake(&mut state.owner);
    }

    /// Cuts off a reader that has taken nothing for too long. To be asked now and then, for an
    /// outbox that nobody pushes to.
    pub fn check_stall(&self) {
        let mut state = self.state();
        if state.end == End::Open && state.queue.is_stalled() {
            state.cut_off(Close::Slow);
        }
    }

    /// Takes what is ready, at most about `bytes_max` bytes of text (but at least one frame).
    ///
    /// `None` once everything is out and the connection is closed.
    pub fn poll_take(
        &self,
        cx: &mut Context<'_>,
        bytes_max: usize,
        batch: &mut Batch,
    ) -> Poll<Option<()>> {
        let mut state = self.state();
        let n_before = state.queue.n_bytes();
        batch.beats.extend(std::mem::take(&mut state.beats));
        if batch.wants_front {
            batch.front = state.queue.front();
        }
        if n_before > 0 {
            state.queue.take(bytes_max, &mut batch.frames);
        }
        let n_left = state.queue.n_bytes();
        if let (0, End::Closing(why)) = (n_left, state.end) {
            batch.close = Some(why);
            state.end = if state.has_left || why.is_final() { End::Ended } else { End::Closed };
        }
        if n_before > self.bytes_max / 2 && n_left <= self.bytes_max / 2 {
            wake(&mut state.owner);
        }
        batch.is_drained = n_left == 0 && state.end != End::Ended;
        if batch.is_drained {
            set_waker(&mut state.writer, cx);
        }
        if !batch.frames.is_empty() || !batch.beats.is_empty() || batch.close.is_some() {
            return Poll::Ready(Some(()));
        }
        if state.end == End::Ended { Poll::Ready(None) } else { Poll::Pending }
    }

    /// Ready once the owner waits for nothing any more. For a writer whose socket takes nothing.
    pub fn poll_left(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.has_left {
            return Poll::Ready(());
        }
        set_waker(&mut state.blocked, cx);
        Poll::Pending
    }

    /// The next note for the connection; `None` once the outbox is closing or closed.
    pub fn poll_note(&self, cx: &mut Context<'_>) -> Poll<Option<Note>> {
        let mut state = self.state();
        if state.end != End::Open {
            return Poll::Ready(None);
        }
        if let Some(note) = state.notes.pop_front() {
            return Poll::Ready(Some(note));
        }
        set_waker(&mut state.owner, cx);
        Poll::Pending
    }

    /// Waits until at least half of the queue is free, or the outbox is closed; cuts off a reader
    /// that takes too long. For the one connection that owns the outbox.
    pub async fn room_or_cut_off(&self) {
        let room = poll_fn(|cx| {
            let mut state = self.state();
            if state.end != End::Open || state.queue.n_bytes() <= self.bytes_max / 2 {
                return Poll::Ready(());
            }
            set_waker(&mut state.owner, cx);
            Poll::Pending
        });
        if tokio::time::timeout(STALL_MAX, room).await.is_err() {
            self.close(Close::Slow);
        }
    }

    /// Bytes that wait.
    pub fn n_bytes(&self) -> usize {
        self.state().queue.n_bytes()
    }

    /// Why the connection is closing, if it is us who close it.
    pub fn closing(&self) -> Option<Close> {
        match self.state().end {
            End::Closing(why) => Some(why),
            End::Open | End::Closed | End::Ended => None,
        }
    }

    /// Whether frames are still taken.
    pub fn is_open(&self) -> bool {
        self.state().end == End::Open
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No step below can leave the state half changed, so a poisoned one is still good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn cut_off(&mut self, why: Close) {
        why.count();
        self.clear();
        self.end = End::Closing(why);
        wake(&mut self.writer);
        wake(&mut self.owner);
    }

    fn clear(&mut self) {
        self.queue.clear();
        self.beats = VecDeque::new();
        self.notes = VecDeque::new();
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

fn set_waker(slot: &mut Option<Waker>, cx: &Context<'_>) {
    if !slot.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *slot = Some(cx.waker().clone());
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
