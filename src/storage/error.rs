//! What can go wrong between us and a store.

use crate::dialect;

/// A cause, kept for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a store call failed, sorted by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such row.
    #[error("{entity} `{id}` not found")]
    NotFound {
        /// Kind of thing.
        entity: &'static str,
        /// Which one.
        id: String,
    },
    /// Somebody else changed the row first.
    #[error("{entity} `{id}` was changed by someone else")]
    Conflict {
        /// Kind of thing.
        entity: &'static str,
        /// Which one.
        id: String,
    },
    /// A row with this key exists already.
    #[error("a row with this key exists already")]
    Duplicate(#[source] Cause),
    /// The client's id of a command was used before, for something else.
    #[error("`{cid}` was used before for something else; make a new id for every new command")]
    KeyReused {
        /// The id that the client gave.
        cid: String,
    },
    /// A stored value that our rules cannot read.
    #[error("stored {column} `{value}` is not one of ours")]
    Corrupt {
        /// Where it was found.
        column: &'static str,
        /// What was found.
        value: String,
    },
    /// Another transaction was in the way; nothing was written.
    #[error("another transaction was in the way")]
    LockConflict(#[source] Cause),
    /// Nothing was written, and trying again may work.
    #[error("the store is not available")]
    Unavailable(#[source] Cause),
    /// The write may or may not have happened. Read before trying again.
    #[error("the outcome of the write is unknown")]
    OutcomeUnknown(#[source] Cause),
    /// Our own mistake: bad SQL, bad script, wrong type, a panic.
    #[error("the store refused the request")]
    Refused(#[source] Cause),
}

/// What the caller may do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Try the same call again, later.
    Safe,
    /// Read the current state first.
    AfterReading,
    /// Trying again cannot help.
    Never,
}

impl StoreError {
    /// Whether a retry makes sense. Spelled out, so that a new variant must decide.
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Unavailable(_) | Self::LockConflict(_) => Retry::Safe,
            Self::Conflict { .. } | Self::OutcomeUnknown(_) => Retry::AfterReading,
            Self::NotFound { .. }
            | Self::Duplicate(_)
            | Self::KeyReused { .. }
            | Self::Corrupt { .. }
            | Self::Refused(_) => Retry::Never,
        }
    }

    /// Whether the file of an embedded store is damaged, or is no database at all: trying again
    /// cannot help.
    pub fn is_damaged(&self) -> bool {
        let (Self::Unavailable(cause) | Self::Refused(cause)) = self else { return false };
        let found = cause.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
        found.is_some_and(dialect::is_damaged)
    }

    /// No such row.
    pub fn not_found(entity: &'static str, id: impl ToString) -> Self {
        Self::NotFound { entity, id: id.to_string() }
    }

    /// Somebody else changed the row first.
    pub fn conflict(entity: &'static str, id: impl ToString) -> Self {
        Self::Conflict { entity, id: id.to_string() }
    }

    /// A stored value that our rules cannot read.
    pub fn corrupt(column: &'static str, value: impl ToString) -> Self {
        Self::Corrupt { column, value: value.to_string() }
    }

    /// Nothing was written, and trying again may work.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// Our own mistake.
    pub fn refused(cause: impl Into<Cause>) -> Self {
        Self::Refused(cause.into())
    }

    /// Sorts an error of a statement that is not a commit.
    pub(crate) fn from_statement(err: sqlx::Error) -> Self {
        match &err {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => Self::Unavailable(err.into()),
            sqlx::Error::Database(refusal) if refusal.is_unique_violation() => {
                Self::Duplicate(err.into())
            }
            sqlx::Error::Database(refusal) if dialect::is_disk_trouble(refusal.as_ref()) => {
                Self::Unavailable(err.into())
            }
            sqlx::Error::Database(refusal) if dialect::is_lock_conflict(refusal.as_ref()) => {
                Self::LockConflict(err.into())
            }
            _ => Self::Refused(err.into()),
        }
    }

    /// Sorts an error of `COMMIT`, where a lost connection tells us nothing.
    pub(crate) fn from_commit(err: sqlx::Error) -> Self {
        match &err {
            sqlx::Error::Database(refusal) if dialect::is_lock_conflict(refusal.as_ref()) => {
                Self::LockConflict(err.into())
            }
            sqlx::Error::Database(refusal) if dialect::is_disk_trouble(refusal.as_ref()) => {
                Self::OutcomeUnknown(err.into())
            }
            sqlx::Error::Database(_) => Self::Refused(err.into()),
            _ => Self::OutcomeUnknown(err.into()),
        }
    }
}

/// An error that can carry a [`StoreError`]; what closures given to `Store::write` return.
pub trait Failure: From<StoreError> + Send + 'static {
    /// The store's part in the failure, if it had one.
    fn store_error(&self) -> Option<&StoreError>;
}

impl Failure for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}
