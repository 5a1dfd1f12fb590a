//! Settings as they are given by flags, variables and file.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use domain::{dispatch::Policy, handover::HandoverPolicy, role::Role, session::SessionPolicy};
use serde::Deserialize;

use super::{Environment, LogFormat, Secret, Settings, SettingsError, access, defaults::*};

/// Settings as they are given; each may be missing. One struct for flags, variables and file.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Given {
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, env = "RIDERHUB_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Folder of the embedded store [default: ./data]
    #[arg(long, env = "RIDERHUB_DATA")]
    pub data: Option<PathBuf>,
    /// Database: mysql://user:password@host/name, or sqlite:FILE [default: a file in the data folder]
    #[arg(long, env = "RIDERHUB_DATABASE", hide_env_values = true)]
    pub database: Option<Secret>,
    /// Files of chats: a folder that all nodes share, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME (all but the bucket optional)
    /// with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY [default: a folder in the data folder]
    #[arg(long, env = "RIDERHUB_ATTACHMENTS")]
    pub attachments: Option<String>,
    /// Redis: redis://host:port/, redis-sentinel://host:port,host:port/service or
    /// redis-cluster://host:port,host:port; needed when several nodes work together
    #[arg(long, env = "RIDERHUB_REDIS", hide_env_values = true)]
    pub redis: Option<Secret>,
    /// What the server is used for [default: development]
    #[arg(long, value_enum, env = "RIDERHUB_ENVIRONMENT")]
    pub environment: Option<Environment>,
    /// Put before every Redis key and topic, so that environments can share a Redis; production
    /// must choose its own [default: riderhub:ENVIRONMENT]
    #[arg(long, env = "RIDERHUB_REDIS_PREFIX")]
    pub redis_prefix: Option<String>,
    /// Makes the server's clock run this many times faster; not in production [default: 1]
    #[arg(long, env = "RIDERHUB_TIME_SCALE")]
    pub time_scale: Option<f64>,
    /// Browser origins that may open sockets, besides the server's own, as https://host or
    /// https://host:port; may be given several times
    #[arg(long = "origin", env = "RIDERHUB_ORIGINS", value_delimiter = ',')]
    pub origins: Option<Vec<String>>,
    /// Makes SQLite wait for the disk at each commit, so that what was acknowledged survives a power
    /// cut [default: true in production, else false]
    #[arg(long, env = "RIDERHUB_FULL_SYNC", num_args = 0..=1, default_missing_value = "true")]
    pub full_sync: Option<bool>,
    /// Database connections of this node [default: 32, with SQLite 8]
    #[arg(long, env = "RIDERHUB_CONNECTIONS")]
    pub connections: Option<u32>,
    /// Threads that serve requests [default: one for each core]
    #[arg(long, env = "RIDERHUB_WORKERS")]
    pub workers: Option<usize>,
    /// Secret that signs tokens, 32 characters or more; without, the nodes share one kept in the store
    #[arg(long, env = "RIDERHUB_TOKEN_SECRET", hide_env_values = true)]
    pub token_secret: Option<Secret>,
    /// More secrets that tokens are taken by, with commas between: the one to come, or the one of before
    /// [default: none]
    #[arg(long, env = "RIDERHUB_TOKEN_SECRET_ALSO", hide_env_values = true, value_delimiter = ',')]
    pub token_secret_also: Option<Vec<Secret>>,
    /// Days after which a new key signs tokens, unless token-secret is set [default: 30]
    #[arg(long, env = "RIDERHUB_TOKEN_KEY_DAYS")]
    pub token_key_days: Option<u32>,
    /// Devices that an account may be signed in on at once, the oldest leaves; 0 is no limit [default: 3]
    #[arg(long, env = "RIDERHUB_SESSIONS_MAX")]
    pub sessions_max: Option<usize>,
    /// Requests from one address in a minute, loopback excepted outside production; 0 is no limit [default: 6000]
    #[arg(long, env = "RIDERHUB_RATE_ADDRESS")]
    pub rate_address: Option<u32>,
    /// Requests of one account in a minute; 0 is no limit [default: 3000]
    #[arg(long, env = "RIDERHUB_RATE_ACCOUNT")]
    pub rate_account: Option<u32>,
    /// Sign-ins and registrations from one address in a minute, loopback excepted outside production; 0 is
    /// no limit [default: 120]
    #[arg(long, env = "RIDERHUB_RATE_ENTRY")]
    pub rate_entry: Option<u32>,
    /// New orders of one account in a minute; 0 is no limit [default: 60]
    #[arg(long, env = "RIDERHUB_RATE_ORDERS")]
    pub rate_orders: Option<u32>,
    /// Mail server that codes are sent by: smtps://USER:PASSWORD@HOST, or smtp://HOST:PORT?tls=required
    /// [default: none; outside production codes stand in the log]
    #[arg(long, env = "RIDERHUB_SMTP", hide_env_values = true)]
    pub smtp: Option<Secret>,
    /// Who codes come from: a name and a mail address (default: an address that does not exist)
    #[arg(long, env = "RIDERHUB_MAIL_FROM")]
    pub mail_from: Option<String>,
    /// Proxies whose X-Forwarded-For is believed: addresses or networks, as 10.0.0.0/8 [default: none]
    #[arg(long, env = "RIDERHUB_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Option<Vec<String>>,
    /// Secret that the sandbox payment provider signs with; without, the nodes share one kept in the store
    #[arg(long, env = "RIDERHUB_SANDBOX_SECRET", hide_env_values = true)]
    pub sandbox_secret: Option<Secret>,
    /// Private VAPID key that signs Web Push, 32 bytes in base64url; without, the nodes share one kept in the store
    #[arg(long, env = "RIDERHUB_VAPID_KEY", hide_env_values = true)]
    pub vapid_key: Option<Secret>,
    /// Whom push services may turn to: mailto:… or https://… (default: an address that does not exist)
    #[arg(long, env = "RIDERHUB_PUSH_CONTACT")]
    pub push_contact: Option<String>,
    /// Address that every notice for somebody who is away is posted to; the same on all nodes [default: none]
    #[arg(long, env = "RIDERHUB_WEBHOOK")]
    pub webhook: Option<String>,
    /// Secret that the webhook's requests are signed with: 24 characters or more, or whsec_ and base64
    #[arg(long, env = "RIDERHUB_WEBHOOK_SECRET", hide_env_values = true)]
    pub webhook_secret: Option<Secret>,
    /// Lets notices repeat what people wrote, and their names
    #[arg(long, env = "RIDERHUB_NOTICE_TEXT", num_args = 0..=1, default_missing_value = "true")]
    pub notice_text: Option<bool>,
    /// How log lines look [default: text]
    #[arg(long, value_enum, env = "RIDERHUB_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Opens the bench channels for load tests; not in production
    #[arg(long, env = "RIDERHUB_BENCH_CHANNELS", num_args = 0..=1, default_missing_value = "true")]
    pub bench_channels: Option<bool>,
    /// Opens `/echo`, a socket that sends back what it gets, for conformance tests; not in production
    #[arg(long, env = "RIDERHUB_ECHO", num_args = 0..=1, default_missing_value = "true")]
    pub echo: Option<bool>,
    /// Opens the bulk routes of `riderhub fixtures`: accounts without asking who wants them; not in
    /// production
    #[arg(long, env = "RIDERHUB_FIXTURES", num_args = 0..=1, default_missing_value = "true")]
    pub fixtures: Option<bool>,
    /// How riders are chosen: `instant` or `batch` [default: instant]
    #[arg(long, env = "RIDERHUB_DISPATCH")]
    pub dispatch: Option<String>,
    /// Minutes without a rider after which operators, customer and store are told [default: 10]
    #[arg(long, env = "RIDERHUB_NO_RIDER_ALARM_MIN")]
    pub no_rider_alarm_min: Option<u32>,
    /// Minutes without a rider after which the order ends and the money goes back [default: 60]
    #[arg(long, env = "RIDERHUB_NO_RIDER_STOP_MIN")]
    pub no_rider_stop_min: Option<u32>,
    /// By how many percent the pay rises each time while no rider is found [default: 20]
    #[arg(long, env = "RIDERHUB_BONUS_PERCENT")]
    pub bonus_percent: Option<u32>,
    /// All rises of the pay together at most, in percent [default: 60]
    #[arg(long, env = "RIDERHUB_BONUS_PERCENT_MAX")]
    pub bonus_percent_max: Option<u32>,
    /// Minutes without position and connection after which a rider loses what he has not fetched
    /// [default: 5]
    #[arg(long, env = "RIDERHUB_RIDER_SILENT_MIN")]
    pub rider_silent_min: Option<u32>,
    /// What proves a delivery whose customer does not say: `none`, `pin`, `photo` or `leave_at_door` [default: none]
    #[arg(long, env = "RIDERHUB_HANDOVER_PROOF")]
    pub handover_proof: Option<String>,
    /// Whether what is left at a door is photographed [default: true]
    #[arg(long, env = "RIDERHUB_DOOR_PHOTO", num_args = 0..=1, default_missing_value = "true")]
    pub door_photo: Option<bool>,
    /// Minutes without coming closer to the store after which he loses it [default: 8]
    #[arg(long, env = "RIDERHUB_RIDER_STANDING_MIN")]
    pub rider_standing_min: Option<u32>,
    /// Metres around a stop within which a rider arrives by his positions, without a tap; 0 is never
    /// [default: 50]
    #[arg(long, env = "RIDERHUB_ARRIVAL_RADIUS_M")]
    pub arrival_radius_m: Option<u32>,
    /// Seconds that he must stay there [default: 20]
    #[arg(long, env = "RIDERHUB_ARRIVAL_DWELL_S")]
    pub arrival_dwell_s: Option<u32>,
    /// Weights of dispatch as name=minutes, with commas between; see docs/dispatch.md [default: none differs]
    #[arg(long, env = "RIDERHUB_DISPATCH_WEIGHTS", value_delimiter = ',')]
    pub dispatch_weights: Option<Vec<String>>,
    /// OSRM server that knows times on roads: http://host:5000; {profile} in it stands for the name of a
    /// profile, where each has a server of its own [default: none, ways are straight lines with a detour]
    #[arg(long, env = "RIDERHUB_OSRM")]
    pub osrm: Option<String>,
    /// Names of its profiles, with commas between [default: walk=foot,bike=bike,scooter=car,car=car]
    #[arg(long, env = "RIDERHUB_OSRM_PROFILES", value_delimiter = ',')]
    pub osrm_profiles: Option<Vec<String>>,
    /// Milliseconds that planning waits for it before it does without [default: 500]
    #[arg(long, env = "RIDERHUB_OSRM_TIMEOUT_MS")]
    pub osrm_timeout_ms: Option<u64>,
    /// Milliseconds over which a node that goes down spreads the good-byes to its clients
    /// [default: 5000]
    #[arg(long, env = "RIDERHUB_DRAIN_MS")]
    pub drain_ms: Option<u64>,
    /// Sockets that a node has open at most; 0 is no limit [default: 50000]
    #[arg(long, env = "RIDERHUB_SOCKETS_MAX")]
    pub sockets_max: Option<usize>,
    /// Sockets that a node opens in a second at most; 0 is no limit [default: 5000]
    #[arg(long, env = "RIDERHUB_CONNECTS_PER_S")]
    pub connects_per_s: Option<u32>,
    /// Sockets from one address at most; 0, which is right behind a proxy, is no limit [default: 0]
    #[arg(long, env = "RIDERHUB_SOCKETS_PER_ADDRESS")]
    pub sockets_per_address: Option<usize>,
    /// Connections of one profile on a node at most; 0 is no limit [default: 32]
    #[arg(long, env = "RIDERHUB_SOCKETS_PER_PROFILE")]
    pub sockets_per_profile: Option<usize>,
    /// Roles that may be signed in on one device only, or `none` [default: rider]
    #[arg(long, env = "RIDERHUB_ONE_DEVICE", value_delimiter = ',')]
    pub one_device: Option<Vec<String>>,
    /// Milliseconds that somebody may be away before the others are told [default: 20000]
    #[arg(long, env = "RIDERHUB_PRESENCE_GRACE_MS")]
    pub presence_grace_ms: Option<u64>,
    /// Days that an order's channel is kept after the order's end [default: 90]
    #[arg(long, env = "RIDERHUB_KEEP_ORDERS_DAYS")]
    pub keep_orders_days: Option<u32>,
    /// Days that entries of inboxes and stores are kept [default: 30]
    #[arg(long, env = "RIDERHUB_KEEP_INBOXES_DAYS")]
    pub keep_inboxes_days: Option<u32>,
    /// Days that a command's `cid` and result are kept [default: 7]
    #[arg(long, env = "RIDERHUB_KEEP_COMMANDS_DAYS")]
    pub keep_commands_days: Option<u32>,
    /// Address of map tiles for the page, as https://…/{z}/{x}/{y}.png [default: none]
    #[arg(long, env = "RIDERHUB_TILES")]
    pub tiles: Option<String>,
}

