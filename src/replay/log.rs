//! The event log of a replay: one JSON object a line.

use domain::dispatch::weights::MINUTE_MS;
use serde::Serialize;

use super::instance::Instance;

/// What happened.
#[derive(Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// The order is the rider's from now on.
    Assigned,
    /// The rider took it from the store.
    PickedUp,
    /// The customer has it.
    Delivered,
}

/// One line of the log, by indices into the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds from the start of the day.
    pub at_ms: i64,
    /// Index of the rider.
    pub rider: usize,
    /// Index of the order.
    pub order: usize,
    /// What happened.
    pub happening: Happening,
}

impl Event {
    /// Minutes from the start of the day.
    pub fn minutes(&self) -> f64 {
        self.at_ms as f64 / MINUTE_MS as f64
    }
}

#[derive(Serialize)]
struct Line<'a> {
    time: f64,
    courier: &'a str,
    order: &'a str,
    event: Happening,
}

/// Writes events as JSON lines, in the order of time.
pub fn to_text(instance: &Instance, events: &[Event]) -> String {
    let mut events: Vec<&Event> = events.iter().collect();
    events.sort_by_key(|it| it.at_ms);
    let mut text = String::new();
    for it in events {
        let line = Line {
            time: it.minutes(),
            courier: &instance.riders[it.rider].id,
            order: &instance.orders[it.order].id,
            event: it.happening,
        };
        // Texts and whole numbers always have a JSON form.
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
    text
}
