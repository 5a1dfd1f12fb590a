//! What people change about themselves: name, picture, roles, contacts, password, and leaving.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::{Data, Path, Payload},
};
use domain::{attachment::MediaType, checked_text::PersonName, contact::Contact, role::Profile};
use serde::{Deserialize, Serialize};
use usecases::{
    codes,
    error::AskError,
    me::{self, Proof},
    pictures::{self, PICTURE_BYTES_MAX},
};
use utoipa::ToSchema;

use super::{
    accounts::{ProfileView, role},
    answer::Answer,
    extract::{AnyProfile, Body, IdPath, Operator},
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

/// What may be changed about oneself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MePatchInput {
    /// The name that others see, in all roles; they see it from the next token on.
    pub name: String,
}

/// One more role.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleInput {
    /// `customer`, `merchant` or `rider`.
    pub role: String,
}

/// A contact and the code that was sent to it by `POST /v1/codes` for `verify`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactInput {
    /// A telephone number, as `+8613800138000`, or a mail address.
    pub to: String,
    /// The code.
    pub code: String,
}

/// Proof of who it is: the password, or a code for `verify` that was sent to a contact of the account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProofInput {
    /// The password.
    pub password: Option<String>,
    /// Where the code went.
    pub to: Option<String>,
    /// The code.
    pub code: Option<String>,
}

/// Another password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordInput {
    /// Proof of who it is.
    pub proof: ProofInput,
    /// The new password: 8 characters or more.
    pub password: String,
}

/// What came of another password.
#[derive(Debug, Serialize, ToSchema)]
pub struct PasswordView {
    /// Other sign-ins that ended.
    pub sessions: usize,
}

impl ProofInput {
    fn read(self) -> Result<Proof, Problem> {
        match (self.password, self.to, self.code) {
            (Some(password), None, None) => Ok(Proof::Password(password)),
            (None, Some(to), Some(code)) => {
                Ok(Proof::Code(Contact::parse(&to).map_err(AskError::from)?, code))
            }
            _ => {
                let detail = "Prove who you are: send `password`, or `to` and `code` of a code for \
                              `verify`.";
                Err(Problem::new(Kind::BadInput, detail))
            }
        }
    }
}

/// Changes the name that others see.
#[utoipa::path(patch, path = "/v1/me", operation_id = "change_me", tag = "accounts",
    security(("bearer" = [])), request_body = MePatchInput,
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn change(
    AnyProfile(identity): AnyProfile,
    input: Body<MePatchInput>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let name = PersonName::parse(&input.name).map_err(AskError::from)?;
    me::rename(&state.platform, identity.account_id, name).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Becomes a customer, merchant or rider as well; sign in in that role then. Asking again does no harm.
#[utoipa::path(post, path = "/v1/me/profiles", operation_id = "create_profile", tag = "accounts",
    security(("bearer" = [])), request_body = RoleInput,
    responses((status = 201, body = ProfileView), (status = "4XX", body = ProblemView)))]
pub async fn take_role(
    AnyProfile(identity): AnyProfile,
    input: Body<RoleInput>,
    state: Data<HttpState>,
) -> Result<Answer<ProfileView>, Problem> {
    let (profile, is_new) = me::take_role(&state.platform, identity, role(&input.role)?).await?;
    let view = ProfileView { profile: profile.to_string(), role: profile.role().as_str() };
    Ok(Answer::created(view).replayed(!is_new))
}

/// Makes a telephone number or mail address the account's own, with the code that was sent there.
#[utoipa::path(put, path = "/v1/me/contacts", operation_id = "put_contact", tag = "accounts",
    security(("bearer" = [])), request_body = ContactInput,
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn put_contact(
    AnyProfile(identity): AnyProfile,
    input: Body<ContactInput>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let ContactInput { to, code } = input.into_inner();
    let to = Contact::parse(&to).map_err(AskError::from)?;
    codes::prove_contact(&state.platform, identity.account_id, to, code).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Chooses another password. Every other device is signed out.
#[utoipa::path(put, path = "/v1/me/password", operation_id = "put_password", tag = "accounts",
    security(("bearer" = [])), request_body = PasswordInput,
    responses((status = 200, body = PasswordView), (status = "4XX", body = ProblemView)))]
