//! One logged channel on this node: who listens, what was delivered, what is missing. Plain data.
//!
//! Promise: every open member gets each offset above its own position exactly once and in order,
//! whatever is lost, doubled or late between the journal and here. A hole is filled from the
//! journal by whoever drives this (`Relay`); nothing behind a hole is delivered before it. A member
//! whose queue is nearly full is told `lag` and gets nothing more before it asks again.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use domain::{channel::Channel, ids::ConnectionId};

use crate::{
    frame::{Frame, Lane, Pushed},
    frames,
    members::{Keep, Tally, push},
    outbox::{Note, Outbox},
};

/// Entries kept for members that are still reading the journal; beyond it they read again.
pub const RECENT_MAX: usize = 256;
/// Entries behind a hole that are kept until it is filled; beyond it the journal has them.
pub const AHEAD_MAX: usize = 64;

/// An entry as it goes out.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Its offset.
    pub off: u64,
    /// The push.
    pub frame: Frame,
    /// The reader becomes a party of this channel.
    pub joins: Option<Channel>,
}

/// What came of an entry that was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Delivered, maybe with others that had waited for it.
    Delivered,
    /// Delivered before.
    Old,
    /// Something before it is missing: read the journal if it does not come soon.
    Hole,
    /// It belongs to another numbering: look at the journal's head.
    NewEpoch,
}

/// What came of a member's wish to hear live entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It hears everything from its position on.
    Open,
    /// As [`Self::Open`], and the others have missed entries: repair.
    OthersMissed,
    /// Too much happened meanwhile: read the journal again from the position and ask again.
    ReadAgain,
    /// It is not a member.
    NotAttached,
}

/// Where a channel stands on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The numbering; empty if not known yet.
    pub epoch: Arc<str>,
    /// The newest offset that was delivered; `None` if not known yet.
    pub last: Option<u64>,
}

/// One logged channel.
#[derive(Debug)]
pub struct ChannelLog {
    channel: Channel,
    lane: Lane,
    epoch: Arc<str>,
    last: Option<u64>,
    /// The newest delivered entries, without holes up to `last`; kept while somebody is held.
    recent: VecDeque<Ready>,
    /// Entries behind a hole.
    ahead: BTreeMap<u64, Ready>,
    members: Vec<Member>,
    n_held: usize,
}

#[derive(Debug)]
struct Member {
    connection_id: ConnectionId,
    outbox: Arc<Outbox>,
    place: Place,
}

/// What a member gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing yet: it still reads the journal.
    Reads,
    /// What comes above this offset.
    Hears(u64),
    /// Nothing until it asks again: it was too slow and pages the journal itself.
    Pulls,
}

impl ChannelLog {
    /// A channel that nobody listens to yet; its frames go out in `lane`.
    pub const fn new(channel: Channel, lane: Lane, no_epoch: Arc<str>) -> Self {
        Self {
            channel,
            lane,
            epoch: no_epoch,
            last: None,
            recent: VecDeque::new(),
            ahead: BTreeMap::new(),
            members: Vec::new(),
            n_held: 0,
        }
    }

    /// Adds a member that does not get anything yet. Entries from now on are kept for it.
    pub fn attach(&mut self, connection_id: ConnectionId, outbox: Arc<Outbox>) {
        self.leave(connection_id);
        if self.members.is_empty() {
            // Most channels have one or two.
            self.members.reserve_exact(1);
        }
        self.members.push(Member { connection_id, outbox, place: Place::Reads });
        self.n_held += 1;
    }

    /// The member has everything up to `upto` of this numbering and wants what follows.
    pub fn open(&mut self, connection_id: ConnectionId, epoch: &str, upto: u64) -> Opened {
        let Some(index) = self.members.iter().position(|it| it.connection_id == connection_id)
        else {
            return Opened::NotAttached;
        };
        if !self.adopt(epoch) {
            return Opened::ReadAgain;
        }
        let last = *self.last.get_or_insert(upto);
        let mut place = Place::Hears(upto.max(last));
        if upto < last {
            let first_kept = self.recent.front().map_or(last + 1, |it| it.off);
            if first_kept > upto + 1 {
                return Opened::ReadAgain;
            }
            let outbox = &self.members[index].outbox;
            for entry in self.recent.iter().filter(|it| it.off > upto) {
                if hand_over(outbox, self.lane, entry) == Pushed::Lagging {
                    outbox.push(Lane::Control, self.lag(entry.off - 1));
                    place = Place::Pulls;
                    break;
                }
            }
        }
        if std::mem::replace(&mut self.members[index].place, place) == Place::Reads {
            self.n_held -= 1;
        }
        self.forget_recent();
        if upto > last { Opened::OthersMissed } else { Opened::Open }
    }

    /// Removes a member. `true` if nobody is left.
    pub fn leave(&mut self, connection_id: ConnectionId) -> bool {
        if let Some(index) = self.members.iter().position(|it| it.connection_id == connection_id) {
            let member = self.members.swap_remove(index);
            if member.place == Place::Reads {
                self.n_held -= 1;
                self.forget_recent();
            }
        }
        self.members.is_empty()
    }

