//! A rider: goes on duty, streams positions, answers offers, follows the route, goes off duty.

mod mind;
mod stops;
mod unruly;
mod whims;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use domain::geo::Place;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, sleep_until, timeout},
};

use self::{mind::Thought, stops::stops_of, unruly::Astray, whims::Whims};
use crate::{
    city::{
        road::{Manner, Road},
        story,
        tally::Tally,
    },
    client::{
        error::ClientError,
        link::{Event, Events, Link, new_cid},
        log::Entry,
        pace::Pace,
    },
    replay::{gps::Noise, judge::Diary},
};

/// A position report covers at most so many report intervals: after a stall nobody jumps.
const STALL_REPORTS: i32 = 4;
/// How long going off duty may take when the day is over, in real time.
const LEAVES_WITHIN: Duration = Duration::from_secs(2);
/// Cells of the pool have names of so many characters.
const POOL_CELL_CHARS: usize = 6;

/// How a rider takes things.
#[derive(Debug, Clone, Copy)]
pub struct Temper {
    /// Share of offers declined.
    pub declines: f64,
    /// Share of offers left to lapse.
    pub ignores: f64,
    /// Share of deliveries in the pool that he grabs for.
    pub grabs: f64,
    /// Share of moments in which he says something.
    pub talks: f64,
    /// Share of offers that he takes in a way of his own, and how often he does something unasked:
    /// vanishes, stands, leaves duty, hands a delivery on.
    pub unruly: f64,
    /// Shortest and longest time to think about an offer, by the server's clock.
    pub thinks: (Duration, Duration),
}

/// A rider's day.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `walk`, `bike`, `scooter` or `car`.
    pub vehicle: &'static str,
    /// Orders at once.
    pub capacity: u32,
    /// Where he starts.
    pub start: Place,
    /// How he moves.
    pub manner: Manner,
    /// How he takes things.
    pub temper: Temper,
    /// How often he tells his position, in real time.
    pub reports_every: Duration,
    /// When he takes nothing new any more, by the server's clock in milliseconds.
    pub off_at: Option<i64>,
    /// The noise of his receiver. With it he leaves arrivals to his positions; without, he is
    /// where he says and taps when he is there.
    pub noise: Option<Noise>,
    /// What his dice start from.
    pub seed: u64,
}

/// See the file's head.
struct Rider {
    link: Link,
    pace: Pace,
    plan: Plan,
    tally: Arc<Tally>,
    dice: StdRng,
    road: Road,
    /// Answers that are thought about: when they go out, to what, and whether he takes it.
    thoughts: Vec<(i64, Thought)>,
    /// One `cid` for each task, kept until it is answered.
    cids: HashMap<(String, String, &'static str), String>,
    seq: u64,
    told_at: i64,
    paused_until: i64,
    is_on_duty: bool,
    cell: String,
    mine: HashSet<String>,
    whims: Whims,
    astray: Astray,
    diary: Diary,
}

/// Works until told to stop; the link stays open for whoever holds it. What he knows of his day
/// himself is in his diary, however it ends.
///
/// # Errors
///
/// [`ClientError`] if the rider cannot go on duty or the server closes the socket for good.
pub async fn work(
    link: Link,
    events: &mut Events,
    plan: Plan,
    tally: Arc<Tally>,
    stop: watch::Receiver<bool>,
) -> (Diary, Result<(), ClientError>) {
    let pace = match link.ready().await {
        Ok(pace) => pace,
        Err(err) => return (Diary::default(), Err(err)),
    };
    let mut rider = Rider {
        pace,
        dice: StdRng::seed_from_u64(plan.seed),
        road: Road::new(plan.start, plan.manner),
        thoughts: Vec::new(),
        cids: HashMap::new(),
        seq: 0,
        told_at: pace.now_ms(),
        paused_until: 0,
        is_on_duty: false,
        cell: String::new(),
        mine: HashSet::new(),
        whims: Whims::new(plan.temper.unruly, plan.seed),
        astray: Astray::default(),
        diary: Diary {
            rider: link.session().profile().to_owned(),
            capacity: plan.capacity as usize,
            ..Diary::default()
        },
        link,
        plan,
        tally,
    };
    let worked = rider.work(events, stop).await;
    (rider.diary, worked)
}

impl Rider {
    async fn work(
        &mut self,
        events: &mut Events,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), ClientError> {
        self.go_on_duty().await?;
        let mut reports = interval(self.plan.reports_every);
        reports.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let thought_at = self.next_thought();
            tokio::select! {
                event = events.next() => match event {
                    None => return Ok(()),
                    Some(Event::Closed { code, reason }) => {
                        return Err(ClientError::Closed { code, reason });
                    }
                    Some(event) => self.on_event(event).await,
                },
                _ = reports.tick() => self.live_on().await,
                () = sleep_until(thought_at) => self.answer_thoughts().await,
                _ = stop.changed() => break,
            }
        }
        // If the server has gone as well, there is no duty to leave.
        drop(timeout(LEAVES_WITHIN, self.go_off_duty()).await);
        Ok(())
    }

    async fn go_on_duty(&mut self) -> Result<(), ClientError> {
        let at = self.road.at();
        let params = json!({ "vehicle": self.plan.vehicle, "capacity": self.plan.capacity,
            "lat": at.lat(), "lng": at.lng(), "cid": new_cid() });
        self.link.call("duty.on", params).await?;
        self.is_on_duty = true;
        Ok(())
    }

    async fn go_off_duty(&mut self) {
        if self.is_on_duty {
            let params = json!({ "cid": new_cid() });
            self.is_on_duty = self.link.call("duty.off", params).await.is_err();
            if !self.is_on_duty {
                self.diary.off_duty.push((self.pace.now_ms(), i64::MAX));
            }
        }
    }