impl Given {
    /// Reads a TOML file.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] if it cannot be read or holds an unknown name or a wrong value.
    pub fn from_file(path: &std::path::Path) -> Result<Self, SettingsError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|cause| SettingsError::Unreadable { path: shown.clone(), cause })?;
        toml::from_str(&text)
            .map_err(|cause| SettingsError::Malformed { path: shown, cause: Box::new(cause) })
    }

    /// What is given here, and for the rest what is given in `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            data: self.data.or(other.data),
            database: self.database.or(other.database),
            attachments: self.attachments.or(other.attachments),
            redis: self.redis.or(other.redis),
            environment: self.environment.or(other.environment),
            redis_prefix: self.redis_prefix.or(other.redis_prefix),
            time_scale: self.time_scale.or(other.time_scale),
            origins: self.origins.or(other.origins),
            full_sync: self.full_sync.or(other.full_sync),
            connections: self.connections.or(other.connections),
            workers: self.workers.or(other.workers),
            token_secret: self.token_secret.or(other.token_secret),
            token_secret_also: self.token_secret_also.or(other.token_secret_also),
            token_key_days: self.token_key_days.or(other.token_key_days),
            sessions_max: self.sessions_max.or(other.sessions_max),
            rate_address: self.rate_address.or(other.rate_address),
            rate_account: self.rate_account.or(other.rate_account),
            rate_entry: self.rate_entry.or(other.rate_entry),
            rate_orders: self.rate_orders.or(other.rate_orders),
            smtp: self.smtp.or(other.smtp),
            mail_from: self.mail_from.or(other.mail_from),
            trusted_proxies: self.trusted_proxies.or(other.trusted_proxies),
            sandbox_secret: self.sandbox_secret.or(other.sandbox_secret),
            vapid_key: self.vapid_key.or(other.vapid_key),
            push_contact: self.push_contact.or(other.push_contact),
            webhook: self.webhook.or(other.webhook),
            webhook_secret: self.webhook_secret.or(other.webhook_secret),
            notice_text: self.notice_text.or(other.notice_text),
            log_format: self.log_format.or(other.log_format),
            bench_channels: self.bench_channels.or(other.bench_channels),
            echo: self.echo.or(other.echo),
            fixtures: self.fixtures.or(other.fixtures),
            dispatch: self.dispatch.or(other.dispatch),
            no_rider_alarm_min: self.no_rider_alarm_min.or(other.no_rider_alarm_min),
            no_rider_stop_min: self.no_rider_stop_min.or(other.no_rider_stop_min),
            bonus_percent: self.bonus_percent.or(other.bonus_percent),
            bonus_percent_max: self.bonus_percent_max.or(other.bonus_percent_max),
            handover_proof: self.handover_proof.or(other.handover_proof),
            door_photo: self.door_photo.or(other.door_photo),
            rider_silent_min: self.rider_silent_min.or(other.rider_silent_min),
            rider_standing_min: self.rider_standing_min.or(other.rider_standing_min),
            arrival_radius_m: self.arrival_radius_m.or(other.arrival_radius_m),
            arrival_dwell_s: self.arrival_dwell_s.or(other.arrival_dwell_s),
            dispatch_weights: self.dispatch_weights.or(other.dispatch_weights),
            osrm: self.osrm.or(other.osrm),
            osrm_profiles: self.osrm_profiles.or(other.osrm_profiles),
            osrm_timeout_ms: self.osrm_timeout_ms.or(other.osrm_timeout_ms),
            drain_ms: self.drain_ms.or(other.drain_ms),
            sockets_max: self.sockets_max.or(other.sockets_max),
            connects_per_s: self.connects_per_s.or(other.connects_per_s),
            sockets_per_address: self.sockets_per_address.or(other.sockets_per_address),
            sockets_per_profile: self.sockets_per_profile.or(other.sockets_per_profile),
            one_device: self.one_device.or(other.one_device),
            presence_grace_ms: self.presence_grace_ms.or(other.presence_grace_ms),
            keep_orders_days: self.keep_orders_days.or(other.keep_orders_days),
            keep_inboxes_days: self.keep_inboxes_days.or(other.keep_inboxes_days),
            keep_commands_days: self.keep_commands_days.or(other.keep_commands_days),
            tiles: self.tiles.or(other.tiles),
        }
    }

    /// Fills in the defaults and checks everything.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Wrong`] with everything that is wrong.
    pub fn settle(self) -> Result<Settings, SettingsError> {
        let environment = self.environment.unwrap_or_default();
        let has_prefix = self.redis_prefix.is_some();
        let data = self.data.unwrap_or_else(|| PathBuf::from(DATA));
        let embedded = || Secret(format!("sqlite:{}", data.join("riderhub.sqlite").display()));
        let database = self.database.unwrap_or_else(embedded);
        let is_sqlite = database.0.starts_with("sqlite:");
        let settings = Settings {
            listen: self.listen.unwrap_or(LISTEN),
            database,
            attachments: self
                .attachments
                .unwrap_or_else(|| data.join("attachments").display().to_string()),
            data,
            redis: self.redis,
            redis_prefix: self
                .redis_prefix
                .unwrap_or_else(|| format!("riderhub:{}", environment.as_str())),
            environment,
            time_scale: self.time_scale.unwrap_or(1.0),
            origins: self.origins.unwrap_or_default(),
            full_sync: self.full_sync.unwrap_or(environment == Environment::Production),
            connections: self.connections.unwrap_or(if is_sqlite {
                SQLITE_CONNECTIONS
            } else {
                CONNECTIONS
            }),
            workers: self.workers.unwrap_or(0),
            token_secret: self.token_secret,
            token_secret_also: self.token_secret_also.unwrap_or_default(),
            token_key_days: self.token_key_days.unwrap_or(TOKEN_KEY_DAYS),
            sessions_max: self.sessions_max.unwrap_or(SessionPolicy::DEFAULT.sessions_max),
            rate_address: self.rate_address.unwrap_or(access::RATE_ADDRESS),
            rate_account: self.rate_account.unwrap_or(access::RATE_ACCOUNT),
            rate_entry: self.rate_entry.unwrap_or(access::RATE_ENTRY),
            rate_orders: self.rate_orders.unwrap_or(access::RATE_ORDERS),
            smtp: self.smtp,
            mail_from: self.mail_from.unwrap_or_else(|| access::MAIL_FROM.to_owned()),
            trusted_proxies: self.trusted_proxies.unwrap_or_default(),
            sandbox_secret: self.sandbox_secret,
            vapid_key: self.vapid_key,
            push_contact: self.push_contact.unwrap_or_else(|| PUSH_CONTACT.to_owned()),
            webhook: self.webhook,
            webhook_secret: self.webhook_secret,
            notice_text: self.notice_text.unwrap_or(false),
            log_format: self.log_format.unwrap_or_default(),
            bench_channels: self.bench_channels.unwrap_or(false),
            echo: self.echo.unwrap_or(false),
            fixtures: self.fixtures.unwrap_or(false),
            dispatch: self.dispatch.unwrap_or_else(|| Policy::Instant.as_str().to_owned()),
            no_rider_alarm_min: self.no_rider_alarm_min.unwrap_or(NO_RIDER_ALARM_MIN),
            no_rider_stop_min: self.no_rider_stop_min.unwrap_or(NO_RIDER_STOP_MIN),
            bonus_percent: self.bonus_percent.unwrap_or(BONUS_PERCENT),
            bonus_percent_max: self.bonus_percent_max.unwrap_or(BONUS_PERCENT_MAX),
            handover_proof: self
                .handover_proof
                .unwrap_or_else(|| HandoverPolicy::DEFAULT.default_proof.to_string()),
            door_photo: self.door_photo.unwrap_or(HandoverPolicy::DEFAULT.is_door_photo_needed),
            rider_silent_min: self.rider_silent_min.unwrap_or(RIDER_SILENT_MIN),
            rider_standing_min: self.rider_standing_min.unwrap_or(RIDER_STANDING_MIN),
            arrival_radius_m: self.arrival_radius_m.unwrap_or(ARRIVAL_RADIUS_M),
            arrival_dwell_s: self.arrival_dwell_s.unwrap_or(ARRIVAL_DWELL_S),
            dispatch_weights: self.dispatch_weights.unwrap_or_default(),
            osrm: self.osrm,
            osrm_profiles: self.osrm_profiles.unwrap_or_default(),
            osrm_timeout_ms: self.osrm_timeout_ms.unwrap_or(OSRM_TIMEOUT_MS),
            drain_ms: self.drain_ms.unwrap_or(DRAIN_MS),
            sockets_max: self.sockets_max.unwrap_or(SOCKETS_MAX),
            connects_per_s: self.connects_per_s.unwrap_or(CONNECTS_PER_S),
            sockets_per_address: self.sockets_per_address.unwrap_or(0),
            sockets_per_profile: self.sockets_per_profile.unwrap_or(SOCKETS_PER_PROFILE),
            one_device: self.one_device.unwrap_or_else(|| vec![Role::Rider.to_string()]),
            presence_grace_ms: self.presence_grace_ms.unwrap_or(PRESENCE_GRACE_MS),
            keep_orders_days: self.keep_orders_days.unwrap_or(90),
            keep_inboxes_days: self.keep_inboxes_days.unwrap_or(30),
            keep_commands_days: self.keep_commands_days.unwrap_or(7),
            tiles: self.tiles,
            demo: false,
        };
        let mut wrong = settings.faults();
        if self.workers == Some(0) {
            wrong.push("workers must be 1 to 256; leave it out for one for each core".to_owned());
        }
        if settings.redis.is_some() && environment == Environment::Production && !has_prefix {
            let text = "production with Redis needs a redis-prefix of its own: two installations \
                        with the same one hear each other";
            wrong.push(text.to_owned());
        }
        if wrong.is_empty() { Ok(settings) } else { Err(SettingsError::Wrong(wrong)) }
    }
}
