//! Settings of the server, read once at start: flags, then `RIDERHUB_…` variables, then a TOML
//! file, then defaults. A wrong value stops the start and says what to write instead.

use std::{fmt, net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use actors::admission::SocketLimits;
use clap::ValueEnum;
use domain::{
    dispatch::{
        Policy,
        tuning::{Tuning, TuningError},
    },
    geofence::Fence,
    role::Role,
};
use serde::{Deserialize, Serialize};
use storage::{bus::redis::Address, db::Durability};
use usecases::{dispatch::Choosing, retention::Retention, vapid::VapidKey};

mod access;
mod defaults;
mod given;
mod roads;
#[cfg(test)]
mod tests;
mod work;

pub use given::Given;
pub(crate) use roads::PROFILE_MARK;

/// Characters of the webhook's secret at least.
const WEBHOOK_SECRET_MIN: usize = 24;
/// Metres around a stop that make sense.
const RADIUS_M: RangeInclusive<u32> = 15..=500;
/// Seconds of a stay that make sense.
const DWELL_S: RangeInclusive<u32> = 5..=600;
/// Longest drain: ten minutes.
const DRAIN_MS_MAX: u64 = 600_000;

/// A value that never shows up in logs.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself. Search for this word to find every use.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// What the server is used for. Production refuses what is meant for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// At somebody's desk.
    #[default]
    Development,
    /// A rehearsal.
    Staging,
    /// Real orders.
    Production,
}

impl Environment {
    /// The stable text form, used in Redis key prefixes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// The settings that hold.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settings {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Folder of the embedded store.
    pub data: PathBuf,
    /// Address of the database.
    pub database: Secret,
    /// Where files beside the chat are kept: a folder, or `s3://…`.
    pub attachments: String,
    /// Address of Redis, if several nodes work together.
    pub redis: Option<Secret>,
    /// Put before every Redis key.
    pub redis_prefix: String,
    /// What the server is used for.
    pub environment: Environment,
    /// How many seconds of the server's clock pass in a real second.
    pub time_scale: f64,
    /// Browser origins that may open sockets, besides the server's own.
    pub origins: Vec<String>,
    /// Whether SQLite waits for the disk at each commit.
    pub full_sync: bool,
    /// Database connections of this node.
    pub connections: u32,
    /// Threads that serve requests; 0 is one for each core.
    pub workers: usize,
    /// Secret that signs tokens, if it is not kept in the store.
    pub token_secret: Option<Secret>,
    /// Secrets that tokens are taken by beside the one that signs: of before, or to come.
    pub token_secret_also: Vec<Secret>,
    /// Days after which a new key signs tokens, where the store keeps them.
    pub token_key_days: u32,
    /// Devices that an account may be signed in on at once; 0 is no limit.
    pub sessions_max: usize,
    /// Requests from one address in a minute; 0 is no limit.
    pub rate_address: u32,
    /// Requests of one account in a minute; 0 is no limit.
    pub rate_account: u32,
    /// Sign-ins and registrations from one address in a minute; 0 is no limit.
    pub rate_entry: u32,
    /// New orders of one account in a minute; 0 is no limit.
    pub rate_orders: u32,
    /// Mail server that codes are sent by.
    pub smtp: Option<Secret>,
    /// Who codes come from.
    pub mail_from: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<String>,
    /// Secret that the sandbox payment provider signs with, if it is not kept in the store.
    pub sandbox_secret: Option<Secret>,
    /// Private key that signs Web Push, if it is not kept in the store.
    pub vapid_key: Option<Secret>,
    /// Whom push services may turn to.
    pub push_contact: String,
    /// Address that every notice is posted to.
    pub webhook: Option<String>,
    /// Secret that the webhook's requests are signed with.
    pub webhook_secret: Option<Secret>,
    /// Whether notices repeat what people wrote.
    pub notice_text: bool,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Whether the bench channels are open.
    pub bench_channels: bool,
    /// Whether `/echo` is open.
    pub echo: bool,
    /// Whether accounts and orders for load tests can be made in bulk.
    pub fixtures: bool,
    /// How riders are chosen: `instant` or `batch`.
    pub dispatch: String,
    /// Minutes without a rider after which operators, customer and store are told.
    pub no_rider_alarm_min: u32,
    /// Minutes without a rider after which the order ends and the money goes back.
    pub no_rider_stop_min: u32,
    /// By how many percent the pay rises each time while no rider is found.
    pub bonus_percent: u32,
    /// All rises of the pay together at most, in percent.
    pub bonus_percent_max: u32,
    /// Minutes without position and connection after which a rider loses what he has not fetched.
    pub rider_silent_min: u32,
    /// What proves a delivery whose customer does not say.
    pub handover_proof: String,
    /// Whether what is left at a door is photographed.
    pub door_photo: bool,
    /// Minutes without coming closer to the store after which he loses it.
    pub rider_standing_min: u32,
    /// Metres around a stop within which a rider arrives by his positions; 0 is never.
    pub arrival_radius_m: u32,
    /// Seconds that he must stay there.
    pub arrival_dwell_s: u32,
    /// Weights of dispatch that differ from the defaults, as `name=minutes`.
    pub dispatch_weights: Vec<String>,
    /// Address of the OSRM server that knows times on roads.
    pub osrm: Option<String>,
    /// Names of its profiles that differ from the defaults, as `vehicle=profile`.
    pub osrm_profiles: Vec<String>,
    /// Milliseconds that planning waits for it.
    pub osrm_timeout_ms: u64,
    /// Milliseconds over which a node that goes down spreads the good-byes to its clients.
    pub drain_ms: u64,
    /// Sockets that a node has open at most; 0 is no limit.
    pub sockets_max: usize,
    /// Sockets that a node opens in a second at most; 0 is no limit.
    pub connects_per_s: u32,
    /// Sockets from one address at most; 0 is no limit.
    pub sockets_per_address: usize,
    /// Connections of one profile on a node at most; 0 is no limit.
    pub sockets_per_profile: usize,
    /// Roles that may be signed in on one device only, or `none`.
    pub one_device: Vec<String>,
    /// Milliseconds that somebody may be away before the others are told.
    pub presence_grace_ms: u64,
    /// Days that an order's channel is kept after the order's end.
    pub keep_orders_days: u32,
    /// Days that entries of inboxes and stores are kept.
    pub keep_inboxes_days: u32,
    /// Days that a command's `cid` and result are kept.
    pub keep_commands_days: u32,
    /// Address of map tiles for the page.
    pub tiles: Option<String>,
    /// Whether visitors of the page are signed in as a demo operator. Set by `riderhub demo` only.
    pub demo: bool,
}

