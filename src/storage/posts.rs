//! Messages: one command and one journal entry each, many of them written in a few statements.
//!
//! The result is the same as of [`commands::begin`], [`journal::append`] and [`commands::finish`]
//! one after the other, for a tenth of the cost. What does not go together (a command that was
//! carried out before, a value that the engine refuses) is written again one by one, so that each
//! gets its own answer.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    channel::Channel,
    clock::{Clock, Timestamp},
};

use crate::{
    commands::{self, CommandKey},
    db::{Reader, Tx, Val},
    dialect,
    error::StoreError,
    journal::{self, Entry, NewEntry, Watched},
    notices::{self, Source},
};

/// Rows of one statement at most. Up to [`ROWS_EXACT`] a statement has as many rows as there are,
/// above it a multiple of [`ROWS_STEP`]: few statements for any number of messages, and few texts,
/// so that all of them stay prepared.
const ROWS_MAX: usize = 64;
/// See [`ROWS_MAX`].
const ROWS_EXACT: usize = 16;
/// See [`ROWS_MAX`].
const ROWS_STEP: usize = 8;

/// Makes the result to keep of the entry that a message became.
pub type ResultOf = Box<dyn Fn(&Entry) -> Result<String, StoreError> + Send>;

/// A message that is about to be written.
pub struct Post {
    /// Who sent which command; `None` if it cannot come again: then its result is not kept.
    pub key: Option<CommandKey>,
    /// What it becomes.
    pub entry: NewEntry,
    /// Whose absence is to be noticed.
    pub watched: Watched,
    /// What to answer, and to answer again.
    pub result: ResultOf,
    /// Tells when it is written.
    pub clock: Arc<dyn Clock>,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// It was written.
    New(Entry),
    /// It was written before; this is the result of that time.
    Before(String),
}

/// What became of each message, in their order. An error outside says that nothing was written and
/// the transaction is to be given up.
pub(crate) type Outcomes = Result<Written, StoreError>;

/// What became of each message of a transaction that can be committed, in their order.
pub(crate) type Written = Vec<Result<Posted, StoreError>>;

/// Writes messages with a few statements; those of one channel keep their order. `None`: they do not
/// go together, and the transaction is to be given up and begun again for [`write_one_by_one`].
///
/// # Errors
///
/// [`StoreError::LockConflict`] or [`StoreError::Unavailable`]: the transaction is lost.
pub(crate) async fn write_all(tx: &mut Tx, posts: &[&Post]) -> Result<Option<Written>, StoreError> {
    let Some(first) = posts.first() else { return Ok(Some(Vec::new())) };
    match write_together(tx, posts, first.clock.now()).await {
        Ok(entries) => Ok(Some(entries.into_iter().map(|it| Ok(Posted::New(it))).collect())),
        Err(lost @ (StoreError::LockConflict(_) | StoreError::Unavailable(_))) => Err(lost),
        Err(_) => Ok(None),
    }
}

/// Writes messages each behind a savepoint, so that each gets its own answer.
///
/// # Errors
///
/// [`StoreError::LockConflict`] or [`StoreError::Unavailable`]: the transaction is lost.
pub(crate) async fn write_one_by_one(tx: &mut Tx, posts: &[&Post]) -> Outcomes {
    let mut written = Vec::with_capacity(posts.len());
    for post in posts {
        let at = post.clock.now();
        tx.plain("savepoint post").await?;
        let outcome = match write_one(tx, post, at).await {
            Err(lost @ (StoreError::LockConflict(_) | StoreError::Unavailable(_))) => {
                return Err(lost);
            }
            outcome => outcome,
        };
        if outcome.is_err() {
            tx.plain("rollback to savepoint post").await?;
        }
        tx.plain("release savepoint post").await?;
        written.push(outcome);
    }
    Ok(written)
}

