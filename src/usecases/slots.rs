//! Orders for later: what a store offers, and the place that an order takes.

use std::collections::HashMap;

use domain::{
    clock::Timestamp,
    ids::{MerchantId, StoreId},
    slots::{self as rules, SlotRefusal, SlotRules},
};
use storage::{
    db::{Reader, Tx},
    slots as rows,
    stores::{self, StoreRecord},
};

use crate::{
    error::AskError,
    platform::{Changes, Platform},
};

/// A slot that can be ordered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When it begins.
    pub begins: Timestamp,
    /// How many orders still fit.
    pub left: u32,
}

/// What a store offers for later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotPage {
    /// How it takes orders for later.
    pub rules: SlotRules,
    /// The next slots, from the first that kitchen and rider can make.
    pub slots: Vec<Slot>,
}

/// When an order is for, and from when the kitchen is to work on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) wanted: Timestamp,
    pub(crate) release_at: Timestamp,
    capacity: u32,
}

/// Says how a store takes orders for later.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::OutOfRange`] for impossible numbers.
pub async fn change(
    platform: &Platform,
    by: MerchantId,
    store_id: StoreId,
    wish: SlotRules,
) -> Result<(), AskError> {
    if !wish.is_fine() {
        let what = "minutes divide a day and are from 5 to 240, capacity is from 0 to 10000, \
                    days_ahead from 1 to 30";
        return Err(AskError::OutOfRange { what });
    }
    let work = async move |tx: &mut Tx, _: &mut Changes, _: Timestamp| {
        let store = stores::find_for_staff_locked(tx, store_id, by).await?;
        let store = store.ok_or(AskError::not_found("store"))?;
        rows::save_rules(tx, store.id, wish).await?;
        Ok::<_, AskError>(())
    };
    platform.command(None, work).await?;
    Ok(())
}

/// The next slots of a store, from the first that it can make, or from `from` on.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such store.
pub async fn list(
    platform: &Platform,
    store_id: StoreId,
    from: Option<Timestamp>,
    limit: u32,
) -> Result<SlotPage, AskError> {
    let mut reader = platform.reader();
    let store = stores::find(&mut reader, store_id).await?.ok_or(AskError::not_found("store"))?;
    let rules = rows::rules(&mut reader, store_id).await?;
    if rules.capacity == 0 {
        return Ok(SlotPage { rules, slots: Vec::new() });
    }
    let at = platform.now();
    let soonest = at + rules::lead(store.prep_min, 0);
    let latest = rules.latest(at);
    let first = rules.first_from(from.map_or(soonest, |it| it.max(soonest)));
    let begins = std::iter::successors(Some(first), |it| Some(rules.next(*it)));
    let begins: Vec<_> = begins.take(limit as usize).take_while(|it| *it <= latest).collect();
    let Some(last) = begins.last() else { return Ok(SlotPage { rules, slots: Vec::new() }) };
    let counts = rows::counts(&mut reader, store_id, first, rules.next(*last)).await?;
    let counts: HashMap<_, _> = counts.into_iter().collect();
    let slot = |begins| {
        let taken = counts.get(&begins).copied().unwrap_or(0);
        Slot { begins, left: rules.capacity.saturating_sub(taken) }
    };
    Ok(SlotPage { rules, slots: begins.into_iter().map(slot).collect() })
}

/// Checks that an order may be for `wanted`.
pub(crate) async fn check(
    reader: &mut impl Reader,
    store: &StoreRecord,
    wanted: Option<Timestamp>,
    way_m: u32,
    at: Timestamp,
) -> Result<Option<Schedule>, AskError> {
    let Some(wanted) = wanted else { return Ok(None) };
    let rules = rows::rules(reader, store.id).await?;
    let release_at = rules.release(wanted, at, store.prep_min, way_m)?;
    Ok(Some(Schedule { wanted, release_at, capacity: rules.capacity }))
}

/// Takes the place that an order for later needs.
pub(crate) async fn take(
    tx: &mut Tx,
    store_id: StoreId,
    schedule: &Schedule,
) -> Result<(), AskError> {
    if rows::take(tx, store_id, schedule.wanted, schedule.capacity).await? {
        Ok(())
    } else {
        Err(SlotRefusal::Full.into())
    }
}
