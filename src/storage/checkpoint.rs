//! Keeps SQLite's write-ahead log short while writes go on.
//!
//! Left to itself, the writer stops every thousand pages to copy the log into the database and to
//! wait for the disk. Here another connection does that beside it, and the writer only does the
//! short rest, when the log has become long, so that it can begin the log anew.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use sqlx::SqlitePool;

use crate::{db::Db, error::StoreError};

/// Time between two passes. The writer waits while the disk takes what one pass copied, so passes
/// should be small.
const EVERY: Duration = Duration::from_millis(50);
/// Pages of the log from which on the writer begins it anew; 512 MiB. That stops writes for some
/// tens of milliseconds (two waits for the disk), so it should be rare. It needs thousands of
/// messages a second without a pause: in any pause the log begins anew by itself.
const LOG_PAGES_MAX: i64 = 131_072;
/// Pages of the log at which the writer's own connection would copy it, were nobody else to.
pub(crate) const LAST_RESORT_PAGES: &str = "262144";

/// It is looked so often whether the writer has little to do, in passes: ten seconds.
const CALM_PASSES: u32 = 200;
/// Groups of commits in that time that are little: what a node writes by itself is less.
const CALM_COMMITS: u64 = 100;
/// After so many groups the writer's page cache is worth giving back.
const BUSY_COMMITS: u64 = 500;

/// What the writer and the one who copies tell each other.
#[derive(Debug, Default)]
pub(crate) struct LogState {
    n_commits: AtomicU64,
    is_long: AtomicBool,
}

impl LogState {
    /// A group was committed.
    pub(crate) fn committed(&self) {
        self.n_commits.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the writer should finish the copy now. True once.
    pub(crate) fn take_long(&self) -> bool {
        self.is_long.swap(false, Ordering::Relaxed)
    }
}

/// Finds out when a wave of writes is over.
#[derive(Debug, Default)]
struct Calm {
    n_passes: u32,
    /// Groups before these ten seconds, and before the memory was given back last.
    n_before: u64,
    n_given_back: u64,
}

impl Calm {
    /// One more pass, after so many groups in all. True if the wave is over.
    fn pass(&mut self, n_commits: u64) -> bool {
        self.n_passes += 1;
        if self.n_passes < CALM_PASSES {
            return false;
        }
        let is_calm = n_commits - std::mem::replace(&mut self.n_before, n_commits) <= CALM_COMMITS;
        self.n_passes = 0;
        let is_over = is_calm && n_commits - self.n_given_back >= BUSY_COMMITS;
        if is_over {
            self.n_given_back = n_commits;
        }
        is_over
    }
}

/// Copies the log whenever something was committed, until the store is closed. After a wave of writes
/// the writer's page cache goes back to the system.
pub(crate) async fn keep_short(db: Db, state: &LogState) {
    let Db::Sqlite { keeper, writer, .. } = db else { return };
    let (mut n_before, mut calm) = (0, Calm::default());
    loop {
        tokio::time::sleep(EVERY).await;
        let n_commits = state.n_commits.load(Ordering::Relaxed);
        if calm.pass(n_commits) {
            give_back(&writer).await;
        }
        if n_commits == n_before {
            continue;
        }
        n_before = n_commits;
        match copy(&keeper).await {
            Ok(log_pages) => state.is_long.store(log_pages > LOG_PAGES_MAX, Ordering::Relaxed),
            // Who closes the last connection copies everything.
            Err(_) if keeper.is_closed() => return,
            // The next pass tries again; the writer has a last resort of its own.
            Err(err) => tracing::warn!(error = ?err, "the log of the store was not copied"),
        }
    }
}

/// Gives the pages that the writer keeps in memory back, unless it is at work just now.
async fn give_back(writer: &SqlitePool) {
    let Some(mut conn) = writer.try_acquire() else { return };
    if let Err(err) = sqlx::query("pragma shrink_memory").execute(&mut *conn).await {
        tracing::debug!(error = ?err, "the writer keeps its memory");
    }
}

/// Copies what nobody reads any more from the log into the database; the length of the log.
pub(crate) async fn copy(pool: &SqlitePool) -> Result<i64, StoreError> {
    let (_busy, log_pages, _copied): (i64, i64, i64) =
        sqlx::query_as("pragma wal_checkpoint(passive)")
            .fetch_one(pool)
            .await
            .map_err(StoreError::from_statement)?;
    Ok(log_pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_after_each_wave() {
        let (mut calm, mut n_commits) = (Calm::default(), 0);
        let mut seconds = |n: u32, each_pass: u64| {
            let over = (0..n * 20).filter(|_| {
                n_commits += each_pass;
                calm.pass(n_commits)
            });
            over.count()
        };
        assert_eq!(seconds(30, 0), 0, "nothing was written yet");
        assert_eq!(seconds(30, 10), 0, "in the middle of it");
        assert_eq!(seconds(60, 0), 1);
        assert_eq!(seconds(30, 10), 0);
        assert_eq!(seconds(60, 0), 1, "after the next one again");
    }
}
