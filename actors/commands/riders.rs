//! What riders do: duty, positions, offers, the pool, stops.

use domain::{
    geo::{POOL_CELL_CHARS, Place, cell_with_neighbours},
    ids::{OfferId, OrderId, RiderId},
    role::Profile,
    travel::Vehicle,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use storage::{commands::CommandKey, events::PoolItem, push::Push};
use usecases::{
    deliveries::{self, StopKind},
    devices,
    duty::{self, DutyOn, DutyView},
    offers,
};

use crate::{
    commands::Answer,
    fleet::{Fix, Stamp},
    frame::Lane,
    frames,
    protocol::{self, MaybeCid, params},
    refusal::{Kind, Refusal},
    session::Session,
};

/// The rider who is signed in.
pub(super) fn rider(session: &Session) -> Result<RiderId, Refusal> {
    match session.profile {
        Profile::Rider(id) => Ok(id),
        Profile::Customer(_) | Profile::Merchant(_) | Profile::Operator(_) => {
            Err(Refusal::new(Kind::Forbidden, "only a rider may do that"))
        }
    }
}

/// What makes the command happen once.
pub(super) fn key(session: &Session, m: &str, p: Option<&RawValue>) -> Result<CommandKey, Refusal> {
    protocol::key(&session.profile.to_string(), m, p)
}

/// The key of a command that may come without a `cid` because repeating it does no harm.
fn key_if_given(
    session: &Session,
    m: &str,
    p: Option<&RawValue>,
) -> Result<Option<CommandKey>, Refusal> {
    let MaybeCid { cid } = params(p)?;
    cid.map(|_| key(session, m, p)).transpose()
}

/// Reads the id of an order.
pub(super) fn order_id(text: &str) -> Result<OrderId, Refusal> {
    text.parse().map_err(|_| Refusal::new(Kind::NotFound, "there is no such order for you"))
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct DutyInput {
    /// What the rider moves with.
    #[schemars(extend("enum" = Vehicle::names()))]
    vehicle: String,
    /// Orders that he carries at once.
    #[schemars(range(min = 1, max = duty::CAPACITY_MAX))]
    capacity: u32,
    /// Degrees north.
    lat: f64,
    /// Degrees east.
    lng: f64,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct OnDuty {
    /// What the rider holds from before.
    work: DutyView,
    /// What may be grabbed in the cells around him.
    pool: Vec<PoolItem>,
    /// Whether this is the stored answer of an earlier time.
    dup: bool,
}

/// `duty.on`: answers with the work that waits and the grab pool around.
///
/// # Errors
///
/// [`Refusal`] if a value is out of range.
pub async fn duty_on(
    session: &mut Session,
    m: &str,
    p: Option<&RawValue>,
) -> Result<Answer, Refusal> {
    let rider_id = rider(session)?;
    let input: DutyInput = params(p)?;
    let vehicle = Vehicle::from_text(&input.vehicle)
        .ok_or_else(|| Refusal::bad("`vehicle` must be walk, bike, scooter or car"))?;
    let place = Place::new(input.lat, input.lng).map_err(|err| Refusal::bad(err.to_string()))?;
    let ask = DutyOn { vehicle, capacity: input.capacity, place };
    let device = Some(session.device.to_string());
    let platform = &session.live.platform;
    let done = duty::on(platform, rider_id, ask, device, key_if_given(session, m, p)?).await?;
    let cells = cell_with_neighbours(&place.cell(POOL_CELL_CHARS));
    let pool = deliveries::pool_snapshot(platform, &cells).await?;
    Ok(Answer::of(&OnDuty { work: done.value, pool, dup: done.dup }))
}

/// `duty.break` and `duty.off`.
///
/// # Errors
///
/// [`Refusal`] if the rider does not work, or still carries something.
pub async fn duty_less(
    session: &mut Session,
    m: &str,
    p: Option<&RawValue>,
) -> Result<Answer, Refusal> {
    let rider_id = rider(session)?;
    let (platform, key) = (&session.live.platform, key_if_given(session, m, p)?);
    let done = if m == "duty.off" {
        duty::off(platform, rider_id, key).await?
    } else {
        duty::pause(platform, rider_id, key).await?
    };
    Ok(Answer::done(&done))
}

/// Another device publishes the rider's position: push `loc.denied`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LocDenied {
    push: Push,
    /// The device that does; `loc.claim` takes over from it.
    device: String,
}

/// `loc.put`: a position; older ones than the newest are dropped by the fleet. Those of a device
/// that does not publish the rider's position are dropped here, and it is told once.
///
/// # Errors
///
/// [`Refusal`] if it is no place, or a value cannot be true.
pub fn loc_put(session: &mut Session, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let rider_id = rider(session)?;
    let fix: Fix = params(p)?;
    fix.report().check().map_err(|err| Refusal::bad(err.to_string()))?;
    match session.live.publishers.fence_of(rider_id, &session.device) {
        Ok(fence) => {
            session.is_denied = false;
            let stamp = Stamp { fence, series: session.started_at };
            (session.live.positions)(rider_id, stamp, fix);
        }
        Err(device) if !session.is_denied => {
            session.is_denied = true;
            let push = frames::json(&LocDenied { push: Push::LocDenied, device });
            session.outbox.push(Lane::Control, push);
        }
        Err(_) => {}
    }
    Ok(Answer::yes())
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct ClaimInput {}

/// `loc.claim`: from now on this device publishes the rider's position.
///
/// # Errors
///
/// [`Refusal`] if it cannot be saved.
pub async fn loc_claim(
    session: &mut Session,
    m: &str,
    p: Option<&RawValue>,
) -> Result<Answer, Refusal> {
    let rider_id = rider(session)?;
    let (key, device) = (key(session, m, p)?, session.device.to_string());
    let platform = &session.live.platform;
    Ok(Answer::done(&devices::claim_position(platform, rider_id, device, Some(key)).await?))
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct ReplyInput {
    /// The offer.
    offer: String,
    /// Whether the rider takes it.
    take: bool,
}

/// `offer.reply`: takes or declines; the first answer stands.
///
/// # Errors
///
/// [`Refusal`] of kind `OfferGone` with the final state if it is too late.
pub async fn offer_reply(
    session: &mut Session,
    m: &str,
    p: Option<&RawValue>,
) -> Result<Answer, Refusal> {
    let rider_id = rider(session)?;
    let input: ReplyInput = params(p)?;
    let offer_id: OfferId = input
        .offer
        .parse()
        .map_err(|_| Refusal::new(Kind::NotFound, "there is no such offer for you"))?;
    let key = Some(key(session, m, p)?);
    let platform = &session.live.platform;
    Ok(Answer::done(&offers::reply(platform, rider_id, offer_id, input.take, key).await?))
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct OrderInput {
    /// The order.
    order: String,
}

/// `grab`: takes a delivery from the pool; exactly one of many wins.
///
/// # Errors
///
/// [`Refusal`] of kind `OfferGone` if somebody else has it.
pub async fn grab(session: &mut Session, m: &str, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let rider_id = rider(session)?;
    let input: OrderInput = params(p)?;
    let (order_id, key) = (order_id(&input.order)?, key(session, m, p)?);
    let done = deliveries::grab(&session.live.platform, rider_id, order_id, Some(key)).await?;
    Ok(Answer::done(&done))
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct StopInput {
    /// The order.
    order: String,
    /// Fetching it, or handing it over.
    #[schemars(extend("enum" = StopKind::names()))]
    stop: String,
}

/// `stop.arrive` and `stop.done`.
///
/// # Errors
///
/// [`Refusal`] if the delivery is not the rider's, or not at that point.
pub async fn stop(session: &mut Session, m: &str, p: Option<&RawValue>) -> Result<Answer, Refusal> {
    let rider_id = rider(session)?;
    let input: StopInput = params(p)?;
    let stop = StopKind::from_text(&input.stop)
        .ok_or_else(|| Refusal::bad("`stop` must be pickup or dropoff"))?;
    let (order_id, key) = (order_id(&input.order)?, Some(key(session, m, p)?));
    let platform = &session.live.platform;
    let done = if m == "stop.arrive" {
        deliveries::arrive(platform, rider_id, order_id, stop, key).await?
    } else {
        deliveries::finish_stop(platform, rider_id, order_id, stop, key).await?
    };
    Ok(Answer::done(&done))
}
