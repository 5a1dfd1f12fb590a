//! Signing in and staying signed in, the devices of a person, and signing out.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use domain::{ids::SessionId, role::Profile};
use serde::{Deserialize, Serialize};
use storage::sign_ins::SignInRow;
use usecases::{
    sessions::{self, Client, Session, SignIn},
    sign_outs, token_keys,
};
use utoipa::ToSchema;

use super::{
    accounts::role,
    answer::Answer,
    extract::{AnyProfile, Body, ClientAddress, IdPath, Operator, UserAgent},
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

/// Longest id of a device or fingerprint, in bytes.
const MARK_BYTES_MAX: usize = 200;

/// Somebody who wants to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionInput {
    /// As registered.
    pub login: String,
    /// As registered.
    pub password: String,
    /// `customer`, `merchant`, `rider` or `operator`: a token is for one role.
    pub role: String,
    /// What the device is called, for people who look at the list of their devices.
    pub device: Option<String>,
    /// Made once at installation and kept. Signing in again with the same one replaces the sign-in
    /// before, and refresh tokens are good together with it only.
    pub device_id: Option<String>,
    /// What tells this client from others; the `User-Agent` without its versions if it is left out.
    pub fingerprint: Option<String>,
    /// Stays signed in for 30 days without being used, instead of 7.
    #[serde(default)]
    pub stay: bool,
}

/// Somebody who wants to stay signed in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshInput {
    /// The newest refresh token; it is good once. If the answer was lost, the same request within 30
    /// seconds gets the same new one.
    pub refresh_token: String,
    /// The same as at the sign-in.
    pub device_id: Option<String>,
    /// The same as at the sign-in.
    pub fingerprint: Option<String>,
}

/// Somebody who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// The sign-in.
    pub session: String,
    /// For `Authorization: Bearer …` and for the socket.
    pub access_token: String,
    /// In UTC milliseconds.
    pub access_expires_at: i64,
    /// Good for one new session.
    pub refresh_token: String,
    /// In UTC milliseconds.
    pub refresh_expires_at: i64,
    /// Who.
    pub profile: String,
    /// In which role.
    pub role: &'static str,
    /// The name that others see.
    pub name: String,
}

impl From<Session> for SessionView {
    fn from(it: Session) -> Self {
        Self {
            session: it.session_id.to_string(),
            access_token: it.access_token,
            access_expires_at: it.access_expires_at.ms(),
            refresh_token: it.refresh_token,
            refresh_expires_at: it.refresh_expires_at.ms(),
            profile: it.profile.to_string(),
            role: it.profile.role().as_str(),
            name: it.name,
        }
    }
}

/// A device that a person is signed in on.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceView {
    /// The sign-in; end it with `DELETE /v1/sessions/{session}`.
    pub session: String,
    /// Whether the request came from it.
    pub current: bool,
    /// In which role.
    pub role: &'static str,
    /// What the device is called.
    pub device: Option<String>,
    /// The program, as it named itself.
    pub client: Option<String>,
    /// Whether it stays signed in for longer.
    pub stay: bool,
    /// When it signed in, in UTC milliseconds.
    pub created_at: i64,
    /// When its tokens were renewed last, in UTC milliseconds.
    pub used_at: i64,
    /// When it runs out unless it is used, in UTC milliseconds.
    pub expires_at: i64,
}

impl DeviceView {
    fn of(it: SignInRow, current: SessionId) -> Self {
        Self {
            session: it.session_id.to_string(),
            current: it.session_id == current,
            role: it.profile.role().as_str(),
            device: it.device,
            client: it.client,
            stay: it.stays,
            created_at: it.created_at.ms(),
            used_at: it.used_at.ms(),
            expires_at: it.expires_at.ms(),
        }
    }
}

/// The devices of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct DevicesView {
    /// The newest first; an account has at most three, unless set otherwise.
    pub sessions: Vec<DeviceView>,
}

pub(super) fn mark(text: Option<String>) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.is_empty() || text.len() > MARK_BYTES_MAX => {
            let detail =
                "device_id and fingerprint have 1 to 200 bytes; leave out what is not known.";
            Err(Problem::new(Kind::BadInput, detail))
        }
        text => Ok(text),
    }
}

/// Signs somebody in.
#[utoipa::path(post, path = "/v1/sessions", operation_id = "create_session", tag = "accounts",
    request_body = SessionInput,
    responses((status = 200, body = SessionView), (status = "4XX", body = ProblemView)))]
pub async fn sign_in(
    UserAgent(agent): UserAgent,
    ClientAddress(address): ClientAddress,
    input: Body<SessionInput>,
    state: Data<HttpState>,
) -> Result<Answer<SessionView>, Problem> {
    let input = input.into_inner();
    let (device_id, fingerprint) = (mark(input.device_id)?, mark(input.fingerprint)?);
    let client = Client { device: input.device, device_id, fingerprint, agent };
    let SessionInput { login, password, role: text, stay: stays, .. } = input;
    let asked = SignIn { login, password, role: role(&text)?, client, address, stays };
    let session = sessions::sign_in(&state.platform, asked).await?;
    Ok(Answer::ok(session.into()))
}

/// Exchanges a refresh token for a new session. One that was used before, or that comes from
/// another device or program, ends its sign-in, and the person finds a note in the inbox.
#[utoipa::path(post, path = "/v1/sessions/refresh", operation_id = "refresh_session",
    tag = "accounts", request_body = RefreshInput,
    responses((status = 200, body = SessionView), (status = "4XX", body = ProblemView)))]
