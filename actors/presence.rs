//! Presence: who is there, as the union of all devices on all nodes.
//!
//! A thin shell around [`PresenceBook`]. It writes who came and who went in batches, shows that
//! this node lives, and clears up after nodes that died. A change is told by the one node whose
//! transaction made it; every node shows it to its own viewers of `live:{order}`, whether it hears
//! of it by the bus or finds it in the store.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use domain::{
    channel::Channel,
    clock::{SystemClock, Timestamp},
    ids::NodeId,
    role::Profile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{
    db::Tx,
    error::StoreError,
    presence::{self as rows, Beat, Told},
    push::Push,
};
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc},
    time::{MissedTickBehavior, interval},
};

use crate::{for_ever::for_ever, frames, live::Live, messages::Stop, presence_book::PresenceBook};

/// The kind of the control message that carries changes to other nodes.
pub const PRESENCE: &str = "presence";
/// How often who came and went is written.
pub const WRITE_EVERY: Duration = Duration::from_millis(500);
/// How often the store is asked what other nodes told.
pub const POLL_EVERY: Duration = Duration::from_secs(2);
/// How much earlier than the last poll the next one looks.
const OVERLAP_MS: i64 = 6_000;
/// Longest and shortest time between two beats.
const BEAT_EVERY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(4));

/// Somebody came or went: push `presence`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PresencePush {
    push: Push,
    /// The channel.
    ch: String,
    /// Who.
    profile: String,
    /// In which role.
    role: &'static str,
    /// Whether any of its devices is connected.
    on: bool,
    /// Since when, in UTC milliseconds.
    at: i64,
}

/// A change on its way between nodes.
#[derive(Debug, Serialize, Deserialize)]
struct Change {
    profile: String,
    on: bool,
    at: i64,
    version: u64,
}

impl Change {
    fn of(told: &Told) -> Self {
        let Told { profile, is_on, at, version } = *told;
        Self { profile: profile.to_string(), on: is_on, at: at.ms(), version }
    }

    fn read(self) -> Option<Told> {
        let Self { profile, on, at, version } = self;
        Some(Told {
            profile: profile.parse().ok()?,
            is_on: on,
            at: Timestamp::from_ms(at),
            version,
        })
    }
}

/// The actor: a shell around its private `Work`.
pub struct Presence {
    work: Arc<Work>,
}

struct Work {
    live: Arc<Live>,
    grace: Duration,
    /// This node's name among those that hold presence; a new one if it was taken for dead.
    name: Mutex<NodeId>,
    polled_at: Mutex<Timestamp>,
    news: AsyncMutex<mpsc::UnboundedReceiver<Vec<Told>>>,
}

impl Presence {
    /// Hears what other nodes tell from now on; `grace` is how long somebody may be away.
    pub fn new(live: Arc<Live>, grace: Duration) -> Self {
        let (tell, news) = mpsc::unbounded_channel();
        live.bridge.listen(
            PRESENCE,
            Box::new(move |body| {
                if let Ok(changes) = serde_json::from_str::<Vec<Change>>(body) {
                    // It ends with the actor, and then nobody is to be shown anything.
                    drop(tell.send(changes.into_iter().filter_map(Change::read).collect()));
                }
            }),
        );
        let work = Work {
            live,
            grace,
            name: Mutex::new(NodeId::generate()),
            polled_at: Mutex::new(SystemClock::machine_time()),
            news: AsyncMutex::new(news),
        };
        Self { work: Arc::new(work) }
    }
}

impl Actor for Presence {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let work = Arc::clone(&self.work);
        let rounds = async move { for_ever("presence", async || work.run().await).await };
        ctx.spawn(rounds.into_actor(self));
    }
}

impl Handler<Stop> for Presence {
    type Result = ();

