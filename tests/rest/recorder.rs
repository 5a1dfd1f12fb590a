//! A herald moved by hand, and a way to send that only remembers.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::notice::NoticeClass;
use serde_json::{Value, json};
use usecases::{
    notices,
    notifier::{Notice, Notifier, Outcome, Sending, Target},
    platform::Platform,
};

use crate::support::{Person, World};

/// A browser's keys, made by hand once.
pub(crate) const P256DH: &str =
    "BLn9b-VR0ca83knDNZ32dCHGyjJp-1riX9ZTN40MqV8K_LpQmLqxC_DoHvqvFXO_nGdAB4W9dogZb_sM-uV4JbY";
/// And the secret that it shares.
pub(crate) const AUTH: &str = "_ordMnz7uTCmrpBTeUV4Bw";

/// Remembers what it was given, and answers what it was told to.
#[derive(Default)]
pub(crate) struct Recorder {
    sent: Mutex<Vec<(String, Notice)>>,
    answers: Mutex<VecDeque<Outcome>>,
    silent: bool,
}

impl Recorder {
    pub(crate) fn answering(answers: &[Outcome]) -> Self {
        Self { answers: Mutex::new(answers.iter().copied().collect()), ..Self::default() }
    }

    /// Sends, and waits for an answer for ever.
    pub(crate) fn that_never_hears() -> Self {
        Self { silent: true, ..Self::default() }
    }

    pub(crate) fn sent(&self) -> Vec<(String, Notice)> {
        std::mem::take(&mut self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Class, number of things, and the body of everything sent since the last look.
    pub(crate) fn told(&self) -> Vec<(NoticeClass, u64, Value)> {
        let all = self.sent().into_iter().map(|(_, notice)| {
            let body: Value = serde_json::from_str(&notice.body).unwrap();
            (notice.class, body["n"].as_u64().unwrap(), body)
        });
        all.collect()
    }
}

impl Notifier for Recorder {
    fn send<'a>(&'a self, target: &'a Target, notice: &'a Notice) -> Sending<'a> {
        let to = match target {
            Target::Push(address) => address.device.clone(),
            Target::Webhook => "webhook".to_owned(),
        };
        self.sent.lock().unwrap().push((to, notice.clone()));
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Outcome::Delivered);
        Box::pin(async move {
            if self.silent {
                std::future::pending::<()>().await;
            }
            answer
        })
    }
}

/// The first half of a look.
pub(crate) async fn share_out(platform: &Platform) {
    for source in notices::sources(platform).await.unwrap() {
        notices::share_out(platform, source).await.unwrap();
    }
}

/// One look of the herald.
pub(crate) async fn look(platform: &Platform, notifier: &Recorder) {
    share_out(platform).await;
    for due in notices::due(platform).await.unwrap() {
        notices::carry(platform, notifier, due).await.unwrap();
    }
}

/// Time passes, then the herald looks.
pub(crate) async fn later(world: &World, seconds: u64, notifier: &Recorder) {
    world.clock.advance(Duration::from_secs(seconds));
    look(&world.platform, notifier).await;
}

pub(crate) async fn subscribe(world: &World, who: &Person, device: &str) {
    let endpoint = format!("https://push.example.com/{}/{device}", who.profile);
    let body = json!({"device": device, "endpoint": endpoint, "expirationTime": null,
        "keys": {"p256dh": P256DH, "auth": AUTH}});
    world.put("/v1/push-subscriptions").by(who).json(&body).send().await.expect(200);
}
