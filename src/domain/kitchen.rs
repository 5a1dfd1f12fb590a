//! How long a kitchen will take: what the store announces, corrected by what was seen.
//!
//! Every finished order gives a ratio: minutes it took over minutes announced. Means of these ratios are
//! kept for the store, for each hour of its day and for each class of load, and every mean is shrunk towards
//! what is known more broadly: an hour towards the store, the store towards one. Few orders move little.

use crate::{clock::Timestamp, text_enum::text_enum};

/// So many orders of a store move its ratio half of the way from one.
const STORE_HALF: f64 = 8.0;
/// So many orders of an hour or load move its ratio half of the way from the store's.
const PART_HALF: f64 = 12.0;
/// A mean remembers about this many orders: one more takes this share from what was there.
pub const REMEMBERED: f64 = 60.0;
/// One order's ratio is taken for no more and no less than this.
const ONE_RATIO: (f64, f64) = (0.25, 4.0);
/// The correction stays within these.
pub const RATIO: (f64, f64) = (0.6, 2.0);
/// The correction adds or takes at most so much.
pub const CORRECTION_MAX_MS: i64 = 20 * MINUTE_MS;
/// Announcements shorter than this say nothing about the kitchen.
const ANNOUNCED_MIN_MS: i64 = 2 * MINUTE_MS;
/// Orders in the kitchen from which on its load is of the next class.
const LOADS: [u32; 2] = [3, 7];

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

text_enum! {
    /// What a mean is about.
    pub enum SeenKind {
        /// All orders of the store.
        All => "all",
        /// Those accepted in one hour of the day (UTC).
        Hour => "hour",
        /// Those accepted under one class of load.
        Load => "load",
    }
}

/// What the kitchen's time may depend on, when an order is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The hour of the day (UTC), 0 to 23.
    pub hour: u32,
    /// How much it has to do: 0, 1 or 2.
    pub load: u32,
}

impl Moment {
    /// The moment at which an order is accepted while `n_open` others are in the kitchen.
    pub fn of(at: Timestamp, n_open: u32) -> Self {
        let hour = at.ms().div_euclid(HOUR_MS).rem_euclid(24) as u32;
        Self { hour, load: LOADS.iter().filter(|from| n_open >= **from).count() as u32 }
    }

    /// The means that an order of this moment belongs to.
    pub const fn means(self) -> [(SeenKind, u32); 3] {
        [(SeenKind::All, 0), (SeenKind::Hour, self.hour), (SeenKind::Load, self.load)]
    }
}

/// Orders and the sum of their ratios; older ones count less.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mean {
    /// How many.
    pub n: f64,
    /// Their sum.
    pub sum: f64,
}

impl Mean {
    /// With one more ratio in it.
    #[must_use]
    pub fn with(self, ratio: f64) -> Self {
        let kept = 1.0 - 1.0 / REMEMBERED;
        Self { n: self.n * kept + 1.0, sum: self.sum * kept + ratio }
    }

    /// Shrunk towards `prior` as if `half` more ratios had been exactly that.
    fn shrunk(self, prior: f64, half: f64) -> f64 {
        (self.sum + half * prior) / (self.n + half)
    }
}

/// What was seen of one kitchen, for one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Seen {
    /// All its orders.
    pub all: Mean,
    /// Those of the hour.
    pub hour: Mean,
    /// Those of the load.
    pub load: Mean,
}

impl Seen {
    /// How many times the announced time it will take.
    pub fn ratio(&self) -> f64 {
        let store = self.all.shrunk(1.0, STORE_HALF);
        let hour = self.hour.shrunk(store, PART_HALF) / store;
        let load = self.load.shrunk(store, PART_HALF) / store;
        (store * hour * load).clamp(RATIO.0, RATIO.1)
    }

