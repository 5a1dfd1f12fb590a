//! The keys that sign access tokens, and how they change without signing anybody out.
//!
//! A new key is written down first and signs a while later, when every node has read it. The key
//! before it is taken until the last token that it signed has run out; then it is forgotten.

use std::time::Duration;

use domain::clock::{SystemClock, Timestamp};
use jsonwebtoken::{DecodingKey, EncodingKey};
use storage::{
    commands::fingerprint,
    db::Tx,
    error::StoreError,
    store::Store,
    tokens::{self as rows, SigningKey},
};

use crate::{
    error::AskError,
    platform::Platform,
    tokens::{ACCESS_SPAN, random_hex},
};

/// How long a new key waits before it signs, in real time: much longer than nodes take to read it.
pub const SETTLES: Duration = Duration::from_secs(60);
/// Name of the keys that are kept in the store, with a number behind it.
const STORED: &str = "store-";
/// Name of the keys that the settings bring, with a piece of their hash behind it.
const CONFIGURED: &str = "set-";

/// What the settings say about keys.
#[derive(Clone, Default)]
pub struct KeySettings {
    /// Signs; `None` for keys that are kept in the store.
    pub secret: Option<String>,
    /// Are taken, and do not sign: the secret of before, or the one to come.
    pub also: Vec<String>,
}

struct Key {
    kid: String,
    signs_from: Timestamp,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// The keys of a moment.
pub(crate) struct Ring {
    /// The one of the settings, if there is one: it signs.
    configured: Option<Key>,
    /// Taken only.
    also: Vec<Key>,
    /// Kept in the store, the newest last.
    stored: Vec<Key>,
}

fn key(kid: String, secret: &str, signs_from: Timestamp) -> Key {
    let (encoding, decoding) =
        (EncodingKey::from_secret(secret.as_bytes()), DecodingKey::from_secret(secret.as_bytes()));
    Key { kid, signs_from, encoding, decoding }
}

/// Nodes agree on the name of a secret whatever the order they were given it in.
fn configured(secret: &str) -> Key {
    let named = fingerprint(&["the name of a token secret", secret]);
    key(format!("{CONFIGURED}{}", &named[..12]), secret, Timestamp::from_ms(0))
}

impl Ring {
    pub(crate) fn new(settings: &KeySettings, stored: &[SigningKey]) -> Self {
        Self {
            configured: settings.secret.as_deref().map(configured),
            also: settings.also.iter().map(|it| configured(it)).collect(),
            stored: stored
                .iter()
                .map(|it| key(it.kid.clone(), &it.secret, it.signs_from))
                .collect(),
        }
    }

    /// The key that signs at `now` in real time.
    pub(crate) fn signing(&self, now: Timestamp) -> Option<(&str, &EncodingKey)> {
        let newest = || self.stored.iter().rfind(|it| it.signs_from <= now);
        let key = self.configured.as_ref().or_else(newest).or_else(|| self.stored.first())?;
        Some((&key.kid, &key.encoding))
    }

    /// The key of this name.
    pub(crate) fn find(&self, kid: &str) -> Option<&DecodingKey> {
        let mut all = self.configured.iter().chain(&self.also).chain(&self.stored);
        all.find(|it| it.kid == kid).map(|it| &it.decoding)
    }

    const fn is_configured(&self) -> bool {
        self.configured.is_some()
    }
}

/// Keys whose last token has run out: a later one has signed for `keep` or longer.
fn outlived(keys: &[SigningKey], now: Timestamp, keep: Duration) -> Vec<String> {
    let pairs = keys.iter().zip(keys.iter().skip(1));
    pairs.filter(|(_, next)| next.signs_from + keep <= now).map(|(it, _)| it.kid.clone()).collect()
}

fn next_kid(keys: &[SigningKey]) -> String {
    let number = |it: &SigningKey| it.kid.strip_prefix(STORED)?.parse::<u64>().ok();
    format!("{STORED}{}", keys.iter().filter_map(number).max().unwrap_or(0) + 1)
}

/// Reads the keys of the store; makes the first one.
pub(crate) async fn read_or_make(
    store: &Store,
    settings: &KeySettings,
    at: Timestamp,
) -> Result<Vec<SigningKey>, StoreError> {
    let keys = rows::list_keys(&mut store.reader()).await?;
    if !keys.is_empty() || settings.secret.is_some() {
        return Ok(keys);
    }
    // Of several nodes that start at once the first one's key stays.
    let signs_from = SystemClock::machine_time();
    let key = SigningKey { kid: format!("{STORED}1"), secret: random_hex(), signs_from };
    store.write(async move |tx: &mut Tx| rows::insert_key_if_new(tx, &key, at).await).await?;
    rows::list_keys(&mut store.reader()).await
}

/// A key that signs from now or soon on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextKey {
    /// Its name, told in each token.
    pub kid: String,
    /// From when on it signs, in real time.
    pub signs_from: Timestamp,
}

