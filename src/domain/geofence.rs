//! Whether a rider has arrived at a stop, judged by his positions.
//!
//! Arrived is who stays: near the stop, hardly moving, for a while, in several positions. One
//! position proves nothing, and a wide ring around the stop in which nothing is decided keeps a
//! position that wavers from beginning anew each time. Only positions that are believed belong
//! here (see `sighting`).

use std::time::Duration;

use crate::{clock::Timestamp, geo::Place, sighting::Sighting};

/// Positions that an arrival needs at least, however long the dwell.
pub const SIGHTINGS_MIN: u32 = 3;
/// Positions that are less certain than this say nothing, in metres.
pub const ACC_MAX_M: f64 = 100.0;
/// After a silence as long as this the stay begins anew, in milliseconds.
pub const SILENCE_MAX_MS: i64 = 60_000;
/// Who is farther than this many radii away has left.
const LEFT_RADII: f64 = 1.6;
/// Who moves farther than this share of the radius during the stay passes by.
const STAYS_RADII: f64 = 0.8;

/// How near and how long is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fence {
    /// Metres around the stop; 0 turns arrivals by position off.
    pub radius_m: f64,
    /// Shortest stay.
    pub dwell: Duration,
}

impl Default for Fence {
    fn default() -> Self {
        Self { radius_m: 50.0, dwell: Duration::from_secs(20) }
    }
}

#[derive(Debug, Clone, Copy)]
struct Stay {
    began: Sighting,
    last: Sighting,
    dwelt_ms: i64,
    n_inside: u32,
}

/// One rider on his way to one stop.
#[derive(Debug, Clone, Copy, Default)]
pub struct Approach {
    stay: Option<Stay>,
}

impl Approach {
    /// Takes a position in; whether the rider has arrived by it. The caller acts on it once.
    pub fn has_arrived(&mut self, fence: &Fence, stop: Place, seen: Sighting) -> bool {
        if seen.acc_m > ACC_MAX_M || fence.radius_m <= 0.0 {
            return false;
        }
        let metres = stop.metres_to(seen.place);
        // What is less certain must be nearer, down to half the radius.
        let is_inside = metres <= (fence.radius_m - seen.acc_m / 2.0).max(fence.radius_m / 2.0);
        if !is_inside {
            if metres > fence.radius_m * LEFT_RADII + seen.acc_m {
                self.stay = None;
            }
            return false;
        }
        let stay = match self.stay {
            Some(stay) if stay.goes_on(fence, &seen) => Stay {
                dwelt_ms: stay.dwelt_ms + seen.ms_since(&stay.last),
                n_inside: stay.n_inside + 1,
                last: seen,
                began: stay.began,
            },
            _ => Stay { began: seen, last: seen, dwelt_ms: 0, n_inside: 1 },
        };
        self.stay = Some(stay);
        let dwell_ms = i64::try_from(fence.dwell.as_millis()).unwrap_or(i64::MAX);
        stay.n_inside >= SIGHTINGS_MIN && stay.dwelt_ms >= dwell_ms
    }

    /// Since when he stays there; `None` if he does not.
    pub fn stays_since(&self) -> Option<Timestamp> {
        self.stay.map(|it| it.began.heard)
    }
}

