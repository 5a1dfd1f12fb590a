//! How times are spread: percentiles of what was measured.

use std::time::Duration;

use serde_json::{Value, json};

/// Count, percentiles and maximum, in milliseconds.
pub(crate) fn spread(mut times: Vec<Duration>) -> Value {
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((times.len() as f64) * share).ceil() as usize;
        times.get(index.saturating_sub(1)).map(|it| round(*it))
    };
    json!({"count": times.len(), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99),
        "max": times.last().map(|it| round(*it))})
}

/// Milliseconds with three digits.
pub(crate) fn round(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
