//! The key by which push services know us (VAPID, RFC 8292).

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::clock::{SystemClock, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::{SecretKey, elliptic_curve::sec1::ToEncodedPoint, pkcs8::EncodePrivateKey};
use serde::Serialize;
use storage::{db::Tx, error::StoreError, shared_values, store::Store};

/// Name of the shared value that holds a key that was made.
const KEPT_AS: &str = "vapid_key";
/// How long a signature is good for; services accept a day at most.
const GOOD_FOR: Duration = Duration::from_secs(12 * 3_600);

/// Our key pair.
pub struct VapidKey {
    public: String,
    signing: EncodingKey,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: i64,
    sub: &'a str,
}

impl VapidKey {
    /// Takes the private key of the settings, or makes one that all nodes of the store share.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the key cannot be read or written, or is none.
    pub async fn open(store: &Store, configured: Option<String>) -> Result<Self, StoreError> {
        let text = match configured {
            Some(text) => text,
            None => match shared_values::find(&mut store.reader(), KEPT_AS).await? {
                Some(kept) => kept,
                None => {
                    let made = generate();
                    let write = async move |tx: &mut Tx| {
                        shared_values::find_or_insert(tx, KEPT_AS, &made).await
                    };
                    store.write(write).await?
                }
            },
        };
        Self::read(&text).ok_or_else(|| StoreError::refused("the VAPID key is not a P-256 key"))
    }

    /// Reads a private key: 32 bytes in base64url. `None` if it is none.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim().trim_end_matches('=')).ok()?;
        let secret = SecretKey::from_slice(&bytes).ok()?;
        let point = secret.public_key().to_encoded_point(false);
        let public = URL_SAFE_NO_PAD.encode(point.as_bytes());
        let signing = EncodingKey::from_ec_der(secret.to_pkcs8_der().ok()?.as_bytes());
        Some(Self { public, signing })
    }

    /// The public key as browsers take it: an uncompressed point in base64url.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The value of the header `Authorization` for a push service at `origin`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] if it cannot be signed.
    pub fn authorization(&self, origin: &str, contact: &str) -> Result<String, StoreError> {
        // The services' clock is the real one, whatever ours shows.
        let exp: Timestamp = SystemClock::machine_time() + GOOD_FOR;
        let claims = Claims { aud: origin, exp: exp.ms() / 1_000, sub: contact };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.signing)
            .map_err(StoreError::refused)?;
        Ok(format!("vapid t={token}, k={}", self.public))
    }
}

/// A new private key: 32 bytes in base64url.
fn generate() -> String {
    loop {
        let bytes: [u8; 32] = rand::random();
        // All but a vanishing few numbers of 32 bytes are keys.
        if SecretKey::from_slice(&bytes).is_ok() {
            return URL_SAFE_NO_PAD.encode(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode};

    use super::*;

    #[test]
    fn a_push_service_can_check_who_sends() {
        let key = VapidKey::read(&generate()).expect("a key");
        let header =
            key.authorization("https://push.example", "mailto:a@b.example").expect("signed");
        let (token, public) = header
            .strip_prefix("vapid t=")
            .and_then(|it| it.split_once(", k="))
            .expect("two parts");
        assert_eq!(public, key.public());
        let point = URL_SAFE_NO_PAD.decode(public).expect("base64url");
        assert_eq!((point.len(), point[0]), (65, 4));
        let mut checks = Validation::new(Algorithm::ES256);
        checks.set_audience(&["https://push.example"]);
        // The reader takes a point by its two halves.
        let half = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        let reader = DecodingKey::from_ec_components(&half(1..33), &half(33..65)).expect("a point");
        let said = decode::<serde::de::IgnoredAny>(token, &reader, &checks);
        assert!(said.is_ok(), "{:?}", said.err());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "abc", &"A".repeat(43), "not base64!"] {
            assert!(VapidKey::read(text).is_none(), "{text}");
        }
    }
}