async fn write_one(tx: &mut Tx, post: &Post, at: Timestamp) -> Result<Posted, StoreError> {
    if let Some(key) = &post.key
        && let Some(text) = commands::claim(tx, key, at).await?
    {
        return Ok(Posted::Before(text));
    }
    let entries = journal::append_watched(tx, vec![post.entry.clone()], at, post.watched).await?;
    let entry = entries.into_iter().next().ok_or_else(|| StoreError::refused("no entry"))?;
    if let Some(key) = &post.key {
        commands::keep(tx, key, &(post.result)(&entry)?, at).await?;
    }
    Ok(Posted::New(entry))
}

async fn write_together(
    tx: &mut Tx,
    posts: &[&Post],
    at: Timestamp,
) -> Result<Vec<Entry>, StoreError> {
    // Sorted by name: heads are locked in this order by everybody.
    let mut by_channel: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, post) in posts.iter().enumerate() {
        by_channel.entry(post.entry.channel.to_string()).or_default().push(index);
    }
    let heads = move_heads(tx, &by_channel).await?;
    let mut entries: Vec<Option<Entry>> = vec![None; posts.len()];
    let mut rows = Vec::with_capacity(posts.len());
    for (name, indices) in &by_channel {
        let head = heads.get(name).ok_or_else(|| StoreError::not_found("channel", name))?;
        let before = head.top.saturating_sub(indices.len() as u64);
        leave_sources(tx, head, posts, indices, before).await?;
        for (off, &index) in (before + 1..).zip(indices) {
            let entry = entry(&posts[index].entry, off, &head.epoch, at);
            rows.push(journal_row(name, &entry));
            entries[index] = Some(entry);
        }
    }
    insert_rows(tx, JOURNAL, &rows).await?;
    let entries: Vec<Entry> = entries.into_iter().flatten().collect();
    let mut results = posts
        .iter()
        .zip(&entries)
        .filter_map(|(post, entry)| Some((post, entry, post.key.as_ref()?)))
        .map(|(post, entry, CommandKey { sender, cid, body_hash })| {
            let result = (post.result)(entry)?;
            Ok([sender.into(), cid.into(), body_hash.into(), Val::Owned(result), Val::from(at)])
        })
        .collect::<Result<Vec<[Val<'_>; 5]>, StoreError>>()?;
    results.sort_by(|a, b| text_of(a).cmp(&text_of(b)));
    insert_rows(tx, RESULTS, &results).await?;
    Ok(entries)
}

/// For notices to those who are away: one for each class of news in the channel.
async fn leave_sources(
    tx: &mut Tx,
    head: &Moved,
    posts: &[&Post],
    indices: &[usize],
    before: u64,
) -> Result<(), StoreError> {
    let mut left = Vec::new();
    for (off, &index) in (before + 1..).zip(indices) {
        let Post { entry, watched, .. } = posts[index];
        if !head.watched && *watched != Watched::All {
            continue;
        }
        let class = notices::class_of(&entry.channel, entry.kind);
        let Some(class) = class.filter(|it| !left.contains(it)) else { continue };
        left.push(class);
        notices::leave_source(tx, &Source { channel: entry.channel.clone(), class, off }).await?;
    }
    Ok(())
}

fn text_of<'v>(row: &'v [Val<'_>; 5]) -> [&'v str; 2] {
    let text = |it: &'v Val<'_>| match it {
        Val::Text(text) => text,
        Val::Owned(text) => text.as_str(),
        _ => "",
    };
    [text(&row[0]), text(&row[1])]
}

fn entry(new: &NewEntry, off: u64, epoch: &str, at: Timestamp) -> Entry {
    let NewEntry { channel, kind, sender, cid, body, joins } = new.clone();
    let (kind, epoch) = (kind.as_str().to_owned(), epoch.to_owned());
    Entry { channel, off, epoch, kind, sender, cid, body, at, joins }
}

fn journal_row<'e>(name: &'e str, it: &Entry) -> [Val<'e>; 8] {
    [
        Val::Text(name),
        Val::from(it.off),
        Val::Owned(it.kind.clone()),
        Val::Owned(it.sender.clone()),
        Val::from(it.cid.clone()),
        Val::Owned(it.body.clone()),
        Val::from(it.joins.as_ref().map(Channel::to_string)),
        Val::from(it.at),
    ]
}

