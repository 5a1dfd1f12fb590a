//! The frames that wait for one socket, by lane. Plain data; the limits are [`crate::outbox`]'s.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    time::Instant,
};

use crate::{
    frame::{Frame, Lane, Slot},
    outbox::STALL_MAX,
};

/// Places that an empty lane may keep.
const IDLE_CAPACITY_MAX: usize = 16;

/// The frames that wait for one socket.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    control: VecDeque<Frame>,
    critical: VecDeque<Frame>,
    chat: VecDeque<Frame>,
    ephemeral: VecDeque<Frame>,
    latest: VecDeque<Slot>,
    newest: HashMap<Slot, Frame>,
    n_bytes: usize,
    /// Since when the front waits; `None` while nothing does.
    waits_since: Option<Instant>,
}

/// What became of a newest value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It waits.
    Queued,
    /// It took the place of an older one.
    Conflated,
    /// There was no room for one more.
    NoRoom,
}

impl Queue {
    /// Bytes that wait.
    pub(crate) const fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Whether the front has waited for too long.
    pub(crate) fn is_stalled(&self) -> bool {
        self.waits_since.is_some_and(|since| since.elapsed() > STALL_MAX)
    }

    /// Puts a frame behind the others of its lane.
    pub(crate) fn push(&mut self, lane: Lane, frame: Frame) {
        self.n_bytes += cost(&frame);
        self.lane(lane).push_back(frame);
        self.begin_to_wait();
    }

    /// Puts a value in place of an older one of its slot; a new slot needs room below `bytes_max`.
    pub(crate) fn put_newest(&mut self, slot: Slot, frame: Frame, bytes_max: usize) -> Put {
        let (len, n_bytes) = (cost(&frame), self.n_bytes);
        match self.newest.entry(slot) {
            Entry::Occupied(mut old) => {
                let old_len = cost(&old.insert(frame));
                self.n_bytes = n_bytes - old_len + len;
                Put::Conflated
            }
            Entry::Vacant(_) if n_bytes > 0 && n_bytes + len > bytes_max => Put::NoRoom,
            Entry::Vacant(free) => {
                free.insert(frame);
                self.latest.push_back(slot);
                self.n_bytes = n_bytes + len;
                self.begin_to_wait();
                Put::Queued
            }
        }
    }

    /// Takes frames of at most about `bytes_max` bytes, but at least one.
    pub(crate) fn take(&mut self, bytes_max: usize, frames: &mut Vec<Frame>) {
        let n_before = self.n_bytes;
        let mut n_taken = 0;
        for lane in [&mut self.control, &mut self.critical, &mut self.chat] {
            if !move_frames(lane, bytes_max, &mut n_taken, frames) {
                break;
            }
        }
        while n_taken == 0 || n_taken < bytes_max {
            let Some(slot) = self.latest.pop_front() else { break };
            let Some(frame) = self.newest.remove(&slot) else { continue };
            n_taken += cost(&frame);
            frames.push(frame);
        }
        move_frames(&mut self.ephemeral, bytes_max, &mut n_taken, frames);
        self.n_bytes -= n_taken;
        if self.n_bytes == 0 {
            self.shrink();
        } else if n_before != self.n_bytes {
            self.waits_since = Some(Instant::now());
        }
    }

    /// The lane of the frame that goes out next, and when that frame was made.
    pub(crate) fn front(&self) -> Option<(&'static str, Instant)> {
        let lanes = [
            (Lane::Control, &self.control),
            (Lane::Critical, &self.critical),
            (Lane::Chat, &self.chat),
            (Lane::Ephemeral, &self.ephemeral),
        ];
        let newest = self.latest.front().and_then(|slot| self.newest.get(slot));
        let of_lanes = lanes.into_iter().filter(|(lane, _)| *lane != Lane::Control);
        of_lanes
            .filter_map(|(lane, frames)| Some((lane.as_str(), frames.front()?.made_at())))
            .next()
            .or_else(|| newest.map(|it| ("latest", it.made_at())))
    }

    /// Places that are kept.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        let lanes = [&self.control, &self.critical, &self.chat, &self.ephemeral];
        let of_lanes: usize = lanes.iter().map(|it| it.capacity()).sum();
        of_lanes + self.latest.capacity() + self.newest.capacity()
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    const fn lane(&mut self, lane: Lane) -> &mut VecDeque<Frame> {
        match lane {
            Lane::Control => &mut self.control,
            Lane::Critical => &mut self.critical,
            Lane::Chat => &mut self.chat,
            Lane::Ephemeral => &mut self.ephemeral,
        }
    }

    fn begin_to_wait(&mut self) {
        if self.waits_since.is_none() {
            self.waits_since = Some(Instant::now());
        }
    }

    /// Gives back memory after a burst.
    fn shrink(&mut self) {
        self.waits_since = None;
        let lanes = [&mut self.control, &mut self.critical, &mut self.chat, &mut self.ephemeral];
        for lane in lanes {
            if lane.capacity() > IDLE_CAPACITY_MAX {
                *lane = VecDeque::new();
            }
        }
        if self.latest.capacity() > IDLE_CAPACITY_MAX {
            self.latest = VecDeque::new();
            self.newest = HashMap::new();
        }
    }
}

/// What a frame counts for: an empty one waits as well.
fn cost(frame: &Frame) -> usize {
    frame.len().max(1)
}

/// Moves frames until `bytes_max` is reached; `true` if the lane is empty then.
fn move_frames(
    lane: &mut VecDeque<Frame>,
    bytes_max: usize,
    n_taken: &mut usize,
    frames: &mut Vec<Frame>,
) -> bool {
    while let Some(next) = lane.front() {
        if *n_taken > 0 && *n_taken + cost(next) > bytes_max {
            return false;
        }
        *n_taken += cost(next);
        frames.extend(lane.pop_front());
    }
    true
}
