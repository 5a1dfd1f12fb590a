//! The life of an order after it was placed: what the store, the customer, the rider and time do.

use domain::{
    change::{Change, Machine},
    channel::Channel,
    clock::Timestamp,
    delivery::Delivery,
    escalation::SearchPolicy,
    geo::POOL_CELL_CHARS,
    handover::Mode,
    ids::{CustomerId, MerchantId, OrderId},
    money::Money,
    order_state::OrderEvent,
    policy::PREP_MIN_MAX,
    reason::Reason,
    role::{Actor, Profile},
};
use std::time::Duration;
use storage::{
    commands::CommandKey,
    db::Tx,
    deliveries::{self, Outreach, StoredDelivery},
    events::{self, MemberMoved},
    kitchens as kitchen_rows,
    push::Push,
    stores,
    timers::{self, TimerKind},
};

use crate::{
    endings,
    error::AskError,
    handovers, kitchens,
    order_case::{Cause, Moved, OrderCase},
    payments,
    people::people,
    platform::{Changes, Done, Nudge, Platform},
    searching,
};

/// How a store takes an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acceptance {
    /// Kitchen time in minutes; `None` for the store's usual time.
    pub prep_min: Option<u32>,
    /// Whether the kitchen starts at once.
    pub start: bool,
}

/// A store takes an order: its chat opens and riders are looked for, unless the customer collects it.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Order`] if it cannot be accepted now.
pub async fn accept(
    platform: &Platform,
    by: MerchantId,
    order_id: OrderId,
    key: Option<CommandKey>,
    how: Acceptance,
) -> Result<Done<Moved>, AskError> {
    if how.prep_min.is_some_and(|it| it > PREP_MIN_MAX) {
        return Err(AskError::OutOfRange { what: "prep_min is from 0 to 240 minutes" });
    }
    let policy = platform.policy;
    platform
        .command(key, async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
            let mut case = OrderCase::lock(tx, order_id).await?;
            case.only_for(tx, Profile::Merchant(by)).await?;
            let cause = Cause { by: by.into(), reason: None, at };
            let prep_min = how.prep_min.unwrap_or(case.store.prep_min);
            let ready_at = at + Duration::from_secs(u64::from(prep_min) * 60);
            case.stored.order.ready_at = Some(ready_at);
            let event = OrderEvent::StoreAccepted;
            let change = case.move_order(tx, changes, &policy, event, cause).await?;
            timers::clear(tx, TimerKind::OrderUnaccepted, &order_id.to_string()).await?;
            endings::silence_bell(&case, changes)?;
            open_chat(&case, tx, changes, &change.told()).await?;
            handovers::give_code(tx, &mut case).await?;
            if case.mode() == Mode::Delivery {
                // The customer hears what the store says; riders are sent by what was seen of it.
                let announced_ms = ready_at.ms_since(at);
                let (expected, n_open) = kitchens::expect(tx, &case, announced_ms, at).await?;
                create_delivery(&mut case, tx, changes, expected, &policy.search, at).await?;
                kitchen_rows::save_load(tx, order_id, n_open).await?;
            }
            if how.start {
                let event = OrderEvent::KitchenStarted;
                case.move_order(tx, changes, &policy, event, cause).await?;
            }
            Ok(case.moved(at))
        })
        .await
}

/// Tells who is in the chat, and makes the staff's connections hear it.
async fn open_chat(
    case: &OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    accepted: &Change,
) -> Result<(), AskError> {
    let channel = Channel::Order(case.id());
    let staff = stores::list_staff(tx, case.stored.order.store_id).await?;
    let profiles: Vec<_> = staff.iter().copied().map(Profile::Merchant).collect();
    let members = people(tx, &profiles).await?;
    for person in std::iter::once(case.customer.clone()).chain(members) {
        let body = MemberMoved { person, joined: true };
        changes.entries.push(events::entry(channel.clone(), Push::Member, None, &body)?);
    }
    let sender = accepted.by.profile();
    for merchant_id in staff {
        let inbox = Channel::Inbox(Profile::Merchant(merchant_id));
        let mut entry = events::entry(inbox, Push::Order, sender, &case.body(accepted))?;
        entry.joins = Some(channel.clone());
        changes.entries.push(entry);
    }
    Ok(())
}

