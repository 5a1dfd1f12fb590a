//! Tells people who are away: shares news out to addresses and sends what is due.
//!
//! Every node runs one. Rows are claimed, so each notice is sent by one node; one that dies over it
//! is followed by another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use futures_util::{StreamExt, stream};
use metrics::counter;
use storage::{error::StoreError, notices::ROUND_MAX};
use usecases::{
    notices::{self, Carried},
    notifier::SharedNotifier,
    platform::Platform,
};

use crate::{
    for_ever::{RETRY_AFTER, for_ever},
    messages::{HeraldState, Observe, Stop},
};

/// How often due notices are looked for, on the platform's clock.
pub const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Shortest pause between two looks, in real time.
const LOOK_MIN: Duration = Duration::from_millis(50);
/// Notices that one node sends at once.
pub const SENDS_MAX: usize = 16;

/// The actor: a shell around its private `Work`.
pub struct Herald {
    work: Arc<Work>,
}

struct Work {
    platform: Platform,
    notifier: SharedNotifier,
    n_sent: AtomicU64,
    n_failures: AtomicU64,
}

impl Herald {
    /// Not started yet.
    pub fn new(platform: Platform, notifier: SharedNotifier) -> Self {
        let (n_sent, n_failures) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { work: Arc::new(Work { platform, notifier, n_sent, n_failures }) }
    }
}

impl Actor for Herald {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let work = Arc::clone(&self.work);
        let rounds = async move { for_ever("herald", async || work.run().await).await };
        ctx.spawn(rounds.into_actor(self));
    }
}

impl Handler<Stop> for Herald {
    type Result = ();

    fn handle(&mut self, _msg: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Observe<HeraldState>> for Herald {
    type Result = HeraldState;

    fn handle(&mut self, _msg: Observe<HeraldState>, _: &mut Self::Context) -> HeraldState {
        HeraldState {
            n_sent: self.work.n_sent.load(Ordering::Relaxed),
            n_failures: self.work.n_failures.load(Ordering::Relaxed),
        }
    }
}

impl Work {
    async fn run(&self) {
        loop {
            match self.look().await {
                // A full page means that more may be due.
                Ok(n) if n >= ROUND_MAX as usize => tokio::time::sleep(LOOK_MIN).await,
                Ok(_) => {
                    let pause = self.platform.clock.real(LOOK_EVERY).max(LOOK_MIN);
                    tokio::time::sleep(pause).await;
                }
                Err(err) => {
                    tracing::warn!(error = ?err, "the herald cannot read what is due");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    async fn look(&self) -> Result<usize, StoreError> {
        let sources = notices::sources(&self.platform).await?;
        let n_sources = sources.len();
        for source in sources {
            // The row stays and is tried again with the next look.
            if let Err(err) = notices::share_out(&self.platform, source).await {
                tracing::warn!(error = ?err, "news could not be shared out");
                self.n_failures.fetch_add(1, Ordering::Relaxed);
            }
        }
        let due = notices::due(&self.platform).await?;
        let n_due = due.len();
        stream::iter(due)
            .map(|it| notices::carry(&self.platform, &*self.notifier, it))
            .buffer_unordered(SENDS_MAX)
            .for_each(|carried| async move { self.count(carried) })
            .await;
        Ok(n_due.max(n_sources))
    }

    fn count(&self, carried: Result<Option<Carried>, StoreError>) {
        match carried {
            Ok(None) => {}
            Ok(Some(Carried { class, via, result })) => {
                self.n_sent.fetch_add(u64::from(result == "delivered"), Ordering::Relaxed);
                let class = class.as_str();
                counter!("riderhub_notices_total", "class" => class, "via" => via, "result" => result)
                    .increment(1);
            }
            Err(err) => {
                tracing::warn!(error = ?err, "a notice failed");
                self.n_failures.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
