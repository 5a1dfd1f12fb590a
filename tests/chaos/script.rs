//! What goes wrong, in an order that the seed decides.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::json;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::{client::Client, seen::Said, stage::Stage, wire::Wire};

/// Faults of one run.
pub const FAULTS: usize = 66;
/// Pauses between two faults, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 100..650;
/// How long a node stays dead, Redis dead, Redis frozen, a reader away, in milliseconds.
const NODE_DEAD_MS: std::ops::Range<u64> = 50..2_000;
const REDIS_DEAD_MS: std::ops::Range<u64> = 50..3_000;
const REDIS_FROZEN_MS: std::ops::Range<u64> = 200..6_000;
const AWAY_MS: std::ops::Range<u64> = 3_000..9_000;
/// Long messages that come while a reader is away, and how long they are.
const BURST: usize = 150;
const LONG_CHARS: usize = 3_500;
/// How often each kind is chosen, of a hundred.
const WEIGHTS: [(Fault, u32); 6] = [
    (Fault::KillNode, 10),
    (Fault::KillRedis, 10),
    (Fault::FreezeRedis, 10),
    (Fault::CutClient, 30),
    (Fault::StopReading, 15),
    (Fault::SendAgain, 25),
];
/// Every kind happens at least so often.
pub const EACH_AT_LEAST: usize = 3;

/// The last faults, and how long they last, in milliseconds: no node dies after them.
const FINALE: [(Fault, u64); 2] = [(Fault::FreezeRedis, 4_500), (Fault::KillRedis, 1_000)];

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A node dies as by `kill -9` and is started again.
    KillNode,
    /// Redis dies and is started again, empty.
    KillRedis,
    /// Redis stops where it is: connections stand, nothing comes.
    FreezeRedis,
    /// A client's connection is gone without goodbye.
    CutClient,
    /// A client reads nothing for a while, in which much is said to it.
    StopReading,
    /// A command that was answered, or is being answered, comes once more at another node.
    SendAgain,
}

/// Plays the script to its end; answers how often what happened.
pub struct Script<'a> {
    stage: &'a Stage,
    rng: StdRng,
    done: BTreeMap<Fault, usize>,
    under_way: Vec<JoinHandle<()>>,
    nodes_busy: [Arc<AtomicBool>; 2],
    redis_busy: Arc<AtomicBool>,
    pub violations: Arc<Mutex<Vec<String>>>,
}

impl<'a> Script<'a> {
    pub fn new(stage: &'a Stage, seed: u64) -> Self {
        Self {
            stage,
            rng: StdRng::seed_from_u64(seed),
            done: BTreeMap::new(),
            under_way: Vec::new(),
            nodes_busy: Default::default(),
            redis_busy: Arc::default(),
            violations: Arc::default(),
        }
    }

    pub async fn play(mut self) -> (BTreeMap<Fault, usize>, Vec<String>) {
        while self.n_done() < FAULTS - FINALE.len() {
            let pause = self.rng.random_range(PAUSE_MS);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let fault = self.next();
            if self.begin(fault) {
                *self.done.entry(fault).or_default() += 1;
            }
        }
        self.finish_what_has_begun().await;
        // A node that starts anew has read everything: at the end both must have lived through it.
        for (fault, how_long) in FINALE {
            *self.done.entry(fault).or_default() += 1;
            self.break_redis(fault, ms(how_long));
            self.finish_what_has_begun().await;
        }
        let violations = std::mem::take(&mut *self.violations.lock().unwrap());
        (self.done, violations)
    }

    fn n_done(&self) -> usize {
        self.done.values().sum()
    }

    async fn finish_what_has_begun(&mut self) {
        for fault in std::mem::take(&mut self.under_way) {
            fault.await.unwrap();
        }
    }

    /// Rare kinds come first when little is left to do.
    fn next(&mut self) -> Fault {
        let n_done = self.n_done();
        let lacks =
            |it: &Fault| EACH_AT_LEAST.saturating_sub(self.done.get(it).copied().unwrap_or(0));
        let n_lacking: usize = WEIGHTS.iter().map(|(fault, _)| lacks(fault)).sum();
        if FAULTS - FINALE.len() - n_done <= 3 * n_lacking {
            let lacking: Vec<Fault> =
                WEIGHTS.iter().map(|(it, _)| *it).filter(|it| lacks(it) > 0).collect();
            if let Some(fault) = lacking.choose(&mut self.rng) {
                return *fault;
            }
        }
        WEIGHTS.choose_weighted(&mut self.rng, |(_, weight)| *weight).unwrap().0
    }

    fn person(&mut self, may: impl Fn(&Client) -> bool) -> Option<Arc<Client>> {
        let some: Vec<_> = self.stage.people.iter().filter(|it| may(it)).collect();
        Some((*some.choose(&mut self.rng)?).clone())
    }

