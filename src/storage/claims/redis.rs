//! Claims of many nodes, in Redis.

use std::{sync::Arc, time::Duration};

use domain::ids::{OrderId, RiderId};
use futures_util::{FutureExt as _, future::BoxFuture};
use redis::{RedisResult, Script};

use super::{CLAIM_HOLDS, Claimed, Claims};
use crate::bus::redis::{Address, Keys};

/// How long an answer is waited for; then SQL decides.
pub const CLAIM_WITHIN: Duration = Duration::from_millis(300);

/// Claims that all nodes see.
#[derive(Debug)]
pub struct RedisClaims {
    keys: Keys,
    prefix: Arc<str>,
    script: Script,
}

impl RedisClaims {
    /// Connects when it is needed first. `prefix` keeps environments that share a Redis apart.
    ///
    /// # Errors
    ///
    /// What is wrong with the address; see [`Address::parse`].
    pub fn new(url: &str, prefix: &str) -> Result<Self, String> {
        let keys = Keys::new(Address::parse(url)?);
        let script = Script::new(include_str!("../../../lua/claim.lua"));
        Ok(Self { keys, prefix: prefix.into(), script })
    }

    async fn run(&self, mode: &str, order: OrderId, rider: RiderId) -> Claimed {
        let said = Box::pin(self.say(mode, order, rider)).await;
        let said = said.inspect_err(|err| tracing::debug!(error = ?err, "no claims, SQL decides"));
        said.ok().and_then(|it| Claimed::from_text(&it)).unwrap_or(Claimed::Unknown)
    }

    async fn say(&self, mode: &str, order: OrderId, rider: RiderId) -> RedisResult<String> {
        let key = format!("{}:pool:{{{order}}}:claim", self.prefix);
        let mut call = self.script.prepare_invoke();
        call.key(&key).arg(mode).arg(rider.to_string()).arg(CLAIM_HOLDS.as_millis() as u64);
        let call = &call;
        let work = async |mut to| call.invoke_async::<String>(&mut to).await;
        Box::pin(self.keys.on_server_of(&key, CLAIM_WITHIN, work)).await
    }
}

impl Claims for RedisClaims {
    fn take(&self, order: OrderId, rider: RiderId) -> BoxFuture<'_, Claimed> {
        self.run("take", order, rider).boxed()
    }

    fn free(&self, order: OrderId, rider: RiderId) -> BoxFuture<'_, ()> {
        // What cannot be given back ends by itself.
        self.run("free", order, rider).map(drop).boxed()
    }
}
