//! What every connection of this node shares.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{ids::RiderId, role::Role};
use usecases::platform::Platform;

use crate::{
    admission::Admission,
    bridge::Bridge,
    catch_up::CatchUp,
    fleet::{Fix, Fleet, Stamp},
    hub::Hub,
    presence_book::PresenceBook,
    publishers::Publishers,
    receipts::Receipts,
};

/// Takes a rider's position; called from the connection that brought it, so it must not wait.
pub type PositionSink = Arc<dyn Fn(RiderId, Stamp, Fix) + Send + Sync>;

/// How long sockets may be silent, in real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long a socket may stay without `connect`.
    pub connect_within: Duration,
    /// Time between two pings.
    pub ping_every: Duration,
    /// Silence after a ping that makes the client count as lost. Shorter than `ping_every`.
    pub pong_within: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            connect_within: Duration::from_secs(5),
            ping_every: Duration::from_secs(20),
            pong_within: Duration::from_secs(10),
        }
    }
}

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
    /// Where riders were seen last.
    pub fleet: Arc<Mutex<Fleet>>,
    /// Reads the journal for clients that come back.
    pub catch_up: CatchUp,
    /// How far people have come.
    pub receipts: Receipts,
    /// Which devices publish positions.
    pub publishers: Publishers,
    /// Roles that may be on one device only.
    pub one_device: Vec<Role>,
    /// Who came and who went.
    pub presence: Mutex<PresenceBook>,
    /// Who may open a socket here.
    pub admission: Arc<Admission>,
    /// How long sockets may be silent.
    pub pace: Pace,
    /// Whether the channels of the load generator are open. Never in production.
    pub bench_channels: bool,
}
