//! Somebody with an app: a connection after the other, commands until they are answered, and a
//! strict eye on everything that comes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use riderhub::client::log::Entry;
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, sleep_until},
};

use crate::{
    seen::{Said, Shared},
    wire::{Incoming, Wire},
};

/// Entries of a page of history.
const PAGE: u64 = 200;
/// Pages of history that a client asks for before it stops reading.
const MUCH: usize = 110;
/// Close codes from here on mean that the server does not want us back.
const CODE_FOR_GOOD: u16 = 4_500;

/// A handle on somebody.
pub struct Client {
    pub profile: String,
    pub role: String,
    pub token: String,
    pub device: String,
    pub shared: Arc<Mutex<Shared>>,
    todo: mpsc::UnboundedSender<Todo>,
}

enum Todo {
    Ask(Ask),
    /// Drop the connection without goodbye.
    Cut,
    /// Read nothing for so long.
    StopReading(Duration),
}

struct Ask {
    m: String,
    p: Value,
    why: Why,
}

enum Why {
    Asked(oneshot::Sender<Result<Value, Value>>),
    Page(String),
    Return(String),
    Nobody,
}

impl Client {
    /// Signs in and stays until the handle is dropped.
    pub fn start(person: &Value, nodes: Vec<String>, seed: u64) -> Self {
        let text = |name: &str| person[name].as_str().unwrap().to_owned();
        let (todo, inbox) = mpsc::unbounded_channel();
        let client = Self {
            profile: text("profile"),
            role: text("role"),
            token: text("access_token"),
            device: format!("d-{seed:x}"),
            shared: Arc::default(),
            todo,
        };
        let life = Life {
            token: client.token.clone(),
            device: client.device.clone(),
            nodes,
            rng: StdRng::seed_from_u64(seed),
            shared: client.shared.clone(),
            next_id: 1,
            waiting: BTreeMap::new(),
            later: Vec::new(),
            is_degraded: false,
        };
        tokio::spawn(life.run(inbox));
        client
    }

    pub fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    /// A command, sent until there is a final answer.
    pub async fn ask(&self, m: &str, p: Value) -> Result<Value, Value> {
        let (to, answer) = oneshot::channel();
        let ask = Ask { m: m.to_owned(), p, why: Why::Asked(to) };
        self.todo.send(Todo::Ask(ask)).unwrap_or_else(|_| panic!("{} is gone", self.profile));
        answer.await.unwrap_or_else(|_| panic!("{} was closed for good", self.profile))
    }

    /// Says something and notes that it was acknowledged.
    pub async fn say(&self, channel: &str, body: &str) -> Result<Said, Value> {
        let cid = riderhub::client::link::new_cid();
        let p = json!({ "ch": channel, "cid": cid, "kind": "text", "body": body });
        let ok = self.ask("chat.send", p).await?;
        let off = ok["off"].as_u64().unwrap();
        let said = Said { channel: channel.to_owned(), cid, body: body.to_owned(), off };
        self.shared().said.push(said.clone());
        Ok(said)
    }

    pub fn cut(&self) {
        drop(self.todo.send(Todo::Cut));
    }

    pub fn stop_reading(&self, how_long: Duration) {
        drop(self.todo.send(Todo::StopReading(how_long)));
    }
}

struct Life {
    token: String,
    device: String,
    nodes: Vec<String>,
    rng: StdRng,
    shared: Arc<Mutex<Shared>>,
    next_id: u64,
    waiting: BTreeMap<u64, Ask>,
    /// Commands that the server wants to see again, and when.
    later: Vec<(Instant, Ask)>,
    is_degraded: bool,
}

/// How a connection ended.
enum End {
    Again,
    ForGood(u16),
    NobodyCares,
}

