//! How a database is opened: addresses, pools, limits and timeouts, for each engine.

use std::{io, path::PathBuf, str::FromStr, time::Duration};

use sqlx::{
    Connection as _, Executor as _, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::timeout;

use crate::{
    checkpoint::LAST_RESORT_PAGES,
    db::{Db, Durability},
    error::StoreError,
};

/// Longest wait for the first connection at the start.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A reader of SQLite that nobody needed for so long is closed: its thread, its page cache and its
/// statements are memory that a wave of clients would leave behind.
const READER_IDLE_MAX: Duration = Duration::from_secs(30);
/// How long SQLite itself waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may have been idle and still be used without asking whether it lives.
const UNTESTED_MAX: Duration = Duration::from_secs(1);
/// Memory in which the writer of SQLite keeps pages, in KiB, with the minus sign that says so: the
/// ends of all channels that are written to should fit.
const WRITER_CACHE_KIB: &str = "-65536";
/// Statements that a connection keeps prepared.
const STATEMENTS_KEPT: usize = 256;

impl Db {
    /// Opens `mysql://…` or `sqlite:…` with up to `connections` connections.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database cannot be reached or the address is wrong.
    pub async fn connect(
        url: &str,
        connections: u32,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let opened = if is_mysql(url) {
            open_mysql(url, connections).await
        } else {
            open_sqlite(url, connections, durability).await
        };
        opened.map_err(StoreError::unavailable)
    }

    /// Opens a database to look at it: nothing is made and nothing changed. `None` if there is no
    /// such SQLite file.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database cannot be reached or the address is wrong.
    pub async fn look(url: &str) -> Result<Option<Self>, StoreError> {
        if is_mysql(url) {
            return Self::connect(url, 1, Durability::Normal).await.map(Some);
        }
        let Some(file) = sqlite_file(url)? else { return Ok(None) };
        if !file.exists() {
            return Ok(None);
        }
        let options = SqliteConnectOptions::from_str(url)
            .map_err(StoreError::unavailable)?
            .busy_timeout(BUSY_TIMEOUT)
            .read_only(true)
            // Otherwise even a reader makes the files of the log. Where there are none, nobody
            // writes.
            .immutable(!with_suffix(&file, "-wal").exists());
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
        let readers = pool.map_err(StoreError::unavailable)?;
        let (writer, keeper) = (readers.clone(), readers.clone());
        Ok(Some(Self::Sqlite { writer, readers, keeper }))
    }
}

/// The file of an SQLite database; `None` if it is in memory, or on MySQL or MariaDB.
///
/// # Errors
///
/// [`StoreError::Unavailable`] if the address is wrong.
pub fn sqlite_file(url: &str) -> Result<Option<PathBuf>, StoreError> {
    if is_mysql(url) || url.contains(":memory:") {
        return Ok(None);
    }
    let options = SqliteConnectOptions::from_str(url).map_err(StoreError::unavailable)?;
    Ok(Some(options.get_filename().to_owned()))
}

/// The path of a file that belongs to another one.
pub fn with_suffix(file: &std::path::Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn is_mysql(url: &str) -> bool {
    url.starts_with("mysql:")
}

async fn open_mysql(url: &str, connections: u32) -> Result<Db, sqlx::Error> {
    let options = MySqlConnectOptions::from_str(url)?
        .charset("utf8mb4")
        .collation("utf8mb4_bin")
        .statement_cache_capacity(STATEMENTS_KEPT);
    // A pool tries until its time is up, and then only says that it is up.
    let first = timeout(CONNECT_TIMEOUT, MySqlConnection::connect_with(&options)).await;
    let first = first.unwrap_or_else(|_| {
        let text = format!("no answer within {} s", CONNECT_TIMEOUT.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, text).into())
    })?;
    first.close().await?;
    let pool = MySqlPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|conn, about| {
            Box::pin(async move {
                // The server may have restarted since; a connection in steady use would have told.
                if about.idle_for > UNTESTED_MAX {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|conn, _| {
            Box::pin(async move {
                let level = "set session transaction isolation level read committed";
                conn.execute(level).await.map(|_| ())
            })
        })
        .connect_with(options)
        .await?;
    Ok(Db::MySql(pool))
}

async fn open_sqlite(
    url: &str,
    connections: u32,
    durability: Durability,
) -> Result<Db, sqlx::Error> {
    let synchronous = match durability {
        Durability::Normal => SqliteSynchronous::Normal,
        Durability::Full => SqliteSynchronous::Full,
    };
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .statement_cache_capacity(STATEMENTS_KEPT);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(
            options
                .clone()
                .pragma("cache_size", WRITER_CACHE_KIB)
                .pragma("wal_autocheckpoint", LAST_RESORT_PAGES),
        )
        .await?;
    let keeper = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
    let readers = SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(READER_IDLE_MAX)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(options.read_only(true).create_if_missing(false))
        .await?;
    Ok(Db::Sqlite { writer, readers, keeper })
}
