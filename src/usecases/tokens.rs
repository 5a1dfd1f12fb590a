//! Access tokens (signed, short) and refresh tokens (random, stored as hashes, good for one use).

use std::time::Duration;

use domain::{
    clock::Timestamp,
    ids::{AccountId, SessionId},
    role::{Profile, Role},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use storage::{
    db::Tx,
    error::StoreError,
    revocations,
    store::Store,
    tokens::{self as rows, RefreshToken, SigningKey},
};

use crate::{error::AskError, revoked::RevokedSessions};

/// How long an access token is good for.
pub const ACCESS_SPAN: Duration = Duration::from_secs(15 * 60);
/// How long a refresh token is good for.
pub const REFRESH_SPAN: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Most bytes of a token that is looked at.
pub const TOKEN_BYTES_MAX: usize = 4_096;

/// Name of the key that is made when the settings bring none.
const STORED_KID: &str = "store-1";
/// Name of the key that the settings bring.
const SETTINGS_KID: &str = "settings-1";

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

/// The keys that sign and check access tokens.
pub struct TokenKeys {
    kid: String,
    encoding: EncodingKey,
    decoding: Vec<(String, DecodingKey)>,
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
        configured: Option<&str>,
        at: Timestamp,
    ) -> Result<Self, StoreError> {
        if let Some(secret) = configured {
            let key = SigningKey { kid: SETTINGS_KID.to_owned(), secret: secret.to_owned() };
            return Self::from_keys(&[key])?.with_revoked(store).await;
        }
        let mut keys = rows::list_keys(&mut store.reader()).await?;
        if keys.is_empty() {
            // Of several nodes that start at once the first one's key stays.
            let key = SigningKey { kid: STORED_KID.to_owned(), secret: random_hex() };
            store
                .write(async move |tx: &mut Tx| rows::insert_key_if_new(tx, &key, at).await)
                .await?;
            keys = rows::list_keys(&mut store.reader()).await?;
        }
        Self::from_keys(&keys)?.with_revoked(store).await
    }

    async fn with_revoked(self, store: &Store) -> Result<Self, StoreError> {
        let all = revocations::since(&mut store.reader(), Timestamp::from_ms(0)).await?;
        self.revoked.add(&all);
        Ok(self)
    }

    /// Signs with the last key and accepts all of them.
    fn from_keys(keys: &[SigningKey]) -> Result<Self, StoreError> {
        let last = keys.last().ok_or_else(|| StoreError::not_found("signing key", STORED_KID))?;
        let decoding = keys
            .iter()
            .map(|it| (it.kid.clone(), DecodingKey::from_secret(it.secret.as_bytes())))
            .collect();
        let encoding = EncodingKey::from_secret(last.secret.as_bytes());
        let revoked = RevokedSessions::default();
        Ok(Self { kid: last.kid.clone(), encoding, decoding, revoked })
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
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::HS256) };
        let token =
            jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(StoreError::refused)?;
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
        let key = header
            .kid
            .and_then(|kid| self.decoding.iter().find(|it| it.0 == kid))
            .ok_or(AskError::BadToken)?;
        // The library would compare with the machine's time; ours may run faster.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["sub", "exp"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &key.1, &validation)
            .map_err(|_| AskError::BadToken)?
            .claims;
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

/// Makes a refresh token of a sign-in and stores its hash. Returns the token itself.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub(crate) async fn issue_refresh(
    tx: &mut Tx,
    session_id: SessionId,
    profile: Profile,
    device: Option<String>,
    at: Timestamp,
) -> Result<(String, Timestamp), StoreError> {
    let token = format!("rft_{}", random_hex());
    let expires_at = at + REFRESH_SPAN;
    let row = RefreshToken {
        token_hash: hashed(&token),
        session_id,
        profile,
        device,
        expires_at,
        used_at: None,
    };
    rows::insert_refresh(tx, &row, at).await?;
    Ok((token, expires_at))
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
        let key = SigningKey { kid: "k".to_owned(), secret: secret.to_owned() };
        TokenKeys::from_keys(&[key]).unwrap()
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
