//! What people do all the time: customers, merchants and riders talk, kitchens begin, riders take.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{client::Client, stage::Stage};

/// Pauses between two messages of one person, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 300..1_500;
/// One message of so many is a long one.
const LONG_EVERY: u32 = 3;
/// How long that is.
const LONG_CHARS: usize = 3_000;
/// Errors of commands that only say that somebody else was faster.
const OFFER_GONE: u64 = 132;

/// Everybody's doings, until told to stop.
pub struct Traffic {
    is_over: Arc<AtomicBool>,
    doings: Vec<JoinHandle<()>>,
}

impl Traffic {
    pub fn start(stage: &Stage, seed: u64) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut doings = Vec::new();
        for (index, person) in stage.people.iter().enumerate() {
            let theirs =
                stage.orders.iter().filter(|it| [it.customer, it.merchant].contains(&index));
            let orders: Vec<String> = theirs.map(|it| it.id.clone()).collect();
            let rng = StdRng::seed_from_u64(seed << 20 | index as u64);
            doings.push(tokio::spawn(talk(person.clone(), orders.clone(), rng, is_over.clone())));
            match &*person.role {
                "merchant" => doings.push(tokio::spawn(cook(person.clone(), orders))),
                "rider" => doings.push(tokio::spawn(ride(person.clone(), is_over.clone()))),
                _ => {}
            }
        }
        Self { is_over, doings }
    }

    /// Waits until everything that was begun has its answer.
    pub async fn stop(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let ending = async {
            for doing in self.doings {
                doing.await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ending)
            .await
            .expect("everything is answered");
    }
}

async fn talk(person: Arc<Client>, orders: Vec<String>, mut rng: StdRng, is_over: Arc<AtomicBool>) {
    let mut n = 0;
    while !is_over.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(rng.random_range(PAUSE_MS))).await;
        let channel = match orders.choose(&mut rng) {
            Some(order) => format!("order:{order}"),
            // A rider knows his orders from the server.
            None => {
                let shared = person.shared();
                let known: Vec<&String> =
                    shared.book.logs.keys().filter(|it| it.starts_with("order:")).collect();
                let Some(channel) = known.choose(&mut rng) else { continue };
                (*channel).clone()
            }
        };
        n += 1;
        let long = if rng.random_range(0..LONG_EVERY) == 0 {
            "x".repeat(LONG_CHARS)
        } else {
            String::new()
        };
        let said = person.say(&channel, &format!("{} {n} {long}", person.role)).await;
        said.unwrap_or_else(|err| panic!("{} may not speak in {channel}: {err}", person.role));
    }
}

/// Cooks every order at once, which is what makes offers.
async fn cook(person: Arc<Client>, orders: Vec<String>) {
    for order in orders {
        for m in ["order.start", "order.ready"] {
            let p = json!({ "order": order, "cid": riderhub::client::link::new_cid() });
            person.ask(m, p).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Takes every offer.
async fn ride(person: Arc<Client>, is_over: Arc<AtomicBool>) {
    let mut answered = BTreeSet::new();
    while !is_over.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let offers = std::mem::take(&mut person.shared().offers);
        for offer in offers.into_iter().filter(|it| answered.insert(it.clone())) {
            let cid = riderhub::client::link::new_cid();
            let p = json!({ "offer": offer, "take": true, "cid": cid });
            match person.ask("offer.reply", p).await {
                Ok(_) => person.shared().counts.n_offers_won += 1,
                Err(Value::Object(err)) if err["code"] == OFFER_GONE => {}
                Err(err) => panic!("an offer was answered with {err}"),
            }
        }
    }
}
