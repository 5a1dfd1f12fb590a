//! Which connections of this node are signed in, by profile.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::{
    ids::ConnectionId,
    role::{Profile, Role},
};

use crate::{close::Close, frame::Lane, frames, outbox::Outbox};

/// The signed-in connections of this node.
#[derive(Debug, Default)]
pub struct Registry {
    profiles: Mutex<HashMap<Profile, Vec<Registered>>>,
    /// Changed only while the profiles are locked, so that nobody is told twice or not at all.
    is_degraded: AtomicBool,
}

#[derive(Debug)]
struct Registered {
    id: ConnectionId,
    outbox: Arc<Outbox>,
    /// Whether it believes that the hub is degraded; `None` before it was welcomed.
    is_degraded: Option<bool>,
}

impl Registry {
    /// Adds a connection.
    pub fn register(&self, profile: Profile, id: ConnectionId, outbox: Arc<Outbox>) {
        self.profiles().entry(profile).or_default().push(Registered {
            id,
            outbox,
            is_degraded: None,
        });
    }

    /// Removes a connection. Safe to repeat.
    pub fn unregister(&self, profile: Profile, id: ConnectionId) {
        let mut profiles = self.profiles();
        if let Some(connections) = profiles.get_mut(&profile) {
            connections.retain(|it| it.id != id);
            if connections.is_empty() {
                profiles.remove(&profile);
            }
        }
    }

    /// Closes all connections of a profile.
    pub fn close_profile(&self, profile: Profile, why: Close) {
        for connection in self.profiles().get(&profile).into_iter().flatten() {
            connection.outbox.close(why);
        }
    }

    /// Closes every connection, each for the reason that `why` gives it.
    pub fn close_all(&self, mut why: impl FnMut() -> Close) {
        for connection in self.profiles().values().flatten() {
            connection.outbox.close(why());
        }
    }

    /// The connection has its answer to `connect`: from now on it hears how the hub is.
    pub fn welcome(&self, profile: Profile, id: ConnectionId) {
        let mut profiles = self.profiles();
        let is_degraded = self.is_degraded.load(Ordering::Acquire);
        let mut connections = profiles.get_mut(&profile).into_iter().flatten();
        if let Some(it) = connections.find(|it| it.id == id) {
            it.is_degraded = Some(is_degraded);
            if is_degraded {
                it.outbox.push(Lane::Control, frames::hub_state(true));
            }
        }
    }

    /// The outbox of every connection.
    pub fn outboxes(&self) -> Vec<Arc<Outbox>> {
        self.profiles().values().flatten().map(|it| Arc::clone(&it.outbox)).collect()
    }

    /// How many connections each role has.
    pub fn n_by_role(&self) -> HashMap<Role, usize> {
        let mut counts: HashMap<Role, usize> = Role::ALL.iter().map(|it| (*it, 0)).collect();
        for (profile, connections) in &*self.profiles() {
            *counts.entry(profile.role()).or_default() += connections.len();
        }
        counts
    }

    /// How many connections a profile has here.
    pub fn n_of(&self, profile: Profile) -> usize {
        self.profiles().get(&profile).map_or(0, Vec::len)
    }

    /// Tells every connection once for each change whether the hub is degraded.
    pub fn tell_state(&self, is_degraded: bool) {
        let mut profiles = self.profiles();
        self.is_degraded.store(is_degraded, Ordering::Release);
        let frame = frames::hub_state(is_degraded);
        for it in profiles.values_mut().flatten() {
            if it.is_degraded.is_some_and(|it| it != is_degraded) {
                it.is_degraded = Some(is_degraded);
                it.outbox.push(Lane::Control, frame.clone());
            }
        }
    }

    /// Whether entries of other nodes may be late.
    pub fn is_degraded(&self) -> bool {
        self.is_degraded.load(Ordering::Acquire)
    }

    /// Whether a profile has a connection here.
    pub fn is_here(&self, profile: Profile) -> bool {
        self.profiles().contains_key(&profile)
    }

    /// Bytes that wait for all of them.
    pub fn n_bytes(&self) -> usize {
        self.profiles().values().flatten().map(|it| it.outbox.n_bytes()).sum()
    }

    /// How many connections there are.
    pub fn n_connections(&self) -> usize {
        self.profiles().values().map(Vec::len).sum()
    }

    fn profiles(&self) -> MutexGuard<'_, HashMap<Profile, Vec<Registered>>> {
        // Each change is complete in itself, so a poisoned map is still a good one.
        self.profiles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
