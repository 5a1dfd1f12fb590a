//! Who may read which channel, and which channels a profile hears without asking.

use std::collections::HashSet;

use domain::{
    channel::Channel,
    ids::{OrderId, RiderId},
    role::{Profile, Role},
};
use serde::Serialize;
use storage::{
    accounts,
    arrival::{self, Arrival},
    cursors::{self, Cursor},
    db::Reader,
    deliveries,
    duty::{self, Duty},
    error::StoreError,
    orders::{self, StoredOrder},
    stores,
};

use crate::platform::Platform;

/// A party of an order's chat, and how far it has come.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, schemars::JsonSchema)]
pub struct Member {
    /// Who.
    pub profile: String,
    /// In which role.
    pub role: &'static str,
    /// The name to show.
    pub name: String,
    /// Everything up to here arrived at one of its devices.
    pub delivered: u64,
    /// Everything up to here was read.
    pub read: u64,
}

/// The logged channels that a profile hears without asking, but for its inbox: its stores, and its
/// open orders, the newest first.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn own(platform: &Platform, profile: Profile) -> Result<Vec<Channel>, StoreError> {
    Ok(arrival(platform, profile, false).await?.own)
}

/// What a profile finds when it connects: where its inbox stands, and what is its own at the same
/// moment; who has its seat, if its role allows one device. One query.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn arrival(
    platform: &Platform,
    profile: Profile,
    with_seat: bool,
) -> Result<Arrival, StoreError> {
    arrival::find(&mut platform.reader(), profile, with_seat).await
}

/// Those of `channels` that a profile may read; one query for all orders among them.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn readable(
    platform: &Platform,
    profile: Profile,
    channels: Vec<Channel>,
    bench: bool,
) -> Result<Vec<Channel>, StoreError> {
    let order_ids: Vec<OrderId> = channels
        .iter()
        .filter_map(|it| match it {
            Channel::Order(id) | Channel::Loc(id) | Channel::Live(id) => Some(*id),
            _ => None,
        })
        .collect();
    let orders = arrival::readable_orders(&mut platform.reader(), profile, &order_ids).await?;
    let orders: HashSet<OrderId> = orders.into_iter().collect();
    let mut readable = Vec::with_capacity(channels.len());
    for channel in channels {
        let may = match &channel {
            Channel::Order(id) | Channel::Loc(id) | Channel::Live(id) => orders.contains(id),
            other => may_read(platform, profile, other, bench).await?,
        };
        if may {
            readable.push(channel);
        }
    }
    Ok(readable)
}

/// Whether a profile may read a channel. `bench` opens the channels of the load generator.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn may_read(
    platform: &Platform,
    profile: Profile,
    channel: &Channel,
    bench: bool,
) -> Result<bool, StoreError> {
    let mut reader = platform.reader();
    match channel {
        Channel::Inbox(owner) => Ok(*owner == profile),
        Channel::Order(id) | Channel::Loc(id) | Channel::Live(id) => {
            Ok(find_order_for(&mut reader, profile, *id).await?.is_some())
        }
        Channel::Store(id) => match profile {
            Profile::Merchant(merchant) => stores::is_staff(&mut reader, *id, merchant).await,
            Profile::Customer(_) | Profile::Rider(_) | Profile::Operator(_) => Ok(false),
        },
        Channel::Pool(_) => match profile {
            Profile::Rider(rider) => works(&mut reader, rider).await,
            Profile::Operator(_) => Ok(true),
            Profile::Customer(_) | Profile::Merchant(_) => Ok(false),
        },
        Channel::Ops(_) => Ok(profile.role() == Role::Operator),
        Channel::BenchLog(_) | Channel::BenchLatest(_) => Ok(bench),
    }
}

async fn works(reader: &mut impl Reader, rider: RiderId) -> Result<bool, StoreError> {
    Ok(duty::find(reader, rider).await?.is_some_and(|it| it.duty != Duty::Off))
}

/// An order as one of its parties may see it; `None` for everybody else.
///
/// Parties are the customer, the staff of the store once the order is paid, the rider who holds
/// the delivery (or held it last), and operators.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn find_order_for(
    reader: &mut impl Reader,
    profile: Profile,
    order_id: OrderId,
) -> Result<Option<StoredOrder>, StoreError> {
    let Some(stored) = orders::find(reader, order_id).await? else { return Ok(None) };
    let order = &stored.order;
    let is_party = match profile {
        Profile::Customer(id) => order.customer_id == id,
        Profile::Merchant(id) => {
            order.state.is_visible_to_store()
                && stores::is_staff(reader, order.store_id, id).await?
        }
        Profile::Rider(id) => {
            let delivery = deliveries::find_for_order(reader, order_id).await?;
            delivery.is_some_and(|it| it.delivery.rider_id == Some(id))
        }
        Profile::Operator(_) => true,
    };
    Ok(is_party.then_some(stored))
}

/// The parties of an order: customer, staff once the store accepted, rider once assigned.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn parties(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<Vec<Profile>, StoreError> {
    let Some(stored) = orders::find(reader, order_id).await? else { return Ok(Vec::new()) };
    let mut profiles = vec![Profile::Customer(stored.order.customer_id)];
    if stored.order.accepted_at.is_some() {
        let staff = stores::list_staff(reader, stored.order.store_id).await?;
        profiles.extend(staff.into_iter().map(Profile::Merchant));
    }
    let delivery = deliveries::find_for_order(reader, order_id).await?;
    profiles.extend(delivery.and_then(|it| it.delivery.rider_id).map(Profile::Rider));
    Ok(profiles)
}

/// The parties of an order's chat, and how far each has come.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn members(platform: &Platform, order_id: OrderId) -> Result<Vec<Member>, StoreError> {
    let mut reader = platform.reader();
    let profiles = parties(&mut reader, order_id).await?;
    let cards = accounts::list_profiles(&mut reader, &profiles).await?;
    let cursors = cursors::list(&mut reader, &Channel::Order(order_id)).await?;
    let cursor_of = |profile| cursors.iter().find(|it: &&Cursor| it.profile == profile);
    let mut members: Vec<Member> = cards
        .into_iter()
        .map(|card| Member {
            profile: card.profile.to_string(),
            role: card.profile.role().as_str(),
            name: card.name,
            delivered: cursor_of(card.profile).map_or(0, |it| it.delivered),
            read: cursor_of(card.profile).map_or(0, |it| it.read),
        })
        .collect();
    members.sort_by(|a, b| (a.role, &a.profile).cmp(&(b.role, &b.profile)));
    Ok(members)
}
