//! Fresh databases and private servers, for tests only.
//!
//! A test of the store runs its body on both engines through [`each_engine`]. Nothing is skipped:
//! a missing server program fails the test and says to run `scripts/setup`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

pub mod recorder;
pub mod servers;

use std::{fmt, sync::Arc};

use tempfile::TempDir;

use crate::{
    db::{Db, Durability},
    store::Store,
    testing::servers::MariaDbServer,
};

/// Connections of one test store.
const CONNECTIONS: u32 = 16;

/// Which engine a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A new SQLite file.
    Sqlite,
    /// A new database on this process's private MariaDB server.
    MariaDb,
}

impl Engine {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::MariaDb];
}

/// A migrated store that nobody else uses; its file goes away with it.
pub struct FreshStore {
    /// The store.
    pub store: Arc<Store>,
    /// The address to open it by again.
    pub url: String,
    /// Which engine it is.
    pub engine: Engine,
    _folder: TempDir,
}

impl fmt::Debug for FreshStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FreshStore({})", self.url)
    }
}

/// A new, migrated store on `engine`.
pub async fn fresh_store(engine: Engine) -> FreshStore {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = match engine {
        Engine::Sqlite => format!("sqlite:{}", folder.path().join("test.sqlite").display()),
        Engine::MariaDb => MariaDbServer::shared().fresh_database(),
    };
    let store = open(&url).await;
    FreshStore { store, url, engine, _folder: folder }
}

/// Opens a store by its address, as another node would.
pub async fn open(url: &str) -> Arc<Store> {
    let db = Db::connect(url, CONNECTIONS, Durability::Normal).await.expect("the database opens");
    db.migrate().await.expect("the schema is up to date");
    Arc::new(Store::start(db).expect("the writer starts"))
}

/// Runs `body` on a fresh store of each engine, one after the other.
pub async fn each_engine<F>(body: F)
where
    F: AsyncFn(Arc<Store>),
{
    for engine in Engine::ALL {
        let fresh = fresh_store(engine).await;
        eprintln!("on {engine:?}");
        body(Arc::clone(&fresh.store)).await;
        fresh.store.db().close().await;
    }
}
