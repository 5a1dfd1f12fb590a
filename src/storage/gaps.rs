//! Many gaps of the journal in one statement: for clients that all come back at once.

use std::collections::HashMap;

use domain::channel::Channel;

use crate::{
    db::{Reader, Val},
    error::StoreError,
    journal::{self, Entry, EntryRow},
};

/// Gaps of one statement at most; a power of two, so that a handful of texts stay prepared.
const GAPS_MAX: usize = 64;

/// What somebody has missed: entries of a channel above an offset.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Gap {
    /// Which channel.
    pub channel: Channel,
    /// Everything up to here is known.
    pub after: u64,
}

#[derive(sqlx::FromRow)]
struct GapRow {
    gap: i64,
    #[sqlx(flatten)]
    entry: EntryRow,
}

/// The first `limit` entries of each gap, oldest first, in the order of `gaps`.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn read(
    reader: &mut impl Reader,
    gaps: &[Gap],
    limit: u32,
) -> Result<Vec<Vec<Entry>>, StoreError> {
    let mut channels: Vec<Channel> = gaps.iter().map(|it| it.channel.clone()).collect();
    channels.sort_unstable();
    channels.dedup();
    let heads: HashMap<_, _> = journal::heads(reader, &channels).await?.into_iter().collect();
    let mut found: Vec<Vec<Entry>> = Vec::with_capacity(gaps.len());
    for some in gaps.chunks(GAPS_MAX) {
        // The same gap again where there is none: the statement is the same for many counts.
        let n_parts = some.len().next_power_of_two();
        let first = found.len();
        found.resize_with(first + some.len(), Vec::new);
        let mut values = Vec::with_capacity(n_parts * 3);
        for index in 0..n_parts {
            let after = some.get(index).map_or(i64::MAX, |it| it.after as i64);
            let channel = &some[index.min(some.len() - 1)].channel;
            values.extend([Val::Owned(channel.to_string()), Val::from(after), Val::from(limit)]);
        }
        journal::count_query("gaps");
        let rows: Vec<GapRow> = reader.all(&statement(n_parts), &values).await?;
        for GapRow { gap, entry } in rows {
            let index = usize::try_from(gap).unwrap_or(usize::MAX);
            let Some(Gap { channel, .. }) = some.get(index) else { continue };
            let epoch = heads.get(channel).map_or("", |it| it.epoch.as_str());
            found[first + index].push(entry.entry(channel, epoch)?);
        }
    }
    found.iter_mut().for_each(|entries| entries.sort_unstable_by_key(|it| it.off));
    Ok(found)
}

/// One `select` for each gap, in one statement.
fn statement(n_parts: usize) -> String {
    let part = |index: usize| {
        format!(
            "select * from (select {index} as gap, off, kind, sender, cid, body, joins, at_ms
               from journal where channel = ? and off > ? order by off limit ?) as g{index}"
        )
    };
    (0..n_parts).map(part).collect::<Vec<_>>().join(" union all ")
}
