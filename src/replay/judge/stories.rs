//! The story of one order, line by line: holes, jumps, holders, pickups, and what was forgotten.

use super::{Broken, Evidence, Fault, Hold, Line, Rules};

/// What one story tells.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) faults: Vec<Fault>,
    pub(super) holds: Vec<Hold>,
    /// Who left the delivery before pickup: order, rider, time.
    pub(super) leaves: Vec<(String, String, i64)>,
}

/// States in which nobody holds a delivery that is still to be done.
const WITHOUT_RIDER: [&str; 3] = ["waiting", "offering", "pooled"];
/// States in which an order is over.
const OVER: [&str; 4] = ["completed", "rejected", "cancelled", "closed"];
/// What only the rider who holds a delivery does.
const HIS_ALONE: [&str; 4] = ["rider_at_store", "rider_took_goods", "rider_at_door", "handed_over"];

/// One walk through a story.
struct Walk<'a> {
    order: &'a str,
    evidence: &'a Evidence,
    rules: &'a Rules,
    told: Told,
    order_state: Option<&'a str>,
    delivery_state: Option<&'a str>,
    is_accepted: bool,
    is_ready: bool,
    holding: Option<Hold>,
    ready_at: Option<i64>,
    /// Since when a rider is looked for.
    searched_from: Option<i64>,
    is_told: bool,
}

/// Reads a story whose lines are in order.
pub(super) fn read(order: &str, lines: &[&Line], evidence: &Evidence, rules: &Rules) -> Told {
    let mut walk = Walk {
        order,
        evidence,
        rules,
        told: Told::default(),
        order_state: None,
        delivery_state: None,
        is_accepted: false,
        is_ready: false,
        holding: None,
        ready_at: None,
        searched_from: None,
        is_told: false,
    };
    for (line, seq) in lines.iter().zip(1..) {
        if line.seq != seq {
            walk.fault(Broken::Hole, line.at, format!("line {} comes as number {seq}", line.seq));
            break;
        }
        walk.ready_at = line.ready_at.or(walk.ready_at);
        match line.machine.as_str() {
            "order" => walk.on_order(line),
            "delivery" => walk.on_delivery(line),
            _ => {}
        }
    }
    walk.end();
    walk.told
}

impl<'a> Walk<'a> {
    fn fault(&mut self, broken: Broken, at: i64, detail: impl Into<String>) {
        let (order, detail) = (self.order.to_owned(), detail.into());
        self.told.faults.push(Fault { broken, order, at, detail });
    }

    fn check_jump(&mut self, line: &Line, before: Option<&str>) {
        if line.from.as_deref() != before {
            let detail = format!(
                "{} `{}` from {:?}, but it was {before:?}",
                line.machine, line.event, line.from
            );
            self.fault(Broken::Jump, line.at, detail);
        }
    }

    fn on_order(&mut self, line: &'a Line) {
        self.check_jump(line, self.order_state);
        self.order_state = Some(&line.to);
        match line.to.as_str() {
            "accepted" => {
                self.is_accepted = true;
                self.searched_from = Some(line.at);
            }
            "ready" => self.is_ready = true,
            "picked_up" if !(self.is_accepted && self.is_ready) => {
                self.fault(Broken::EarlyPickup, line.at, "the store was not done");
            }
            // What customers collect themselves has no delivery.
            "delivered" if self.delivery_state.is_some() => {
                let is_fetched = self.holding.as_ref().is_some_and(|it| it.picked_up.is_some());
                if !is_fetched {
                    self.fault(Broken::NotFetched, line.at, "the order is delivered");
                }
            }
            state if OVER.contains(&state) => self.search_ends(line.at),
            _ => {}
        }
    }

    fn on_delivery(&mut self, line: &'a Line) {
        if line.event == "no_rider" {
            self.is_told = true;
        }
        self.check_jump(line, self.delivery_state);
        self.delivery_state = Some(&line.to);
        let by = line.by.clone().unwrap_or_default();
        match line.event.as_str() {
            "offer_accepted" | "grabbed" => self.on_taken(line, by),
            "rider_left" => self.on_left(line),
            event if HIS_ALONE.contains(&event) => {
                let holder = self.holding.as_ref().map(|it| it.rider.clone());
                if holder.as_deref() != Some(&by) {
                    let detail = format!("`{event}` by {by}, held by {holder:?}");
                    self.fault(Broken::WrongHands, line.at, detail);
                }
                self.on_done(line);
            }
            _ => {}
        }
        if matches!(line.to.as_str(), "delivered" | "returned" | "failed" | "cancelled") {
            self.let_go(line.at);
            self.search_ends(line.at);
        }
    }

