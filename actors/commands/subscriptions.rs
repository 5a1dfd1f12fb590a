//! Hearing channels: `sub` and `unsub`.

use domain::{
    channel::Channel,
    chat::{ChatHours, ChatState},
    clock::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use storage::push::Push;
use usecases::{
    channels::{self, Member},
    chat, deliveries, ops, presence,
};

use crate::{
    commands::Answer,
    frame::Frame,
    frames, positions,
    protocol::params,
    refusal::{Kind, Refusal},
    session::{Known, Plan, Position, Session},
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct SubInput {
    /// The channel.
    ch: String,
    /// Where the client stands in a logged channel: the numbering.
    #[serde(default)]
    ep: Option<String>,
    /// Where the client stands in a logged channel: everything up to here has arrived.
    #[serde(default)]
    off: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct ChannelInput {
    /// The channel.
    ch: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Subscribed {
    /// The channel.
    ch: String,
    /// Where the client stands in a logged channel.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
    /// The parties of an order's chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<Member>>,
    /// Whether the order's chat takes messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<ChatView>,
}

/// Whether the order's chat takes messages, and until when.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ChatView {
    /// Whether it does; operators may always speak.
    #[schemars(extend("enum" = ChatState::names()))]
    state: &'static str,
    /// When it closes or has closed, in UTC milliseconds; only once the order has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    closes_at: Option<i64>,
}

impl From<ChatHours> for ChatView {
    fn from(hours: ChatHours) -> Self {
        Self { state: hours.state.as_str(), closes_at: hours.closes_at.map(Timestamp::ms) }
    }
}

/// Reads the name of a channel.
///
/// # Errors
///
/// [`Refusal`] if it is none.
pub fn channel(text: &str) -> Result<Channel, Refusal> {
    text.parse().map_err(|_| Refusal::new(Kind::NotFound, "there is no such channel for you"))
}

/// Reads the name of a channel that the profile may read.
///
/// # Errors
///
/// [`Refusal`] of kind `NotFound` for any other: who may not read it does not learn of it.
pub async fn readable(session: &Session, text: &str) -> Result<Channel, Refusal> {
    let channel = channel(text)?;
    // Whoever hears it was checked before.
    if session.hears(&channel) {
        return Ok(channel);
    }
    let (platform, bench) = (&session.live.platform, session.live.bench_channels);
    if channels::may_read(platform, session.profile, &channel, bench).await? {
        return Ok(channel);
    }
    Err(Refusal::new(Kind::NotFound, "there is no such channel for you"))
}

/// `sub`: hears a channel from its position, or from where the client left off.
///
/// # Errors
///
/// [`Refusal`] if the profile may not read it.
pub async fn sub(session: &mut Session, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let input: SubInput = params(p)?;
    let channel = readable(session, &input.ch).await?;
    session.attach(&channel)?;
    let prepared = if channel.is_logged() {
        let known = input.ep.zip(input.off).map(|(ep, off)| Known { ep, off });
        prepare_log(session, &channel, known).await
    } else {
        prepare_latest(session, &channel).await
    };
    if prepared.is_err() {
        session.leave(&channel);
    }
    prepared
}

async fn prepare_log(
    session: &Session,
    channel: &Channel,
    known: Option<Known>,
) -> Result<Answer, Refusal> {
    let platform = &session.live.platform;
    let (members, hours) = match channel {
        Channel::Order(id) => {
            let members = channels::members(platform, *id).await?;
            (Some(members), chat::open_hours(platform, *id).await?)
        }
        _ => (None, None),
    };
    let (mut position, mut plans) = (None, Vec::new());
    for (place, plan) in session.positions(&[(channel.clone(), known)]).await? {
        position = Some(place);
        plans.push(plan);
    }
    let chat = hours.map(ChatView::from);
    let reply = Subscribed { ch: channel.to_string(), position, members, chat };
    Ok(Answer { plans, ..Answer::of(&reply) })
}

async fn prepare_latest(session: &Session, channel: &Channel) -> Result<Answer, Refusal> {
    let snapshot = snapshot(session, channel).await?;
    let reply = Subscribed { ch: channel.to_string(), position: None, members: None, chat: None };
    let plans = vec![Plan::Latest { channel: channel.clone(), snapshot }];
    Ok(Answer { plans, ..Answer::of(&reply) })
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct SnapshotPush<T> {
    push: Push,
    /// The channel.
    ch: String,
    /// Everything that is true now.
    snapshot: T,
}

/// What a latest-only channel shows now; `None` if it only tells changes.
async fn snapshot(session: &Session, channel: &Channel) -> Result<Option<Frame>, Refusal> {
    let ch = channel.to_string();
    match channel {
        Channel::Pool(cell) => {
            let cells = std::slice::from_ref(cell);
            let snapshot = deliveries::pool_snapshot(&session.live.platform, cells).await?;
            Ok(Some(frames::json(&SnapshotPush { push: Push::Pool, ch, snapshot })))
        }
        Channel::Ops(region) => {
            let values = ops::snapshot(&session.live.platform, region).await?;
            Ok(Some(frames::ops_snapshot(&ch, &values)))
        }
        Channel::Live(order_id) => {
            let snapshot = presence::of_order(&session.live.platform, *order_id).await?;
            Ok(Some(frames::json(&SnapshotPush { push: Push::Presence, ch, snapshot })))
        }
        Channel::Loc(order_id) => {
            let platform = &session.live.platform;
            let rider = deliveries::rider_of(platform, *order_id).await?;
            let seen = rider.and_then(|rider| {
                positions::last_seen(&session.live.fleet, *order_id, rider, platform.now())
            });
            Ok(seen.as_ref().map(frames::latest))
        }
        _ => Ok(None),
    }
}

/// `unsub`: stops hearing a channel. Safe to repeat.
///
/// # Errors
///
/// [`Refusal`] if the name is no channel's.
pub fn unsub(session: &mut Session, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let input: ChannelInput = params(p)?;
    session.leave(&channel(&input.ch)?);
    Ok(Answer::yes())
}
