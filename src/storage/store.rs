//! Transactions. On SQLite one thread writes and commits in groups; on MySQL each write has its
//! own transaction, except for small writes that gain from sharing one.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::LocalBoxFuture};
use tokio::sync::{mpsc, oneshot};

use crate::{
    checkpoint::{self, LogState},
    db::{Db, Tx},
    error::{Failure, StoreError},
    posts::{self, Outcomes, Post, Posted, Written},
};

/// Writes that may wait for the writer thread; more are refused at once.
pub const WRITE_QUEUE_MAX: usize = 8_192;
/// Writes that share one commit.
pub const GROUP_MAX: usize = 256;
/// Tries of one transaction that others keep throwing back.
pub const ATTEMPTS_MAX: u32 = 8;
/// Longest wait for a write to finish. After it nobody knows whether it happened.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The database with the right way to write to it.
#[derive(Clone)]
pub struct Store {
    db: Db,
    writer: mpsc::Sender<Job>,
    is_failing: Arc<AtomicBool>,
}

/// What is on its way to the writer thread.
enum Job {
    Write(WriteJob),
    Post(Box<Post>, oneshot::Sender<Result<Posted, StoreError>>),
}

/// One write.
struct WriteJob {
    /// Writes that share a commit run in the order of their keys, so that groups of several nodes
    /// take their locks in the same order.
    key: String,
    /// May run more than once; only the last run counts.
    run: Box<dyn Run>,
}

trait Run: Send {
    /// Runs the closure; `true` keeps what it wrote.
    fn run<'c>(&'c self, tx: &'c mut Tx) -> LocalBoxFuture<'c, bool>;
    /// The group is committed, or failed as a whole.
    fn finish(self: Box<Self>, group: Result<(), &StoreError>);
    /// What the last run said about the store, for retries.
    fn lock_conflict(&self) -> bool;
}

type Slot<T, E> = Mutex<Option<Result<T, E>>>;

struct Write<F, T, E> {
    body: F,
    slot: Slot<T, E>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Run for Write<F, T, E>
where
    F: AsyncFn(&mut Tx) -> Result<T, E> + Send,
    T: Send,
    E: Failure,
{
    fn run<'c>(&'c self, tx: &'c mut Tx) -> LocalBoxFuture<'c, bool> {
        Box::pin(async move {
            let outcome = caught(&self.body, tx).await;
            let keep = outcome.is_ok();
            *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            keep
        })
    }

    fn finish(self: Box<Self>, group: Result<(), &StoreError>) {
        let outcome = self.slot.into_inner().unwrap_or_else(PoisonError::into_inner);
        let answer = match (group, outcome) {
            (Ok(()), Some(outcome)) => outcome,
            // What refused by itself stays refused whatever became of the group.
            (Err(_), Some(Err(err))) => Err(err),
            (Err(err), _) => Err(E::from(same_kind(err))),
            (Ok(()), None) => Err(E::from(StoreError::refused("the write did not run"))),
        };
        // The caller may have stopped waiting; then nobody needs the answer.
        let _nobody_waits = self.reply.send(answer);
    }

    fn lock_conflict(&self) -> bool {
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(&*slot, Some(Err(err)) if is_lock_conflict(err))
    }
}

impl Store {
    /// Starts the writer thread over open connections.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub fn start(db: Db) -> std::io::Result<Self> {
        let (writer, jobs) = mpsc::channel(WRITE_QUEUE_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (its_db, is_failing) = (db.clone(), Arc::new(AtomicBool::new(false)));
        let failing = Arc::clone(&is_failing);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || runtime.block_on(write_groups(its_db, jobs, &failing)))?;
        Ok(Self { db, writer, is_failing })
    }

    /// Whether the last writes that shared a commit could be written, as far as is known. They come
    /// all the time: a node notes that it lives.
    pub fn takes_writes(&self) -> bool {
        !self.is_failing.load(Ordering::Relaxed)
    }

    /// For reads outside a transaction. Cheap to call.
    pub fn reader(&self) -> Db {
        self.db.clone()
    }

