//! How long legs really take: a factor on the estimate, learnt from finished legs.
//!
//! Each finished leg gives a ratio, time taken over time estimated. Means of the logarithms of these
//! ratios are kept by region, kind of estimate and vehicle, for the whole day and for each of its hours
//! (UTC). The whole day is shrunk towards no correction, an hour towards the whole day; few legs correct
//! nothing. A leg that is far off what is known counts as one that is a little off: one rider who stops
//! for lunch does not slow a region down.

use crate::{clock::Timestamp, text_enum::text_enum, travel::Vehicle};

/// Fewer legs than this correct nothing.
pub const LEGS_MIN: f64 = 20.0;
/// A mean remembers about this many legs: one more takes this share from what was there.
pub const REMEMBERED: f64 = 200.0;
/// The factor stays within these.
pub const FACTOR: (f64, f64) = (0.5, 2.5);
/// A leg with a shorter estimate is mostly stairs and doors, and teaches nothing, in milliseconds.
pub const ESTIMATE_MIN_MS: i64 = 120_000;
/// One leg counts for no more and no less than so many times what is known.
const ONE_LEG: (f64, f64) = (0.5, 2.0);
/// So many legs more of the whole day move its factor half of the way from one.
const DAY_HALF: f64 = 30.0;
/// So many legs of an hour move its factor half of the way from that of the whole day.
const HOUR_HALF: f64 = 30.0;
/// Hours of a day.
pub const HOURS: usize = 24;

const HOUR_MS: i64 = 3_600_000;

text_enum! {
    /// What an estimate came from.
    pub enum Basis {
        /// The straight line times a detour.
        Straight => "straight",
        /// A table of times on roads.
        Road => "road",
    }
}

/// The hour of the day (UTC), 0 to 23.
pub const fn hour_of(at: Timestamp) -> usize {
    at.ms().div_euclid(HOUR_MS).rem_euclid(HOURS as i64) as usize
}

/// Legs and the sum of the logarithms of their ratios; older ones count less.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Seen {
    /// How many.
    pub n: f64,
    /// Their sum.
    pub sum_ln: f64,
}

impl Seen {
    /// With one more leg in it, which [`Paces::weighed`] has weighed.
    #[must_use]
    pub fn with(self, ln: f64) -> Self {
        let kept = 1.0 - 1.0 / REMEMBERED;
        Self { n: self.n * kept + 1.0, sum_ln: self.sum_ln * kept + ln }
    }

    /// How much it is to be trusted as a whole, 0 to 1.
    fn trust(self) -> f64 {
        let n = (self.n - LEGS_MIN).max(0.0);
        n / (n + DAY_HALF)
    }

    fn mean(self) -> f64 {
        if self.n > 0.0 { self.sum_ln / self.n } else { 0.0 }
    }
}

/// What was seen of one vehicle on one kind of estimate in one region.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Paces {
    /// Legs of all hours.
    pub day: Seen,
    /// Those of each hour (UTC).
    pub hours: [Seen; HOURS],
}

impl Paces {
    /// How many times the estimate a leg takes in this hour.
    pub fn factor(&self, hour: usize) -> f64 {
        let trust = self.day.trust();
        let of_hour = self.hours.get(hour).copied().unwrap_or_default();
        // As if some more legs of the hour had been like the whole day.
        let known = trust * of_hour.sum_ln + HOUR_HALF * trust * self.day.mean();
        (known / (trust * of_hour.n + HOUR_HALF)).exp().clamp(FACTOR.0, FACTOR.1)
    }

    /// What one leg adds to the sums; `None` if it says nothing.
    pub fn weighed(&self, leg: &Finished) -> Option<f64> {
        if leg.estimate_ms < ESTIMATE_MIN_MS || leg.took_ms <= 0 {
            return None;
        }
        let ln = (leg.took_ms as f64 / leg.estimate_ms as f64).ln();
        let known = self.day.trust() * self.day.mean();
        let held = ln.clamp(known + ONE_LEG.0.ln(), known + ONE_LEG.1.ln());
        Some(held.clamp(FACTOR.0.ln(), FACTOR.1.ln()))
    }

    /// With one more leg of an hour.
    #[must_use]
    pub fn with(mut self, hour: usize, ln: f64) -> Self {
        self.day = self.day.with(ln);
        if let Some(of_hour) = self.hours.get_mut(hour) {
            *of_hour = of_hour.with(ln);
        }
        self
    }
}

/// Factors of one region at one hour, by vehicle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factors {
    /// On straight lines.
    pub straight: [f64; Vehicle::ALL.len()],
    /// On times on roads.
    pub road: [f64; Vehicle::ALL.len()],
}

impl Default for Factors {
    fn default() -> Self {
        Self { straight: [1.0; Vehicle::ALL.len()], road: [1.0; Vehicle::ALL.len()] }
    }
}

