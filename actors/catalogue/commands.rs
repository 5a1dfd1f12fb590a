//! The commands: who may send them, what they do, the shapes of parameters and answers.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use storage::events::PoolItem;
use usecases::{
    deliveries::DeliveryView, devices::Claimed, duty::DutyView, offers::Answered, order_case::Moved,
};

use super::{Shape, merge, nothing, shape};
use crate::{
    commands::{chat, connect, deliveries, orders, riders, subscriptions},
    fleet::Fix,
    method::Method,
    protocol::{Cid, MaybeCid},
};

/// A command, as it is documented.
#[derive(Clone, Copy)]
pub struct CommandRow {
    /// Who may send it.
    pub by: &'static str,
    /// What it does.
    pub does: &'static str,
    /// The shape of `p`.
    pub params: Shape,
    /// The shape behind `"ok"`.
    pub ok: Shape,
    /// An example of `p`.
    pub example: &'static str,
    /// An example of what is behind `"ok"`.
    pub example_ok: &'static str,
}

/// Parameters with a `cid` that must be there.
fn once<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    merge(shape::<T>(generator), shape::<Cid>(generator))
}

/// Parameters with a `cid` that may be there.
fn maybe_once<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    merge(shape::<T>(generator), shape::<MaybeCid>(generator))
}

/// An answer that says whether it is the stored one.
fn done<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let dup = json_schema!({
        "properties": { "dup": {
            "type": "boolean",
            "description": "Whether this is the stored answer of an earlier time.",
        } },
        "required": ["dup"],
    });
    merge(shape::<T>(generator), dup)
}

/// A page of history: its entries are pushes.
fn page(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "entries": {
                "type": "array",
                "description": "The entries as they were pushed, in the order that was asked for.",
                "items": { "$ref": "#/components/schemas/Entry" },
            },
            "more": { "type": "boolean", "description": "Whether there are more beyond the last one." },
        },
        "required": ["entries", "more"],
    })
}

/// The row of a command. Every command has one.
pub fn command(method: Method) -> CommandRow {
    match method {
        Method::Connect => CommandRow {
            by: "everybody, first and once",
            does: "Signs in with an access token, joins the profile's own channels and resumes from the given \
                   positions. It must be the first frame and come within 5 s.",
            params: shape::<connect::ConnectInput>,
            ok: shape::<connect::Connected>,
            example: r#"{"token":"eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
                "device":{"id":"d-9f2","kind":"android","app":"rider/5.1.0"},
                "resume":{"order:$ORD":{"ep":"5f3a91c2","off":41}}}"#,
            example_ok: r#"{"connection":"con_01990c1e11a27b3c8d4e5f6071829304","profile":"$RID","role":"rider",
                "name":"Remy","time":1790000000123,"ping":{"every_ms":20000,"timeout_ms":10000},
                "limits":{"frame":65536,"text":2000,"commands_per_10s":120,"queue":262144,"channels":256,
                "recall_ms":120000,"chat_after_end_ms":7200000},
                "channels":{"order:$ORD":{"ep":"5f3a91c2","from":42,"to":44,"recovered":true}},
                "reconnect":{"min_ms":200,"max_ms":15000,"first_window_ms":5000},"token_exp":1790000900000}"#,
        },
        Method::Sub => CommandRow {
            by: "everybody, where the channel is theirs to read",
            does: "Hears a channel. A logged one from the given position on (`recovered` says whether what was missed \
                   follows), or from its newest entry; a latest-only one from its snapshot. Safe to repeat.",
            params: shape::<subscriptions::SubInput>,
            ok: shape::<subscriptions::Subscribed>,
            example: r#"{"ch":"order:$ORD","ep":"5f3a91c2","off":41}"#,
            example_ok: r#"{"ch":"order:$ORD","ep":"5f3a91c2","from":42,"to":44,"recovered":true,
                "members":[{"profile":"$CUS","role":"customer","name":"Cleo","delivered":44,"read":40}],"chat":{"state":"open"}}"#,
        },
        Method::Unsub => CommandRow {
            by: "everybody",
            does: "Stops hearing a channel. Safe to repeat.",
            params: shape::<subscriptions::ChannelInput>,
            ok: nothing,
            example: r#"{"ch":"pool:wtw3sj"}"#,
            example_ok: "{}",
        },
        Method::History => CommandRow {
            by: "everybody, where the channel is theirs to read",
            does: "A page of a logged channel: newest first with `before` or neither, oldest first with `after`.",
            params: shape::<chat::HistoryInput>,
            ok: page,
            example: r#"{"ch":"order:$ORD","after":41,"limit":100}"#,
            example_ok: r#"{"entries":[{"push":"msg","ch":"order:$ORD","ep":"5f3a91c2","off":42,"ts":1790000000456,
                "sender":"$CUS","cid":"01990c1f-0000-7000-8000-000000000001",
                "from":{"profile":"$CUS","role":"customer","name":"Cleo"},"kind":"text","body":"Second floor"}],"more":false}"#,
        },
        Method::AuthRefresh => CommandRow {
            by: "everybody",
            does: "Brings a new access token of the same profile; the socket stays. Channels are checked again.",
            params: shape::<connect::TokenInput>,
            ok: shape::<connect::Renewed>,
            example: r#"{"token":"eyJhbGciOiJIUzI1NiJ9.e30.c2ln"}"#,
            example_ok: r#"{"token_exp":1790001800000}"#,
        },
        Method::ChatSend
        | Method::ChatRecall
        | Method::Ack
        | Method::Read
        | Method::Typing
        | Method::Pub => talk(method),
        Method::OrderAccept | Method::OrderStart | Method::OrderReady | Method::OrderReject => {
            kitchen(method)
        }
        Method::LocPut
        | Method::LocClaim
        | Method::DutyOn
        | Method::DutyBreak
        | Method::DutyOff
        | Method::OfferReply
        | Method::Grab
        | Method::StopArrive
        | Method::StopDone => ride(method),
        Method::DeliveryHandOn | Method::DeliveryReturn | Method::DeliveryLost => trouble(method),
    }
}

