//! One Redis server of a link: a connection that hears, a connection that publishes, the probes.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use bytes::Bytes;
use metrics::histogram;
use redis::{
    Pipeline, PushInfo, PushKind, RedisError, RedisResult, Value, aio::MultiplexedConnection,
};
use tokio::sync::{Notify, mpsc};

use super::{
    BusEvent, EventSink, Topic,
    address::{Address, connect},
    probe::Probes,
    slots::SlotMap,
};

/// What a server says of itself.
#[derive(Debug)]
pub(super) enum Word {
    /// The connection that carries this number has ended.
    Lost(u64),
    /// It has stopped sending a topic, whether we asked for that or not.
    Left(Topic),
    /// It said that it does not have a topic's slot, or has it no longer.
    Moved,
}

/// What is given to every connection of a link.
#[derive(Debug, Clone)]
pub(super) struct Ear {
    pub(super) prefix: Arc<str>,
    pub(super) sink: EventSink,
    pub(super) words: mpsc::UnboundedSender<Word>,
    /// A probe has come back.
    pub(super) probed: Arc<Notify>,
}

/// See the file's head.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// Which opening of a server it is; later ones have larger numbers.
    pub(super) number: u64,
    subscriber: MultiplexedConnection,
    publisher: MultiplexedConnection,
    is_sharded: bool,
    probe_name: Arc<str>,
    probes: Arc<Mutex<Probes>>,
}

impl Server {
    /// Opens both connections and listens to the probes.
    pub(super) async fn open(
        address: &Address,
        name: &Arc<str>,
        (map, is_sharded): (&SlotMap, bool),
        number: u64,
        ear: Ear,
    ) -> RedisResult<Self> {
        let info = address.server(name)?;
        let stem = format!("{}probe:{}:", ear.prefix, uuid::Uuid::now_v7().simple());
        let probe_name: Arc<str> = map
            .name_on(name, &stem)
            .ok_or_else(|| super::address::unexpected("a server without slots"))?
            .into();
        let probes = Arc::new(Mutex::new(Probes::new(Instant::now())));
        let (heard, probe) = (probes.clone(), probe_name.clone());
        let on_push = Box::new(move |push| hear(push, &ear, number, &probe, &heard));
        let subscriber = connect(info.clone(), Some(on_push)).await?;
        let mut publisher = connect(info, None).await?;
        address.check(&mut publisher).await?;
        let mut server = Self {
            number,
            subscriber,
            publisher,
            is_sharded,
            probe_name: probe_name.clone(),
            probes,
        };
        match server.subscribe(&[probe_name.to_string()]).await?.first() {
            None | Some(None) => Ok(server),
            Some(Some(_)) => Err(super::address::unexpected("slots move while we connect")),
        }
    }

    /// Listens to names; for each the error code if the server refused it alone.
    pub(super) async fn subscribe(&mut self, names: &[String]) -> RedisResult<Vec<Option<String>>> {
        if !self.is_sharded {
            self.subscriber.subscribe(names).await?;
            return Ok(vec![None; names.len()]);
        }
        self.each("SSUBSCRIBE", names).await
    }

    /// Stops listening to names.
    pub(super) async fn unsubscribe(&mut self, names: &[String]) -> RedisResult<()> {
        if !self.is_sharded {
            return self.subscriber.unsubscribe(names).await;
        }
        // A name that has moved is left already.
        self.each("SUNSUBSCRIBE", names).await.map(drop)
    }

    /// One command for each name: names of one command would have to share a slot.
    async fn each(&mut self, verb: &str, names: &[String]) -> RedisResult<Vec<Option<String>>> {
        let mut pipe = Pipeline::with_capacity(names.len());
        for name in names {
            pipe.cmd(verb).arg(name);
        }
        let answers = self.subscriber.send_packed_commands(&pipe, 0, names.len()).await?;
        Ok(answers.iter().map(refused).collect())
    }

    /// Adds a message to what goes out to this server at once.
    pub(super) fn add_to(&self, pipe: &mut Pipeline, name: &str, payload: &[u8]) {
        pipe.cmd(if self.is_sharded { "SPUBLISH" } else { "PUBLISH" }).arg(name).arg(payload);
    }

    /// Publishes; answers how many messages went to the wrong server.
    pub(super) async fn publish(&self, pipe: Pipeline) -> RedisResult<usize> {
        let n = pipe.cmd_iter().count();
        let answers = self.publisher.clone().send_packed_commands(&pipe, 0, n).await?;
        let mut n_moved = 0;
        for answer in answers {
            match refused(&answer).as_deref() {
                None => {}
                Some("MOVED" | "ASK" | "TRYAGAIN") => n_moved += 1,
                Some(_) => return Err(refusal(answer)),
            }
        }
        Ok(n_moved)
    }

    /// Adds the next probe to what goes out.
    pub(super) fn add_probe_to(&self, pipe: &mut Pipeline) {
        let payload = lock(&self.probes).send(Instant::now());
        self.add_to(pipe, &self.probe_name, &payload);
    }

    pub(super) fn probe_name(&self) -> &str {
        &self.probe_name
    }

    pub(super) fn has_heard_a_probe(&self) -> bool {
        lock(&self.probes).has_heard()
    }

    pub(super) fn is_lost(&self) -> bool {
        lock(&self.probes).is_lost(Instant::now())
    }
}

fn lock(probes: &Mutex<Probes>) -> MutexGuard<'_, Probes> {
    // Plain numbers: what a panic leaves behind is still good.
    probes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(answer: &Value) -> Option<String> {
    match answer {
        Value::ServerError(err) => Some(err.code().to_owned()),
        _ => None,
    }
}

fn refusal(answer: Value) -> RedisError {
    match answer.extract_error() {
        Err(err) => err,
        Ok(_) => super::address::unexpected("an answer that is no error"),
    }
}

/// Runs on the connection's own task: it must be quick and never wait.
fn hear(push: PushInfo, ear: &Ear, number: u64, probe_name: &str, probes: &Mutex<Probes>) {
    match push.kind {
        PushKind::Message | PushKind::SMessage => {
            let mut parts = push.data.into_iter();
            let (Some(Value::BulkString(name)), Some(Value::BulkString(payload))) =
                (parts.next(), parts.next())
            else {
                return;
            };
            if name == probe_name.as_bytes() {
                if let Some(away) = lock(probes).hear(&payload, Instant::now()) {
                    histogram!("riderhub_bus_probe_seconds").record(away);
                    ear.probed.notify_one();
                }
            } else if let Some(topic) = topic(&name, &ear.prefix) {
                ear.sink.offer(BusEvent::Message { topic, payload: Bytes::from(payload) });
            }
        }
        PushKind::SUnsubscribe => {
            if let Some(Value::BulkString(name)) = push.data.first()
                && let Some(topic) = topic(name, &ear.prefix)
            {
                say(ear, Word::Left(topic));
            }
        }
        PushKind::Disconnection => say(ear, Word::Lost(number)),
        _ => {}
    }
}

fn say(ear: &Ear, word: Word) {
    // Nobody listens any more: the link has ended.
    drop(ear.words.send(word));
}

fn topic(name: &[u8], prefix: &str) -> Option<Topic> {
    std::str::from_utf8(name).ok()?.strip_prefix(prefix).map(Topic::from)
}
