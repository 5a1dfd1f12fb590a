//! Access tokens (signed, short) and refresh tokens (random, stored as hashes, good for one use).

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use domain::{
    clock::{SystemClock, Timestamp},
    ids::{AccountId, SessionId},
    role::{Profile, Role},
};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use storage::{error::StoreError, revocations, store::Store, tokens::SigningKey};

use crate::{
    error::AskError,
    revoked::RevokedSessions,
    token_keys::{self, KeySettings, Ring},
};

/// How long an access token is good for.
pub const ACCESS_SPAN: Duration = Duration::from_secs(15 * 60);
/// Most bytes of a token that is looked at.
pub const TOKEN_BYTES_MAX: usize = 4_096;
/// What a refresh token begins with.
const REFRESH_PREFIX: &str = "rft_";

/// Who a valid token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The profile.
    pub profile: Profile,
    /// Its account.
    pub account_id: AccountId,
    /// The sign-in that the token comes from.
    pub session_id: SessionId,
    /// Until when the token is good.
    pub expires_at: Timestamp,
}

/// Whom a token is for.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The profile.
    pub profile: Profile,
    /// Its account.
    pub account_id: AccountId,
    /// The name that others see. It travels in the token, so that a socket need not ask for it.
    pub name: &'a str,
    /// The sign-in.
    pub session_id: SessionId,
}

/// Signs and checks access tokens.
pub struct TokenKeys {
    settings: KeySettings,
    ring: RwLock<Ring>,
    revoked: RevokedSessions,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    role: String,
    acc: String,
    sid: String,
    name: String,
    exp: i64,
    iat: i64,
    jti: String,
}

impl TokenKeys {
    /// Takes the secret of the settings, or makes one that all nodes of the store share.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the keys cannot be read or written.
    pub async fn open(
        store: &Store,
        settings: KeySettings,
        at: Timestamp,
    ) -> Result<Self, StoreError> {
        let stored = token_keys::read_or_make(store, &settings, at).await?;
        let ended = revocations::since(&mut store.reader(), Timestamp::from_ms(0)).await?;
        let keys = Self::from_keys(settings, &stored);
        keys.revoked.add(&ended);
        Ok(keys)
    }

    fn from_keys(settings: KeySettings, stored: &[SigningKey]) -> Self {
        let ring = RwLock::new(Ring::new(&settings, stored));
        Self { settings, ring, revoked: RevokedSessions::default() }
    }

    pub(crate) fn replace_stored(&self, stored: &[SigningKey]) {
        let ring = Ring::new(&self.settings, stored);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    pub(crate) fn with_ring<T>(&self, look: impl FnOnce(&Ring) -> T) -> T {
        // A ring is only ever replaced as a whole, so that of a poisoned lock is a good one.
        look(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sign-ins that ended before their tokens did.
    pub const fn revoked(&self) -> &RevokedSessions {
        &self.revoked
    }

    /// A token for somebody, and until when it is good.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] if the token cannot be signed.
    pub fn issue(
        &self,
        subject: Subject<'_>,
        at: Timestamp,
    ) -> Result<(String, Timestamp), StoreError> {
        self.issue_for(subject, at, ACCESS_SPAN)
    }

    /// Like [`Self::issue`], good for `span`: for load tests.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] if the token cannot be signed.
    pub fn issue_for(
        &self,
        subject: Subject<'_>,
        at: Timestamp,
        span: Duration,
    ) -> Result<(String, Timestamp), StoreError> {
        let expires_at = at + span;
        let claims = Claims {
            sub: subject.profile.to_string(),
            role: subject.profile.role().to_string(),
            acc: subject.account_id.to_string(),
            sid: subject.session_id.to_string(),
            name: subject.name.to_owned(),
            exp: expires_at.ms().div_euclid(1_000),
            iat: at.ms().div_euclid(1_000),
            jti: random_hex(),
        };
        let signed = self.with_ring(|ring| {
            let (kid, key) = ring.signing(SystemClock::machine_time())?;
            let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
            Some(jsonwebtoken::encode(&header, &claims, key))
        });
        let none = || StoreError::not_found("signing key", "any");
        let token = signed.ok_or_else(none)?.map_err(StoreError::refused)?;
        Ok((token, Timestamp::from_ms(claims.exp * 1_000)))
    }

    /// Who a token speaks for.
    ///
    /// # Errors
    ///
    /// [`AskError::BadToken`] if it is not one of ours, [`AskError::TokenExpired`] if it was,
    /// [`AskError::Revoked`] if its sign-in has ended.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, AskError> {
        self.verify_named(token, now).map(|it| it.0)
    }

    /// Like [`Self::verify`], with the name that others see.
    ///
    /// # Errors
    ///
    /// As [`Self::verify`].
    pub fn verify_named(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<(Identity, String), AskError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(AskError::BadToken);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| AskError::BadToken)?;
        let kid = header.kid.ok_or(AskError::BadToken)?;
        // The library would compare with the machine's time; ours may run faster.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["sub", "exp"]);
        let read =
            |ring: &Ring| jsonwebtoken::decode::<Claims>(token, ring.find(&kid)?, &validation).ok();
        let claims = self.with_ring(read).ok_or(AskError::BadToken)?.claims;
        let profile: Profile = claims.sub.parse().map_err(|_| AskError::BadToken)?;
        let account_id = claims.acc.parse().map_err(|_| AskError::BadToken)?;
        let session_id = claims.sid.parse().map_err(|_| AskError::BadToken)?;
        if Role::from_text(&claims.role) != Some(profile.role()) {
            return Err(AskError::BadToken);
        }
        let expires_at = Timestamp::from_ms(claims.exp.saturating_mul(1_000));
        if now >= expires_at {
            return Err(AskError::TokenExpired { expired_at: expires_at });
        }
        if self.revoked.has(session_id) {
            return Err(AskError::Revoked);
        }
        Ok((Identity { profile, account_id, session_id, expires_at }, claims.name))
    }
}

/// A new refresh token.
pub(crate) fn new_refresh() -> String {
    format!("{REFRESH_PREFIX}{}", random_hex())
}

/// Hides a refresh token so that only whoever has the one before it can read it, and back again:
/// the same work twice. The one before it is random, known to its client alone, and used for this
/// once.
fn sealed_with(before: &str, digits: &str) -> Option<String> {
    let mut pad = Sha256::new();
    pad.update(b"the refresh token after this one: ");
    pad.update(before.as_bytes());
    let mut bytes = unhex(digits)?;
    bytes.iter_mut().zip(pad.finalize()).for_each(|(it, pad)| *it ^= pad);
    Some(hex(&bytes))
}

/// Seals the token that takes the place of `before`.
pub(crate) fn seal(before: &str, after: &str) -> Option<String> {
    sealed_with(before, after.strip_prefix(REFRESH_PREFIX)?)
}

/// Reads what was sealed with `before`.
pub(crate) fn unseal(before: &str, sealed: &str) -> Option<String> {
    sealed_with(before, sealed).map(|digits| format!("{REFRESH_PREFIX}{digits}"))
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect()
}

/// What is stored of a refresh token.
pub(crate) fn hashed(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// 256 random bits as hex digits.
pub(crate) fn random_hex() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// Bytes as hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    fn keys(secret: &str) -> TokenKeys {
        TokenKeys::from_keys(KeySettings::default(), &[stored(1, secret)])
    }

