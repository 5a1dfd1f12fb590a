//! Web Push (RFC 8030): an encrypted message to a browser's own push service.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{
    Client, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE},
};
use storage::push_addresses::PushAddress;
use usecases::{
    notifier::{Notice, Outcome},
    vapid::VapidKey,
};
use web_push_native::{Auth, encrypt, p256::PublicKey};

use super::{asked_pause, is_passing, reach::Reach};

/// Bytes of the secret that a browser shares with us.
const AUTH_BYTES: usize = 16;

/// What a browser gave us to encrypt with.
pub struct Keys {
    public: PublicKey,
    auth: Auth,
}

impl Keys {
    /// Reads both halves, in base64url; `None` if they are not what browsers give.
    pub fn read(p256dh: &str, auth: &str) -> Option<Self> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let public = PublicKey::from_sec1_bytes(&bytes(p256dh)?).ok()?;
        let auth: [u8; AUTH_BYTES] = bytes(auth)?.try_into().ok()?;
        Some(Self { public, auth: auth.into() })
    }
}

/// Sends to push services.
pub struct WebPush {
    http: Client,
    vapid: Arc<VapidKey>,
    contact: String,
    reach: Reach,
}

impl WebPush {
    /// Sends with `http`, in the name of `vapid`.
    pub const fn new(http: Client, vapid: Arc<VapidKey>, contact: String, reach: Reach) -> Self {
        Self { http, vapid, contact, reach }
    }

    /// Tries once.
    pub async fn send(&self, to: &PushAddress, notice: &Notice) -> Outcome {
        let Ok(url) = self.reach.check(&to.endpoint) else { return Outcome::Gone };
        let Some(keys) = Keys::read(&to.p256dh, &to.auth) else { return Outcome::Gone };
        let Ok(sealed) = encrypt(notice.body.clone().into_bytes(), &keys.public, &keys.auth) else {
            return Outcome::Refused;
        };
        let origin = url.origin().ascii_serialization();
        let Ok(authorization) = self.vapid.authorization(&origin, &self.contact) else {
            return Outcome::Refused;
        };
        let sent = self.post(url, notice).header(AUTHORIZATION, authorization).body(sealed).send();
        match sent.await {
            Ok(answer) => outcome(&answer),
            Err(err) => {
                // The endpoint is a secret of the device; only its origin is told.
                tracing::info!(error = %err.without_url(), %origin, "a push service was not reached");
                Outcome::Later(None)
            }
        }
    }

    fn post(&self, url: Url, notice: &Notice) -> reqwest::RequestBuilder {
        self.http
            .post(url)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_ENCODING, "aes128gcm")
            .header("TTL", notice.ttl.as_secs())
            .header("Urgency", notice.urgency.as_str())
            .header("Topic", &notice.topic)
    }
}

fn outcome(answer: &reqwest::Response) -> Outcome {
    match answer.status() {
        status if status.is_success() => Outcome::Delivered,
        StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::Gone,
        status if is_passing(status) => Outcome::Later(asked_pause(answer)),
        status => {
            let origin = answer.url().origin().ascii_serialization();
            tracing::warn!(%status, %origin, "a push service refuses a notice");
            Outcome::Refused
        }
    }
}
