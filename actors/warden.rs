//! The warden: keeps out whoever was signed out or replaced, and sees tokens run out.
//!
//! One look a second over all connections of the node does what a timer for each would do. What
//! other nodes changed comes by control message at once, and from the store a moment later: that
//! holds with the bus down.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use domain::{
    clock::{SystemClock, Timestamp},
    role::Profile,
};
use storage::{
    contacts,
    db::Tx,
    error::StoreError,
    publishers::{self, Publisher},
    revocations::{self, Revocation},
    seats, sign_ins,
};
use usecases::{
    audit,
    error::AskError,
    platform::{Nudge, RevokedSession},
    token_keys,
};

use crate::{
    bridge::NUDGE,
    close::Close,
    for_ever::{RETRY_AFTER, for_ever},
    live::Live,
    messages::Stop,
};

/// How often tokens are looked at, on the platform's clock.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Shortest pause between two looks, in real time.
pub const LOOK_MIN: Duration = Duration::from_millis(50);
/// How often the store is asked what other nodes changed, in real time.
pub const POLL_EVERY: Duration = Duration::from_secs(2);
/// How much earlier than the last poll the next one looks: clocks differ, and a transaction takes
/// a while from its time stamp to its commit.
pub const OVERLAP: Duration = Duration::from_secs(30);
/// Connections of the database in use, in percent, from which on it is said.
const POOL_LOW_PERCENT: u32 = 80;
/// How often rows that nobody needs any more are removed, in real time.
const TIDY_EVERY: Duration = Duration::from_secs(600);

/// The actor: a shell around its private `Work`.
pub struct Warden {
    work: Arc<Work>,
}

struct Work {
    live: Arc<Live>,
    /// After which time a new key signs tokens.
    key_age: Duration,
    /// Real time of the last poll that worked.
    polled_at: Mutex<Timestamp>,
}

impl Warden {
    /// Hears what other nodes tell from now on; looks around once it is started. The key that signs
    /// tokens changes after `key_age`.
    pub fn new(live: Arc<Live>, key_age: Duration) -> Self {
        let its_live = Arc::downgrade(&live);
        live.bridge.listen(
            NUDGE,
            Box::new(move |body| {
                let Some(live) = its_live.upgrade() else { return };
                if let Ok(nudge) = serde_json::from_str(body) {
                    hear(&live, nudge);
                }
            }),
        );
        let polled_at = Mutex::new(SystemClock::machine_time());
        Self { work: Arc::new(Work { live, key_age, polled_at }) }
    }
}

impl Actor for Warden {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let work = Arc::clone(&self.work);
        let looks = async move { for_ever("warden's look", async || work.look().await).await };
        ctx.spawn(looks.into_actor(self));
        let work = Arc::clone(&self.work);
        let polls = async move { for_ever("warden", async || work.poll().await).await };
        ctx.spawn(polls.into_actor(self));
    }
}

impl Handler<Stop> for Warden {
    type Result = ();

    fn handle(&mut self, _msg: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

fn hear(live: &Live, nudge: Nudge) {
    match nudge {
        Nudge::Revoked { sessions } => {
            let revoked: Vec<_> = sessions.iter().filter_map(RevokedSession::read).collect();
            live.platform.tokens.revoked().add(&revoked);
            close(live, &revoked);
        }
        Nudge::Publisher { rider, device, fence } => {
            if let Ok(rider_id) = rider.parse() {
                live.publishers.heard(rider_id, Publisher { device, fence });
            }
        }
        Nudge::Seat { profile, device, fence } => {
            if let Ok(profile) = profile.parse() {
                live.hub.registry.close_other_devices(profile, &device, fence);
            }
        }
        _ => {}
    }
}

fn close(live: &Live, revoked: &[Revocation]) {
    for it in revoked {
        live.hub.registry.close_session(it.profile, it.session_id, Close::Revoked);
    }
}

impl Work {
    async fn look(&self) {
        let platform = &self.live.platform;
        loop {
            self.live.hub.registry.tend_tokens(platform.now());
            tokio::time::sleep(platform.clock.real(LOOK_EVERY).clamp(LOOK_MIN, LOOK_EVERY)).await;
        }
    }

    async fn poll(&self) {
        let mut tidied_at: Option<Instant> = None;
        loop {
            tokio::time::sleep(POLL_EVERY).await;
            if let Err(err) = self.poll_once().await {
                tracing::warn!(error = ?err, "the warden cannot read who was signed out");
                tokio::time::sleep(RETRY_AFTER).await;
            }
            if tidied_at.is_none_or(|it| it.elapsed() >= TIDY_EVERY) {
                tidied_at = Some(Instant::now());
                if let Err(err) = self.tidy().await {
                    tracing::warn!(error = ?err, "old sign-ins and keys stay for now");
                }
            }
        }
    }

    async fn poll_once(&self) -> Result<(), StoreError> {
        let started_at = SystemClock::machine_time();
        let polled_at = *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner);
        let overlap_ms = i64::try_from(OVERLAP.as_millis()).unwrap_or(i64::MAX);
        let since = Timestamp::from_ms(polled_at.ms() - overlap_ms);
        let platform = &self.live.platform;
        let revoked = revocations::since(&mut platform.reader(), since).await?;
        close(&self.live, &platform.tokens.revoked().add(&revoked));
        for (rider_id, publisher) in publishers::since(&mut platform.reader(), since).await? {
            self.live.publishers.heard(rider_id, publisher);
        }
        if !self.live.one_device.is_empty() {
            for (profile, seat) in seats::since(&mut platform.reader(), since).await? {
                let registry = &self.live.hub.registry;
                registry.close_other_devices(profile, &seat.device, seat.fence);
            }
        }
        token_keys::refresh(platform).await?;
        self.watch_pool();
        *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner) = started_at;
        Ok(())
    }

    /// Warns before requests have to wait for a connection of the database.
    fn watch_pool(&self) {
        let pool = self.live.platform.store.db().pool();
        let is_low = pool.in_use * 100 >= pool.max * POOL_LOW_PERCENT;
        if is_low {
            let (in_use, max) = (pool.in_use, pool.max);
            tracing::warn!(in_use, max, "few database connections are free; raise --connections");
        }
    }

    async fn tidy(&self) -> Result<(), AskError> {
        let platform = &self.live.platform;
        let now = platform.now();
        platform.tokens.revoked().forget_old(now);
        let registry = &self.live.hub.registry;
        self.live.publishers.keep_only(|it| registry.is_here(Profile::Rider(it)));
        let write = async move |tx: &mut Tx| {
            revocations::remove_old(tx, now).await?;
            contacts::remove_old(tx, now).await?;
            sign_ins::remove_old(tx, now).await
        };
        platform.store.write(write).await?;
        audit::forget_old(platform).await?;
        token_keys::tend(platform, self.key_age).await
    }
}