impl Factors {
    /// The factor of one vehicle on one kind of estimate.
    pub const fn of(&self, basis: Basis, vehicle: Vehicle) -> f64 {
        match basis {
            Basis::Straight => self.straight[vehicle as usize],
            Basis::Road => self.road[vehicle as usize],
        }
    }

    /// Sets one.
    pub const fn set(&mut self, basis: Basis, vehicle: Vehicle, factor: f64) {
        match basis {
            Basis::Straight => self.straight[vehicle as usize] = factor,
            Basis::Road => self.road[vehicle as usize] = factor,
        }
    }
}

/// A leg that was ridden to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finished {
    /// What the estimate came from.
    pub basis: Basis,
    /// With what it was ridden.
    pub vehicle: Vehicle,
    /// When it began, in UTC milliseconds.
    pub began_at: i64,
    /// The estimate when it began, without any factor.
    pub estimate_ms: i64,
    /// How long it took.
    pub took_ms: i64,
}

/// What is seen of a rider's way to his next stop at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight<G> {
    /// The stop.
    pub goal: G,
    /// Whether he has arrived.
    pub is_there: bool,
    /// When he can leave the place where he is, in UTC milliseconds.
    pub leaves_at: i64,
    /// How long the leg takes from here, without any factor, and by what.
    pub estimate: (i64, Basis),
    /// With what he rides.
    pub vehicle: Vehicle,
    /// Whether he has reason to hurry: who would come too early anyway teaches nothing.
    pub is_urgent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct OnLeg<G> {
    goal: G,
    /// `None` for a leg that teaches nothing.
    begun: Option<Finished>,
}

/// The leg that one rider is on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LegWatch<G>(Option<OnLeg<G>>);

impl<G> Default for LegWatch<G> {
    fn default() -> Self {
        Self(None)
    }
}

