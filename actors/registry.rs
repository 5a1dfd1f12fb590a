//! Which connections of this node are signed in, by profile.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::{
    clock::Timestamp,
    ids::{ConnectionId, SessionId},
    role::{Profile, Role},
};

use crate::{close::Close, frame::Lane, frames, outbox::Outbox};

/// The client is warned this long before its token runs out.
pub const TOKEN_WARNING: Duration = Duration::from_secs(60);
/// A token that ran out is still good for this long on an open socket.
pub const TOKEN_GRACE: Duration = Duration::from_secs(25);

/// The signed-in connections of this node.
#[derive(Debug, Default)]
pub struct Registry {
    profiles: Mutex<HashMap<Profile, Vec<Registered>>>,
    /// Changed only while the profiles are locked, so that nobody is told twice or not at all.
    is_degraded: AtomicBool,
}

/// A signed-in connection, as the registry knows it.
#[derive(Debug)]
pub struct Registered {
    id: ConnectionId,
    outbox: Arc<Outbox>,
    session_id: SessionId,
    token_expires_at: Timestamp,
    device: Arc<str>,
    /// With which claim the device took the only seat; the largest where there may be several.
    seat_fence: u64,
    /// Whether it was told that its token runs out.
    is_warned: bool,
    /// Whether it believes that the hub is degraded; `None` before it was welcomed.
    is_degraded: Option<bool>,
}

impl Registered {
    /// A connection of a sign-in, with a token that is good until some time.
    pub const fn new(
        id: ConnectionId,
        outbox: Arc<Outbox>,
        session_id: SessionId,
        token_expires_at: Timestamp,
        device: Arc<str>,
    ) -> Self {
        Self {
            id,
            outbox,
            session_id,
            token_expires_at,
            device,
            seat_fence: u64::MAX,
            is_warned: false,
            is_degraded: None,
        }
    }

    /// The device has the only seat of its profile, by this claim.
    #[must_use]
    pub fn seated(self, seat_fence: u64) -> Self {
        Self { seat_fence, ..self }
    }
}

impl Registry {
    /// Adds a connection. `true` if it is the profile's first here.
    pub fn register(&self, profile: Profile, connection: Registered) -> bool {
        let mut profiles = self.profiles();
        let connections = profiles.entry(profile).or_default();
        connections.push(connection);
        connections.len() == 1
    }

    /// Closes the connections of a profile from devices that had the seat before this claim.
    pub fn close_other_devices(&self, profile: Profile, device: &str, fence: u64) {
        for it in self.profiles().get(&profile).into_iter().flatten() {
            if *it.device != *device && it.seat_fence < fence {
                it.outbox.close(Close::Replaced);
            }
        }
    }

    /// A connection has a new token.
    pub fn renew(
        &self,
        profile: Profile,
        id: ConnectionId,
        session_id: SessionId,
        token_expires_at: Timestamp,
    ) {
        let mut profiles = self.profiles();
        let mine = profiles.get_mut(&profile).into_iter().flatten().find(|it| it.id == id);
        if let Some(mine) = mine {
            (mine.session_id, mine.token_expires_at) = (session_id, token_expires_at);
            mine.is_warned = false;
        }
    }

    /// Warns those whose token runs out soon, and closes those whose token ran out a while ago.
    pub fn tend_tokens(&self, now: Timestamp) {
        let warning_ms = i64::try_from(TOKEN_WARNING.as_millis()).unwrap_or(i64::MAX);
        for it in self.profiles().values_mut().flatten() {
            let left_ms = it.token_expires_at.ms_since(now);
            if left_ms > warning_ms {
                continue;
            }
            if now >= it.token_expires_at + TOKEN_GRACE {
                it.outbox.close(Close::TokenExpired);
            } else if !it.is_warned {
                it.is_warned = true;
                let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
                it.outbox.push(Lane::Control, frames::token_expiring(left));
            }
        }
    }

