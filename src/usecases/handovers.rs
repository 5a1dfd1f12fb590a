//! How an order changes hands at the store's counter: codes, and who gets what against them.
//!
//! A wrong code is an answer like any other: it is written down, so that neither a retry nor a
//! rollback gives the try back.

use domain::{
    channel::Channel,
    clock::Timestamp,
    delivery_state::DeliveryEvent,
    handover::{Mode, ProvenBy},
    ids::{MerchantId, OrderId, StoreId},
    order_state::OrderEvent,
    pickup_code::{PickupCode, Scanned, qr_text},
    policy::OrderPolicy,
    role::Profile,
};
use serde::{Deserialize, Serialize};
use storage::{
    commands::CommandKey,
    db::Tx,
    error::StoreError,
    events::{self, Person, PickupReady, StorePoint},
    handovers,
    push::Push,
    stores,
    timers::{self, TimerKind},
};

use crate::{
    error::{AskError, PickupRefusal},
    order_case::{Cause, OrderCase},
    platform::{Changes, Done, Platform},
};

/// Codes that are tried before a store is said to have none left, which never happens.
const CODE_TRIES: u32 = 100;

/// Gives an order in hand the code that goes with it.
pub(crate) async fn give_code(tx: &mut Tx, case: &mut OrderCase) -> Result<(), StoreError> {
    for _ in 0..CODE_TRIES {
        let code = PickupCode::from_dice(rand::random());
        // Asked first: a statement that fails would lock the row of the other order.
        let is_taken = handovers::find_by_code(tx, case.store.id, &code).await?.is_some();
        if !is_taken && handovers::give_code(tx, case.id(), &code).await? {
            case.handover.code = Some(code);
            return Ok(());
        }
    }
    Err(StoreError::refused("every pickup code of the store is taken"))
}

/// Tells the customer who collects that it is there, and the code; nobody else hears it.
pub(crate) fn tell_ready(case: &OrderCase, changes: &mut Changes) -> Result<(), StoreError> {
    let Some(code) = &case.handover.code else { return Ok(()) };
    let (store, customer) = (&case.store, case.stored.order.customer_id);
    let body = PickupReady {
        order: case.id().to_string(),
        store: StorePoint {
            id: store.id.to_string(),
            name: store.name.clone(),
            lat: store.place.lat(),
            lng: store.place.lng(),
        },
        code: code.as_str().to_owned(),
        qr: qr_text(case.id(), code),
    };
    let inbox = Channel::Inbox(Profile::Customer(customer));
    changes.entries.push(events::entry(inbox, Push::PickupReady, None, &body)?);
    Ok(())
}

/// What a store has scanned, typed or picked from its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The order, if it was picked from the list.
    pub order_id: Option<OrderId>,
    /// The code, if one was scanned or typed.
    pub scanned: Option<Scanned>,
}

/// What a store may give out, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// The order.
    pub order: String,
    /// `delivery` or `pickup`.
    pub mode: String,
    /// Where the order stands now.
    pub state: String,
    /// Who gets it: the rider who holds it, or the customer who collects it.
    pub to: Person,
    /// What proved that it is the right one.
    pub proven_by: String,
    /// When, in UTC milliseconds.
    pub at: i64,
}

/// An answer that is written down, whichever it is.
#[derive(Serialize, Deserialize)]
enum Outcome {
    Fits(Box<Verified>),
    Wrong { left: u32 },
}

