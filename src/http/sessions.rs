//! Signing out: on this device, everywhere, or by an operator.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use domain::role::Profile;
use serde::{Deserialize, Serialize};
use usecases::sign_outs;
use utoipa::ToSchema;

use super::{
    answer::Answer,
    extract::{AnyProfile, Body, IdPath, Operator},
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

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
