//! Work that goes on until the process ends, whatever happens to one round of it.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;

/// Pause before work that failed is begun again.
pub(crate) const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Runs `round` again whenever it ends or panics; `what` names it in the log.
pub(crate) async fn for_ever(what: &'static str, round: impl AsyncFn()) {
    loop {
        let ended = AssertUnwindSafe(round()).catch_unwind().await;
        tracing::error!(panicked = ended.is_err(), "the {what} starts again");
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_panic_does_not_end_the_work() {
        let n_rounds = AtomicU32::new(0);
        let work = for_ever("test", async || {
            assert!(n_rounds.fetch_add(1, Ordering::Relaxed) != 0, "the first round fails");
        });
        let limited = tokio::time::timeout(Duration::from_secs(2), work).await;
        assert!(limited.is_err(), "it goes on");
        assert!(n_rounds.load(Ordering::Relaxed) >= 3);
    }
}