pub async fn put_password(
    AnyProfile(identity): AnyProfile,
    input: Body<PasswordInput>,
    state: Data<HttpState>,
) -> Result<Answer<PasswordView>, Problem> {
    let PasswordInput { proof, password } = input.into_inner();
    let ended = me::change_password(&state.platform, identity, proof.read()?, password).await?;
    Ok(Answer::ok(PasswordView { sessions: ended }))
}

/// Closes the account: nobody signs in until an operator opens it again. Not while something is
/// under way.
#[utoipa::path(post, path = "/v1/me/deactivate", operation_id = "deactivate_me", tag = "accounts",
    security(("bearer" = [])), request_body = ProofInput,
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn deactivate(
    AnyProfile(identity): AnyProfile,
    input: Body<ProofInput>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    me::close(&state.platform, identity, input.into_inner().read()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Erases the person for good: name, login, contacts, addresses, and what stands of them in orders
/// and chats. Orders and money stay, without a name.
#[utoipa::path(post, path = "/v1/me/erase", operation_id = "erase_me", tag = "accounts",
    security(("bearer" = [])), request_body = ProofInput,
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn erase(
    AnyProfile(identity): AnyProfile,
    input: Body<ProofInput>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    me::erase(&state.platform, identity, input.into_inner().read()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Opens a closed account again, for operators.
#[utoipa::path(post, path = "/v1/ops/profiles/{profile}/reopen", operation_id = "reopen_profile",
    tag = "operations", security(("bearer" = [])),
    params(("profile" = String, Path, description = "Any profile of the account, e.g. `rid_…`.")),
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn reopen(
    Operator(operator): Operator,
    path: Path<IdPath<Profile>>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let IdPath(profile) = path.into_inner();
    me::reopen(&state.platform, profile).await?;
    tracing::info!(operator.id = %operator, profile.id = %profile, "an account was opened again");
    Ok(HttpResponse::NoContent().finish())
}

/// Gives oneself a picture: JPEG, PNG, GIF or WebP, at most 512 KiB.
#[utoipa::path(put, path = "/v1/me/picture", operation_id = "put_picture", tag = "accounts",
    security(("bearer" = [])),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn put_picture(
    AnyProfile(identity): AnyProfile,
    payload: Payload,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let too_large = |_| {
        let detail = format!("A picture has at most {PICTURE_BYTES_MAX} bytes.");
        Problem::new(Kind::TooLarge, detail)
    };
    let broken =
        |_| Problem::new(Kind::BadPiece, "The picture did not arrive as a whole; send it again.");
    let content = payload.to_bytes_limited(PICTURE_BYTES_MAX).await.map_err(too_large)?;
    let content = content.map_err(broken)?;
    if !pictures::put(&state.platform, identity.account_id, content).await? {
        let detail = "Send a JPEG, PNG, GIF or WebP as the body.";
        return Err(Problem::new(Kind::ContentRefused, detail));
    }
    Ok(HttpResponse::NoContent().finish())
}

/// Takes the own picture away.
#[utoipa::path(delete, path = "/v1/me/picture", operation_id = "delete_picture", tag = "accounts",
    security(("bearer" = [])),
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn remove_picture(
    AnyProfile(identity): AnyProfile,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    pictures::remove(&state.platform, identity.account_id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Shows the picture of somebody, to whoever is signed in.
#[utoipa::path(get, path = "/v1/profiles/{profile}/picture", operation_id = "get_picture",
    tag = "accounts", security(("bearer" = [])),
    params(("profile" = String, Path, description = "The profile, e.g. `rid_…`.")),
    responses((status = 200, body = String, content_type = "image/*"),
        (status = "4XX", body = ProblemView)))]
pub async fn picture(
    _: AnyProfile,
    path: Path<IdPath<Profile>>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let (content, media_type) = pictures::find(&state.platform, path.into_inner().0).await?;
    Ok(HttpResponse::build(StatusCode::OK)
        .insert_header((header::CONTENT_TYPE, MediaType::as_str(media_type)))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "private, max-age=300"))
        .body(content))
}