fn talk(method: Method) -> CommandRow {
    match method {
        Method::ChatSend => CommandRow {
            by: "the order's parties, while its chat is open",
            does: "Says something in an order's chat. Answered after commit; everybody, the sender too, hears the push `msg`.",
            params: shape::<chat::SendInput>,
            ok: shape::<chat::SentView>,
            example: r#"{"ch":"order:$ORD","cid":"01990c1f-0000-7000-8000-000000000001","kind":"text","body":"Second floor"}"#,
            example_ok: r#"{"off":42,"ts":1790000000456,"dup":false}"#,
        },
        Method::ChatRecall => CommandRow {
            by: "the message's author, for two minutes (`limits.recall_ms`)",
            does: "Takes a message back: everybody hears `edit`, and its text is forgotten everywhere.",
            params: shape::<chat::RecallInput>,
            ok: shape::<chat::SentView>,
            example: r#"{"ch":"order:$ORD","cid":"01990c1f-0000-7000-8000-00000000000c","off":42}"#,
            example_ok: r#"{"off":45,"ts":1790000060000,"dup":false}"#,
        },
        Method::Ack => CommandRow {
            by: "everybody who may read the channel",
            does: "Everything up to here has arrived at this device. Counts up only; the parties hear `cur`.",
            params: shape::<chat::PositionInput>,
            ok: shape::<chat::CursorView>,
            example: r#"{"ch":"order:$ORD","off":44}"#,
            example_ok: r#"{"delivered":44,"read":40}"#,
        },
        Method::Read => CommandRow {
            by: "everybody who may read the channel",
            does: "Everything up to here has been read by the person, on whichever device. Counts up only; the parties \
                   and the own devices hear `cur`.",
            params: shape::<chat::PositionInput>,
            ok: shape::<chat::CursorView>,
            example: r#"{"ch":"order:$ORD","off":44}"#,
            example_ok: r#"{"delivered":44,"read":44}"#,
        },
        Method::Typing => CommandRow {
            by: "the order's parties who hear its chat",
            does: "Tells those who hear `live:` of the order that the person writes. Never kept; send it without `id`.",
            params: shape::<chat::TypingInput>,
            ok: nothing,
            example: r#"{"ch":"live:$ORD","on":true}"#,
            example_ok: "{}",
        },
        _ => CommandRow {
            by: "everybody, where the server's settings open it",
            does: "Writes to a channel of the load generator; outside the rate limit. The answer of a latest-only one is empty.",
            params: shape::<chat::PubInput<'static>>,
            ok: published,
            example: r#"{"ch":"bench:log:room-1","body":{"n":1}}"#,
            example_ok: r#"{"off":1,"ts":1790000000456,"dup":false}"#,
        },
    }
}

