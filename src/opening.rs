//! How a store is opened, and what to do when it does not open.

use std::fs::{File, TryLockError};

use storage::{connect, db::Db, error::StoreError, migrations::SchemaError};

use crate::{cli::CliError, settings::Settings};

/// What to do about a store that does not open.
pub fn advice(settings: &Settings) -> &'static str {
    if settings.is_mysql() {
        "start MySQL 8 or MariaDB 10.6+, make the database with `character set utf8mb4 collate \
         utf8mb4_bin`, or correct address, user and password in --database / RIDERHUB_DATABASE"
    } else {
        "make the data folder writable, or choose another with --data"
    }
}

/// What to do about an embedded store whose file is damaged.
const RESTORE: &str = "the file is damaged, or is not a database: keep a copy of it and of its -wal, \
    put a backup in its place, and look at it with `riderhub doctor`; without a backup, `sqlite3 FILE \
    .recover` saves what can be read. Check the disk before you go on";

/// What to do about this failure of the store.
pub fn advice_about(err: &StoreError, settings: &Settings) -> &'static str {
    if err.is_damaged() { RESTORE } else { advice(settings) }
}

/// Opens the database and brings its schema up to date.
///
/// # Errors
///
/// [`CliError::Failed`] with what to do about it.
pub async fn open_database(settings: &Settings) -> Result<Db, CliError> {
    make_folder(settings)?;
    let db = Db::connect(settings.database.reveal(), settings.connections, settings.durability())
        .await
        .map_err(|err| explained("cannot open the database", &err, settings))?;
    db.migrate().await.map_err(|err| {
        let failed = CliError::failed("cannot bring the schema up to date", &err);
        match err {
            SchemaError::Store(err) if err.is_damaged() => {
                CliError::Failed(format!("{failed}; {RESTORE}"))
            }
            _ => failed,
        }
    })?;
    Ok(db)
}

fn explained(what: &str, err: &StoreError, settings: &Settings) -> CliError {
    let failed = CliError::failed(what, err);
    CliError::Failed(format!("{failed}; {}", advice_about(err, settings)))
}

fn advised(err: CliError, settings: &Settings) -> CliError {
    CliError::Failed(format!("{err}; {}", advice(settings)))
}

fn make_folder(settings: &Settings) -> Result<(), CliError> {
    let Ok(Some(file)) = connect::sqlite_file(settings.database.reveal()) else { return Ok(()) };
    let Some(folder) = file.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|err| {
        let what = format!("cannot make the folder {}", folder.display());
        advised(CliError::failed(&what, &err), settings)
    })
}

/// Takes an embedded store for one server alone, until the file is dropped; after a crash the
/// kernel gives it back. `None` if the store is not a file.
///
/// # Errors
///
/// [`CliError::Failed`] if another server has it.
pub fn take_store(settings: &Settings) -> Result<Option<File>, CliError> {
    let Ok(Some(file)) = connect::sqlite_file(settings.database.reveal()) else { return Ok(None) };
    make_folder(settings)?;
    let path = connect::with_suffix(&file, ".lock");
    let cannot = |err: &std::io::Error| {
        advised(CliError::failed(&format!("cannot lock {}", path.display()), err), settings)
    };
    let lock = File::options().create(true).append(true).open(&path).map_err(|it| cannot(&it))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Err(CliError::Failed(format!(
            "another server uses {}; stop it, choose another --data, or use MySQL and Redis for \
             several nodes",
            file.display()
        ))),
        Err(TryLockError::Error(err)) => Err(cannot(&err)),
    }
}
