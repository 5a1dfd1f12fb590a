//! How long things are kept, and the slow work of removing them, a bounded step at a time.

use std::time::Duration;

use domain::{channel::Channel, clock::Timestamp, ids::OrderId};
use storage::{
    db::Tx,
    delays,
    error::StoreError,
    explanations,
    retention::{self as rows, CHANNELS_MAX, Kept},
    tracks,
};

use crate::{attachment_ends, platform::Platform};

const DAY_SECONDS: u64 = 24 * 3_600;

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The channel of an order, from the order's end on.
    pub orders: Duration,
    /// Entries of inboxes and of stores, from their writing on.
    pub inboxes: Duration,
    /// Results of commands: for so long the same `cid` is the same command.
    pub commands: Duration,
}

impl Retention {
    /// Spans of whole days.
    pub const fn of_days(orders: u32, inboxes: u32, commands: u32) -> Self {
        const fn days(n: u32) -> Duration {
            Duration::from_secs(n as u64 * DAY_SECONDS)
        }
        Self { orders: days(orders), inboxes: days(inboxes), commands: days(commands) }
    }
}

/// Where a round through all channels stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// Channels up to this name have been looked at.
    after: String,
    /// Rows removed so far.
    pub n_removed: u64,
}

/// Looks at the next channels and removes what is too old in them. `true` when all were looked at.
///
/// # Errors
///
/// [`StoreError`] if the store fails; the same step may be taken again.
pub async fn step(
    platform: &Platform,
    retention: &Retention,
    round: Round,
) -> Result<(Round, bool), StoreError> {
    let now = platform.now();
    let mut reader = platform.reader();
    let kept = rows::list_kept(&mut reader, &round.after).await?;
    let is_last = kept.len() < CHANNELS_MAX as usize;
    let orders: Vec<OrderId> = kept
        .iter()
        .filter_map(|it| match it.channel {
            Channel::Order(id) => Some(id),
            _ => None,
        })
        .collect();
    let over = rows::ended_before(&mut reader, &orders, before(now, retention.orders)).await?;
    let mut round = round;
    for it in kept {
        let upto = match it.channel {
            Channel::Order(id) if over.contains(&id) => it.top,
            Channel::Order(_) => 0,
            _ => {
                let cutoff = before(now, retention.inboxes);
                rows::newest_before(&mut reader, &it.channel, cutoff).await?
            }
        };
        if let Channel::Order(id) = it.channel
            && it.removed < upto
        {
            let write = async move |tx: &mut Tx| {
                delays::forget(tx, id).await?;
                tracks::forget(tx, id).await?;
                attachment_ends::forget_order(tx, id, now).await
            };
            platform.store.write::<_, _, StoreError>(write).await?;
        }
        round.after = it.channel.to_string();
        round.n_removed += remove(platform, it, upto).await?;
    }
    Ok((round, is_last))
}

async fn remove(platform: &Platform, mut kept: Kept, upto: u64) -> Result<u64, StoreError> {
    let mut n_removed = 0;
    while kept.removed < upto {
        let it = kept.clone();
        let work = async move |tx: &mut Tx| rows::remove_entries(tx, &it, upto).await;
        let (n, removed) = platform.store.write(work).await?;
        n_removed += n;
        kept.removed = removed;
    }
    Ok(n_removed)
}

/// Removes some results of commands that are too old; returns how many. 0 when none is left.
///
/// # Errors
///
/// [`StoreError`] if the store fails.
pub async fn forget_commands(
    platform: &Platform,
    retention: &Retention,
) -> Result<u64, StoreError> {
    let cutoff = before(platform.now(), retention.commands);
    platform.store.write(async move |tx: &mut Tx| rows::remove_results(tx, cutoff).await).await
}

/// Removes some explanations of offers that are too old; returns how many. 0 when none is left.
///
/// # Errors
///
/// [`StoreError`] if the store fails.
pub async fn forget_explanations(
    platform: &Platform,
    retention: &Retention,
) -> Result<u64, StoreError> {
    let cutoff = before(platform.now(), retention.commands);
    platform.store.write(async move |tx: &mut Tx| explanations::remove_old(tx, cutoff).await).await
}

fn before(now: Timestamp, span: Duration) -> Timestamp {
    Timestamp::from_ms(now.ms().saturating_sub(span.as_millis() as i64))
}
