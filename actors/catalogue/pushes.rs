//! The pushes: where they come, what they say, and their shapes.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use storage::{
    events::{
        Alarm, CartMoved, Edited, Eta, HandoverNews, MemberMoved, OfferClosed, Offered, OpsAlarm,
        OpsEvent, OpsOrder, OpsRider, OpsStore, OpsValue, OrderDelayed, OrderMoved, PickupReady,
        PoolItem, RouteChanged, Said, SignedOut, StoreOpened, Tombstone, Unassigned,
    },
    explanations::Explanation,
    journal,
    push::Push,
};
use usecases::{deliveries::DeliveryView, duty::DutyView, presence::Seen, receipts::CursorMoved};

use super::{
    Shape, anything,
    channels::Family::{self, *},
    commands::PoolSnapshot,
    merge, shape,
};
use crate::{
    commands::{chat, riders, subscriptions::SnapshotPush},
    drain::DrainPush,
    frames, positions,
    presence::PresencePush,
};

/// What a push begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// An entry of a logged channel: apply only `off == last + 1`.
    Entry,
    /// The newest value of something: it may replace what was known.
    Latest,
    /// Neither: the shape is all there is.
    Whole,
}

/// A push, or one of its shapes, as it is documented.
#[derive(Clone, Copy)]
pub struct PushRow {
    /// The name of the shape: that of the push, with something behind it if there are several.
    pub name: &'static str,
    /// On which channels it comes.
    pub on: &'static [Family],
    /// What it begins with.
    pub header: Header,
    /// What it says.
    pub does: &'static str,
    body: Shape,
    /// An example of the whole frame.
    pub example: &'static str,
}

impl PushRow {
    /// The shape of the whole frame.
    pub fn shape(&self, push: Push, generator: &mut SchemaGenerator) -> Schema {
        let head = match self.header {
            Header::Entry => shape::<journal::Header>(generator),
            Header::Latest => shape::<frames::LatestHeader>(generator),
            Header::Whole => schemars::json_schema!({ "type": "object" }),
        };
        let mut whole = merge(head, (self.body)(generator));
        if let Some(serde_json::Value::Object(properties)) = whole.get_mut("properties") {
            properties.insert("push".to_owned(), serde_json::json!({ "const": push.as_str() }));
            if let Some(ch) = properties.get_mut("ch").filter(|_| self.on != [Connection]) {
                let starts: Vec<&str> = self.on.iter().map(|it| it.prefix()).collect();
                ch["pattern"] = format!("^({})", starts.join("|")).into();
            }
        }
        whole
    }
}

/// A thing on the operators' map.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only describes")]
enum OpsThing {
    Rider(OpsRider),
    Order(OpsOrder),
    Store(OpsStore),
    Alarm(OpsAlarm),
}

type OpsSnapshot = SnapshotPush<BTreeMap<String, OpsThing>>;

const fn entry(
    name: &'static str,
    on: &'static [Family],
    does: &'static str,
    body: Shape,
    example: &'static str,
) -> PushRow {
    PushRow { name, on, header: Header::Entry, does, body, example }
}

const fn latest(
    name: &'static str,
    on: &'static [Family],
    does: &'static str,
    body: Shape,
    example: &'static str,
) -> PushRow {
    PushRow { name, on, header: Header::Latest, does, body, example }
}

const fn whole(
    name: &'static str,
    on: &'static [Family],
    does: &'static str,
    body: Shape,
    example: &'static str,
) -> PushRow {
    PushRow { name, on, header: Header::Whole, does, body, example }
}

