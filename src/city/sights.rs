//! What people see of riders on the way: estimates that flap, riders who jump, arrivals that are
//! none.

use std::collections::{HashMap, HashSet};

use domain::{clock::Timestamp, eta::TOLD_EVERY_MS, geo::Place, sighting::Sighting};
use serde_json::Value;

use crate::client::socket::Frame;

/// A rider this far from a stop at which he is said to have arrived is not there, in metres: the
/// radius of the fence, the noise of his receiver, and what he rides while the news are on their way.
pub const NOT_THERE_M: f64 = 150.0;

/// What was seen on one order.
#[derive(Debug, Default)]
struct Seen {
    /// When estimates were reckoned, and their ranges.
    estimates: Vec<(i64, i64, i64)>,
    last: Option<(String, Sighting)>,
}

/// See the file's head.
#[derive(Debug, Default)]
pub struct Sights {
    orders: HashMap<String, Seen>,
    arrivals: HashSet<(String, String)>,
    /// Estimates that were told.
    pub n_estimates: u64,
    /// Ranges told that held the arrival, of orders that arrived.
    pub n_held: u64,
    /// Ranges told, of orders that arrived.
    pub n_ranges: u64,
    /// Delays that were told.
    pub n_delays: u64,
    /// Arrivals that positions showed.
    pub n_arrivals: u64,
    /// What must not be.
    pub wrong: Vec<String>,
}

impl Sights {
    /// A push of the channel `loc:` of `order` came to somebody who watches it.
    pub fn on_push(&mut self, order: &str, frame: &Frame) {
        match frame.get("push").and_then(Value::as_str) {
            Some("eta") => self.on_estimate(order, frame),
            Some("loc") => self.on_position(order, frame),
            _ => {}
        }
    }

    fn on_estimate(&mut self, order: &str, frame: &Frame) {
        let number = |name: &str| frame.get(name).and_then(Value::as_i64);
        let (Some(at), Some(low), Some(high)) = (number("at"), number("low"), number("high"))
        else {
            return;
        };
        let seen = self.orders.entry(order.to_owned()).or_default();
        match seen.estimates.last() {
            // Somebody who comes back is told the newest value again.
            Some(last) if last.0 == at => return,
            Some(last) if at - last.0 < TOLD_EVERY_MS => {
                let ms = at - last.0;
                self.wrong.push(format!("{order}: two estimates within {ms} ms"));
            }
            _ => {}
        }
        seen.estimates.push((at, low, high));
        self.n_estimates += 1;
    }

    fn on_position(&mut self, order: &str, frame: &Frame) {
        let number = |name: &str| frame.get(name).and_then(Value::as_f64);
        let (Some(lat), Some(lng)) = (number("lat"), number("lng")) else { return };
        let t = frame.get("t").and_then(Value::as_i64).map(Timestamp::from_ms);
        let (Ok(place), Some(t)) = (Place::new(lat, lng), t) else { return };
        let rider = frame.get("rider").and_then(Value::as_str).unwrap_or_default().to_owned();
        let now = Sighting::new(place, number("acc"), t, t);
        let seen = self.orders.entry(order.to_owned()).or_default();
        if let Some((who, last)) = &seen.last
            && *who == rider
            && !now.is_reachable_from(last)
        {
            let (metres, ms) = (last.place.metres_to(place).round(), now.ms_since(last));
            self.wrong.push(format!("{order}: {rider} jumps {metres} m in {ms} ms"));
        }
        seen.last = Some((rider, now));
    }

    /// The rider is at the door at `ts`.
    pub fn on_arrival_at_door(&mut self, order: &str, ts: i64) {
        let Some(seen) = self.orders.get(order) else { return };
        self.n_ranges += seen.estimates.len() as u64;
        let holds = |it: &&(i64, i64, i64)| (it.1..=it.2).contains(&ts);
        self.n_held += seen.estimates.iter().filter(holds).count() as u64;
    }

    /// The server says that a rider, who has said nothing himself, has arrived at a stop that is
    /// `metres` from where he really is.
    pub fn on_arrival(&mut self, order: &str, stop: &str, metres: f64) {
        if !self.arrivals.insert((order.to_owned(), stop.to_owned())) {
            return;
        }
        self.n_arrivals += 1;
        if metres > NOT_THERE_M {
            let metres = metres.round();
            self.wrong.push(format!("{order}: said to be at the {stop}, {metres} m away"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn frame(value: Value) -> Frame {
        serde_json::from_value(value).unwrap()
    }

    fn position(lat: f64, t: i64) -> Frame {
        frame(json!({ "push": "loc", "rider": "r", "lat": lat, "lng": 121.5, "acc": 8.0, "t": t }))
    }

    #[test]
    fn jumps_flapping_and_false_arrivals_are_counted() {
        let mut sights = Sights::default();
        sights.on_push("o", &position(31.2, 0));
        sights.on_push("o", &position(31.201, 5_000));
        assert!(sights.wrong.is_empty());
        sights.on_push("o", &position(31.3, 10_000));
        assert_eq!(sights.wrong.len(), 1, "eleven kilometres in five seconds");
        let estimate = |at: i64| {
            let (low, high) = (at + 60_000, at + 120_000);
            frame(json!({ "push": "eta", "at": at, "low": low, "high": high }))
        };
        for at in [0, 60_000, 60_000, 119_000] {
            sights.on_push("o", &estimate(at));
        }
        assert_eq!((sights.n_estimates, sights.wrong.len()), (3, 2));
        sights.on_arrival_at_door("o", 130_000);
        assert_eq!((sights.n_held, sights.n_ranges), (1, 3));
        sights.on_arrival("o", "pickup", 30.0);
        sights.on_arrival("o", "pickup", 3_000.0);
        assert_eq!((sights.n_arrivals, sights.wrong.len()), (1, 2), "told on two channels");
        sights.on_arrival("o", "dropoff", 400.0);
        assert_eq!((sights.n_arrivals, sights.wrong.len()), (2, 3));
    }
}
