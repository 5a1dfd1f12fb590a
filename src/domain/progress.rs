//! Whether a rider who should fetch something is on his way: sightings in, a verdict out.
//!
//! One [`Progress`] watches one rider's way to one store. It never judges what it did not see: a
//! rider who is connected but tells no position is neither silent nor standing still.

use std::time::Duration;

use crate::clock::Timestamp;

/// Closer to the store than this a rider is there, in metres; then it is the kitchen that is waited for.
pub const THERE_M: f64 = 150.0;
/// Coming closer by less than this is no movement: positions waver, in metres.
pub const STEP_M: f64 = 100.0;
/// A rider who would be in time at this speed may still wait, in metres per second.
pub const UNHURRIED_M_PER_S: f64 = 1.5;

/// How long a rider may be silent, and how long he may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Without position and connection.
    pub silent: Duration,
    /// Without coming closer to the store.
    pub standing: Duration,
}

/// What is to be thought of a rider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong, as far as one can see.
    Fine,
    /// Nothing was heard of him since then.
    Silent {
        /// The last sign of life.
        since: Timestamp,
    },
    /// He has not come closer to the store since then, although he should have.
    NotMoving {
        /// When he last came closer.
        since: Timestamp,
    },
}

/// A rider's way to a store.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    heard_at: Timestamp,
    way: Option<Way>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Way {
    nearest_m: f64,
    nearest_at: Timestamp,
    seen_at: Timestamp,
}

impl Progress {
    /// Begins to watch: he took the delivery then.
    pub const fn new(at: Timestamp) -> Self {
        Self { heard_at: at, way: None }
    }

    /// He has a connection, or did something.
    pub fn heard(&mut self, at: Timestamp) {
        self.heard_at = self.heard_at.max(at);
    }

    /// He has something else to do first: what he did before does not count.
    pub const fn is_busy(&mut self) {
        self.way = None;
    }

    /// He was seen so far from the store, which can hand out at `ready_at`.
    pub fn seen(&mut self, metres: f64, ready_at: Timestamp, at: Timestamp) {
        self.heard(at);
        let has_time = metres / UNHURRIED_M_PER_S * 1_000.0 < ready_at.ms_since(at) as f64;
        let here = Way { nearest_m: metres, nearest_at: at, seen_at: at };
        self.way = Some(match self.way {
            None => here,
            Some(_) if metres <= THERE_M || has_time => here,
            Some(way) if metres + STEP_M <= way.nearest_m => here,
            Some(way) => Way { seen_at: way.seen_at.max(at), ..way },
        });
    }

    /// What is to be thought of him at `now`.
    pub fn verdict(&self, patience: Patience, now: Timestamp) -> Verdict {
        let limit_ms = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        if now.ms_since(self.heard_at) >= limit_ms(patience.silent) {
            return Verdict::Silent { since: self.heard_at };
        }
        match self.way {
            // Judged by when he was seen, not by the clock: a gap in the positions is no standing.
            Some(way) if way.seen_at.ms_since(way.nearest_at) >= limit_ms(patience.standing) => {
                Verdict::NotMoving { since: way.nearest_at }
            }
            _ => Verdict::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);
    const MINUTE: Duration = Duration::from_secs(60);
    const PATIENCE: Patience =
        Patience { silent: Duration::from_secs(300), standing: Duration::from_secs(480) };

    fn after(minutes: u32) -> Timestamp {
        NOON + MINUTE * minutes
    }

    #[test]
    fn who_stands_still_far_from_the_store_is_found_out_at_the_limit() {
        let mut it = Progress::new(NOON);
        for minute in 0..=7 {
            it.seen(2_000.0 + f64::from(minute), NOON, after(minute));
            assert_eq!(it.verdict(PATIENCE, after(minute)), Verdict::Fine, "minute {minute}");
        }
        it.seen(1_990.0, NOON, after(8));
        assert_eq!(it.verdict(PATIENCE, after(8)), Verdict::NotMoving { since: NOON });
        it.seen(1_800.0, NOON, after(9));
        assert_eq!(it.verdict(PATIENCE, after(9)), Verdict::Fine, "he goes on");
    }

    #[test]
    fn who_waits_at_the_store_or_has_time_or_is_busy_is_fine() {
        let (mut there, mut early, mut busy) =
            (Progress::new(NOON), Progress::new(NOON), Progress::new(NOON));
        for minute in 0..60 {
            there.seen(80.0, NOON, after(minute));
            early.seen(900.0, after(80), after(minute));
            busy.seen(3_000.0, NOON, after(minute));
            busy.is_busy();
            for it in [there, early, busy] {
                assert_eq!(it.verdict(PATIENCE, after(minute)), Verdict::Fine);
            }
        }
    }

    #[test]
    fn silence_ends_with_any_sign_of_life() {
        let mut it = Progress::new(NOON);
        assert_eq!(it.verdict(PATIENCE, after(5)), Verdict::Silent { since: NOON });
        it.heard(after(5));
        assert_eq!(it.verdict(PATIENCE, after(9)), Verdict::Fine);
        it.heard(after(1));
        assert_eq!(it.verdict(PATIENCE, after(9)), Verdict::Fine, "old news takes nothing back");
        assert_eq!(it.verdict(PATIENCE, after(10)), Verdict::Silent { since: after(5) });
    }

    proptest! {
        #[test]
        fn who_rides_is_never_taken_for_standing(
            legs in prop::collection::vec((1_u64..400, 0.5_f64..12.0), 1..60),
        ) {
            let mut it = Progress::new(NOON);
            let (mut metres, mut at) = (30_000.0_f64, NOON);
            for (seconds, speed) in legs {
                at = at + Duration::from_secs(seconds);
                metres -= speed * seconds as f64;
                it.seen(metres.max(0.0), NOON, at);
                // At half a metre a second or more, 480 seconds are at least two steps.
                prop_assert_eq!(it.verdict(PATIENCE, at), Verdict::Fine);
            }
        }

        #[test]
        fn nobody_is_judged_before_his_time(
            sights in prop::collection::vec((0_u64..30, 0.0_f64..9_000.0), 0..15),
        ) {
            let mut it = Progress::new(NOON);
            let mut at = NOON;
            for (seconds, metres) in sights {
                at = at + Duration::from_secs(seconds);
                it.seen(metres, NOON, at);
            }
            // At most 450 s have passed.
            prop_assert_eq!(it.verdict(PATIENCE, at), Verdict::Fine);
        }
    }
}