/// An offset for a logged channel, nothing for the other.
fn published(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = shape::<chat::SentView>(generator);
    schema.remove("required");
    schema
}

fn kitchen(method: Method) -> CommandRow {
    let (does, example, state) = match method {
        Method::OrderAccept => (
            "Accepts a paid order and starts the kitchen unless told otherwise. A rider is looked for from now on.",
            r#"{"order":"$ORD","cid":"01990c1f-0000-7000-8000-000000000002","prep_min":12}"#,
            "preparing",
        ),
        Method::OrderStart => (
            "Starts the kitchen for an order that was accepted with `start:false`.",
            r#"{"order":"$ORD","cid":"01990c1f-0000-7000-8000-000000000003"}"#,
            "preparing",
        ),
        Method::OrderReady => (
            "The order can be fetched.",
            r#"{"order":"$ORD","cid":"01990c1f-0000-7000-8000-000000000004"}"#,
            "ready",
        ),
        _ => (
            "Turns a paid order down; the customer gets all money back.",
            r#"{"order":"$ORD","cid":"01990c1f-0000-7000-8000-000000000005","reason":"sold_out"}"#,
            "rejected",
        ),
    };
    let example_ok = match state {
        "preparing" => {
            r#"{"order":"$ORD","state":"preparing","status":"preparing","seq":4,"ready_at":1790000720000,"at":1790000000789,"dup":false}"#
        }
        "ready" => {
            r#"{"order":"$ORD","state":"ready","status":"ready","seq":7,"ready_at":1790000720000,"at":1790000700000,"dup":false}"#
        }
        _ => {
            r#"{"order":"$ORD","state":"rejected","status":"rejected","seq":4,"ready_at":null,"at":1790000000789,"dup":false}"#
        }
    };
    CommandRow {
        by: "the store's staff",
        does,
        params: once::<orders::OrderInput>,
        ok: done::<Moved>,
        example,
        example_ok,
    }
}

