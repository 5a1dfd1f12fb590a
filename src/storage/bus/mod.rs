//! The bus: doorbells and latest values between the nodes. It may lose messages, never order.
//!
//! Nothing that must survive depends on it: the journal repairs what the bus loses.
//! Two implementations, one contract (`contract.rs`, run on all that they can be opened on).

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use bytes::Bytes;
use tokio::sync::mpsc;

pub mod in_process;
pub mod redis;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod contract_faults;

/// What a node listens to on the bus.
pub type Topic = Arc<str>;

/// Events that may wait for the receiver; more are dropped and told by [`BusEvent::Lagged`].
pub const EVENTS_MAX: usize = 65_536;

/// What a bus tells its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusEvent {
    /// Somebody published on a topic that this node listens to; maybe this node itself.
    Message {
        /// Where it was published.
        topic: Topic,
        /// What was published.
        payload: Bytes,
    },
    /// These topics are heard from now on; what was published before may have been missed.
    ///
    /// Only for topics that were subscribed while the link was up; see also [`Self::Up`].
    Subscribed(Vec<Topic>),
    /// The link works and every wanted topic is heard again. Before this, anything may have been
    /// missed.
    Up,
    /// The link is lost. It comes back by itself.
    Down,
    /// This node read too slowly: events were dropped here.
    Lagged,
}

/// What became of a message that was handed to the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It is on its way; that is no promise that anybody gets it.
    Queued,
    /// The queue is full or the link is down; the message is gone.
    Dropped,
}

/// What a bus link has done since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BusCounts {
    /// Messages taken for publishing.
    pub n_queued: u64,
    /// Messages dropped on the way out.
    pub n_dropped: u64,
    /// Messages received.
    pub n_received: u64,
    /// Events dropped because this node read too slowly.
    pub n_lagged: u64,
}

/// One node's link to the bus. No call ever waits.
pub trait Bus: Send + Sync {
    /// Hands a message to everybody who listens to the topic, this node included.
    ///
    /// Messages of one link on one topic arrive in the order of these calls, at most once.
    fn publish(&self, topic: &str, payload: Bytes) -> Published;

    /// Listens to topics from soon on; [`BusEvent::Subscribed`] or [`BusEvent::Up`] says when.
    fn subscribe(&self, topics: &[Topic]);

    /// Stops listening to topics, soon.
    fn unsubscribe(&self, topics: &[Topic]);

    /// Whether the link works, as far as this node knows.
    fn is_up(&self) -> bool;

    /// Whether there may be other nodes; if not, publishing is a waste.
    fn reaches_others(&self) -> bool;

    /// What the link has done so far.
    fn counts(&self) -> BusCounts;
}

/// The receiving end of a link.
#[derive(Debug)]
pub struct BusEvents {
    queue: mpsc::Receiver<BusEvent>,
    lagged: Arc<AtomicBool>,
}

impl BusEvents {
    /// The next event; `None` once the link is closed.
    pub async fn recv(&mut self) -> Option<BusEvent> {
        if self.lagged.swap(false, Ordering::AcqRel) {
            return Some(BusEvent::Lagged);
        }
        self.queue.recv().await
    }
}

/// The inner end: offers events without waiting.
#[derive(Debug, Clone)]
struct EventSink {
    queue: mpsc::Sender<BusEvent>,
    lagged: Arc<AtomicBool>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    n_queued: AtomicU64,
    n_dropped: AtomicU64,
    n_received: AtomicU64,
    n_lagged: AtomicU64,
}

impl Counters {
    fn read(&self) -> BusCounts {
        BusCounts {
            n_queued: self.n_queued.load(Ordering::Relaxed),
            n_dropped: self.n_dropped.load(Ordering::Relaxed),
            n_received: self.n_received.load(Ordering::Relaxed),
            n_lagged: self.n_lagged.load(Ordering::Relaxed),
        }
    }
}

impl EventSink {
    fn new(capacity: usize) -> (Self, BusEvents) {
        let (queue, events) = mpsc::channel(capacity);
        let lagged = Arc::new(AtomicBool::new(false));
        let sink = Self { queue, lagged: lagged.clone(), counters: Arc::default() };
        (sink, BusEvents { queue: events, lagged })
    }

    fn offer(&self, event: BusEvent) {
        if matches!(event, BusEvent::Message { .. }) {
            self.counters.n_received.fetch_add(1, Ordering::Relaxed);
        }
        if self.queue.try_send(event).is_err() {
            // Whatever was dropped, also `Up` or `Down`: the receiver must check everything.
            self.counters.n_lagged.fetch_add(1, Ordering::Relaxed);
            self.lagged.store(true, Ordering::Release);
        }
    }

    fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }
}