    /// The connections themselves.
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// Runs `body` in a transaction; an error rolls back all of it.
    ///
    /// `body` may run more than once (deadlocks), so it must have no effect but its SQL, and it
    /// must wait for nothing but SQL: on SQLite all writes share one thread.
    ///
    /// # Errors
    ///
    /// What `body` returned, or [`StoreError`] if the transaction could not be carried out.
    pub async fn write<F, T, E>(&self, body: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Failure,
    {
        if self.db.is_mysql() { self.alone(&body).await } else { self.grouped("", body).await }
    }

    /// Like [`Self::write`], sharing one commit with other small writes on every engine.
    ///
    /// `key` names what the write locks first; groups run in the order of their keys.
    ///
    /// # Errors
    ///
    /// What `body` returned, or [`StoreError`] if the transaction could not be carried out.
    pub async fn grouped<F, T, E>(&self, key: impl Into<String>, body: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Failure,
    {
        let (reply, answer) = oneshot::channel();
        let write = Write { body, slot: Mutex::new(None), reply };
        let job = Job::Write(WriteJob { key: key.into(), run: Box::new(write) });
        self.carry_out(job, answer).await.unwrap_or_else(|err| Err(E::from(err)))
    }

    /// Writes a message, sharing its statements and its commit with others.
    ///
    /// # Errors
    ///
    /// [`StoreError::KeyReused`] if the command's id was used for something else, or as the
    /// statements give it.
    pub async fn post(&self, post: Post) -> Result<Posted, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.carry_out(Job::Post(Box::new(post), reply), answer).await.unwrap_or_else(Err)
    }

    async fn carry_out<R>(&self, job: Job, answer: oneshot::Receiver<R>) -> Result<R, StoreError> {
        if self.writer.try_send(job).is_err() {
            return Err(StoreError::unavailable("too many writes are waiting"));
        }
        match tokio::time::timeout(WRITE_TIMEOUT, answer).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(_)) => Err(StoreError::OutcomeUnknown("the writer is gone".into())),
            Err(late) => Err(StoreError::OutcomeUnknown(late.into())),
        }
    }

    async fn alone<F, T, E>(&self, body: &F) -> Result<T, E>
    where
        F: AsyncFn(&mut Tx) -> Result<T, E>,
        T: 'static,
        E: Failure,
    {
        let mut attempt = 1;
        loop {
            match tokio::time::timeout(WRITE_TIMEOUT, attempt_alone(&self.db, body)).await {
                Ok(Err(err)) if attempt < ATTEMPTS_MAX && is_lock_conflict(&err) => {
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                Ok(outcome) => return outcome,
                Err(late) => return Err(E::from(StoreError::OutcomeUnknown(late.into()))),
            }
        }
    }
}

async fn attempt_alone<F, T, E>(db: &Db, body: &F) -> Result<T, E>
where
    F: AsyncFn(&mut Tx) -> Result<T, E>,
    E: Failure,
{
    let mut tx = db.begin().await?;
    match caught(body, &mut tx).await {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(err) => {
            tx.rollback().await;
            Err(err)
        }
    }
}

/// Runs `body`; a panic in it is an error like any other and hurts nobody else.
async fn caught<F, T, E>(body: &F, tx: &mut Tx) -> Result<T, E>
where
    F: AsyncFn(&mut Tx) -> Result<T, E>,
    E: Failure,
{
    AssertUnwindSafe(body(tx)).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("a write panicked; it is rolled back");
        Err(E::from(StoreError::refused("a write panicked")))
    })
}

fn is_lock_conflict<E: Failure>(err: &E) -> bool {
    matches!(err.store_error(), Some(StoreError::LockConflict(_)))
}

/// A growing, slightly random pause, so that two that collide do not collide again.
fn pause(attempt: u32) -> Duration {
    Duration::from_millis(rand::random_range(1..=4_u64) << attempt.min(6))
}

/// An error of the group as one member sees it.
fn same_kind(err: &StoreError) -> StoreError {
    let cause = err.to_string();
    match err {
        StoreError::OutcomeUnknown(_) => StoreError::OutcomeUnknown(cause.into()),
        StoreError::LockConflict(_) | StoreError::Unavailable(_) => {
            StoreError::Unavailable(cause.into())
        }
        _ => StoreError::refused(cause),
    }
}

