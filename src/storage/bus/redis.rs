//! The bus over Redis Pub/Sub: one subscriber and one publisher connection per node.
//!
//! The subscriber has its own reconnect loop and a ping watchdog that finds half-open links; after
//! every return it subscribes in batches and only then says `Up`. The publisher sends what has
//! piled up in one pipeline. What it cannot send in time is dropped and counted.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, Msg, RedisError, RedisResult,
    aio::{MultiplexedConnection, PubSubSink, PubSubStream},
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use tokio::{
    sync::{Notify, mpsc},
    time::{sleep, timeout},
};

use super::{Bus, BusCounts, BusEvent, BusEvents, EVENTS_MAX, EventSink, Published, Topic};

/// Messages that may wait for the publisher; more are dropped.
pub const PUBLISH_QUEUE_MAX: usize = 16_384;
/// Messages that the publisher sends in one pipeline.
pub const PUBLISH_BATCH_MAX: usize = 256;
/// Topics named in one `SUBSCRIBE`.
pub const SUBSCRIBE_BATCH_MAX: usize = 500;
/// How long one pipeline may take before the connection counts as lost.
pub const PUBLISH_TIMEOUT: Duration = Duration::from_secs(2);
/// How long connecting, and one batch of subscriptions, may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time between two pings on the subscriber's connection.
pub const PING_EVERY: Duration = Duration::from_millis(500);
/// Silence after a ping that makes the link count as lost.
pub const PING_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Shortest and longest pause between two attempts to connect.
pub const RECONNECT_PAUSE: (Duration, Duration) =
    (Duration::from_millis(100), Duration::from_secs(2));

/// One node's link to the bus over Redis.
#[derive(Debug)]
pub struct RedisBus {
    wanted: Arc<Wanted>,
    outgoing: mpsc::Sender<(Box<str>, Bytes)>,
    sink: EventSink,
}

/// Which topics this node wants, and which of them changed since the subscriber last looked.
#[derive(Debug, Default)]
struct Wanted {
    topics: Mutex<Topics>,
    changed: Notify,
    is_up: AtomicBool,
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
}

impl RedisBus {
    /// Opens a link. It connects in the background; [`BusEvent::Up`] says when it works.
    ///
    /// `prefix` keeps environments that share a Redis apart. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// If the URL is not one of a Redis server.
    pub fn open(url: &str, prefix: &str) -> Result<(Arc<Self>, BusEvents), RedisError> {
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(10))
            .with_interval(Duration::from_secs(3));
        let tcp = TcpSettings::default()
            .set_nodelay(true)
            .set_keepalive(keepalive)
            .set_user_timeout(Duration::from_secs(10));
        let client = Client::open(url.into_connection_info()?.set_tcp_settings(tcp))?;
        let (sink, events) = EventSink::new(EVENTS_MAX);
        let (outgoing, queue) = mpsc::channel(PUBLISH_QUEUE_MAX);
        let wanted = Arc::new(Wanted::default());
        let prefix: Arc<str> = format!("{prefix}:bus:").into();
        let subscriber = Subscriber {
            client: client.clone(),
            prefix: prefix.clone(),
            wanted: wanted.clone(),
            sink: sink.clone(),
        };
        tokio::spawn(subscriber.run());
        tokio::spawn(Publisher { client, prefix, queue, sink: sink.clone() }.run());
        Ok((Arc::new(Self { wanted, outgoing, sink }), events))
    }

    fn change(&self, topics: &[Topic], apply: impl Fn(&mut HashSet<Topic>, &Topic) -> bool) {
        let mut sets = self.wanted.topics();
        for topic in topics {
            if apply(&mut sets.all, topic) {
                sets.changed.insert(topic.clone());
            }
        }
        drop(sets);
        self.wanted.changed.notify_one();
    }
}

