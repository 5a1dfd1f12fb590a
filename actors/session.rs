//! A signed-in connection: who it is, what it hears, and how it catches up.
//!
//! Order of things for each channel: attach (live entries are held), look at the journal's head,
//! tell the client the position, read the gap, open. Nothing is missed and nothing comes twice.
//! However a session ends, dropping it leaves every channel.

use std::{
    sync::{Arc, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::{channel::Channel, clock::Timestamp, ids::ConnectionId, role::Profile};
use serde::Serialize;
use storage::{
    error::StoreError,
    gaps::Gap,
    journal::{self, Head},
};
use usecases::{channels, tokens::Identity};

use crate::{
    catch_up::PAGE,
    channel_log::Opened,
    frame::{Frame, Lane},
    frames,
    hearing::{Full, Hearing, OWN_CHANNELS_MAX},
    lanes::{Travel, travel},
    live::Live,
    outbox::{Note, Outbox},
    presence_book::PresenceBook,
    protocol::CHANNELS_MAX,
    refusal::{Kind, Refusal},
    registry::Registered,
    relay::ready,
};

/// Entries that are read again for a client; a longer gap is the client's to page through.
pub const GAP_MAX: u64 = 500;
/// Reads of one gap before the connection is given up: somebody writes faster than we read.
const ROUNDS_MAX: u32 = 50;
/// Pause before a read that found nothing is repeated.
const ROUND_PAUSE: Duration = Duration::from_millis(20);

/// Where a client says it stands in a channel.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
pub struct Known {
    /// The numbering.
    pub ep: String,
    /// Everything up to here has arrived.
    pub off: u64,
}

/// Where a client stands in a channel from now on.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, schemars::JsonSchema)]
pub struct Position {
    /// The numbering; empty while the channel has no entry.
    pub ep: String,
    /// The first entry that will be sent.
    pub from: u64,
    /// The newest entry of the channel.
    pub to: u64,
    /// Whether everything that the client missed will be sent.
    pub recovered: bool,
}

/// What is left to do for a channel once the client knows its position.
#[derive(Debug)]
pub enum Plan {
    /// Send what is above `upto`, then open.
    Log {
        /// Which channel.
        channel: Channel,
        /// The numbering.
        epoch: String,
        /// The client has everything up to here.
        upto: u64,
        /// The newest entry that we know of.
        top: u64,
    },
    /// Send the snapshot, then open.
    Latest {
        /// Which channel.
        channel: Channel,
        /// What it shows now; `None` if it has no snapshot.
        snapshot: Option<Frame>,
    },
}

/// A signed-in connection.
pub struct Session {
    /// What all connections share.
    pub live: Arc<Live>,
    /// Which connection.
    pub id: ConnectionId,
    /// Where its frames go.
    pub outbox: Arc<Outbox>,
    /// Who it is.
    pub profile: Profile,
    /// The name that others see.
    pub name: String,
    /// Which device it is, by its own word; else the name of its sign-in.
    pub device: Arc<str>,
    /// When it signed in.
    pub started_at: Timestamp,
    /// Whether it was told that another device publishes the position.
    pub is_denied: bool,
    /// What it hears.
    hearing: Hearing,
}

impl Session {
    /// Signs a connection in. It hears nothing yet, and does not count before [`Self::enter`].
    pub fn start(
        live: Arc<Live>,
        id: ConnectionId,
        outbox: Arc<Outbox>,
        identity: Identity,
        name: String,
        device: Arc<str>,
    ) -> Self {
        let started_at = live.platform.now();
        let profile = identity.profile;
        let hearing = Hearing::default();
        Self { live, id, outbox, profile, name, device, started_at, is_denied: false, hearing }
    }

    /// The connection is one of the profile's from now on: it counts, and whoever closes the
    /// profile's connections finds it. `seat` is the claim by which its device has the only seat.
    pub fn enter(&self, identity: Identity, seat: Option<u64>) {
        let Identity { profile, session_id, expires_at, .. } = identity;
        let (outbox, device) = (Arc::clone(&self.outbox), Arc::clone(&self.device));
        let mut it = Registered::new(self.id, outbox, session_id, expires_at, device);
        if let Some(fence) = seat {
            it = it.seated(fence);
        }
        if self.live.hub.registry.register(profile, it) {
            self.presence().arrived(profile);
        }
    }

    fn presence(&self) -> MutexGuard<'_, PresenceBook> {
        // Each change is complete in itself, so a poisoned book is still a good one.
        self.live.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a new token of the same profile.
    pub fn renew(&self, identity: Identity) {
        let Identity { profile, session_id, expires_at, .. } = identity;
        self.live.hub.registry.renew(profile, self.id, session_id, expires_at);
    }

    /// Whether the connection hears a channel.
    pub fn hears(&self, channel: &Channel) -> bool {
        self.hearing.has(channel)
    }

    /// What the connection hears.
    pub fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.hearing.iter()
    }

    /// Starts to listen to what the client asks for; nothing is sent before [`Self::carry_out`].
    /// Frames are held meanwhile.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if the client has chosen too many channels.
    pub fn attach(&mut self, channel: &Channel) -> Result<(), Refusal> {
        self.hearing.choose(channel).map_err(|Full| {
            let text = format!("a connection may choose at most {CHANNELS_MAX} channels");
            Refusal::new(Kind::TooBig, text)
        })?;
        self.live.hub.attach(channel, self.id, &self.outbox);
        Ok(())
    }

    /// Like [`Self::attach`] for what is the profile's own. `false` if there is no room.
    #[must_use]
    pub fn attach_own(&mut self, channel: &Channel) -> bool {
        if self.hearing.join(channel).is_err() {
            return false;
        }
        self.live.hub.attach(channel, self.id, &self.outbox);
        true
    }

    /// Joins what just became the profile's own, tells the client where it stands, and opens it.
    /// If there is no room for it, orders that are over are left.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if the client cannot hear it on this connection: it should connect again.
    pub async fn join(&mut self, channel: &Channel) -> Result<(), Refusal> {
        if self.hearing.is_own_full() {
            let open = channels::own(&self.live.platform, self.profile).await?;
            let over = self.hearing.orders_over(&open);
            tracing::debug!(connection.id = %self.id, n = over.len(), "leaving orders that are over");
            for channel in &over {
                self.leave(channel);
                self.outbox.push(Lane::Control, frames::unsubscribed(channel));
            }
        }
        if !self.attach_own(channel) {
            let text = format!("the hub joins at most {OWN_CHANNELS_MAX} channels");
            return Err(Refusal::new(Kind::TooBig, text));
        }
        for (position, plan) in self.positions(&[(channel.clone(), None)]).await? {
            let told = frames::subscribed(channel, &position.ep, position.to, true);
            self.outbox.push(Lane::Control, told);
            self.carry_out(plan).await?;
        }
        Ok(())
    }

    /// Stops listening.
    pub fn leave(&mut self, channel: &Channel) {
        if self.hearing.remove(channel) {
            self.live.hub.leave(channel, self.id);
        }
    }

    /// Where the client stands in logged channels that are attached, and what is to be done.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as the journal gives it.
    pub async fn positions(
        &self,
        channels: &[(Channel, Option<Known>)],
    ) -> Result<Vec<(Position, Plan)>, StoreError> {
        if channels.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<Channel> = channels.iter().map(|(it, _)| it.clone()).collect();
        let heads = self.live.catch_up.heads(names).await?;
        let place = |(channel, known): &(Channel, Option<Known>)| {
            let head = heads.get(channel).cloned().unwrap_or_else(Head::of_nothing);
            place_at(channel, known.as_ref(), head)
        };
        Ok(channels.iter().map(place).collect())
    }

    /// Sends what the plan says and opens the channel.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if the journal cannot be read: the client should connect again and resume.
    pub async fn carry_out(&self, plan: Plan) -> Result<(), Refusal> {
        match plan {
            Plan::Latest { channel, snapshot } => {
                if let Some(snapshot) = snapshot {
                    self.outbox.push(Lane::Control, snapshot);
                }
                self.live.hub.open_latest(&channel, self.id);
                Ok(())
            }
            Plan::Log { channel, epoch, upto, top } => {
                self.catch_up(&channel, epoch, upto, top).await
            }
        }
    }

    async fn catch_up(
        &self,
        channel: &Channel,
        mut epoch: String,
        mut upto: u64,
        top: u64,
    ) -> Result<(), Refusal> {
        let mut must_read = upto < top;
        for _ in 0..ROUNDS_MAX {
            if must_read {
                let n_read = self.send_page(channel, &mut epoch, &mut upto, top).await?;
                if n_read == PAGE as usize {
                    continue;
                }
                if n_read == 0 {
                    self.look_at_head(channel, &mut epoch, &mut upto).await?;
                }
            }
            match self.live.hub.open(channel, self.id, &epoch, upto) {
                Opened::Open | Opened::OthersMissed | Opened::NotAttached => return Ok(()),
                Opened::ReadAgain => must_read = true,
            }
        }
        Err(Refusal::new(Kind::Unavailable, "this channel moves too fast to catch up"))
    }

    /// Sends one page of the gap and says how many entries it had.
    ///
    /// What became the profile's own up to `top` was looked up when the connection signed in; who
    /// joins something above it is told here.
    async fn send_page(
        &self,
        channel: &Channel,
        epoch: &mut String,
        upto: &mut u64,
        top: u64,
    ) -> Result<usize, Refusal> {
        let Travel::Logged(lane) = travel(channel) else { return Ok(0) };
        // A page goes out before the next is read: the gap may be larger than the outbox.
        self.outbox.room_or_cut_off().await;
        let gap = Gap { channel: channel.clone(), after: *upto };
        let entries = self.live.catch_up.page(gap).await?;
        for entry in entries.iter() {
            if let Some(ready) = ready(entry) {
                self.outbox.push(lane, ready.frame);
            }
            if let Some(joins) = entry.joins.as_ref().filter(|_| entry.off > top) {
                self.outbox.tell(Note::Join(joins.clone()));
            }
            *upto = entry.off;
            epoch.clone_from(&entry.epoch);
        }
        Ok(entries.len())
    }

    /// Nothing was there to read, yet the hub wants more: maybe the numbering is a new one.
    async fn look_at_head(
        &self,
        channel: &Channel,
        epoch: &mut String,
        upto: &mut u64,
    ) -> Result<(), Refusal> {
        let head = journal::head(&mut self.live.platform.reader(), channel).await?;
        if head.epoch != *epoch && !epoch.is_empty() {
            self.outbox
                .push(Lane::Control, frames::subscribed(channel, &head.epoch, head.top, false));
            *upto = head.top;
        } else {
            tokio::time::sleep(ROUND_PAUSE).await;
        }
        *epoch = head.epoch;
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for channel in self.hearing.iter() {
            self.live.hub.leave(channel, self.id);
        }
        if self.live.hub.registry.unregister(self.profile, self.id) {
            self.presence().left(self.profile, Instant::now());
        }
    }
}

/// Where a client stands in a channel whose head is known, and what is to be done.
pub(crate) fn place_at(channel: &Channel, known: Option<&Known>, head: Head) -> (Position, Plan) {
    let (upto, recovered) = resume_from(known, &head);
    let (ep, top) = (head.epoch, head.top);
    let position = Position { ep: ep.clone(), from: upto + 1, to: top, recovered };
    (position, Plan::Log { channel: channel.clone(), epoch: ep, upto, top })
}

/// What the client has, and whether everything since then can be sent.
fn resume_from(known: Option<&Known>, head: &Head) -> (u64, bool) {
    let Some(known) = known else { return (head.top, false) };
    // Before a channel's first entry it has no numbering that could have changed.
    let is_same = known.ep == head.epoch || (known.off == 0 && known.ep.is_empty());
    let gap = head.top.checked_sub(known.off);
    match gap {
        Some(gap) if is_same && gap <= GAP_MAX && known.off >= head.removed => (known.off, true),
        _ => (head.top, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resume_is_whole_or_says_that_it_is_not() {
        let head = Head { top: 600, epoch: "a1".to_owned(), removed: 95 };
        let known = |ep: &str, off| Some(Known { ep: ep.to_owned(), off });
        for (known, expected) in [
            (None, (600, false)),
            (known("a1", 600), (600, true)),
            (known("a1", 590), (590, true)),
            (known("a1", 100), (100, true)),
            (known("a1", 99), (600, false)),
            (known("a1", 601), (600, false)),
            (known("b2", 590), (600, false)),
        ] {
            assert_eq!(resume_from(known.as_ref(), &head), expected, "{known:?}");
        }
        let pruned = Head { removed: 590, ..head };
        assert_eq!(resume_from(known("a1", 590).as_ref(), &pruned), (590, true));
        assert_eq!(resume_from(known("a1", 589).as_ref(), &pruned), (600, false));
        let empty = Head::of_nothing();
        assert_eq!(resume_from(known("", 0).as_ref(), &empty), (0, true));
        let young = Head { top: 3, ..pruned };
        let young = Head { removed: 0, ..young };
        assert_eq!(resume_from(known("", 0).as_ref(), &young), (0, true));
    }
}
