//! What merchants do with orders: the same use cases as the REST routes.

use domain::{
    ids::{MerchantId, OrderId},
    reason::Reason,
    role::Profile,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use storage::commands::CommandKey;
use usecases::orders::{self, Acceptance};

use crate::{
    commands::Answer,
    protocol::{self, params},
    refusal::{Kind, Refusal},
    session::Session,
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct OrderInput {
    /// The order.
    order: String,
    /// `order.accept`: minutes that the kitchen needs; the store's usual time unless given.
    #[serde(default)]
    prep_min: Option<u32>,
    /// `order.accept`: whether the kitchen starts at once, as it does unless given.
    #[serde(default)]
    start: Option<bool>,
    /// `order.reject`: why.
    #[serde(default)]
    #[schemars(extend("enum" = reasons()))]
    reason: Option<String>,
}

/// `order.accept`, `order.start`, `order.ready` and `order.reject`.
///
/// # Errors
///
/// [`Refusal`] for everybody but the store's staff, and where the order does not take it.
pub async fn change(
    session: &mut Session,
    m: &str,
    p: Option<&RawValue>,
) -> Result<Answer, Refusal> {
    let merchant_id = merchant(session)?;
    let input: OrderInput = params(p)?;
    let order_id: OrderId = input
        .order
        .parse()
        .map_err(|_| Refusal::new(Kind::NotFound, "there is no such order for you"))?;
    let key = Some(key(session, m, p)?);
    let platform = &session.live.platform;
    let done = match m {
        "order.accept" => {
            // Accepting starts the kitchen unless the merchant says otherwise.
            let how = Acceptance { prep_min: input.prep_min, start: input.start.unwrap_or(true) };
            orders::accept(platform, merchant_id, order_id, key, how).await?
        }
        "order.start" => orders::start(platform, merchant_id, order_id, key).await?,
        "order.ready" => orders::ready(platform, merchant_id, order_id, key).await?,
        _ => {
            let reason = reason(input.reason.as_deref())?;
            orders::reject(platform, merchant_id, order_id, key, reason).await?
        }
    };
    Ok(Answer::done(&done))
}

fn merchant(session: &Session) -> Result<MerchantId, Refusal> {
    match session.profile {
        Profile::Merchant(id) => Ok(id),
        Profile::Customer(_) | Profile::Rider(_) | Profile::Operator(_) => {
            Err(Refusal::new(Kind::Forbidden, "only a merchant may do that"))
        }
    }
}

fn key(session: &Session, m: &str, p: Option<&RawValue>) -> Result<CommandKey, Refusal> {
    protocol::key(&session.profile.to_string(), m, p)
}

fn reasons() -> Vec<&'static str> {
    Reason::OF_STORE.iter().map(|it| it.as_str()).collect()
}

fn reason(text: Option<&str>) -> Result<Reason, Refusal> {
    let known = text.and_then(Reason::from_text).filter(|it| Reason::OF_STORE.contains(it));
    known.ok_or_else(|| Refusal::bad(format!("`reason` must be one of {}", reasons().join(", "))))
}