    fn handle(&mut self, _msg: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Work {
    async fn run(&self) {
        let mut news = self.news.lock().await;
        let mut ticks = interval(WRITE_EVERY.min(self.grace / 2));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut beat_at, mut poll_at) = (Instant::now(), Instant::now() + POLL_EVERY);
        loop {
            tokio::select! {
                Some(told) = news.recv() => {
                    if let Err(err) = self.show(told).await {
                        tracing::warn!(error = ?err, "a change of presence is shown later");
                    }
                }
                _ = ticks.tick() => {
                    let now = Instant::now();
                    if let Err(err) = self.tick(now, now >= beat_at, now >= poll_at).await {
                        tracing::warn!(error = ?err, "presence is behind");
                    }
                    if now >= beat_at {
                        beat_at = now + (self.grace / 5).clamp(BEAT_EVERY.0, BEAT_EVERY.1);
                    }
                    if now >= poll_at {
                        poll_at = now + POLL_EVERY;
                    }
                }
            }
        }
    }

    async fn tick(&self, now: Instant, beats: bool, polls: bool) -> Result<(), StoreError> {
        // Who is written under a name must be found if this node dies: the name comes first.
        if beats {
            self.beat().await?;
        }
        self.write_arrived().await?;
        self.remove_gone(now).await?;
        if beats {
            self.clear_up(now).await?;
        }
        if polls {
            self.book().forget_old(now);
            self.poll().await?;
        }
        Ok(())
    }

    async fn beat(&self) -> Result<(), StoreError> {
        let name = *lock(&self.name);
        if self.write(async move |tx: &mut Tx| rows::beat(tx, name).await).await? {
            return Ok(());
        }
        tracing::warn!("the other nodes took this one for dead; everybody here is told again");
        let name = NodeId::generate();
        *lock(&self.name) = name;
        self.book().start_again();
        self.write(async move |tx: &mut Tx| rows::beat(tx, name).await).await.map(|_| ())
    }

    async fn write_arrived(&self) -> Result<(), StoreError> {
        loop {
            let some = self.book().take_arrived();
            if some.is_empty() {
                return Ok(());
            }
            let (name, at, now) = self.stamps();
            let those = some.clone();
            let write = async move |tx: &mut Tx| rows::arrive(tx, name, &those, at, now).await;
            match self.write(write).await {
                Ok(told) => self.tell(&told),
                Err(err) => {
                    self.book().not_written(&some);
                    return Err(err);
                }
            }
        }
    }

    async fn remove_gone(&self, now: Instant) -> Result<(), StoreError> {
        loop {
            let mut some = self.book().take_gone(now, self.grace);
            // Whoever is here all the same came while we looked.
            some.retain(|it| !self.live.hub.registry.is_here(*it));
            if some.is_empty() {
                return Ok(());
            }
            let name = *lock(&self.name);
            if let Err(err) = self.remove(name, some.clone()).await {
                self.book().not_removed(&some, now.checked_sub(self.grace).unwrap_or(now));
                return Err(err);
            }
        }
    }

    async fn remove(&self, name: NodeId, some: Vec<Profile>) -> Result<(), StoreError> {
        let (_, at, now) = self.stamps();
        let write = async move |tx: &mut Tx| rows::leave(tx, name, &some, at, now).await;
        let told = self.write(write).await?;
        self.tell(&told);
        Ok(())
    }

    /// Removes what dead nodes have left; any node may, and what two do at once is told once.
    async fn clear_up(&self, now: Instant) -> Result<(), StoreError> {
        let beats = rows::beats(&mut self.live.platform.reader()).await?;
        let dead = self.book().dead(&beats, now, self.grace);
        let mine = *lock(&self.name);
        for beat in dead.into_iter().filter(|it| it.node_id != mine) {
            if beat.is_dead || self.declare_dead(beat).await? {
                self.clear_up_after(beat.node_id).await?;
            }
        }
        Ok(())
    }

    async fn declare_dead(&self, beat: Beat) -> Result<bool, StoreError> {
        let is_ours =
            self.write(async move |tx: &mut Tx| rows::declare_dead(tx, beat).await).await?;
        if is_ours {
            tracing::warn!(node.id = %beat.node_id, "a node is silent; its clients count as gone");
        }
        Ok(is_ours)
    }

    async fn clear_up_after(&self, node_id: NodeId) -> Result<(), StoreError> {
        loop {
            let some = rows::of_node(&mut self.live.platform.reader(), node_id).await?;
            if some.is_empty() {
                break;
            }
            self.remove(node_id, some).await?;
        }
        self.write(async move |tx: &mut Tx| rows::forget_node(tx, node_id).await).await
    }

    async fn poll(&self) -> Result<(), StoreError> {
        let started_at = SystemClock::machine_time();
        if self.live.hub.has_live() {
            let since = Timestamp::from_ms(lock(&self.polled_at).ms() - OVERLAP_MS);
            let told = rows::since(&mut self.live.platform.reader(), since).await?;
            self.show(told).await?;
        }
        *lock(&self.polled_at) = started_at;
        Ok(())
    }

    /// Tells every node, this one included, what a transaction of ours has changed.
    fn tell(&self, told: &[Told]) {
        if told.is_empty() {
            return;
        }
        let changes: Vec<_> = told.iter().map(Change::of).collect();
        if let Ok(body) = serde_json::to_string(&changes) {
            self.live.bridge.tell_nodes(PRESENCE, body);
        }
    }

    /// Shows changes to the viewers on this node.
    async fn show(&self, told: Vec<Told>) -> Result<(), StoreError> {
        let now = Instant::now();
        let news: Vec<Told> = {
            let mut book = self.book();
            told.into_iter().filter(|it| book.is_news(it, now)).collect()
        };
        if news.is_empty() || !self.live.hub.has_live() {
            return Ok(());
        }
        let profiles: Vec<_> = news.iter().map(|it| it.profile).collect();
        let orders = rows::open_orders_of(&mut self.live.platform.reader(), &profiles).await?;
        for it in &news {
            for (_, order_id) in orders.iter().filter(|(profile, _)| *profile == it.profile) {
                let channel = Channel::Live(*order_id);
                if !self.live.hub.serves(&channel) {
                    continue;
                }
                let push = PresencePush {
                    push: Push::Presence,
                    ch: channel.to_string(),
                    profile: it.profile.to_string(),
                    role: it.profile.role().as_str(),
                    on: it.is_on,
                    at: it.at.ms(),
                };
                let key = format!("presence:{}", it.profile);
                self.live.hub.latest(&channel, &key, &frames::json(&push), None);
            }
        }
        Ok(())
    }

    /// This node's name, the platform's time and the real one.
    fn stamps(&self) -> (NodeId, Timestamp, Timestamp) {
        (*lock(&self.name), self.live.platform.now(), SystemClock::machine_time())
    }

    async fn write<T: Send + 'static>(
        &self,
        body: impl AsyncFn(&mut Tx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.live.platform.store.write(body).await
    }

    fn book(&self) -> MutexGuard<'_, PresenceBook> {
        lock(&self.live.presence)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is complete in itself, so a poisoned lock still guards good data.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
