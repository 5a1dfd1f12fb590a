//! How the frames of each channel travel: with offsets or newest only, and in which lane.

use domain::channel::Channel;

use crate::frame::Lane;

/// How a channel's frames travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Travel {
    /// With offsets, all in one lane, so that their order holds.
    Logged(Lane),
    /// Only the newest value of each key.
    Newest,
    /// Every one while the reader keeps up, without offsets.
    Every(Lane),
}

/// How the frames of `channel` travel.
pub const fn travel(channel: &Channel) -> Travel {
    match channel {
        Channel::Inbox(_) | Channel::Store(_) => Travel::Logged(Lane::Critical),
        Channel::Order(_) | Channel::BenchLog(_) => Travel::Logged(Lane::Chat),
        Channel::Loc(_) | Channel::Live(_) | Channel::Pool(_) | Channel::Ops(_) => Travel::Newest,
        Channel::BenchLatest(_) => Travel::Every(Lane::Chat),
    }
}