impl<G: PartialEq> LegWatch<G> {
    /// Follows the rider; answers the leg that he has just finished, if it was ridden from its beginning.
    ///
    /// A leg begins when a stop becomes the next one, and ends with the arrival. A rider who is sent
    /// elsewhere on the way, or whose stop disappears, has finished nothing.
    pub fn follow(&mut self, sight: Option<Sight<G>>, now: i64) -> Option<Finished> {
        let Some(sight) = sight else {
            self.0 = None;
            return None;
        };
        let held = self.0.take().filter(|it| it.goal == sight.goal);
        if sight.is_there {
            let begun = held.and_then(|it| it.begun);
            self.0 = Some(OnLeg { goal: sight.goal, begun: None });
            return begun.map(|it| Finished { took_ms: now - it.began_at, ..it });
        }
        self.0 = held.or_else(|| {
            let (estimate_ms, basis) = sight.estimate;
            let began_at = sight.leaves_at.max(now);
            let leg = Finished { basis, vehicle: sight.vehicle, began_at, estimate_ms, took_ms: 0 };
            Some(OnLeg { goal: sight.goal, begun: sight.is_urgent.then_some(leg) })
        });
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;
    const NOON: i64 = 1_790_000_000_000;

    fn leg(estimate_ms: i64, took_ms: i64) -> Finished {
        let (basis, vehicle) = (Basis::Straight, Vehicle::Bike);
        Finished { basis, vehicle, began_at: NOON, estimate_ms, took_ms }
    }

    fn given(n: usize, hour: usize, ratio: f64) -> Paces {
        learnt(Paces::default(), n, hour, ratio)
    }

    fn learnt(paces: Paces, n: usize, hour: usize, ratio: f64) -> Paces {
        let one = leg(10 * MINUTE, (ratio * 600_000.0) as i64);
        (0..n).fold(paces, |it, _| it.with(hour, it.weighed(&one).expect("it says something")))
    }

    #[test]
    fn few_legs_correct_nothing_and_many_correct_most() {
        assert_eq!(given(19, 8, 1.5).factor(8), 1.0);
        let of_hour = given(300, 8, 1.5).factor(8);
        assert!((1.4..1.5).contains(&of_hour), "{of_hour}");
        let other = given(300, 8, 1.5).factor(20);
        assert!((1.3..of_hour).contains(&other), "an hour without legs is like the day: {other}");
    }

    #[test]
    fn hours_differ_and_a_region_that_changes_is_followed() {
        let both = learnt(given(150, 8, 1.6), 150, 14, 1.0);
        assert!(both.factor(8) > both.factor(14) + 0.2, "{} {}", both.factor(8), both.factor(14));
        let after = learnt(given(500, 8, 1.8), 600, 8, 1.0).factor(8);
        assert!((0.95..1.1).contains(&after), "{after}");
    }

    #[test]
    fn one_rider_at_lunch_moves_nothing() {
        let before = given(200, 8, 1.1);
        let after = learnt(before, 1, 8, 30.0);
        assert!(after.factor(8) < before.factor(8) * 1.02);
        let always = learnt(before, 20, 8, 30.0);
        assert!(always.factor(8) < before.factor(8) * 1.25, "{}", always.factor(8));
    }

    #[test]
    fn short_legs_and_nonsense_teach_nothing() {
        let paces = Paces::default();
        assert_eq!(paces.weighed(&leg(ESTIMATE_MIN_MS - 1, 5 * MINUTE)), None);
        assert_eq!(paces.weighed(&leg(5 * MINUTE, 0)), None);
        assert_eq!(paces.weighed(&leg(5 * MINUTE, -1)), None);
        assert!(paces.weighed(&leg(5 * MINUTE, 5 * MINUTE)).is_some_and(|ln| ln.abs() < 1e-9));
    }

    fn sight(goal: u32, is_there: bool) -> Sight<u32> {
        let estimate = (5 * MINUTE, Basis::Road);
        let vehicle = Vehicle::Scooter;
        Sight { goal, is_there, leaves_at: 0, estimate, vehicle, is_urgent: true }
    }

    #[test]
    fn a_leg_goes_from_when_he_can_leave_to_his_arrival() {
        let mut watch = LegWatch::default();
        let first = Sight { leaves_at: NOON + MINUTE, ..sight(1, false) };
        assert_eq!(watch.follow(Some(first), NOON), None);
        let later = Sight { estimate: (MINUTE, Basis::Straight), ..sight(1, false) };
        assert_eq!(watch.follow(Some(later), NOON + 3 * MINUTE), None);
        let found = watch.follow(Some(sight(1, true)), NOON + 7 * MINUTE).expect("a leg");
        assert_eq!((found.estimate_ms, found.took_ms), (5 * MINUTE, 6 * MINUTE));
        assert_eq!((found.basis, found.began_at), (Basis::Road, NOON + MINUTE));
        assert_eq!(watch.follow(Some(sight(1, true)), NOON + 8 * MINUTE), None, "once");
    }

    #[test]
    fn who_is_sent_elsewhere_or_has_time_finishes_nothing() {
        let mut watch = LegWatch::default();
        watch.follow(Some(sight(1, false)), NOON);
        watch.follow(Some(sight(2, false)), NOON + MINUTE);
        assert_eq!(watch.follow(Some(sight(1, true)), NOON + 3 * MINUTE), None, "another stop");
        watch.follow(Some(sight(3, false)), NOON);
        watch.follow(None, NOON + MINUTE);
        assert_eq!(watch.follow(Some(sight(3, true)), NOON + 2 * MINUTE), None, "it was gone");
        let early = Sight { is_urgent: false, ..sight(4, false) };
        watch.follow(Some(early), NOON);
        watch.follow(Some(sight(4, false)), NOON + MINUTE);
        assert_eq!(watch.follow(Some(sight(4, true)), NOON + 9 * MINUTE), None, "he had time");
        assert_eq!(LegWatch::default().follow(Some(sight(5, true)), NOON), None, "no beginning");
    }

    proptest! {
        #[test]
        fn the_factor_is_bounded_and_between_what_was_seen(
            legs in prop::collection::vec((0..HOURS, 1..3_600_000_i64, 1..7_200_000_i64), 0..300),
            hour in 0..HOURS,
        ) {
            let mut paces = Paces::default();
            for (hour, estimate_ms, took_ms) in &legs {
                if let Some(ln) = paces.weighed(&leg(*estimate_ms, *took_ms)) {
                    paces = paces.with(*hour, ln);
                }
            }
            let factor = paces.factor(hour);
            prop_assert!((FACTOR.0..=FACTOR.1).contains(&factor), "{factor}");
            prop_assert!(paces.day.n <= REMEMBERED + 1e-6);
            let ratios = legs.iter().filter(|it| it.1 >= ESTIMATE_MIN_MS)
                .map(|it| it.2 as f64 / it.1 as f64);
            let (low, high) = ratios.fold((1.0_f64, 1.0_f64), |(low, high), it| (low.min(it), high.max(it)));
            prop_assert!(factor >= low.max(FACTOR.0) - 1e-9 && factor <= high.min(FACTOR.1) + 1e-9);
        }

        #[test]
        fn one_leg_never_moves_the_factor_by_more_than_a_twentieth(
            n in 20_usize..400, ratio in 0.5..2.5_f64, one in 1..100_000_000_i64,
        ) {
            let before = given(n, 8, ratio);
            let Some(ln) = before.weighed(&leg(10 * MINUTE, one)) else { return Ok(()) };
            let moved = before.with(8, ln).factor(8) / before.factor(8);
            prop_assert!((1.0 / 1.06..1.06).contains(&moved), "{moved}");
        }
    }
}