    /// Closes the connections of a sign-in.
    pub fn close_session(&self, profile: Profile, session_id: SessionId, why: Close) {
        for connection in self.profiles().get(&profile).into_iter().flatten() {
            if connection.session_id == session_id {
                connection.outbox.close(why);
            }
        }
    }

    /// Removes a connection. `true` if it was the profile's last here. Safe to repeat.
    pub fn unregister(&self, profile: Profile, id: ConnectionId) -> bool {
        let mut profiles = self.profiles();
        let Some(connections) = profiles.get_mut(&profile) else { return false };
        connections.retain(|it| it.id != id);
        let is_last = connections.is_empty();
        if is_last {
            profiles.remove(&profile);
        }
        is_last
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    fn registered(expires_at: Timestamp) -> Registered {
        let (id, session) = (ConnectionId::generate(), SessionId::generate());
        Registered::new(id, Outbox::bounded(10_000), session, expires_at, "phone".into())
    }

    #[test]
    fn a_token_is_warned_of_once_and_has_a_grace() {
        let (registry, profile) = (Registry::default(), Profile::generate(Role::Customer));
        let expires_at = NOON + Duration::from_secs(900);
        let connection = registered(expires_at);
        let (id, outbox) = (connection.id, connection.outbox.clone());
        registry.register(profile, connection);
        registry.tend_tokens(NOON + Duration::from_secs(839));
        assert_eq!(outbox.n_bytes(), 0, "more than a minute is left");
        registry.tend_tokens(NOON + Duration::from_secs(840));
        let n_bytes = outbox.n_bytes();
        assert!(n_bytes > 0, "it is warned");
        registry.tend_tokens(NOON + Duration::from_secs(924));
        assert_eq!(outbox.n_bytes(), n_bytes, "once");
        assert!(outbox.is_open(), "the grace is not over");

        registry.renew(profile, id, SessionId::generate(), expires_at + TOKEN_WARNING);
        registry.tend_tokens(NOON + Duration::from_secs(925));
        assert!(outbox.is_open(), "it has a new token");
        assert!(outbox.n_bytes() > n_bytes, "which runs out soon, too");
        registry.tend_tokens(NOON + Duration::from_secs(985));
        assert_eq!(outbox.closing(), Some(Close::TokenExpired));
    }

    #[test]
    fn one_device_is_closed_and_the_others_are_not() {
        let (registry, profile) = (Registry::default(), Profile::generate(Role::Rider));
        let (phone, tablet) = (registered(NOON), registered(NOON));
        let (session_id, outboxes) =
            (phone.session_id, [phone.outbox.clone(), tablet.outbox.clone()]);
        registry.register(profile, phone);
        registry.register(profile, tablet);
        registry.close_session(Profile::generate(Role::Rider), session_id, Close::Revoked);
        registry.close_session(profile, session_id, Close::Revoked);
        assert_eq!(outboxes.map(|it| it.closing()), [Some(Close::Revoked), None]);
    }

    #[test]
    fn a_device_that_took_the_seat_closes_those_before_it_and_no_later_one() {
        let (registry, profile) = (Registry::default(), Profile::generate(Role::Rider));
        let seated = |device: &str, fence| {
            let (id, session) = (ConnectionId::generate(), SessionId::generate());
            let outbox = Outbox::bounded(10_000);
            let it = Registered::new(id, outbox.clone(), session, NOON, device.into());
            let is_first = registry.register(profile, it.seated(fence));
            (id, outbox, is_first)
        };
        let (phone, old, is_first) = seated("phone", 1);
        let (_, again, _) = seated("phone", 1);
        let (tablet, new, is_second) = seated("tablet", 2);
        assert!(is_first && !is_second);
        registry.close_other_devices(profile, "phone", 1);
        assert!(new.is_open() && old.is_open(), "the older claim is told late");
        registry.close_other_devices(profile, "tablet", 2);
        assert_eq!([&old, &again, &new].map(|it| it.closing().is_some()), [true, true, false]);
        assert!(!registry.unregister(profile, phone) && !registry.unregister(profile, phone));
        assert!(!registry.unregister(profile, tablet), "the other connection is still there");
    }
}
