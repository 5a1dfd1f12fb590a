//! Registering and signing in.

use actix_web::web::Data;
use domain::{
    checked_text::{Login, PersonName},
    role::Role,
};
use serde::{Deserialize, Serialize};
use usecases::{
    accounts::{self, Registration, Session, SignIn},
    error::AskError,
};
use utoipa::ToSchema;

use super::{
    answer::Answer,
    extract::{AnyProfile, Body},
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

/// Somebody who wants an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountInput {
    /// 3 to 120 of lower case letters, digits and `.`, `_`, `-`, `+`, `@`.
    pub login: String,
    /// 8 characters or more.
    pub password: String,
    /// The name that others see.
    pub name: String,
    /// One or more of `customer`, `merchant` and `rider`.
    pub roles: Vec<String>,
}

/// A new account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    /// The account.
    pub account: String,
    /// One for each role.
    pub profiles: Vec<ProfileView>,
}

/// Somebody in a role.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProfileView {
    /// The profile.
    pub profile: String,
    /// Its role.
    pub role: &'static str,
}

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
    /// Which device it is, for people.
    pub device: Option<String>,
}

/// Somebody who wants to stay signed in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshInput {
    /// The newest refresh token; it is good once.
    pub refresh_token: String,
}

/// Somebody who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
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

/// Who the token speaks for.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeView {
    /// The account.
    pub account: String,
    /// The profile.
    pub profile: String,
    /// Its role.
    pub role: &'static str,
    /// The name that others see.
    pub name: String,
    /// All profiles of the account.
    pub profiles: Vec<ProfileView>,
}

impl From<Session> for SessionView {
    fn from(it: Session) -> Self {
        Self {
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

fn role(text: &str) -> Result<Role, Problem> {
    Role::from_text(text).ok_or_else(|| {
        let detail = "A role is `customer`, `merchant`, `rider` or `operator`.";
        Problem::new(Kind::BadInput, detail)
    })
}

/// Makes an account with a profile for each role.
#[utoipa::path(post, path = "/v1/accounts", operation_id = "create_account", tag = "accounts",
    request_body = AccountInput,
    responses((status = 201, body = AccountView), (status = "4XX", body = ProblemView)))]
pub async fn create(
    input: Body<AccountInput>,
    state: Data<HttpState>,
) -> Result<Answer<AccountView>, Problem> {
    let input = input.into_inner();
    let asked = Registration {
        login: Login::parse(&input.login).map_err(AskError::from)?,
        name: PersonName::parse(&input.name).map_err(AskError::from)?,
        password: input.password,
        roles: input.roles.iter().map(|it| role(it)).collect::<Result<_, _>>()?,
    };
    let made = accounts::register(&state.platform, asked).await?;
    let profiles = made.profiles.into_iter();
    let view = |it: domain::role::Profile| ProfileView {
        profile: it.to_string(),
        role: it.role().as_str(),
    };
    let account = made.account_id.to_string();
    Ok(Answer::created(AccountView { account, profiles: profiles.map(view).collect() }))
}

/// Signs somebody in.
#[utoipa::path(post, path = "/v1/sessions", operation_id = "create_session", tag = "accounts",
    request_body = SessionInput,
    responses((status = 200, body = SessionView), (status = "4XX", body = ProblemView)))]
pub async fn sign_in(
    input: Body<SessionInput>,
    state: Data<HttpState>,
) -> Result<Answer<SessionView>, Problem> {
    let SessionInput { login, password, role: text, device } = input.into_inner();
    let asked = SignIn { login, password, role: role(&text)?, device };
    let session = accounts::sign_in(&state.platform, asked).await?;
    Ok(Answer::ok(session.into()))
}

/// Exchanges a refresh token for a new session.
#[utoipa::path(post, path = "/v1/sessions/refresh", operation_id = "refresh_session",
    tag = "accounts", request_body = RefreshInput,
    responses((status = 200, body = SessionView), (status = "4XX", body = ProblemView)))]
pub async fn refresh(
    input: Body<RefreshInput>,
    state: Data<HttpState>,
) -> Result<Answer<SessionView>, Problem> {
    let session = accounts::refresh(&state.platform, &input.refresh_token).await?;
    Ok(Answer::ok(session.into()))
}

/// Says who the token speaks for.
#[utoipa::path(get, path = "/v1/me", operation_id = "get_me", tag = "accounts",
    security(("bearer" = [])),
    responses((status = 200, body = MeView), (status = "4XX", body = ProblemView)))]
pub async fn me(
    AnyProfile(identity): AnyProfile,
    state: Data<HttpState>,
) -> Result<Answer<MeView>, Problem> {
    let card = accounts::card(&state.platform, identity.profile).await?;
    let all = accounts::profiles(&state.platform, identity.account_id).await?;
    let view = |it: domain::role::Profile| ProfileView {
        profile: it.to_string(),
        role: it.role().as_str(),
    };
    Ok(Answer::ok(MeView {
        account: identity.account_id.to_string(),
        profile: identity.profile.to_string(),
        role: identity.profile.role().as_str(),
        name: card.name,
        profiles: all.into_iter().map(|it| view(it.profile)).collect(),
    }))
}

/// Signs a visitor of a demo in as its operator.
#[utoipa::path(get, path = "/v1/demo/session", operation_id = "get_demo_session",
    tag = "accounts",
    responses((status = 200, body = SessionView), (status = 404, body = ProblemView)))]
pub async fn demo(state: Data<HttpState>) -> Result<Answer<SessionView>, Problem> {
    let none = || Problem::new(Kind::NotFound, "This server does not run a demo.");
    let operator = state.doors.demo.ok_or_else(none)?;
    let session = accounts::sign_in_as(&state.platform, operator).await?;
    Ok(Answer::ok(session.into()))
}
