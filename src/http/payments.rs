//! Paying, and the door for what payment providers say.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data, Path},
};
use domain::ids::OrderId;
use serde::{Deserialize, Serialize};
use usecases::{
    payments::{self, Started},
    sandbox::SANDBOX,
};
use utoipa::ToSchema;

use super::{
    answer::Answer,
    extract::{AnyProfile, Body, Customer, IdPath, RequiredKey},
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

/// Name of the header that signs a message of the sandbox.
const SIGNATURE: &str = "Sandbox-Signature";

/// How somebody wants to pay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentInput {
    /// `sandbox`.
    pub provider: String,
}

/// An attempt to pay that can now be carried out at the provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentView {
    /// The attempt.
    pub payment: String,
    /// Which provider.
    pub provider: String,
    /// The provider's name for it.
    pub provider_ref: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Until when it may be paid, in UTC milliseconds.
    pub expires_at: i64,
}

/// What the customer does at the sandbox.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SandboxPayInput {
    /// `succeeded` or `failed`.
    pub outcome: String,
}

/// What became of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutcomeView {
    /// `applied`, `paid_back`, `known`, `mismatch` or `unknown`.
    pub outcome: &'static str,
}

impl From<Started> for PaymentView {
    fn from(it: Started) -> Self {
        let Started { payment, provider, provider_ref, amount_minor, currency, expires_at } = it;
        Self { payment, provider, provider_ref, amount_minor, currency, expires_at }
    }
}

/// Begins to pay an order.
#[utoipa::path(post, path = "/v1/orders/{order}/payments", operation_id = "create_payment",
    tag = "payments", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = String, Header)),
    request_body = PaymentInput,
    responses((status = 201, body = PaymentView), (status = "4XX", body = ProblemView)))]
pub async fn create(
    AnyProfile(identity): AnyProfile,
    Customer(by): Customer,
    order: Path<IdPath<OrderId>>,
    RequiredKey(key): RequiredKey,
    input: Body<PaymentInput>,
    state: Data<HttpState>,
) -> Result<Answer<PaymentView>, Problem> {
    if input.provider != SANDBOX {
        return Err(Problem::new(Kind::BadInput, "The only provider is `sandbox`."));
    }
    let key = key.command(identity.profile, &input);
    let done = payments::start(&state.platform, by, order.0, key).await?;
    Ok(Answer::created(PaymentView::from(done.value)).replayed(done.dup))
}

/// Plays the customer at the sandbox, which then says what came of it. Not in production.
#[utoipa::path(post, path = "/v1/sandbox/{provider_ref}/pay", operation_id = "sandbox_pay",
    tag = "payments", params(("provider_ref" = String, Path)), request_body = SandboxPayInput,
    responses((status = 200, body = OutcomeView), (status = "4XX", body = ProblemView)))]
pub async fn sandbox_pay(
    provider_ref: Path<String>,
    input: Body<SandboxPayInput>,
    state: Data<HttpState>,
) -> Result<Answer<OutcomeView>, Problem> {
    let none = || Problem::new(Kind::UnknownRoute, "This server has no sandbox to pay at.");
    state.doors.sandbox.then_some(()).ok_or_else(none)?;
    let succeeds = match input.outcome.as_str() {
        "succeeded" => true,
        "failed" => false,
        _ => {
            let detail = "An outcome is `succeeded` or `failed`.";
            return Err(Problem::new(Kind::BadInput, detail));
        }
    };
    let outcome = payments::play_customer(&state.platform, &provider_ref, succeeds).await?;
    Ok(Answer::ok(OutcomeView { outcome: outcome.as_str() }))
}

/// The door for what the sandbox says: signed raw bytes. The answer comes after the commit; any
/// other answer than 200 asks the provider to say it again.
#[utoipa::path(post, path = "/v1/providers/sandbox/notify", operation_id = "sandbox_notify",
    tag = "payments", params(("Sandbox-Signature" = String, Header)),
    responses((status = 200, body = OutcomeView), (status = "4XX", body = ProblemView)))]
pub async fn sandbox_notify(
    req: HttpRequest,
    raw: Bytes,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let signature = req.headers().get(SIGNATURE).and_then(|it| it.to_str().ok());
    let signature = signature.ok_or_else(|| {
        Problem::new(Kind::BadNotify, format!("The header {SIGNATURE} is missing."))
    })?;
    let outcome = payments::notify(&state.platform, signature, &raw).await?;
    Ok(HttpResponse::Ok().json(OutcomeView { outcome: outcome.as_str() }))
}
