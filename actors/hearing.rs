//! What one connection hears, and within which limits: plain data.
//!
//! What is the profile's own (inbox, stores, orders) does not count against what the client may
//! choose: a shift has more orders than any client asks for. It has its own, larger limit.

use std::collections::HashSet;

use domain::channel::Channel;

use crate::protocol::CHANNELS_MAX;

/// Channels that the hub joins for one connection at most. Together with what a client may choose,
/// its `resume` still fits into one frame (a position takes up to 80 bytes).
pub const OWN_CHANNELS_MAX: usize = 512;

/// There is no room for one more channel of this sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// The channels of a connection.
#[derive(Debug, Default)]
pub struct Hearing {
    chosen: HashSet<Channel>,
    own: HashSet<Channel>,
}

impl Hearing {
    /// Whether it is among them.
    pub fn has(&self, channel: &Channel) -> bool {
        self.own.contains(channel) || self.chosen.contains(channel)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Channel> {
        self.own.iter().chain(&self.chosen)
    }

    /// Adds one that the client asked for. Safe to repeat.
    ///
    /// # Errors
    ///
    /// [`Full`] if the client has chosen [`CHANNELS_MAX`].
    pub fn choose(&mut self, channel: &Channel) -> Result<(), Full> {
        if self.has(channel) {
            return Ok(());
        }
        add(&mut self.chosen, channel, CHANNELS_MAX)
    }

    /// Adds one that is the profile's own. Safe to repeat.
    ///
    /// # Errors
    ///
    /// [`Full`] if there are [`OWN_CHANNELS_MAX`]; see [`Self::orders_over`].
    pub fn join(&mut self, channel: &Channel) -> Result<(), Full> {
        if self.has(channel) {
            return Ok(());
        }
        add(&mut self.own, channel, OWN_CHANNELS_MAX)
    }

    /// Removes one. `false` if it was not there.
    pub fn remove(&mut self, channel: &Channel) -> bool {
        self.own.remove(channel) || self.chosen.remove(channel)
    }

    /// Whether the next own channel has no room.
    pub fn is_own_full(&self) -> bool {
        self.own.len() >= OWN_CHANNELS_MAX
    }

    /// What to leave to make room: the older half of the own orders that are not in `open`, so
    /// that chats that just ended are heard on; if all are open, the oldest one.
    pub fn orders_over(&self, open: &[Channel]) -> Vec<Channel> {
        let open: HashSet<&Channel> = open.iter().collect();
        let orders = self.own.iter().filter(|it| matches!(it, Channel::Order(_)));
        let (mut still, mut over): (Vec<_>, Vec<_>) = orders.partition(|it| open.contains(it));
        // The ids of orders rise with time.
        over.sort_unstable();
        over.truncate(over.len().div_ceil(2));
        if over.is_empty() {
            still.sort_unstable();
            over.extend(still.first());
        }
        over.into_iter().cloned().collect()
    }
}

fn add(set: &mut HashSet<Channel>, channel: &Channel, max: usize) -> Result<(), Full> {
    if set.len() >= max {
        return Err(Full);
    }
    set.insert(channel.clone());
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::ids::OrderId;

    use super::*;

    fn room(n: usize) -> Channel {
        Channel::BenchLog(n.to_string())
    }

    #[test]
    fn what_the_client_chose_takes_no_room_from_its_own() {
        let mut hearing = Hearing::default();
        for n in 0..CHANNELS_MAX {
            hearing.choose(&room(n)).unwrap();
        }
        assert_eq!(hearing.choose(&room(CHANNELS_MAX)), Err(Full));
        assert_eq!(hearing.choose(&room(0)), Ok(()), "it is there already");
        let order = Channel::Order(OrderId::generate());
        assert_eq!(hearing.join(&order), Ok(()));
        assert_eq!(hearing.choose(&order), Ok(()), "it is heard already");
        assert!(hearing.remove(&order) && !hearing.has(&order));
    }

    #[test]
    fn orders_that_are_over_make_room_the_older_ones_first() {
        let mut hearing = Hearing::default();
        let mut orders: Vec<_> = (0..9).map(|_| Channel::Order(OrderId::generate())).collect();
        orders.sort_unstable();
        orders.iter().for_each(|it| hearing.join(it).unwrap());
        hearing.join(&room(0)).unwrap();
        let (over, open) = orders.split_at(5);
        assert_eq!(hearing.orders_over(open), over[..3]);
        assert_eq!(hearing.orders_over(&orders), orders[..1], "all are open: the oldest");
    }

    #[test]
    fn own_channels_are_bounded() {
        let mut hearing = Hearing::default();
        for n in 0..OWN_CHANNELS_MAX {
            assert!(!hearing.is_own_full());
            hearing.join(&room(n)).unwrap();
        }
        assert!(hearing.is_own_full());
        assert_eq!(hearing.join(&room(OWN_CHANNELS_MAX)), Err(Full));
    }
}