impl Life {
    async fn run(mut self, mut todo: mpsc::UnboundedReceiver<Todo>) {
        loop {
            // Any node is as good as the other, also for what was begun elsewhere.
            let base = self.nodes[self.rng.random_range(0..self.nodes.len())].clone();
            match self.connection(&base, &mut todo).await {
                End::Again => {}
                End::ForGood(code) => {
                    self.shared().book.violations.push(format!("closed for good with {code}"));
                    return;
                }
                End::NobodyCares => return,
            }
            self.waiting.retain(|_, ask| matches!(ask.why, Why::Asked(_)));
            self.later.retain(|(_, ask)| matches!(ask.why, Why::Asked(_)));
            sleep(Duration::from_millis(self.rng.random_range(20..400))).await;
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    async fn connection(&mut self, base: &str, todo: &mut mpsc::UnboundedReceiver<Todo>) -> End {
        let Some(mut wire) = Wire::open(base).await else { return End::Again };
        let resume = self.shared().book.resume();
        let hello = match wire.sign_in(&self.token, &self.device, resume).await {
            Ok(hello) => hello,
            Err(Some(err)) if err["retry"] != true => {
                self.shared().book.violations.push(format!("not let in: {err}"));
                return End::Again;
            }
            Err(_) => return End::Again,
        };
        self.is_degraded = false;
        self.shared().counts.n_connections += 1;
        self.shared().book.connection_begins();
        let positions = hello["channels"].as_object().cloned().unwrap_or_default();
        let mut out = Vec::new();
        for (channel, at) in &positions {
            out.extend(self.stands(channel, at));
        }
        for (_, ask) in std::mem::take(&mut self.waiting) {
            out.push(ask);
        }
        if self.send_all(&mut wire, out).await.is_err() {
            return End::Again;
        }
        self.serve(&mut wire, todo).await
    }

    async fn serve(&mut self, wire: &mut Wire, todo: &mut mpsc::UnboundedReceiver<Todo>) -> End {
        loop {
            let next_later = self.later.iter().map(|(at, _)| *at).min();
            let wake_at = next_later.unwrap_or_else(|| Instant::now() + Duration::from_secs(60));
            let out = tokio::select! {
                incoming = wire.next() => match incoming {
                    Incoming::Frame(frame) => self.take(frame.into()),
                    Incoming::End(code) => {
                        let mut shared = self.shared();
                        shared.counts.n_slow += u64::from(code == 4_004);
                        *shared.ends.entry(code).or_default() += 1;
                        drop(shared);
                        return if code >= CODE_FOR_GOOD { End::ForGood(code) } else { End::Again };
                    }
                },
                what = todo.recv() => match what {
                    None => return End::NobodyCares,
                    Some(Todo::Ask(ask)) => vec![ask],
                    Some(Todo::Cut) => return End::Again,
                    Some(Todo::StopReading(how_long)) => {
                        // What the kernel takes on credit is filled with answers first.
                        let much = self.much_to_read();
                        if self.send_all(wire, much).await.is_err() {
                            return End::Again;
                        }
                        sleep(how_long).await;
                        Vec::new()
                    }
                },
                () = sleep_until(wake_at) => {
                    let now = Instant::now();
                    self.later.extract_if(.., |(at, _)| *at <= now).map(|(_, ask)| ask).collect()
                }
            };
            if self.send_all(wire, out).await.is_err() {
                return End::Again;
            }
        }
    }

    /// All of them wait for an answer from here on: those that a broken wire did not take go out
    /// again on the next one.
    async fn send_all(&mut self, wire: &mut Wire, asks: Vec<Ask>) -> Result<(), ()> {
        let first = self.next_id + 1;
        for ask in asks {
            self.next_id += 1;
            self.waiting.insert(self.next_id, ask);
        }
        for id in first..=self.next_id {
            let Some(ask) = self.waiting.get(&id) else { continue };
            let frame = json!({ "id": id, "m": ask.m, "p": ask.p });
            wire.send(&frame).await?;
        }
        Ok(())
    }

    /// What a frame makes us ask.
    fn take(&mut self, mut frame: Value) -> Vec<Ask> {
        let Some(kind) = frame["push"].as_str().map(str::to_owned) else {
            return self.answered(&mut frame);
        };
        let channel = frame["ch"].as_str().unwrap_or_default().to_owned();
        match &*kind {
            "subscribed" => {
                let from = frame["off"].as_u64().unwrap() + 1;
                let at = json!({ "ep": frame["ep"], "from": from,
                    "recovered": frame["recovered"] != false });
                self.stands(&channel, &at)
            }
            "unsubscribed" => {
                self.shared().book.left(&channel);
                Vec::new()
            }
            "lag" => {
                let mut shared = self.shared();
                shared.counts.n_lags += 1;
                let rests = shared.book.rests_after(&channel, frame["off"].as_u64().unwrap());
                drop(shared);
                if rests { vec![self.page(&channel)] } else { Vec::new() }
            }
            "hub" => {
                self.hub(&frame);
                Vec::new()
            }
            _ => {
                let entry = frame.as_object().and_then(Entry::from_push);
                let Some(entry) = entry else { return Vec::new() };
                let rests = self.shared().pushed(&entry);
                if rests { vec![self.page(&channel)] } else { Vec::new() }
            }
        }
    }

    fn hub(&mut self, frame: &Value) {
        let is_degraded = frame["state"] == "degraded";
        if is_degraded == self.is_degraded {
            self.shared().book.violations.push(format!("told twice: {frame}"));
        }
        self.is_degraded = is_degraded;
        self.shared().counts.n_degraded += u64::from(is_degraded);
    }

    fn stands(&mut self, channel: &str, at: &Value) -> Vec<Ask> {
        let from = at["from"].as_u64().unwrap();
        let (epoch, recovered) = (at["ep"].as_str().unwrap(), at["recovered"] == true);
        let mut shared = self.shared();
        shared.book.stands(channel, epoch, from, recovered);
        let must_page = shared.book.logs[channel].must_page();
        drop(shared);
        if must_page { vec![self.page(channel)] } else { Vec::new() }
    }

    fn page(&self, channel: &str) -> Ask {
        let mut shared = self.shared();
        shared.counts.n_pages += 1;
        let after = shared.book.logs.get(channel).map_or(0, crate::book::Log::last);
        let p = json!({ "ch": channel, "after": after, "limit": PAGE });
        Ask { m: "history".to_owned(), p, why: Why::Page(channel.to_owned()) }
    }

    /// Commands with long answers that nobody waits for.
    fn much_to_read(&self) -> Vec<Ask> {
        let shared = self.shared();
        // Chats have long messages, the store's bell and the inbox do not.
        let chats = shared.book.logs.iter().filter(|(channel, _)| channel.starts_with("order:"));
        let longest = chats.max_by_key(|(_, log)| log.last());
        let Some((channel, _)) = longest else { return Vec::new() };
        let p = json!({ "ch": channel, "after": 0, "limit": PAGE });
        let ask = || Ask { m: "history".to_owned(), p: p.clone(), why: Why::Nobody };
        (0..MUCH).map(|_| ask()).collect()
    }

    fn answered(&mut self, frame: &mut Value) -> Vec<Ask> {
        let id = frame["id"].as_u64().unwrap_or(0);
        let Some(ask) = self.waiting.remove(&id) else { return Vec::new() };
        if frame["err"]["retry"] == true {
            self.shared().counts.n_repeated += 1;
            let pause = frame["err"]["after_ms"].as_u64().unwrap_or(0).max(50);
            self.later.push((Instant::now() + Duration::from_millis(pause), ask));
            return Vec::new();
        }
        let outcome = match frame["ok"].take() {
            Value::Null => Err(frame["err"].take()),
            ok => Ok(ok),
        };
        match (ask.why, outcome) {
            (Why::Asked(to), outcome) => {
                drop(to.send(outcome));
                Vec::new()
            }
            (Why::Nobody, _) => Vec::new(),
            (Why::Page(channel), Ok(page)) => self.paged(&channel, &page),
            (Why::Return(channel), Ok(at)) => self.stands(&channel, &at),
            (Why::Page(channel) | Why::Return(channel), Err(err)) => {
                self.shared().book.violations.push(format!("{channel}: {err}"));
                Vec::new()
            }
        }
    }

    fn paged(&mut self, channel: &str, page: &Value) -> Vec<Ask> {
        let mut entries: Vec<Entry> = page["entries"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|it| Entry::from_push(it.as_object()?))
            .collect();
        entries.sort_by_key(|it| it.off);
        let mut shared = self.shared();
        entries.iter().for_each(|it| shared.read(it));
        let log = &shared.book.logs[channel];
        if log.must_page() || entries.len() as u64 == PAGE {
            drop(shared);
            return vec![self.page(channel)];
        }
        if log.is_at_rest() {
            // It was switched to pull: now we have all, and want to hear it again.
            let p = json!({ "ch": channel, "ep": log.epoch, "off": log.last() });
            return vec![Ask { m: "sub".to_owned(), p, why: Why::Return(channel.to_owned()) }];
        }
        Vec::new()
    }
}
