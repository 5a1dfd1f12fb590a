//! One SQL text for two engines: a thin enum over the native drivers.
//!
//! SQLite has one writing connection and a pool of readers; MySQL and MariaDB have one pool.
//! Values go in through `args!`, rows come out through `#[derive(sqlx::FromRow)]`.

use std::time::Duration;

use domain::clock::Timestamp;
use sqlx::{
    Arguments, AssertSqlSafe, Executor, FromRow, MySql, MySqlPool, Sqlite, SqlitePool, Transaction,
    mysql::{MySqlArguments, MySqlRow},
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::error::StoreError;

/// A value bound to a `?`.
#[derive(Debug, Clone)]
pub enum Val<'a> {
    /// SQL `null`.
    Null,
    /// Any integer column.
    I64(i64),
    /// A `double` column.
    F64(f64),
    /// A `boolean` column.
    Bool(bool),
    /// A text column, borrowed.
    Text(&'a str),
    /// A text column, made for this call.
    Owned(String),
}

macro_rules! val_from {
    ($($from:ty => |$it:ident| $val:expr),* $(,)?) => {
        $(impl<'a> From<$from> for Val<'a> {
            fn from($it: $from) -> Self { $val }
        })*
    };
}
val_from! {
    i64 => |it| Val::I64(it),
    i32 => |it| Val::I64(i64::from(it)),
    u32 => |it| Val::I64(i64::from(it)),
    u64 => |it| Val::I64(i64::try_from(it).unwrap_or(i64::MAX)),
    usize => |it| Val::I64(i64::try_from(it).unwrap_or(i64::MAX)),
    f64 => |it| Val::F64(it),
    bool => |it| Val::Bool(it),
    &'a str => |it| Val::Text(it),
    &'a String => |it| Val::Text(it),
    String => |it| Val::Owned(it),
    Timestamp => |it| Val::I64(it.ms()),
}

macro_rules! val_from_id {
    ($($id:ident),* $(,)?) => {
        $(impl From<domain::ids::$id> for Val<'_> {
            fn from(id: domain::ids::$id) -> Self { Val::Owned(id.to_string()) }
        })*
    };
}
val_from_id! {
    AccountId, CustomerId, MerchantId, RiderId, OperatorId, StoreId, ProductId, OrderId, PaymentId,
    RefundId, DeliveryId, OfferId, NodeId, AttachmentId, PushAddressId, SessionId, AddressId,
    QuoteId,
}

impl<'a, T: Into<Val<'a>>> From<Option<T>> for Val<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Val::Null, Into::into)
    }
}

/// The values of the `?` of one statement, in order.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Val::from($value)),*] };
}

/// A row struct that either engine can fill; `#[derive(sqlx::FromRow)]` gives it.
pub trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, MySqlRow> + Send + Unpin
{
}

impl<T> Row for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, MySqlRow> + Send + Unpin
{
}

/// Times that a read is tried on another connection if the one it had was lost. A lost connection
/// fails at once, and all of a pool may be lost.
const READ_TRIES: u32 = 32;
/// Longest wait for what one statement reads.
pub const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Takes the write lock at once, so that nobody is thrown back later.
const BEGIN_SQLITE: &str = "begin immediate";

/// Connections to the database.
#[derive(Debug, Clone)]
pub enum Db {
    /// An SQLite file in WAL mode.
    Sqlite {
        /// The only connection that writes.
        writer: SqlitePool,
        /// Read-only connections.
        readers: SqlitePool,
        /// The connection that keeps the write-ahead log short.
        keeper: SqlitePool,
    },
    /// MySQL 8 or MariaDB.
    MySql(MySqlPool),
}