const JOURNAL: &str = "insert into journal (channel, off, kind, sender, cid, body, joins, at_ms)";
const RESULTS: &str = "insert into command_result (sender, cid, body_hash, result, at_ms)";
const HEADS: &str = "insert into channel_head (channel, top, epoch)";

async fn insert_rows<const N: usize>(
    tx: &mut Tx,
    into: &str,
    rows: &[[Val<'_>; N]],
) -> Result<(), StoreError> {
    for some in parts(rows) {
        tx.exec(&values_of::<N>(into, some.len()), some.as_flattened()).await?;
    }
    Ok(())
}

/// `insert into … values (?, …), (?, …)`.
fn values_of<const N: usize>(into: &str, n_rows: usize) -> String {
    let row = format!("({})", vec!["?"; N].join(", "));
    format!("{into} values {}", vec![row.as_str(); n_rows].join(", "))
}

/// Parts of as many rows as one statement may have.
fn parts<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let n = match rest.len() {
            0 => return None,
            n if n <= ROWS_EXACT => n,
            n => n.min(ROWS_MAX) / ROWS_STEP * ROWS_STEP,
        };
        let (some, others) = rest.split_at(n);
        rest = others;
        Some(some)
    })
}

/// Where a channel stands after its new entries.
struct Moved {
    top: u64,
    epoch: String,
    watched: bool,
}

#[derive(sqlx::FromRow)]
struct MovedRow {
    channel: String,
    top: i64,
    epoch: String,
    watched: bool,
}

/// Moves the heads on by the number of entries that each channel gets.
async fn move_heads(
    tx: &mut Tx,
    by_channel: &BTreeMap<String, Vec<usize>>,
) -> Result<BTreeMap<String, Moved>, StoreError> {
    let new_epoch = || Val::Owned(format!("{:08x}", rand::random::<u32>()));
    let moved: Vec<[Val<'_>; 3]> = by_channel
        .iter()
        .map(|(name, indices)| [Val::Text(name), Val::from(indices.len()), new_epoch()])
        .collect();
    let mut heads = BTreeMap::new();
    for some in parts(&moved) {
        let mut sql = values_of::<3>(HEADS, some.len());
        sql.push_str(dialect::or_move_on(tx.is_mysql()));
        let rows: Vec<MovedRow> = if tx.is_mysql() {
            tx.exec(&sql, some.as_flattened()).await?;
            let names: Vec<Val<'_>> = some.iter().map(|[name, ..]| name.clone()).collect();
            let marks = vec!["?"; names.len()].join(", ");
            let sql = format!(
                "select channel, top, epoch, watched from channel_head where channel in ({marks})"
            );
            tx.all(&sql, &names).await?
        } else {
            sql.push_str(" returning channel, top, epoch, watched");
            tx.all(&sql, some.as_flattened()).await?
        };
        for MovedRow { channel, top, epoch, watched } in rows {
            let top = u64::try_from(top)
                .map_err(|_| StoreError::corrupt("channel_head.top", &channel))?;
            heads.insert(channel, Moved { top, epoch, watched });
        }
    }
    Ok(heads)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rows_go_in_parts_of_few_sizes_and_none_is_left_out() {
        let mut sizes = BTreeSet::new();
        for n in 0..300 {
            let rows: Vec<usize> = (0..n).collect();
            let parts: Vec<&[usize]> = parts(&rows).collect();
            assert_eq!(parts.concat(), rows, "{n}");
            assert!(parts.len() <= n / ROWS_MAX + 2, "{n}");
            sizes.extend(parts.iter().map(|it| it.len()));
        }
        assert!(sizes.len() <= 22 && sizes.last() == Some(&ROWS_MAX), "{sizes:?}");
        assert_eq!(values_of::<2>("x", 2), "x values (?, ?), (?, ?)");
    }
}
