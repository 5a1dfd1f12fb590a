//! What riders say when a delivery does not go as planned.

use domain::reason::Reason;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use usecases::{handing_on, returns};

use crate::{
    commands::{
        Answer,
        riders::{key, order_id, rider},
    },
    protocol::params,
    refusal::Refusal,
    session::Session,
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct HandOnInput {
    /// The order.
    order: String,
    /// Why.
    #[schemars(extend("enum" = names(Reason::OF_HANDING_ON)))]
    reason: String,
}

fn names(reasons: &[Reason]) -> Vec<&'static str> {
    reasons.iter().map(|it| it.as_str()).collect()
}

fn reason(text: &str, allowed: &[Reason]) -> Result<Reason, Refusal> {
    let known = Reason::from_text(text).filter(|it| allowed.contains(it));
    known.ok_or_else(|| {
        Refusal::bad(format!("`reason` must be one of {}", names(allowed).join(", ")))
    })
}

/// `delivery.hand_on`: before pickup, to whoever is found next.
///
/// # Errors
///
/// [`Refusal`] if the delivery is not the rider's, or he has the goods.
pub async fn hand_on(
    session: &mut Session,
    m: &str,
    p: Option<&RawValue>,
) -> Result<Answer, Refusal> {
    let rider_id = rider(session)?;
    let input: HandOnInput = params(p)?;
    let why = reason(&input.reason, Reason::OF_HANDING_ON)?;
    let (order_id, key) = (order_id(&input.order)?, Some(key(session, m, p)?));
    let platform = &session.live.platform;
    Ok(Answer::done(&handing_on::hand_on(platform, rider_id, order_id, why, key).await?))
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct ReturnInput {
    /// The order.
    order: String,
    /// Why.
    #[schemars(extend("enum" = names(Reason::OF_RETURN)))]
    reason: String,
}

/// `delivery.return`: brings goods back to the store.
///
/// # Errors
///
/// [`Refusal`] if the delivery is not the rider's, he has no goods, or has not waited long enough.
pub async fn bring_back(
    session: &mut Session,
    m: &str,
    p: Option<&RawValue>,
) -> Result<Answer, Refusal> {
    let rider_id = rider(session)?;
    let input: ReturnInput = params(p)?;
    let why = reason(&input.reason, Reason::OF_RETURN)?;
    let (order_id, key) = (order_id(&input.order)?, Some(key(session, m, p)?));
    let platform = &session.live.platform;
    Ok(Answer::done(&returns::start(platform, rider_id, order_id, why, key).await?))
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct LostInput {
    /// The order.
    order: String,
    /// Why.
    #[schemars(extend("enum" = names(Reason::OF_LOSS)))]
    reason: String,
}

/// `delivery.lost`: the goods are gone.
///
/// # Errors
///
/// [`Refusal`] if the delivery is not the rider's, or he has no goods.
pub async fn lose(session: &mut Session, m: &str, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let rider_id = rider(session)?;
    let input: LostInput = params(p)?;
    let why = reason(&input.reason, Reason::OF_LOSS)?;
    let (order_id, key) = (order_id(&input.order)?, Some(key(session, m, p)?));
    let platform = &session.live.platform;
    Ok(Answer::done(&returns::lost(platform, rider_id, order_id, why, key).await?))
}
