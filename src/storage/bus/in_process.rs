//! A bus inside one process: for one node alone, and for several nodes in a test.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;

use super::{Bus, BusCounts, BusEvent, BusEvents, EVENTS_MAX, EventSink, Published, Topic};

/// What all links of one in-process bus share.
#[derive(Debug, Clone, Default)]
pub struct InProcessBus(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    topics: Mutex<HashMap<Topic, Vec<Listener>>>,
    n_links: AtomicUsize,
    last_link: AtomicU64,
}

#[derive(Debug)]
struct Listener {
    link: u64,
    sink: EventSink,
}

/// One node's link to an [`InProcessBus`].
#[derive(Debug)]
pub struct InProcessLink {
    id: u64,
    bus: InProcessBus,
    sink: EventSink,
}

impl InProcessBus {
    /// Opens a link for one node. It is up from the start.
    pub fn link(&self) -> (Arc<InProcessLink>, BusEvents) {
        let (sink, events) = EventSink::new(EVENTS_MAX);
        let id = self.0.last_link.fetch_add(1, Ordering::Relaxed);
        self.0.n_links.fetch_add(1, Ordering::Relaxed);
        sink.offer(BusEvent::Up);
        (Arc::new(InProcessLink { id, bus: self.clone(), sink }), events)
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<Topic, Vec<Listener>>> {
        // Every change below is complete in itself, so a poisoned map is still a good one.
        self.0.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus for InProcessLink {
    fn publish(&self, topic: &str, payload: Bytes) -> Published {
        self.sink.counters.n_queued.fetch_add(1, Ordering::Relaxed);
        let topics = self.bus.topics();
        if let Some((topic, listeners)) = topics.get_key_value(topic) {
            for listener in listeners {
                let (topic, payload) = (topic.clone(), payload.clone());
                listener.sink.offer(BusEvent::Message { topic, payload });
            }
        }
        Published::Queued
    }

    fn subscribe(&self, topics: &[Topic]) {
        let mut all = self.bus.topics();
        for topic in topics {
            let listeners = all.entry(topic.clone()).or_default();
            if !listeners.iter().any(|it| it.link == self.id) {
                listeners.push(Listener { link: self.id, sink: self.sink.clone() });
            }
        }
    }

    fn unsubscribe(&self, topics: &[Topic]) {
        let mut all = self.bus.topics();
        for topic in topics {
            let Some(listeners) = all.get_mut(topic) else { continue };
            listeners.retain(|it| it.link != self.id);
            if listeners.is_empty() {
                all.remove(topic);
            }
        }
    }

    fn is_up(&self) -> bool {
        true
    }

    fn reaches_others(&self) -> bool {
        self.bus.0.n_links.load(Ordering::Relaxed) > 1
    }

    fn counts(&self) -> BusCounts {
        self.sink.counters.read()
    }
}

impl Drop for InProcessLink {
    fn drop(&mut self) {
        self.bus.0.n_links.fetch_sub(1, Ordering::Relaxed);
        self.bus.topics().retain(|_, listeners| {
            listeners.retain(|it| it.link != self.id);
            !listeners.is_empty()
        });
    }
}
