//! How a rider thinks about offers and about the pool.

use std::time::Duration;

use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Rider, Temper, stops::stops_of, whims::Mood};
use crate::{
    city::road::Stop,
    client::{link::new_cid, log::Entry, socket::Frame},
};

/// Something that is thought about, until its time has come.
#[derive(Debug, Clone)]
pub(super) enum Thought {
    Offer { offer: String, order: String, takes: bool, stops: Vec<Stop> },
    Grab(String),
}

impl Rider {
    pub(super) async fn think_about(&mut self, entry: &Entry) {
        let (Some(offer), Some(order)) = (entry.text("offer"), entry.text("order")) else { return };
        let expires = entry.body.get("expires").and_then(Value::as_i64).unwrap_or(0);
        if expires <= self.pace.now_ms() {
            return;
        }
        let mood = if self.is_off() { Mood::Fair } else { self.whims.mood() };
        let late = |takes: bool| Thought::Offer {
            offer: offer.to_owned(),
            order: order.to_owned(),
            takes,
            stops: stops_of(entry.body.get("route")),
        };
        let now = self.pace.now_ms();
        match mood {
            Mood::Fair => {}
            Mood::Declines => return self.think(late(false)),
            Mood::Ignores => return self.tally.declined.add(),
            Mood::LastMoment(ms) => return self.thoughts.push((expires + ms, late(true))),
            Mood::Vanishes(span) => {
                self.thoughts.push((now, late(true)));
                return self.vanish(now, span).await;
            }
            Mood::GoesOff(span) => return self.leave_for(span).await,
        }
        let throw: f64 = self.dice.random();
        let Temper { declines, ignores, .. } = self.plan.temper;
        if throw < ignores && !self.is_off() {
            self.tally.declined.add();
            return;
        }
        let takes = !self.is_off() && throw >= ignores + declines;
        let thought = Thought::Offer {
            offer: offer.to_owned(),
            order: order.to_owned(),
            takes,
            stops: stops_of(entry.body.get("route")),
        };
        self.think(thought);
    }

    fn think(&mut self, thought: Thought) {
        let (least, most) = self.plan.temper.thinks;
        let span = least + (most - least).mul_f64(self.dice.random());
        let at = self.pace.now_ms() + i64::try_from(span.as_millis()).unwrap_or(0);
        self.thoughts.push((at, thought));
    }

    pub(super) fn next_thought(&self) -> Instant {
        let first = self.thoughts.iter().map(|(at, _)| *at).min();
        let wait = first.map_or(Duration::from_secs(3_600), |it| self.pace.until(it));
        Instant::now() + wait
    }

    pub(super) async fn answer_thoughts(&mut self) {
        let now = self.pace.now_ms();
        let back_at = self.astray.vanished_until;
        if now < back_at {
            // He answers when he is back, whether or not anybody waits for it still.
            for (at, _) in &mut self.thoughts {
                *at = (*at).max(back_at);
            }
            return;
        }
        let (due, later) = self.thoughts.drain(..).partition(|(at, _)| *at <= now);
        self.thoughts = later;
        let due: Vec<(i64, Thought)> = due;
        for (_, thought) in due {
            match thought {
                Thought::Offer { offer, order, takes, stops } => {
                    self.answer_offer(&offer, order, takes, stops).await;
                }
                Thought::Grab(order) => self.grab(order).await,
            }
        }
    }

    async fn answer_offer(&mut self, offer: &str, order: String, takes: bool, stops: Vec<Stop>) {
        let params = json!({ "offer": offer, "cid": new_cid(), "take": takes });
        let won = self.link.call("offer.reply", params).await;
        if !takes {
            self.tally.declined.add();
        }
        // Somebody else may have been faster, or the offer has lapsed: then there is nothing to do.
        if !takes || won.is_err() {
            return;
        }
        self.tally.taken.add();
        self.diary.won.push((order.clone(), self.pace.now_ms()));
        // The route that comes with the next push takes its place.
        if !self.mine.contains(&order) {
            self.road.plan(stops);
        }
        self.welcome(order).await;
    }

    async fn grab(&mut self, order: String) {
        if self.is_off() || self.road.orders().len() >= self.plan.capacity as usize {
            return;
        }
        let params = json!({ "order": order, "cid": new_cid() });
        if self.link.call("grab", params).await.is_ok() {
            self.tally.grabbed.add();
            self.diary.won.push((order.clone(), self.pace.now_ms()));
            self.welcome(order).await;
        }
    }

    pub(super) fn on_push(&mut self, frame: &Frame) {
        if frame.get("push").and_then(Value::as_str) != Some("pool") {
            return;
        }
        let is_open = frame.get("open").and_then(Value::as_bool).unwrap_or(false);
        let Some(order) = frame.get("order").and_then(Value::as_str).filter(|_| is_open) else {
            return;
        };
        if self.dice.random_bool(self.plan.temper.grabs) {
            self.think(Thought::Grab(order.to_owned()));
        }
    }
}
