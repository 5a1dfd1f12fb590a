//! An independent judge of a day that was dispatched live: pure, over what was written down.
//!
//! It shares nothing with the dispatcher, not even its types: stories of orders, offers and the
//! diaries of riders come in as plain text and milliseconds of the server's clock, faults come out.
//! The live replay feeds it from the journal as clients read it, tests feed it from SQL as well.

mod fault;
mod offers;
mod riders;
mod stories;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use self::fault::{Broken, Fault};

const MINUTE_MS: i64 = 60_000;

/// One line of an order's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The order.
    pub order: String,
    /// Number of the line, from 1 without holes.
    pub seq: i64,
    /// `order`, `delivery`, `offer`, `payment` or `refund`.
    pub machine: String,
    /// What happened.
    pub event: String,
    /// State before; `None` when the thing was created.
    pub from: Option<String>,
    /// State after.
    pub to: String,
    /// Who caused it, if it was a person.
    pub by: Option<String>,
    /// When the kitchen means to be done, if that is known.
    pub ready_at: Option<i64>,
    /// When.
    pub at: i64,
}

/// One rider was asked about one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The offer.
    pub offer: String,
    /// Of which order.
    pub order: String,
    /// Who was asked.
    pub rider: String,
    /// When.
    pub at: i64,
    /// From then on it cannot be accepted.
    pub expires: i64,
    /// What became of it, each time that something did: state and time.
    pub closed: Vec<(String, i64)>,
}

/// What a rider himself knows of his day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diary {
    /// Who.
    pub rider: String,
    /// Orders that he said he can carry at once.
    pub capacity: usize,
    /// From the answer to `duty.off` or `duty.break` until he asked to be on duty again.
    pub off_duty: Vec<(i64, i64)>,
    /// From his last sign of life until the next.
    pub silent: Vec<(i64, i64)>,
    /// Orders that the server told him he had won, and when he heard it.
    pub won: Vec<(String, i64)>,
}

/// Everything that was written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The stories of all orders, in any order.
    pub lines: Vec<Line>,
    /// Every offer.
    pub asked: Vec<Asking>,
    /// The riders who keep a diary.
    pub diaries: Vec<Diary>,
    /// When it was looked at last.
    pub until: i64,
}

/// What must be kept; times in milliseconds of the server's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Who declined, kept silent or left is not asked again about that delivery for so long.
    pub quiet_ms: i64,
    /// Without a rider for so long, somebody must have been told.
    pub alarm_ms: i64,
    /// Without a rider for so long, the order must have ended.
    pub stop_ms: i64,
    /// A rider who shows no life for so long loses what he has not fetched.
    pub silent_ms: i64,
    /// Riders are looked for from this long before the kitchen is done.
    pub ahead_ms: i64,
    /// Two moments that are nearer to each other may have been written in the other order: each
    /// transaction reads the clock when it begins, and may then wait for another one.
    pub skew_ms: i64,
    /// How late timers may be.
    pub slack_ms: i64,
}

impl Rules {
    /// The rules as the server's settings are without being told otherwise, for a clock that runs
    /// `speed` times as fast as life.
    pub fn at_speed(speed: f64) -> Self {
        Self {
            quiet_ms: 5 * MINUTE_MS,
            alarm_ms: 10 * MINUTE_MS,
            stop_ms: 60 * MINUTE_MS,
            silent_ms: 5 * MINUTE_MS,
            ahead_ms: 10 * MINUTE_MS,
            // A quarter of a real second, and ten: the latter for a node that dies meanwhile.
            skew_ms: (250.0 * speed) as i64,
            slack_ms: (10_000.0 * speed) as i64,
        }
    }
}

/// Who held a delivery, from when until when; until the end of time if he still does.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hold {
    order: String,
    rider: String,
    from: i64,
    picked_up: Option<i64>,
    until: i64,
}

/// Finds everything that is not as it must be.
pub fn judge(evidence: &Evidence, rules: &Rules) -> Vec<Fault> {
    let mut by_order: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in &evidence.lines {
        by_order.entry(&line.order).or_default().push(line);
    }
    let (mut faults, mut holds, mut leaves) = (Vec::new(), Vec::new(), Vec::new());
    for (order, mut lines) in by_order {
        lines.sort_by_key(|it| it.seq);
        let told = stories::read(order, &lines, evidence, rules);
        faults.extend(told.faults);
        holds.extend(told.holds);
        leaves.extend(told.leaves);
    }
    offers::check(evidence, &leaves, rules, &mut faults);
    riders::check(evidence, &holds, rules, &mut faults);
    faults
}
