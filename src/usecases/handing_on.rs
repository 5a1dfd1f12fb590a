//! A delivery leaves its rider before pickup: he hands it on, an operator takes it off him, or he
//! is silent or does not move. It waits again, and he is not asked again for a while.

use domain::{
    channel::Channel,
    clock::Timestamp,
    delivery_state::{DeliveryEvent, DeliveryState},
    escalation::SearchPolicy,
    geo::Place,
    ids::{OperatorId, OrderId, RiderId},
    offer_state::OfferEvent,
    reason::Reason,
    role::{Actor, Profile},
};
use serde::{Deserialize, Serialize};
use storage::{
    commands::CommandKey,
    db::Tx,
    deliveries::StoredDelivery,
    duty::RiderDuty,
    error::StoreError,
    events::{self, MemberMoved, StopView, Unassigned},
    explanations::{BY_OPERATOR, Candidate, Explanation},
    leaves, offers as offer_rows,
    push::Push,
};

use crate::{
    deliveries::{DeliveryView, StopKind, lock_delivery, lock_own, show_in_pool, view},
    error::AskError,
    offers::{Proposal, lapse, put_out},
    order_case::{Cause, OrderCase},
    platform::{Changes, Done, Nudge, Platform},
    room::room_for_one,
    searching,
};

/// What came of an operator's reassignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reassigned {
    /// The order.
    pub order: String,
    /// Where the delivery stands now.
    pub state: String,
    /// The offer to the rider who was named.
    pub offer: Option<String>,
}

/// A rider hands a delivery on, before he has the goods.
///
/// # Errors
///
/// [`AskError::NotFound`] if it is not his, [`AskError::Delivery`] if he has the goods or gives
/// none of the reasons for it.
pub async fn hand_on(
    platform: &Platform,
    rider_id: RiderId,
    order_id: OrderId,
    reason: Reason,
    key: Option<CommandKey>,
) -> Result<Done<DeliveryView>, AskError> {
    let search = platform.policy.search;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = lock_own(tx, rider_id, order_id).await?;
        let cause = Cause { by: rider_id.into(), reason: Some(reason), at };
        let_go(tx, changes, &mut case, &search, cause).await?;
        Ok(view(&case))
    };
    platform.command(key, work).await
}

/// The system takes a delivery off a rider. `false` if he has it no more, or has the goods by now.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved.
pub async fn take_off(
    platform: &Platform,
    rider_id: RiderId,
    order_id: OrderId,
    reason: Reason,
) -> Result<bool, AskError> {
    let search = platform.policy.search;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let (mut case, stored) = lock_delivery(tx, order_id).await?;
        let is_his = stored.delivery.rider_id == Some(rider_id);
        if !is_his || stored.delivery.state.on(DeliveryEvent::RiderLeft).is_err() {
            return Ok::<_, AskError>(false);
        }
        let cause = Cause { by: Actor::System, reason: Some(reason), at };
        let_go(tx, changes, &mut case, &search, cause).await?;
        Ok(true)
    };
    Ok(platform.command(None, work).await?.value)
}

/// An operator takes a delivery off whoever holds it or is asked about it; with `to`, that rider is
/// asked next, whatever he said before.
///
/// # Errors
///
/// [`AskError::Delivery`] if it has nobody to take it off and nobody to give it to, or the goods
/// are on board; [`AskError::NotOnDuty`] or [`AskError::BagFull`] if the named rider cannot take it.
pub async fn reassign(
    platform: &Platform,
    by: OperatorId,
    order_id: OrderId,
    to: Option<RiderId>,
    reason: Reason,
    key: Option<CommandKey>,
) -> Result<Done<Reassigned>, AskError> {
    let policy = platform.policy;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let (mut case, stored) = lock_delivery(tx, order_id).await?;
        let cause = Cause { by: Profile::Operator(by).into(), reason: Some(reason), at };
        if to.is_some() && stored.delivery.rider_id == to {
            return Err(AskError::OutOfRange { what: "this rider holds the delivery already" });
        }
        free(tx, changes, &mut case, &policy.search, to.is_some(), cause).await?;
        let mut offer = None;
        if let Some(rider_id) = to {
            let duty = room_for_one(tx, rider_id, None).await?;
            let proposal = propose(&stored, &duty, at);
            let expires_at = at + policy.offer_open;
            let made = put_out(tx, changes, &mut case, &proposal, expires_at, cause).await?;
            let inbox = Channel::Inbox(Profile::Rider(rider_id));
            changes.entries.push(events::entry(inbox, Push::Offer, None, &made.1)?);
            offer = Some(made.0.id.to_string());
        }
        changes.nudges.push(Nudge::Dispatch { region: stored.region.clone() });
        let state = view(&case).state;
        Ok(Reassigned { order: order_id.to_string(), state, offer })
    };
    platform.command(key, work).await
}

