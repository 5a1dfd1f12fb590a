//! What every connection of this node shares.

use std::sync::Arc;

use domain::ids::RiderId;
use usecases::platform::Platform;

use crate::{bridge::Bridge, fleet::Fix, hub::Hub};

/// Takes a rider's position; called from the connection, so it must not wait.
pub type PositionSink = Arc<dyn Fn(RiderId, Fix) + Send + Sync>;

/// The environment of a connection.
pub struct Live {
    /// For use cases.
    pub platform: Platform,
    /// Who listens to what.
    pub hub: Arc<Hub>,
    /// To the other nodes.
    pub bridge: Arc<Bridge>,
    /// Where positions go.
    pub positions: PositionSink,
    /// Whether the channels of the load generator are open. Never in production.
    pub bench_channels: bool,
}
