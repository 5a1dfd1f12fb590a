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

/// Copies the log whenever something was committed, until the store is closed.
pub(crate) async fn keep_short(db: Db, state: &LogState) {
    let Db::Sqlite { keeper, .. } = db else { return };
    let mut n_before = 0;
    loop {
        tokio::time::sleep(EVERY).await;
        let n_commits = state.n_commits.load(Ordering::Relaxed);
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

/// Copies what nobody reads any more from the log into the database; the length of the log.
pub(crate) async fn copy(pool: &SqlitePool) -> Result<i64, StoreError> {
    let (_busy, log_pages, _copied): (i64, i64, i64) =
        sqlx::query_as("pragma wal_checkpoint(passive)")
            .fetch_one(pool)
            .await
            .map_err(StoreError::from_statement)?;
    Ok(log_pages)
}