impl Bus for RedisBus {
    fn publish(&self, topic: &str, payload: Bytes) -> Published {
        if self.outgoing.try_send((topic.into(), payload)).is_ok() {
            self.sink.counters.n_queued.fetch_add(1, Ordering::Relaxed);
            Published::Queued
        } else {
            self.sink.counters.n_dropped.fetch_add(1, Ordering::Relaxed);
            Published::Dropped
        }
    }

    fn subscribe(&self, topics: &[Topic]) {
        self.change(topics, |all, topic| all.insert(topic.clone()));
    }

    fn unsubscribe(&self, topics: &[Topic]) {
        self.change(topics, |all, topic| all.remove(topic));
    }

    fn is_up(&self) -> bool {
        self.wanted.is_up.load(Ordering::Acquire)
    }

    fn reaches_others(&self) -> bool {
        true
    }

    fn counts(&self) -> BusCounts {
        self.sink.counters.read()
    }
}

struct Subscriber {
    client: Client,
    prefix: Arc<str>,
    wanted: Arc<Wanted>,
    sink: EventSink,
}

impl Subscriber {
    /// Runs until nobody wants the events any more.
    async fn run(self) {
        let mut pause = RECONNECT_PAUSE.0;
        let mut is_known = false;
        while !self.sink.is_closed() {
            let outcome = self.serve().await;
            if self.wanted.is_up.swap(false, Ordering::AcqRel) {
                pause = RECONNECT_PAUSE.0;
                is_known = false;
                self.sink.offer(BusEvent::Down);
            }
            if !std::mem::replace(&mut is_known, true) {
                tracing::warn!(error = ?outcome.err(), "the bus link is down, trying again");
            }
            sleep(pause).await;
            pause = (pause * 2).min(RECONNECT_PAUSE.1);
        }
    }

    /// One connection, from connect to loss.
    async fn serve(&self) -> RedisResult<()> {
        let pubsub = within(CONNECT_TIMEOUT, self.client.get_async_pubsub()).await?;
        let (mut sink, stream) = pubsub.split();
        let mut active = HashSet::new();
        let everything = {
            let mut topics = self.wanted.topics();
            topics.changed.clear();
            topics.all.iter().cloned().collect::<Vec<_>>()
        };
        self.subscribe(&mut sink, everything, &mut active).await?;
        self.wanted.is_up.store(true, Ordering::Release);
        self.sink.offer(BusEvent::Up);
        tracing::info!(n_topics = active.len(), "the bus link is up");
        let watched = sink.clone();
        tokio::select! {
            lost = self.receive(stream) => lost,
            lost = self.follow(sink, active) => lost,
            lost = watch(watched) => lost,
        }
    }

    /// Hands on what arrives, until the stream ends.
    async fn receive(&self, mut stream: PubSubStream) -> RedisResult<()> {
        while let Some(message) = stream.next().await {
            if let Some(event) = self.event(&message) {
                self.sink.offer(event);
            }
        }
        Ok(())
    }

    fn event(&self, message: &Msg) -> Option<BusEvent> {
        let topic = message.get_channel_name().strip_prefix(&*self.prefix)?.into();
        let payload = Bytes::copy_from_slice(message.get_payload_bytes());
        Some(BusEvent::Message { topic, payload })
    }

