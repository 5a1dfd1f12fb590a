//! Positions as devices measure them, and which of them are believed.
//!
//! A receiver between high walls jumps: a position that could only be reached at an impossible speed
//! is doubted until others confirm it. Plain arithmetic without allocation: it runs for every
//! position of every rider.

use crate::{clock::Timestamp, geo::Place};

/// Nobody who delivers is faster than this, in metres a second.
pub const SPEED_MAX_M_PER_S: f64 = 50.0;
/// So many positions that agree with each other are believed against the one before.
pub const CONFIRMED_BY: u32 = 3;
/// Uncertainty of a device that does not tell it, in metres.
const ACC_UNKNOWN_M: f64 = 20.0;
/// Uncertainty that a jump is forgiven for at most, in metres.
const ACC_FORGIVEN_MAX_M: f64 = 100.0;
/// Any two positions may be so far apart, in metres.
const JITTER_M: f64 = 30.0;
/// A device keeps positions back for so long at most while it has no network, in milliseconds.
const QUEUED_MAX_MS: i64 = 120_000;

/// Where a device says it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    /// Where.
    pub place: Place,
    /// Radius of uncertainty in metres.
    pub acc_m: f64,
    /// When the device measured it, by its own clock, which may be off by years.
    pub measured: Timestamp,
    /// When it was heard, by ours.
    pub heard: Timestamp,
}

impl Sighting {
    /// A position; `acc_m` is `None`, or nonsense, if the device does not know its uncertainty.
    pub fn new(place: Place, acc_m: Option<f64>, measured: Timestamp, heard: Timestamp) -> Self {
        let acc_m = acc_m.filter(|it| it.is_finite() && *it >= 0.0).unwrap_or(ACC_UNKNOWN_M);
        Self { place, acc_m, measured, heard }
    }

    /// Milliseconds that passed since `earlier`, never negative.
    ///
    /// By our clock, unless several were sent at once after a while without network: then the
    /// device knows better.
    pub fn ms_since(&self, earlier: &Self) -> i64 {
        let heard = self.heard.ms().saturating_sub(earlier.heard.ms()).max(0);
        let measured = self.measured.ms().saturating_sub(earlier.measured.ms());
        let is_queued = measured > heard && measured <= heard.saturating_add(QUEUED_MAX_MS);
        if is_queued { measured } else { heard }
    }

    /// Whether somebody who was at `earlier` can be here now.
    pub fn is_reachable_from(&self, earlier: &Self) -> bool {
        let unsure = (self.acc_m + earlier.acc_m).min(ACC_FORGIVEN_MAX_M) + JITTER_M;
        let seconds = self.ms_since(earlier) as f64 / 1_000.0;
        earlier.place.metres_to(self.place) <= unsure + SPEED_MAX_M_PER_S * seconds
    }
}

/// The last position of somebody that was believed, and those since that were not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trail {
    last: Option<Sighting>,
    doubted: Option<(Sighting, u32)>,
}

impl Trail {
    /// Takes the next position in; whether it is believed.
    pub fn believes(&mut self, next: Sighting) -> bool {
        let is_believed = match (&self.last, &self.doubted) {
            (None, _) => true,
            (Some(last), _) if next.is_reachable_from(last) => true,
            (Some(_), Some((doubted, n))) if next.is_reachable_from(doubted) => {
                n + 1 >= CONFIRMED_BY
            }
            (Some(_), _) => false,
        };
        if is_believed {
            *self = Self { last: Some(next), doubted: None };
            return true;
        }
        let n = match &self.doubted {
            Some((doubted, n)) if next.is_reachable_from(doubted) => n + 1,
            _ => 1,
        };
        self.doubted = Some((next, n));
        false
    }

    /// Takes a position in that somebody else has believed.
    pub fn trust(&mut self, next: Sighting) {
        *self = Self { last: Some(next), doubted: None };
    }

    /// The last position that was believed.
    pub const fn last(&self) -> Option<&Sighting> {
        self.last.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON_MS: i64 = 1_790_000_000_000;

    fn centre() -> Place {
        Place::new(31.2, 121.465).expect("a place")
    }

    fn seen(east_m: f64, seconds: i64) -> Sighting {
        let at = Timestamp::from_ms(NOON_MS + seconds * 1_000);
        Sighting::new(centre().offset(east_m, 0.0), Some(8.0), at, at)
    }

    #[test]
    fn a_jump_is_believed_only_when_others_confirm_it() {
        let mut trail = Trail::default();
        assert!(trail.believes(seen(0.0, 0)));
        assert!(!trail.believes(seen(2_000.0, 5)), "400 m/s");
        assert!(trail.believes(seen(10.0, 10)), "it was a jump of the receiver");
        assert!(!trail.believes(seen(3_000.0, 15)));
        assert!(!trail.believes(seen(-3_000.0, 16)), "two jumps do not confirm each other");
        assert!(!trail.believes(seen(-3_010.0, 17)));
        assert!(trail.believes(seen(-3_020.0, 18)), "the third that agrees");
        assert!(trail.believes(seen(-3_030.0, 19)));
    }

    #[test]
    fn after_a_silence_one_may_be_anywhere_within_reach() {
        let mut trail = Trail::default();
        trail.believes(seen(0.0, 0));
        assert!(trail.believes(seen(20_000.0, 600)), "33 m/s for ten minutes");
    }

    #[test]
    fn positions_that_were_kept_back_count_by_the_devices_clock() {
        let mut trail = Trail::default();
        trail.believes(seen(0.0, 0));
        for n in 1..=5 {
            let heard = Timestamp::from_ms(NOON_MS + 60_000);
            let queued = Sighting { heard, ..seen(f64::from(n) * 150.0, i64::from(n) * 10) };
            assert!(trail.believes(queued), "{n}: 15 m/s, all heard at once");
        }
    }

    #[test]
    fn a_clock_that_is_off_by_years_changes_nothing() {
        for measured in [i64::MIN, -1, 0, i64::MAX] {
            let measured = Timestamp::from_ms(measured);
            let mut trail = Trail::default();
            assert!(trail.believes(seen(0.0, 0)));
            assert!(trail.believes(Sighting { measured, ..seen(20.0, 5) }));
            assert!(!trail.believes(Sighting { measured, ..seen(9_000.0, 10) }));
            assert!(trail.believes(seen(40.0, 15)));
        }
    }

    proptest! {
        #[test]
        fn what_is_believed_one_after_the_other_is_reachable_or_confirmed(
            steps in prop::collection::vec((-4_000.0..4_000.0_f64, 0..30_i64), 1..80),
        ) {
            let (mut trail, mut at) = (Trail::default(), 0);
            let mut in_doubt = 0;
            for (east, seconds) in steps {
                at += seconds;
                let next = seen(east, at);
                let before = trail.last().copied();
                if trail.believes(next) {
                    let is_reachable = before.is_none_or(|it| next.is_reachable_from(&it));
                    prop_assert!(is_reachable || in_doubt + 1 >= CONFIRMED_BY);
                    in_doubt = 0;
                } else {
                    in_doubt += 1;
                }
            }
        }
    }
}