    /// `false` if it cannot happen now, because the like of it is happening.
    fn begin(&mut self, fault: Fault) -> bool {
        match fault {
            Fault::KillNode => {
                let n = self.rng.random_range(0..2);
                let pause = ms(self.rng.random_range(NODE_DEAD_MS));
                let node = self.stage.nodes[n].clone();
                self.alone(self.nodes_busy[n].clone(), move || {
                    let mut node = node.lock().unwrap();
                    node.kill();
                    std::thread::sleep(pause);
                    node.restart();
                })
            }
            Fault::KillRedis => {
                let pause = ms(self.rng.random_range(REDIS_DEAD_MS));
                self.break_redis(fault, pause)
            }
            Fault::FreezeRedis => {
                let pause = ms(self.rng.random_range(REDIS_FROZEN_MS));
                self.break_redis(fault, pause)
            }
            Fault::CutClient => self.person(|_| true).is_some_and(|it| {
                it.cut();
                true
            }),
            Fault::StopReading => self.stop_reading(),
            Fault::SendAgain => self.send_again(),
        }
    }

    fn break_redis(&mut self, fault: Fault, how_long: Duration) -> bool {
        let redis = self.stage.redis.clone();
        self.alone(self.redis_busy.clone(), move || {
            let is_frozen = fault == Fault::FreezeRedis;
            if is_frozen {
                redis.freeze()
            } else {
                redis.kill()
            }
            std::thread::sleep(how_long);
            if is_frozen { redis.thaw() } else { redis.restart() }
        })
    }

    fn alone(&mut self, is_busy: Arc<AtomicBool>, work: impl FnOnce() + Send + 'static) -> bool {
        if is_busy.swap(true, Ordering::Relaxed) {
            return false;
        }
        self.under_way.push(spawn_blocking(move || {
            work();
            is_busy.store(false, Ordering::Relaxed);
        }));
        true
    }

    /// Merchants hear the most: many people talk to one who does not listen.
    fn stop_reading(&mut self) -> bool {
        let how_long = ms(self.rng.random_range(AWAY_MS));
        let stage = self.stage;
        let merchant = *stage.of_role("merchant").choose(&mut self.rng).unwrap();
        stage.people[merchant].stop_reading(how_long);
        let theirs: Vec<_> = stage.orders.iter().filter(|it| it.merchant == merchant).collect();
        for part in theirs.chunks(5).take(5) {
            let talks: Vec<_> =
                part.iter().map(|it| (stage.people[it.customer].clone(), it.channel())).collect();
            self.under_way.push(tokio::spawn(async move {
                for n in 0..BURST / 5 {
                    let (person, channel) = &talks[n % talks.len()];
                    let said = person.say(channel, &"long ".repeat(LONG_CHARS / 5)).await;
                    said.unwrap_or_else(|err| panic!("nobody may speak in {channel}: {err}"));
                }
            }));
        }
        true
    }

    /// Half of the time a message of long ago, half of the time one that is said just now.
    fn send_again(&mut self) -> bool {
        // Riders may have one device only.
        let may = |it: &Client| it.role != "rider" && !it.shared().said.is_empty();
        let Some(person) = self.person(may) else { return false };
        let base = self.stage.bases[self.rng.random_range(0..2)].clone();
        let old = person.shared().said.choose(&mut self.rng).cloned();
        let Some(old) = old else { return false };
        let is_new = self.rng.random_bool(0.5);
        let violations = self.violations.clone();
        self.under_way.push(tokio::spawn(async move {
            let cid = riderhub::client::link::new_cid();
            let (ours, theirs) = if is_new {
                let p = json!({ "ch": old.channel, "cid": cid, "kind": "text", "body": "twice" });
                let (ours, theirs) =
                    tokio::join!(person.ask("chat.send", p.clone()), elsewhere(&person, &base, &p));
                (ours.unwrap(), theirs)
            } else {
                let p =
                    json!({ "ch": old.channel, "cid": old.cid, "kind": "text", "body": old.body });
                (json!({ "off": old.off, "dup": false }), elsewhere(&person, &base, &p).await)
            };
            let Some(theirs) = theirs else { return };
            if is_new {
                let (cid, off) = (cid.clone(), ours["off"].as_u64().unwrap());
                let said = Said { channel: old.channel, cid, body: "twice".to_owned(), off };
                person.shared().said.push(said);
            }
            // Whoever asks first may be the one whose answer gets lost: then both are repetitions.
            let is_once =
                ours["off"] == theirs["off"] && (ours["dup"] == true || theirs["dup"] == true);
            if !is_once {
                violations.lock().unwrap().push(format!("sent twice: {ours} and {theirs}"));
            }
        }));
        true
    }
}

/// Sends a command on a connection of its own, as a second device does; again until it is answered.
async fn elsewhere(
    person: &Client,
    base: &str,
    p: &serde_json::Value,
) -> Option<serde_json::Value> {
    for _ in 0..100 {
        if let Some(mut wire) = Wire::open(base).await
            && wire.sign_in(&person.token, "d-second", json!({})).await.is_ok()
            && wire.send(&json!({ "id": 2, "m": "chat.send", "p": p })).await.is_ok()
            && let Ok(Ok(ok)) = tokio::time::timeout(ms(5_000), wire.answer(2)).await
        {
            return Some(ok);
        }
        tokio::time::sleep(ms(200)).await;
    }
    None
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
