//! Receipts of this node's sockets: answered at once, saved together a moment later.
//!
//! A fast reader says `ack` after each entry. Positions only rise, so what is said within a moment
//! is saved as one commit for the whole node and told as one `cur` for each cursor. What a dying
//! node had not saved yet is said again with the next `ack`; the worst that comes of it is a
//! notice for something that was seen.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{channel::Channel, ids::ConnectionId, role::Profile};
use storage::{cursors::Cursor, error::StoreError};
use usecases::receipts::{self, Reached};

use crate::{for_ever::RETRY_AFTER, frames, live::Live, refusal::Refusal};

/// Shortest time between two commits of receipts.
pub const SAVE_EVERY: Duration = Duration::from_millis(200);
/// Cursors of one commit.
pub const SAVE_MAX: usize = 500;
/// Cursors that may wait to be saved; beyond that the store is in trouble.
pub const WAITING_MAX: usize = 65_536;
/// Cursors that are remembered, so that saying the same again asks no database.
pub const KNOWN_MAX: usize = 16_384;

/// Whose cursor in which channel.
type Whose = (Channel, Profile);

/// The receipts of this node.
#[derive(Debug, Default)]
pub struct Receipts {
    book: Mutex<Book>,
    n_said: AtomicU64,
    n_commits: AtomicU64,
}

/// What there is to see of the receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptsState {
    /// Positions that were said.
    pub n_said: u64,
    /// Commits that it took to save them.
    pub n_commits: u64,
    /// Cursors that wait to be saved.
    pub n_waiting: usize,
}

/// What became of a position that somebody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noted {
    /// It is nothing new.
    Old,
    /// It will be saved with others.
    Waits,
    /// It will be saved, and somebody has to begin with it.
    First,
    /// Too many wait.
    Full,
}

/// A cursor that waits to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waiting {
    cursor: Cursor,
    /// Who knows already, if it is one only.
    by: Option<ConnectionId>,
}

/// The plain part: what is known, what waits.
#[derive(Debug, Default)]
struct Book {
    known: HashMap<Whose, Cursor>,
    waiting: HashMap<Whose, Waiting>,
    is_saving: bool,
}

impl Book {
    fn learn(&mut self, whose: Whose, cursor: Cursor) {
        if self.known.len() >= KNOWN_MAX && !self.known.contains_key(&whose) {
            self.known.clear();
        }
        self.known.insert(whose, cursor);
    }

    fn note(&mut self, whose: &Whose, new: Cursor, by: ConnectionId) -> Noted {
        if self.known.get(whose) == Some(&new) {
            return Noted::Old;
        }
        if self.waiting.len() >= WAITING_MAX && !self.waiting.contains_key(whose) {
            return Noted::Full;
        }
        self.learn(whose.clone(), new);
        match self.waiting.entry(whose.clone()) {
            Entry::Vacant(place) => {
                place.insert(Waiting { cursor: new, by: Some(by) });
            }
            Entry::Occupied(mut place) => {
                let waiting = place.get_mut();
                // Two devices have moved it: each is told what the other did.
                let by = waiting.by.filter(|it| *it == by);
                *waiting = Waiting { cursor: new, by };
            }
        }
        if std::mem::replace(&mut self.is_saving, true) { Noted::Waits } else { Noted::First }
    }

    /// What is to be saved next; nothing ends the saving.
    fn take(&mut self) -> HashMap<Whose, Waiting> {
        let some: Vec<Whose> = self.waiting.keys().take(SAVE_MAX).cloned().collect();
        self.is_saving = !some.is_empty();
        some.into_iter().filter_map(|it| self.waiting.remove_entry(&it)).collect()
    }

    /// Saving failed; what was said meanwhile is newer.
    fn put_back(&mut self, taken: HashMap<Whose, Waiting>) {
        for (whose, waiting) in taken {
            self.waiting.entry(whose).or_insert(waiting);
        }
    }
}