/// The shapes of a push. Every push has at least one.
#[rustfmt::skip]
pub fn pushes(push: Push) -> Vec<PushRow> {
    match push {
        Push::Msg => vec![
            entry("msg", &[Order], "Somebody said something.", shape::<Said>,
                r#"{"push":"msg","ch":"order:$ORD","ep":"5f3a91c2","off":42,"ts":1790000000456,"sender":"$CUS",
                    "cid":"01990c1f-0000-7000-8000-000000000001","from":{"profile":"$CUS","role":"customer","name":"Cleo"},
                    "kind":"text","body":"Second floor"}"#),
            entry("msg.recalled", &[Order], "What is left of a message that was taken back; in history, resume and repair.",
                shape::<Tombstone>,
                r#"{"push":"msg","ch":"order:$ORD","ep":"5f3a91c2","off":42,"ts":1790000000456,"sender":"$CUS",
                    "cid":"01990c1f-0000-7000-8000-000000000001","from":{"profile":"$CUS","role":"customer","name":"Cleo"},
                    "kind":"text","recalled":true}"#),
            entry("msg.bench.log", &[BenchLog], "What somebody published, with its fields.", anything,
                r#"{"push":"msg","ch":"bench:log:room-1","ep":"5f3a91c2","off":1,"ts":1790000000456,"sender":"$CUS",
                    "cid":"01990c1f-0000-7000-8000-00000000000b","n":1}"#),
            latest("msg.bench.latest", &[BenchLatest], "What somebody published, with its fields.", anything,
                r#"{"push":"msg","ch":"bench:latest:room-1","n":1}"#),
        ],
        Push::Edit => vec![
            entry("edit", &[Order], "A message was taken back by its author: forget what it said.", shape::<Edited>,
                r#"{"push":"edit","ch":"order:$ORD","ep":"5f3a91c2","off":45,"ts":1790000060000,"sender":"$CUS",
                    "cid":"01990c1f-0000-7000-8000-00000000000c","of":42,"recalled":true}"#),
        ],
        Push::Order => vec![
            entry("order", &[Order, Store, Inbox],
                "A line of the order's story. The same line comes on the order's channel, to the store from payment on, and \
                 to the inboxes of its parties, with an offset of each channel.", shape::<OrderMoved>,
                r#"{"push":"order","ch":"order:$ORD","ep":"5f3a91c2","off":3,"ts":1790000000789,"sender":"$MER",
                    "order":"$ORD","seq":3,"machine":"order","event":"store_accepted","from":"paid","to":"accepted",
                    "status":"accepted","order_state":"accepted","refund":"none","by":{"role":"merchant","id":"$MER"},
                    "at":1790000000789,"store":"$STO","total_minor":4280,"currency":"CNY","ready_at":1790000720000}"#),
        ],
        Push::OrderDelayed => vec![
            entry("order.delayed", &[Order, Store, Inbox],
                "The order will be at the door later than promised. Told once, and again when the delay has grown by ten minutes.",
                shape::<OrderDelayed>,
                r#"{"push":"order.delayed","ch":"inbox:$CUS","ep":"0c11d2e3","off":21,"ts":1790002280000,"sender":"system",
                    "order":"$ORD","promised":1790002400000,"low":1790002640000,"high":1790003000000,"late_ms":240000,
                    "again":false}"#),
        ],
        Push::Member => vec![
            entry("member", &[Order], "Somebody joined or left the order's chat.", shape::<MemberMoved>,
                r#"{"push":"member","ch":"order:$ORD","ep":"5f3a91c2","off":9,"ts":1790000001000,"sender":"$RID",
                    "profile":"$RID","role":"rider","name":"Remy","joined":true}"#),
        ],
        Push::Alarm => vec![
            entry("alarm", &[Store], "The store's bell rings until it is cleared, and again after a while; with `rings:false` once.", shape::<Alarm>,
                r#"{"push":"alarm","ch":"store:$STO","ep":"77aa01bc","off":12,"ts":1790000000456,"sender":"system",
                    "order":"$ORD","alarm":"new_order","rings":true}"#),
        ],
        Push::AlarmClear => vec![
            entry("alarm.clear", &[Store], "The bell stops: the order was accepted, rejected or called off.", shape::<Alarm>,
                r#"{"push":"alarm.clear","ch":"store:$STO","ep":"77aa01bc","off":14,"ts":1790000000789,"sender":"system",
                    "order":"$ORD","alarm":"new_order","rings":false}"#),
        ],
        Push::Offer => vec![
            entry("offer", &[Inbox], "A delivery is offered to this rider alone, until it expires.", shape::<Offered>,
                r#"{"push":"offer","ch":"inbox:$RID","ep":"0c11d2e3","off":916,"ts":1790000003000,"sender":"system",
                    "offer":"$OFR","order":"$ORD","store":{"id":"$STO","name":"Noodle House","lat":39.9051,"lng":116.4011},
                    "dropoff_area":"wx4g0d","pay_minor":680,"currency":"CNY","pickup_m":740,"trip_m":2900,"adds_s":310,
                    "route":[{"order":"$ORD","stop":"pickup","lat":39.9051,"lng":116.4011,"eta":1790000200000}],
                    "expires":1790000033000}"#),
        ],
        Push::Handover => vec![
            entry("handover", &[Inbox, Store],
                "What is needed so that an order can change hands has changed: the PIN was wrong too often, or an operator does \
                 without a proof. To the customer and the rider, or the store whose order is collected.",
                shape::<HandoverNews>,
                r#"{"push":"handover","ch":"inbox:$RID","ep":"0c11d2e3","off":923,"ts":1790000900000,"sender":"system",
                    "order":"$ORD","mode":"delivery","needs":"none","is_locked":true,"waived":"code_not_at_hand"}"#),
        ],
        Push::PickupReady => vec![
            entry("pickup.ready", &[Inbox],
                "The order waits at the store for its customer, who shows the code there. Only in the customer's own inbox.",
                shape::<PickupReady>,
                r#"{"push":"pickup.ready","ch":"inbox:$CUS","ep":"0c11d2e3","off":22,"ts":1790000700000,"sender":"system",
                    "order":"$ORD","store":{"id":"$STO","name":"Noodle House","lat":39.9051,"lng":116.4011},
                    "code":"K7Q4M","qr":"riderhub:pickup:$ORD:K7Q4M"}"#),
        ],
        Push::OfferClosed => vec![
            entry("offer.closed", &[Inbox], "An offer is over, however it ended.", shape::<OfferClosed>,
                r#"{"push":"offer.closed","ch":"inbox:$RID","ep":"0c11d2e3","off":917,"ts":1790000010000,"sender":"system",
                    "offer":"$OFR","order":"$ORD","state":"accepted"}"#),
        ],
        Push::Assigned => vec![
            entry("assigned", &[Inbox], "A delivery is this rider's now; the hub joins the order's channel.", shape::<DeliveryView>,
                r#"{"push":"assigned","ch":"inbox:$RID","ep":"0c11d2e3","off":918,"ts":1790000010000,"sender":"system",
                    "order":"$ORD","state":"assigned","order_state":"preparing"}"#),
        ],
        Push::Unassigned => vec![
            entry("unassigned", &[Inbox], "A delivery is not this rider's any more, and why; the hub leaves the order's channel.",
                shape::<Unassigned>,
                r#"{"push":"unassigned","ch":"inbox:$RID","ep":"0c11d2e3","off":919,"ts":1790000200000,"sender":"system",
                    "order":"$ORD","reason":"rider_not_moving","by":"system"}"#),
        ],
        Push::Route => vec![
            entry("route", &[Inbox], "The rider's stops in their new order.", shape::<RouteChanged>,
                r#"{"push":"route","ch":"inbox:$RID","ep":"0c11d2e3","off":919,"ts":1790000010500,"sender":"system",
                    "stops":[{"order":"$ORD","stop":"pickup","lat":39.9051,"lng":116.4011,"eta":1790000200000}],"why":"planned"}"#),
        ],
        Push::Duty => vec![
            entry("duty", &[Inbox], "The rider's duty was changed for him, e.g. a break after three silences.", shape::<DutyView>,
                r#"{"push":"duty","ch":"inbox:$RID","ep":"0c11d2e3","off":920,"ts":1790000090000,"sender":"system",
                    "duty":"break","orders":[]}"#),
        ],
        Push::Store => vec![
            entry("store", &[Inbox], "A store of this merchant is there; the hub joins its channel.", shape::<StoreOpened>,
                r#"{"push":"store","ch":"inbox:$MER","ep":"b0b1b2b3","off":1,"ts":1789990000000,"sender":"$MER",
                    "store":"$STO","name":"Noodle House"}"#),
        ],
        Push::Cart => vec![
            entry("cart", &[Inbox], "A cart of this customer has changed, on whatever device; read it again.", shape::<CartMoved>,
                r#"{"push":"cart","ch":"inbox:$CUS","ep":"0c11d2e3","off":22,"ts":1790002290000,"sender":"$CUS",
                    "store":"$STO","version":7,"n_lines":2,"n_pieces":3}"#),
        ],
        Push::SignedOut => vec![
            entry("signed_out", &[Inbox],
                "A sign-in of this person was ended by somebody else: an operator, a newer device, or because its token was copied.",
                shape::<SignedOut>,
                r#"{"push":"signed_out","ch":"inbox:$CUS","ep":"0c11d2e3","off":30,"ts":1790000300000,"sender":"system",
                    "session":"$SES","device":"Cleo's phone","role":"customer","why":"token_reused","at":1790000300000}"#),
        ],
        _ => unlogged(push),
    }
}

#[rustfmt::skip]
fn unlogged(push: Push) -> Vec<PushRow> {
    match push {
        Push::Loc => vec![
            latest("loc", &[Loc], "Where the rider is. Only the newest counts.", shape::<positions::Loc>,
                r#"{"push":"loc","ch":"loc:$ORD","rider":"$RID","seq":1841,"lat":39.90421,"lng":116.40739,"hdg":271.0,
                    "t":1790000003000,"age_ms":140}"#),
        ],
        Push::Eta => vec![
            latest("eta", &[Loc], "When the order is expected at the door, and the rider at the store while he has not been there. \
                 At most one a minute for each order.", shape::<Eta>,
                r#"{"push":"eta","ch":"loc:$ORD","order":"$ORD","stop":"dropoff","eta":1790000900000,
                    "low":1790000780000,"high":1790001020000,"at":1790000003000}"#),
        ],
        Push::Pool => vec![
            latest("pool", &[Pool], "A delivery to grab, or (`open:false`) one that is gone.", shape::<PoolItem>,
                r#"{"push":"pool","ch":"pool:wx4g0d","order":"$ORD","open":true,
                    "store":{"id":"$STO","name":"Noodle House","lat":39.9051,"lng":116.4011},"pay_minor":680,
                    "currency":"CNY","dropoff_area":"wx4g0d","since":1790000000789}"#),
            whole("pool.snapshot", &[Pool], "What can be grabbed now; comes after `sub`.", shape::<PoolSnapshot>,
                r#"{"push":"pool","ch":"pool:wx4g0d","snapshot":[]}"#),
        ],
        Push::Ops => vec![
            latest("ops", &[Ops], "The newest value of a thing on the map; `null` when it is gone.",
                shape::<OpsValue<OpsThing>>,
                r#"{"push":"ops","ch":"ops:wx4g","key":"rider:$RID","v":null}"#),
            whole("ops.snapshot", &[Ops], "The whole map by key; comes after `sub`.", shape::<OpsSnapshot>,
                r#"{"push":"ops","ch":"ops:wx4g","snapshot":{"store:$STO":{"name":"Noodle House","lat":39.9051,"lng":116.4011,"is_open":true}}}"#),
        ],
        Push::OpsEvent => vec![
            latest("ops.event", &[Ops], "A line of the operators' feed.", shape::<OpsEvent<'static, OrderMoved>>,
                r#"{"push":"ops.event","ch":"ops:wx4g","kind":"order","order":"$ORD","seq":3,"machine":"order",
                    "event":"store_accepted","from":"paid","to":"accepted","status":"accepted",
                    "order_state":"accepted","refund":"none","by":{"role":"merchant","id":"$MER"},"at":1790000000789,"store":"$STO"}"#),
            latest("ops.event.delay", &[Ops], "A line of the operators' feed: an order will be late.",
                shape::<OpsEvent<'static, OrderDelayed>>,
                r#"{"push":"ops.event","ch":"ops:wx4g","kind":"delay","order":"$ORD","promised":1790002400000,
                    "low":1790002640000,"late_ms":240000,"again":false}"#),
        ],
        Push::OpsWhy => vec![
            latest("ops.why", &[Ops], "Why a rider was asked: the candidates and what the delivery would cost with each, in minutes.",
                shape::<Explanation>,
                r#"{"push":"ops.why","ch":"ops:wx4g","order":"$ORD","offer":"$OFR","policy":"batch",
                    "chosen":{"rider":"$RID","cost_min":31.4,"handicap_min":0.0,"pickup_m":740,"load":1},
                    "others":[],"n_candidates":1,"at":1790000000789}"#),
        ],
        Push::Cur => vec![
            latest("cur", &[Order, Inbox, Store], "How far somebody has come.", shape::<CursorMoved>,
                r#"{"push":"cur","ch":"order:$ORD","profile":"$CUS","delivered":44,"read":42}"#),
        ],
        Push::Typing => vec![
            whole("typing", &[Live], "Somebody writes, or has stopped. Forget it after some seconds without another.",
                shape::<chat::TypingPush<'static>>,
                r#"{"push":"typing","ch":"live:$ORD","profile":"$CUS","name":"Cleo","on":true,"ttl_ms":6000}"#),
        ],
        Push::Presence => vec![
            whole("presence", &[Live], "A party of the order came or went: the first of its devices, or the last one 20 s ago.",
                shape::<PresencePush>,
                r#"{"push":"presence","ch":"live:$ORD","profile":"$RID","role":"rider","on":false,"at":1790000000123}"#),
            whole("presence.snapshot", &[Live], "Which parties are there now; comes after `sub`.",
                shape::<SnapshotPush<Vec<Seen>>>,
                r#"{"push":"presence","ch":"live:$ORD","snapshot":[{"profile":"$CUS","role":"customer","on":true,
                    "at":1790000000123}]}"#),
        ],
        Push::LocDenied => vec![
            whole("loc.denied", &[Connection], "Another device publishes the rider's position; this one's are dropped. Told once.",
                shape::<riders::LocDenied>, r#"{"push":"loc.denied","device":"d-9f2"}"#),
        ],
        Push::Subscribed => vec![
            whole("subscribed", &[Connection], "The hub joined a channel for the client, or renumbered one that it hears.",
                shape::<frames::Subscribed<'static>>,
                r#"{"push":"subscribed","ch":"order:$ORD","ep":"5f3a91c2","off":2}"#),
        ],
        Push::Lag => vec![
            whole("lag", &[Connection],
                "The client reads too slowly: nothing more of this channel comes until it has read `history` and says `sub` \
                 with its position again.", shape::<frames::Lag<'static>>,
                r#"{"push":"lag","ch":"order:$ORD","ep":"5f3a91c2","off":41}"#),
        ],
        Push::Unsubscribed => vec![
            whole("unsubscribed", &[Connection], "The hub left a channel that it had joined by itself.",
                shape::<frames::Unsubscribed>,
                r#"{"push":"unsubscribed","ch":"order:$ORD"}"#),
        ],
        Push::Auth => vec![
            whole("auth", &[Connection], "The token runs out: bring a new one with `auth.refresh`.", shape::<frames::Auth>,
                r#"{"push":"auth","state":"expiring","expires_in_ms":60000}"#),
        ],
        Push::Hub => vec![
            whole("hub", &[Connection], "The link between the nodes. Nothing is lost while it is away.",
                shape::<frames::HubPush>, r#"{"push":"hub","state":"degraded"}"#),
        ],
        Push::Drain => vec![
            whole("drain", &[Connection], "This node goes down: in that time the connection is closed with 4001, and not before.",
                shape::<DrainPush>, r#"{"push":"drain","after_ms":3120}"#),
        ],
        Push::Ping => vec![
            whole("ping", &[Connection], "A ping that a page can see. Nothing need be answered.", shape::<frames::Heartbeat>,
                r#"{"push":"ping"}"#),
        ],
        Push::Msg | Push::Edit | Push::Order | Push::OrderDelayed | Push::Member | Push::Alarm | Push::AlarmClear | Push::Offer | Push::Handover | Push::PickupReady | Push::OfferClosed
        | Push::Assigned | Push::Unassigned | Push::Route | Push::Duty | Push::Store
        | Push::SignedOut | Push::Cart => Vec::new(),
    }
}
