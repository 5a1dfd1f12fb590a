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

/// Rows of one statement at most; a power of two. Statements have 1, 2, 4 … rows, so that a handful
/// of texts stay prepared whatever the number of messages.
const ROWS_MAX: usize = 64;

/// Makes the result to keep of the entry that a message became.
pub type ResultOf = Box<dyn Fn(&Entry) -> Result<String, StoreError> + Send>;

/// A message that is about to be written.
pub struct Post {
    /// Who sent which command.
    pub key: CommandKey,
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
pub(crate) type Outcomes = Result<Vec<Result<Posted, StoreError>>, StoreError>;

/// Writes messages; those of one channel keep their order.
///
/// # Errors
///
/// [`StoreError::LockConflict`] or [`StoreError::Unavailable`]: the transaction is lost.
pub(crate) async fn write_all(tx: &mut Tx, posts: &[&Post]) -> Outcomes {
    let Some(first) = posts.first() else { return Ok(Vec::new()) };
    let at = first.clock.now();
    tx.plain("savepoint posts").await?;
    let written = match write_together(tx, posts, at).await {
        Ok(entries) => entries.into_iter().map(|it| Ok(Posted::New(it))).collect(),
        Err(lost @ (StoreError::LockConflict(_) | StoreError::Unavailable(_))) => return Err(lost),
        Err(_) => {
            tx.plain("rollback to savepoint posts").await?;
            write_one_by_one(tx, posts, at).await?
        }
    };
    tx.plain("release savepoint posts").await?;
    Ok(written)
}

async fn write_one_by_one(tx: &mut Tx, posts: &[&Post], at: Timestamp) -> Outcomes {
    let mut written = Vec::with_capacity(posts.len());
    for post in posts {
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
    if let Some(text) = commands::claim(tx, &post.key, at).await? {
        return Ok(Posted::Before(text));
    }
    let entries = journal::append_watched(tx, vec![post.entry.clone()], at, post.watched).await?;
    let entry = entries.into_iter().next().ok_or_else(|| StoreError::refused("no entry"))?;
    commands::keep(tx, &post.key, &(post.result)(&entry)?, at).await?;
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
        .map(|(post, entry)| {
            let CommandKey { sender, cid, body_hash } = &post.key;
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
    for some in powers_of_two(rows) {
        tx.exec(&values_of::<N>(into, some.len()), some.as_flattened()).await?;
    }
    Ok(())
}

/// `insert into … values (?, …), (?, …)`.
fn values_of<const N: usize>(into: &str, n_rows: usize) -> String {
    let row = format!("({})", vec!["?"; N].join(", "));
    format!("{into} values {}", vec![row.as_str(); n_rows].join(", "))
}

/// Parts of 64 rows, then of 32, 16 … as far as they go.
fn powers_of_two<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let n = if rest.len() >= ROWS_MAX { ROWS_MAX } else { 1 << rest.len().checked_ilog2()? };
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
    for some in powers_of_two(&moved) {
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
    use super::*;

    #[test]
    fn rows_go_in_parts_of_few_sizes_and_none_is_left_out() {
        for n in [0, 1, 2, 3, 63, 64, 65, 200] {
            let rows: Vec<usize> = (0..n).collect();
            let parts: Vec<&[usize]> = powers_of_two(&rows).collect();
            assert!(parts.iter().all(|it| it.len().is_power_of_two() && it.len() <= ROWS_MAX));
            assert_eq!(parts.concat(), rows, "{n}");
        }
        assert_eq!(values_of::<2>("x", 2), "x values (?, ?), (?, ?)");
    }
}