fn ride(method: Method) -> CommandRow {
    let by = "riders";
    match method {
        Method::LocPut => CommandRow {
            by,
            does: "Where the rider is. Send it without `id`: there is nothing to answer. `seq` rises within a connection; \
                   what is older than the newest is dropped.",
            params: shape::<Fix>,
            ok: nothing,
            example: r#"{"seq":1841,"lat":39.90421,"lng":116.40739,"acc":8.0,"spd":5.2,"hdg":271.0,"t":1790000003000}"#,
            example_ok: "{}",
        },
        Method::LocClaim => CommandRow {
            by,
            does: "From now on this device publishes the rider's position; positions of the others are dropped. `duty.on` \
                   does the same for the device that says it.",
            params: once::<riders::ClaimInput>,
            ok: done::<Claimed>,
            example: r#"{"cid":"01990c1f-0000-7000-8000-000000000009"}"#,
            example_ok: r#"{"fence":3,"dup":false}"#,
        },
        Method::DutyOn => CommandRow {
            by,
            does: "Goes on duty, or changes vehicle and capacity. Answers with the orders that the rider holds and the \
                   grab pool around him.",
            params: maybe_once::<riders::DutyInput>,
            ok: shape::<riders::OnDuty>,
            example: r#"{"cid":"01990c1f-0000-7000-8000-000000000006","vehicle":"scooter","capacity":4,"lat":39.90421,"lng":116.40739}"#,
            example_ok: r#"{"work":{"duty":"on","orders":[]},"pool":[],"dup":false}"#,
        },
        Method::DutyBreak | Method::DutyOff => CommandRow {
            by,
            does: if matches!(method, Method::DutyBreak) {
                "Takes a break: open offers are turned down, what is held stays."
            } else {
                "Goes off duty. Refused while the rider holds orders."
            },
            params: shape::<MaybeCid>,
            ok: done::<DutyView>,
            example: r#"{"cid":"01990c1f-0000-7000-8000-000000000007"}"#,
            example_ok: if matches!(method, Method::DutyBreak) {
                r#"{"duty":"break","orders":["$ORD"],"dup":false}"#
            } else {
                r#"{"duty":"off","orders":[],"dup":false}"#
            },
        },
        Method::OfferReply => CommandRow {
            by,
            does: "Takes or declines an offer. The first answer stands; too late is error 132 with the final `state`.",
            params: once::<riders::ReplyInput>,
            ok: done::<Answered>,
            example: r#"{"offer":"$OFR","cid":"01990c1f-0000-7000-8000-000000000008","take":true}"#,
            example_ok: r#"{"state":"won","order":"$ORD","dup":false}"#,
        },
        Method::Grab => CommandRow {
            by,
            does: "Takes a delivery from the grab pool; exactly one of many wins, the others get error 132.",
            params: once::<riders::OrderInput>,
            ok: done::<Answered>,
            example: r#"{"order":"$ORD","cid":"01990c1f-0000-7000-8000-000000000009"}"#,
            example_ok: r#"{"state":"won","order":"$ORD","dup":false}"#,
        },
        Method::StopArrive => CommandRow {
            by,
            does: "The rider is at the store or at the door.",
            params: once::<riders::StopInput>,
            ok: done::<DeliveryView>,
            example: r#"{"order":"$ORD","stop":"pickup","cid":"01990c1f-0000-7000-8000-00000000000a"}"#,
            example_ok: r#"{"order":"$ORD","state":"arrived_pickup","order_state":"ready","dup":false}"#,
        },
        _ => CommandRow {
            by,
            does: "The rider has the goods, or has handed them over: with the customer's PIN as `code` or a `photo` where the \
                   order's `handover.needs` says so. A wrong PIN is error 131 with the tries `left`, and counts once for each `cid`.",
            params: once::<riders::DoneInput>,
            ok: done::<DeliveryView>,
            example: r#"{"order":"$ORD","stop":"dropoff","cid":"01990c1f-0000-7000-8000-00000000000a","code":"0417"}"#,
            example_ok: r#"{"order":"$ORD","state":"delivered","order_state":"delivered","dup":false}"#,
        },
    }
}

/// What riders say when a delivery does not go as planned.
fn trouble(method: Method) -> CommandRow {
    let by = "the rider who holds the delivery";
    match method {
        Method::DeliveryReturn => CommandRow {
            by,
            does: "Brings goods back to the store that cannot be handed over; the store confirms that it has them \
                   (`POST /v1/orders/{order}/returned`). `customer_unreachable` only after five minutes at the door.",
            params: once::<deliveries::ReturnInput>,
            ok: done::<DeliveryView>,
            example: r#"{"order":"$ORD","reason":"customer_refused","cid":"01990c1f-0000-7000-8000-00000000000c"}"#,
            example_ok: r#"{"order":"$ORD","state":"returning","order_state":"picked_up","dup":false}"#,
        },
        Method::DeliveryLost => CommandRow {
            by,
            does: "The goods are gone or spoilt: the order ends, and the customer gets all money back.",
            params: once::<deliveries::LostInput>,
            ok: done::<DeliveryView>,
            example: r#"{"order":"$ORD","reason":"accident","cid":"01990c1f-0000-7000-8000-00000000000d"}"#,
            example_ok: r#"{"order":"$ORD","state":"failed","order_state":"cancelled","dup":false}"#,
        },
        _ => CommandRow {
            by,
            does: "Hands a delivery on before pickup: it waits again, the rider leaves the order's chat and is not asked \
                   again for it for a while.",
            params: once::<deliveries::HandOnInput>,
            ok: done::<DeliveryView>,
            example: r#"{"order":"$ORD","reason":"vehicle_trouble","cid":"01990c1f-0000-7000-8000-00000000000b"}"#,
            example_ok: r#"{"order":"$ORD","state":"waiting","order_state":"ready","dup":false}"#,
        },
    }
}

/// What the grab pool shows, by itself and as a snapshot.
pub(super) type PoolSnapshot = subscriptions::SnapshotPush<Vec<PoolItem>>;
