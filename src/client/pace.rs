//! The server's time on the client's side: it may run many times faster than life.

use std::time::{Duration, Instant};

/// The server's clock as seen from here.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    seen: Instant,
    shown_ms: i64,
    scale: f64,
}

impl Pace {
    /// The server showed `shown_ms` just now and runs `scale` times as fast as life.
    pub fn new(shown_ms: i64, scale: f64) -> Self {
        Self { seen: Instant::now(), shown_ms, scale }
    }

    /// What the server's clock shows now, in UTC milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.shown_ms + (self.seen.elapsed().as_secs_f64() * self.scale * 1_000.0) as i64
    }

    /// How many seconds of the server pass in one real second.
    pub const fn scale(&self) -> f64 {
        self.scale
    }

    /// How fast the server's clock ran from this look at it until another one.
    pub fn rate_until(&self, later: &Self) -> f64 {
        let real_ms = later.seen.duration_since(self.seen).as_secs_f64() * 1_000.0;
        (later.shown_ms - self.shown_ms) as f64 / real_ms.max(1.0)
    }

    /// How long `span` of the server really takes.
    pub fn real(&self, span: Duration) -> Duration {
        span.div_f64(self.scale.max(f64::MIN_POSITIVE))
    }

    /// How long to really wait until the server's clock shows `at_ms`; zero if it has.
    pub fn until(&self, at_ms: i64) -> Duration {
        let ahead = u64::try_from(at_ms - self.now_ms()).unwrap_or(0);
        self.real(Duration::from_millis(ahead))
    }

    /// Waits for a span of the server's time.
    pub async fn sleep(&self, span: Duration) {
        tokio::time::sleep(self.real(span)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_of_a_server_at_sixty_times_is_a_second_here() {
        let pace = Pace::new(1_000_000, 60.0);
        assert_eq!(pace.real(Duration::from_secs(60)), Duration::from_secs(1));
        let wait = pace.until(1_000_000 + 600_000);
        assert!(wait <= Duration::from_secs(10) && wait > Duration::from_secs(9), "{wait:?}");
        assert_eq!(pace.until(0), Duration::ZERO);
    }
}
