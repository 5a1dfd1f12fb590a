//! Carries out deadlines: looks for due rows and hands each to its use case.
//!
//! Every node runs one. A due row is taken in the transaction that carries it out, so each deadline
//! happens once, whoever is first.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use storage::{error::StoreError, timers};
use usecases::{deadlines, platform::Platform};

use crate::{
    for_ever::{RETRY_AFTER, for_ever},
    messages::{Observe, Stop, TimekeeperState},
};

/// How often due rows are looked for, on the platform's clock.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Shortest pause between two looks, in real time.
pub const LOOK_MIN: Duration = Duration::from_millis(50);

/// The actor: a shell around its private `Work`.
pub struct Timekeeper {
    work: Arc<Work>,
}

struct Work {
    platform: Platform,
    n_carried_out: AtomicU64,
    n_failures: AtomicU64,
}

impl Timekeeper {
    /// Not started yet.
    pub fn new(platform: Platform) -> Self {
        let (n_carried_out, n_failures) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { work: Arc::new(Work { platform, n_carried_out, n_failures }) }
    }
}

impl Actor for Timekeeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let work = Arc::clone(&self.work);
        let rounds = async move { for_ever("timekeeper", async || work.run().await).await };
        ctx.spawn(rounds.into_actor(self));
    }
}

impl Handler<Stop> for Timekeeper {
    type Result = ();

    fn handle(&mut self, _msg: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Observe<TimekeeperState>> for Timekeeper {
    type Result = TimekeeperState;

    fn handle(&mut self, _msg: Observe<TimekeeperState>, _: &mut Self::Context) -> TimekeeperState {
        TimekeeperState {
            n_carried_out: self.work.n_carried_out.load(Ordering::Relaxed),
            n_failures: self.work.n_failures.load(Ordering::Relaxed),
        }
    }
}

impl Work {
    async fn run(&self) {
        loop {
            match self.look().await {
                // A full page means that more may be due.
                Ok(n) if n >= timers::DUE_MAX as usize => tokio::time::sleep(LOOK_MIN).await,
                Ok(_) => {
                    let pause = self.platform.clock.real(LOOK_EVERY).max(LOOK_MIN);
                    tokio::time::sleep(pause).await;
                }
                Err(err) => {
                    tracing::warn!(error = ?err, "the timekeeper cannot read its timers");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    async fn look(&self) -> Result<usize, StoreError> {
        let due = timers::due(&mut self.platform.reader(), self.platform.now()).await?;
        let n_due = due.len();
        for timer in due {
            let (kind, subject) = (timer.kind, timer.subject.clone());
            match deadlines::carry_out(&self.platform, &timer).await {
                Ok(_) => self.n_carried_out.fetch_add(1, Ordering::Relaxed),
                Err(err) => {
                    // The row stays and is tried again with the next look.
                    tracing::warn!(%kind, %subject, error = ?err, "a deadline failed");
                    self.n_failures.fetch_add(1, Ordering::Relaxed)
                }
            };
        }
        Ok(n_due)
    }
}