async fn write_groups(db: Db, mut jobs: mpsc::Receiver<Job>, is_failing: &AtomicBool) {
    let log = Arc::new(LogState::default());
    let (its_db, its_log) = (db.clone(), Arc::clone(&log));
    tokio::spawn(async move { checkpoint::keep_short(its_db, &its_log).await });
    let mut waiting = Vec::with_capacity(GROUP_MAX);
    loop {
        // Each commit has a price of its own, whatever the number of writes in it: on a busy core
        // those who bring more go first.
        std::thread::yield_now();
        let n_writes = jobs.recv_many(&mut waiting, GROUP_MAX).await;
        if n_writes == 0 {
            return;
        }
        let group = Group::of(waiting.drain(..), db.is_mysql());
        let mut attempt = 1;
        let outcome = loop {
            match group.write(&db).await {
                Err(StoreError::LockConflict(_)) if attempt < ATTEMPTS_MAX => {
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                outcome => break outcome,
            }
        };
        is_failing.store(outcome.is_err(), Ordering::Relaxed);
        if let Err(err) = &outcome {
            tracing::error!(error = ?err, n_writes, "a group of writes failed");
        }
        group.finish(outcome);
        log.committed();
        if log.take_long()
            && let Db::Sqlite { writer, .. } = &db
            && let Err(err) = checkpoint::copy(writer).await
        {
            tracing::warn!(error = ?err, "the log of the store was not begun anew");
        }
    }
}

/// How the posts of a group are written.
#[derive(Clone, Copy)]
enum Way {
    Together,
    Apart,
}

/// Writes that share one transaction.
#[derive(Default)]
struct Group {
    writes: Vec<WriteJob>,
    posts: Vec<Post>,
    /// Where what became of each post goes.
    replies: Vec<oneshot::Sender<Result<Posted, StoreError>>>,
}

impl Group {
    fn of(jobs: impl Iterator<Item = Job>, is_mysql: bool) -> Self {
        let mut group = Self::default();
        for job in jobs {
            match job {
                Job::Write(write) => group.writes.push(write),
                Job::Post(post, reply) => {
                    group.posts.push(*post);
                    group.replies.push(reply);
                }
            }
        }
        if is_mysql {
            group.writes.sort_by(|a, b| a.key.cmp(&b.key));
        }
        group
    }

    /// The posts with a few statements, or each with its own if they do not go together.
    async fn write(&self, db: &Db) -> Outcomes {
        if let Some(written) = self.attempt(db, Way::Together).await? {
            return Ok(written);
        }
        let apart = self.attempt(db, Way::Apart).await?;
        apart.ok_or_else(|| StoreError::refused("the messages were not written"))
    }

    /// Runs each write behind a savepoint, so that one that fails leaves the others intact, and
    /// then the posts. `None`: all is rolled back, because the posts do not go together.
    async fn attempt(&self, db: &Db, way: Way) -> Result<Option<Written>, StoreError> {
        let mut tx = db.begin().await?;
        for job in &self.writes {
            tx.plain("savepoint job").await?;
            let keep = job.run.run(&mut tx).await;
            if job.run.lock_conflict() {
                // MySQL has thrown the whole transaction back.
                tx.rollback().await;
                return Err(StoreError::LockConflict("a member of the group met a lock".into()));
            }
            if !keep {
                tx.plain("rollback to savepoint job").await?;
            }
            tx.plain("release savepoint job").await?;
        }
        let posts: Vec<&Post> = self.posts.iter().collect();
        let written = match way {
            Way::Together => posts::write_all(&mut tx, &posts).await,
            Way::Apart => posts::write_one_by_one(&mut tx, &posts).await.map(Some),
        };
        match written {
            Ok(Some(written)) => {
                tx.commit().await?;
                Ok(Some(written))
            }
            not_written => {
                tx.rollback().await;
                not_written
            }
        }
    }

    fn finish(self, outcome: Outcomes) {
        for job in self.writes {
            job.run.finish(outcome.as_ref().map(|_| ()));
        }
        let mut posted = outcome.map(Vec::into_iter);
        for reply in self.replies {
            let answer = match &mut posted {
                Ok(all) => all.next().unwrap_or_else(|| Err(StoreError::refused("not written"))),
                Err(err) => Err(same_kind(err)),
            };
            // The caller may have stopped waiting; then nobody needs the answer.
            let _nobody_waits = reply.send(answer);
        }
    }
}
