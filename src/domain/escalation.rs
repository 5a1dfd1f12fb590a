//! What is done while no rider is found: the pool gets wider, the pay higher, operators are alarmed,
//! and after a last limit the order ends.
//!
//! [`level`] is all that should have been done by now; nothing of it is ever taken back.

use std::time::Duration;

use crate::money::Money;

/// Offers without success from which on the pay is thought to be too low.
pub const MANY_OFFERS: u32 = 6;
/// Riders on duty closer to the store than this are near, in metres.
pub const NEAR_M: f64 = 3_000.0;

/// The steps of a search, counted from when riders were first looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchPolicy {
    /// After each such span the pool shows the delivery one ring of cells farther out.
    pub widen_every: Duration,
    /// Rings around the store's cell at most.
    pub rings_max: u32,
    /// After this long the pay rises for the first time.
    pub bonus_after: Duration,
    /// After each further such span it rises again.
    pub bonus_every: Duration,
    /// By how much each time, in percent of the pay.
    pub bonus_percent: u32,
    /// All bonuses together at most, in percent of the pay.
    pub bonus_percent_max: u32,
    /// After this long operators are alarmed and customer and store are told; from then on the
    /// customer may call the order off.
    pub alarm_after: Duration,
    /// After this long the order ends and all the money goes back.
    pub stop_after: Duration,
}

/// How a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// How long riders have been looked for.
    pub searched: Duration,
    /// Offers that were made.
    pub n_offers: u32,
    /// Riders on duty near the store.
    pub n_near: u64,
}

/// What should have been done by now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Level {
    /// Rings of cells around the store's own that the pool shows the delivery in.
    pub rings: u32,
    /// Percent on top of the pay.
    pub bonus_percent: u32,
    /// Whether operators, customer and store know.
    pub is_alarming: bool,
    /// Whether the order is to end.
    pub is_over: bool,
}

impl SearchPolicy {
    /// What holds when no setting says otherwise.
    pub const DEFAULT: Self = Self {
        widen_every: Duration::from_secs(4 * 60),
        rings_max: 2,
        bonus_after: Duration::from_secs(5 * 60),
        bonus_every: Duration::from_secs(3 * 60),
        bonus_percent: 20,
        bonus_percent_max: 60,
        alarm_after: Duration::from_secs(10 * 60),
        stop_after: Duration::from_secs(60 * 60),
    };

    const fn bonus_steps_max(&self) -> u32 {
        match self.bonus_percent {
            0 => 0,
            each => self.bonus_percent_max.div_ceil(each),
        }
    }
}

/// What should have been done by now.
///
/// With no rider near, the pool widens twice as fast; with many offers in vain, the pay rises twice
/// as fast.
pub fn level(policy: &SearchPolicy, search: Search) -> Level {
    let Search { searched, n_offers, n_near } = search;
    let hurried = |is_hurried: bool| if is_hurried { searched * 2 } else { searched };
    let rings = steps(hurried(n_near == 0), policy.widen_every, policy.widen_every);
    let raises = steps(hurried(n_offers >= MANY_OFFERS), policy.bonus_after, policy.bonus_every);
    let bonus_percent = raises.min(policy.bonus_steps_max()).saturating_mul(policy.bonus_percent);
    Level {
        rings: rings.min(policy.rings_max),
        bonus_percent: bonus_percent.min(policy.bonus_percent_max),
        is_alarming: searched >= policy.alarm_after,
        is_over: searched >= policy.stop_after,
    }
}

/// When to look again: the next moment at which anything could be due, from the start of the search.
/// `None` once it is over.
pub fn next_look(policy: &SearchPolicy, searched: Duration) -> Option<Duration> {
    let widenings = (1..=policy.rings_max).map(|it| policy.widen_every * it);
    let raises =
        (0..policy.bonus_steps_max()).map(|it| policy.bonus_after + policy.bonus_every * it);
    let both = widenings.chain(raises).flat_map(|it| [it / 2, it]);
    both.chain([policy.alarm_after, policy.stop_after]).filter(|it| *it > searched).min()
}

/// What is paid on top of `pay`.
pub fn bonus(pay: Money, level: Level) -> Money {
    let minor = i128::from(pay.minor()) * i128::from(level.bonus_percent) / 100;
    Money::from_minor(i64::try_from(minor).unwrap_or(0).max(0), pay.currency())
}

