//! The shield of many nodes, in Redis.

use std::time::Duration;

use domain::ids::{OrderId, ProductId};
use futures_util::{FutureExt as _, future::BoxFuture};
use redis::{RedisResult, Script};

use super::{Look, PENDING_HOLDS, REMEMBERED_FOR, Seen, Shielded, StockShield};
use crate::bus::redis::{Address, Keys};

/// How long an answer is waited for; then SQL decides.
pub const SHIELD_WITHIN: Duration = Duration::from_millis(300);

/// A shield that all nodes share.
#[derive(Debug)]
pub struct RedisShield {
    keys: Keys,
    prefix: String,
    script: Script,
}

/// What the script is asked for.
struct Call {
    mode: &'static str,
    order: Option<OrderId>,
    pieces: i64,
    seen: Seen,
}

const NOTHING: Seen = Seen { left: 0, version: 0 };

impl RedisShield {
    /// Connects when it is needed first. `prefix` keeps environments that share a Redis apart.
    ///
    /// # Errors
    ///
    /// What is wrong with the address; see [`Address::parse`].
    pub fn new(url: &str, prefix: &str) -> Result<Self, String> {
        let keys = Keys::new(Address::parse(url)?);
        let script = Script::new(include_str!("../../../lua/stock.lua"));
        Ok(Self { keys, prefix: prefix.to_owned(), script })
    }

    fn key(&self, product: ProductId) -> String {
        format!("{}:stock:{{{product}}}", self.prefix)
    }

    async fn run(&self, product: ProductId, call: Call) -> Option<String> {
        let said = Box::pin(self.say(product, &call)).await;
        said.inspect_err(|err| tracing::debug!(error = ?err, "no shield, SQL decides")).ok()
    }

    async fn say(&self, product: ProductId, call: &Call) -> RedisResult<String> {
        let key = self.key(product);
        let order = call.order.map(|it| it.to_string()).unwrap_or_default();
        let mut invocation = self.script.prepare_invoke();
        invocation.key(&key).arg(call.mode).arg(order).arg(call.pieces);
        invocation.arg(PENDING_HOLDS.as_millis() as u64);
        invocation.arg(call.seen.left).arg(call.seen.version);
        invocation.arg(REMEMBERED_FOR.as_millis() as u64);
        let invocation = &invocation;
        let work = async |mut to| invocation.invoke_async::<String>(&mut to).await;
        Box::pin(self.keys.on_server_of(&key, SHIELD_WITHIN, work)).await
    }

    async fn ask(&self, product: ProductId) -> RedisResult<Look> {
        let key = self.key(product);
        let mut command = redis::cmd("HMGET");
        command.arg(&key).arg("left").arg("version");
        let command = &command;
        let work = async |mut to| command.query_async::<(Option<i64>, Option<i64>)>(&mut to).await;
        let (left, version) = Box::pin(self.keys.on_server_of(&key, SHIELD_WITHIN, work)).await?;
        let seen = left.zip(version).map(|(left, version)| Seen { left, version });
        Ok(seen.map_or(Look::Nothing, Look::Knows))
    }
}

impl StockShield for RedisShield {
    fn reserve(&self, product: ProductId, order: OrderId, pieces: i64) -> BoxFuture<'_, Shielded> {
        let call = Call { mode: "reserve", order: Some(order), pieces, seen: NOTHING };
        let said = self.run(product, call);
        said.map(|it| it.and_then(|it| Shielded::from_text(&it)).unwrap_or(Shielded::Away)).boxed()
    }

    fn confirm(&self, product: ProductId, order: Option<OrderId>, seen: Seen) -> BoxFuture<'_, ()> {
        self.run(product, Call { mode: "confirm", order, pieces: 0, seen }).map(drop).boxed()
    }

    fn release(&self, product: ProductId, order: OrderId) -> BoxFuture<'_, ()> {
        let call = Call { mode: "release", order: Some(order), pieces: 0, seen: NOTHING };
        self.run(product, call).map(drop).boxed()
    }

    fn fill(&self, product: ProductId, seen: Seen) -> BoxFuture<'_, ()> {
        let call = Call { mode: "fill", order: None, pieces: 0, seen };
        self.run(product, call).map(drop).boxed()
    }

    fn look(&self, product: ProductId) -> BoxFuture<'_, Look> {
        Box::pin(self.ask(product)).map(|it| it.unwrap_or(Look::Away)).boxed()
    }
}
