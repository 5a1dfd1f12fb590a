//! One life of a link: from connecting until it is lost. What was wanted survives it, nothing else.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::try_join_all;
use redis::{Pipeline, RedisResult};
use tokio::{
    sync::{Notify, mpsc},
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    BusEvent, CONNECT_TIMEOUT, Link, PROBE_EVERY, PROBE_PATIENCE, PUBLISH_BATCH_MAX,
    SUBSCRIBE_BATCH_MAX, Topic,
    address::{Found, unexpected},
    server::{Ear, Server, Word},
    slots::SlotMap,
    within,
};

/// Pause before slots are asked for again after one has moved: mostly several do.
const MOVE_PAUSE: Duration = Duration::from_millis(100);
/// How often one subscription follows slots that move on and on before the link begins anew.
const MOVES_MAX: u32 = 5;

/// A message on its way out.
pub(super) type Outgoing = (Box<str>, Bytes);

/// Which server has which topic, and the connections to it.
#[derive(Debug, Clone)]
struct Route {
    map: SlotMap,
    servers: BTreeMap<Arc<str>, Server>,
}

type SharedRoute = Arc<Mutex<Arc<Route>>>;

fn lock(route: &SharedRoute) -> MutexGuard<'_, Arc<Route>> {
    // It is only ever replaced as a whole.
    route.lock().unwrap_or_else(PoisonError::into_inner)
}

/// See the file's head.
struct Life<'a> {
    link: &'a Link,
    ear: Ear,
    route: SharedRoute,
    n_opened: u64,
    /// Topics that are heard, and from which server.
    active: HashMap<Topic, Arc<str>>,
}

/// Connects, hears and publishes until the link is lost or nobody wants it any more.
pub(super) async fn live(link: &Link, queue: &mut mpsc::Receiver<Outgoing>) -> RedisResult<()> {
    let (words_to, words) = mpsc::unbounded_channel();
    let ear = Ear {
        prefix: link.prefix.clone(),
        sink: link.sink.clone(),
        words: words_to.clone(),
        probed: Arc::new(Notify::new()),
    };
    let found = link.address.find().await?;
    let route = Arc::new(Route { map: found.map.clone(), servers: BTreeMap::new() });
    let route = Arc::new(Mutex::new(route));
    let mut life = Life { link, ear, route: route.clone(), n_opened: 0, active: HashMap::new() };
    life.open(found).await?;
    life.subscribe(link.wanted.begin()).await?;
    life.prove().await?;
    link.is_up_now(queue, life.active.len());
    tokio::select! {
        ended = publish(link, &route, queue, &words_to) => ended,
        ended = life.follow(words) => ended,
    }
}