    fn on_taken(&mut self, line: &Line, by: String) {
        if let Some(before) = self.holding.as_ref().map(|it| it.rider.clone()) {
            self.fault(Broken::TwoRiders, line.at, format!("{by} takes what {before} holds"));
            self.let_go(line.at);
        }
        if line.event == "offer_accepted" {
            let is_it = |it: &&super::Asking| {
                let accepted =
                    it.closed.iter().any(|(state, at)| state == "accepted" && *at == line.at);
                it.order == self.order && it.rider == by && accepted
            };
            if !self.evidence.asked.iter().any(|it| is_it(&it)) {
                self.fault(Broken::NotGiven, line.at, format!("{by} accepted no such offer"));
            }
        }
        self.search_ends(line.at);
        let order = self.order.to_owned();
        self.holding =
            Some(Hold { order, rider: by, from: line.at, picked_up: None, until: i64::MAX });
    }

    fn on_left(&mut self, line: &Line) {
        let Some(hold) = &self.holding else {
            return self.fault(Broken::WrongHands, line.at, "nobody holds what a rider left");
        };
        self.told.leaves.push((self.order.to_owned(), hold.rider.clone(), line.at));
        self.let_go(line.at);
        self.searched_from = Some(line.at);
    }

    fn on_done(&mut self, line: &Line) {
        match line.event.as_str() {
            "rider_took_goods" => {
                if let Some(hold) = &mut self.holding {
                    hold.picked_up = Some(line.at);
                }
            }
            "handed_over" if self.holding.as_ref().is_none_or(|it| it.picked_up.is_none()) => {
                self.fault(Broken::NotFetched, line.at, "the delivery is handed over");
            }
            _ => {}
        }
    }

    fn let_go(&mut self, at: i64) {
        if let Some(hold) = self.holding.take() {
            self.told.holds.push(Hold { until: at, ..hold });
        }
    }

    /// Somebody has it, or it is over: was it told in time that nobody was found?
    fn search_ends(&mut self, at: i64) {
        let Some(from) = self.searched_from.take() else { return };
        let from = from.max(self.ready_at.unwrap_or(from) - self.rules.ahead_ms);
        let searched = at - from - self.rules.slack_ms;
        if searched > self.rules.alarm_ms && !self.is_told {
            let detail = format!("no rider for {} s, and no alarm", (at - from) / 1_000);
            self.fault(Broken::NobodyTold, at, detail);
        }
        if searched > self.rules.stop_ms {
            let detail = format!("no rider for {} s, and it went on", (at - from) / 1_000);
            self.fault(Broken::NobodyTold, at, detail);
        }
    }

    fn end(&mut self) {
        let until = self.evidence.until;
        let state = self.order_state.unwrap_or_default();
        // What is delivered only waits for the customer's word.
        if !OVER.contains(&state) && state != "delivered" {
            let delivery = self.delivery_state.unwrap_or("none");
            let who = self.holding.as_ref().map_or("nobody", |it| it.rider.as_str());
            let detail = format!("order {state}, delivery {delivery}, held by {who}");
            self.fault(Broken::Forgotten, until, detail);
        } else if let Some(rest) = self.delivery_state.filter(|it| WITHOUT_RIDER.contains(it)) {
            self.fault(Broken::Forgotten, until, format!("order {state}, but its delivery {rest}"));
        } else if self.holding.is_some() {
            let who = self.holding.as_ref().map_or("nobody", |it| it.rider.as_str());
            let detail = format!("order {state}, but its delivery is still held by {who}");
            self.fault(Broken::Forgotten, until, detail);
        }
        self.search_ends(until);
        if let Some(hold) = self.holding.take() {
            self.told.holds.push(hold);
        }
    }
}
