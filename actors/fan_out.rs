//! One shard of the hub: a part of the channels, with their members. Plain data, no runtime.

use std::{collections::HashMap, sync::Arc};

use domain::{channel::Channel, ids::ConnectionId};

use crate::{
    channel_log::{ChannelLog, Heard, Opened, Ready, Standing},
    frame::Frame,
    lanes::{Travel, travel},
    members::{Keep, Members, Tally},
    outbox::Outbox,
};

/// A part of the channels of this node.
#[derive(Debug)]
pub struct FanOut {
    logs: HashMap<Channel, ChannelLog>,
    latest: HashMap<Channel, Members>,
    /// What happened so far.
    pub tally: Tally,
    no_epoch: Arc<str>,
}

impl Default for FanOut {
    fn default() -> Self {
        Self {
            logs: HashMap::new(),
            latest: HashMap::new(),
            tally: Tally::default(),
            no_epoch: "".into(),
        }
    }
}

impl FanOut {
    /// Adds a member that hears nothing before it is opened. `true` if it is the channel's first.
    pub fn attach(&mut self, channel: &Channel, id: ConnectionId, outbox: Arc<Outbox>) -> bool {
        if let Travel::Logged(lane) = travel(channel) {
            let log = self.logs.entry(channel.clone());
            let log = log
                .or_insert_with(|| ChannelLog::new(channel.clone(), lane, self.no_epoch.clone()));
            log.attach(id, outbox);
            log.n_members() == 1
        } else {
            let members = self.latest.entry(channel.clone()).or_default();
            members.attach(id, outbox);
            members.n_members() == 1
        }
    }

    /// Lets a member of a logged channel hear what follows `upto`.
    pub fn open(&mut self, channel: &Channel, id: ConnectionId, epoch: &str, upto: u64) -> Opened {
        self.logs.get_mut(channel).map_or(Opened::NotAttached, |it| it.open(id, epoch, upto))
    }

    /// Lets a member of a latest-only channel hear what follows its snapshot.
    pub fn open_latest(&mut self, channel: &Channel, id: ConnectionId) -> bool {
        self.latest.get_mut(channel).is_some_and(|it| it.open(id))
    }

    /// Removes a member. `true` if the channel has none left (and is forgotten).
    pub fn leave(&mut self, channel: &Channel, id: ConnectionId) -> bool {
        if self.logs.get_mut(channel).is_some_and(|it| it.leave(id)) {
            self.logs.remove(channel);
            return true;
        }
        if self.latest.get_mut(channel).is_some_and(|it| it.leave(id)) {
            self.latest.remove(channel);
            return true;
        }
        false
    }

    /// An entry was announced. `None` if nobody here listens.
    pub fn ring(&mut self, channel: &Channel, epoch: &str, entry: Ready) -> Option<Heard> {
        let log = self.logs.get_mut(channel)?;
        Some(log.ring(epoch, entry, &mut self.tally))
    }

    /// Entries were read from the journal. `true` if something is still missing.
    pub fn fill(&mut self, channel: &Channel, epoch: &str, entries: Vec<Ready>) -> bool {
        let tally = &mut self.tally;
        self.logs.get_mut(channel).is_some_and(|it| it.fill(epoch, entries, tally))
    }

    /// The channel has a new numbering.
    pub fn restart(&mut self, channel: &Channel, epoch: &str, top: u64, told: &Frame) {
        if let Some(log) = self.logs.get_mut(channel) {
            log.restart(epoch.into(), top, told);
        }
    }

    /// Hands a value to the members of a channel, but not to `except`.
    pub fn publish(
        &mut self,
        channel: &Channel,
        keep: Keep,
        frame: &Frame,
        except: Option<ConnectionId>,
    ) {
        if let Some(members) = self.latest.get_mut(channel) {
            members.publish(keep, frame, except, &mut self.tally);
        } else if let Some(log) = self.logs.get(channel) {
            log.publish(keep, frame, except, &mut self.tally);
        }
    }

    /// Whether a hole of this channel is still open.
    pub fn has_hole(&self, channel: &Channel) -> bool {
        self.logs.get(channel).is_some_and(ChannelLog::has_hole)
    }

    /// Where a logged channel stands; `None` if nobody here listens.
    pub fn standing(&self, channel: &Channel) -> Option<Standing> {
        self.logs.get(channel).map(ChannelLog::standing)
    }

    /// The logged channels with a known position.
    pub fn served(&self) -> Vec<Channel> {
        let known = |it: &&ChannelLog| it.standing().last.is_some();
        self.logs.iter().filter(|(_, it)| known(it)).map(|(it, _)| it.clone()).collect()
    }

    /// Whether anybody here listens.
    pub fn serves(&self, channel: &Channel) -> bool {
        self.logs.contains_key(channel) || self.latest.contains_key(channel)
    }

    /// Whether a channel of presence has a member.
    pub fn has_live(&self) -> bool {
        self.latest.keys().any(|it| matches!(it, Channel::Live(_)))
    }

    /// Channels with at least one member.
    pub fn n_channels(&self) -> usize {
        self.logs.len() + self.latest.len()
    }
}