    /// An entry was announced, by this node or another.
    pub fn ring(&mut self, epoch: &str, entry: Ready, tally: &mut Tally) -> Heard {
        if !self.adopt(epoch) {
            return Heard::NewEpoch;
        }
        match self.last {
            // Nobody is open yet, so nobody can miss what came before.
            None => self.deliver(entry, tally),
            Some(last) if entry.off <= last => return Heard::Old,
            Some(last) if entry.off > last + 1 => {
                if self.ahead.len() < AHEAD_MAX {
                    self.ahead.insert(entry.off, entry);
                }
                return Heard::Hole;
            }
            Some(_) => self.deliver(entry, tally),
        }
        self.deliver_ahead(tally);
        Heard::Delivered
    }

    /// Hands a value that is no entry to the open members, but not to `except`: a cursor. Who
    /// reads still asks for it.
    pub fn publish(
        &self,
        keep: Keep,
        frame: &Frame,
        except: Option<ConnectionId>,
        tally: &mut Tally,
    ) {
        let hears = |it: &&Member| matches!(it.place, Place::Hears(_));
        let others = |it: &&Member| hears(it) && Some(it.connection_id) != except;
        for member in self.members.iter().filter(others) {
            tally.count(push(&member.outbox, keep, frame.clone()));
        }
    }

    /// Entries read from the journal, oldest first, without holes from [`Standing::last`] on.
    ///
    /// Returns whether anything that was announced is still missing.
    pub fn fill(&mut self, epoch: &str, entries: Vec<Ready>, tally: &mut Tally) -> bool {
        if !self.adopt(epoch) {
            return true;
        }
        for entry in entries {
            if self.last.is_none_or(|last| entry.off == last + 1) {
                tally.n_repaired += 1;
                self.deliver(entry, tally);
            }
        }
        self.deliver_ahead(tally);
        !self.ahead.is_empty()
    }

    /// The numbering was destroyed: start again at `top` of the new one. `told` is what open
    /// members are told.
    pub fn restart(&mut self, epoch: Arc<str>, top: u64, told: &Frame) {
        self.epoch = epoch;
        self.last = Some(top);
        self.recent.clear();
        self.ahead.clear();
        for member in &mut self.members {
            if let Place::Hears(upto) = &mut member.place {
                *upto = top;
                member.outbox.push(self.lane, told.clone());
            }
        }
    }

    /// Where the channel stands.
    pub fn standing(&self) -> Standing {
        Standing { epoch: self.epoch.clone(), last: self.last }
    }

    /// How many listen.
    pub fn n_members(&self) -> usize {
        self.members.len()
    }

    /// Whether something is missing before an entry that was announced.
    pub fn has_hole(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Takes over a numbering if none was known. `false` if it is another one.
    fn adopt(&mut self, epoch: &str) -> bool {
        if *self.epoch == *epoch || epoch.is_empty() {
            return true;
        }
        if self.epoch.is_empty() {
            self.epoch = epoch.into();
            return true;
        }
        false
    }

    fn deliver(&mut self, entry: Ready, tally: &mut Tally) {
        self.last = Some(entry.off);
        let mut lag = None;
        for index in 0..self.members.len() {
            let member = &self.members[index];
            if !matches!(member.place, Place::Hears(upto) if entry.off > upto) {
                continue;
            }
            let pushed = hand_over(&member.outbox, self.lane, &entry);
            tally.count(pushed);
            if pushed == Pushed::Lagging {
                let told = lag.get_or_insert_with(|| self.lag(entry.off - 1));
                member.outbox.push(Lane::Control, told.clone());
                self.members[index].place = Place::Pulls;
            }
        }
        if self.n_held > 0 {
            if self.recent.len() >= RECENT_MAX {
                self.recent.pop_front();
            }
            self.recent.push_back(entry);
        }
    }

    fn deliver_ahead(&mut self, tally: &mut Tally) {
        while let Some(first) = self.ahead.first_entry() {
            match self.last {
                Some(last) if *first.key() > last + 1 => return,
                Some(last) if *first.key() <= last => drop(first.remove()),
                _ => {
                    let entry = first.remove();
                    self.deliver(entry, tally);
                }
            }
        }
    }

    /// Tells a slow reader that it has everything up to `off`, and reads the rest itself.
    fn lag(&self, off: u64) -> Frame {
        frames::lag(&self.channel, &self.epoch, off)
    }

    fn forget_recent(&mut self) {
        if self.n_held == 0 && self.recent.capacity() > 0 {
            self.recent = VecDeque::new();
        }
    }
}

fn hand_over(outbox: &Outbox, lane: Lane, entry: &Ready) -> Pushed {
    if let Some(channel) = &entry.joins {
        outbox.tell(Note::Join(channel.clone()));
    }
    outbox.push_entry(lane, entry.frame.clone())
}

#[cfg(test)]
#[path = "channel_log_tests.rs"]
mod tests;
