//! How often somebody may do something: the generic cell rate algorithm, on whole microseconds.
//!
//! One number is kept for each key: the instant at which everything that was taken would have been
//! used up at an even pace. `lua/rate.lua` counts the same way.

use std::time::Duration;

/// So many within a period, also all at once; what was taken comes back evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many; at least 1.
    pub n: u32,
    /// In which time.
    pub period: Duration,
}

/// What taking came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether there was one left.
    pub is_allowed: bool,
    /// How many are left now.
    pub left: u32,
    /// When there is one again; zero if there is.
    pub retry_after: Duration,
    /// When all are there again.
    pub full_after: Duration,
}

impl Quota {
    /// So many in a minute.
    pub const fn per_minute(n: u32) -> Self {
        Self { n, period: Duration::from_secs(60) }
    }

    /// Microseconds in which one comes back.
    pub fn step_us(&self) -> i64 {
        let period = i64::try_from(self.period.as_micros()).unwrap_or(i64::MAX / 4);
        (period / i64::from(self.n.max(1))).max(1)
    }

    /// Takes one at `now_us`, where `until_us` is what was kept (`None` if nothing). The second part
    /// is what to keep; it is unchanged if nothing was left.
    pub fn take(&self, until_us: Option<i64>, now_us: i64) -> (Taken, i64) {
        let (step, whole) = (self.step_us(), self.step_us() * i64::from(self.n.max(1)));
        let until = until_us.unwrap_or(now_us).max(now_us);
        let next = until + step;
        if next - now_us > whole {
            let retry_after = micros(next - now_us - whole);
            let full_after = micros(until - now_us);
            return (Taken { is_allowed: false, left: 0, retry_after, full_after }, until);
        }
        let left = u32::try_from((whole - (next - now_us)) / step).unwrap_or(0);
        let full_after = micros(next - now_us);
        (Taken { is_allowed: true, left, retry_after: Duration::ZERO, full_after }, next)
    }

    /// What to keep when one of those that were taken is given back.
    pub fn give_back(&self, until_us: i64) -> i64 {
        until_us - self.step_us()
    }
}

fn micros(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEN: Quota = Quota { n: 10, period: Duration::from_secs(10) };

    #[test]
    fn a_burst_is_allowed_and_then_one_in_each_step() {
        let mut kept = None;
        for left in (0..10).rev() {
            let (taken, next) = TEN.take(kept, 0);
            assert_eq!((taken.is_allowed, taken.left), (true, left));
            kept = Some(next);
        }
        let (refused, same) = TEN.take(kept, 0);
        assert!(!refused.is_allowed && Some(same) == kept);
        assert_eq!(refused.retry_after, Duration::from_secs(1));
        assert_eq!(refused.full_after, Duration::from_secs(10));
        let (late, _) = TEN.take(kept, 1_000_000);
        assert!(late.is_allowed && late.left == 0);
        assert_eq!(TEN.take(kept, 10_000_000).0.left, 9, "all are back but the one just taken");
    }

    proptest! {
        #[test]
        fn never_more_than_the_quota_and_what_flows_back(
            n in 1_u32..50, period_ms in 1_u64..100_000, gaps in prop::collection::vec(0_i64..2_000_000, 1..300)
        ) {
            let quota = Quota { n, period: Duration::from_millis(period_ms) };
            let (mut now, mut kept, mut n_allowed) = (0, None, 0_i64);
            for gap in gaps {
                now += gap;
                let (taken, next) = quota.take(kept, now);
                kept = Some(next);
                n_allowed += i64::from(taken.is_allowed);
                prop_assert!(n_allowed <= i64::from(n) + now / quota.step_us());
                if !taken.is_allowed {
                    let then = now + i64::try_from(taken.retry_after.as_micros()).unwrap();
                    prop_assert!(quota.take(kept, then).0.is_allowed);
                    prop_assert!(!quota.take(kept, then - 1).0.is_allowed);
                }
            }
        }
    }
}
