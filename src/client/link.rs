//! The socket of a signed-in profile: it comes back by itself, and nothing is lost or doubled.
//!
//! [`open`] starts a task that connects, resumes, keeps the token fresh and reconnects with full
//! jitter until the server closes for good or every [`Link`] is dropped. Commands without an answer
//! are sent again with the same `cid` on the next connection. Events come in order from [`Events`].

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, oneshot, watch};

pub use crate::client::link_core::{Counts, Event};
use crate::client::{
    error::ClientError,
    link_core::{self, Ask, Copies, PAGE, Purpose},
    link_task::Task,
    log::{self, Kept},
    pace::Pace,
    session::Session,
    socket::Watcher,
};

/// Commands that may wait for the link's task.
const COMMANDS_MAX: usize = 256;
/// Pushes of latest channels that may wait for a reader; newer ones are dropped.
const PUSHES_MAX: usize = 1_024;
/// How long an answer may take, reconnects included, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a command is repeated after an answer that allows it.
const REPEATS_MAX: u32 = 10;
/// Longest pause before such a repetition.
const PAUSE_MAX: Duration = Duration::from_secs(3);

/// How a link behaves.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    /// How many seconds of the server's clock pass in one real second.
    pub scale: f64,
    /// Longest wait before the first reconnect; the server's word if `None`.
    pub reconnect_window: Option<Duration>,
    /// How long an answer may take, reconnects included.
    pub patience: Duration,
    /// Name of the device.
    pub device: String,
    /// Entries kept of each channel; all of them if `None`.
    pub keep_max: Option<usize>,
    /// Whether it acknowledges what it gets. An app must; simulated people have nobody to wake.
    pub acks: bool,
    /// Looks at everything that goes over the wire.
    pub watcher: Option<Watcher>,
}

impl Default for LinkSettings {
    fn default() -> Self {
        let device = format!("d-{}", uuid::Uuid::now_v7().simple());
        Self {
            scale: 1.0,
            reconnect_window: None,
            patience: PATIENCE,
            device,
            keep_max: None,
            acks: false,
            watcher: None,
        }
    }
}

/// A handle on the link; it lives until the last one is dropped.
#[derive(Debug, Clone)]
pub struct Link {
    session: Session,
    patience: Duration,
    orders: mpsc::Sender<Order>,
    copies: Arc<Mutex<Copies>>,
    pace: watch::Receiver<Option<Pace>>,
}

/// What the link's task is told.
#[derive(Debug)]
pub(super) enum Order {
    Ask(Ask),
    /// Sent if the socket is open, else forgotten.
    Tell(&'static str, Value),
    /// Drop the TCP connection without goodbye and stay away for a while.
    Cut(Duration),
    /// Say goodbye and end.
    Close,
}

/// Events for the one reader of a link.
#[derive(Debug)]
pub struct Events {
    queue: Arc<Queue>,
}

/// See [`Events`]. Entries are never dropped: the copies keep as many; other pushes are.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Event>,
    n_pushes: usize,
    is_over: bool,
}

impl Queue {
    pub(super) fn put(&self, event: Event) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(event, Event::Push(_)) {
            if waiting.n_pushes >= PUSHES_MAX {
                return;
            }
            waiting.n_pushes += 1;
        }
        waiting.events.push_back(event);
        self.news.notify_one();
    }

    pub(super) fn end(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
        self.news.notify_one();
    }
}

impl Events {
    /// The next event; `None` after the link has ended. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            {
                let mut waiting = self.queue.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(event) = waiting.events.pop_front() {
                    waiting.n_pushes -= usize::from(matches!(event, Event::Push(_)));
                    return Some(event);
                }
                if waiting.is_over {
                    return None;
                }
            }
            self.queue.news.notified().await;
        }
    }
}

/// Opens the socket of `session`. Must be called inside a tokio runtime.
pub fn open(session: Session, settings: LinkSettings) -> (Link, Events) {
    let (orders, inbox) = mpsc::channel(COMMANDS_MAX);
    let (show_pace, pace) = watch::channel(None);
    let copies = Arc::new(Mutex::new(Copies::keeping(settings.keep_max)));
    let queue = Arc::new(Queue::default());
    let patience = settings.patience;
    let events = Events { queue: Arc::clone(&queue) };
    let renewals = orders.downgrade();
    let task =
        Task::new(session.clone(), settings, Arc::clone(&copies), queue, show_pace, renewals);
    tokio::spawn(task.run(inbox));
    (Link { session, patience, orders, copies, pace }, events)
}

/// A fresh id for a command that changes something.
pub fn new_cid() -> String {
    uuid::Uuid::now_v7().to_string()
}

impl Link {
    /// Who is signed in.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Waits until the socket was open once, and answers the server's clock.
    ///
    /// # Errors
    ///
    /// [`ClientError::Timeout`], or [`ClientError::Closed`] if the link has ended.
    pub async fn ready(&self) -> Result<Pace, ClientError> {
        let mut pace = self.pace.clone();
        let waiting = tokio::time::timeout(self.patience, pace.wait_for(Option::is_some));
        match waiting.await {
            Ok(Ok(pace)) => Ok((*pace).unwrap_or_else(|| Pace::new(0, 1.0))),
            Ok(Err(_)) => Err(ended()),
            Err(_) => Err(self.timeout("connect")),
        }
    }

