//! Leaves somebody alone who has failed several times in a row, and tries again with a single question.

/// So many failures in a row are enough.
const FAILURES_MAX: u32 = 3;
/// The first rest, in milliseconds; each further failure doubles it.
const REST_MS: i64 = 5_000;
/// The longest rest, in milliseconds.
const REST_MAX_MS: i64 = 300_000;

/// How somebody has answered lately. Times are milliseconds on the caller's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Breaker {
    n_failed: u32,
    rests_until: i64,
}

impl Breaker {
    /// How many of `n` questions may be asked now.
    pub(super) const fn allows(&self, n: usize, now: i64) -> usize {
        match self.n_failed {
            0..FAILURES_MAX => n,
            _ if now < self.rests_until || n == 0 => 0,
            _ => 1,
        }
    }

    /// Whether nothing is asked at present.
    pub(super) const fn is_resting(&self, now: i64) -> bool {
        self.allows(1, now) == 0
    }

    pub(super) const fn succeeded(&mut self) {
        self.n_failed = 0;
    }

    /// Notes a failure; answers how long a rest begins by it.
    pub(super) fn failed(&mut self, now: i64) -> Option<i64> {
        self.n_failed = self.n_failed.saturating_add(1);
        let n_doubled = self.n_failed.checked_sub(FAILURES_MAX)?;
        let rest = REST_MS.saturating_mul(1_i64 << n_doubled.min(16)).min(REST_MAX_MS);
        self.rests_until = now + rest;
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_begin_a_rest_and_one_question_ends_it() {
        let mut breaker = Breaker::default();
        assert_eq!([breaker.failed(0), breaker.failed(10)], [None, None]);
        assert_eq!(breaker.allows(8, 20), 8);
        assert_eq!(breaker.failed(20), Some(REST_MS));
        assert_eq!((breaker.allows(8, 20 + REST_MS - 1), breaker.is_resting(30)), (0, true));
        assert_eq!(breaker.allows(8, 20 + REST_MS), 1);
        assert_eq!(breaker.failed(6_000), Some(2 * REST_MS));
        assert_eq!(breaker.allows(8, 6_000 + REST_MS), 0);
        breaker.succeeded();
        assert_eq!(breaker.allows(8, 6_001), 8);
    }

    #[test]
    fn a_rest_is_never_longer_than_the_longest() {
        let mut breaker = Breaker::default();
        let longest = (0..100).filter_map(|_| breaker.failed(0)).max();
        assert_eq!(longest, Some(REST_MAX_MS));
    }
}
