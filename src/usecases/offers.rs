//! Exclusive, timed offers: made by the dispatcher, answered by riders, ended by deadlines.

use domain::{
    channel::Channel,
    clock::Timestamp,
    delivery_state::DeliveryEvent,
    geo::POOL_CELL_CHARS,
    ids::{OfferId, OrderId, RiderId},
    offer::Offer,
    offer_state::{OfferEvent, OfferState},
    reason::Reason,
    role::{Actor, Profile},
};
use serde::{Deserialize, Serialize};
use storage::{
    commands::CommandKey,
    db::Tx,
    duty::{self, Duty, RiderDuty},
    events::{self, OfferClosed, Offered, StopView, StorePoint},
    explanations::{self, BY_OPERATOR, Explanation},
    offers::{self, Bundled},
    push::Push,
    timers::{self, Due, TimerKind},
};

use crate::{
    board::ASK_AGAIN_MS,
    deliveries::assign,
    duty::change as change_duty,
    error::AskError,
    ops,
    order_case::{Cause, OrderCase},
    platform::{Changes, Done, Nudge, Platform},
    room::room_for_one,
};

/// Offers in a row that a rider may leave unanswered before he is taken off duty.
pub const TIMEOUTS_MAX: u32 = 3;

/// What the dispatcher proposes.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Which order needs a rider.
    pub order_id: OrderId,
    /// Who is asked.
    pub rider_id: RiderId,
    /// Metres from the rider to the store.
    pub pickup_m: i64,
    /// Metres from the store to the door.
    pub trip_m: i64,
    /// Seconds that the rider's route grows by.
    pub adds_s: i64,
    /// The rider's route with this delivery in it.
    pub route: Vec<StopView>,
    /// Why he; the offer's id is filled in.
    pub why: Explanation,
}

/// What a rider's answer came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Answered {
    /// `won` if the delivery is his, `declined` if he did not want it.
    pub state: String,
    /// The order.
    pub order: String,
}

/// Asks one rider, who alone may accept until the deadline; several deliveries are taken or declined
/// together.
///
/// # Errors
///
/// [`AskError`] if one of the deliveries or the rider is not free any more; nothing is offered then, and
/// the dispatcher looks again.
pub async fn make(
    platform: &Platform,
    mut proposals: Vec<Proposal>,
) -> Result<Done<Vec<String>>, AskError> {
    let policy = platform.policy;
    // Orders are locked in the order of their ids, as everywhere.
    proposals.sort_by_key(|it| it.order_id);
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let expires_at = at + policy.offer_open;
        let (mut offers, mut bodies) = (Vec::new(), Vec::new());
        for proposal in &proposals {
            let (offer, body) = make_one(tx, changes, proposal, expires_at, at).await?;
            offers.push(offer);
            bodies.push(body);
        }
        if offers.len() > 1 {
            let ids: Vec<OfferId> = offers.iter().map(|it| it.id).collect();
            offers::bundle(tx, &ids).await?;
        }
        let (Some(rider), Some(body)) = (offers.first().map(|it| it.rider_id), together(bodies))
        else {
            return Ok(Vec::new());
        };
        let inbox = Channel::Inbox(Profile::Rider(rider));
        changes.entries.push(events::entry(inbox, Push::Offer, None, &body)?);
        Ok::<_, AskError>(offers.iter().map(|it| it.id.to_string()).collect())
    };
    platform.command(None, work).await
}

/// One push for all of them: the first with the others named in it.
fn together(bodies: Vec<Offered>) -> Option<Offered> {
    let mut bodies = bodies.into_iter();
    let first = bodies.next()?;
    let also = bodies.map(|it| Bundled {
        offer: it.offer,
        order: it.order,
        dropoff_area: it.dropoff_area,
        pay_minor: it.pay_minor,
        trip_m: it.trip_m,
    });
    Some(Offered { also: also.collect(), ..first })
}

async fn make_one(
    tx: &mut Tx,
    changes: &mut Changes,
    proposal: &Proposal,
    expires_at: Timestamp,
    at: Timestamp,
) -> Result<(Offer, Offered), AskError> {
    let mut case = OrderCase::lock(tx, proposal.order_id).await?;
    if let Some(stored) = &case.delivery {
        // Whoever planned this may have looked before he said no: another dispatcher had asked him.
        let no = offers::last_no(tx, stored.delivery.id, proposal.rider_id).await?;
        if no.is_some_and(|it| at.ms_since(it) < ASK_AGAIN_MS) {
            return Err(AskError::Gone { state: OfferState::Declined.as_str() });
        }
    }
    room_for_one(tx, proposal.rider_id, None).await?;
    let cause = Cause { by: Actor::System, reason: None, at };
    put_out(tx, changes, &mut case, proposal, expires_at, cause).await
}