/// The settings do not hold together.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings file {path}: {cause}")]
    Unreadable {
        /// Which file.
        path: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The file is not what we expect.
    #[error("the settings file {path} is wrong: {cause}")]
    Malformed {
        /// Which file.
        path: String,
        /// Where and why.
        cause: Box<toml::de::Error>,
    },
    /// Values that are out of range or contradict each other, all at once.
    #[error("wrong settings:\n{}", .0.iter().map(|it| format!("  - {it}")).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<String>),
}

/// Longest prefix of Redis keys, in bytes.
const PREFIX_MAX: usize = 64;

/// Whether a browser can send this as the origin of a page.
fn is_origin(text: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(text) else { return false };
    let is_web = matches!(url.scheme(), "http" | "https") && !text.contains('*');
    is_web && url.origin().ascii_serialization() == text
}

impl Settings {
    /// How safe a commit is on SQLite.
    pub const fn durability(&self) -> Durability {
        if self.full_sync { Durability::Full } else { Durability::Normal }
    }

    /// How long things are kept.
    pub const fn retention(&self) -> Retention {
        Retention::of_days(self.keep_orders_days, self.keep_inboxes_days, self.keep_commands_days)
    }

    /// How riders are chosen.
    pub fn choosing(&self) -> Choosing {
        let policy = Policy::from_text(&self.dispatch).unwrap_or(Policy::Instant);
        Choosing { policy, tuning: self.tuning().unwrap_or_default() }
    }

    fn tuning(&self) -> Result<Tuning, TuningError> {
        Tuning::read(self.dispatch_weights.iter().map(String::as_str))
    }

    /// How near and how long is there.
    pub fn arrival_fence(&self) -> Fence {
        let dwell = Duration::from_secs(self.arrival_dwell_s.into());
        Fence { radius_m: self.arrival_radius_m.into(), dwell }
    }

    /// Roles that may be signed in on one device only.
    pub fn one_device_roles(&self) -> Vec<Role> {
        self.one_device.iter().filter_map(|it| Role::from_text(it)).collect()
    }

