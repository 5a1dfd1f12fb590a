//! The relay: brings from the journal what the bus did not, in order.
//!
//! Now and then it compares the channels served here with the journal's heads, more often while
//! the bus is down, and at once when the bus is back. So an entry whose ring was lost, because a
//! node died between commit and ring or the bus dropped it, is found by every node that needs it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use domain::channel::Channel;
use futures_util::{StreamExt, stream};
use metrics::counter;
use storage::{
    error::StoreError,
    journal::{self, Entry, HEADS_MAX, Head},
    store::Store,
};
use tokio::time::{Instant as TokioInstant, sleep_until};

use crate::{
    channel_log::{Ready, Standing},
    for_ever::{RETRY_AFTER, for_ever},
    frame::Frame,
    frames,
    hub::{Hub, SHARDS},
    link::Return,
    messages::{Observe, RelayState, Stop},
};

/// Every served channel is compared with the journal once in this time while the bus is up.
pub const AUDIT_EVERY: Duration = Duration::from_secs(4);
/// The same while the bus is down: then this is how entries of other nodes arrive.
pub const AUDIT_EVERY_DEGRADED: Duration = Duration::from_secs(1);
/// Entries of one read.
pub const REPAIR_PAGE: u32 = 200;
/// Repairs that read at once.
pub const REPAIRS_AT_ONCE: usize = 8;
/// Pause before a channel is looked at again whose members have not caught up yet.
const UNOPENED_PAUSE: Duration = Duration::from_millis(200);

/// The actor: a shell around its private `Work`.
pub struct Relay {
    work: Arc<Work>,
}

struct Work {
    hub: Arc<Hub>,
    store: Arc<Store>,
    n_audits: AtomicU64,
    n_head_queries: AtomicU64,
    n_repairs: AtomicU64,
    n_failures: AtomicU64,
}

impl Relay {
    /// Not started yet.
    pub fn new(hub: Arc<Hub>, store: Arc<Store>) -> Self {
        let work = Work {
            hub,
            store,
            n_audits: AtomicU64::new(0),
            n_head_queries: AtomicU64::new(0),
            n_repairs: AtomicU64::new(0),
            n_failures: AtomicU64::new(0),
        };
        Self { work: Arc::new(work) }
    }
}

impl Actor for Relay {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let work = self.work.clone();
        let rounds = async move { for_ever("relay", async || work.run().await).await };
        ctx.spawn(rounds.into_actor(self));
    }
}

impl Handler<Stop> for Relay {
    type Result = ();