/// Makes an offer of an order in hand to a rider who was found to have room. The caller tells him.
pub(crate) async fn put_out(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &mut OrderCase,
    proposal: &Proposal,
    expires_at: Timestamp,
    cause: Cause,
) -> Result<(Offer, Offered), AskError> {
    let at = cause.at;
    case.move_delivery(tx, changes, DeliveryEvent::Offered, cause).await?;
    let stored = case.delivery.as_ref().ok_or(AskError::not_found("delivery"))?;
    let offer = Offer {
        id: OfferId::generate(),
        delivery_id: stored.delivery.id,
        order_id: proposal.order_id,
        rider_id: proposal.rider_id,
        state: OfferState::Open,
        expires_at,
    };
    offers::insert(tx, &offer, at).await?;
    timers::set(tx, TimerKind::OfferExpiry, &offer.id.to_string(), offer.expires_at).await?;
    let why = Explanation { offer: offer.id.to_string(), ..proposal.why.clone() };
    explanations::insert(tx, offer.id, offer.order_id, &why, at).await?;
    ops::tell_why(changes, &stored.region, &why, at)?;
    let body = Offered {
        offer: offer.id.to_string(),
        order: offer.order_id.to_string(),
        store: StorePoint {
            id: stored.store_id.to_string(),
            name: case.store.name.as_str().to_owned(),
            lat: stored.pickup.lat(),
            lng: stored.pickup.lng(),
        },
        dropoff_area: stored.dropoff.cell(POOL_CELL_CHARS),
        pay_minor: stored.pay.minor() + stored.outreach.bonus.minor(),
        bonus_minor: stored.outreach.bonus.minor(),
        currency: stored.pay.currency().code().to_owned(),
        pickup_m: proposal.pickup_m,
        trip_m: proposal.trip_m,
        adds_s: proposal.adds_s,
        route: proposal.route.clone(),
        expires: offer.expires_at.ms(),
        also: Vec::new(),
    };
    Ok((offer, body))
}

/// A rider takes or declines his offer, and with it those that were made together with it.
///
/// # Errors
///
/// [`AskError::Gone`] with what became of the offer if it is not open to him any more,
/// [`AskError::BagFull`] if he has no room.
pub async fn reply(
    platform: &Platform,
    rider_id: RiderId,
    offer_id: OfferId,
    take: bool,
    key: Option<CommandKey>,
) -> Result<Done<Answered>, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut bundle = lock_bundle(tx, offer_id).await?;
        let asked = bundle.iter().map(|it| &it.1).find(|it| it.id == offer_id);
        let offer = asked.filter(|it| it.rider_id == rider_id).cloned();
        let offer = offer.ok_or(AskError::not_found("offer"))?;
        if offer.state != OfferState::Open {
            return Err(AskError::Gone { state: offer.state.as_str() });
        }
        if at >= offer.expires_at {
            return Err(AskError::Gone { state: OfferState::Expired.as_str() });
        }
        // What was taken back meanwhile is not his to answer; the rest is one answer.
        for (case, it) in bundle.iter_mut().filter(|(_, it)| it.state == OfferState::Open) {
            if take {
                accept(tx, changes, case, it, at).await?;
            } else {
                let (by, reason) = (Actor::from(rider_id), Some(Reason::RiderDeclined));
                let cause = Cause { by, reason, at };
                lapse(tx, changes, case, it, OfferEvent::TurnedDown, cause).await?;
            }
        }
        duty::save_timeouts(tx, rider_id, 0).await?;
        let state = if take { "won" } else { "declined" }.to_owned();
        Ok(Answered { state, order: offer.order_id.to_string() })
    };
    platform.command(key, work).await
}

async fn accept(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &mut OrderCase,
    offer: &Offer,
    at: Timestamp,
) -> Result<(), AskError> {
    room_for_one(tx, offer.rider_id, Some(offer.order_id)).await?;
    let cause = Cause { by: offer.rider_id.into(), reason: None, at };
    let taken = case.move_offer(tx, changes, offer, OfferEvent::Taken, cause).await?;
    timers::clear(tx, TimerKind::OfferExpiry, &offer.id.to_string()).await?;
    close(changes, offer, taken.to)?;
    assign(tx, changes, case, DeliveryEvent::OfferAccepted, offer.rider_id, at).await
}

/// Carries out the deadline of an offer and of those made together with it; `false` if it was answered
/// before.
///
/// # Errors
///
/// [`AskError`] as the store gives it.
pub async fn expire(platform: &Platform, due: Due) -> Result<bool, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let Ok(offer_id) = due.subject.parse::<OfferId>() else {
            timers::take(tx, &due).await?;
            return Ok::<_, AskError>(false);
        };
        let mut bundle = lock_bundle(tx, offer_id).await?;
        let asked = bundle.iter().map(|it| &it.1).find(|it| it.id == offer_id).cloned();
        let is_taken = timers::take(tx, &due).await?;
        let Some(offer) = asked.filter(|it| is_taken && it.state == OfferState::Open) else {
            return Ok(false);
        };
        let cause = Cause { by: Actor::System, reason: Some(Reason::RiderSilent), at };
        for (case, it) in bundle.iter_mut().filter(|(_, it)| it.state == OfferState::Open) {
            lapse(tx, changes, case, it, OfferEvent::TimedOut, cause).await?;
        }
        // One silence, however many deliveries it was about.
        count_silence(tx, changes, offer.rider_id, at).await?;
        Ok(true)
    };
    Ok(platform.command(None, work).await?.value)
}

