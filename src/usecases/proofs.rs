//! What proves at the door that the right one got it.
//!
//! A wrong PIN is an answer like any other: it is written down with its `cid`, so that neither a
//! retry nor a rollback gives the try back, and a repetition does not count twice.

use domain::{
    alarm::AlarmKind,
    channel::Channel,
    clock::Timestamp,
    delivery_state::DeliveryEvent,
    handover::{Given, HandoverPolicy, Pin, ProofRefusal, ProvenBy},
    ids::{AttachmentId, OperatorId, OrderId, RiderId},
    order::OrderRefusal,
    order_state::{IllegalTransition, OrderEvent},
    reason::Reason,
    role::Profile,
};
use serde::{Deserialize, Serialize};
use storage::{
    commands::CommandKey,
    db::Tx,
    error::StoreError,
    events::{self, HandoverNews},
    handovers::{self, Waived},
    push::Push,
};

use crate::{
    alarms, attachments,
    error::AskError,
    order_case::OrderCase,
    platform::{Changes, Done, Platform},
};

/// What a rider brings forward at the door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What the customer told him.
    pub pin: Option<Pin>,
    /// A photo of the goods in the right place: his own attachment of this order.
    pub photo: Option<AttachmentId>,
}

/// Who stands at the door, when, and under which rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Door<'a> {
    /// What is ruled about proofs.
    pub policy: &'a HandoverPolicy,
    /// Who.
    pub rider_id: RiderId,
    /// What makes his command happen once.
    pub cid: &'a str,
    /// When.
    pub at: Timestamp,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judged {
    /// It is proven.
    Proven,
    /// The PIN is wrong, which has been counted.
    WrongPin { left: u32 },
}

/// Judges what a rider brings forward, before anything moves.
///
/// # Errors
///
/// [`AskError::Proof`] if it will not do, [`AskError::Delivery`] if it is not the time for it,
/// [`AskError::Attachment`] if the photo is not his, not of this order, or not whole.
pub(crate) async fn judge(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &mut OrderCase,
    door: Door<'_>,
    evidence: &Evidence,
) -> Result<Judged, AskError> {
    let Door { policy, rider_id, cid, at } = door;
    let stored = case.delivery.as_ref().ok_or(AskError::not_found("delivery"))?;
    // Nobody tries PINs before he has the goods.
    stored.delivery.decide(DeliveryEvent::HandedOver, rider_id.into(), None, at)?;
    let given = Given { pin: evidence.pin.as_ref(), has_photo: evidence.photo.is_some() };
    let proven_by = match case.handover.handover.check(policy, given) {
        Ok(proven_by) => proven_by,
        Err(ProofRefusal::WrongPin { left }) => {
            handovers::count_wrong_pin(tx, case.id()).await?;
            case.handover.handover = case.handover.handover.clone().after_wrong_pin();
            if left == 0 {
                alarms::raise(tx, changes, case, AlarmKind::ProofLocked, at).await?;
                tell(case, policy, changes)?;
            }
            return Ok(Judged::WrongPin { left });
        }
        Err(refusal) => return Err(refusal.into()),
    };
    if let Some(photo) = evidence.photo {
        let owner = Profile::Rider(rider_id);
        attachments::claim(tx, photo, case.id(), owner, cid).await.map_err(AskError::from)?;
    }
    save(tx, case, proven_by, evidence.photo).await?;
    silence(tx, changes, case, None, at).await?;
    Ok(Judged::Proven)
}

async fn save(
    tx: &mut Tx,
    case: &mut OrderCase,
    proven_by: ProvenBy,
    photo: Option<AttachmentId>,
) -> Result<(), StoreError> {
    handovers::save_proof(tx, case.id(), proven_by, photo).await?;
    case.handover.proven_by = Some(proven_by);
    case.handover.photo = photo;
    Ok(())
}

/// Nobody need look after a locked PIN any more.
pub(crate) async fn silence(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &OrderCase,
    by: Option<Profile>,
    at: Timestamp,
) -> Result<(), StoreError> {
    if case.handover.handover.is_locked() {
        alarms::resolve(tx, changes, case, AlarmKind::ProofLocked, by, at).await?;
    }
    Ok(())
}

/// Tells those who stand at the door or at the counter what is needed now.
fn tell(
    case: &OrderCase,
    policy: &HandoverPolicy,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let handover = &case.handover.handover;
    let body = HandoverNews {
        order: case.id().to_string(),
        mode: handover.mode.to_string(),
        needs: handover.needed(policy).to_string(),
        is_locked: handover.is_locked(),
        waived: case.handover.waived.map(|it| it.reason.to_string()),
    };
    let order = &case.stored.order;
    let rider = case.delivery.as_ref().and_then(|it| it.delivery.rider_id);
    let other = match rider {
        Some(rider) => Channel::Inbox(Profile::Rider(rider)),
        None => Channel::Store(order.store_id),
    };
    for channel in [Channel::Inbox(Profile::Customer(order.customer_id)), other] {
        changes.entries.push(events::entry(channel, Push::Handover, None, &body)?);
    }
    Ok(())
}

/// What is needed after an operator did without a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eased {
    /// The order.
    pub order: String,
    /// Why.
    pub reason: String,
    /// When, in UTC milliseconds.
    pub at: i64,
}

/// An operator does without the PIN, the photo or the pickup code of an order. Doing so again
/// changes the reason.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such order, [`AskError::Order`] if it was handed over or has
/// ended, [`AskError::OutOfRange`] if the reason is none for that.
pub async fn waive(
    platform: &Platform,
    by: OperatorId,
    order_id: OrderId,
    reason: Reason,
    key: Option<CommandKey>,
) -> Result<Done<Eased>, AskError> {
    if !Reason::OF_WAIVER.contains(&reason) {
        let what =
            "the reason is code_not_at_hand, customer_unreachable, operator_decision or other";
        return Err(AskError::OutOfRange { what });
    }
    let policy = platform.policy.handover;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = OrderCase::lock(tx, order_id).await?;
        let order = &case.stored.order;
        if order.delivered_at.is_some() || order.ended_at.is_some() {
            let (from, event) = (order.state, OrderEvent::HandedOver);
            return Err(OrderRefusal::from(IllegalTransition { from, event }).into());
        }
        let by = Profile::Operator(by);
        silence(tx, changes, &case, Some(by), at).await?;
        let waived = Waived { by, reason, at };
        handovers::waive(tx, order_id, &waived).await?;
        case.handover.waived = Some(waived);
        case.handover.handover.is_waived = true;
        tell(&case, &policy, changes)?;
        tracing::info!(order.id = %order_id, operator = %by, %reason, "a proof is done without");
        Ok(Eased { order: order_id.to_string(), reason: reason.to_string(), at: at.ms() })
    };
    platform.command(key, work).await
}