/// An open transaction. Dropping it rolls back.
#[derive(Debug)]
pub enum Tx {
    /// Began with `begin immediate`.
    Sqlite(Transaction<'static, Sqlite>),
    /// Read committed.
    MySql(Transaction<'static, MySql>),
}

/// When SQLite waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// `synchronous=NORMAL`: a power cut may undo the last moments, never corrupt.
    #[default]
    Normal,
    /// `synchronous=FULL`: what was acknowledged survives a power cut.
    Full,
}

/// Something that statements can be read through: a transaction or the database itself.
pub trait Reader {
    /// All rows.
    ///
    /// # Errors
    ///
    /// [`StoreError`], sorted by what the caller can do about it.
    fn all<T: Row>(
        &mut self,
        sql: &str,
        args: &[Val<'_>],
    ) -> impl Future<Output = Result<Vec<T>, StoreError>>;

    /// The first row, if any.
    ///
    /// # Errors
    ///
    /// [`StoreError`], sorted by what the caller can do about it.
    fn opt<T: Row>(
        &mut self,
        sql: &str,
        args: &[Val<'_>],
    ) -> impl Future<Output = Result<Option<T>, StoreError>>;
}

impl Db {
    /// Whether the engine is MySQL or MariaDB.
    pub const fn is_mysql(&self) -> bool {
        matches!(self, Self::MySql(_))
    }

    /// The engine's name, for people.
    pub const fn engine(&self) -> &'static str {
        if self.is_mysql() { "MySQL/MariaDB" } else { "SQLite" }
    }

    /// Closes all connections, after what is under way.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers, keeper } => {
                keeper.close().await;
                readers.close().await;
                writer.close().await;
            }
            Self::MySql(pool) => pool.close().await,
        }
    }

    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite { writer, .. } => begin_sqlite(writer).await.map(Tx::Sqlite),
            Self::MySql(pool) => pool.begin().await.map(Tx::MySql),
        }
        .map_err(StoreError::from_statement)
    }
}

/// Begins on the only connection that writes.
///
/// After some failures (a full disk) SQLite has rolled back by itself; the driver then believes for
/// ever that a transaction is open. Such a connection is closed, and a new one takes its place.
async fn begin_sqlite(writer: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    match writer.begin_with(BEGIN_SQLITE).await {
        Err(sqlx::Error::InvalidSavePointStatement) => {
            tracing::warn!("the writer of the store begins anew after a failed transaction");
            writer.acquire().await?.close().await?;
            writer.begin_with(BEGIN_SQLITE).await
        }
        begun => begun,
    }
}

/// How many connections there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// At work.
    pub in_use: u32,
    /// At rest.
    pub idle: u32,
    /// At most, together.
    pub max: u32,
}

