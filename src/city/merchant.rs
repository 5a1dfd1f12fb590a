//! A merchant: accepts what is paid, cooks, says when it is ready, answers questions.

use std::{collections::HashSet, sync::Arc, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    city::{story, tally::Tally},
    client::{
        error::ClientError,
        link::{Event, Events, Link, new_cid},
        log::Entry,
        pace::Pace,
    },
};

/// Longest preparation that may be promised, in minutes.
const PREP_MIN_MAX: i64 = 240;

/// When an order of this store will be ready: asked with its id and the time of acceptance.
pub type Kitchen = Arc<dyn Fn(&str, i64) -> i64 + Send + Sync>;

/// How a store is run.
#[derive(Clone)]
pub struct Plan {
    /// The store.
    pub store: String,
    /// When orders are ready.
    pub kitchen: Kitchen,
    /// Shortest and longest time until an order is accepted, by the server's clock.
    pub accepts_within: (Duration, Duration),
    /// Share of questions that are answered.
    pub talks: f64,
    /// What the dice start from.
    pub seed: u64,
}

struct Merchant {
    link: Link,
    pace: Pace,
    plan: Plan,
    tally: Arc<Tally>,
    dice: StdRng,
    seen: HashSet<String>,
    agenda: Vec<(i64, Duty)>,
}

#[derive(Debug, Clone)]
enum Duty {
    Accept(String),
    Ready(String, String),
    Say(String, &'static str),
}

/// Runs the store until told to stop.
///
/// # Errors
///
/// [`ClientError`] if the server closes the socket for good.
pub async fn work(
    link: Link,
    events: &mut Events,
    plan: Plan,
    tally: Arc<Tally>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), ClientError> {
    let pace = link.ready().await?;
    let dice = StdRng::seed_from_u64(plan.seed);
    let (seen, agenda) = (HashSet::new(), Vec::new());
    let mut merchant = Merchant { link, pace, plan, tally, dice, seen, agenda };
    loop {
        let next = merchant.next_duty();
        tokio::select! {
            event = events.next() => match event {
                None => return Ok(()),
                Some(Event::Closed { code, reason }) => {
                    return Err(ClientError::Closed { code, reason });
                }
                Some(Event::Entry(entry)) => merchant.on_entry(&entry),
                Some(_) => {}
            },
            () = sleep_until(next) => merchant.do_what_is_due().await,
            _ = stop.changed() => return Ok(()),
        }
    }
}

impl Merchant {
    fn on_entry(&mut self, entry: &Entry) {
        if let Some((order, text)) = story::said(entry, self.link.session().profile()) {
            if text.ends_with('?') && self.dice.random_bool(self.plan.talks) {
                let order = order.to_owned();
                self.later((2_000, 20_000), Duty::Say(order, "it will be ready in a few minutes"));
            }
            return;
        }
        let Some(moved) = story::moved(entry).filter(|it| it.machine == "order") else { return };
        let is_order_channel = entry.channel.starts_with("order:");
        match moved.to {
            "paid" if self.seen.insert(moved.order.to_owned()) => {
                let (least, most) = self.plan.accepts_within;
                let ms = |it: Duration| i64::try_from(it.as_millis()).unwrap_or(0);
                self.later((ms(least), ms(most)), Duty::Accept(moved.order.to_owned()));
            }
            state if story::is_over(state) && is_order_channel => {
                self.link.put_away(&entry.channel);
            }
            _ => {}
        }
    }

    fn later(&mut self, (least, most): (i64, i64), duty: Duty) {
        let wait = self.dice.random_range(least..=most.max(least));
        self.agenda.push((self.pace.now_ms() + wait, duty));
    }

    fn next_duty(&self) -> Instant {
        let first = self.agenda.iter().map(|(at, _)| *at).min();
        Instant::now() + first.map_or(Duration::from_secs(3_600), |it| self.pace.until(it))
    }

    async fn do_what_is_due(&mut self) {
        let now = self.pace.now_ms();
        let (due, later): (Vec<_>, Vec<_>) = self.agenda.drain(..).partition(|(at, _)| *at <= now);
        self.agenda = later;
        for (_, duty) in due {
            match duty {
                Duty::Accept(order) => self.accept(order).await,
                Duty::Ready(order, cid) => self.ready(order, cid).await,
                // A chat that is closed is no trouble of the store's.
                Duty::Say(order, text) => drop(self.tally.say(&self.link, &order, text).await),
            }
        }
    }

    async fn accept(&mut self, order: String) {
        let now = self.pace.now_ms();
        let ready_at = (self.plan.kitchen)(&order, now);
        let minutes = ((ready_at - now) as f64 / 60_000.0).ceil() as i64;
        let prep_min = minutes.clamp(1, PREP_MIN_MAX);
        let params = json!({ "order": order, "cid": new_cid(), "prep_min": prep_min });
        match self.link.call("order.accept", params).await {
            Ok(_) => self.agenda.push((ready_at, Duty::Ready(order, new_cid()))),
            // Cancelled meanwhile, or accepted by an answer that was lost: ready tells which.
            Err(err) if err.is_refusal() => {
                self.agenda.push((ready_at, Duty::Ready(order, new_cid())));
            }
            Err(_) => self.agenda.push((now, Duty::Accept(order))),
        }
    }

    async fn ready(&mut self, order: String, cid: String) {
        let params = json!({ "order": order, "cid": cid });
        match self.link.call("order.ready", params).await {
            Ok(_) => {}
            Err(err) if err.is_refusal() => {}
            Err(_) => self.agenda.push((self.pace.now_ms(), Duty::Ready(order, cid))),
        }
    }
}
