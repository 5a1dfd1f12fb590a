//! Which nodes plan: those whose counters move, judged by this node's own clock.
//!
//! Plain data; the dispatcher reads the counters and keeps the time.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use domain::ids::NodeId;
use storage::dispatch_nodes::DispatchNode;

/// How often a node counts on and looks who else does, in real time.
pub const BEAT_EVERY: Duration = Duration::from_secs(1);
/// A node whose counter stands still for so long does not plan any more.
pub const SILENT_AFTER: Duration = Duration::from_secs(4);
/// A counter that stands still for so long is cleared away.
pub const CLEARED_AFTER: Duration = Duration::from_secs(60);

/// What one look came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Called {
    /// Nodes that plan, this one always among them, in the order of their ids.
    pub living: Vec<NodeId>,
    /// Counters that may be cleared away.
    pub gone: Vec<DispatchNode>,
}

/// The counters as they were seen last.
#[derive(Debug)]
pub struct Roll {
    me: NodeId,
    seen: HashMap<NodeId, (i64, Instant)>,
}

impl Roll {
    /// Knows nobody but this node.
    pub fn new(me: NodeId) -> Self {
        Self { me, seen: HashMap::new() }
    }

    /// Takes in the counters as they are now. Who is seen for the first time counts as living until
    /// his counter has stood still.
    pub fn call(&mut self, listed: &[DispatchNode], now: Instant) -> Called {
        self.seen.retain(|node, _| listed.iter().any(|it| it.node_id == *node));
        let mut called = Called { living: vec![self.me], gone: Vec::new() };
        for it in listed.iter().filter(|it| it.node_id != self.me) {
            let seen = self.seen.entry(it.node_id).or_insert((it.n_beats, now));
            if seen.0 != it.n_beats {
                *seen = (it.n_beats, now);
            }
            let silence = now.saturating_duration_since(seen.1);
            if silence < SILENT_AFTER {
                called.living.push(it.node_id);
            } else if silence >= CLEARED_AFTER {
                called.gone.push(*it);
            }
        }
        called.living.sort_unstable_by_key(|it| it.uuid());
        called
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_lives_while_its_counter_moves_and_is_cleared_away_long_after() {
        let (me, other, start) = (NodeId::generate(), NodeId::generate(), Instant::now());
        let mut roll = Roll::new(me);
        let at = |n_beats| [DispatchNode { node_id: other, n_beats }];
        let mut n_living = |n_beats: i64, second: u64| {
            let called = roll.call(&at(n_beats), start + Duration::from_secs(second));
            assert!(called.living.contains(&me));
            (called.living.len(), called.gone.len())
        };
        assert_eq!(n_living(7, 0), (2, 0), "seen for the first time");
        assert_eq!(n_living(8, 3), (2, 0));
        assert_eq!(n_living(8, 6), (2, 0), "three seconds of silence");
        assert_eq!(n_living(8, 7), (1, 0), "four");
        assert_eq!(n_living(8, 62), (1, 0));
        assert_eq!(n_living(8, 63), (1, 1), "a minute");
        assert_eq!(n_living(9, 64), (2, 0), "it was only slow");
    }

    #[test]
    fn a_node_that_left_is_not_there_at_once() {
        let (me, other, now) = (NodeId::generate(), NodeId::generate(), Instant::now());
        let mut roll = Roll::new(me);
        roll.call(&[DispatchNode { node_id: other, n_beats: 1 }], now);
        assert_eq!(roll.call(&[], now).living, [me]);
    }
}
