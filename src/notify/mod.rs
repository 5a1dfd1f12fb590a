//! The ways out of the house: push services of browsers and phones, and the operator's webhook.

pub mod codes;
pub mod reach;
pub mod web_push;
pub mod webhook;

use std::{sync::Arc, time::Duration};

use reqwest::{StatusCode, header::RETRY_AFTER};
use usecases::{
    notices::SEND_MAX,
    notifier::{Notice, Notifier, Outcome, Sending, Target},
    platform::Platform,
};

use crate::{http_client, settings::Settings};
use reach::{PublicOnly, Reach};
use web_push::WebPush;
use webhook::Webhook;

/// How long a connection to the other side may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Sends each notice the way its address wants.
pub struct Ways {
    web_push: WebPush,
    webhook: Option<Webhook>,
}

impl Ways {
    /// Sets up what the settings ask for.
    ///
    /// # Errors
    ///
    /// If an HTTP client cannot be made.
    pub fn open(settings: &Settings, platform: &Platform) -> Result<Arc<Self>, reqwest::Error> {
        let reach = Reach::of(&platform.notices);
        let builder = || {
            http_client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT_MAX)
                .timeout(SEND_MAX)
        };
        let outside = match reach {
            Reach::Public => builder().dns_resolver(Arc::new(PublicOnly)).build()?,
            Reach::Anywhere => builder().build()?,
        };
        let contact = platform.notices.contact.clone();
        let web_push = WebPush::new(outside, Arc::clone(&platform.vapid), contact, reach);
        let webhook = match (&settings.webhook, &settings.webhook_secret) {
            (Some(url), Some(secret)) => {
                Some(Webhook::new(builder().build()?, url.clone(), secret.reveal()))
            }
            _ => None,
        };
        Ok(Arc::new(Self { web_push, webhook }))
    }
}

impl Notifier for Ways {
    fn send<'a>(&'a self, target: &'a Target, notice: &'a Notice) -> Sending<'a> {
        Box::pin(async move {
            match (target, &self.webhook) {
                (Target::Push(address), _) => self.web_push.send(address, notice).await,
                (Target::Webhook, Some(webhook)) => webhook.send(notice).await,
                (Target::Webhook, None) => Outcome::Refused,
            }
        })
    }
}

/// How long the other side wants to be left alone, if it says so in seconds.
fn asked_pause(answer: &reqwest::Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Whether an answer means that the same may succeed later.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}
