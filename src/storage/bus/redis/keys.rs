//! Commands on keys: one connection to each server that has been asked, found again when it is lost.

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use redis::{RedisResult, aio::MultiplexedConnection};
use tokio::sync::Mutex;

use super::{
    address::{Address, connect, unexpected},
    slots::SlotMap,
    within,
};

/// After a failure nobody waits for Redis again for so long.
const PAUSE: Duration = Duration::from_millis(500);

/// See the file's head.
pub(crate) struct Keys {
    address: Address,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    map: Option<SlotMap>,
    servers: BTreeMap<Arc<str>, MultiplexedConnection>,
    retry_at: Option<Instant>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// Connects to nobody yet.
    pub(crate) fn new(address: Address) -> Self {
        Self { address, known: Mutex::default() }
    }

    /// Does `work` on the server that has `key`, connecting first if need be, all within `limit`.
    ///
    /// # Errors
    ///
    /// What Redis or the way to it says; also right after a failure, without trying again.
    pub(crate) async fn on_server_of<T>(
        &self,
        key: &str,
        limit: Duration,
        work: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let asking = async {
            let server = self.server_of(key).await?;
            work(server).await
        };
        let outcome = within(limit, asking).await;
        if outcome.is_err() {
            // The server may have moved, be gone or be slow: all is found anew, after a pause.
            let mut known = self.known.lock().await;
            if known.retry_at.is_none_or(|at| at <= Instant::now()) {
                *known = Known { retry_at: Some(Instant::now() + PAUSE), ..Known::default() };
            }
        }
        outcome
    }

    async fn server_of(&self, key: &str) -> RedisResult<MultiplexedConnection> {
        let mut known = self.known.lock().await;
        if known.retry_at.is_some_and(|at| at > Instant::now()) {
            return Err(unexpected("redis failed a moment ago"));
        }
        known.retry_at = None;
        if known.map.is_none() {
            known.map = Some(self.address.find().await?.map);
        }
        let place = known.map.as_ref().and_then(|map| map.server_of(key)).cloned();
        let place = place.ok_or_else(|| unexpected("a slot that no server serves"))?;
        if let Some(server) = known.servers.get(&place) {
            return Ok(server.clone());
        }
        let mut server = connect(self.address.server(&place)?, None).await?;
        self.address.check(&mut server).await?;
        known.servers.insert(place, server.clone());
        Ok(server)
    }
}
