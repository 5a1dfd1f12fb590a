//! Looking at orders: one with all about it, or a page of them.

use domain::{
    channel::Channel,
    chat::{self, ChatHours},
    handover::Needed,
    ids::{MerchantId, OrderId, StoreId},
    role::{Profile, Role},
};
use storage::{
    cancel_requests::{self, CancelRequest},
    db::Reader,
    events::Person,
    journal::{self, Head},
    order_lines::{self, StoredLine},
    orders::{self, StoredOrder, Whose},
    payments::{self, StoredPayment},
    shortages::{self, Shortage},
    stores,
    stories::{self, StoredChange},
};

use crate::{error::AskError, order_case::OrderCase, people::people, platform::Platform};

/// An order with all that its parties may see.
#[derive(Debug, Clone)]
pub struct OrderPage {
    /// The order, its store, its people, its delivery.
    pub case: OrderCase,
    /// What was ordered.
    pub lines: Vec<StoredLine>,
    /// What ran out while it was made.
    pub shortages: Vec<Shortage>,
    /// Whether the customer asked the store to let it go, and what came of it.
    pub cancel_request: Option<CancelRequest>,
    /// Whether it is for later, and the kitchen is not to work on it yet.
    pub is_upcoming: bool,
    /// Its story.
    pub changes: Vec<StoredChange>,
    /// Attempts to pay it.
    pub payments: Vec<StoredPayment>,
    /// Who is in its chat.
    pub members: Vec<Person>,
    /// Whether its chat takes messages.
    pub chat: ChatHours,
    /// What the rider must give at the door.
    pub needed: Needed,
    /// The position of its channel from before the rest was read: pushes behind it are news.
    pub as_of: Head,
    /// In which role the reader is a party.
    pub role: Role,
}

/// One order with all about it.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is none, or the reader is not one of its parties.
pub async fn show(
    platform: &Platform,
    by: Profile,
    order_id: OrderId,
) -> Result<OrderPage, AskError> {
    let mut reader = platform.reader();
    let as_of = journal::head(&mut reader, &Channel::Order(order_id)).await?;
    let case = OrderCase::read(&mut reader, order_id).await?;
    let role = case.only_for(&mut reader, by).await?;
    let lines = order_lines::list(&mut reader, order_id).await?;
    let shortages = shortages::list(&mut reader, order_id).await?;
    let cancel_request = cancel_requests::find(&mut reader, order_id).await?;
    let is_upcoming = case.stored.order.is_upcoming(platform.now());
    let mut changes = stories::list_changes(&mut reader, order_id).await?;
    // The order may have moved since it was read. What a line says beside itself comes with its
    // push, so a line that the reader is yet to hear of must not be here already.
    changes.retain(|it| it.seq <= case.stored.order.seq);
    let payments = payments::list_for_order(&mut reader, order_id).await?;
    let members = members(&mut reader, &case).await?;
    let chat = chat::hours(&case.stored.order, platform.now(), &platform.policy);
    let needed = case.handover.handover.needed(&platform.policy.handover);
    Ok(OrderPage {
        chat,
        needed,
        case,
        lines,
        shortages,
        cancel_request,
        is_upcoming,
        changes,
        payments,
        members,
        as_of,
        role,
    })
}

/// Who is in an order's chat: nobody before the store has accepted, then the customer, the staff
/// and the rider who holds the delivery.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be read.
pub async fn members(reader: &mut impl Reader, case: &OrderCase) -> Result<Vec<Person>, AskError> {
    let order = &case.stored.order;
    if order.accepted_at.is_none() {
        return Ok(Vec::new());
    }
    let mut members = vec![case.customer.clone()];
    let staff: Vec<_> = stores::list_staff(reader, order.store_id)
        .await?
        .into_iter()
        .map(Profile::Merchant)
        .collect();
    members.extend(people(reader, &staff).await?);
    members.extend(case.rider.clone());
    Ok(members)
}

/// The role in which somebody is a party of an order; `None` for strangers and for orders that do
/// not exist. For channels: who may hear `order:…`, `loc:…` and `live:…`.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be read.
pub async fn party(
    platform: &Platform,
    profile: Profile,
    order_id: OrderId,
) -> Result<Option<Role>, AskError> {
    let mut reader = platform.reader();
    match OrderCase::read(&mut reader, order_id).await {
        Ok(case) => case.party(&mut reader, profile).await,
        Err(AskError::NotFound { .. }) => Ok(None),
        Err(err) => Err(err),
    }
}

/// A page of the orders of which somebody is a party, newest first.
///
/// # Errors
///
/// [`AskError::Store`] if they cannot be read.
pub async fn list_for(
    platform: &Platform,
    by: Profile,
    open: Option<bool>,
    before: Option<OrderId>,
    limit: u32,
) -> Result<Vec<StoredOrder>, AskError> {
    let whose = match by {
        Profile::Customer(id) => Whose::Customer(id),
        Profile::Merchant(id) => Whose::Staff(id),
        Profile::Rider(id) => Whose::Rider(id),
        Profile::Operator(_) => Whose::Anybody,
    };
    Ok(orders::list(&mut platform.reader(), whose, open, before, limit).await?)
}

/// A page of a store's orders, newest first, for its staff.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers.
pub async fn list_for_store(
    platform: &Platform,
    by: MerchantId,
    store_id: StoreId,
    open: Option<bool>,
    before: Option<OrderId>,
    limit: u32,
) -> Result<Vec<StoredOrder>, AskError> {
    let mut reader = platform.reader();
    if !stores::is_staff(&mut reader, store_id, by).await? {
        return Err(AskError::not_found("store"));
    }
    Ok(orders::list(&mut reader, Whose::Store(store_id), open, before, limit).await?)
}

/// The orders whose channels a profile's connections hear by themselves: the open ones of which
/// the profile is a party.
///
/// # Errors
///
/// [`AskError::Store`] if they cannot be read.
pub async fn open_orders(platform: &Platform, profile: Profile) -> Result<Vec<OrderId>, AskError> {
    let mut reader = platform.reader();
    Ok(match profile {
        Profile::Customer(id) => orders::list_open_ids_for_customer(&mut reader, id).await?,
        Profile::Merchant(id) => orders::list_open_ids_for_staff(&mut reader, id).await?,
        Profile::Rider(id) => storage::deliveries::list_for_rider(&mut reader, id)
            .await?
            .into_iter()
            .map(|it| it.delivery.order_id)
            .collect(),
        Profile::Operator(_) => Vec::new(),
    })
}

/// The stores whose channels a profile's connections hear by themselves.
///
/// # Errors
///
/// [`AskError::Store`] if they cannot be read.
pub async fn staffed_stores(
    platform: &Platform,
    profile: Profile,
) -> Result<Vec<StoreId>, AskError> {
    match profile {
        Profile::Merchant(id) => Ok(stores::list_ids_for_staff(&mut platform.reader(), id).await?),
        Profile::Customer(_) | Profile::Rider(_) | Profile::Operator(_) => Ok(Vec::new()),
    }
}
