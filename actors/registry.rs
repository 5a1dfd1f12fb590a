//! Which connections of this node are signed in, by profile.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{
    ids::ConnectionId,
    role::{Profile, Role},
};

use crate::{
    close::Close,
    frame::{Frame, Lane},
    outbox::Outbox,
};

/// The signed-in connections of this node.
#[derive(Debug, Default)]
pub struct Registry(Mutex<HashMap<Profile, Vec<Registered>>>);

#[derive(Debug)]
struct Registered {
    id: ConnectionId,
    outbox: Arc<Outbox>,
}

impl Registry {
    /// Adds a connection.
    pub fn register(&self, profile: Profile, id: ConnectionId, outbox: Arc<Outbox>) {
        self.profiles().entry(profile).or_default().push(Registered { id, outbox });
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

    /// Pushes a frame to every connection.
    pub fn push_to_all(&self, lane: Lane, frame: &Frame) {
        for connection in self.profiles().values().flatten() {
            connection.outbox.push(lane, frame.clone());
        }
    }

    /// Whether a profile has a connection here.
    pub fn is_here(&self, profile: Profile) -> bool {
        self.profiles().contains_key(&profile)
    }

    /// How many connections there are.
    pub fn n_connections(&self) -> usize {
        self.profiles().values().map(Vec::len).sum()
    }

    fn profiles(&self) -> MutexGuard<'_, HashMap<Profile, Vec<Registered>>> {
        // Each change is complete in itself, so a poisoned map is still a good one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
