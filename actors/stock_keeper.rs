//! Keeps what stands before SQL right: compares it with SQL again and again, for as long as the node
//! lives. The shell that keeps time around `usecases::stock_guard`.

use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use usecases::platform::Platform;

use crate::{for_ever::for_ever, messages::Stop};

/// Pause between two comparisons, in real time: a wrong number turns no buyer away (SQL is asked), it
/// only lets too many through or asks SQL too often.
pub const COMPARE_EVERY: Duration = Duration::from_secs(5);

/// The actor.
pub struct StockKeeper {
    platform: Platform,
}

impl StockKeeper {
    /// Not started yet.
    pub const fn new(platform: Platform) -> Self {
        Self { platform }
    }
}

impl Actor for StockKeeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let platform = self.platform.clone();
        let rounds = async move { for_ever("stock keeper", async || run(&platform).await).await };
        ctx.spawn(rounds.into_actor(self));
    }
}

impl Handler<Stop> for StockKeeper {
    type Result = ();

    fn handle(&mut self, _msg: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

async fn run(platform: &Platform) {
    loop {
        tokio::time::sleep(COMPARE_EVERY).await;
        match platform.stock_guard.compare(&mut platform.reader()).await {
            Ok(compared) if compared.n_repaired > 0 => {
                tracing::warn!(?compared, "stocks before SQL were wrong and are repaired");
            }
            Ok(_) => {}
            Err(err) => tracing::warn!(error = ?err, "stocks cannot be compared with SQL"),
        }
    }
}