    /// How many sockets a node takes.
    pub const fn socket_limits(&self) -> SocketLimits {
        SocketLimits {
            sockets: self.sockets_max,
            per_second: self.connects_per_s,
            per_address: self.sockets_per_address,
            per_profile: self.sockets_per_profile,
        }
    }

    /// Whether the database is MySQL or MariaDB.
    pub fn is_mysql(&self) -> bool {
        self.database.reveal().starts_with("mysql:")
    }

    fn notice_faults(&self, must: &mut impl FnMut(bool, &str)) {
        must(
            self.vapid_key.as_ref().is_none_or(|it| VapidKey::read(it.reveal()).is_some()),
            "vapid-key must be a P-256 private key: 32 bytes in base64url",
        );
        let is_contact =
            self.push_contact.starts_with("mailto:") || self.push_contact.starts_with("https://");
        must(is_contact, "push-contact must be mailto:… or https://…");
        must(
            self.webhook.is_some() == self.webhook_secret.is_some(),
            "webhook and webhook-secret belong together",
        );
        must(
            self.webhook_secret.as_ref().is_none_or(|it| it.reveal().len() >= WEBHOOK_SECRET_MIN),
            "webhook-secret must have 24 characters or more",
        );
        let is_production = self.environment == Environment::Production;
        let is_url = |it: &String| {
            it.starts_with("https://") || (!is_production && it.starts_with("http://"))
        };
        must(self.webhook.as_ref().is_none_or(is_url), "webhook must be https://…");
    }

    fn faults(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut must = |holds: bool, text: &str| {
            if !holds {
                wrong.push(text.to_owned());
            }
        };
        let url = self.database.reveal();
        must(
            url.starts_with("mysql://") || url.starts_with("sqlite:"),
            "database must be mysql://user:password@host/name or sqlite:FILE",
        );
        if let Some(redis) = &self.redis {
            let said = Address::parse(redis.reveal()).err().unwrap_or_default();
            must(said.is_empty(), &format!("redis {said}"));
        }
        must(Policy::from_text(&self.dispatch).is_some(), "dispatch must be instant or batch");
        let said = self.tuning().err().map(|it| it.to_string()).unwrap_or_default();
        must(said.is_empty(), &format!("dispatch-weights: {said}"));
        must(
            (1..=PREFIX_MAX).contains(&self.redis_prefix.len())
                && self
                    .redis_prefix
                    .bytes()
                    .all(|it| it.is_ascii_graphic() && !b"{}*?[]\\".contains(&it)),
            "redis-prefix must have 1 to 64 visible ASCII characters, none of {}*?[]\\",
        );
        let spans = [self.keep_orders_days, self.keep_inboxes_days, self.keep_commands_days];
        must(spans.iter().all(|it| (1..=36_500).contains(it)), "keep-…-days must be 1 to 36500");
        must((0.1..=1_000.0).contains(&self.time_scale), "time-scale must be 0.1 to 1000");
        must((1..=1_000).contains(&self.connections), "connections must be 1 to 1000");
        must(
            self.one_device.iter().all(|it| it == "none" || Role::from_text(it).is_some()),
            "one-device must be roles (customer, merchant, rider, operator) or none",
        );
        must(
            (500..=600_000).contains(&self.presence_grace_ms),
            "presence-grace-ms must be 500 to 600000",
        );
        let radius = self.arrival_radius_m;
        must(radius == 0 || RADIUS_M.contains(&radius), "arrival-radius-m must be 15 to 500, or 0");
        must(DWELL_S.contains(&self.arrival_dwell_s), "arrival-dwell-s must be 5 to 600");
        must(self.drain_ms <= DRAIN_MS_MAX, "drain-ms must be at most 600000");
        must(self.workers <= 256, "workers must be 1 to 256; leave it out for one for each core");
        for origin in &self.origins {
            let text = format!(
                "origin `{origin}` must be written as browsers send it: https://host or \
                 https://host:port, in lower case, without a path or a wildcard"
            );
            must(is_origin(origin), &text);
        }
        self.access_faults(&mut must);
        self.notice_faults(&mut must);
        self.work_faults(&mut must);
        self.road_faults(&mut must);
        if self.environment == Environment::Production {
            must((self.time_scale - 1.0).abs() < f64::EPSILON, "production runs in real time");
            must(!self.bench_channels, "production has no bench channels");
            must(!self.echo, "production has no echo");
            must(!self.fixtures, "production makes no fixtures");
        }
        wrong
    }
}