/// Takes an offer back because another rider is much better by now; `false` if it was answered before.
///
/// # Errors
///
/// [`AskError`] as the store gives it.
pub async fn withdraw(platform: &Platform, offer_id: OfferId) -> Result<bool, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let (mut case, offer) = lock_offer(tx, offer_id).await?;
        // What has run out is left to its deadline.
        if offer.state != OfferState::Open || at >= offer.expires_at {
            return Ok::<_, AskError>(false);
        }
        // What an operator decided is not for the dispatcher to change.
        let told = explanations::list_for_order(tx, offer.order_id).await?;
        let id = offer.id.to_string();
        if told.iter().any(|it| it.offer == id && it.policy == BY_OPERATOR) {
            return Ok(false);
        }
        let cause = Cause { by: Actor::System, reason: Some(Reason::Overtaken), at };
        lapse(tx, changes, &mut case, &offer, OfferEvent::TakenBack, cause).await?;
        Ok(true)
    };
    Ok(platform.command(None, work).await?.value)
}

/// Turns down whatever a rider is being asked, because he takes no more work.
///
/// Orders are locked before the rider's duty, as everywhere.
pub(crate) async fn turn_down_all(
    tx: &mut Tx,
    changes: &mut Changes,
    rider_id: RiderId,
    at: Timestamp,
) -> Result<(), AskError> {
    for asked in offers::list_open_for_rider(tx, rider_id).await? {
        let (mut case, offer) = lock_offer(tx, asked.id).await?;
        // What has run out is left to its deadline.
        if offer.state == OfferState::Open && at < offer.expires_at {
            let (by, reason) = (Actor::from(rider_id), Some(Reason::RiderDeclined));
            let cause = Cause { by, reason, at };
            lapse(tx, changes, &mut case, &offer, OfferEvent::TurnedDown, cause).await?;
        }
    }
    Ok(())
}

/// Ends an offer without an assignment; the delivery waits again.
pub(crate) async fn lapse(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &mut OrderCase,
    offer: &Offer,
    event: OfferEvent,
    cause: Cause,
) -> Result<(), AskError> {
    let over = case.move_offer(tx, changes, offer, event, cause).await?;
    timers::clear(tx, TimerKind::OfferExpiry, &offer.id.to_string()).await?;
    close(changes, offer, over.to)?;
    case.move_delivery(tx, changes, DeliveryEvent::OfferLapsed, cause).await?;
    changes.nudges.push(Nudge::Dispatch { region: case.stored.region.clone() });
    Ok(())
}

fn close(changes: &mut Changes, offer: &Offer, state: OfferState) -> Result<(), AskError> {
    let body = OfferClosed {
        offer: offer.id.to_string(),
        order: offer.order_id.to_string(),
        state: state.as_str().to_owned(),
    };
    let inbox = Channel::Inbox(Profile::Rider(offer.rider_id));
    changes.entries.push(events::entry(inbox, Push::OfferClosed, None, &body)?);
    Ok(())
}

/// Three offers in a row without a word take a rider off duty.
async fn count_silence(
    tx: &mut Tx,
    changes: &mut Changes,
    rider_id: RiderId,
    at: Timestamp,
) -> Result<(), AskError> {
    let Some(state) = duty::find_locked(tx, rider_id).await? else { return Ok(()) };
    let n_timeouts = state.n_timeouts + 1;
    if n_timeouts < TIMEOUTS_MAX || state.duty != Duty::On {
        duty::save_timeouts(tx, rider_id, n_timeouts).await?;
        return Ok(());
    }
    // On a break he keeps what he holds and is asked no more until he says that he is back.
    let paused = RiderDuty { duty: Duty::Break, since: at, n_timeouts: 0, ..state };
    let view = change_duty(tx, changes, paused).await?;
    let inbox = Channel::Inbox(Profile::Rider(rider_id));
    changes.entries.push(events::entry(inbox, Push::Duty, None, &view)?);
    Ok(())
}

/// Locks the order of an offer, then reads the offer as it stands now.
async fn lock_offer(tx: &mut Tx, offer_id: OfferId) -> Result<(OrderCase, Offer), AskError> {
    let none = AskError::not_found("offer");
    let Some(before) = offers::find(tx, offer_id).await? else { return Err(none) };
    let case = OrderCase::lock(tx, before.order_id).await?;
    let Some(offer) = offers::find(tx, offer_id).await? else { return Err(none) };
    Ok((case, offer))
}

/// Locks the orders of an offer and of those made together with it, then reads the offers as they stand
/// now. Orders are locked in the order of their ids.
async fn lock_bundle(tx: &mut Tx, offer_id: OfferId) -> Result<Vec<(OrderCase, Offer)>, AskError> {
    let mut bundle = Vec::new();
    for before in offers::list_together(tx, offer_id).await? {
        let case = OrderCase::lock(tx, before.order_id).await?;
        let offer = offers::find(tx, before.id).await?.ok_or(AskError::not_found("offer"))?;
        bundle.push((case, offer));
    }
    if bundle.is_empty() { Err(AskError::not_found("offer")) } else { Ok(bundle) }
}
