//! Codes by SMS or mail: asking for one, signing in with it, choosing a new password.

use actix_web::{HttpResponse, web::Data};
use domain::{
    checked_text::PersonName,
    contact::{CODE_SPAN, CodePurpose, Contact},
};
use serde::{Deserialize, Serialize};
use usecases::{
    codes::{self, CodeSignIn},
    error::AskError,
    sessions::Client,
};
use utoipa::ToSchema;

use super::{
    accounts::role,
    answer::Answer,
    extract::{Body, ClientAddress, UserAgent},
    problem::{Kind, Problem, ProblemView},
    sessions::{SessionView, mark},
    state::HttpState,
};

/// Somebody who wants a code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeInput {
    /// A telephone number, as `+8613800138000`, or a mail address.
    pub to: String,
    /// `sign_in`, `reset` (a new password) or `verify` (it is one's own).
    pub purpose: String,
}

/// The same answer for everybody.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeView {
    /// For how many seconds a code is good.
    pub expires_in_s: u64,
    /// Digits of a code.
    pub digits: usize,
}

/// Somebody who signs in with a code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeSessionInput {
    /// Where the code went.
    pub to: String,
    /// The code.
    pub code: String,
    /// `customer`, `merchant`, `rider` or `operator`. Who is new becomes a customer.
    pub role: String,
    /// What a new customer is called.
    pub name: Option<String>,
    /// As in `POST /v1/sessions`.
    pub device: Option<String>,
    /// As in `POST /v1/sessions`.
    pub device_id: Option<String>,
    /// As in `POST /v1/sessions`.
    pub fingerprint: Option<String>,
    /// As in `POST /v1/sessions`.
    #[serde(default)]
    pub stay: bool,
}

/// A new password in place of one that is forgotten.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetInput {
    /// Where the code went.
    pub to: String,
    /// The code.
    pub code: String,
    /// The new password: 8 characters or more.
    pub password: String,
}

fn contact(text: &str) -> Result<Contact, Problem> {
    Ok(Contact::parse(text).map_err(AskError::from)?)
}

/// Sends a code. The answer is the same whether there is an account or not.
#[utoipa::path(post, path = "/v1/codes", operation_id = "create_code", tag = "accounts",
    request_body = CodeInput,
    responses((status = 202, body = CodeView), (status = "4XX", body = ProblemView)))]
pub async fn create(
    ClientAddress(address): ClientAddress,
    input: Body<CodeInput>,
    state: Data<HttpState>,
) -> Result<Answer<CodeView>, Problem> {
    let purpose = CodePurpose::from_text(&input.purpose).ok_or_else(|| {
        Problem::new(Kind::BadInput, "A purpose is `sign_in`, `reset` or `verify`.")
    })?;
    codes::send(&state.platform, contact(&input.to)?, purpose, address).await?;
    let expires_in_s = CODE_SPAN.as_secs();
    Ok(Answer::accepted(CodeView { expires_in_s, digits: domain::contact::CODE_DIGITS }))
}

/// Signs somebody in with a code for `sign_in`.
#[utoipa::path(post, path = "/v1/sessions/code", operation_id = "create_code_session",
    tag = "accounts", request_body = CodeSessionInput,
    responses((status = 200, body = SessionView), (status = "4XX", body = ProblemView)))]
pub async fn sign_in(
    UserAgent(agent): UserAgent,
    ClientAddress(address): ClientAddress,
    input: Body<CodeSessionInput>,
    state: Data<HttpState>,
) -> Result<Answer<SessionView>, Problem> {
    let input = input.into_inner();
    let (device_id, fingerprint) = (mark(input.device_id)?, mark(input.fingerprint)?);
    let name = input.name.as_deref().map(PersonName::parse).transpose().map_err(AskError::from)?;
    let asked = CodeSignIn {
        to: contact(&input.to)?,
        code: input.code,
        role: role(&input.role)?,
        name,
        client: Client { device: input.device, device_id, fingerprint, agent },
        address,
        stays: input.stay,
    };
    Ok(Answer::ok(codes::sign_in(&state.platform, asked).await?.into()))
}

/// Chooses a new password with a code for `reset`; every device is signed out.
#[utoipa::path(post, path = "/v1/password-resets", operation_id = "reset_password",
    tag = "accounts", request_body = ResetInput,
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn reset(
    ClientAddress(address): ClientAddress,
    input: Body<ResetInput>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let ResetInput { to, code, password } = input.into_inner();
    codes::reset_password(&state.platform, contact(&to)?, code, password, address).await?;
    Ok(HttpResponse::NoContent().finish())
}
