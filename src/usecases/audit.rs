//! The audit log: who changed what by request. Rows wait for a moment and are written together, so that
//! no request waits for its row.

use std::{
    mem,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::{
    clock::{SystemClock, Timestamp},
    role::Profile,
};
use storage::{
    audit::{self as rows, AuditRow},
    db::Tx,
    error::StoreError,
};

use crate::{error::AskError, platform::Platform};

/// How long rows wait at most, in real time: so much is lost when a node dies.
pub const WRITE_EVERY: Duration = Duration::from_millis(500);
/// Rows that wait at most; more are counted and not kept.
pub const WAITING_MAX: usize = 20_000;
/// How long rows are kept.
pub const KEPT: Duration = Duration::from_secs(180 * 24 * 3_600);
/// Rows of one page at most.
pub const PAGE_MAX: u32 = 100;

/// Rows that are not written yet.
#[derive(Debug, Default)]
pub struct AuditLog(Mutex<Vec<AuditRow>>);

impl AuditLog {
    /// Notes that somebody did something.
    pub fn note(&self, row: AuditRow) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING_MAX {
            waiting.push(row);
        } else {
            metrics::counter!("riderhub_audit_lost_total").increment(1);
        }
    }

    fn take(&self) -> Vec<AuditRow> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes what waits. What cannot be written waits again.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it cannot be saved.
    pub async fn write(&self, platform: &Platform) -> Result<(), StoreError> {
        let waiting = self.take();
        if waiting.is_empty() {
            return Ok(());
        }
        let kept = waiting.clone();
        let write = async move |tx: &mut Tx| rows::insert(tx, &kept).await;
        let outcome = platform.store.write(write).await;
        if outcome.is_err() {
            waiting.into_iter().for_each(|it| self.note(it));
        }
        outcome
    }

    /// Writes again and again, for as long as the node lives.
    pub async fn run(&self, platform: &Platform) {
        loop {
            tokio::time::sleep(WRITE_EVERY).await;
            if let Err(err) = self.write(platform).await {
                tracing::warn!(error = ?err, "the audit log waits");
            }
        }
    }
}

/// What was done before `before`, the newest first, by one profile or by all.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be read.
pub async fn list(
    platform: &Platform,
    profile: Option<Profile>,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<AuditRow>, AskError> {
    let limit = limit.clamp(1, PAGE_MAX);
    Ok(rows::list(&mut platform.reader(), profile, before, limit).await?)
}

/// Removes some rows that are too old; returns how many.
///
/// # Errors
///
/// [`StoreError`] if the store fails.
pub async fn forget_old(platform: &Platform) -> Result<u64, StoreError> {
    let cutoff: Timestamp = SystemClock::machine_time() - KEPT;
    platform.store.write(async move |tx: &mut Tx| rows::remove_old(tx, cutoff).await).await
}
