//! Who guesses passwords is slowed down: by login and address, by login, and by address.
//!
//! What is counted is what was typed, whether there is such a login or not, so that nobody learns from
//! being slowed down. Only what goes wrong stays counted.

use std::net::{IpAddr, Ipv6Addr};

use domain::{
    rate::Quota,
    session::{FAILURES, TRIES_ANYWHERE, TRIES_HERE},
};
use storage::commands::fingerprint;

use crate::{error::AskError, platform::Platform};

/// Bits of an IPv6 address that one household or server has for itself.
const OWN_BITS: u32 = 64;

/// The address as limits know it: all of a household's IPv6 addresses are one.
pub fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) => IpAddr::V6(Ipv6Addr::from_bits(it.to_bits() >> OWN_BITS << OWN_BITS)),
        it @ IpAddr::V4(_) => it,
    }
}

/// Tries of one login from one place, under way.
pub(crate) struct Tries {
    counted: Vec<(String, Quota)>,
}

impl Tries {
    /// Counts a try before anything is looked at.
    ///
    /// # Errors
    ///
    /// [`AskError::TooOften`] if there were too many.
    pub(crate) async fn begin(
        platform: &Platform,
        login: &str,
        address: Option<IpAddr>,
    ) -> Result<Self, AskError> {
        let login = fingerprint(&["login", &login.trim().to_lowercase()]);
        let from = address.map_or_else(|| "-".to_owned(), |it| counted(it).to_string());
        let all = [
            (failures_of(&from), FAILURES),
            (format!("try:{login}@{from}"), TRIES_HERE),
            (format!("try:{login}"), TRIES_ANYWHERE),
        ];
        let mut tries = Self { counted: Vec::with_capacity(all.len()) };
        for (key, quota) in all {
            let taken = platform.rates.take(key.clone(), quota).await;
            if !taken.is_allowed {
                // What is refused for one reason is not counted for the others.
                tries.give_back(platform).await;
                metrics::counter!("riderhub_tries_refused_total").increment(1);
                return Err(AskError::TooOften { retry_after: taken.retry_after });
            }
            tries.counted.push((key, quota));
        }
        Ok(tries)
    }

    /// It was the right password: the login begins anew, and the address has one failure less.
    pub(crate) async fn succeeded(self, platform: &Platform) {
        for (key, quota) in self.counted {
            if quota == FAILURES {
                platform.rates.give(key, quota).await;
            } else {
                platform.rates.forget(key).await;
            }
        }
    }

    async fn give_back(self, platform: &Platform) {
        for (key, quota) in self.counted {
            platform.rates.give(key, quota).await;
        }
    }
}

fn failures_of(from: &str) -> String {
    format!("fail:{from}")
}

/// Counts something that went wrong for an address.
///
/// # Errors
///
/// [`AskError::TooOften`] if there was too much of it.
pub(crate) async fn note_failure(
    platform: &Platform,
    address: Option<IpAddr>,
) -> Result<(), AskError> {
    let from = address.map_or_else(|| "-".to_owned(), |it| counted(it).to_string());
    let taken = platform.rates.take(failures_of(&from), FAILURES).await;
    if taken.is_allowed {
        return Ok(());
    }
    Err(AskError::TooOften { retry_after: taken.retry_after })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_is_one_address() {
        let of = |text: &str| counted(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:aaaa::1"), of("2001:db8:1:2:bbbb::2"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
