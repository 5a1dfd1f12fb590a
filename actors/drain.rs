//! Going down without a stampede: every connection leaves at a moment of its own.
//!
//! One task closes them all; a connection that runs a command leaves when it has answered.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::counter;
use serde::Serialize;
use storage::push::Push;

use crate::{
    close::Close,
    frame::Lane,
    frames,
    live::Live,
    outbox::{Note, Outbox},
};

/// How often somebody may leave.
const TICK: Duration = Duration::from_millis(50);
/// Clients that leave come back within about this time after the start of the drain, not sooner
/// than they must and not all at once.
const BACK_WITHIN: Duration = Duration::from_secs(5);
/// Shortest time over which those who left spread their return.
const SPREAD_MIN: Duration = Duration::from_millis(500);
/// How long commands under way may take after everybody was told to leave.
const COMMANDS_WITHIN: Duration = Duration::from_secs(5);
/// How long sockets may take to answer our close frames.
const GOODBYE_WITHIN: Duration = Duration::from_millis(1_500);

/// The node goes down: push `drain`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct DrainPush {
    /// Always `drain`.
    pub push: Push,
    /// In how many milliseconds this connection is closed, with code 4001.
    pub after_ms: u64,
}

/// When each of `n` leaves, within `window`, in the order of their leaving.
fn moments(n: usize, window: Duration) -> Vec<Duration> {
    let mut moments: Vec<_> = (0..n).map(|_| window.mul_f64(rand::random::<f64>())).collect();
    moments.sort_unstable();
    moments
}

/// When who leaves now should come back.
fn comes_back_after(window: Duration) -> Duration {
    let spread = BACK_WITHIN.saturating_sub(window).max(SPREAD_MIN);
    Duration::from_millis(spread.mul_f64(rand::random::<f64>()).as_millis() as u64)
}

/// Lets nobody in any more, tells every connection when it will be closed, and closes it then.
/// Comes back when all are gone, or have had their time; at once if nobody is there.
pub async fn drain(live: &Live, window: Duration) {
    live.admission.start_draining();
    let started = Instant::now();
    let connections = live.hub.registry.outboxes();
    tracing::info!(n_connections = connections.len(), ?window, "this node lets its clients go");
    let window = if connections.is_empty() && live.admission.n_open() == 0 {
        Duration::ZERO
    } else {
        window
    };
    let moments = moments(connections.len(), window);
    // The registry's order is that of a hash map: who leaves when is chance.
    let mut waiting: Vec<(Duration, Arc<Outbox>)> = moments.into_iter().zip(connections).collect();
    for (at, outbox) in &waiting {
        let after_ms = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        outbox.push(Lane::Control, frames::json(&DrainPush { push: Push::Drain, after_ms }));
    }
    waiting.reverse();
    // All of the window, also when the last has left: balancers need time to see that we are going.
    while !waiting.is_empty() || started.elapsed() < window {
        let passed = started.elapsed();
        while waiting.last().is_some_and(|(at, _)| *at <= passed) {
            let_go(waiting.pop().map(|it| it.1), window);
        }
        tokio::time::sleep(TICK).await;
    }
    // Those who were signing in meanwhile.
    live.hub.registry.outboxes().into_iter().for_each(|it| let_go(Some(it), window));
    until(COMMANDS_WITHIN, || live.hub.registry.n_connections() == 0).await;
    live.hub.registry.close_all(|| Close::Drain(comes_back_after(window)));
    until(GOODBYE_WITHIN, || live.admission.n_open() == 0).await;
}

fn let_go(outbox: Option<Arc<Outbox>>, window: Duration) {
    let Some(outbox) = outbox.filter(|it| it.is_open()) else { return };
    counter!("riderhub_drained_total").increment(1);
    outbox.tell(Note::Close(Close::Drain(comes_back_after(window))));
}

async fn until(limit: Duration, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() && started.elapsed() < limit {
        tokio::time::sleep(TICK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_leave_evenly_over_the_window() {
        let window = Duration::from_secs(5);
        let moments = moments(1_000, window);
        assert!(moments.is_sorted() && moments.iter().all(|it| *it < window));
        for tenth in 0..10 {
            let (from, to) = (window * tenth / 10, window * (tenth + 1) / 10);
            let n = moments.iter().filter(|it| (from..to).contains(*it)).count();
            assert!((40..200).contains(&n), "{n} leave in tenth {tenth}");
        }
    }

    #[test]
    fn who_is_closed_at_once_comes_back_over_a_longer_time() {
        for (window_ms, spread_ms) in [(0, 5_000), (4_000, 1_000), (60_000, 500)] {
            let window = Duration::from_millis(window_ms);
            let longest = (0..2_000).map(|_| comes_back_after(window).as_millis()).max().unwrap();
            assert!((spread_ms * 9 / 10..=spread_ms).contains(&longest), "{window_ms}: {longest}");
        }
    }
}