    /// Subscribes and unsubscribes as the node asks.
    async fn follow(&self, mut sink: PubSubSink, mut active: HashSet<Topic>) -> RedisResult<()> {
        while !self.sink.is_closed() {
            self.wanted.changed.notified().await;
            let (mut add, mut remove) = (Vec::new(), Vec::new());
            {
                let mut topics = self.wanted.topics();
                let changed = std::mem::take(&mut topics.changed);
                for topic in changed {
                    match (topics.all.contains(&topic), active.contains(&topic)) {
                        (true, false) => add.push(topic),
                        (false, true) => remove.push(topic),
                        _ => {}
                    }
                }
            }
            for batch in remove.chunks(SUBSCRIBE_BATCH_MAX) {
                within(CONNECT_TIMEOUT, sink.unsubscribe(&self.names(batch))).await?;
                for topic in batch {
                    active.remove(topic);
                }
            }
            if !add.is_empty() {
                self.subscribe(&mut sink, add.clone(), &mut active).await?;
                self.sink.offer(BusEvent::Subscribed(add));
            }
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        sink: &mut PubSubSink,
        topics: Vec<Topic>,
        active: &mut HashSet<Topic>,
    ) -> RedisResult<()> {
        for batch in topics.chunks(SUBSCRIBE_BATCH_MAX) {
            within(CONNECT_TIMEOUT, sink.subscribe(&self.names(batch))).await?;
            active.extend(batch.iter().cloned());
        }
        Ok(())
    }

    fn names(&self, topics: &[Topic]) -> Vec<String> {
        topics.iter().map(|it| format!("{}{it}", self.prefix)).collect()
    }
}

/// Returns when a ping goes unanswered: a link can be dead while its socket looks fine.
async fn watch(mut sink: PubSubSink) -> RedisResult<()> {
    loop {
        sleep(PING_EVERY).await;
        within(PING_TIMEOUT, sink.ping::<redis::Value>()).await?;
    }
}

async fn within<T>(limit: Duration, call: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(limit, call).await.unwrap_or_else(|_| {
        Err(RedisError::from((redis::ErrorKind::Io, "no answer from redis in time")))
    })
}

struct Publisher {
    client: Client,
    prefix: Arc<str>,
    queue: mpsc::Receiver<(Box<str>, Bytes)>,
    sink: EventSink,
}

impl Publisher {
    /// Runs until the link is dropped.
    async fn run(mut self) {
        let mut connection: Option<MultiplexedConnection> = None;
        let mut batch = Vec::with_capacity(PUBLISH_BATCH_MAX);
        while self.queue.recv_many(&mut batch, PUBLISH_BATCH_MAX).await > 0 {
            let n_messages = batch.len();
            if let Err(err) = self.send(&mut connection, &mut batch).await {
                connection = None;
                batch.clear();
                // What waits now would be stale when the link is back; the journal repairs.
                let mut n_lost = n_messages;
                while self.queue.try_recv().is_ok() {
                    n_lost += 1;
                }
                self.sink.counters.n_dropped.fetch_add(n_lost as u64, Ordering::Relaxed);
                tracing::warn!(error = %err, n_lost, "publishing on the bus failed");
                sleep(RECONNECT_PAUSE.0).await;
            }
        }
    }

    async fn send(
        &self,
        connection: &mut Option<MultiplexedConnection>,
        batch: &mut Vec<(Box<str>, Bytes)>,
    ) -> RedisResult<()> {
        let mut pipe = redis::Pipeline::with_capacity(batch.len());
        for (topic, payload) in batch.drain(..) {
            let name = format!("{}{topic}", self.prefix);
            pipe.cmd("PUBLISH").arg(name).arg(&payload[..]).ignore();
        }
        if connection.is_none() {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECT_TIMEOUT))
                .set_response_timeout(Some(PUBLISH_TIMEOUT));
            let opening = self.client.get_multiplexed_async_connection_with_config(&config);
            *connection = Some(within(CONNECT_TIMEOUT, opening).await?);
        }
        let Some(connection) = connection else { return Ok(()) };
        within(PUBLISH_TIMEOUT, pipe.exec_async(connection)).await
    }
}

/// Asks a Redis server for a sign of life, on a connection of its own.
///
/// # Errors
///
/// [`RedisError`] if the address is wrong or nothing answers in time.
pub async fn ping(url: &str) -> Result<(), RedisError> {
    let client = Client::open(url)?;
    let opening = client.get_multiplexed_async_connection();
    let mut connection = within(CONNECT_TIMEOUT, opening).await?;
    within(PING_TIMEOUT, redis::cmd("PING").exec_async(&mut connection)).await
}
