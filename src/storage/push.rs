//! The pushes by name: what is not in this list cannot be sent, and what is in it is documented.

use std::borrow::Cow;

use domain::text_enum::text_enum;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

text_enum! {
    /// The name of a push, in its field `push`.
    pub enum Push {
        /// Something said.
        Msg => "msg",
        /// A message was taken back.
        Edit => "edit",
        /// A line of an order's story.
        Order => "order",
        /// An order will be late.
        OrderDelayed => "order.delayed",
        /// Somebody joined or left an order's chat.
        Member => "member",
        /// The store's bell rings.
        Alarm => "alarm",
        /// The store's bell stops.
        AlarmClear => "alarm.clear",
        /// An exclusive proposal to one rider.
        Offer => "offer",
        /// An order waits at the counter for its customer.
        PickupReady => "pickup.ready",
        /// An offer is over.
        OfferClosed => "offer.closed",
        /// A delivery is the rider's now.
        Assigned => "assigned",
        /// A delivery is not the rider's any more.
        Unassigned => "unassigned",
        /// A rider's new stop plan.
        Route => "route",
        /// A rider's duty was changed for him.
        Duty => "duty",
        /// A merchant's store is there.
        Store => "store",
        /// A customer's cart has changed.
        Cart => "cart",
        /// A sign-in of the person was ended by somebody else.
        SignedOut => "signed_out",
        /// A rider's position.
        Loc => "loc",
        /// When a rider is expected.
        Eta => "eta",
        /// The grab pool.
        Pool => "pool",
        /// The operators' map.
        Ops => "ops",
        /// The operators' feed.
        OpsEvent => "ops.event",
        /// Why a rider was asked.
        OpsWhy => "ops.why",
        /// How far somebody has come.
        Cur => "cur",
        /// Somebody writes.
        Typing => "typing",
        /// The hub joined a channel for the client.
        Subscribed => "subscribed",
        /// The hub left a channel for the client.
        Unsubscribed => "unsubscribed",
        /// A channel goes over to being read by the client.
        Lag => "lag",
        /// The token runs out.
        Auth => "auth",
        /// The link between nodes.
        Hub => "hub",
        /// Somebody came or went.
        Presence => "presence",
        /// Another device publishes the rider's position.
        LocDenied => "loc.denied",
        /// The node goes down.
        Drain => "drain",
        /// For clients that cannot see protocol pings.
        Ping => "ping",
    }
}

impl Serialize for Push {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl JsonSchema for Push {
    fn schema_name() -> Cow<'static, str> {
        "Push".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}