/// One at `first`, one more after each `every`.
fn steps(searched: Duration, first: Duration, every: Duration) -> u32 {
    let Some(beyond) = searched.checked_sub(first) else { return 0 };
    if every.is_zero() {
        return u32::MAX;
    }
    let more = beyond.as_millis() / every.as_millis().max(1);
    u32::try_from(more).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    const POLICY: SearchPolicy = SearchPolicy::DEFAULT;

    fn after(minutes: u64) -> Search {
        Search { searched: Duration::from_secs(minutes * 60), n_offers: 2, n_near: 4 }
    }

    #[test]
    fn the_usual_search_step_by_step() {
        let of = |minutes| {
            let it = level(&POLICY, after(minutes));
            (it.rings, it.bonus_percent, it.is_alarming, it.is_over)
        };
        assert_eq!(of(0), (0, 0, false, false));
        assert_eq!(of(4), (1, 0, false, false));
        assert_eq!(of(5), (1, 20, false, false));
        assert_eq!(of(8), (2, 40, false, false));
        assert_eq!(of(10), (2, 40, true, false));
        assert_eq!(of(11), (2, 60, true, false));
        assert_eq!(of(59), (2, 60, true, false));
        assert_eq!(of(60), (2, 60, true, true));
    }

    #[test]
    fn nobody_near_widens_sooner_and_many_refusals_pay_sooner() {
        let alone = level(&POLICY, Search { n_near: 0, ..after(2) });
        assert_eq!((alone.rings, alone.bonus_percent), (1, 0));
        let unwanted = level(&POLICY, Search { n_offers: MANY_OFFERS, ..after(4) });
        assert_eq!((unwanted.rings, unwanted.bonus_percent), (1, 40));
    }

    #[test]
    fn a_bonus_is_a_part_of_the_pay_in_whole_units() {
        let pay = Money::from_minor(505, Currency::Cny);
        assert_eq!(bonus(pay, level(&POLICY, after(5))).minor(), 101);
        assert_eq!(bonus(pay, level(&POLICY, after(50))).minor(), 303);
        let odd = SearchPolicy { bonus_percent: 25, ..POLICY };
        assert_eq!(level(&odd, after(50)).bonus_percent, 60, "the cap holds");
        let none = SearchPolicy { bonus_percent: 0, ..POLICY };
        assert_eq!(level(&none, after(50)).bonus_percent, 0);
    }

    fn policies() -> impl Strategy<Value = SearchPolicy> {
        let span = |max: u64| (1..max).prop_map(Duration::from_secs);
        (span(900), 0..5_u32, span(900), span(900), 0..60_u32, 0..100_u32, span(2_000), span(9_000))
            .prop_map(
                |(widen_every, rings_max, bonus_after, bonus_every, each, max, alarm, stop)| {
                    SearchPolicy {
                        widen_every,
                        rings_max,
                        bonus_after,
                        bonus_every,
                        bonus_percent: each,
                        bonus_percent_max: max,
                        alarm_after: alarm,
                        stop_after: stop,
                    }
                },
            )
    }

    proptest! {
        #[test]
        fn nothing_is_taken_back_and_no_cap_is_passed(
            policy in policies(),
            times in prop::collection::vec(0_u64..10_000, 2..20),
            (n_offers, n_near) in (0..9_u32, 0..3_u64),
        ) {
            let mut times = times;
            times.sort_unstable();
            let mut before = Level::default();
            for seconds in times {
                let searched = Duration::from_secs(seconds);
                let now = level(&policy, Search { searched, n_offers, n_near });
                prop_assert!(now.rings >= before.rings && now.rings <= policy.rings_max);
                prop_assert!(now.bonus_percent >= before.bonus_percent);
                prop_assert!(now.bonus_percent <= policy.bonus_percent_max);
                prop_assert!(now.is_alarming >= before.is_alarming);
                prop_assert!(now.is_over >= before.is_over);
                before = now;
            }
        }

        #[test]
        fn between_two_looks_nothing_falls_due(
            policy in policies(),
            (n_offers, n_near) in (0..9_u32, 0..3_u64),
        ) {
            let mut searched = Duration::ZERO;
            while let Some(next) = next_look(&policy, searched) {
                prop_assert!(next > searched);
                let of = |searched| level(&policy, Search { searched, n_offers, n_near });
                prop_assert_eq!(of(next - Duration::from_millis(1)), of(searched));
                searched = next;
            }
        }
    }
}