/// The store compares what it was shown. A customer who collects has the order then; for a rider it
/// is only noted, because he says himself when he has the goods.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers and orders of other stores, [`AskError::Pickup`] if the code
/// is wrong, [`AskError::Order`] if the order is not at that point.
pub async fn verify(
    platform: &Platform,
    by: MerchantId,
    store_id: StoreId,
    shown: Shown,
    key: Option<CommandKey>,
) -> Result<Done<Verified>, AskError> {
    let policy = platform.policy;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        if !stores::is_staff(tx, store_id, by).await? {
            return Err(AskError::not_found("store"));
        }
        let tries = handovers::lock_tries(tx, store_id, at).await?;
        if shown.scanned.is_some()
            && let Some(until) = tries.locked_until(at)
        {
            return Err(PickupRefusal::Locked { until }.into());
        }
        let Some(mut case) = find(tx, store_id, &shown).await? else {
            let tries = tries.after_wrong(at);
            handovers::save_tries(tx, store_id, tries).await?;
            return Ok(Outcome::Wrong { left: tries.left() });
        };
        let has_code = shown.scanned.is_some();
        let verified = hand_out(tx, changes, &mut case, &policy, by, has_code, at).await?;
        Ok(Outcome::Fits(Box::new(verified)))
    };
    let Done { value, positions, dup } = platform.command(key, work).await?;
    match value {
        Outcome::Fits(value) => Ok(Done { value: *value, positions, dup }),
        Outcome::Wrong { left } => Err(PickupRefusal::WrongCode { left }.into()),
    }
}

/// The order that was meant, locked; `None` if the code is wrong.
async fn find(
    tx: &mut Tx,
    store_id: StoreId,
    shown: &Shown,
) -> Result<Option<OrderCase>, AskError> {
    let scanned = shown.scanned.as_ref();
    let named = shown.order_id.or(scanned.and_then(|it| it.order_id));
    let order_id = match (named, scanned) {
        (Some(order_id), _) => order_id,
        (None, None) => return Err(PickupRefusal::CodeNeeded.into()),
        (None, Some(it)) => match handovers::find_by_code(tx, store_id, &it.code).await? {
            Some(order_id) => order_id,
            None => return Ok(None),
        },
    };
    let case = OrderCase::lock(tx, order_id).await?;
    let order = &case.stored.order;
    if order.store_id != store_id || !order.state.is_visible_to_store() {
        return Err(AskError::not_found("order"));
    }
    let fits = scanned.is_none_or(|it| {
        let is_it = it.order_id.is_none_or(|it| it == order_id);
        is_it && case.handover.code.as_ref() == Some(&it.code)
    });
    Ok(fits.then_some(case))
}

async fn hand_out(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &mut OrderCase,
    policy: &OrderPolicy,
    by: MerchantId,
    has_code: bool,
    at: Timestamp,
) -> Result<Verified, AskError> {
    let (to, proven_by) = match case.mode() {
        Mode::Delivery => (waiting_rider(case)?, ProvenBy::Word),
        Mode::Pickup => {
            let is_waived = case.handover.handover.is_waived;
            if !has_code && !is_waived {
                return Err(PickupRefusal::CodeNeeded.into());
            }
            let cause = Cause { by: by.into(), reason: None, at };
            case.move_order(tx, changes, policy, OrderEvent::StoreGaveIt, cause).await?;
            case.move_order(tx, changes, policy, OrderEvent::HandedOver, cause).await?;
            let proven_by = if has_code { ProvenBy::Code } else { ProvenBy::Waiver };
            handovers::save_proof(tx, case.id(), proven_by, None).await?;
            complete_later(tx, case.id(), policy, at).await?;
            (case.customer.clone(), proven_by)
        }
    };
    let proven_by = if has_code { ProvenBy::Code } else { proven_by };
    handovers::save_check(tx, case.id(), at).await?;
    Ok(Verified {
        order: case.id().to_string(),
        mode: case.mode().to_string(),
        state: case.stored.order.state.to_string(),
        to,
        proven_by: proven_by.to_string(),
        at: at.ms(),
    })
}

/// The rider who may get the goods. He says himself when he has them.
fn waiting_rider(case: &OrderCase) -> Result<Person, PickupRefusal> {
    let is_waiting = case
        .delivery
        .as_ref()
        .is_some_and(|it| it.delivery.state.on(DeliveryEvent::RiderTookGoods).is_ok());
    match &case.rider {
        Some(rider) if is_waiting => Ok(rider.clone()),
        _ => Err(PickupRefusal::NoRider),
    }
}

/// The customer has it: if nobody complains, that was it.
pub(crate) async fn complete_later(
    tx: &mut Tx,
    order_id: OrderId,
    policy: &OrderPolicy,
    at: Timestamp,
) -> Result<(), StoreError> {
    let due = at + policy.auto_complete;
    timers::set(tx, TimerKind::OrderAutoComplete, &order_id.to_string(), due).await
}