    fn handle(&mut self, _msg: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Observe<RelayState>> for Relay {
    type Result = RelayState;

    fn handle(&mut self, _msg: Observe<RelayState>, _ctx: &mut Self::Context) -> RelayState {
        RelayState {
            n_audits: self.work.n_audits.load(Ordering::Relaxed),
            n_head_queries: self.work.n_head_queries.load(Ordering::Relaxed),
            n_repairs: self.work.n_repairs.load(Ordering::Relaxed),
            n_failures: self.work.n_failures.load(Ordering::Relaxed),
            is_degraded: self.work.hub.is_degraded(),
        }
    }
}

impl Work {
    async fn run(&self) {
        let mut next_shard = 0;
        let mut next_audit = Instant::now();
        loop {
            let wake_at = self.hub.next_repair().map_or(next_audit, |it| it.min(next_audit));
            tokio::select! {
                () = self.hub.chores_wait() => {}
                () = sleep_until(TokioInstant::from_std(wake_at)) => {}
            }
            if Instant::now() >= next_audit {
                next_audit = self.audit(&mut next_shard);
            }
            self.check(self.hub.take_checks()).await;
            self.repair_all(self.hub.take_repairs()).await;
            if let Some(of) = self.hub.return_to_audit() {
                self.audit_return(of).await;
            }
        }
    }

    async fn repair_all(&self, channels: Vec<Channel>) {
        stream::iter(channels)
            .for_each_concurrent(REPAIRS_AT_ONCE, |channel| async move {
                self.repair(&channel).await;
            })
            .await;
    }

    /// The link is back: compares every channel and brings what it missed. Only then is it good.
    ///
    /// If the journal cannot be read the next round tries again.
    async fn audit_return(&self, of: Return) {
        let served: Vec<_> = (0..SHARDS).flat_map(|index| self.hub.served(index)).collect();
        let mut behind = Vec::new();
        for some in served.chunks(HEADS_MAX) {
            match self.heads(some).await {
                Ok(heads) => behind.extend(heads.into_iter().filter(|it| self.compare(it))),
                Err(err) => return self.failed(&err),
            }
        }
        self.repair_all(behind.iter().map(|(channel, _)| channel.clone()).collect()).await;
        if !behind.iter().any(|it| self.compare(it)) {
            tracing::info!(n_channels = served.len(), n_repaired = behind.len(), "caught up");
            self.hub.audited(of);
        }
    }

    async fn heads(&self, channels: &[Channel]) -> Result<Vec<(Channel, Head)>, StoreError> {
        self.n_head_queries.fetch_add(1, Ordering::Relaxed);
        counter!("riderhub_journal_head_queries_total").increment(1);
        journal::heads(&mut self.store.reader(), channels).await
    }

    /// Asks for the next comparison and says when the one after is due.
    fn audit(&self, next_shard: &mut usize) -> Instant {
        self.n_audits.fetch_add(1, Ordering::Relaxed);
        self.hub.sweep_topics();
        if self.hub.is_degraded() {
            self.hub.want_check_of_all();
            return Instant::now() + AUDIT_EVERY_DEGRADED;
        }
        // A part at a time, so that the store never sees a burst.
        self.hub.want_check(self.hub.served(*next_shard));
        *next_shard = (*next_shard + 1) % SHARDS;
        Instant::now() + AUDIT_EVERY / SHARDS as u32
    }

    /// Compares channels with the journal's heads.
    async fn check(&self, channels: Vec<Channel>) {
        for some in channels.chunks(HEADS_MAX) {
            match self.heads(some).await {
                Ok(heads) => {
                    for (channel, _) in heads.iter().filter(|it| self.compare(it)) {
                        self.hub.want_repair(channel, Duration::ZERO);
                    }
                }
                // The next audit asks again.
                Err(err) => self.failed(&err),
            }
        }
    }

    /// Whether the channel lacks entries that the journal has.
    fn compare(&self, (channel, head): &(Channel, Head)) -> bool {
        let Some(Standing { epoch, last }) = self.hub.standing(channel) else { return false };
        let Some(last) = last else {
            // Its members still read the journal themselves, maybe from before this head.
            self.hub.want_repair(channel, UNOPENED_PAUSE);
            return false;
        };
        let is_new = !epoch.is_empty() && *epoch != *head.epoch;
        if is_new || head.removed > last {
            tracing::warn!(channel.id = %channel, is_new, "channel {channel} cannot be repaired");
            let told = frames::subscribed(channel, &head.epoch, head.top, false);
            self.hub.restart(channel, &head.epoch, head.top, &told);
            return false;
        }
        head.top > last
    }

    /// Delivers what is missing, page by page.
    async fn repair(&self, channel: &Channel) {
        loop {
            let Some(Standing { last: Some(last), .. }) = self.hub.standing(channel) else {
                return;
            };
            let page =
                journal::read_after(&mut self.store.reader(), channel, last, REPAIR_PAGE).await;
            let entries = match page {
                Ok(entries) => entries,
                Err(err) => {
                    self.failed(&err);
                    return self.hub.want_repair(channel, RETRY_AFTER);
                }
            };
            let Some(first) = entries.first() else {
                // A ring from the future, or from a numbering that is gone: look at the head.
                if self.hub.has_hole(channel) {
                    self.hub.want_check([channel.clone()]);
                }
                return;
            };
            self.n_repairs.fetch_add(1, Ordering::Relaxed);
            counter!("riderhub_gap_repairs_total").increment(1);
            let epoch = first.epoch.clone();
            let is_last_page = entries.len() < REPAIR_PAGE as usize;
            let ready = entries.iter().filter_map(ready).collect();
            let is_missing = self.hub.fill(channel, &epoch, ready);
            if is_last_page {
                if is_missing {
                    self.hub.want_check([channel.clone()]);
                }
                return;
            }
        }
    }

    fn failed(&self, err: &StoreError) {
        self.n_failures.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(error = ?err, "the relay cannot read the journal");
    }
}

/// An entry as it goes out; `None` if its text is not UTF-8, which SQL text always is.
pub fn ready(entry: &Entry) -> Option<Ready> {
    let frame = Frame::from_bytes(journal::frame(entry))?;
    Some(Ready { off: entry.off, frame, joins: entry.joins.clone() })
}
