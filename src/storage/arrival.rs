//! What the hub must know of a profile that connects, in one statement: a storm of returning
//! clients costs one query each.

use domain::{channel::Channel, ids::OrderId, order_state::OrderState, role::Profile};

use crate::{
    columns::{any_of, parsed},
    db::{Reader, Val},
    deliveries::HELD_STATES,
    error::StoreError,
    journal::Head,
    publishers::Publisher,
    seats::Seat,
};

/// Open orders that a customer hears at most.
const CUSTOMER_ORDERS_MAX: u32 = 200;
/// Open orders that a merchant hears at most.
const STAFF_ORDERS_MAX: u32 = 500;

/// What a profile finds when it connects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Where the inbox stands; `None` if nothing was written to it yet.
    pub inbox: Option<Head>,
    /// The profile's own channels but for the inbox: its stores, then its open orders, the newest
    /// first.
    pub own: Vec<Channel>,
    /// Which device publishes a rider's position.
    pub publisher: Option<Publisher>,
    /// Which device has the seat of a role that allows one.
    pub seat: Option<Seat>,
}

#[derive(sqlx::FromRow)]
struct FoundRow {
    what: String,
    name: String,
    top: i64,
    epoch: String,
    removed: i64,
}

/// Looks up what a profile finds. One statement sees one moment: what becomes the profile's own
/// later is told in the inbox above the head that is found here.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    profile: Profile,
    with_seat: bool,
) -> Result<Arrival, StoreError> {
    let (inbox, id) = (Channel::Inbox(profile).to_string(), profile.to_string());
    let mut values: Vec<Val<'_>> = vec![Val::Text(&inbox)];
    let own = match profile {
        Profile::Customer(_) => format!(
            "select 'order' as what, order_id as name, 0 as top, '' as epoch, 0 as removed
               from (select order_id from customer_order
                      where customer_id = ? and ended_at_ms is null
                      order by order_id desc limit {CUSTOMER_ORDERS_MAX}) as o"
        ),
        Profile::Merchant(_) => {
            values.push(Val::Text(&id));
            format!(
                "select 'store' as what, store_id as name, 0 as top, '' as epoch, 0 as removed
                   from store_staff where merchant_id = ?
                 union all
                 select 'order' as what, order_id as name, 0 as top, '' as epoch, 0 as removed
                   from (select o.order_id from customer_order o
                           join store_staff t on t.store_id = o.store_id
                          where t.merchant_id = ? and o.ended_at_ms is null
                            and o.accepted_at_ms is not null
                          order by o.order_id desc limit {STAFF_ORDERS_MAX}) as o"
            )
        }
        Profile::Rider(_) => format!(
            "select 'order' as what, order_id as name, 0 as top, '' as epoch, 0 as removed
               from delivery where rider_id = ? and state in {HELD_STATES}"
        ),
        Profile::Operator(_) => String::new(),
    };
    let mut sql = "select 'inbox' as what, channel as name, top, epoch, removed from channel_head
                    where channel = ?"
        .to_owned();
    if !own.is_empty() {
        values.push(Val::Text(&id));
        sql = format!("{sql} union all {own}");
    }
    if matches!(profile, Profile::Rider(_)) {
        values.push(Val::Text(&id));
        sql += " union all
                select 'publisher' as what, device as name, fence as top, '' as epoch, 0 as removed
                  from position_publisher where rider_id = ? and fence > 0";
    }
    if with_seat {
        values.push(Val::Text(&id));
        sql += " union all
                select 'seat' as what, device as name, fence as top, session_id as epoch,
                       0 as removed from device_seat where profile_id = ?";
    }
    read(reader.all(&sql, &values).await?)
}

fn read(rows: Vec<FoundRow>) -> Result<Arrival, StoreError> {
    let mut arrival = Arrival::default();
    let (mut stores, mut orders) = (Vec::new(), Vec::<OrderId>::new());
    for row in rows {
        match row.what.as_str() {
            "inbox" => arrival.inbox = Some(Head::from_columns(row.top, row.epoch, row.removed)),
            "publisher" => {
                let fence = u64::try_from(row.top).unwrap_or(0);
                arrival.publisher = Some(Publisher { device: row.name, fence });
            }
            "seat" => {
                let session_id = parsed("device_seat.session_id", &row.epoch)?;
                let fence = u64::try_from(row.top).unwrap_or(0);
                arrival.seat = Some(Seat { device: row.name, session_id, fence });
            }
            "store" => stores.push(Channel::Store(parsed("store_staff.store_id", &row.name)?)),
            _ => orders.push(parsed("order_id", &row.name)?),
        }
    }
    stores.sort_unstable();
    // The ids of orders rise with time.
    orders.sort_unstable_by(|a, b| b.cmp(a));
    arrival.own = stores;
    arrival.own.extend(orders.into_iter().map(Channel::Order));
    Ok(arrival)
}

#[derive(sqlx::FromRow)]
struct OrderRow {
    order_id: String,
}

/// Which of these orders' channels a profile may read; the same rule as for one of them.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn readable_orders(
    reader: &mut impl Reader,
    profile: Profile,
    order_ids: &[OrderId],
) -> Result<Vec<OrderId>, StoreError> {
    if order_ids.is_empty() {
        return Ok(Vec::new());
    }
    let (marks, mut values) = any_of(order_ids);
    let id = profile.to_string();
    let whose = match profile {
        Profile::Customer(_) => {
            values.push(Val::Text(&id));
            "select order_id from customer_order where order_id in (MARKS) and customer_id = ?"
        }
        Profile::Merchant(_) => {
            values.push(Val::Text(&id));
            "select o.order_id from customer_order o join store_staff t on t.store_id = o.store_id
              where o.order_id in (MARKS) and t.merchant_id = ? and o.state not in HIDDEN"
        }
        Profile::Rider(_) => {
            values.push(Val::Text(&id));
            // Who held an earlier delivery of the order is no party any more.
            "select d.order_id from delivery d where d.order_id in (MARKS) and d.rider_id = ?
                and not exists (select 1 from delivery later where later.order_id = d.order_id
                                   and later.created_at_ms > d.created_at_ms)"
        }
        Profile::Operator(_) => "select order_id from customer_order where order_id in (MARKS)",
    };
    let hidden: Vec<_> = OrderState::ALL
        .iter()
        .filter(|it| !it.is_visible_to_store())
        .map(|it| format!("'{it}'"))
        .collect();
    let sql = whose.replace("MARKS", &marks).replace("HIDDEN", &format!("({})", hidden.join(", ")));
    let rows: Vec<OrderRow> = reader.all(&sql, &values).await?;
    rows.iter().map(|row| parsed("order_id", &row.order_id)).collect()
}