impl Life<'_> {
    fn route(&self) -> Arc<Route> {
        lock(&self.route).clone()
    }

    fn name(&self, topic: &Topic) -> String {
        format!("{}{topic}", self.link.prefix)
    }

    /// Takes over what was found: opens the servers that are new, drops those that are not there.
    async fn open(&mut self, found: Found) -> RedisResult<()> {
        let mut old = self.route().servers.clone();
        let (mut servers, mut new) = (BTreeMap::new(), Vec::new());
        let Found { map, is_sharded } = found;
        for name in map.servers() {
            match old.remove(&name) {
                Some(server) if map.server_of(server.probe_name()) == Some(&name) => {
                    servers.insert(name, server);
                }
                _ => {
                    self.n_opened += 1;
                    new.push((name, self.n_opened));
                }
            }
        }
        let mut opening = Vec::with_capacity(new.len());
        for (name, number) in &new {
            let (address, ear) = (&self.link.address, self.ear.clone());
            opening.push(Server::open(address, name, (&map, is_sharded), *number, ear));
        }
        let opened = try_join_all(opening).await?;
        servers.extend(new.into_iter().map(|(name, _)| name).zip(opened));
        *lock(&self.route) = Arc::new(Route { map, servers });
        Ok(())
    }

    /// Sends a probe through every server and waits until all are back.
    async fn prove(&self) -> RedisResult<()> {
        let route = self.route();
        probe(&route).await?;
        let all_back = async {
            while !route.servers.values().all(Server::has_heard_a_probe) {
                self.ear.probed.notified().await;
            }
            Ok(())
        };
        within(PROBE_PATIENCE, all_back).await
    }

    /// Subscribes in batches, following slots that move meanwhile.
    async fn subscribe(&mut self, topics: Vec<Topic>) -> RedisResult<()> {
        let mut rest = topics;
        for _ in 0..MOVES_MAX {
            rest = self.try_to_subscribe(rest).await?;
            if rest.is_empty() {
                return Ok(());
            }
            sleep(MOVE_PAUSE).await;
            let found = self.link.address.find().await?;
            self.open(found).await?;
        }
        Err(unexpected("slots of the Cluster move on and on"))
    }

    /// Answers the topics that were refused because they are placed elsewhere now.
    async fn try_to_subscribe(&mut self, topics: Vec<Topic>) -> RedisResult<Vec<Topic>> {
        let route = self.route();
        let mut by_server: BTreeMap<&Arc<str>, Vec<Topic>> = BTreeMap::new();
        for topic in topics {
            let server = route.map.server_of(&self.name(&topic));
            let server = server.ok_or_else(|| unexpected("a slot that no server serves"))?;
            by_server.entry(server).or_default().push(topic);
        }
        let mut moved = Vec::new();
        for (name, topics) in by_server {
            let Some(mut server) = route.servers.get(name).cloned() else {
                return Err(unexpected("a server that is not open"));
            };
            for batch in topics.chunks(SUBSCRIBE_BATCH_MAX) {
                let names: Vec<String> = batch.iter().map(|it| self.name(it)).collect();
                let refused = within(CONNECT_TIMEOUT, server.subscribe(&names)).await?;
                for (topic, refused) in batch.iter().zip(refused) {
                    match refused.as_deref() {
                        None => drop(self.active.insert(topic.clone(), name.clone())),
                        Some("MOVED" | "ASK" | "TRYAGAIN") => moved.push(topic.clone()),
                        Some(_) => return Err(unexpected("a subscription was refused")),
                    }
                }
            }
        }
        Ok(moved)
    }

    async fn unsubscribe(&mut self, topics: Vec<Topic>) -> RedisResult<()> {
        let route = self.route();
        let mut by_server: BTreeMap<Arc<str>, Vec<String>> = BTreeMap::new();
        for topic in topics {
            if let Some(server) = self.active.remove(&topic) {
                by_server.entry(server).or_default().push(self.name(&topic));
            }
        }
        for (name, names) in by_server {
            let Some(mut server) = route.servers.get(&name).cloned() else { continue };
            for batch in names.chunks(SUBSCRIBE_BATCH_MAX) {
                within(CONNECT_TIMEOUT, server.unsubscribe(batch)).await?;
            }
        }
        Ok(())
    }

    /// Subscribes and unsubscribes as the node asks, and follows topics whose slots move.
    async fn follow(&mut self, mut words: mpsc::UnboundedReceiver<Word>) -> RedisResult<()> {
        let wanted = &self.link.wanted;
        loop {
            tokio::select! {
                () = wanted.changed.notified() => {
                    let (add, remove) = wanted.changes(|topic| self.active.contains_key(topic));
                    self.unsubscribe(remove).await?;
                    if !add.is_empty() {
                        self.subscribe(add.clone()).await?;
                        self.link.sink.offer(BusEvent::Subscribed(add));
                    }
                    // An answer among these may have been taken for another one's.
                    if self.drain(&mut words)? {
                        return Err(unexpected("slots moved while we subscribed"));
                    }
                }
                Some(word) = words.recv() => {
                    if self.heed(word)? {
                        sleep(MOVE_PAUSE).await;
                        self.drain(&mut words)?;
                        self.move_over().await?;
                    }
                }
            }
        }
    }

    /// Takes the words that are there; `true` if topics have left us.
    fn drain(&mut self, words: &mut mpsc::UnboundedReceiver<Word>) -> RedisResult<bool> {
        let mut have_left = false;
        while let Ok(word) = words.try_recv() {
            have_left |= self.heed(word)?;
        }
        Ok(have_left)
    }

    fn heed(&mut self, word: Word) -> RedisResult<bool> {
        match word {
            Word::Lost(number) => {
                let route = self.route();
                if route.servers.values().any(|it| it.number == number) {
                    return Err(unexpected("the connection has ended"));
                }
                Ok(false)
            }
            Word::Left(topic) => Ok(self.active.remove(&topic).is_some()),
            Word::Moved => Ok(true),
        }
    }

    /// Looks where slots are now and subscribes there to what is not heard any more.
    async fn move_over(&mut self) -> RedisResult<()> {
        let found = self.link.address.find().await?;
        self.open(found).await?;
        let route = self.route();
        self.active.retain(|topic, server| {
            let name = format!("{}{topic}", self.link.prefix);
            route.map.server_of(&name) == Some(server)
        });
        let missing = self.link.wanted.missing(|topic| self.active.contains_key(topic));
        tracing::info!(n_topics = missing.len(), "slots of the Cluster have moved");
        self.subscribe(missing.clone()).await?;
        self.prove().await?;
        if !missing.is_empty() {
            self.link.sink.offer(BusEvent::Subscribed(missing));
        }
        Ok(())
    }
}

