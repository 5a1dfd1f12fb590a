//! Removes what has been kept long enough: the shell that keeps time around `usecases::retention`.
//!
//! One node at a time does it, by a lease; what two do at once is right all the same.

use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use domain::{clock::SystemClock, ids::NodeId};
use storage::{db::Tx, error::StoreError, leases};
use usecases::{
    platform::Platform,
    retention::{self, Retention, Round},
};

use crate::{
    for_ever::{RETRY_AFTER, for_ever},
    messages::Stop,
};

/// Pause between two rounds, on the platform's clock.
pub const ROUND_EVERY: Duration = Duration::from_secs(6 * 3_600);
/// Shortest pause between two rounds, in real time.
pub const ROUND_MIN: Duration = Duration::from_secs(60);
/// Pause between two steps, in real time: people come first.
pub const STEP_PAUSE: Duration = Duration::from_millis(100);
/// How long a lease holds, in real time. A step is much shorter.
const LEASE: Duration = Duration::from_secs(60);
const LEASE_NAME: &str = "retention";

/// The actor.
pub struct Housekeeper {
    platform: Platform,
    node: NodeId,
    retention: Retention,
}

impl Housekeeper {
    /// Not started yet.
    pub const fn new(platform: Platform, node: NodeId, retention: Retention) -> Self {
        Self { platform, node, retention }
    }
}

impl Actor for Housekeeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let work =
            Work { platform: self.platform.clone(), node: self.node, retention: self.retention };
        let rounds = async move { for_ever("housekeeper", async || work.run().await).await };
        ctx.spawn(rounds.into_actor(self));
    }
}

impl Handler<Stop> for Housekeeper {
    type Result = ();

    fn handle(&mut self, _msg: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

struct Work {
    platform: Platform,
    node: NodeId,
    retention: Retention,
}

impl Work {
    async fn run(&self) {
        loop {
            match self.round().await {
                Ok(0) => {}
                Ok(n_removed) => tracing::info!(n_removed, "removed what was kept long enough"),
                Err(err) => {
                    tracing::warn!(error = ?err, "cannot remove what is too old");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
            tokio::time::sleep(self.platform.clock.real(ROUND_EVERY).max(ROUND_MIN)).await;
        }
    }

    async fn round(&self) -> Result<u64, StoreError> {
        let mut round = Round::default();
        loop {
            if !self.holds_lease().await? {
                return Ok(round.n_removed);
            }
            let (next, is_last) = retention::step(&self.platform, &self.retention, round).await?;
            round = next;
            if is_last {
                break;
            }
            tokio::time::sleep(STEP_PAUSE).await;
        }
        while self.holds_lease().await? {
            let n = retention::forget_commands(&self.platform, &self.retention).await?
                + retention::forget_explanations(&self.platform, &self.retention).await?;
            if n == 0 {
                break;
            }
            round.n_removed += n;
            tokio::time::sleep(STEP_PAUSE).await;
        }
        Ok(round.n_removed)
    }

    async fn holds_lease(&self) -> Result<bool, StoreError> {
        let now = SystemClock::machine_time();
        let (node, until) = (self.node, now + LEASE);
        let write = async move |tx: &mut Tx| leases::take(tx, LEASE_NAME, node, now, until).await;
        self.platform.store.write(write).await
    }
}
