//! One latest-only channel on this node, and how a fan-out went. Plain data.

use std::sync::Arc;

use domain::ids::ConnectionId;

use crate::{
    frame::{Frame, Lane, Pushed, Slot},
    outbox::Outbox,
};

/// Values kept for a member that still waits for its snapshot.
pub const HELD_VALUES_MAX: usize = 1_024;

/// How a fan-out went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames queued.
    pub n_queued: u64,
    /// Values that took the place of older ones.
    pub n_conflated: u64,
    /// Frames dropped because the reader is slow.
    pub n_dropped: u64,
    /// Those of them that were newest values, whose next one follows.
    pub n_latest_dropped: u64,
    /// Chats of a slow reader that went to pull mode.
    pub n_lagging: u64,
    /// Connections cut off.
    pub n_cut_off: u64,
    /// Entries that had to be read from the journal.
    pub n_repaired: u64,
}

impl Tally {
    /// Counts what became of one frame.
    pub const fn count(&mut self, pushed: Pushed) {
        match pushed {
            Pushed::Queued => self.n_queued += 1,
            Pushed::Conflated => self.n_conflated += 1,
            Pushed::Dropped => self.n_dropped += 1,
            Pushed::Lagging => self.n_lagging += 1,
            Pushed::Full => self.n_cut_off += 1,
            Pushed::Gone => {}
        }
    }

    /// Adds another one.
    pub const fn add(&mut self, other: Self) {
        self.n_queued += other.n_queued;
        self.n_conflated += other.n_conflated;
        self.n_dropped += other.n_dropped;
        self.n_latest_dropped += other.n_latest_dropped;
        self.n_lagging += other.n_lagging;
        self.n_cut_off += other.n_cut_off;
        self.n_repaired += other.n_repaired;
    }
}

/// How a value of a latest-only channel waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Only the newest of its key.
    Newest(Slot),
    /// Every one, in this lane.
    All(Lane),
}

/// Who hears a latest-only channel.
#[derive(Debug, Default)]
pub struct Members(Vec<Member>);

#[derive(Debug)]
struct Member {
    connection_id: ConnectionId,
    outbox: Arc<Outbox>,
    /// Values that wait for the snapshot to go first; `None` once it has gone.
    held: Option<Vec<(Keep, Frame)>>,
}

impl Members {
    /// Adds a member that gets nothing before [`Self::open`].
    pub fn attach(&mut self, connection_id: ConnectionId, outbox: Arc<Outbox>) {
        self.leave(connection_id);
        if self.0.is_empty() {
            // Most channels have one or two.
            self.0.reserve_exact(1);
        }
        self.0.push(Member { connection_id, outbox, held: Some(Vec::new()) });
    }

    /// The member has its snapshot: what came meanwhile goes out now. `false` if it is not one.
    pub fn open(&mut self, connection_id: ConnectionId) -> bool {
        let Some(member) = self.0.iter_mut().find(|it| it.connection_id == connection_id) else {
            return false;
        };
        for (keep, frame) in member.held.take().unwrap_or_default() {
            push(&member.outbox, keep, frame);
        }
        true
    }

    /// Removes a member. `true` if nobody is left.
    pub fn leave(&mut self, connection_id: ConnectionId) -> bool {
        if let Some(index) = self.0.iter().position(|it| it.connection_id == connection_id) {
            self.0.swap_remove(index);
        }
        self.0.is_empty()
    }

    /// Hands a value to everybody but `except`.
    pub fn publish(
        &mut self,
        keep: Keep,
        frame: &Frame,
        except: Option<ConnectionId>,
        tally: &mut Tally,
    ) {
        for member in &mut self.0 {
            if Some(member.connection_id) == except {
                continue;
            }
            match &mut member.held {
                None => {
                    let pushed = push(&member.outbox, keep, frame.clone());
                    tally.count(pushed);
                    let is_newest = matches!(keep, Keep::Newest(_));
                    tally.n_latest_dropped += u64::from(is_newest && pushed == Pushed::Dropped);
                }
                Some(held) => hold(held, keep, frame),
            }
        }
    }

    /// How many listen.
    pub fn n_members(&self) -> usize {
        self.0.len()
    }
}

/// Queues a value as it should wait.
pub(crate) fn push(outbox: &Outbox, keep: Keep, frame: Frame) -> Pushed {
    match keep {
        Keep::Newest(slot) => outbox.push_latest(slot, frame),
        Keep::All(lane) => outbox.push(lane, frame),
    }
}

fn hold(held: &mut Vec<(Keep, Frame)>, keep: Keep, frame: &Frame) {
    let is_full = held.len() >= HELD_VALUES_MAX;
    let same = |it: &&mut (Keep, Frame)| matches!(keep, Keep::Newest(_)) && it.0 == keep;
    if let Some((_, old)) = held.iter_mut().find(same) {
        *old = frame.clone();
    } else if !is_full {
        held.push((keep, frame.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;
    use crate::outbox::Batch;

    #[test]
    fn what_comes_during_the_snapshot_goes_out_after_it() {
        let (connection_id, outbox) = (ConnectionId::generate(), Outbox::bounded(1_000));
        let mut members = Members::default();
        let mut tally = Tally::default();
        let newest = Keep::Newest(Slot(1, 1));
        members.attach(connection_id, outbox.clone());
        for text in ["old", "new"] {
            members.publish(newest, &Frame::json(text), None, &mut tally);
        }
        assert_eq!(outbox.n_bytes(), 0);
        outbox.push(Lane::Control, Frame::json("snapshot"));
        assert!(members.open(connection_id));
        members.publish(newest, &Frame::json("mine"), Some(connection_id), &mut tally);

        let mut batch = Batch::default();
        let mut cx = Context::from_waker(Waker::noop());
        let _any = outbox.poll_take(&mut cx, 1_000, &mut batch);
        assert_eq!(batch.frames, [Frame::json("snapshot"), Frame::json("new")]);
    }
}