impl Stay {
    fn goes_on(&self, fence: &Fence, seen: &Sighting) -> bool {
        let is_here = self.began.place.metres_to(seen.place) <= fence.radius_m * STAYS_RADII;
        is_here && seen.ms_since(&self.last) <= SILENCE_MAX_MS
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON_MS: i64 = 1_790_000_000_000;

    fn door() -> Place {
        Place::new(31.2, 121.465).expect("a place")
    }

    fn seen(east_m: f64, north_m: f64, seconds: i64) -> Sighting {
        let at = Timestamp::from_ms(NOON_MS + seconds * 1_000);
        Sighting::new(door().offset(east_m, north_m), Some(8.0), at, at)
    }

    /// The second of the arrival, if there is one.
    fn arrival(positions: &[Sighting]) -> Option<i64> {
        let (fence, mut approach) = (Fence::default(), Approach::default());
        let found = positions.iter().find(|it| approach.has_arrived(&fence, door(), **it));
        found.map(|it| (it.heard.ms() - NOON_MS) / 1_000)
    }

    #[test]
    fn who_comes_and_stays_has_arrived_after_the_dwell() {
        let coming = (0..20).map(|n| seen(300.0 - 30.0 * n as f64, 0.0, n * 5));
        let staying = (0..10).map(|n| seen(3.0 * (n % 3) as f64, 5.0, 50 + n * 5));
        let positions: Vec<_> = coming.take(10).chain(staying).collect();
        assert_eq!(arrival(&positions), Some(65));
    }

    #[test]
    fn who_passes_by_has_not_arrived_however_near() {
        for speed in [3, 5, 9, 15] {
            let passing = (-100..100).map(|n| seen((speed * n) as f64, 5.0, 500 + n));
            assert_eq!(arrival(&passing.collect::<Vec<_>>()), None, "{speed} m/s");
        }
    }

    #[test]
    fn one_position_proves_nothing_even_after_a_long_time() {
        assert_eq!(arrival(&[seen(0.0, 0.0, 0), seen(0.0, 0.0, 30)]), None, "two of them");
        let rare: Vec<_> = (0..20).map(|n| seen(0.0, 0.0, n * 90)).collect();
        assert_eq!(arrival(&rare), None, "each after a silence");
        let uncertain = (0..20).map(|n| Sighting { acc_m: 150.0, ..seen(0.0, 0.0, n * 5) });
        assert_eq!(arrival(&uncertain.collect::<Vec<_>>()), None, "it may be anywhere");
    }

    #[test]
    fn who_waits_next_door_has_not_arrived_and_a_waver_does_not_begin_anew() {
        let next_door: Vec<_> = (0..200)
            .map(|n| seen(90.0 + if n % 9 == 0 { -45.0 } else { 8.0 * (n % 3) as f64 }, 0.0, n * 5))
            .collect();
        assert_eq!(arrival(&next_door), None, "ninety metres away, now and then nearer");
        let wavers = (0..20).map(|n| seen(if n % 2 == 0 { 30.0 } else { 60.0 }, 0.0, n * 5));
        assert_eq!(arrival(&wavers.collect::<Vec<_>>()), Some(20));
    }

    #[test]
    fn a_radius_of_zero_turns_it_off() {
        let (off, mut approach) =
            (Fence { radius_m: 0.0, ..Fence::default() }, Approach::default());
        let arrived = (0..50).any(|n| approach.has_arrived(&off, door(), seen(0.0, 0.0, n * 5)));
        assert!(!arrived);
    }

    proptest! {
        #[test]
        fn nobody_arrives_who_was_never_inside_for_the_dwell(
            steps in prop::collection::vec((-200.0..200.0_f64, -200.0..200.0_f64, 1..40_i64), 1..60),
        ) {
            let (fence, mut approach) = (Fence::default(), Approach::default());
            let (mut at, mut inside_from, mut n_inside) = (0, None, 0);
            for (east, north, seconds) in steps {
                at += seconds;
                let is_inside = east.hypot(north) <= fence.radius_m;
                // The longest chain of positions that were not beyond the outer ring.
                if east.hypot(north) > fence.radius_m * LEFT_RADII + 9.0 {
                    (inside_from, n_inside) = (None, 0);
                } else if is_inside {
                    n_inside += 1;
                    inside_from = inside_from.or(Some(at));
                }
                if approach.has_arrived(&fence, door(), seen(east, north, at)) {
                    prop_assert!(n_inside >= SIGHTINGS_MIN);
                    prop_assert!(inside_from.is_some_and(|it| at - it >= 20));
                }
            }
        }
    }
}
