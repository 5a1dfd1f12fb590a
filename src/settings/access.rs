//! The settings that rule who comes in: sign-ins, the keys of tokens, and how often one may ask.

use std::time::Duration;

use domain::session::SessionPolicy;
use usecases::token_keys::KeySettings;

use super::{Environment, Secret, Settings};
use crate::http::{
    address::Network,
    guard::{Guard, Limits},
};

/// Who codes come from unless told otherwise.
pub(super) const MAIL_FROM: &str = "RiderHub <no-reply@riderhub.invalid>";
/// Requests from one address in a minute unless told otherwise.
pub(super) const RATE_ADDRESS: u32 = 6_000;
/// Requests of one account in a minute unless told otherwise.
pub(super) const RATE_ACCOUNT: u32 = 3_000;
/// Sign-ins and registrations from one address in a minute unless told otherwise.
pub(super) const RATE_ENTRY: u32 = 120;
/// New orders of one account in a minute unless told otherwise.
pub(super) const RATE_ORDERS: u32 = 60;

/// Characters of a secret that signs tokens at least.
const TOKEN_SECRET_MIN: usize = 32;
/// Longest life of a key that can be set, in days.
const KEY_DAYS_MAX: u32 = 3_650;
/// Most sign-ins of an account that can be set.
const SESSIONS_MAX: usize = 100;

impl Settings {
    /// How sign-ins are kept.
    pub const fn session_policy(&self) -> SessionPolicy {
        SessionPolicy { sessions_max: self.sessions_max, ..SessionPolicy::DEFAULT }
    }

    /// What signs tokens.
    pub fn key_settings(&self) -> KeySettings {
        let reveal = |it: &Secret| it.reveal().to_owned();
        KeySettings {
            secret: self.token_secret.as_ref().map(reveal),
            also: self.token_secret_also.iter().map(reveal).collect(),
        }
    }

    /// After which time a new key signs tokens.
    pub const fn token_key_age(&self) -> Duration {
        Duration::from_secs(self.token_key_days as u64 * 24 * 3_600)
    }

    /// How often one may ask. Load tests, which make their people by fixtures, may as often as they like.
    pub fn guard(&self) -> Guard {
        let is_production = self.environment == Environment::Production;
        let limits = Limits {
            address_per_min: self.rate_address,
            account_per_min: self.rate_account,
            entry_per_min: self.rate_entry,
            orders_per_min: self.rate_orders,
            is_loopback_free: !is_production,
        };
        let limits = if self.fixtures { Limits::default() } else { limits };
        let trusted = self.trusted_proxies.iter().filter_map(|it| Network::parse(it)).collect();
        Guard { limits, trusted, scale: self.time_scale }
    }

    pub(super) fn access_faults(&self, must: &mut impl FnMut(bool, &str)) {
        let mut secrets = self.token_secret.iter().chain(&self.token_secret_also);
        must(
            secrets.all(|it| it.reveal().len() >= TOKEN_SECRET_MIN),
            "token-secret and each of token-secret-also must have 32 characters or more",
        );
        must((1..=KEY_DAYS_MAX).contains(&self.token_key_days), "token-key-days must be 1 to 3650");
        must(
            self.trusted_proxies.iter().all(|it| Network::parse(it).is_some()),
            "trusted-proxies must be addresses or networks, as 10.0.0.0/8",
        );
        must(self.sessions_max <= SESSIONS_MAX, "sessions-max must be 0 to 100");
    }
}
