//! The order in which things stop: the doors, then what works by itself, then the store.

use std::sync::Arc;

use actix::Addr;
use actors::{
    dispatcher::Dispatcher, housekeeper::Housekeeper, messages::Stop, relay::Relay,
    timekeeper::Timekeeper,
};
use storage::store::Store;

/// What runs without being asked, on one node.
pub struct Workers {
    /// Brings what the bus did not.
    pub relay: Addr<Relay>,
    /// Carries out deadlines.
    pub timekeeper: Addr<Timekeeper>,
    /// Looks for riders.
    pub dispatcher: Addr<Dispatcher>,
    /// Removes what was kept long enough.
    pub housekeeper: Addr<Housekeeper>,
}

impl Workers {
    /// Ends them, and closes the store that they worked on. The doors are shut already.
    pub async fn stop(self, store: &Arc<Store>) {
        let ended = [
            self.housekeeper.send(Stop).await,
            self.dispatcher.send(Stop).await,
            self.timekeeper.send(Stop).await,
            self.relay.send(Stop).await,
        ];
        for gone in ended.into_iter().filter_map(Result::err) {
            tracing::debug!(cause = %gone, "a worker had ended before");
        }
        store.db().close().await;
    }
}
