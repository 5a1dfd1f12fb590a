//! Chat: saying, taking back, typing, acknowledging, reading, paging back; and the load generator's `pub`.

use std::time::Duration;

use domain::{channel::Channel, chat::MessageKind, checked_text::MessageText};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use storage::{events::SharedPlace, journal, push::Push};
use usecases::{
    chat::{self, Part, Saying, Sent},
    platform::Done,
    recall,
    receipts::Reached,
};

use crate::{
    commands::{
        Answer,
        subscriptions::{channel, readable},
    },
    frame::Frame,
    frames, objects,
    protocol::{check_cid, params},
    receipts,
    refusal::{Kind, Refusal},
    session::Session,
};

/// Entries of one page unless the client says otherwise.
const HISTORY_DEFAULT: u32 = 50;
/// Bytes of one page at most, but for its first entry.
const HISTORY_BYTES_MAX: usize = 131_072;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct SendInput {
    /// The order's channel.
    ch: String,
    /// Makes it happen once.
    #[schemars(length(min = 8, max = 64))]
    cid: String,
    /// `text` unless given.
    #[serde(default = "text_kind")]
    #[schemars(extend("enum" = MessageKind::names()))]
    kind: String,
    /// The text, in characters; may be left out beside a picture or a place.
    #[serde(default)]
    #[schemars(length(max = MessageText::CHARS_MAX))]
    body: String,
    /// Offset of the entry that this answers.
    #[serde(default)]
    reply_to: Option<u64>,
    /// The place of a `location`.
    #[serde(default)]
    place: Option<SharedPlace>,
    /// The attachment of an `image`, uploaded before: `att_…`.
    #[serde(default)]
    att: Option<String>,
}

