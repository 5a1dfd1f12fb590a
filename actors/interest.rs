//! Which bus topics this node listens to: those of the channels it serves, and a while longer.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::channel::Channel;
use storage::bus::{Bus, Topic};

/// How long a topic is kept after the last local subscriber left: many come back at once.
pub const LINGER: Duration = Duration::from_secs(10);

/// The topics of one node.
pub struct Interest {
    bus: Arc<dyn Bus>,
    /// Since when nobody here listens; `None` while somebody does.
    topics: Mutex<HashMap<Channel, Option<Instant>>>,
}

impl Interest {
    /// Nothing yet.
    pub fn new(bus: Arc<dyn Bus>) -> Self {
        Self { bus, topics: Mutex::default() }
    }

    /// The first local subscriber of a channel is there.
    pub fn appeared(&self, channel: &Channel) {
        let mut topics = self.topics();
        match topics.entry(channel.clone()) {
            Entry::Occupied(mut known) => drop(known.insert(None)),
            Entry::Vacant(free) => {
                free.insert(None);
                self.bus.subscribe(&[topic(channel)]);
            }
        }
    }

    /// The last local subscriber of a channel is gone.
    pub fn vanished(&self, channel: &Channel) {
        if let Some(since) = self.topics().get_mut(channel) {
            *since = Some(Instant::now());
        }
    }

    /// Leaves topics that nobody here has wanted for longer than `linger`.
    pub fn sweep(&self, linger: Duration) {
        let mut topics = self.topics();
        let is_over = |since: &Option<Instant>| since.is_some_and(|it| it.elapsed() >= linger);
        let left: Vec<Topic> =
            topics.extract_if(|_, since| is_over(since)).map(|(it, _)| topic(&it)).collect();
        if !left.is_empty() {
            self.bus.unsubscribe(&left);
        }
    }

    /// How many topics the node listens to.
    pub fn n_topics(&self) -> usize {
        self.topics().len()
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<Channel, Option<Instant>>> {
        // Each change is complete in itself, so a poisoned map is still a good one.
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bus topic of a channel.
pub fn topic(channel: &Channel) -> Topic {
    channel.to_string().into()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use storage::bus::{BusEvent, in_process::InProcessBus};

    use super::*;

    #[tokio::test]
    async fn a_topic_is_left_some_time_after_its_last_subscriber() {
        let bus = InProcessBus::default();
        let (link, mut events) = bus.link();
        let interest = Interest::new(link.clone());
        let channel = Channel::Pool("wtw3sj".to_owned());
        interest.appeared(&channel);
        interest.vanished(&channel);
        interest.sweep(Duration::from_secs(60));
        interest.appeared(&channel);
        interest.sweep(Duration::ZERO);
        assert_eq!(interest.n_topics(), 1, "somebody came back in time");

        link.publish("pool:wtw3sj", Bytes::from_static(b"1"));
        interest.vanished(&channel);
        interest.sweep(Duration::ZERO);
        link.publish("pool:wtw3sj", Bytes::from_static(b"2"));
        assert_eq!(events.recv().await, Some(BusEvent::Up));
        let heard = events.recv().await;
        assert!(matches!(heard, Some(BusEvent::Message { payload, .. }) if payload == "1"));
        assert_eq!(interest.n_topics(), 0);
    }
}
