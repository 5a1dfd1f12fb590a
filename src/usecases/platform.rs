//! What every use case is given: the store, the clock, and a way to tell the live side.

use std::sync::Arc;

use domain::{
    channel::Channel,
    clock::{Clock, Timestamp},
    policy::OrderPolicy,
    session::SessionPolicy,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use storage::{
    blobs::Blobs,
    claims::{Claims, in_process::InProcessClaims},
    commands::{self, CommandKey, Seen},
    db::{Db, Tx},
    error::{Failure, StoreError},
    events::Latest,
    journal::{self, Entry, NewEntry, Watched},
    posts::{Post, Posted},
    rates::{Rates, in_process::InProcessRates},
    stock::Shelf,
    store::Store,
};

pub use crate::nudge::{Nudge, RevokedSession};
use crate::{
    blob_place::KnownPlace, notices::NoticeSettings, roads::Roads, sandbox::Sandbox,
    token_keys::KeySettings, tokens::TokenKeys, vapid::VapidKey,
};

/// Tells the live side of this and other nodes what was committed.
pub trait Announcer: Send + Sync {
    /// Rings for entries that are in the journal. A lost ring costs time, never an entry.
    fn announce(&self, entries: Vec<Entry>);
    /// Hands out newest values. They may be skipped.
    fn latest(&self, values: Vec<Latest>);
    /// Asks the live side to look at something soon.
    fn nudge(&self, nudge: Nudge);
}

/// Tells nobody. For commands without a live side, and for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silence;

impl Announcer for Silence {
    fn announce(&self, _entries: Vec<Entry>) {}
    fn latest(&self, _values: Vec<Latest>) {}
    fn nudge(&self, _nudge: Nudge) {}
}

/// What a transaction wants to tell: entries are written in it, the rest goes out after commit.
#[derive(Debug, Default)]
pub struct Changes {
    /// Journal entries, written at the end of the transaction.
    pub entries: Vec<NewEntry>,
    /// Newest values, handed out after commit.
    pub latest: Vec<Latest>,
    /// Wishes to the live side, after commit.
    pub nudges: Vec<Nudge>,
    /// Stocks that changed, as they stand after it.
    pub shelves: Vec<Shelf>,
}

/// Where an entry of a command went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The channel's name.
    pub channel: String,
    /// The entry's offset.
    pub off: u64,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done<T> {
    /// The result, the same for each repetition.
    pub value: T,
    /// Where its entries went.
    pub positions: Vec<Position>,
    /// Whether this is the stored result of an earlier time.
    pub dup: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    value: T,
    positions: Vec<Position>,
}

/// The environment of every use case. Cheap to clone.
#[derive(Clone)]
pub struct Platform {
    /// The database.
    pub store: Arc<Store>,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// The live side.
    pub announcer: Arc<dyn Announcer>,
    /// Deadlines and limits of the business.
    pub policy: OrderPolicy,
    /// How sign-ins are kept.
    pub sessions: SessionPolicy,
    /// Signs and checks access tokens.
    pub tokens: Arc<TokenKeys>,
    /// The payment provider that is built in.
    pub sandbox: Arc<Sandbox>,
    /// Contents of files.
    pub blobs: Blobs,
    /// What is known of where they are kept.
    pub known_place: KnownPlace,
    /// Signs what is sent to push services.
    pub vapid: Arc<VapidKey>,
    /// How people are told who are away.
    pub notices: NoticeSettings,
    /// Who of many that grab one delivery goes on to SQL.
    pub claims: Arc<dyn Claims>,
    /// Times on roads, if somebody knows them.
    pub roads: Arc<Roads>,
    /// How often somebody does something.
    pub rates: Arc<dyn Rates>,
}

/// What a platform is opened with. The default is for one machine and generates its secrets.
#[derive(Clone, Default)]
pub struct PlatformSettings {
    /// Deadlines and limits of the business.
    pub policy: OrderPolicy,
    /// How sign-ins are kept.
    pub sessions: SessionPolicy,
    /// Signs access tokens.
    pub token_keys: KeySettings,
    /// Signs what the sandbox says; `None` for a secret that is made once and kept in the store.
    pub sandbox_secret: Option<String>,
    /// Where contents of files are kept.
    pub blobs: Blobs,
    /// Signs what is sent to push services; `None` for a key that is made once and kept in the store.
    pub vapid_key: Option<String>,
    /// How people are told who are away.
    pub notices: NoticeSettings,
    /// Who of many that grab one delivery goes on to SQL; `None` for one node alone.
    pub claims: Option<Arc<dyn Claims>>,
    /// Times on roads; the default asks nobody.
    pub roads: Arc<Roads>,
    /// How often somebody does something; `None` for one node alone.
    pub rates: Option<Arc<dyn Rates>>,
}

impl Platform {
    /// Puts a platform together; makes the secrets that nobody has set yet.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read or written.
    pub async fn open(
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        announcer: Arc<dyn Announcer>,
        settings: PlatformSettings,
    ) -> Result<Self, StoreError> {
        let PlatformSettings { policy, sessions, token_keys, sandbox_secret, blobs, .. } = settings;
        let PlatformSettings { vapid_key, notices, claims, rates, roads, .. } = settings;
        let claims = claims.unwrap_or_else(|| Arc::new(InProcessClaims::default()));
        let rates = rates.unwrap_or_else(|| Arc::new(InProcessRates::default()));
        let at = clock.now();
        let tokens = Arc::new(TokenKeys::open(&store, token_keys, at).await?);
        let sandbox = Arc::new(Sandbox::open(&store, sandbox_secret).await?);
        let vapid = Arc::new(VapidKey::open(&store, vapid_key).await?);
        let known_place = KnownPlace::default();
        Ok(Self {
            store,
            clock,
            announcer,
            policy,
            sessions,
            tokens,
            sandbox,
            blobs,
            known_place,
            vapid,
            notices,
            claims,
            roads,
            rates,
        })
    }

    /// For reads outside a transaction.
    pub fn reader(&self) -> Db {
        self.store.reader()
    }

    /// The current instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Carries out a command exactly once for its key, if it has one.
    ///
    /// `body` runs in one transaction together with its journal entries and its stored result; it
    /// may run more than once before one run counts, so it must have no effect but on `tx` and
    /// `changes`. What it collects is announced after commit.
    ///
    /// # Errors
    ///
    /// What `body` returned, or [`storage::error::StoreError`] as the store gives it
    /// (`KeyReused` if the key was used for another body).
    pub async fn command<T, E, F>(&self, key: Option<CommandKey>, body: F) -> Result<Done<T>, E>
    where
        F: AsyncFn(&mut Tx, &mut Changes, Timestamp) -> Result<T, E> + Send + 'static,
        T: Serialize + DeserializeOwned + Send + 'static,
        E: Failure,
    {
        let (clock, watched) = (Arc::clone(&self.clock), self.notices.watched());
        let write =
            async move |tx: &mut Tx| carry_out(tx, key.as_ref(), clock.now(), watched, &body).await;
        let carried_out = self.store.write(write).await?;
        Ok(self.after_commit(carried_out))
    }

    /// Writes a message, exactly once if it has a key: like [`Self::command`] with one entry and
    /// nothing else, for a tenth of the cost. `value` makes the result of the entry.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as [`Store::post`] gives it.
    pub async fn post<T>(
        &self,
        key: Option<CommandKey>,
        entry: NewEntry,
        value: fn(&Entry) -> T,
    ) -> Result<Done<T>, StoreError>
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        let stored = move |entry: &Entry| {
            let position = Position { channel: entry.channel.to_string(), off: entry.off };
            Stored { value: value(entry), positions: vec![position] }
        };
        let result = Box::new(move |entry: &Entry| commands::text(&stored(entry)));
        let (clock, watched) = (Arc::clone(&self.clock), self.notices.watched());
        let post = Post { key, entry, watched, result, clock };
        match self.store.post(post).await? {
            Posted::New(entry) => {
                let Stored { value, positions } = stored(&entry);
                self.announcer.announce(vec![entry]);
                Ok(Done { value, positions, dup: false })
            }
            Posted::Before(text) => {
                let Stored { value, positions } = commands::read(text)?;
                count_duplicate();
                Ok(Done { value, positions, dup: true })
            }
        }
    }

    /// Like [`Self::command`] for small writes that gain from sharing a commit; `channel` is what
    /// they lock.
    ///
    /// # Errors
    ///
    /// As [`Self::command`].
    pub async fn grouped_command<T, E, F>(
        &self,
        channel: &Channel,
        key: Option<CommandKey>,
        body: F,
    ) -> Result<Done<T>, E>
    where
        F: AsyncFn(&mut Tx, &mut Changes, Timestamp) -> Result<T, E> + Send + 'static,
        T: Serialize + DeserializeOwned + Send + 'static,
        E: Failure,
    {
        let (clock, watched) = (Arc::clone(&self.clock), self.notices.watched());
        let write =
            async move |tx: &mut Tx| carry_out(tx, key.as_ref(), clock.now(), watched, &body).await;
        let carried_out = self.store.grouped(channel.to_string(), write).await?;
        Ok(self.after_commit(carried_out))
    }

    /// What came of a command that was carried out before. For commands that are checked before
    /// they are written: what was true then may have changed, its answer has not.
    ///
    /// # Errors
    ///
    /// [`StoreError::KeyReused`] if the key was used for another body, or as the store gives it.
    pub async fn recorded<T: DeserializeOwned>(
        &self,
        key: &CommandKey,
    ) -> Result<Option<Done<T>>, StoreError> {
        let stored: Option<Stored<T>> = commands::find(&mut self.reader(), key).await?;
        Ok(stored.map(|it| {
            count_duplicate();
            Done { value: it.value, positions: it.positions, dup: true }
        }))
    }

    fn after_commit<T>(&self, carried_out: CarriedOut<T>) -> Done<T> {
        let CarriedOut { stored, entries, latest, nudges, dup } = carried_out;
        if dup {
            count_duplicate();
        }
        if !entries.is_empty() {
            self.announcer.announce(entries);
        }
        if !latest.is_empty() {
            self.announcer.latest(latest);
        }
        for nudge in nudges {
            self.announcer.nudge(nudge);
        }
        Done { value: stored.value, positions: stored.positions, dup }
    }
}

