//! The bus over Redis Pub/Sub: one server, what Sentinels name, or a Cluster with sharded topics.
//!
//! A link lives from connecting until it is lost, again and again (`life`). Whether it is lost is
//! found by probes that go out and come back the way messages do (`probe`), not by the state of
//! a socket. On return it asks where the servers are, subscribes in batches, waits for a probe and
//! only then says `Up`. What it cannot send in time is dropped and counted: the journal repairs.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use rand::RngExt as _;
use redis::{RedisError, RedisResult};
use tokio::{
    sync::{Notify, mpsc},
    time::{sleep, timeout},
};

pub(crate) use self::keys::Keys;
use self::life::Outgoing;
pub use self::{
    address::{ASK_TIMEOUT, Address},
    probe::{PROBE_EVERY, PROBE_PATIENCE},
};
use super::{Bus, BusCounts, BusEvent, BusEvents, EVENTS_MAX, EventSink, Published, Topic};

mod address;
mod keys;
mod life;
mod probe;
mod server;
mod slots;

/// Messages that may wait for the publisher; more are dropped.
pub const PUBLISH_QUEUE_MAX: usize = 16_384;
/// Messages that go out in one pipeline.
pub const PUBLISH_BATCH_MAX: usize = 256;
/// Topics named in one batch of subscriptions.
pub const SUBSCRIBE_BATCH_MAX: usize = 500;
/// How long one pipeline may take before the link counts as lost.
pub const PUBLISH_TIMEOUT: Duration = Duration::from_secs(3);
/// How long connecting, and one batch of subscriptions, may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long [`ping`] waits for its answer.
pub const PING_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Shortest and longest pause between two attempts to connect, before jitter takes up to half.
pub const RECONNECT_PAUSE: (Duration, Duration) =
    (Duration::from_millis(100), Duration::from_secs(2));

/// One node's link to the bus over Redis.
#[derive(Debug)]
pub struct RedisBus {
    link: Arc<Link>,
    outgoing: mpsc::Sender<Outgoing>,
}

/// What survives a life.
#[derive(Debug)]
struct Link {
    address: Address,
    prefix: Arc<str>,
    wanted: Wanted,
    is_up: AtomicBool,
    sink: EventSink,
}

/// Which topics this node wants, and which of them changed since they were last looked at.
#[derive(Debug, Default)]
struct Wanted {
    topics: Mutex<Topics>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Topics {
    all: HashSet<Topic>,
    changed: HashSet<Topic>,
}

impl Wanted {
    fn topics(&self) -> MutexGuard<'_, Topics> {
        // Each change is complete in itself, so poisoned sets are still good ones.
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything, for a life that begins.
    fn begin(&self) -> Vec<Topic> {
        let mut topics = self.topics();
        topics.changed.clear();
        topics.all.iter().cloned().collect()
    }

    /// What is to be subscribed and what is to be left.
    fn changes(&self, is_active: impl Fn(&Topic) -> bool) -> (Vec<Topic>, Vec<Topic>) {
        let mut topics = self.topics();
        let changed = std::mem::take(&mut topics.changed);
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        for topic in changed {
            match (topics.all.contains(&topic), is_active(&topic)) {
                (true, false) => add.push(topic),
                (false, true) => remove.push(topic),
                _ => {}
            }
        }
        (add, remove)
    }

    /// Everything that is not heard.
    fn missing(&self, is_active: impl Fn(&Topic) -> bool) -> Vec<Topic> {
        self.topics().all.iter().filter(|it| !is_active(it)).cloned().collect()
    }
}

impl RedisBus {
    /// Opens a link. It connects in the background; [`BusEvent::Up`] says when it works.
    ///
    /// `prefix` keeps environments that share a Redis apart. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// What is wrong with the address; see [`Address::parse`].
    pub fn open(url: &str, prefix: &str) -> Result<(Arc<Self>, BusEvents), String> {
        let address = Address::parse(url)?;
        let (sink, events) = EventSink::new(EVENTS_MAX);
        let (outgoing, queue) = mpsc::channel(PUBLISH_QUEUE_MAX);
        let link = Arc::new(Link {
            address,
            prefix: format!("{prefix}:bus:").into(),
            wanted: Wanted::default(),
            is_up: AtomicBool::new(false),
            sink,
        });
        tokio::spawn(link.clone().run(queue));
        Ok((Arc::new(Self { link, outgoing }), events))
    }

