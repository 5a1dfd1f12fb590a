//! Registering, and who one is.

use actix_web::web::Data;
use domain::{
    checked_text::{Login, PersonName},
    role::Role,
};
use serde::{Deserialize, Serialize};
use usecases::{
    accounts::{self, Registration},
    error::AskError,
};
use utoipa::ToSchema;

use super::{
    answer::Answer,
    extract::{AnyProfile, Body, ClientAddress},
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
    /// What the person signs in with.
    pub login: String,
    /// A number that was proven to be the person's.
    pub phone: Option<String>,
    /// A mail address that was proven to be the person's.
    pub email: Option<String>,
    /// Whether there is a picture, at `/v1/profiles/{profile}/picture`.
    pub has_picture: bool,
    /// All profiles of the account.
    pub profiles: Vec<ProfileView>,
}

pub(super) fn role(text: &str) -> Result<Role, Problem> {
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
    ClientAddress(address): ClientAddress,
    input: Body<AccountInput>,
    state: Data<HttpState>,
) -> Result<Answer<AccountView>, Problem> {
    let input = input.into_inner();
    let asked = Registration {
        login: Login::parse(&input.login).map_err(AskError::from)?,
        name: PersonName::parse(&input.name).map_err(AskError::from)?,
        password: input.password,
        address,
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

/// Says who the token speaks for.
#[utoipa::path(get, path = "/v1/me", operation_id = "get_me", tag = "accounts",
    security(("bearer" = [])),
    responses((status = 200, body = MeView), (status = "4XX", body = ProblemView)))]
pub async fn me(
    AnyProfile(identity): AnyProfile,
    state: Data<HttpState>,
) -> Result<Answer<MeView>, Problem> {
    let card = accounts::card(&state.platform, identity.profile).await?;
    let facts = usecases::me::facts(&state.platform, identity.account_id).await?;
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
        login: facts.login,
        phone: facts.phone,
        email: facts.email,
        has_picture: facts.avatar.is_some(),
        profiles: all.into_iter().map(|it| view(it.profile)).collect(),
    }))
}