/// A command came again and gets its first answer.
fn count_duplicate() {
    metrics::counter!("riderhub_duplicates_total").increment(1);
}

struct CarriedOut<T> {
    stored: Stored<T>,
    entries: Vec<Entry>,
    latest: Vec<Latest>,
    nudges: Vec<Nudge>,
    dup: bool,
}

async fn carry_out<T, E, F>(
    tx: &mut Tx,
    key: Option<&CommandKey>,
    at: Timestamp,
    watched: Watched,
    body: &F,
) -> Result<CarriedOut<T>, E>
where
    F: AsyncFn(&mut Tx, &mut Changes, Timestamp) -> Result<T, E>,
    T: Serialize + DeserializeOwned,
    E: Failure,
{
    if let Some(key) = key
        && let Seen::Before(stored) = commands::begin(tx, key, at).await?
    {
        let nothing = Changes::default();
        return Ok(CarriedOut {
            stored,
            entries: Vec::new(),
            latest: nothing.latest,
            nudges: nothing.nudges,
            dup: true,
        });
    }
    let mut changes = Changes::default();
    let value = body(tx, &mut changes, at).await?;
    let entries = journal::append_watched(tx, changes.entries, at, watched).await?;
    let positions = entries
        .iter()
        .map(|it| Position { channel: it.channel.to_string(), off: it.off })
        .collect();
    let stored = Stored { value, positions };
    if let Some(key) = key {
        commands::finish(tx, key, &stored, at).await?;
    }
    let Changes { latest, nudges, .. } = changes;
    Ok(CarriedOut { stored, entries, latest, nudges, dup: false })
}