    /// Sends a command and waits for its answer; after a loss or a retryable error it goes out again.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as the server answers, or if nothing comes back in time.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        let asking = async {
            let mut repeats = 0;
            loop {
                match self.ask(method, params.clone()).await {
                    Err(ClientError::Command { retry: true, after_ms, .. })
                        if repeats < REPEATS_MAX =>
                    {
                        repeats += 1;
                        let pause = Duration::from_millis(after_ms.max(50)).min(PAUSE_MAX);
                        let jitter = rand::rng().random_range(1.0..1.5);
                        tokio::time::sleep(pause.mul_f64(jitter)).await;
                    }
                    done => return done,
                }
            }
        };
        tokio::time::timeout(self.patience, asking)
            .await
            .unwrap_or_else(|_| Err(self.timeout(method)))
    }

    /// Like [`call`](Self::call), but takes any answer as final.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as the server answers, or if the link has ended.
    pub async fn ask(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        let (to, answer) = oneshot::channel();
        let ask = Ask { method: method.to_owned(), params, purpose: Purpose::Asked(to) };
        self.orders.send(Order::Ask(ask)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }

    /// Sends a command that has no answer; it is forgotten if the socket is not open just now.
    pub fn tell(&self, method: &'static str, params: Value) {
        // A full queue means that newer values follow anyway.
        drop(self.orders.try_send(Order::Tell(method, params)));
    }

    /// Says something in a channel and answers the entry's offset and whether it was a repetition.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as the server answers.
    pub async fn say(&self, ch: &str, cid: &str, text: &str) -> Result<(u64, bool), ClientError> {
        let params = json!({ "ch": ch, "cid": cid, "kind": "text", "body": text });
        let ok = self.call("chat.send", params).await?;
        let off = ok.get("off").and_then(Value::as_u64).ok_or_else(|| ClientError::Unreadable {
            call: "chat.send".to_owned(),
            why: format!("no `off` in {ok}"),
        })?;
        Ok((off, ok.get("dup").and_then(Value::as_bool).unwrap_or(false)))
    }

    /// Drops the TCP connection without goodbye, as a tunnel does, and comes back after `away`.
    pub async fn cut(&self, away: Duration) {
        // If the task has ended there is nothing to cut.
        drop(self.orders.send(Order::Cut(away)).await);
    }

    /// Says goodbye and ends the link; the copies stay.
    pub async fn close(&self) {
        drop(self.orders.send(Order::Close).await);
    }

    /// What the copy of a channel holds.
    pub fn copy(&self, channel: &str) -> Vec<Kept> {
        let copies = link_core::lock(&self.copies);
        copies.logs.get(channel).map(log::ChannelLog::kept).unwrap_or_default()
    }

    /// Names of the logged channels of which there is a copy.
    pub fn channels(&self) -> Vec<String> {
        link_core::lock(&self.copies).logs.keys().cloned().collect()
    }

    /// Stops hearing a channel that is over and forgets it, if only the newest entries are kept.
    ///
    /// A link that keeps everything keeps this too, and goes on hearing.
    pub fn put_away(&self, channel: &str) {
        if link_core::lock(&self.copies).put_away(channel) {
            self.tell("unsub", json!({ "ch": channel }));
        }
    }

    /// What the link has lived through.
    pub fn counts(&self) -> Counts {
        link_core::lock(&self.copies).counts
    }

    /// Reads the whole of a channel from the server's journal, page by page.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as the server answers.
    pub async fn journal(&self, channel: &str) -> Result<Vec<Kept>, ClientError> {
        Ok(self.entries(channel).await?.iter().map(log::Entry::keep).collect())
    }

    /// Like [`journal`](Self::journal), with everything that stands in each entry.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as the server answers.
    pub async fn entries(&self, channel: &str) -> Result<Vec<log::Entry>, ClientError> {
        let mut all: Vec<log::Entry> = Vec::new();
        loop {
            let after = all.last().map_or(0, |it| it.off);
            let params = json!({ "ch": channel, "after": after, "limit": PAGE });
            let page = link_core::entries(&self.call("history", params).await?);
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// How the copy of a channel differs from the journal; waits a moment for entries on their way.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as the server answers.
    pub async fn compare(&self, channel: &str, wait: Duration) -> Result<Vec<String>, ClientError> {
        let until = tokio::time::Instant::now() + wait;
        loop {
            let journal = self.journal(channel).await?;
            let found = log::differences(channel, &self.copy(channel), &journal);
            if found.is_empty() || tokio::time::Instant::now() >= until {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn timeout(&self, call: &str) -> ClientError {
        ClientError::Timeout { call: call.to_owned(), seconds: self.patience.as_secs() }
    }
}

fn ended() -> ClientError {
    ClientError::Closed { code: 1000, reason: "the link has ended".to_owned() }
}