pub async fn refresh(
    UserAgent(agent): UserAgent,
    input: Body<RefreshInput>,
    state: Data<HttpState>,
) -> Result<Answer<SessionView>, Problem> {
    let RefreshInput { refresh_token, device_id, fingerprint } = input.into_inner();
    let (device_id, fingerprint) = (mark(device_id)?, mark(fingerprint)?);
    let client = Client { device: None, device_id, fingerprint, agent };
    let session = sessions::refresh(&state.platform, &refresh_token, client).await?;
    Ok(Answer::ok(session.into()))
}

/// Lists the devices that the person is signed in on, in all roles.
#[utoipa::path(get, path = "/v1/sessions", operation_id = "list_sessions", tag = "accounts",
    security(("bearer" = [])),
    responses((status = 200, body = DevicesView), (status = "4XX", body = ProblemView)))]
pub async fn list(
    AnyProfile(identity): AnyProfile,
    state: Data<HttpState>,
) -> Result<Answer<DevicesView>, Problem> {
    let open = sessions::list(&state.platform, identity.account_id).await?;
    let view = |it| DeviceView::of(it, identity.session_id);
    Ok(Answer::ok(DevicesView { sessions: open.into_iter().map(view).collect() }))
}

/// Signs out on another device of the person: its tokens are refused and its sockets close.
#[utoipa::path(delete, path = "/v1/sessions/{session}", operation_id = "remove_session",
    tag = "accounts", security(("bearer" = [])),
    params(("session" = String, Path, description = "The sign-in, `ses_…`.")),
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn remove(
    AnyProfile(identity): AnyProfile,
    path: Path<IdPath<SessionId>>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let IdPath(session_id) = path.into_inner();
    sign_outs::on_device(&state.platform, identity.account_id, session_id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Which sign-ins to end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeInput {
    /// Must be `true`: every sign-in of the person, in all roles, this one too.
    pub all: bool,
}

/// What was ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevokedView {
    /// Sign-ins with tokens that were still good.
    pub sessions: usize,
}

/// Signs out on this device: its tokens are refused and its sockets close with 4506.
#[utoipa::path(delete, path = "/v1/sessions/current", operation_id = "end_session",
    tag = "accounts", security(("bearer" = [])),
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn end(
    AnyProfile(identity): AnyProfile,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    sign_outs::here(&state.platform, identity).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Signs out everywhere: tokens of all devices and roles of the person are refused.
#[utoipa::path(post, path = "/v1/sessions/revoke", operation_id = "revoke_sessions",
    tag = "accounts", security(("bearer" = [])), request_body = RevokeInput,
    responses((status = 200, body = RevokedView), (status = "4XX", body = ProblemView)))]
pub async fn revoke(
    AnyProfile(identity): AnyProfile,
    input: Body<RevokeInput>,
    state: Data<HttpState>,
) -> Result<Answer<RevokedView>, Problem> {
    if !input.all {
        let detail = "Send `{\"all\": true}`; DELETE /v1/sessions/current ends this one alone.";
        return Err(Problem::new(Kind::BadInput, detail));
    }
    let sessions = sign_outs::everywhere(&state.platform, identity.account_id).await?;
    Ok(Answer::ok(RevokedView { sessions }))
}

/// Signs a profile out everywhere, for operators.
#[utoipa::path(post, path = "/v1/ops/profiles/{profile}/revoke", operation_id = "revoke_profile",
    tag = "operations", security(("bearer" = [])),
    params(("profile" = String, Path, description = "The profile, e.g. `rid_…`.")),
    responses((status = 200, body = RevokedView), (status = "4XX", body = ProblemView)))]
pub async fn revoke_profile(
    Operator(operator): Operator,
    path: Path<IdPath<Profile>>,
    state: Data<HttpState>,
) -> Result<Answer<RevokedView>, Problem> {
    let IdPath(profile) = path.into_inner();
    let sessions = sign_outs::of_profile(&state.platform, profile).await?;
    tracing::info!(operator.id = %operator, profile.id = %profile, sessions, "signed out by an operator");
    Ok(Answer::ok(RevokedView { sessions }))
}

/// Signs a visitor of a demo in as its operator.
#[utoipa::path(get, path = "/v1/demo/session", operation_id = "get_demo_session",
    tag = "accounts",
    responses((status = 200, body = SessionView), (status = 404, body = ProblemView)))]
pub async fn demo(state: Data<HttpState>) -> Result<Answer<SessionView>, Problem> {
    let none = || Problem::new(Kind::NotFound, "This server does not run a demo.");
    let operator = state.doors.demo.ok_or_else(none)?;
    let session = sessions::sign_in_as(&state.platform, operator).await?;
    Ok(Answer::ok(session.into()))
}

/// The key that signs tokens next.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextKeyView {
    /// Its name, told in the header of each token.
    pub kid: String,
    /// From when on it signs, in UTC milliseconds of real time.
    pub signs_from: i64,
}

/// Changes the key that signs tokens, for operators. Nobody is signed out: tokens of the old key
/// are taken until they run out. Asking again while a key waits answers the same.
#[utoipa::path(post, path = "/v1/ops/token-keys", operation_id = "rotate_token_key",
    tag = "operations", security(("bearer" = [])),
    responses((status = 200, body = NextKeyView), (status = "4XX", body = ProblemView)))]
pub async fn rotate_key(
    Operator(operator): Operator,
    state: Data<HttpState>,
) -> Result<Answer<NextKeyView>, Problem> {
    let next = token_keys::rotate(&state.platform).await?;
    tracing::info!(operator.id = %operator, key.id = %next.kid, "an operator changed the token key");
    Ok(Answer::ok(NextKeyView { kid: next.kid, signs_from: next.signs_from.ms() }))
}
