//! Signing in on a socket, picking up where the client left off, and renewing the token.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use domain::{
    channel::Channel,
    ids::ConnectionId,
    policy::OrderPolicy,
    role::{Profile, Role},
};
use metrics::counter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use storage::{arrival::Arrival, journal::Head, publishers::DEVICE_CHARS_MAX, seats::Seat};
use usecases::{channels, devices, error::AskError, tokens::Identity};

use crate::{
    admission::Refused,
    close::Close,
    commands::Answer,
    live::Live,
    outbox::{OUTBOX_BYTES_MAX, Outbox},
    protocol::{CHANNELS_MAX, FRAME_BYTES_MAX, params},
    rate::COMMANDS_MAX,
    refusal::{Kind, Refusal},
    session::{Known, Plan, Position, Session, place_at},
};

/// Most channels that a client may resume by name.
const RESUME_MAX: usize = CHANNELS_MAX;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct ConnectInput {
    /// An access token of `POST /v1/sessions`.
    token: String,
    /// Which device this is.
    #[serde(default)]
    device: Option<Device>,
    /// Where the client stands in logged channels.
    #[serde(default)]
    resume: HashMap<String, Known>,
}

/// A device, as it calls itself.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only the id is used; the rest is for people who look at frames")]
pub(crate) struct Device {
    /// Made once at installation and kept: printable ASCII characters.
    #[schemars(length(min = 1, max = 64))]
    id: String,
    /// `ios`, `android`, `web` or something else.
    #[serde(default)]
    kind: Option<String>,
    /// The app and its version.
    #[serde(default)]
    app: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Connected {
    /// This connection, for support.
    connection: String,
    /// Who is signed in.
    profile: String,
    /// The profile's role.
    #[schemars(extend("enum" = Role::names()))]
    role: &'static str,
    /// The name that others see.
    name: String,
    /// The server's clock, in UTC milliseconds.
    time: i64,
    /// How many times faster than real time the server's clock runs, unless it runs in real time.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_scale: Option<f64>,
    /// When the hub pings.
    ping: Ping,
    /// What a connection may do.
    limits: Limits,
    /// The logged channels that are heard from now on, and where they stand.
    channels: BTreeMap<String, Position>,
    /// How to come back after a lost connection.
    reconnect: Reconnect,
    /// Until when the token is good, in UTC milliseconds.
    token_exp: i64,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Ping {
    /// A ping comes this often.
    #[schemars(with = "u64")]
    every_ms: u128,
    /// An answer, or any frame, is expected within this time.
    #[schemars(with = "u64")]
    timeout_ms: u128,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Limits {
    /// Bytes of one message to the hub.
    frame: usize,
    /// Characters of a chat message.
    text: usize,
    /// Commands in ten seconds, also all at once.
    commands_per_10s: u32,
    /// Bytes that may wait for the client.
    queue: usize,
    /// Channels that the client may choose.
    channels: usize,
    /// For how long an author may take a message back.
    #[schemars(with = "u64")]
    recall_ms: u128,
    /// How long after its end an order's chat takes messages.
    #[schemars(with = "u64")]
    chat_after_end_ms: u128,
}

/// How a client should come back.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Reconnect {
    /// The shortest delay before a new attempt.
    min_ms: u32,
    /// The longest window.
    max_ms: u32,
    /// The window of the first attempt after a connection that worked.
    first_window_ms: u32,
}

const fn limits(policy: &OrderPolicy) -> Limits {
    Limits {
        frame: FRAME_BYTES_MAX,
        text: domain::checked_text::MessageText::CHARS_MAX,
        commands_per_10s: COMMANDS_MAX,
        queue: OUTBOX_BYTES_MAX,
        channels: CHANNELS_MAX,
        recall_ms: policy.chat_recall.as_millis(),
        chat_after_end_ms: policy.chat_after_end.as_millis(),
    }
}
const RECONNECT: Reconnect = Reconnect { min_ms: 200, max_ms: 15_000, first_window_ms: 5_000 };

/// Why somebody could not sign in, and how the socket ends.
#[derive(Debug)]
pub struct NotIn {
    /// What the client is told.
    pub refusal: Refusal,
    /// How its socket ends.
    pub close: Close,
}

impl<E: Into<Refusal>> From<E> for NotIn {
    fn from(err: E) -> Self {
        let refusal = err.into();
        let close = how_it_ends(refusal.kind);
        Self { refusal, close }
    }
}

/// How a socket ends that could not sign in.
const fn how_it_ends(kind: Kind) -> Close {
    match kind {
        Kind::Unauthorized | Kind::NotFound => Close::InvalidToken,
        Kind::TokenExpired => Close::TokenExpired,
        Kind::Forbidden => Close::Forbidden,
        Kind::Unavailable | Kind::OutcomeUnknown => Close::Overloaded,
        Kind::BadRequest | Kind::UnknownCommand | Kind::TooBig => Close::BadProtocol,
        _ => Close::ServerError,
    }
}

/// Looks whether this node takes one more connection of a profile.
fn admit(live: &Live, profile: Profile) -> Result<(), NotIn> {
    if live.admission.is_draining() {
        Refused::Draining.count();
        let text = "this node is going down; connect to another one";
        let refusal = Refusal::new(Kind::Unavailable, text);
        return Err(NotIn { refusal, close: Close::Drain(Duration::ZERO) });
    }
    let n_max = live.admission.limits.per_profile;
    if n_max > 0 && live.hub.registry.n_of(profile) >= n_max {
        return Err(too_many(n_max));
    }
    Ok(())
}

fn too_many(n_max: usize) -> NotIn {
    Refused::Profile.count();
    let text = format!("a profile has at most {n_max} connections");
    NotIn { refusal: Refusal::new(Kind::Forbidden, text), close: Close::ConnectionLimit }
}

/// `connect`: checks the token, subscribes to what is the profile's own and to what it resumes.
///
/// # Errors
///
/// [`NotIn`] for a bad token, or if this node takes nobody more.
pub async fn connect(
    live: Arc<Live>,
    id: ConnectionId,
    outbox: Arc<Outbox>,
    p: Option<&RawValue>,
) -> Result<(Session, Answer), NotIn> {
    let input: ConnectInput = params(p)?;
    let now = live.platform.now();
    let (identity, name) =
        live.platform.tokens.verify_named(&input.token, now).map_err(not_valid)?;
    admit(&live, identity.profile)?;
    let its_live = Arc::clone(&live);
    let Some(_turn) = its_live.admission.turn().await else {
        return Err(Refusal::new(Kind::Unavailable, "too many sign in at once").into());
    };
    let device = device_name(input.device, identity)?;
    let mut session = Session::start(live, id, outbox, identity, name, device);
    let (channels, plans, seat) = take_up(&mut session, input.resume).await?;
    let seat = sit_down(&session, identity, seat).await?;
    session.enter(identity, seat);
    // Several may have come at once.
    let n_max = session.live.admission.limits.per_profile;
    if n_max > 0 && session.live.hub.registry.n_of(identity.profile) > n_max {
        return Err(too_many(n_max));
    }
    // Whoever ends the sign-in from here on finds the connection.
    if session.live.platform.tokens.revoked().has(identity.session_id) {
        return Err(not_valid(AskError::Revoked));
    }
    let reply = Connected {
        connection: id.to_string(),
        profile: session.profile.to_string(),
        role: session.profile.role().as_str(),
        name: session.name.clone(),
        time: now.ms(),
        time_scale: Some(session.live.platform.clock.scale())
            .filter(|it| (it - 1.0).abs() > f64::EPSILON),
        ping: Ping {
            every_ms: session.live.pace.ping_every.as_millis(),
            timeout_ms: session.live.pace.pong_within.as_millis(),
        },
        limits: limits(&session.live.platform.policy),
        channels,
        reconnect: RECONNECT,
        token_exp: identity.expires_at.ms(),
    };
    let answer = Answer { plans, ..Answer::of(&reply) };
    Ok((session, answer))
}

/// Joins what is the profile's own and what the client resumes, and says where it stands in each.
///
/// One query if the profile has nothing open and names nothing else; one more for the heads of
/// what it has, and one more if it names orders that have ended.
async fn take_up(
    session: &mut Session,
    mut resume: HashMap<String, Known>,
) -> Result<(BTreeMap<String, Position>, Vec<Plan>, Option<Seat>), NotIn> {
    let (live, profile, id) = (Arc::clone(&session.live), session.profile, session.id);
    let n_named = resume.len();
    let inbox = Channel::Inbox(profile);
    let mut has_room = session.attach_own(&inbox);
    // What becomes the profile's own after this moment is told in the inbox.
    let with_seat = live.one_device.contains(&profile.role());
    let Arrival { inbox: head, own, publisher, seat } =
        channels::arrival(&live.platform, profile, with_seat).await?;
    if let (Profile::Rider(rider_id), Some(publisher)) = (profile, publisher) {
        live.publishers.heard(rider_id, publisher);
    }
    let known = resume.remove(&inbox.to_string());
    let head = head.unwrap_or_else(Head::of_nothing);
    let mut places = vec![(inbox.clone(), place_at(&inbox, known.as_ref(), head))];
    let mut wanted = Vec::new();
    for channel in own {
        // The oldest ones are missing if a profile has more than a connection can hear.
        if session.attach_own(&channel) {
            wanted.push(channel);
        } else {
            has_room = false;
        }
    }
    let named = resume.keys().filter_map(|name| name.parse::<Channel>().ok());
    let mut named: Vec<_> = named.filter(|it| it.is_logged() && !session.hears(it)).collect();
    // The newest orders first: most that come back were joined by the hub and have ended.
    named.sort_unstable_by(|a, b| b.cmp(a));
    has_room &= named.len() <= RESUME_MAX;
    named.truncate(RESUME_MAX);
    for channel in channels::readable(&live.platform, profile, named, live.bench_channels).await? {
        // Orders take no room from what the client chooses.
        let is_order = matches!(channel, Channel::Order(_));
        if is_order && session.attach_own(&channel) || session.attach(&channel).is_ok() {
            wanted.push(channel);
        } else {
            has_room = false;
        }
    }
    if !has_room {
        tracing::warn!(connection.id = %id, profile.id = %profile, "not all channels have room");
    }
    let wanted: Vec<_> = wanted
        .into_iter()
        .map(|channel| {
            let known = resume.remove(&channel.to_string());
            (channel, known)
        })
        .collect();
    let positions = session.positions(&wanted).await?;
    places.extend(wanted.into_iter().map(|it| it.0).zip(positions));
    count_resume(n_named, places.iter().filter(|(_, (position, _))| position.recovered).count());
    let (mut channels, mut plans) = (BTreeMap::new(), Vec::with_capacity(places.len()));
    for (channel, (position, plan)) in places {
        channels.insert(channel.to_string(), position);
        plans.push(plan);
    }
    Ok((channels, plans, seat))
}

/// What a device is called here: by its own id, else by its sign-in.
fn device_name(device: Option<Device>, identity: Identity) -> Result<Arc<str>, Refusal> {
    let Some(Device { id, .. }) = device else { return Ok(identity.session_id.to_string().into()) };
    let is_plain = id.bytes().all(|it| it.is_ascii_graphic() || it == b' ');
    if is_plain && (1..=DEVICE_CHARS_MAX).contains(&id.len()) {
        return Ok(id.into());
    }
    let text = format!(
        "`device.id` must have 1 to {DEVICE_CHARS_MAX} printable ASCII characters: make one UUID at \
         installation and keep it"
    );
    Err(Refusal::bad(text))
}

/// Where a role may be on one device only: takes the seat, or says that a later sign-in has it.
async fn sit_down(
    session: &Session,
    identity: Identity,
    seat: Option<Seat>,
) -> Result<Option<u64>, NotIn> {
    let Identity { profile, session_id, .. } = identity;
    if !session.live.one_device.contains(&profile.role()) {
        return Ok(None);
    }
    let seat = match seat {
        // A later sign-in has it, here or elsewhere, or this very one.
        Some(it) if it.session_id > session_id => it,
        Some(it) if it.session_id == session_id && *it.device == *session.device => it,
        _ => {
            let platform = &session.live.platform;
            devices::take_seat(platform, profile, &session.device, session_id).await?
        }
    };
    if *seat.device == *session.device {
        return Ok(Some(seat.fence));
    }
    let text = "this profile signed in later on another device; sign in again to come back";
    let refusal = Refusal::new(Kind::Forbidden, text);
    Err(NotIn { refusal, close: Close::Replaced })
}

/// Counts how somebody came back.
fn count_resume(n_named: usize, n_recovered: usize) {
    let result = match n_named {
        0 => "fresh",
        n if n == n_recovered => "whole",
        _ => "partial",
    };
    counter!("riderhub_resumes_total", "result" => result).increment(1);
}

/// Why a token is not taken; one whose sign-in was ended must not be tried again.
fn not_valid(err: AskError) -> NotIn {
    let is_revoked = matches!(err, AskError::Revoked);
    let mut not_in = NotIn::from(err);
    if is_revoked {
        not_in.close = Close::Revoked;
    }
    not_in
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct TokenInput {
    /// A new access token of the same profile.
    token: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Renewed {
    /// Until when the token is good, in UTC milliseconds.
    token_exp: i64,
}

/// `auth.refresh`: takes a new token of the same profile; subscriptions are checked again.
///
/// # Errors
///
/// [`Refusal`] if the token is not good or somebody else's.
pub async fn auth_refresh(session: &mut Session, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let input: TokenInput = params(p)?;
    let platform = &session.live.platform;
    let identity = platform.tokens.verify(&input.token, platform.now())?;
    if identity.profile != session.profile {
        return Err(Refusal::new(Kind::Forbidden, "this token is for another profile"));
    }
    let mut lost = Vec::new();
    for channel in session.channels() {
        let bench = session.live.bench_channels;
        if !channels::may_read(platform, session.profile, channel, bench).await? {
            lost.push(channel.clone());
        }
    }
    for channel in &lost {
        session.leave(channel);
    }
    session.renew(identity);
    Ok(Answer::of(&Renewed { token_exp: identity.expires_at.ms() }))
}
