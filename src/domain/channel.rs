//! What connections subscribe to: each channel has one kind and one text form.

use std::{fmt, str::FromStr};

use crate::{
    ids::{OrderId, StoreId},
    role::Profile,
};

/// Longest name of a bench channel, in bytes.
pub const BENCH_NAME_BYTES_MAX: usize = 64;

/// A channel of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// What concerns one profile. Logged.
    Inbox(Profile),
    /// Chat and status of one order. Logged.
    Order(OrderId),
    /// What concerns the staff of one store. Logged.
    Store(StoreId),
    /// Position and ETA of an order's rider. Latest only.
    Loc(OrderId),
    /// Presence and typing in an order's chat. Latest only.
    Live(OrderId),
    /// The grab pool of one geohash cell. Latest only.
    Pool(String),
    /// Riders, orders and alarms of one region. Latest only.
    Ops(String),
    /// Load tests: logged, anybody signed in may publish.
    BenchLog(String),
    /// Load tests: latest, anybody signed in may publish.
    BenchLatest(String),
}

/// The text does not name a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a channel; expected for example `order:ord_…`, `inbox:rid_…` or `ops:wtw3`")]
pub struct ParseChannelError;

impl Channel {
    /// Whether every entry is kept with an offset; otherwise only the newest value counts.
    pub const fn is_logged(&self) -> bool {
        match self {
            Self::Inbox(_) | Self::Order(_) | Self::Store(_) | Self::BenchLog(_) => true,
            Self::Loc(_) | Self::Live(_) | Self::Pool(_) | Self::Ops(_) | Self::BenchLatest(_) => {
                false
            }
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inbox(profile) => write!(f, "inbox:{profile}"),
            Self::Order(order) => write!(f, "order:{order}"),
            Self::Store(store) => write!(f, "store:{store}"),
            Self::Loc(order) => write!(f, "loc:{order}"),
            Self::Live(order) => write!(f, "live:{order}"),
            Self::Pool(cell) => write!(f, "pool:{cell}"),
            Self::Ops(region) => write!(f, "ops:{region}"),
            Self::BenchLog(name) => write!(f, "bench:log:{name}"),
            Self::BenchLatest(name) => write!(f, "bench:latest:{name}"),
        }
    }
}

impl FromStr for Channel {
    type Err = ParseChannelError;

    fn from_str(text: &str) -> Result<Self, ParseChannelError> {
        let (kind, rest) = text.split_once(':').ok_or(ParseChannelError)?;
        match kind {
            "inbox" => rest.parse().map(Self::Inbox).ok(),
            "order" => rest.parse().map(Self::Order).ok(),
            "store" => rest.parse().map(Self::Store).ok(),
            "loc" => rest.parse().map(Self::Loc).ok(),
            "live" => rest.parse().map(Self::Live).ok(),
            "pool" => is_geohash(rest, 6..=6).then(|| Self::Pool(rest.to_owned())),
            "ops" => is_geohash(rest, 1..=12).then(|| Self::Ops(rest.to_owned())),
            "bench" => bench(rest),
            _ => None,
        }
        .ok_or(ParseChannelError)
    }
}

fn bench(rest: &str) -> Option<Channel> {
    let (kind, name) = rest.split_once(':')?;
    let fits = !name.is_empty() && name.len() <= BENCH_NAME_BYTES_MAX;
    let plain = name.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.:".contains(&it));
    match kind {
        _ if !(fits && plain) => None,
        "log" => Some(Channel::BenchLog(name.to_owned())),
        "latest" => Some(Channel::BenchLatest(name.to_owned())),
        _ => None,
    }
}

fn is_geohash(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    let plain = text.bytes().all(|it| b"0123456789bcdefghjkmnpqrstuvwxyz".contains(&it));
    lengths.contains(&text.len()) && plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RiderId;

    #[test]
    fn a_channel_survives_being_written_and_read_back() {
        let order = OrderId::generate();
        let all = [
            Channel::Inbox(Profile::Rider(RiderId::generate())),
            Channel::Order(order),
            Channel::Store(StoreId::generate()),
            Channel::Loc(order),
            Channel::Live(order),
            Channel::Pool("wtw3sj".to_owned()),
            Channel::Ops("wtw3".to_owned()),
            Channel::BenchLog("room-1".to_owned()),
            Channel::BenchLatest("room-1".to_owned()),
        ];
        for channel in all {
            assert_eq!(channel.to_string().parse(), Ok(channel));
        }
    }

    #[test]
    fn nonsense_is_not_a_channel() {
        for text in ["", "order", "order:", "order:rid_1", "pool:a", "ops:", "bench:log:", "x:y"] {
            assert_eq!(text.parse::<Channel>(), Err(ParseChannelError), "{text}");
        }
    }
}
