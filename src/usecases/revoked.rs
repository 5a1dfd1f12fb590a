//! Sign-ins that ended before their tokens did, as this node knows them. Plain data behind a lock.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{clock::Timestamp, ids::SessionId};
use storage::revocations::Revocation;

/// The sign-ins of which no token is taken, until the tokens have run out by themselves.
#[derive(Debug, Default)]
pub struct RevokedSessions(Mutex<HashMap<SessionId, Timestamp>>);

impl RevokedSessions {
    /// Adds some. Answers those that were not known.
    pub fn add(&self, revoked: &[Revocation]) -> Vec<Revocation> {
        let mut sessions = self.sessions();
        let is_new = |it: &&Revocation| sessions.insert(it.session_id, it.keep_until).is_none();
        revoked.iter().filter(is_new).copied().collect()
    }

    /// Whether a sign-in has ended.
    pub fn has(&self, session_id: SessionId) -> bool {
        self.sessions().contains_key(&session_id)
    }

    /// Forgets those whose tokens have run out.
    pub fn forget_old(&self, now: Timestamp) {
        self.sessions().retain(|_, keep_until| *keep_until >= now);
    }

    /// How many are known.
    pub fn n_known(&self) -> usize {
        self.sessions().len()
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Timestamp>> {
        // Each change is complete in itself, so a poisoned map is still a good one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
