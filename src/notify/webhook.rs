//! The operator's webhook: every notice as a signed POST, in the form of Standard Webhooks.
//!
//! `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.`
//! and the raw body. The same news sent again has the same `webhook-id`: receivers drop what they
//! have seen.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::clock::{SystemClock, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, StatusCode, header::CONTENT_TYPE};
use sha2::Sha256;
use usecases::notifier::{Notice, Outcome};

use super::{asked_pause, is_passing};

/// What a secret in base64 begins with.
const SECRET_PREFIX: &str = "whsec_";

/// Sends to the operator's own service.
pub struct Webhook {
    http: Client,
    url: String,
    secret: Vec<u8>,
}

impl Webhook {
    /// Sends to `url`, signed with `secret`: bytes in base64 behind `whsec_`, or a text.
    pub fn new(http: Client, url: String, secret: &str) -> Self {
        let decoded = secret.strip_prefix(SECRET_PREFIX).and_then(|it| STANDARD.decode(it).ok());
        Self { http, url, secret: decoded.unwrap_or_else(|| secret.as_bytes().to_vec()) }
    }

    /// Tries once.
    pub async fn send(&self, notice: &Notice) -> Outcome {
        // The receiver's clock is the real one, whatever ours shows.
        let at = SystemClock::machine_time();
        let sent = self
            .http
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &notice.id)
            .header("webhook-timestamp", seconds(at))
            .header("webhook-signature", self.sign(notice, at))
            .body(notice.body.clone())
            .send();
        match sent.await {
            Ok(answer) if answer.status().is_success() => Outcome::Delivered,
            Ok(answer) => refusal(&answer),
            Err(err) => {
                tracing::warn!(error = %err.without_url(), "the webhook was not reached");
                Outcome::Later(None)
            }
        }
    }

    fn sign(&self, notice: &Notice, at: Timestamp) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else {
            return String::new();
        };
        mac.update(format!("{}.{}.", notice.id, seconds(at)).as_bytes());
        mac.update(notice.body.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

const fn seconds(at: Timestamp) -> i64 {
    at.ms() / 1_000
}

fn refusal(answer: &reqwest::Response) -> Outcome {
    let status = answer.status();
    tracing::warn!(%status, "the webhook refuses a notice");
    // A service that is being set up is not there yet.
    let is_absent = matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE);
    if is_passing(status) || is_absent || status.is_redirection() {
        return Outcome::Later(asked_pause(answer));
    }
    Outcome::Refused
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::notice::{NoticeClass, Urgency};

    use super::*;
    use crate::http_client;

    #[test]
    fn a_signature_is_that_of_the_standard() {
        // The example of the Standard Webhooks libraries.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let http = http_client::builder().build().expect("a client");
        let webhook = Webhook::new(http, String::new(), secret);
        let notice = Notice {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
            class: NoticeClass::Chat,
            body: r#"{"test": 2432232314}"#.to_owned(),
            topic: String::new(),
            urgency: Urgency::Normal,
            ttl: Duration::ZERO,
            at: Timestamp::from_ms(0),
        };
        let signed = webhook.sign(&notice, Timestamp::from_ms(1_614_265_330_000));
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