    async fn on_event(&mut self, event: Event) {
        match event {
            Event::Entry(entry) => self.on_entry(&entry).await,
            Event::Push(frame) => self.on_push(&frame),
            Event::Up(true) => self.cell.clear(),
            Event::Up(false) | Event::Down | Event::Closed { .. } => {}
        }
    }

    async fn on_entry(&mut self, entry: &Entry) {
        match entry.kind.as_str() {
            "offer" => self.think_about(entry).await,
            "route" => {
                let stops = stops_of(entry.body.get("stops"));
                self.mine.extend(stops.iter().map(|it| it.order.clone()));
                self.road.plan(stops);
            }
            "duty" => self.on_duty_changed(entry).await,
            "unassigned" => self.lose(entry),
            "order" => self.on_moved(entry),
            "msg" => self.on_said(entry).await,
            _ => {}
        }
    }

    /// A delivery is not his any more.
    fn lose(&mut self, entry: &Entry) {
        if let Some(order) = entry.text("order") {
            self.road.forget(order);
            self.mine.remove(order);
        }
    }

    /// Offers that were left unanswered end in a break: says that he is back.
    async fn on_duty_changed(&mut self, entry: &Entry) {
        let is_break = entry.text("duty") == Some("break");
        let is_mine = self.astray.off.is_some();
        if is_break && self.is_on_duty && !self.is_off() && !is_mine {
            // If that fails, the next break says so again.
            drop(self.go_on_duty().await);
        }
    }

    fn on_moved(&mut self, entry: &Entry) {
        let Some(moved) = story::moved(entry) else { return };
        match (moved.machine, moved.to) {
            ("delivery", "arrived_pickup") => self.on_arrival(moved.order, "pickup"),
            ("delivery", "arrived_dropoff") => self.on_arrival(moved.order, "dropoff"),
            ("order", "ready") => self.road.is_ready(moved.order),
            ("order", state) if story::is_over(state) => {
                self.road.is_over(moved.order);
                self.mine.remove(moved.order);
                if entry.channel.starts_with("order:") {
                    self.link.put_away(&entry.channel);
                }
            }
            _ => {}
        }
    }

    /// Where positions tell of arrivals, they must tell the truth.
    fn on_arrival(&self, order: &str, stop: &str) {
        if self.plan.noise.is_some()
            && let Some(metres) = self.road.metres_to_stop(order, stop)
        {
            self.tally.see(|it| it.on_arrival(order, stop, metres));
        }
    }

    async fn on_said(&mut self, entry: &Entry) {
        let Some((order, text)) = story::said(entry, self.link.session().profile()) else { return };
        let asks = text.ends_with('?') && self.mine.contains(order);
        if asks && self.dice.random_bool(self.plan.temper.talks) {
            self.say(order, "almost there").await;
        }
    }

    async fn say(&self, order: &str, text: &str) {
        // A chat that is closed is no trouble of a rider's.
        drop(self.tally.say(&self.link, order, text).await);
    }

    fn is_off(&self) -> bool {
        self.plan.off_at.is_some_and(|it| self.pace.now_ms() >= it)
    }

    async fn welcome(&mut self, order: String) {
        if self.dice.random_bool(self.plan.temper.talks) {
            self.say(&order, "I am on my way to the store").await;
        }
        self.mine.insert(order);
    }

    /// One report interval passes: rides, tells the position, does what is due at a stop.
    async fn live_on(&mut self) {
        let (before, now) = (self.told_at, self.pace.now_ms());
        self.told_at = now;
        if now < self.astray.vanished_until {
            return;
        }
        self.follow_whims(now, now - before).await;
        if now < self.astray.vanished_until {
            return;
        }
        if now < self.astray.stands_until {
            return self.report(now);
        }
        let longest = self.plan.reports_every * STALL_REPORTS.unsigned_abs();
        let longest_ms = (longest.as_secs_f64() * self.pace.scale() * 1_000.0) as i64;
        let from = before.max(now - longest_ms);
        let task = self.road.ride(from, now);
        if self.is_on_duty && now >= self.astray.mute_until {
            self.report(now);
            self.hear_pool().await;
        }
        if let Some(task) = task.filter(|_| now >= self.paused_until) {
            self.carry_out(task).await;
        }
        if self.is_off() && self.road.is_free() {
            self.go_off_duty().await;
        }
    }

    fn report(&mut self, now: i64) {
        let (off, acc) = match &self.plan.noise {
            None => (Some([0.0, 0.0]), 8),
            Some(noise) => (noise.at(now), 20),
        };
        // In a gap of the receiver nothing is told.
        let Some([east, north]) = off else { return };
        self.seq += 1;
        self.tally.positions.add();
        let at = self.road.at().offset(east, north);
        let params = json!({ "seq": self.seq, "lat": at.lat(), "lng": at.lng(), "acc": acc,
            "spd": self.plan.manner.speed_m_per_s, "hdg": self.road.heading().round(), "t": now });
        self.link.tell("loc.put", params);
    }

    /// Hears the pool of the cell he is in, if he cares.
    async fn hear_pool(&mut self) {
        if self.plan.temper.grabs <= 0.0 {
            return;
        }
        let cell = self.road.at().cell(POOL_CELL_CHARS);
        if cell == self.cell {
            return;
        }
        let old = std::mem::replace(&mut self.cell, cell);
        if !old.is_empty() {
            // A cell that we do not hear any more is no loss.
            drop(self.link.call("unsub", json!({ "ch": format!("pool:{old}") })).await);
        }
        drop(self.link.call("sub", json!({ "ch": format!("pool:{}", self.cell) })).await);
    }
}