fn text_kind() -> String {
    "text".to_owned()
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct SentView {
    /// Its offset in the channel.
    off: u64,
    /// When it was written, in UTC milliseconds.
    ts: i64,
    /// Whether this is the stored answer of an earlier time.
    dup: bool,
}

fn sent(done: &Done<Sent>) -> Answer {
    let off = done.positions.first().map_or(0, |it| it.off);
    Answer::of(&SentView { off, ts: done.value.ts, dup: done.dup })
}

/// `chat.send`: says something; answered after commit.
///
/// # Errors
///
/// [`Refusal`] as [`chat::send`] gives it.
pub async fn send(session: &mut Session, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let input: SendInput = params(p)?;
    check_cid(&input.cid)?;
    let SendInput { ch, cid, kind, body, reply_to, place, att } = input;
    let saying = Saying { channel: channel(&ch)?, cid, kind, body, reply_to, place, att };
    let platform = &session.live.platform;
    let done = chat::send(platform, session.profile, &session.name, saying).await?;
    Ok(sent(&done))
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct RecallInput {
    /// The order's channel.
    ch: String,
    /// Makes it happen once.
    #[schemars(length(min = 8, max = 64))]
    cid: String,
    /// Offset of the message.
    off: u64,
}

/// `chat.recall`: takes a message back; answered after commit.
///
/// # Errors
///
/// [`Refusal`] as [`recall::recall`] gives it.
pub async fn take_back(session: &mut Session, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let RecallInput { ch, cid, off } = params(p)?;
    check_cid(&cid)?;
    let (platform, by) = (&session.live.platform, session.profile);
    Ok(sent(&recall::recall(platform, by, channel(&ch)?, cid, off).await?))
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct PositionInput {
    /// A logged channel.
    ch: String,
    /// Everything up to here.
    off: u64,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct CursorView {
    /// Everything up to here arrived at one of the profile's devices.
    delivered: u64,
    /// Everything up to here was read.
    read: u64,
}

/// `ack`: everything up to here has arrived at this device.
///
/// # Errors
///
/// [`Refusal`] if the channel is not the profile's, or has no such entry yet.
pub async fn ack(session: &mut Session, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let input: PositionInput = params(p)?;
    reach(session, &input.ch, Reached::Delivered(input.off)).await
}

/// `read`: everything up to here has been read by the person.
///
/// # Errors
///
/// [`Refusal`] if the channel is not the profile's, or has no such entry yet.
pub async fn read(session: &mut Session, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let input: PositionInput = params(p)?;
    reach(session, &input.ch, Reached::Read(input.off)).await
}

async fn reach(session: &Session, ch: &str, reached: Reached) -> Result<Answer, Refusal> {
    let channel = readable_log(session, ch).await?;
    let (live, by) = (&session.live, session.id);
    let cursor = receipts::note(live, by, session.profile, channel, reached).await?;
    Ok(Answer::of(&CursorView { delivered: cursor.delivered, read: cursor.read }))
}

async fn readable_log(session: &Session, ch: &str) -> Result<Channel, Refusal> {
    let channel = readable(session, ch).await?;
    if channel.is_logged() {
        return Ok(channel);
    }
    Err(Refusal::bad("only a channel with offsets has positions and a history"))
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct HistoryInput {
    /// A logged channel.
    ch: String,
    /// Entries below this offset, newest first.
    #[serde(default)]
    before: Option<u64>,
    /// Entries above this offset, oldest first; not together with `before`.
    #[serde(default)]
    after: Option<u64>,
    /// Entries of the page, 50 unless given; more than the maximum is taken as the maximum.
    #[serde(default)]
    limit: Option<u32>,
}

/// `history`: a page, newest first (`before`, or neither) or oldest first (`after`).
///
/// # Errors
///
/// [`Refusal`] if the channel is not the profile's.
pub async fn history(session: &mut Session, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let input: HistoryInput = params(p)?;
    let part = match (input.before, input.after) {
        (Some(_), Some(_)) => {
            return Err(Refusal::bad("give `before` or `after`, not both"));
        }
        (before, None) => Part::Before(before),
        (None, Some(after)) => Part::After(after),
    };
    let channel = readable_log(session, &input.ch).await?;
    let limit = input.limit.unwrap_or(HISTORY_DEFAULT);
    let page = chat::history(&session.live.platform, &channel, part, limit).await?;
    // Entries are the same frames as the pushes; they go out as they are.
    let (mut json, mut more, mut n_entries) = (String::from("{\"entries\":["), page.more, 0);
    for entry in &page.entries {
        let frame = journal::frame(entry);
        if n_entries > 0 && json.len() + frame.len() > HISTORY_BYTES_MAX {
            more = true;
            break;
        }
        if n_entries > 0 {
            json.push(',');
        }
        json.push_str(&String::from_utf8_lossy(&frame));
        n_entries += 1;
    }
    json.push_str(&format!("],\"more\":{more}}}"));
    Ok(Answer { json, plans: Vec::new() })
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct TypingInput {
    /// The order's channel, `order:` or `live:`.
    ch: String,
    /// `false` when the person stops.
    #[serde(default = "yes")]
    on: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct TypingPush<'a> {
    push: Push,
    /// The order's `live:` channel.
    ch: String,
    /// Who writes.
    profile: String,
    /// The name to show.
    name: &'a str,
    /// `false` when the person stops.
    on: bool,
    /// It ends by itself after this long without another one.
    #[schemars(with = "u64")]
    ttl_ms: u128,
}

/// Somebody who types says so again before this is over.
pub const TYPING_TTL: Duration = Duration::from_secs(6);

/// `typing`: told to those who hear `live` of the order, and nowhere kept.
///
/// # Errors
///
/// [`Refusal`] unless the connection hears the order's chat.
pub fn typing(session: &mut Session, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let input: TypingInput = params(p)?;
    let order_id = match channel(&input.ch)? {
        Channel::Order(id) | Channel::Live(id) => id,
        _ => return Err(Refusal::bad("typing belongs to an order's chat")),
    };
    let live = Channel::Live(order_id);
    if !session.hears(&Channel::Order(order_id)) && !session.hears(&live) {
        return Err(Refusal::new(Kind::NotFound, "subscribe to the order's chat first"));
    }
    let profile = session.profile.to_string();
    let push = TypingPush {
        push: Push::Typing,
        ch: live.to_string(),
        profile: profile.clone(),
        name: &session.name,
        on: input.on,
        ttl_ms: TYPING_TTL.as_millis(),
    };
    session.live.bridge.publish(
        &live,
        &format!("typing:{profile}"),
        &frames::json(&push),
        Some(session.id),
    );
    Ok(Answer::yes())
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct PubInput<'a> {
    /// A channel of the load generator.
    #[serde(borrow)]
    ch: std::borrow::Cow<'a, str>,
    /// An object; its fields become fields of the push.
    #[serde(borrow)]
    #[schemars(with = "Map<String, Value>")]
    body: &'a RawValue,
    /// Makes it happen once.
    #[serde(default)]
    #[schemars(length(min = 8, max = 64))]
    cid: Option<String>,
}

fn pub_input(p: Option<&RawValue>) -> Result<PubInput<'_>, Refusal> {
    let input: PubInput<'_> = objects::from_str(p.map_or("{}", RawValue::get))
        .map_err(|err| Refusal::bad(format!("bad parameters: {err}")))?;
    if !input.body.get().starts_with('{') {
        return Err(Refusal::bad("`body` must be an object"));
    }
    Ok(input)
}

/// `pub` to a latest-only bench channel, if that is what it is: told to all others who hear it.
///
/// `None` if it is for another channel, or refused: then [`publish`] says so.
pub fn publish_latest(session: &Session, p: Option<&RawValue>) -> Option<Answer> {
    let input = pub_input(p).ok()?;
    let channel @ Channel::BenchLatest(_) = input.ch.parse::<Channel>().ok()? else { return None };
    if !session.live.bench_channels {
        return None;
    }
    let frame = bench_frame(&input.ch, input.body.get());
    session.live.bridge.publish(&channel, "", &frame, Some(session.id));
    Some(Answer::yes())
}

fn bench_frame(ch: &str, body: &str) -> Frame {
    let fields = body.strip_prefix('{').unwrap_or("}");
    let comma = if fields.trim_start().starts_with('}') { "" } else { "," };
    Frame::json(["{\"push\":\"msg\",\"ch\":\"", ch, "\"", comma, fields].concat())
}

/// `pub`: writes to a logged bench channel; answered after commit.
///
/// # Errors
///
/// [`Refusal`] for every other channel, and in production.
pub async fn publish(session: &mut Session, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let input = pub_input(p)?;
    let channel = channel(&input.ch)?;
    if !session.live.bench_channels {
        return Err(Refusal::new(Kind::NotFound, "there is no such channel for you"));
    }
    input.cid.as_deref().map_or(Ok(()), check_cid)?;
    let body = input.body.get().to_owned();
    let platform = &session.live.platform;
    let done = chat::send_bench(platform, session.profile, channel, input.cid, body).await?;
    Ok(sent(&done))
}
