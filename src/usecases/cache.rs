//! What is read often and changes seldom, read through a cache in this node's memory.
//!
//! A commit says what it made old ([`Stale`]); this node forgets it before the writer hears an answer,
//! so whoever writes reads it; the other nodes forget it when the bus tells them. What the bus does not
//! tell is bounded by a lifetime, which is short while the bus is away. Of many who miss the same thing
//! one reads it; what was forgotten while it was read is not kept.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    str::FromStr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use domain::ids::StoreId;
use metrics::counter;
use rand::RngExt as _;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

/// How long what was read is believed, if the bus tells of changes.
pub const LIFETIME: Duration = Duration::from_secs(600);
/// How long it is believed while the bus is away.
pub const LIFETIME_ALONE: Duration = Duration::from_secs(2);
/// How long it is believed that there is no such thing.
pub const LIFETIME_OF_NOTHING: Duration = Duration::from_secs(5);
/// Things of one kind at most.
pub const THINGS_MAX: usize = 20_000;
/// How many are looked at to find one that can go.
const SAMPLE: usize = 8;
/// Lifetimes are made shorter by up to this share, so that not everything ends at once.
const JITTER: f64 = 0.2;

/// What a commit made old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stale {
    /// What is shown of a store.
    Store(StoreId),
    /// What a store sells.
    Menu(StoreId),
}

/// The text is none of ours; another version of the program wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a name of what is cached")]
pub struct UnknownStale;

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(id) => write!(f, "store:{id}"),
            Self::Menu(id) => write!(f, "menu:{id}"),
        }
    }
}

impl FromStr for Stale {
    type Err = UnknownStale;

    fn from_str(text: &str) -> Result<Self, UnknownStale> {
        let (kind, id) = text.split_once(':').ok_or(UnknownStale)?;
        let id = id.parse().map_err(|_| UnknownStale)?;
        match kind {
            "store" => Ok(Self::Store(id)),
            "menu" => Ok(Self::Menu(id)),
            _ => Err(UnknownStale),
        }
    }
}

/// An answer as it leaves, with the tag of its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The body.
    pub bytes: Bytes,
    /// Its entity tag, with quotes.
    pub tag: Arc<str>,
}

impl Page {
    /// Tags a body.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { tag: tag(&bytes).into(), bytes }
    }
}

/// The entity tag of a body: the same bytes have the same one, on every node.
pub fn tag(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// Things of one kind. See the file's head.
pub struct ReadThrough<K, V> {
    kind: &'static str,
    n_known: AtomicU64,
    n_read: AtomicU64,
    entries: Mutex<HashMap<K, Arc<Entry<V>>>>,
}

struct Entry<V>(OnceCell<Read<V>>);

/// What was read, or that there is no such thing.
struct Read<V> {
    value: Option<V>,
    until: Instant,
}

impl<V> Entry<V> {
    /// Being read, or read and still believed.
    fn is_good(&self, now: Instant) -> bool {
        self.0.get().is_none_or(|it| it.until > now)
    }

    fn until(&self) -> Option<Instant> {
        self.0.get().map(|it| it.until)
    }
}

impl<K: Copy + Eq + Hash, V: Clone> ReadThrough<K, V> {
    /// Holds nothing yet; `kind` names it in figures.
    pub fn new(kind: &'static str) -> Self {
        let (n_known, n_read) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { kind, n_known, n_read, entries: Mutex::default() }
    }

    /// What is known of `key`, or what `load` reads; for all who ask at once it reads once.
    ///
    /// # Errors
    ///
    /// What `load` says; then the next one who asks tries again.
    pub async fn get<E>(
        &self,
        key: K,
        lifetime: Duration,
        load: impl AsyncFnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<V>, E> {
        let entry = self.entry(key);
        if let Some(read) = entry.0.get() {
            self.count(if read.value.is_some() { "hit" } else { "hit_nothing" });
            return Ok(read.value.clone());
        }
        let mut result = "joined";
        let read = entry.0.get_or_try_init(async || {
            result = "miss";
            let value = load().await?;
            let longest =
                if value.is_some() { lifetime } else { LIFETIME_OF_NOTHING.min(lifetime) };
            let shorter = rand::rng().random_range(1.0 - JITTER..1.0);
            Ok(Read { value, until: Instant::now() + longest.mul_f64(shorter) })
        });
        let value = read.await.map(|it| it.value.clone());
        self.count(result);
        value
    }

    /// Forgets it; also what is being read of it now will be read again by those who ask from now on.
    pub fn forget(&self, key: K) {
        self.entries().remove(&key);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.entries().clear();
    }

    fn entry(&self, key: K) -> Arc<Entry<V>> {
        let (mut entries, now) = (self.entries(), Instant::now());
        if let Some(entry) = entries.get(&key).filter(|it| it.is_good(now)) {
            return Arc::clone(entry);
        }
        if entries.len() >= THINGS_MAX && !entries.contains_key(&key) {
            let sample = entries.iter().take(SAMPLE);
            if let Some(oldest) = sample.min_by_key(|(_, it)| it.until()).map(|(key, _)| *key) {
                entries.remove(&oldest);
            }
        }
        let entry = Arc::new(Entry(OnceCell::new()));
        entries.insert(key, Arc::clone(&entry));
        entry
    }

    /// How many were answered without a read of their own, and how many reads there were.
    pub fn counts(&self) -> (u64, u64) {
        (self.n_known.load(Ordering::Relaxed), self.n_read.load(Ordering::Relaxed))
    }

    fn count(&self, result: &'static str) {
        let counter = if result == "miss" { &self.n_read } else { &self.n_known };
        counter.fetch_add(1, Ordering::Relaxed);
        counter!("riderhub_cache_total", "kind" => self.kind, "result" => result).increment(1);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, Arc<Entry<V>>>> {
        // Each change is complete in itself, so a poisoned map is still a good one.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that a node keeps in mind.
pub struct Caches {
    /// Stores, as they are shown to anybody.
    pub stores: ReadThrough<StoreId, Page>,
    /// What stores sell, as it is shown to anybody.
    pub menus: ReadThrough<StoreId, Page>,
}

impl Default for Caches {
    fn default() -> Self {
        Self { stores: ReadThrough::new("store"), menus: ReadThrough::new("menu") }
    }
}

impl Caches {
    /// A commit made these old, on this node or on another one.
    pub fn forget(&self, stale: &[Stale]) {
        for it in stale {
            match it {
                Stale::Store(id) => self.stores.forget(*id),
                Stale::Menu(id) => self.menus.forget(*id),
            }
        }
    }

    /// Commits of other nodes may not have been told: everything is read again.
    pub fn clear(&self) {
        self.stores.clear();
        self.menus.clear();
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