/// Makes a new key. Nobody is signed out: tokens of the old one are taken until they run out. While
/// a new one waits to be used, that one is the answer.
///
/// # Errors
///
/// [`AskError::OutOfRange`] if the settings bring the key, [`AskError::Store`] if it cannot be saved.
pub async fn rotate(platform: &Platform) -> Result<NextKey, AskError> {
    if platform.tokens.with_ring(Ring::is_configured) {
        let what = "the key that signs tokens comes from the setting `token-secret`: change it \
                    there, and name the old one in `token-secret-also`";
        return Err(AskError::OutOfRange { what });
    }
    let (at, now) = (platform.now(), SystemClock::machine_time());
    let write = async move |tx: &mut Tx| {
        let keys = rows::list_keys(tx).await?;
        if let Some(waiting) = keys.last().filter(|it| it.signs_from > now) {
            return Ok(waiting.clone());
        }
        let (kid, secret) = (next_kid(&keys), random_hex());
        let key = SigningKey { kid, secret, signs_from: now + SETTLES };
        rows::insert_key_if_new(tx, &key, at).await?;
        Ok::<_, StoreError>(key)
    };
    let key: SigningKey = platform.store.write(write).await?;
    refresh(platform).await?;
    tracing::info!(key.id = %key.kid, "a new key signs tokens soon");
    Ok(NextKey { kid: key.kid, signs_from: key.signs_from })
}

/// Reads what keys there are, on every node every few seconds.
///
/// # Errors
///
/// [`StoreError`] if they cannot be read.
pub async fn refresh(platform: &Platform) -> Result<(), StoreError> {
    let keys = rows::list_keys(&mut platform.reader()).await?;
    platform.tokens.replace_stored(&keys);
    Ok(())
}

/// Makes a new key if the newest is older than `age`, and forgets those whose tokens have run out.
///
/// # Errors
///
/// [`StoreError`] if the store fails.
pub async fn tend(platform: &Platform, age: Duration) -> Result<(), AskError> {
    let now = SystemClock::machine_time();
    let keys = rows::list_keys(&mut platform.reader()).await?;
    let is_old = keys.last().is_some_and(|it| it.signs_from + age <= now);
    if is_old && !platform.tokens.with_ring(Ring::is_configured) {
        rotate(platform).await?;
    }
    let keep = platform.clock.real(ACCESS_SPAN) + SETTLES;
    for kid in outlived(&keys, now, keep) {
        tracing::info!(key.id = %kid, "no token of this key is alive; it is forgotten");
        platform.store.write(async move |tx: &mut Tx| rows::remove_key(tx, &kid).await).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    fn stored(number: u32, signs_from: Timestamp) -> SigningKey {
        SigningKey { kid: format!("store-{number}"), secret: format!("s{number}"), signs_from }
    }

    #[test]
    fn a_new_key_is_taken_at_once_and_signs_when_all_nodes_know_it() {
        let keys = [stored(1, NOON), stored(2, NOON + SETTLES)];
        let ring = Ring::new(&KeySettings::default(), &keys);
        assert!(ring.find("store-1").is_some() && ring.find("store-2").is_some());
        assert_eq!(ring.signing(NOON).map(|it| it.0), Some("store-1"));
        assert_eq!(ring.signing(NOON + SETTLES).map(|it| it.0), Some("store-2"));
        // The first key of all has nobody to wait for.
        let first = Ring::new(&KeySettings::default(), &keys[1..]);
        assert_eq!(first.signing(NOON).map(|it| it.0), Some("store-2"));
    }

    #[test]
    fn an_old_key_is_kept_until_its_last_token_has_run_out() {
        let keys = [stored(9, NOON), stored(10, NOON + SETTLES)];
        let last = NOON + SETTLES + ACCESS_SPAN;
        let before = Timestamp::from_ms(last.ms() - 1);
        assert!(outlived(&keys, before, ACCESS_SPAN).is_empty());
        assert_eq!(outlived(&keys, last, ACCESS_SPAN), ["store-9"]);
        assert_eq!(next_kid(&keys), "store-11");
        assert_eq!(next_kid(&[]), "store-1");
    }

    #[test]
    fn a_secret_of_the_settings_signs_and_those_of_before_are_taken() {
        let old = KeySettings { secret: Some("old".to_owned()), also: vec!["new".to_owned()] };
        let new = KeySettings { secret: Some("new".to_owned()), also: vec!["old".to_owned()] };
        let (old, new) = (Ring::new(&old, &[stored(1, NOON)]), Ring::new(&new, &[]));
        let (by_old, by_new) = (old.signing(NOON).unwrap().0, new.signing(NOON).unwrap().0);
        assert_ne!(by_old, by_new);
        assert!(new.find(by_old).is_some() && old.find(by_new).is_some());
        assert!(old.find("store-1").is_some(), "from before there was a secret");
    }
}