    /// How long it will take, in milliseconds, if the store announces `announced_ms`.
    pub fn expected_ms(&self, announced_ms: i64) -> i64 {
        if announced_ms < ANNOUNCED_MIN_MS {
            return announced_ms.max(0);
        }
        let more = (announced_ms as f64 * (self.ratio() - 1.0)) as i64;
        announced_ms + more.clamp(-CORRECTION_MAX_MS, CORRECTION_MAX_MS)
    }
}

/// The ratio of one finished order; `None` if it says nothing.
pub fn ratio_of(announced_ms: i64, took_ms: i64) -> Option<f64> {
    let says_something = announced_ms >= ANNOUNCED_MIN_MS && took_ms >= 0;
    says_something.then(|| (took_ms as f64 / announced_ms as f64).clamp(ONE_RATIO.0, ONE_RATIO.1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn given_mean(n: usize, ratio: f64) -> Mean {
        (0..n).fold(Mean::default(), |mean, _| mean.with(ratio))
    }

    #[test]
    fn nothing_seen_is_what_the_store_says_and_few_orders_move_little() {
        let minutes = |seen: Seen| seen.expected_ms(20 * MINUTE_MS) as f64 / MINUTE_MS as f64;
        assert_eq!(minutes(Seen::default()), 20.0);
        let all = |n| Seen { all: given_mean(n, 1.5), ..Seen::default() };
        assert!((20.5..21.5).contains(&minutes(all(1))), "{}", minutes(all(1)));
        assert!((28.0..30.0).contains(&minutes(all(60))), "{}", minutes(all(60)));
    }

    #[test]
    fn a_busy_hour_and_a_full_kitchen_add_up() {
        let all = given_mean(100, 1.0);
        let busy = given_mean(100, 1.4);
        let one = Seen { all, hour: busy, load: all }.ratio();
        let both = Seen { all, hour: busy, load: busy }.ratio();
        assert!(one > 1.25 && both > one * 1.2, "{one} {both}");
    }

    #[test]
    fn a_kitchen_that_changes_is_followed() {
        let mut mean = given_mean(500, 2.0);
        for _ in 0..120 {
            mean = mean.with(1.0);
        }
        let ratio = Seen { all: mean, ..Seen::default() }.ratio();
        assert!(ratio < 1.2, "{ratio}");
    }

    #[test]
    fn moments_have_an_hour_and_a_load() {
        let at = Timestamp::from_ms(25 * HOUR_MS + 5);
        let loads = [0, 2, 3, 6, 7, 40].map(|n| Moment::of(at, n).load);
        assert_eq!((Moment::of(at, 0).hour, loads), (1, [0, 0, 1, 1, 2, 2]));
    }

    #[test]
    fn an_announcement_of_nothing_teaches_nothing() {
        assert_eq!(ratio_of(0, 5 * MINUTE_MS), None);
        assert_eq!(ratio_of(10 * MINUTE_MS, -1), None);
        assert_eq!(ratio_of(10 * MINUTE_MS, 15 * MINUTE_MS), Some(1.5));
        assert_eq!(ratio_of(10 * MINUTE_MS, 1_000 * MINUTE_MS), Some(4.0));
    }

    proptest! {
        #[test]
        fn the_correction_is_bounded_whatever_was_seen(
            n in prop::array::uniform3(0.0..70.0_f64),
            ratios in prop::array::uniform3(0.25..4.0_f64),
            announced_ms in 0_i64..240 * MINUTE_MS,
        ) {
            let mean = |i: usize| Mean { n: n[i], sum: n[i] * ratios[i] };
            let seen = Seen { all: mean(0), hour: mean(1), load: mean(2) };
            let expected = seen.expected_ms(announced_ms);
            prop_assert!((expected - announced_ms).abs() <= CORRECTION_MAX_MS);
            prop_assert!(expected as f64 >= announced_ms as f64 * RATIO.0 - 1.0);
            prop_assert!(expected as f64 <= announced_ms as f64 * RATIO.1 + 1.0);
        }
    }
}