/// Sends what has piled up and, now and then, probes the same way.
async fn publish(
    link: &Link,
    route: &SharedRoute,
    queue: &mut mpsc::Receiver<Outgoing>,
    words: &mpsc::UnboundedSender<Word>,
) -> RedisResult<()> {
    let mut probe_tick = interval(PROBE_EVERY);
    probe_tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(PUBLISH_BATCH_MAX);
    loop {
        let n = tokio::select! {
            biased;
            _ = probe_tick.tick() => None,
            n = queue.recv_many(&mut batch, PUBLISH_BATCH_MAX) => Some(n),
        };
        let now = lock(route).clone();
        match n {
            Some(0) => return Ok(()),
            Some(n_messages) => {
                let sent = send(link, &now, &mut batch).await;
                let n_moved = sent.inspect_err(|_| link.dropped(n_messages))?;
                if n_moved > 0 {
                    link.dropped(n_moved);
                    // If nobody listens the link ends anyway.
                    drop(words.send(Word::Moved));
                }
            }
            None if link.sink.is_closed() => return Ok(()),
            None if now.servers.values().any(Server::is_lost) => {
                return Err(unexpected("what is published does not come back"));
            }
            None => probe(&now).await?,
        }
    }
}

/// Answers how many messages went to a server that does not have their slot.
async fn send(link: &Link, route: &Route, batch: &mut Vec<Outgoing>) -> RedisResult<usize> {
    let mut pipes: BTreeMap<&Arc<str>, Pipeline> = BTreeMap::new();
    let n_messages = batch.len();
    for (topic, payload) in batch.drain(..) {
        let name = format!("{}{topic}", link.prefix);
        let place = route.map.server_of(&name);
        let Some((place, server)) = place.and_then(|it| Some((it, route.servers.get(it)?))) else {
            return Err(unexpected("a slot that no server serves"));
        };
        let pipe = pipes.entry(place).or_insert_with(|| Pipeline::with_capacity(n_messages));
        server.add_to(pipe, &name, &payload);
    }
    let mut sending = Vec::with_capacity(pipes.len());
    for (place, pipe) in pipes {
        if let Some(server) = route.servers.get(place) {
            sending.push(within(PROBE_PATIENCE, server.publish(pipe)));
        }
    }
    Ok(try_join_all(sending).await?.into_iter().sum())
}

async fn probe(route: &Route) -> RedisResult<()> {
    let mut sending = Vec::with_capacity(route.servers.len());
    for server in route.servers.values() {
        let mut pipe = Pipeline::with_capacity(1);
        server.add_probe_to(&mut pipe);
        sending.push(within(PROBE_PATIENCE, server.publish(pipe)));
    }
    try_join_all(sending).await.map(drop)
}