    fn change(&self, topics: &[Topic], apply: impl Fn(&mut HashSet<Topic>, &Topic) -> bool) {
        let mut sets = self.link.wanted.topics();
        for topic in topics {
            if apply(&mut sets.all, topic) {
                sets.changed.insert(topic.clone());
            }
        }
        drop(sets);
        self.link.wanted.changed.notify_one();
    }
}

impl Bus for RedisBus {
    fn publish(&self, topic: &str, payload: Bytes) -> Published {
        // Kept for a link that returns it would be stale: others have read the journal by then.
        if self.is_up() && self.outgoing.try_send((topic.into(), payload)).is_ok() {
            self.link.sink.counters.n_queued.fetch_add(1, Ordering::Relaxed);
            return Published::Queued;
        }
        self.link.dropped(1);
        Published::Dropped
    }

    fn subscribe(&self, topics: &[Topic]) {
        self.change(topics, |all, topic| all.insert(topic.clone()));
    }

    fn unsubscribe(&self, topics: &[Topic]) {
        self.change(topics, |all, topic| all.remove(topic));
    }

    fn is_up(&self) -> bool {
        self.link.is_up.load(Ordering::Acquire)
    }

    fn reaches_others(&self) -> bool {
        true
    }

    fn counts(&self) -> BusCounts {
        self.link.sink.counters.read()
    }
}

impl Link {
    /// One life after the other, until nobody wants the link any more.
    async fn run(self: Arc<Self>, mut queue: mpsc::Receiver<Outgoing>) {
        let mut pause = RECONNECT_PAUSE.0;
        let mut is_known = false;
        while !self.sink.is_closed() && !queue.is_closed() {
            let outcome = life::live(&self, &mut queue).await;
            if self.is_up.swap(false, Ordering::AcqRel) {
                pause = RECONNECT_PAUSE.0;
                is_known = false;
                self.sink.offer(BusEvent::Down);
            }
            if !std::mem::replace(&mut is_known, true) {
                tracing::warn!(error = ?outcome.err(), "the bus link is down, trying again");
            }
            // All nodes lose the same Redis at once and should not return at once.
            let jitter = rand::rng().random_range(0.5..1.0);
            sleep(pause.mul_f64(jitter)).await;
            pause = (pause * 2).min(RECONNECT_PAUSE.1);
        }
    }

    fn is_up_now(&self, queue: &mut mpsc::Receiver<Outgoing>, n_topics: usize) {
        let mut n_stale = 0;
        while queue.try_recv().is_ok() {
            n_stale += 1;
        }
        self.dropped(n_stale);
        self.is_up.store(true, Ordering::Release);
        self.sink.offer(BusEvent::Up);
        tracing::info!(n_topics, "the bus link is up");
    }

    fn dropped(&self, n_messages: usize) {
        self.sink.counters.n_dropped.fetch_add(n_messages as u64, Ordering::Relaxed);
    }
}

async fn within<T>(limit: Duration, call: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(limit, call).await.unwrap_or_else(|_| {
        Err(RedisError::from((redis::ErrorKind::Io, "no answer from redis in time")))
    })
}

/// Asks every Redis server behind an address for a sign of life, on connections of their own.
///
/// # Errors
///
/// What is wrong with the address, or what answers wrongly or not in time.
pub async fn ping(url: &str) -> Result<(), String> {
    let address = Address::parse(url)?;
    let asking = async {
        let found = address.find().await?;
        for server in found.map.servers() {
            let mut connection = address::connect(address.server(&server)?, None).await?;
            address.check(&mut connection).await?;
            within(PING_TIMEOUT, redis::cmd("PING").exec_async(&mut connection)).await?;
        }
        Ok(())
    };
    within(CONNECT_TIMEOUT + PING_TIMEOUT, Box::pin(asking)).await.map_err(|err| err.to_string())
}
