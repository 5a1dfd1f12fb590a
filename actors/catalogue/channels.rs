//! The channels by family.

use domain::{channel::Channel, text_enum::text_enum};

text_enum! {
    /// A family of channels.
    pub enum Family {
        /// One profile.
        Inbox => "inbox",
        /// One order.
        Order => "order",
        /// One store.
        Store => "store",
        /// Where an order's rider is.
        Loc => "loc",
        /// Who is there and writes.
        Live => "live",
        /// The grab pool.
        Pool => "pool",
        /// The operators' map.
        Ops => "ops",
        /// Load tests, logged.
        BenchLog => "bench.log",
        /// Load tests, latest only.
        BenchLatest => "bench.latest",
        /// What concerns the connection itself.
        Connection => "connection",
    }
}

impl Family {
    /// What the names of its channels begin with.
    pub fn prefix(self) -> &'static str {
        row(self).address.split('{').next().unwrap_or_default()
    }

    /// The family of a channel.
    pub const fn of(channel: &Channel) -> Self {
        match channel {
            Channel::Inbox(_) => Self::Inbox,
            Channel::Order(_) => Self::Order,
            Channel::Store(_) => Self::Store,
            Channel::Loc(_) => Self::Loc,
            Channel::Live(_) => Self::Live,
            Channel::Pool(_) => Self::Pool,
            Channel::Ops(_) => Self::Ops,
            Channel::BenchLog(_) => Self::BenchLog,
            Channel::BenchLatest(_) => Self::BenchLatest,
        }
    }
}

/// A family of channels, as it is documented.
#[derive(Debug, Clone, Copy)]
pub struct ChannelRow {
    /// Which family.
    pub family: Family,
    /// How a channel of it is named.
    pub address: &'static str,
    /// The parameter of the address and what it is.
    pub parameter: Option<(&'static str, &'static str)>,
    /// A channel as an example.
    pub example: &'static str,
    /// What it is for and who may read it.
    pub about: &'static str,
}

impl ChannelRow {
    /// Whether its channels keep every entry with an offset.
    pub fn is_logged(&self) -> bool {
        self.example.parse::<Channel>().is_ok_and(|it| it.is_logged())
    }
}

/// Every family.
pub fn channel_rows() -> Vec<ChannelRow> {
    Family::ALL.iter().map(|it| row(*it)).collect()
}

fn row(family: Family) -> ChannelRow {
    let (address, parameter, example, about) = match family {
        Family::Inbox => (
            "inbox:{profile}",
            Some(("profile", "A profile: `cus_…`, `mer_…`, `rid_…` or `opr_…`.")),
            "inbox:rid_01990c1db2a17c4e9f20314253647586",
            "What concerns one profile, for that profile's devices. The hub joins it by itself.",
        ),
        Family::Order => (
            "order:{order}",
            Some(("order", "An order: `ord_…`.")),
            "order:ord_01990c1de0f07a3b8c4d5e6f70819203",
            "Chat and every change of one order, for its customer, the store's staff, its rider and operators. \
             The hub joins open orders by itself.",
        ),
        Family::Store => (
            "store:{store}",
            Some(("store", "A store: `sto_…`.")),
            "store:sto_01990c1d81d47f718293a4b5c6d7e8f9",
            "New orders and the bell of one store, for its staff. The hub joins it by itself.",
        ),
        Family::Loc => (
            "loc:{order}",
            Some(("order", "An order: `ord_…`.")),
            "loc:ord_01990c1de0f07a3b8c4d5e6f70819203",
            "Where the order's rider is and when he is expected, for the order's parties.",
        ),
        Family::Live => (
            "live:{order}",
            Some(("order", "An order: `ord_…`.")),
            "live:ord_01990c1de0f07a3b8c4d5e6f70819203",
            "Who is there and who writes, for the order's parties.",
        ),
        Family::Pool => (
            "pool:{cell}",
            Some(("cell", "A geohash of six characters.")),
            "pool:wtw3sj",
            "Deliveries that any rider near may grab, for riders on duty.",
        ),
        Family::Ops => (
            "ops:{region}",
            Some(("region", "A geohash of four characters.")),
            "ops:wtw3",
            "Riders, open orders, stores and alarms of one region, for operators.",
        ),
        Family::BenchLog => (
            "bench:log:{name}",
            Some(("name", "Up to 64 of letters, digits and `-_.:`.")),
            "bench:log:room-1",
            "Load tests: anybody signed in may `sub` and `pub`. Only where the server's settings open it.",
        ),
        Family::BenchLatest => (
            "bench:latest:{name}",
            Some(("name", "Up to 64 of letters, digits and `-_.:`.")),
            "bench:latest:room-1",
            "Load tests without a journal. Only where the server's settings open it.",
        ),
        Family::Connection => (
            "(connection)",
            None,
            "",
            "What the hub says about the connection itself; these pushes belong to no channel.",
        ),
    };
    ChannelRow { family, address, parameter, example, about }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_names_a_channel_of_its_own() {
        for row in channel_rows() {
            if row.family != Family::Connection {
                let channel: Channel = row.example.parse().unwrap();
                assert_eq!(Family::of(&channel), row.family);
            }
        }
    }
}