async fn create_delivery(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    ready_at: Timestamp,
    search: &SearchPolicy,
    at: Timestamp,
) -> Result<(), AskError> {
    let pickup = case.store.place;
    let pay = case.stored.parts.carriage.checked_add(case.stored.parts.tip)?;
    let stored = StoredDelivery {
        delivery: Delivery::new(case.id()),
        store_id: case.store.id,
        region: case.stored.region.clone(),
        pool_cell: pickup.cell(POOL_CELL_CHARS),
        pickup,
        dropoff: case.stored.dropoff,
        n_offers: 0,
        pay,
        outreach: Outreach { rings: 0, bonus: Money::from_minor(0, pay.currency()) },
        ready_at,
        created_at: at,
        assigned_at: None,
    };
    deliveries::insert(tx, &stored).await?;
    searching::begin(tx, case.id(), search, searching::begins_at(&stored)).await?;
    let change = Change {
        order_id: case.id(),
        seq: case.stored.order.seq + 1,
        machine: Machine::Delivery,
        event: "created",
        from: None,
        to: stored.delivery.state.as_str(),
        by: Actor::System,
        reason: None,
        at,
    };
    changes.nudges.push(Nudge::Dispatch { region: stored.region.clone() });
    case.delivery = Some(stored);
    case.tell(tx, changes, change).await
}

/// The kitchen begins.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Order`] if it cannot begin now.
pub async fn start(
    platform: &Platform,
    by: MerchantId,
    order_id: OrderId,
    key: Option<CommandKey>,
) -> Result<Done<Moved>, AskError> {
    let policy = platform.policy;
    platform
        .command(key, async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
            let mut case = OrderCase::lock(tx, order_id).await?;
            case.only_for(tx, Profile::Merchant(by)).await?;
            let cause = Cause { by: by.into(), reason: None, at };
            let event = OrderEvent::KitchenStarted;
            case.move_order(tx, changes, &policy, event, cause).await?;
            Ok(case.moved(at))
        })
        .await
}

/// The kitchen is done; the rider may take it, or the customer who collects it hears the code.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Order`] if it is not being made.
pub async fn ready(
    platform: &Platform,
    by: MerchantId,
    order_id: OrderId,
    key: Option<CommandKey>,
) -> Result<Done<Moved>, AskError> {
    let policy = platform.policy;
    platform
        .command(key, async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
            let mut case = OrderCase::lock(tx, order_id).await?;
            case.only_for(tx, Profile::Merchant(by)).await?;
            let cause = Cause { by: by.into(), reason: None, at };
            let announced = case.stored.order.ready_at;
            case.move_order(tx, changes, &policy, OrderEvent::KitchenDone, cause).await?;
            kitchens::learn(tx, &case, announced, at).await?;
            if case.mode() == Mode::Pickup {
                handovers::tell_ready(&case, changes)?;
                return Ok(case.moved(at));
            }
            deliveries::save_ready_at(tx, order_id, at).await?;
            changes.nudges.push(Nudge::Dispatch { region: case.stored.region.clone() });
            Ok(case.moved(at))
        })
        .await
}

/// The store does not take an order that was paid: all the money goes back.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Order`] if it is too late or no reason of a
/// store was given.
pub async fn reject(
    platform: &Platform,
    by: MerchantId,
    order_id: OrderId,
    key: Option<CommandKey>,
    reason: Reason,
) -> Result<Done<Moved>, AskError> {
    let (by, reason) = (Profile::Merchant(by), Some(reason));
    end(platform, by, order_id, key, OrderEvent::StoreRejected, reason).await
}

/// A customer, a merchant or an operator calls an order off: all the money goes back.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Order`] if it is too late.
pub async fn cancel(
    platform: &Platform,
    by: Profile,
    order_id: OrderId,
    key: Option<CommandKey>,
    reason: Option<Reason>,
) -> Result<Done<Moved>, AskError> {
    end(platform, by, order_id, key, OrderEvent::Cancelled, reason).await
}

async fn end(
    platform: &Platform,
    by: Profile,
    order_id: OrderId,
    key: Option<CommandKey>,
    event: OrderEvent,
    reason: Option<Reason>,
) -> Result<Done<Moved>, AskError> {
    let policy = platform.policy;
    let done = platform
        .command(key, async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
            let mut case = OrderCase::lock(tx, order_id).await?;
            case.only_for(tx, by).await?;
            let cause = Cause { by: by.into(), reason, at };
            endings::end(&mut case, tx, changes, &policy, event, cause).await?;
            Ok::<_, AskError>(case.moved(at))
        })
        .await?;
    Ok(payments::refunds_follow(platform, order_id, done).await)
}

/// The customer confirms the receipt.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Order`] if it was not delivered.
pub async fn confirm(
    platform: &Platform,
    by: CustomerId,
    order_id: OrderId,
    key: Option<CommandKey>,
) -> Result<Done<Moved>, AskError> {
    let policy = platform.policy;
    platform
        .command(key, async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
            let mut case = OrderCase::lock(tx, order_id).await?;
            case.only_for(tx, Profile::Customer(by)).await?;
            let cause = Cause { by: by.into(), reason: None, at };
            case.move_order(tx, changes, &policy, OrderEvent::Settled, cause).await?;
            timers::clear(tx, TimerKind::OrderAutoComplete, &order_id.to_string()).await?;
            Ok(case.moved(at))
        })
        .await
}
