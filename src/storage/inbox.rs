//! What somebody has not seen yet: channels with their newest entry, cursors and unread entries.
//!
//! Every function here is a fixed number of statements for each hundred channels, whatever is in
//! them.

use domain::{channel::Channel, clock::Timestamp, ids::OrderId, role::Profile};

use crate::{
    args,
    columns::{any_of, parsed},
    cursors::Cursor,
    db::{Reader, Val},
    error::StoreError,
    journal::{Entry, EntryRow},
};

/// Orders of one inbox at most.
pub const ORDERS_MAX: u32 = 500;
/// Channels of one statement at most.
pub const CHANNELS_PER_STATEMENT: usize = 100;
/// Entries of one channel that are looked through at most, from the newest back.
pub const COUNTED_MAX: u64 = 1_000;

/// A channel as somebody finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// How far this profile has come.
    pub cursor: Cursor,
    /// The newest entry.
    pub last: Entry,
}

/// What of a channel was not read yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    /// Things that others said.
    pub messages: u64,
    /// Offers, and changes of orders that others caused.
    pub lines: u64,
}

#[derive(sqlx::FromRow)]
struct IdRow {
    order_id: String,
}

#[derive(sqlx::FromRow)]
struct PlaceRow {
    channel: String,
    epoch: String,
    delivered_off: Option<i64>,
    read_off: Option<i64>,
    #[sqlx(flatten)]
    last: EntryRow,
}

#[derive(sqlx::FromRow)]
struct UnreadRow {
    n: i64,
    n_messages: i64,
    n_lines: i64,
}

/// The orders whose chats a profile is part of: those that have not ended, and those that ended
/// after `since`; the newest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_orders(
    reader: &mut impl Reader,
    profile: Profile,
    since: Timestamp,
) -> Result<Vec<OrderId>, StoreError> {
    let mine = match profile {
        Profile::Customer(_) => "customer_order o where o.customer_id = ?",
        Profile::Merchant(_) => {
            "customer_order o join store_staff t on t.store_id = o.store_id
              where t.merchant_id = ? and o.accepted_at_ms is not null"
        }
        Profile::Rider(_) => {
            "customer_order o join delivery d on d.order_id = o.order_id where d.rider_id = ?"
        }
        Profile::Operator(_) => return Ok(Vec::new()),
    };
    let sql = format!(
        "select o.order_id from {mine} and (o.ended_at_ms is null or o.ended_at_ms > ?)
          order by o.order_id desc limit ?"
    );
    let rows: Vec<IdRow> = reader.all(&sql, args![profile.to_string(), since, ORDERS_MAX]).await?;
    rows.iter().map(|row| parsed("customer_order.order_id", &row.order_id)).collect()
}

/// Where a profile stands in channels, and their newest entries. Channels without entries are left
/// out.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn places(
    reader: &mut impl Reader,
    profile: Profile,
    channels: &[Channel],
) -> Result<Vec<Place>, StoreError> {
    let mut places = Vec::with_capacity(channels.len());
    for some in channels.chunks(CHANNELS_PER_STATEMENT) {
        let (marks, mut names) = any_of(some);
        let sql = format!(
            "select h.channel, h.epoch, c.delivered_off, c.read_off,
                    j.off, j.kind, j.sender, j.cid, j.body, j.joins, j.at_ms
               from channel_head h
               join journal j on j.channel = h.channel and j.off = h.top
               left join channel_cursor c on c.channel = h.channel and c.profile_id = ?
              where h.channel in ({marks})"
        );
        names.insert(0, Val::Owned(profile.to_string()));
        for row in reader.all::<PlaceRow>(&sql, &names).await? {
            places.push(row.read(profile)?);
        }
    }
    Ok(places)
}

impl PlaceRow {
    fn read(self, profile: Profile) -> Result<Place, StoreError> {
        let channel = parsed("channel_head.channel", &self.channel)?;
        let last = self.last.entry(&channel, &self.epoch)?;
        let off = |it: Option<i64>| it.and_then(|it| u64::try_from(it).ok()).unwrap_or(0);
        let (delivered, read) = (off(self.delivered_off), off(self.read_off));
        Ok(Place { cursor: Cursor { profile, delivered, read }, last })
    }
}

/// Counts what others wrote into channels above the read cursor, up to the entry that is known as
/// the newest; in the order of `places`.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn unread(reader: &mut impl Reader, places: &[Place]) -> Result<Vec<Unread>, StoreError> {
    let mut counted = vec![Unread::default(); places.len()];
    for (some, counts) in
        places.chunks(CHANNELS_PER_STATEMENT).zip(counted.chunks_mut(CHANNELS_PER_STATEMENT))
    {
        let (mut parts, mut values) = (Vec::new(), Vec::new());
        for (n, place) in some.iter().enumerate() {
            let (top, read) = (place.last.off, place.cursor.read);
            if read >= top {
                continue;
            }
            parts.push(format!(
                "select {n} as n, count(case when kind = 'msg' then 1 end) as n_messages,
                        count(case when kind <> 'msg' then 1 end) as n_lines
                   from journal
                  where channel = ? and off > ? and off <= ? and sender <> ?
                    and kind in ('msg', 'order', 'offer')
                    and not (kind = 'msg' and body like '%\"recalled\":true}}')"
            ));
            values.push(Val::Owned(place.last.channel.to_string()));
            values.push(Val::from(read.max(top.saturating_sub(COUNTED_MAX))));
            values.push(Val::from(top));
            values.push(Val::Owned(place.cursor.profile.to_string()));
        }
        if parts.is_empty() {
            continue;
        }
        for row in reader.all::<UnreadRow>(&parts.join(" union all "), &values).await? {
            let at = usize::try_from(row.n).ok().and_then(|n| counts.get_mut(n));
            let Some(at) = at else { continue };
            let count = |n: i64| u64::try_from(n).unwrap_or(0);
            *at = Unread { messages: count(row.n_messages), lines: count(row.n_lines) };
        }
    }
    Ok(counted)
}