impl Receipts {
    /// What there is to see.
    pub fn observe(&self) -> ReceiptsState {
        ReceiptsState {
            n_said: self.n_said.load(Ordering::Relaxed),
            n_commits: self.n_commits.load(Ordering::Relaxed),
            n_waiting: self.book().waiting.len(),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Each change is complete in itself, so a poisoned book is still a good one.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes how far the owner of a connection has come; that it may read the channel was checked.
///
/// # Errors
///
/// [`Refusal`] if the channel has no such entry yet, or the store is in trouble.
pub async fn note(
    live: &Arc<Live>,
    by: ConnectionId,
    profile: Profile,
    channel: Channel,
    reached: Reached,
) -> Result<Cursor, Refusal> {
    live.receipts.n_said.fetch_add(1, Ordering::Relaxed);
    let whose = (channel, profile);
    let known = live.receipts.book().known.get(&whose).copied();
    let old = match known {
        Some(cursor) => cursor,
        None => {
            let cursor = receipts::find(&live.platform, &whose.0, profile).await?;
            live.receipts.book().learn(whose.clone(), cursor);
            cursor
        }
    };
    let is_told = live.hub.standing(&whose.0).and_then(|it| it.last);
    if reached.off() > old.delivered && is_told.is_none_or(|last| reached.off() > last) {
        receipts::check_exists(&live.platform, &whose.0, reached.off()).await?;
    }
    let (noted, new) = {
        let mut book = live.receipts.book();
        let new = reached.moves(book.known.get(&whose).copied().unwrap_or(old));
        (book.note(&whose, new, by), new)
    };
    match noted {
        Noted::Old | Noted::Waits => {}
        Noted::First => drop(actix::spawn(save(Arc::clone(live)))),
        Noted::Full => return Err(StoreError::unavailable("too many receipts wait").into()),
    }
    Ok(new)
}

/// Saves and tells until nothing waits.
async fn save(live: Arc<Live>) {
    loop {
        let taken = live.receipts.book().take();
        if taken.is_empty() {
            return;
        }
        let moves = taken.iter().map(|((channel, _), it)| (channel.clone(), it.cursor)).collect();
        match receipts::save(&live.platform, moves).await {
            Ok(moved) => {
                live.receipts.n_commits.fetch_add(1, Ordering::Relaxed);
                for (channel, cursor) in moved {
                    tell(&live, &taken, channel, cursor);
                }
                tokio::time::sleep(SAVE_EVERY).await;
            }
            Err(err) => {
                tracing::warn!(error = ?err, "receipts cannot be saved");
                live.receipts.book().put_back(taken);
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }
}

/// The parties and the profile's other devices hear of it, on every node.
fn tell(live: &Live, taken: &HashMap<Whose, Waiting>, channel: Channel, cursor: Cursor) {
    let by = taken.get(&(channel.clone(), cursor.profile)).and_then(|it| it.by);
    match receipts::news(channel, cursor, live.platform.now()) {
        Ok(news) => {
            live.bridge.publish(&news.channel, &news.key, &frames::latest(&news), by);
        }
        Err(err) => tracing::error!(error = ?err, "a cursor has no text form"),
    }
}

#[cfg(test)]
mod tests {
    use domain::{ids::OrderId, role::Role};

    use super::*;

    fn whose() -> (Whose, Cursor) {
        let profile = Profile::generate(Role::Rider);
        let cursor = Cursor { profile, delivered: 0, read: 0 };
        ((Channel::Order(OrderId::generate()), profile), cursor)
    }

    #[test]
    fn what_is_said_within_a_moment_is_saved_once() {
        let (mut book, (whose, start)) = (Book::default(), whose());
        let device = ConnectionId::generate();
        let at = |off| Reached::Delivered(off).moves(start);
        assert_eq!(book.note(&whose, at(1), device), Noted::First);
        assert_eq!(book.note(&whose, at(2), device), Noted::Waits);
        assert_eq!(book.note(&whose, at(2), device), Noted::Old);
        let taken = book.take();
        assert_eq!(taken[&whose], Waiting { cursor: at(2), by: Some(device) });
        assert_eq!(book.note(&whose, at(3), device), Noted::Waits, "somebody is saving");
        assert_eq!(book.take()[&whose].cursor, at(3));
        assert!(book.take().is_empty());
        assert_eq!(book.note(&whose, at(4), device), Noted::First);
    }

    #[test]
    fn two_devices_are_told_what_the_other_did() {
        let (mut book, (whose, start)) = (Book::default(), whose());
        let [phone, tablet] = [(); 2].map(|()| ConnectionId::generate());
        let delivered = Reached::Delivered(5).moves(start);
        book.note(&whose, delivered, phone);
        book.note(&whose, Reached::Read(3).moves(delivered), tablet);
        let taken = book.take();
        assert_eq!(taken[&whose].by, None);
        assert_eq!((taken[&whose].cursor.delivered, taken[&whose].cursor.read), (5, 3));
    }

    #[test]
    fn what_could_not_be_saved_waits_behind_what_is_newer() {
        let (mut book, (whose, start)) = (Book::default(), whose());
        let device = ConnectionId::generate();
        let at = |off| Reached::Delivered(off).moves(start);
        book.note(&whose, at(1), device);
        let failed = book.take();
        book.note(&whose, at(2), device);
        book.put_back(failed);
        assert_eq!(book.take()[&whose].cursor, at(2));
    }
}
