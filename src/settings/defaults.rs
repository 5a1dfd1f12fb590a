//! What holds for the settings that nobody gives.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where the server listens unless told otherwise.
pub(super) const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// Where an embedded store lives unless told otherwise.
pub(super) const DATA: &str = "./data";
/// Connections to the database unless told otherwise.
pub(super) const CONNECTIONS: u32 = 32;
/// The same for SQLite, where each is a thread with caches of its own and reads are short.
pub(super) const SQLITE_CONNECTIONS: u32 = 8;
/// Days that a key signs tokens unless told otherwise.
pub(super) const TOKEN_KEY_DAYS: u32 = 30;
/// Metres around a stop unless told otherwise.
pub(super) const ARRIVAL_RADIUS_M: u32 = 50;
/// Seconds of a stay unless told otherwise.
pub(super) const ARRIVAL_DWELL_S: u32 = 20;
/// Milliseconds that planning waits for times on roads unless told otherwise.
pub(super) const OSRM_TIMEOUT_MS: u64 = 500;
/// Milliseconds of a drain unless told otherwise.
pub(super) const DRAIN_MS: u64 = 5_000;
/// Sockets of a node unless told otherwise.
pub(super) const SOCKETS_MAX: usize = 50_000;
/// Sockets opened in a second unless told otherwise.
pub(super) const CONNECTS_PER_S: u32 = 5_000;
/// Connections of one profile on a node unless told otherwise.
pub(super) const SOCKETS_PER_PROFILE: usize = 32;

/// Whom push services may turn to unless told otherwise.
pub(super) const PUSH_CONTACT: &str = "mailto:operator@riderhub.invalid";

/// Milliseconds that somebody may be away unless told otherwise.
pub(super) const PRESENCE_GRACE_MS: u64 = 20_000;

/// Minutes without a rider after which operators, customer and store are told, unless told otherwise.
pub(super) const NO_RIDER_ALARM_MIN: u32 = 10;
/// Minutes without a rider after which the order ends and the money goes back, unless told otherwise.
pub(super) const NO_RIDER_STOP_MIN: u32 = 60;
/// By how many percent the pay rises each time while no rider is found, unless told otherwise.
pub(super) const BONUS_PERCENT: u32 = 20;
/// All rises of the pay together at most, in percent, unless told otherwise.
pub(super) const BONUS_PERCENT_MAX: u32 = 60;
/// Minutes without position and connection after which a rider loses what he has not fetched, unless told otherwise.
pub(super) const RIDER_SILENT_MIN: u32 = 5;
/// Minutes without coming closer to the store after which he loses it, unless told otherwise.
pub(super) const RIDER_STANDING_MIN: u32 = 8;
