//! Devices ask to be told while they are away.

use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use serde::{Deserialize, Serialize};
use usecases::push_addresses::{self, NewAddress};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::Answer,
    extract::{AnyProfile, Body},
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};
use crate::notify::{reach::Reach, web_push::Keys};

/// Characters of a device's name at most.
const DEVICE_CHARS_MAX: usize = 64;

/// What `PushManager.subscribe` of a browser answers, and which device it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushSubscriptionInput {
    /// The device's own name for itself, as in `connect`: 1 to 64 letters, digits, `-`, `_`, `.`.
    pub device: String,
    /// The address at the push service: https. It belongs to the profile that gave it last.
    pub endpoint: String,
    /// To encrypt with.
    pub keys: PushKeysInput,
    /// As browsers give it; it is not used.
    #[serde(default, rename = "expirationTime")]
    #[schema(value_type = Option<f64>)]
    pub expiration_time: Option<f64>,
}

/// To encrypt with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushKeysInput {
    /// The device's public key: an uncompressed P-256 point in base64url.
    pub p256dh: String,
    /// 16 bytes in base64url.
    pub auth: String,
}

/// A device that will be told.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushSubscriptionView {
    /// Its address's id.
    pub subscription: String,
    /// As given.
    pub device: String,
}

/// What browsers need to subscribe.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushKeyView {
    /// `applicationServerKey`: our public VAPID key in base64url.
    pub key: String,
}

/// Which device.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PushDeviceQuery {
    /// The device's own name for itself.
    pub device: String,
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::BadInput, detail)
}

fn device(text: String) -> Result<String, Problem> {
    let plain = text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
    if plain && (1..=DEVICE_CHARS_MAX).contains(&text.len()) {
        return Ok(text);
    }
    Err(bad(format!("`device` has 1 to {DEVICE_CHARS_MAX} letters, digits, `-`, `_` and `.`.")))
}

/// Shows the key that browsers subscribe with.
#[utoipa::path(get, path = "/v1/push-key", operation_id = "get_push_key", tag = "notices",
    responses((status = 200, body = PushKeyView)))]
pub async fn key(state: Data<HttpState>) -> Answer<PushKeyView> {
    Answer::ok(PushKeyView { key: state.platform.vapid.public().to_owned() })
}

/// Asks that this device be told while nobody is connected; takes the place of what the device
/// asked before. A profile has at most 10 devices; the oldest makes room.
#[utoipa::path(put, path = "/v1/push-subscriptions", operation_id = "put_push_subscription",
    tag = "notices", security(("bearer" = [])), request_body = PushSubscriptionInput,
    responses((status = 200, body = PushSubscriptionView), (status = "4XX", body = ProblemView)))]
pub async fn put(
    AnyProfile(identity): AnyProfile,
    input: Body<PushSubscriptionInput>,
    state: Data<HttpState>,
) -> Result<Answer<PushSubscriptionView>, Problem> {
    let PushSubscriptionInput { device: name, endpoint, keys, expiration_time: _ } =
        input.into_inner();
    let device = device(name)?;
    Reach::of(&state.platform.notices)
        .check(&endpoint)
        .map_err(|why| bad(format!("`endpoint` {why}.")))?;
    let PushKeysInput { p256dh, auth } = keys;
    if Keys::read(&p256dh, &auth).is_none() {
        return Err(bad("`keys` are `p256dh` and `auth` as the browser gives them, in base64url."));
    }
    let asked = NewAddress { device: device.clone(), endpoint, p256dh, auth };
    let id = push_addresses::put(&state.platform, identity, asked).await?;
    Ok(Answer::ok(PushSubscriptionView { subscription: id.to_string(), device }))
}

/// Asks that this device be told no longer. Safe to repeat.
#[utoipa::path(delete, path = "/v1/push-subscriptions", operation_id = "delete_push_subscription",
    tag = "notices", security(("bearer" = [])), params(PushDeviceQuery),
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn remove(
    AnyProfile(identity): AnyProfile,
    query: Query<PushDeviceQuery>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let device = device(query.into_inner().device)?;
    push_addresses::remove(&state.platform, identity.profile, device).await?;
    Ok(HttpResponse::NoContent().finish())
}
