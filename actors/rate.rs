//! How many commands a connection may send. Plain data; time is an input.

use std::time::Duration;

use domain::clock::Timestamp;

/// Commands in [`WINDOW`].
pub const COMMANDS_MAX: u32 = 120;
/// The time in which [`COMMANDS_MAX`] commands are fine, also all at once.
pub const WINDOW: Duration = Duration::from_secs(10);
/// Refused commands in one window after which the connection is closed.
pub const REFUSALS_MAX: u32 = 120;

/// What a command may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Fine,
    /// Not now; again after this many milliseconds.
    Wait(u64),
    /// It does not stop: close.
    Enough,
}

/// A bucket that fills evenly and is emptied by commands.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    capacity: u32,
    /// Thousandths of a token.
    milli_tokens: i64,
    at: Timestamp,
}

impl Bucket {
    const fn full(capacity: u32, at: Timestamp) -> Self {
        Self { capacity, milli_tokens: capacity as i64 * 1_000, at }
    }

    /// Takes one; else says how many milliseconds are missing.
    fn take(&mut self, now: Timestamp) -> Result<(), i64> {
        let full = i64::from(self.capacity) * 1_000;
        let window_ms = i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX);
        let passed_ms = now.ms_since(self.at).clamp(0, window_ms);
        self.at = now;
        self.milli_tokens = (self.milli_tokens + passed_ms * full / window_ms).min(full);
        if self.milli_tokens >= 1_000 {
            self.milli_tokens -= 1_000;
            return Ok(());
        }
        let missing = 1_000 - self.milli_tokens;
        Err((missing * window_ms).div_euclid(full) + 1)
    }
}

/// The limit of one connection.
#[derive(Debug, Clone, Copy)]
pub struct RateLimit {
    commands: Bucket,
    patience: Bucket,
}

impl RateLimit {
    /// Nothing used yet.
    pub const fn new(now: Timestamp) -> Self {
        Self {
            commands: Bucket::full(COMMANDS_MAX, now),
            patience: Bucket::full(REFUSALS_MAX, now),
        }
    }

    /// A command arrived.
    pub fn command(&mut self, now: Timestamp) -> Verdict {
        let Err(missing_ms) = self.commands.take(now) else { return Verdict::Fine };
        if self.patience.take(now).is_err() {
            return Verdict::Enough;
        }
        Verdict::Wait(u64::try_from(missing_ms).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    #[test]
    fn a_burst_is_fine_and_then_it_is_not() {
        let mut limit = RateLimit::new(NOON);
        for _ in 0..COMMANDS_MAX {
            assert_eq!(limit.command(NOON), Verdict::Fine);
        }
        let Verdict::Wait(ms) = limit.command(NOON) else { panic!("it must wait") };
        let later = NOON + Duration::from_millis(ms);
        assert_eq!(limit.command(later), Verdict::Fine, "as was promised");
        assert!(matches!(limit.command(later), Verdict::Wait(_)));
    }

    #[test]
    fn who_does_not_stop_is_cut_off() {
        let mut limit = RateLimit::new(NOON);
        let verdicts: Vec<_> = (0..400).map(|_| limit.command(NOON)).collect();
        assert_eq!(verdicts[COMMANDS_MAX as usize + REFUSALS_MAX as usize], Verdict::Enough);
    }

    #[test]
    fn twelve_a_second_are_always_fine() {
        let mut limit = RateLimit::new(NOON);
        for n in 0..10_000 {
            let now = NOON + Duration::from_millis(n * 84);
            assert_eq!(limit.command(now), Verdict::Fine, "command {n}");
        }
    }
}
