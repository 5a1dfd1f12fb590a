//! Listens to the statements of transactions, so that a bench can run the same ones with nothing
//! around them.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    db::{Reader, Tx, Val},
    error::StoreError,
};

static IS_ON: AtomicBool = AtomicBool::new(false);
static HEARD: Mutex<Vec<Statement>> = Mutex::new(Vec::new());

/// A statement as it was run.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its text.
    pub sql: String,
    /// Its values.
    pub values: Vec<Val<'static>>,
    /// Rows that it changed; `None` if it reads.
    pub n_changed: Option<u64>,
}

/// A row of which nothing is read.
struct Nothing;

impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for Nothing {
    fn from_row(_: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self)
    }
}

fn heard() -> MutexGuard<'static, Vec<Statement>> {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on every statement of every transaction is kept.
pub fn start() {
    heard().clear();
    IS_ON.store(true, Ordering::SeqCst);
}

/// What was heard since [`start`].
pub fn stop() -> Vec<Statement> {
    IS_ON.store(false, Ordering::SeqCst);
    std::mem::take(&mut *heard())
}

pub(crate) fn hear(sql: &str, values: &[Val<'_>], n_changed: Option<u64>) {
    if !IS_ON.load(Ordering::Relaxed) {
        return;
    }
    let owned = |it: &Val<'_>| match it {
        Val::Null => Val::Null,
        Val::I64(it) => Val::I64(*it),
        Val::F64(it) => Val::F64(*it),
        Val::Bool(it) => Val::Bool(*it),
        Val::Text(it) => Val::Owned((*it).to_owned()),
        Val::Owned(it) => Val::Owned(it.clone()),
    };
    let values = values.iter().map(owned).collect();
    heard().push(Statement { sql: sql.to_owned(), values, n_changed });
}

/// The same work of one person at two times, and how it goes on from there.
#[derive(Debug, Clone)]
pub struct Template {
    second: Vec<Statement>,
    /// For each statement and value: by how much a number rises each time.
    steps: Vec<Vec<i64>>,
    /// What is another one each time: an id, a key.
    fresh: Vec<String>,
}

impl Template {
    /// Compares two recordings; `fresh` are the texts of the second that are new each time.
    ///
    /// # Panics
    ///
    /// If they are not the same statements.
    pub fn new(first: &[Statement], second: &[Statement], fresh: &[&str]) -> Self {
        assert_eq!(first.len(), second.len(), "the two are not the same work");
        let steps = first.iter().zip(second).map(|(one, two)| {
            assert_eq!(one.sql, two.sql, "the two are not the same work");
            let step = |(one, two): (&Val<'_>, &Val<'_>)| match (one, two) {
                (Val::I64(one), Val::I64(two)) => two - one,
                _ => 0,
            };
            one.values.iter().zip(&two.values).map(step).collect()
        });
        let steps = steps.collect();
        let fresh = fresh.iter().map(|it| (*it).to_owned()).collect();
        Self { second: second.to_vec(), steps, fresh }
    }

    /// How many statements it is.
    pub const fn n_statements(&self) -> usize {
        self.second.len()
    }

    /// The work of the `n`th time after the second, with `new` in place of what is fresh.
    pub fn at(&self, n: i64, new: &[String]) -> Vec<Statement> {
        let value = |value: &Val<'static>, step: &i64| match value {
            Val::I64(it) => Val::I64(it + n * step),
            Val::Owned(text) => {
                Val::Owned(self.fresh.iter().zip(new).fold(text.clone(), |text, (old, new)| {
                    if text.contains(old.as_str()) { text.replace(old.as_str(), new) } else { text }
                }))
            }
            other => other.clone(),
        };
        let statement = |(it, steps): (&Statement, &Vec<i64>)| Statement {
            values: it.values.iter().zip(steps).map(|(it, step)| value(it, step)).collect(),
            ..it.clone()
        };
        self.second.iter().zip(&self.steps).map(statement).collect()
    }
}

/// Runs statements and nothing else; what is read is thrown away.
///
/// # Errors
///
/// [`StoreError`] as the statements give it, `Conflict` if one changed more or fewer rows than before.
pub async fn run(tx: &mut Tx, statements: &[Statement]) -> Result<(), StoreError> {
    for it in statements {
        match it.n_changed {
            None => drop(tx.all::<Nothing>(&it.sql, &it.values).await?),
            Some(before) => {
                let now = tx.exec(&it.sql, &it.values).await?;
                if now != before {
                    return Err(StoreError::conflict("statement", &it.sql));
                }
            }
        }
    }
    Ok(())
}
