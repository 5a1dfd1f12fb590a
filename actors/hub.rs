//! The hub: who of this node listens to what, and the fan-out to them.
//!
//! It is split into shards by channel, each behind a short lock instead of a mailbox: handing a
//! frame to a member never waits, so the publisher itself can do the whole fan-out, and the order
//! of a channel is the order of its lock. What must wait (reading the journal) is left to `Relay`.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::{channel::Channel, ids::ConnectionId};
use tokio::sync::Notify;

use crate::{
    channel_log::{Heard, Opened, Ready, Standing},
    fan_out::FanOut,
    frame::{Frame, Slot},
    interest::Interest,
    lanes::{Travel, travel},
    link::{LinkState, Return},
    members::{Keep, Tally},
    outbox::Outbox,
    registry::Registry,
};

/// Parts that the channels are split into.
pub const SHARDS: usize = 16;
/// How long a hole may stay before the journal is read: rings of one commit may cross.
pub const HOLE_PATIENCE: Duration = Duration::from_millis(30);

/// Every socket of this node, and what it listens to.
pub struct Hub {
    shards: [Mutex<FanOut>; SHARDS],
    hasher: RandomState,
    slot_hashers: [RandomState; 2],
    interest: Interest,
    chores: Mutex<Chores>,
    chores_wait: Notify,
    link: Mutex<LinkState>,
    /// Which connections are open.
    pub registry: Registry,
}

/// What the relay should look at.
#[derive(Debug, Default)]
struct Chores {
    /// Read what is missing, at this instant.
    repairs: HashMap<Channel, Instant>,
    /// Compare with the journal's heads.
    checks: HashSet<Channel>,
}

/// What the hub holds, for tests, readiness and metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HubState {
    /// Open sockets on this node that are signed in.
    pub n_connections: usize,
    /// Channels with at least one subscriber on this node.
    pub n_channels: usize,
    /// Bus topics that this node listens to.
    pub n_topics: usize,
    /// Channels that wait for a repair.
    pub n_repairs_waiting: usize,
    /// What became of the frames so far.
    pub tally: Tally,
}

impl Hub {
    /// An empty hub.
    pub fn new(interest: Interest) -> Arc<Self> {
        Arc::new(Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            slot_hashers: [RandomState::new(), RandomState::new()],
            interest,
            chores: Mutex::default(),
            chores_wait: Notify::new(),
            link: Mutex::default(),
            registry: Registry::default(),
        })
    }

    /// Adds a member that hears nothing yet. Its frames are kept until it is opened.
    pub fn attach(&self, channel: &Channel, id: ConnectionId, outbox: &Arc<Outbox>) {
        let mut shard = self.shard(channel);
        if shard.attach(channel, id, outbox.clone()) {
            self.interest.appeared(channel);
        }
    }

    /// Lets a member hear what follows `upto`, which it has read from the journal itself.
    pub fn open(&self, channel: &Channel, id: ConnectionId, epoch: &str, upto: u64) -> Opened {
        let opened = self.shard(channel).open(channel, id, epoch, upto);
        if opened == Opened::OthersMissed {
            self.want_repair(channel, Duration::ZERO);
        }
        opened
    }

    /// Lets a member of a latest-only channel hear what follows its snapshot.
    pub fn open_latest(&self, channel: &Channel, id: ConnectionId) -> bool {
        self.shard(channel).open_latest(channel, id)
    }

    /// Removes a member. Safe to repeat.
    pub fn leave(&self, channel: &Channel, id: ConnectionId) {
        let mut shard = self.shard(channel);
        if shard.leave(channel, id) {
            self.interest.vanished(channel);
        }
    }

    /// An entry of a logged channel was committed.
    pub fn ring(&self, channel: &Channel, epoch: &str, entry: Ready) {
        match self.shard(channel).ring(channel, epoch, entry) {
            None | Some(Heard::Delivered | Heard::Old) => {}
            Some(Heard::Hole) => self.want_repair(channel, HOLE_PATIENCE),
            Some(Heard::NewEpoch) => self.want_check([channel.clone()]),
        }
    }

    /// A value changed of which only the newest counts. `except` does not hear of it.
    pub fn latest(
        &self,
        channel: &Channel,
        key: &str,
        frame: &Frame,
        except: Option<ConnectionId>,
    ) {
        let keep = match travel(channel) {
            // On a logged channel it is a cursor, not an entry.
            Travel::Newest | Travel::Logged(_) => Keep::Newest(self.slot(channel, key)),
            Travel::Every(lane) => Keep::All(lane),
        };
        self.shard(channel).publish(channel, keep, frame, except);
    }

    /// Whether anybody here listens to a channel.
    pub fn serves(&self, channel: &Channel) -> bool {
        self.shard(channel).serves(channel)
    }

    /// Whether anybody here looks who is there.
    pub fn has_live(&self) -> bool {
        self.shards.iter().any(|it| lock(it).has_live())
    }

    /// What the hub holds.
    pub fn observe(&self) -> HubState {
        let mut state = HubState {
            n_connections: self.registry.n_connections(),
            n_topics: self.interest.n_topics(),
            n_repairs_waiting: self.chores().repairs.len(),
            ..HubState::default()
        };
        for shard in &self.shards {
            let shard = lock(shard);
            state.n_channels += shard.n_channels();
            state.tally.add(shard.tally);
        }
        state
    }

    fn slot(&self, channel: &Channel, key: &str) -> Slot {
        let [one, two] = &self.slot_hashers;
        Slot(one.hash_one((channel, key)), two.hash_one((channel, key)))
    }

    fn shard(&self, channel: &Channel) -> MutexGuard<'_, FanOut> {
        let index = self.hasher.hash_one(channel) as usize % SHARDS;
        lock(&self.shards[index])
    }

    fn chores(&self) -> MutexGuard<'_, Chores> {
        lock(&self.chores)
    }
}

