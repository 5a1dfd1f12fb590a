//! Reads of the journal for clients that come back, gathered: thousands of them at once cost a
//! bounded number of statements.
//!
//! One task reads for all connections of a node. While it waits for the store, requests pile up;
//! the next statement answers all of them. Who asks for the same gap gets the same entries.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use domain::channel::Channel;
use futures_util::FutureExt as _;
use metrics::counter;
use storage::{
    error::StoreError,
    gaps::{self, Gap},
    journal::{self, Entry, Head},
    store::Store,
};
use tokio::sync::{mpsc, oneshot};

/// Entries of one answer at most.
pub const PAGE: u32 = 100;
/// Requests that may wait; who comes later waits to ask.
const WAITING_MAX: usize = 4_096;
/// Requests answered together.
const TOGETHER_MAX: usize = 512;
/// After so many at once, the next ones gather for a moment.
const GATHER_FROM: usize = 4;
/// How long.
const GATHER: Duration = Duration::from_millis(5);

type Heads = HashMap<Channel, Head>;

type Reply<T> = oneshot::Sender<Result<Arc<T>, StoreError>>;

enum Ask {
    Heads(Vec<Channel>, Reply<Heads>),
    Page(Gap, Reply<Vec<Entry>>),
}

/// Asks the one task that reads. Cheap to clone.
#[derive(Clone)]
pub struct CatchUp {
    asks: mpsc::Sender<Ask>,
}

impl CatchUp {
    /// Starts the task; it ends with the last clone. Needs an actix system.
    pub fn start(store: Arc<Store>) -> Self {
        let (asks, waiting) = mpsc::channel(WAITING_MAX);
        actix::spawn(answer_all(store, waiting));
        Self { asks }
    }

    /// The newest positions of channels, and of others that were asked for at the same time;
    /// channels without entries are left out.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as the journal gives it.
    pub async fn heads(&self, channels: Vec<Channel>) -> Result<Arc<Heads>, StoreError> {
        let (reply, answer) = oneshot::channel();
        counter!("riderhub_journal_asks_total", "what" => "heads").increment(1);
        self.ask(Ask::Heads(channels, reply), answer).await
    }

    /// The first page of what somebody has missed, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as the journal gives it.
    pub async fn page(&self, gap: Gap) -> Result<Arc<Vec<Entry>>, StoreError> {
        let (reply, answer) = oneshot::channel();
        counter!("riderhub_journal_asks_total", "what" => "gap").increment(1);
        self.ask(Ask::Page(gap, reply), answer).await
    }

    async fn ask<T>(
        &self,
        ask: Ask,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::unavailable("nobody reads the journal any more");
        self.asks.send(ask).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

async fn answer_all(store: Arc<Store>, mut waiting: mpsc::Receiver<Ask>) {
    let mut together = Vec::new();
    let mut n_before = 0;
    loop {
        if n_before >= GATHER_FROM {
            tokio::time::sleep(GATHER).await;
        }
        n_before = waiting.recv_many(&mut together, TOGETHER_MAX).await;
        if n_before == 0 {
            return;
        }
        let (mut heads, mut pages) = (Vec::new(), Vec::new());
        for ask in together.drain(..) {
            match ask {
                Ask::Heads(channels, reply) => heads.push((channels, reply)),
                Ask::Page(gap, reply) => pages.push((gap, reply)),
            }
        }
        let work = AssertUnwindSafe(async {
            answer_heads(&store, heads).await;
            answer_pages(&store, pages).await;
        });
        if work.catch_unwind().await.is_err() {
            tracing::error!("reading for clients panicked; the next ones are read for");
        }
    }
}

async fn answer_heads(store: &Store, asks: Vec<(Vec<Channel>, Reply<Heads>)>) {
    let mut channels: Vec<Channel> = asks.iter().flat_map(|it| &it.0).cloned().collect();
    if asks.is_empty() {
        return;
    }
    channels.sort_unstable();
    channels.dedup();
    let read = journal::heads(&mut store.reader(), &channels).await;
    let read = read.map(|all| Arc::new(all.into_iter().collect::<Heads>()));
    for (_, reply) in asks {
        let answer = read.as_ref().map(Arc::clone).map_err(again);
        // The connection may be gone; then nobody needs the answer.
        let _nobody_waits = reply.send(answer);
    }
}

async fn answer_pages(store: &Store, asks: Vec<(Gap, Reply<Vec<Entry>>)>) {
    let mut places: HashMap<Gap, usize> = HashMap::new();
    let mut wanted = Vec::new();
    for (gap, _) in &asks {
        places.entry(gap.clone()).or_insert_with(|| {
            wanted.push(gap.clone());
            wanted.len() - 1
        });
    }
    if wanted.is_empty() {
        return;
    }
    let read = gaps::read(&mut store.reader(), &wanted, PAGE).await;
    let read = read.map(|all| all.into_iter().map(Arc::new).collect::<Vec<_>>());
    for (gap, reply) in asks {
        let answer = match &read {
            Ok(all) => {
                Ok(places.get(&gap).and_then(|it| all.get(*it)).cloned().unwrap_or_default())
            }
            Err(err) => Err(again(err)),
        };
        let _nobody_waits = reply.send(answer);
    }
}

/// One failure for everybody who asked.
fn again(err: &StoreError) -> StoreError {
    StoreError::unavailable(err.to_string())
}