/// Makes a delivery wait, whoever holds it, is asked about it or may grab it.
async fn free(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &mut OrderCase,
    search: &SearchPolicy,
    is_wanted: bool,
    cause: Cause,
) -> Result<(), AskError> {
    let stored = case.delivery.clone().ok_or(AskError::not_found("delivery"))?;
    match stored.delivery.state {
        DeliveryState::Waiting if is_wanted => Ok(()),
        DeliveryState::Pooled if is_wanted => {
            case.move_delivery(tx, changes, DeliveryEvent::TakenFromPool, cause).await?;
            show_in_pool(tx, changes, &stored, false, cause.at).await
        }
        DeliveryState::Offering => {
            let open = offer_rows::find_open(tx, stored.delivery.id).await?;
            let offer = open.ok_or_else(|| StoreError::not_found("offer", stored.delivery.id))?;
            lapse(tx, changes, case, &offer, OfferEvent::TakenBack, cause).await
        }
        _ => let_go(tx, changes, case, search, cause).await,
    }
}

/// What is told to a rider whom an operator names: his way to the store, and from there.
fn propose(stored: &StoredDelivery, duty: &RiderDuty, at: Timestamp) -> Proposal {
    let (to_store, trip) =
        (duty.place.metres_to(stored.pickup), stored.pickup.metres_to(stored.dropoff));
    let at_store = at.ms() + duty.vehicle.ride_ms(to_store);
    let leaves = at_store.max(stored.ready_at.ms());
    let at_door = leaves + duty.vehicle.ride_ms(trip);
    let stop = |kind: StopKind, place: Place, eta: i64| StopView {
        order: stored.delivery.order_id.to_string(),
        stop: kind.as_str().to_owned(),
        lat: place.lat(),
        lng: place.lng(),
        eta,
    };
    let pickup_m = to_store.round() as i64;
    let adds_s = (at_door - at.ms()) / 1_000;
    let chosen = Candidate {
        rider: duty.rider_id.to_string(),
        cost_min: adds_s as f64 / 60.0,
        handicap_min: 0.0,
        pickup_m,
        load: 0,
    };
    Proposal {
        why: Explanation::of(stored.delivery.order_id, BY_OPERATOR, chosen, at),
        order_id: stored.delivery.order_id,
        rider_id: duty.rider_id,
        pickup_m,
        trip_m: trip.round() as i64,
        adds_s,
        route: vec![
            stop(StopKind::Pickup, stored.pickup, at_store),
            stop(StopKind::Dropoff, stored.dropoff, at_door),
        ],
    }
}

/// Takes a delivery in hand off its rider: he leaves the chat, is told why, and is not asked again
/// for a while.
pub(crate) async fn let_go(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &mut OrderCase,
    search: &SearchPolicy,
    cause: Cause,
) -> Result<(), AskError> {
    let (person, before) = (case.rider.clone(), case.delivery.clone());
    case.move_delivery(tx, changes, DeliveryEvent::RiderLeft, cause).await?;
    let delivery = before.ok_or(AskError::not_found("delivery"))?.delivery;
    let rider_id = delivery.rider_id.ok_or(AskError::not_found("rider"))?;
    let person = person.ok_or(AskError::not_found("rider"))?;
    let reason = cause.reason.unwrap_or(Reason::Other);
    leaves::save(tx, delivery.id, rider_id, reason, cause.at).await?;
    searching::begin(tx, case.id(), search, cause.at).await?;

    let channel = Channel::Order(case.id());
    let left = MemberMoved { person, joined: false };
    changes.entries.push(events::entry(channel.clone(), Push::Member, None, &left)?);
    let body = Unassigned {
        order: case.id().to_string(),
        reason: reason.to_string(),
        by: cause.by.role().to_string(),
    };
    let inbox = Channel::Inbox(Profile::Rider(rider_id));
    let mut told = events::entry(inbox, Push::Unassigned, None, &body)?;
    // Whoever hears the order's channel looks whether he still may.
    told.joins = Some(channel);
    changes.entries.push(told);
    changes.nudges.push(Nudge::Dispatch { region: case.stored.region.clone() });
    Ok(())
}
