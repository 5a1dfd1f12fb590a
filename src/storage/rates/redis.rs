//! Rates that many nodes count together, in Redis.

use std::{sync::Arc, time::Duration};

use domain::rate::{Quota, Taken};
use futures_util::{FutureExt as _, future::BoxFuture};
use redis::{RedisResult, Script};

use super::{Rates, in_process::InProcessRates};
use crate::bus::redis::{Address, Keys};

/// How long an answer is waited for; then this node counts alone.
pub const RATE_WITHIN: Duration = Duration::from_millis(200);

/// Rates that all nodes see.
#[derive(Debug)]
pub struct RedisRates {
    keys: Keys,
    prefix: Arc<str>,
    script: Script,
    alone: InProcessRates,
}

impl RedisRates {
    /// Connects when it is needed first. `prefix` keeps environments that share a Redis apart.
    ///
    /// # Errors
    ///
    /// What is wrong with the address; see [`Address::parse`].
    pub fn new(url: &str, prefix: &str) -> Result<Self, String> {
        let keys = Keys::new(Address::parse(url)?);
        let script = Script::new(include_str!("../../../lua/rate.lua"));
        Ok(Self { keys, prefix: prefix.into(), script, alone: InProcessRates::default() })
    }

    async fn say(&self, mode: &str, key: &str, quota: Quota) -> RedisResult<String> {
        let key = format!("{}:rate:{{{key}}}", self.prefix);
        let mut call = self.script.prepare_invoke();
        call.key(&key).arg(mode).arg(quota.step_us()).arg(quota.n);
        let call = &call;
        let work = async |mut to| call.invoke_async::<String>(&mut to).await;
        Box::pin(self.keys.on_server_of(&key, RATE_WITHIN, work)).await
    }

    async fn ask(&self, key: String, quota: Quota) -> Taken {
        let said = Box::pin(self.say("take", &key, quota)).await;
        let said = said.inspect_err(|err| tracing::debug!(error = ?err, "this node counts alone"));
        said.ok().and_then(|it| read(&it)).unwrap_or_else(|| {
            metrics::counter!("riderhub_rates_alone_total").increment(1);
            self.alone.take_here(key, quota)
        })
    }
}

fn read(said: &str) -> Option<Taken> {
    let mut words = said.split(':');
    let (word, first, full_us) = (words.next()?, words.next()?, words.next()?);
    let full_after = Duration::from_micros(full_us.parse().ok()?);
    match word {
        "left" => {
            let left = first.parse().ok()?;
            Some(Taken { is_allowed: true, left, retry_after: Duration::ZERO, full_after })
        }
        "none" => {
            let retry_after = Duration::from_micros(first.parse().ok()?);
            Some(Taken { is_allowed: false, left: 0, retry_after, full_after })
        }
        _ => None,
    }
}

impl Rates for RedisRates {
    fn take(&self, key: String, quota: Quota) -> BoxFuture<'_, Taken> {
        self.ask(key, quota).boxed()
    }

    fn take_here(&self, key: String, quota: Quota) -> Taken {
        self.alone.take_here(key, quota)
    }

    fn give(&self, key: String, quota: Quota) -> BoxFuture<'_, ()> {
        async move {
            // What cannot be given back comes back by itself.
            if self.say("give", &key, quota).await.is_err() {
                self.alone.give(key, quota).await;
            }
        }
        .boxed()
    }

    fn forget(&self, key: String) -> BoxFuture<'_, ()> {
        async move {
            let nothing = Quota::per_minute(1);
            drop(self.say("forget", &key, nothing).await);
            self.alone.forget(key).await;
        }
        .boxed()
    }
}