impl Db {
    /// How many connections of the pool are at work; with SQLite, of the readers.
    pub fn pool(&self) -> PoolUse {
        let (size, idle, max) = match self {
            Self::Sqlite { readers, .. } => {
                (readers.size(), readers.num_idle(), readers.options().get_max_connections())
            }
            Self::MySql(pool) => {
                (pool.size(), pool.num_idle(), pool.options().get_max_connections())
            }
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(size);
        PoolUse { in_use: size - idle, idle, max }
    }
}

impl Reader for Db {
    async fn all<T: Row>(&mut self, sql: &str, args: &[Val<'_>]) -> Result<Vec<T>, StoreError> {
        let db = &*self;
        read(async || {
            let sql = AssertSqlSafe(sql);
            Ok(match db {
                Self::Sqlite { readers, .. } => {
                    sqlx::query_as_with(sql, sqlite(args)?).fetch_all(readers).await
                }
                Self::MySql(pool) => sqlx::query_as_with(sql, mysql(args)?).fetch_all(pool).await,
            })
        })
        .await
    }

    async fn opt<T: Row>(&mut self, sql: &str, args: &[Val<'_>]) -> Result<Option<T>, StoreError> {
        let db = &*self;
        read(async || {
            let sql = AssertSqlSafe(sql);
            Ok(match db {
                Self::Sqlite { readers, .. } => {
                    sqlx::query_as_with(sql, sqlite(args)?).fetch_optional(readers).await
                }
                Self::MySql(pool) => {
                    sqlx::query_as_with(sql, mysql(args)?).fetch_optional(pool).await
                }
            })
        })
        .await
    }
}

/// Reads, and once more if the connection was lost: after a restart of the database the pool's
/// connections are dead, and a read may be repeated.
async fn read<T>(
    attempt: impl AsyncFn() -> Result<Result<T, sqlx::Error>, StoreError>,
) -> Result<T, StoreError> {
    let tries = async {
        for _ in 1..READ_TRIES {
            match attempt().await? {
                Err(sqlx::Error::Io(_)) => {}
                outcome => return outcome.map_err(StoreError::from_statement),
            }
        }
        attempt().await?.map_err(StoreError::from_statement)
    };
    tokio::time::timeout(READ_TIMEOUT, tries)
        .await
        .unwrap_or_else(|late| Err(StoreError::unavailable(late)))
}

impl Reader for Tx {
    async fn all<T: Row>(&mut self, sql: &str, args: &[Val<'_>]) -> Result<Vec<T>, StoreError> {
        #[cfg(feature = "testing")]
        crate::testing::recorder::hear(sql, args, None);
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(tx) => sqlx::query_as_with(sql, sqlite(args)?).fetch_all(&mut **tx).await,
            Self::MySql(tx) => sqlx::query_as_with(sql, mysql(args)?).fetch_all(&mut **tx).await,
        }
        .map_err(StoreError::from_statement)
    }

    async fn opt<T: Row>(&mut self, sql: &str, args: &[Val<'_>]) -> Result<Option<T>, StoreError> {
        #[cfg(feature = "testing")]
        crate::testing::recorder::hear(sql, args, None);
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(tx) => {
                sqlx::query_as_with(sql, sqlite(args)?).fetch_optional(&mut **tx).await
            }
            Self::MySql(tx) => {
                sqlx::query_as_with(sql, mysql(args)?).fetch_optional(&mut **tx).await
            }
        }
        .map_err(StoreError::from_statement)
    }
}

impl Tx {
    /// Whether the engine is MySQL or MariaDB.
    pub const fn is_mysql(&self) -> bool {
        matches!(self, Self::MySql(_))
    }

    /// Runs a statement that returns no rows; says how many rows it touched.
    ///
    /// # Errors
    ///
    /// [`StoreError`], sorted by what the caller can do about it.
    pub async fn exec(&mut self, sql: &str, args: &[Val<'_>]) -> Result<u64, StoreError> {
        let text = AssertSqlSafe(sql);
        let n_changed = match self {
            Self::Sqlite(tx) => sqlx::query_with(text, sqlite(args)?)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
            Self::MySql(tx) => sqlx::query_with(text, mysql(args)?)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
        }
        .map_err(StoreError::from_statement)?;
        #[cfg(feature = "testing")]
        crate::testing::recorder::hear(sql, args, Some(n_changed));
        Ok(n_changed)
    }

    /// Like [`Reader::opt`], and keeps the row locked until the transaction ends.
    ///
    /// # Errors
    ///
    /// [`StoreError`], sorted by what the caller can do about it.
    pub async fn opt_locked<T: Row>(
        &mut self,
        sql: &str,
        args: &[Val<'_>],
    ) -> Result<Option<T>, StoreError> {
        let sql = format!("{sql}{}", crate::dialect::row_lock(self.is_mysql()));
        self.opt(&sql, args).await
    }

    /// A statement without values that is not prepared (savepoints).
    pub(crate) async fn plain(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => (&mut **tx).execute(sql).await.map(|_| ()),
            Self::MySql(tx) => (&mut **tx).execute(sql).await.map(|_| ()),
        }
        .map_err(StoreError::from_statement)
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::MySql(tx) => tx.commit().await,
        }
        .map_err(StoreError::from_commit)
    }

    pub(crate) async fn rollback(self) {
        let outcome = match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::MySql(tx) => tx.rollback().await,
        };
        if let Err(err) = outcome {
            tracing::debug!(error = ?err, "rollback failed; the connection is given up");
        }
    }
}

fn sqlite(values: &[Val<'_>]) -> Result<SqliteArguments, StoreError> {
    let mut bound = SqliteArguments::default();
    for value in values {
        match value {
            Val::Null => bound.add(None::<i64>),
            Val::I64(it) => bound.add(*it),
            Val::F64(it) => bound.add(*it),
            Val::Bool(it) => bound.add(*it),
            Val::Text(it) => bound.add((*it).to_owned()),
            Val::Owned(it) => bound.add(it.clone()),
        }
        .map_err(StoreError::refused)?;
    }
    Ok(bound)
}

fn mysql(values: &[Val<'_>]) -> Result<MySqlArguments, StoreError> {
    let mut bound = MySqlArguments::default();
    for value in values {
        match value {
            Val::Null => bound.add(None::<i64>),
            Val::I64(it) => bound.add(*it),
            Val::F64(it) => bound.add(*it),
            Val::Bool(it) => bound.add(*it),
            Val::Text(it) => bound.add(*it),
            Val::Owned(it) => bound.add(it.as_str()),
        }
        .map_err(StoreError::refused)?;
    }
    Ok(bound)
}