    fn stored(number: u32, secret: &str) -> SigningKey {
        let signs_from = Timestamp::from_ms(number.into());
        SigningKey { kid: format!("store-{number}"), secret: secret.to_owned(), signs_from }
    }

    #[test]
    fn keys_change_and_nobody_is_signed_out() {
        let keys = keys("one");
        let somebody = subject(Role::Customer);
        let (old, _) = keys.issue(somebody, NOON).unwrap();
        keys.replace_stored(&[stored(1, "one"), stored(2, "two")]);
        let (new, _) = keys.issue(somebody, NOON).unwrap();
        let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        assert_eq!((kid(&old).as_str(), kid(&new).as_str()), ("store-1", "store-2"));
        assert!(keys.verify(&old, NOON).is_ok() && keys.verify(&new, NOON).is_ok());
        keys.replace_stored(&[stored(2, "two")]);
        assert!(matches!(keys.verify(&old, NOON), Err(AskError::BadToken)), "it was forgotten");
        assert!(keys.verify(&new, NOON).is_ok());
    }

    #[test]
    fn a_sealed_token_is_read_with_the_one_before_it_only() {
        let (before, after) = (new_refresh(), new_refresh());
        let sealed = seal(&before, &after).unwrap();
        assert!(!after.contains(&sealed));
        assert_eq!(unseal(&before, &sealed), Some(after.clone()));
        assert_ne!(unseal(&new_refresh(), &sealed), Some(after));
        assert_eq!(seal(&before, "rft_short"), None);
        assert_eq!(unseal(&before, "not hex"), None);
    }

    fn subject(role: Role) -> Subject<'static> {
        let (account_id, session_id) = (AccountId::generate(), SessionId::generate());
        Subject { profile: Profile::generate(role), account_id, name: "Zoë", session_id }
    }

    #[test]
    fn a_token_of_a_sign_in_that_ended_is_refused_and_one_of_another_device_is_not() {
        let keys = keys("secret");
        let phone = subject(Role::Rider);
        let tablet = Subject { session_id: SessionId::generate(), ..phone };
        let (token, keep_until) = keys.issue(phone, NOON).unwrap();
        let (other, _) = keys.issue(tablet, NOON).unwrap();
        let Subject { profile, session_id, .. } = phone;
        keys.revoked().add(&[revocations::Revocation { session_id, profile, keep_until }]);
        assert!(matches!(keys.verify(&token, NOON), Err(AskError::Revoked)));
        assert!(keys.verify(&other, NOON).is_ok());
    }

    #[test]
    fn a_token_is_good_until_it_expires_by_our_own_clock() {
        let keys = keys("secret");
        let subject = subject(Role::Rider);
        let (token, expires_at) = keys.issue(subject, NOON).unwrap();
        let identity = keys.verify(&token, expires_at - Duration::from_millis(1)).unwrap();
        assert_eq!((identity.profile, identity.account_id), (subject.profile, subject.account_id));
        assert_eq!(keys.verify_named(&token, NOON).unwrap().1, "Zoë");
        let late = keys.verify(&token, expires_at);
        assert!(matches!(late, Err(AskError::TokenExpired { .. })), "{late:?}");
    }

    #[test]
    fn forged_tokens_are_refused() {
        let (token, _) = keys("other").issue(subject(Role::Operator), NOON).unwrap();
        let unsigned = "eyJhbGciOiJub25lIiwia2lkIjoiayJ9.e30.";
        for bad in [token.as_str(), unsigned, "", "a.b.c", &"x".repeat(10_000)] {
            assert!(matches!(keys("secret").verify(bad, NOON), Err(AskError::BadToken)), "{bad}");
        }
    }
}
