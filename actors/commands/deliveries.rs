//! What riders say when a delivery does not go as planned.

use domain::{
    ids::{OrderId, RiderId},
    reason::Reason,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use storage::commands::CommandKey;
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

/// What a rider says about a delivery of his.
struct Said {
    rider_id: RiderId,
    order_id: OrderId,
    reason: Reason,
    key: CommandKey,
}

impl Said {
    fn read(
        session: &Session,
        m: &str,
        p: Option<&RawValue>,
        order: &str,
        why: &str,
        allowed: &[Reason],
    ) -> Result<Self, Refusal> {
        let rider_id = rider(session)?;
        let reason = reason(why, allowed)?;
        Ok(Self { rider_id, order_id: order_id(order)?, reason, key: key(session, m, p)? })
    }
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
    let HandOnInput { order, reason } = params(p)?;
    let it = Said::read(session, m, p, &order, &reason, Reason::OF_HANDING_ON)?;
    let platform = &session.live.platform;
    let done =
        handing_on::hand_on(platform, it.rider_id, it.order_id, it.reason, Some(it.key)).await?;
    Ok(Answer::done(&done))
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
    let ReturnInput { order, reason } = params(p)?;
    let it = Said::read(session, m, p, &order, &reason, Reason::OF_RETURN)?;
    let platform = &session.live.platform;
    let done = returns::start(platform, it.rider_id, it.order_id, it.reason, Some(it.key)).await?;
    Ok(Answer::done(&done))
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
    let LostInput { order, reason } = params(p)?;
    let it = Said::read(session, m, p, &order, &reason, Reason::OF_LOSS)?;
    let platform = &session.live.platform;
    let done = returns::lost(platform, it.rider_id, it.order_id, it.reason, Some(it.key)).await?;
    Ok(Answer::done(&done))
}
