//! The schema: what is there, what is missing, and bringing it up to date, one node at a time.

use sqlx::{
    Connection as _, MySqlConnection, MySqlPool,
    migrate::{MigrateError, Migrator},
};

use crate::{
    args,
    db::{Db, Reader},
    error::StoreError,
};

/// The schema, one statement a file, the same for both engines.
static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Longest wait for another node that brings the schema up to date.
const LOCK_WAIT_S: i64 = 600;

/// Why the schema is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The address ends before the name of the database.
    #[error("the address names no database; write mysql://user:password@host/NAME")]
    NoDatabase,
    /// Texts would be cut or changed.
    #[error("{0}")]
    Charset(Charset),
    /// Another node did not finish.
    #[error("another node has been busy with the schema for {LOCK_WAIT_S} s; see its log")]
    Busy,
    /// A migration failed, or is not ours.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for SchemaError {
    fn from(err: sqlx::Error) -> Self {
        Self::Store(StoreError::from_statement(err))
    }
}

/// How a MySQL or MariaDB database keeps texts unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Charset {
    /// Name of the database.
    pub database: String,
    /// Character set of new tables.
    pub charset: String,
    /// Collation of new tables.
    pub collation: String,
}

impl Charset {
    /// Whether every text is kept as it is, and only equal texts count as equal.
    pub fn is_good(&self) -> bool {
        self.is_unicode() && self.collation.ends_with("_bin")
    }

    fn is_unicode(&self) -> bool {
        self.charset == "utf8mb4"
    }

    /// What to do if it is not good.
    pub fn advice(&self) -> String {
        let name = &self.database;
        format!("run `alter database `{name}` character set utf8mb4 collate utf8mb4_bin`")
    }
}

impl std::fmt::Display for Charset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { database, charset, collation } = self;
        write!(f, "database `{database}` is {charset}, {collation}; {}", self.advice())
    }
}

/// How a schema differs from the one that this program wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaState {
    /// Whether there is none at all yet.
    pub is_empty: bool,
    /// Migrations to be run, by name.
    pub pending: Vec<String>,
    /// Versions that this program does not know: a newer one was here.
    pub unknown: Vec<i64>,
    /// A migration that began and did not end.
    pub unfinished: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct AppliedRow {
    version: i64,
    success: bool,
}

impl Db {
    /// Brings the schema up to date. Nodes that start at once wait for each other.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] with the migration that failed and why, or what to do about the database.
    pub async fn migrate(&self) -> Result<(), SchemaError> {
        match self {
            Self::Sqlite { writer, .. } => Ok(MIGRATIONS.run(writer).await?),
            Self::MySql(pool) => self.migrate_alone(pool).await,
        }
    }

    /// The lock of sqlx waits for ever, which MariaDB takes for a wrong number and answers with
    /// `null`: no lock. So we lock ourselves.
    async fn migrate_alone(&self, pool: &MySqlPool) -> Result<(), SchemaError> {
        let charset = self.charset().await?.ok_or(SchemaError::NoDatabase)?;
        if !charset.is_unicode() || (!charset.is_good() && self.schema().await?.is_empty) {
            return Err(SchemaError::Charset(charset));
        }
        // Not given back to the pool: whatever happens, the lock ends with the connection.
        let mut conn = pool.acquire().await?.detach();
        lock(&mut conn).await?;
        let mut migrator = Migrator::with_migrations(MIGRATIONS.iter().cloned().collect());
        migrator.set_locking(false);
        let outcome = migrator.run(&mut conn).await;
        if let Err(err) = conn.close().await {
            tracing::debug!(error = ?err, "no goodbye to the database after its migrations");
        }
        Ok(outcome?)
    }

    /// How the schema differs from the wanted one. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as the statements give it.
    pub async fn schema(&self) -> Result<SchemaState, StoreError> {
        let mut reader = self.clone();
        let known = if self.is_mysql() {
            "select 1 from information_schema.tables
             where table_schema = database() and table_name = '_sqlx_migrations'"
        } else {
            "select 1 from sqlite_master where type = 'table' and name = '_sqlx_migrations'"
        };
        let applied: Vec<AppliedRow> = match reader.opt::<(i64,)>(known, args![]).await? {
            None => Vec::new(),
            Some(_) => {
                let sql = "select version, success from _sqlx_migrations order by version";
                reader.all(sql, args![]).await?
            }
        };
        let is_applied = |version| applied.iter().any(|it| it.version == version);
        let pending = MIGRATIONS.iter().filter(|it| !is_applied(it.version));
        let unknown = applied.iter().filter(|it| !MIGRATIONS.version_exists(it.version));
        Ok(SchemaState {
            is_empty: applied.is_empty(),
            pending: pending.map(|it| it.description.replace(' ', "_")).collect(),
            unknown: unknown.map(|it| it.version).collect(),
            unfinished: applied.iter().find(|it| !it.success).map(|it| it.version),
        })
    }

    /// How MySQL or MariaDB keeps texts. `None` on SQLite, and if the address names no database.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as the statement gives it.
    pub async fn charset(&self) -> Result<Option<Charset>, StoreError> {
        if !self.is_mysql() {
            return Ok(None);
        }
        let sql = "select cast(schema_name as char) as `database`,
                cast(default_character_set_name as char) as charset,
                cast(default_collation_name as char) as collation
             from information_schema.schemata where schema_name = database()";
        self.clone().opt(sql, args![]).await
    }
}

/// Waits until no other node is at the schema of this database.
async fn lock(conn: &mut MySqlConnection) -> Result<(), SchemaError> {
    // Names of locks have 64 characters at most; two long names that share one do no harm.
    let sql = "select get_lock(left(concat('riderhub-migrate-', database()), 64), ?)";
    let answer: Option<i64> = sqlx::query_scalar(sql).bind(LOCK_WAIT_S).fetch_one(conn).await?;
    if answer == Some(1) { Ok(()) } else { Err(SchemaError::Busy) }
}
