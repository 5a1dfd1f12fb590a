//! The proof that a link works: what this node publishes comes back to it. Plain data.
//!
//! A socket can look fine while nothing is delivered: a server that is stopped, a middlebox that
//! has forgotten the connection, a replica cut off from its master. A probe goes the whole way.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Time between two probes.
pub const PROBE_EVERY: Duration = Duration::from_secs(1);
/// A link counts as lost when nothing that was sent in so long came back.
pub const PROBE_PATIENCE: Duration = Duration::from_secs(3);

/// Probes that may be under way; older ones are forgotten.
const UNDER_WAY_MAX: usize = 8;

/// Probes of one server.
#[derive(Debug)]
pub(super) struct Probes {
    last: u64,
    under_way: VecDeque<(u64, Instant)>,
    /// When the newest probe was sent of those that came back.
    good_until: Instant,
    has_heard: bool,
}

impl Probes {
    pub(super) const fn new(now: Instant) -> Self {
        Self { last: 0, under_way: VecDeque::new(), good_until: now, has_heard: false }
    }

    /// The payload of the next probe.
    pub(super) fn send(&mut self, now: Instant) -> [u8; 8] {
        self.last += 1;
        if self.under_way.len() == UNDER_WAY_MAX {
            self.under_way.pop_front();
        }
        self.under_way.push_back((self.last, now));
        self.last.to_be_bytes()
    }

    /// A probe came back; answers how long it was away.
    pub(super) fn hear(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let number = u64::from_be_bytes(payload.try_into().ok()?);
        let index = self.under_way.iter().position(|(it, _)| *it == number)?;
        let (_, sent_at) = self.under_way.drain(..=index).next_back()?;
        self.good_until = sent_at;
        self.has_heard = true;
        Some(now.saturating_duration_since(sent_at))
    }

    /// Whether any probe has come back.
    pub(super) const fn has_heard(&self) -> bool {
        self.has_heard
    }

    /// Whether the newest probe that came back was sent too long ago.
    pub(super) fn is_lost(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.good_until) >= PROBE_PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_lost_when_probes_stay_away() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut probes = Probes::new(start);
        assert!(!probes.has_heard());
        let first = probes.send(after(0));
        assert_eq!(probes.hear(&first, after(2)), Some(Duration::from_millis(2)));
        assert!(probes.has_heard());
        let second = probes.send(after(1_000));
        assert!(!probes.is_lost(after(2_999)));
        assert!(probes.is_lost(after(3_000)), "nothing sent in the last three seconds came back");
        let third = probes.send(after(2_000));
        assert_eq!(probes.hear(&third, after(3_500)), Some(Duration::from_millis(1_500)));
        assert!(!probes.is_lost(after(4_999)));
        assert_eq!(probes.hear(&second, after(5_000)), None, "an older one proves nothing new");
        assert_eq!(probes.hear(b"noise", after(5_000)), None);
        assert!(probes.is_lost(after(5_000)));
    }
}