/// For the bridge and the relay: how this node stands with the others.
impl Hub {
    /// The link to the other nodes is lost.
    pub(crate) fn link_lost(&self) {
        self.change_link(LinkState::lost);
    }

    /// It is back, or has missed something: every channel is compared with the journal. Clients
    /// hear that it is back after that.
    pub(crate) fn link_back(&self) {
        self.change_link(LinkState::back);
        if self.return_to_audit().is_some() {
            self.chores_wait.notify_one();
        } else {
            self.want_check_of_all();
        }
    }

    /// The return of the link after which nobody has compared every channel yet.
    pub(crate) fn return_to_audit(&self) -> Option<Return> {
        lock(&self.link).to_audit()
    }

    /// Every channel was compared and repaired after that return.
    pub(crate) fn audited(&self, of: Return) {
        self.change_link(|link| link.audited(of));
    }

    /// Whether entries of other nodes may be late.
    pub fn is_degraded(&self) -> bool {
        self.registry.is_degraded()
    }

    fn change_link(&self, change: impl FnOnce(&mut LinkState)) {
        // Told under the lock, so that the last word is the last change.
        let mut link = lock(&self.link);
        change(&mut link);
        let is_degraded = link.is_degraded();
        if self.registry.is_degraded() != is_degraded {
            tracing::warn!(is_degraded, "the link between the nodes changed");
            self.registry.tell_state(is_degraded);
        }
    }
}

/// For the relay, which brings what the bus did not.
impl Hub {
    /// Asks for a repair after `patience`, unless one is asked for already.
    pub(crate) fn want_repair(&self, channel: &Channel, patience: Duration) {
        let due = Instant::now() + patience;
        let mut chores = self.chores();
        chores.repairs.entry(channel.clone()).and_modify(|it| *it = due.min(*it)).or_insert(due);
        self.chores_wait.notify_one();
    }

    /// Asks to compare channels with the journal's heads.
    pub(crate) fn want_check(&self, channels: impl IntoIterator<Item = Channel>) {
        self.chores().checks.extend(channels);
        self.chores_wait.notify_one();
    }

    /// Asks to compare every served channel with the journal's heads.
    pub(crate) fn want_check_of_all(&self) {
        (0..SHARDS).for_each(|index| self.want_check(self.served(index)));
    }

    /// The logged channels of one shard.
    pub(crate) fn served(&self, index: usize) -> Vec<Channel> {
        lock(&self.shards[index % SHARDS]).served()
    }

    /// Takes the channels that should be compared.
    pub(crate) fn take_checks(&self) -> Vec<Channel> {
        std::mem::take(&mut self.chores().checks).into_iter().collect()
    }

    /// Takes the repairs that are due.
    pub(crate) fn take_repairs(&self) -> Vec<Channel> {
        let now = Instant::now();
        self.chores().repairs.extract_if(|_, at| *at <= now).map(|(it, _)| it).collect()
    }

    /// When the next repair is due.
    pub(crate) fn next_repair(&self) -> Option<Instant> {
        self.chores().repairs.values().min().copied()
    }

    /// Waits until there may be something to take.
    pub(crate) async fn chores_wait(&self) {
        self.chores_wait.notified().await;
    }

    /// Where a logged channel stands; `None` if nobody here listens.
    pub(crate) fn standing(&self, channel: &Channel) -> Option<Standing> {
        self.shard(channel).standing(channel)
    }

    /// Whether something announced is still missing.
    pub(crate) fn has_hole(&self, channel: &Channel) -> bool {
        self.shard(channel).has_hole(channel)
    }

    /// Delivers what was read from the journal. `true` if something is still missing.
    pub(crate) fn fill(&self, channel: &Channel, epoch: &str, entries: Vec<Ready>) -> bool {
        self.shard(channel).fill(channel, epoch, entries)
    }

    /// Starts again with a new numbering.
    pub(crate) fn restart(&self, channel: &Channel, epoch: &str, top: u64, told: &Frame) {
        self.shard(channel).restart(channel, epoch, top, told);
    }

    /// Leaves topics that nobody here wants any more.
    pub(crate) fn sweep_topics(&self) {
        self.interest.sweep(crate::interest::LINGER);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic inside cannot be caused by any frame, and one channel's fault must not end the rest.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
