//! Time as an input: UTC milliseconds, from a clock that tests and replays can set.

use std::{
    fmt,
    ops::{Add, Sub},
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

/// An instant: milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970-01-01 UTC.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Milliseconds from `earlier` to this; negative if `earlier` is later.
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Where the time comes from. Real in production, faster in a live replay, set by hand in tests.
pub trait Clock: Send + Sync {
    /// The current instant, in UTC.
    fn now(&self) -> Timestamp;

    /// How many seconds of this clock pass in one real second.
    fn scale(&self) -> f64 {
        1.0
    }

    /// How long to really wait for `span` of this clock to pass.
    fn real(&self, span: Duration) -> Duration {
        span.div_f64(self.scale())
    }
}

/// The machine's clock, or one that runs faster from a given point on.
///
/// It never goes back: it reads the machine's time once and counts on monotonically.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
    at_start: Timestamp,
    scale: f64,
}

impl SystemClock {
    /// The real time.
    pub fn real_time() -> Self {
        Self { started: Instant::now(), at_start: Self::machine_time(), scale: 1.0 }
    }

    /// Shows `origin_shown` when the machine shows `origin_real` and runs `scale` times as fast.
    ///
    /// Nodes that share a store share its origin, so that their clocks agree.
    pub fn scaled(origin_real: Timestamp, origin_shown: Timestamp, scale: f64) -> Self {
        let passed_ms = Self::machine_time().ms_since(origin_real).max(0) as f64 * scale;
        let at_start = Timestamp::from_ms(origin_shown.ms() + passed_ms as i64);
        Self { started: Instant::now(), at_start, scale }
    }

    /// What the machine's own clock shows.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the real clock")]
    pub fn machine_time() -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.at_start + self.started.elapsed().mul_f64(self.scale)
    }

    fn scale(&self) -> f64 {
        self.scale
    }
}

/// A clock that stands still until it is moved. For tests.
#[derive(Debug)]
pub struct HandSetClock(AtomicI64);

impl HandSetClock {
    /// Stands at `now`.
    pub const fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.ms()))
    }

    /// Moves forward.
    pub fn advance(&self, span: Duration) {
        let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for HandSetClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_clock_waits_less_and_agrees_with_its_twin() {
        let origin = SystemClock::machine_time() - Duration::from_secs(10);
        let one = SystemClock::scaled(origin, origin, 60.0);
        let two = SystemClock::scaled(origin, origin, 60.0);
        assert_eq!(one.real(Duration::from_secs(30)), Duration::from_millis(500));
        let apart = one.now().ms_since(two.now()).abs();
        assert!(apart < 60_000, "two nodes of one scaled world are {apart} ms apart");
        assert!(one.now().ms_since(origin) >= 600_000, "ten real seconds are ten minutes");
    }
}
