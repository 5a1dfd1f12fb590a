//! Who may open a socket here: the limits of this node, and whether it is going down.
//!
//! Plain data behind one short lock; time is an input. Whoever is let in holds a [`Ticket`], and
//! its end gives the place back, however the socket ends.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use metrics::counter;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Sign-ins that are worked on at once; the others wait in order, so that a storm of them leaves
/// the store some connections for everything else.
pub const SIGN_INS_AT_ONCE: usize = 24;
/// Longest wait for a turn to sign in.
pub const TURN_WITHIN: Duration = Duration::from_secs(10);
/// A burst of sockets may be this much ahead of the rate.
const BURST: Duration = Duration::from_secs(1);
/// When to come back to a node that has no place, at the earliest and at the latest, in seconds.
const FULL_AFTER_S: std::ops::RangeInclusive<u64> = 2..=10;

/// How many sockets one node takes; 0 is without limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SocketLimits {
    /// Open at once.
    pub sockets: usize,
    /// Opened in a second.
    pub per_second: u32,
    /// Open at once from one address.
    pub per_address: usize,
    /// Signed in at once as one profile.
    pub per_profile: usize,
}

/// Why a socket was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The node is going down.
    Draining,
    /// All places are taken.
    Full,
    /// Too many in a short time.
    TooFast,
    /// Too many from this address.
    Address,
    /// Too many of this profile.
    Profile,
}

impl Refused {
    /// A label for counters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Full => "full",
            Self::TooFast => "rate",
            Self::Address => "address",
            Self::Profile => "profile",
        }
    }

    /// When to try again, in seconds: a random time, so that those who were refused together do
    /// not come back together.
    pub fn retry_after_s(self) -> u64 {
        match self {
            // Another node answers behind the same address, or this one is up again soon.
            Self::Draining => 1,
            Self::TooFast => rand::random_range(1..=3),
            Self::Full | Self::Address | Self::Profile => rand::random_range(FULL_AFTER_S),
        }
    }

    /// Counts it.
    pub fn count(self) {
        counter!("riderhub_refused_sockets_total", "why" => self.as_str()).increment(1);
    }
}

/// The door of one node.
#[derive(Debug)]
pub struct Admission {
    /// What holds here.
    pub limits: SocketLimits,
    places: Mutex<Places>,
    is_draining: AtomicBool,
    turns: Semaphore,
}

#[derive(Debug, Default)]
struct Places {
    n_open: usize,
    by_address: HashMap<IpAddr, usize>,
    /// When the sockets so far would all have come, at exactly the allowed rate.
    due: Option<Instant>,
}

/// A place for one socket, until it is dropped.
#[derive(Debug)]
pub struct Ticket {
    admission: Arc<Admission>,
    address: Option<IpAddr>,
}

impl Admission {
    /// Nobody is here yet.
    pub fn new(limits: SocketLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            places: Mutex::default(),
            is_draining: AtomicBool::new(false),
            turns: Semaphore::new(SIGN_INS_AT_ONCE),
        })
    }

    /// Lets a socket in, or says why not.
    ///
    /// # Errors
    ///
    /// [`Refused`], which is counted already.
    pub fn admit(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        now: Instant,
    ) -> Result<Ticket, Refused> {
        let address = address.filter(|_| self.limits.per_address > 0);
        match self.take_place(address, now) {
            None => Ok(Ticket { admission: Arc::clone(self), address }),
            Some(refused) => {
                refused.count();
                Err(refused)
            }
        }
    }

    fn take_place(&self, address: Option<IpAddr>, now: Instant) -> Option<Refused> {
        if self.is_draining() {
            return Some(Refused::Draining);
        }
        let SocketLimits { sockets, per_second, per_address, .. } = self.limits;
        let mut places = self.places();
        if sockets > 0 && places.n_open >= sockets {
            return Some(Refused::Full);
        }
        let n_from_there = address.and_then(|it| places.by_address.get(&it)).copied();
        if n_from_there.is_some_and(|it| it >= per_address) {
            return Some(Refused::Address);
        }
        if per_second > 0 {
            let due =
                places.due.map_or(now, |it| it.max(now)) + Duration::from_secs(1) / per_second;
            if due > now + BURST {
                return Some(Refused::TooFast);
            }
            places.due = Some(due);
        }
        places.n_open += 1;
        if let Some(address) = address {
            *places.by_address.entry(address).or_default() += 1;
        }
        None
    }

    /// From now on nobody is let in.
    pub fn start_draining(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    /// Whether this node is going down.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// Sockets that are open, signed in or not.
    pub fn n_open(&self) -> usize {
        self.places().n_open
    }

    /// Waits for a turn to sign in. `None` if that takes too long.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        tokio::time::timeout(TURN_WITHIN, self.turns.acquire()).await.ok()?.ok()
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // Each change is complete in itself, so a poisoned lock still guards good counts.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut places = self.admission.places();
        places.n_open = places.n_open.saturating_sub(1);
        let Some(address) = self.address else { return };
        if let Some(n) = places.by_address.get_mut(&address) {
            *n -= 1;
            if *n == 0 {
                places.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(limits: SocketLimits) -> Arc<Admission> {
        Admission::new(limits)
    }

    #[test]
    fn a_place_is_free_again_when_its_socket_ends() {
        let door = door(SocketLimits { sockets: 2, ..SocketLimits::default() });
        let now = Instant::now();
        let first = door.admit(None, now).unwrap();
        let _second = door.admit(None, now).unwrap();
        assert_eq!(door.admit(None, now).unwrap_err(), Refused::Full);
        drop(first);
        assert!(door.admit(None, now).is_ok());
        assert_eq!(door.n_open(), 1, "the last one was dropped at once");
    }

    #[test]
    fn a_burst_is_let_in_and_then_only_so_many_a_second() {
        let door = door(SocketLimits { per_second: 10, ..SocketLimits::default() });
        let start = Instant::now();
        let let_in = |from_ms: u64, n: usize| {
            let now = start + Duration::from_millis(from_ms);
            (0..n).filter(|_| door.admit(None, now).is_ok()).count()
        };
        assert_eq!(let_in(0, 50), 10);
        assert_eq!(let_in(99, 50), 0);
        assert_eq!(let_in(100, 50), 1);
        assert_eq!(let_in(600, 50), 5);
        assert_eq!(let_in(60_000, 50), 10, "a long pause is no larger burst");
    }

    #[test]
    fn an_address_has_its_own_limit_and_others_do_not_feel_it() {
        let door = door(SocketLimits { per_address: 1, ..SocketLimits::default() });
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let now = Instant::now();
        let held = door.admit(Some(one), now).unwrap();
        assert_eq!(door.admit(Some(one), now).unwrap_err(), Refused::Address);
        assert!(door.admit(Some(two), now).is_ok());
        drop(held);
        assert!(door.admit(Some(one), now).is_ok());
        assert!(door.places().by_address.is_empty(), "nothing is kept of who has left");
    }

    #[test]
    fn nobody_is_let_in_by_a_node_that_goes_down() {
        let door = door(SocketLimits::default());
        let now = Instant::now();
        assert!(door.admit(None, now).is_ok());
        door.start_draining();
        assert_eq!(door.admit(None, now).unwrap_err(), Refused::Draining);
    }
}
