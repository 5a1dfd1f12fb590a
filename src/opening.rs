//! How a store is opened, and what to do when it does not open.

use storage::db::Db;

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

/// Opens the database and brings its schema up to date.
///
/// # Errors
///
/// [`CliError::Failed`] with what to do about it.
pub async fn open_database(settings: &Settings) -> Result<Db, CliError> {
    make_folder(settings)?;
    let db = Db::connect(settings.database.reveal(), settings.connections, settings.durability())
        .await
        .map_err(|err| advised(CliError::failed("cannot open the database", &err), settings))?;
    db.migrate()
        .await
        .map_err(|err| CliError::failed("cannot bring the schema up to date", &err))?;
    Ok(db)
}

fn advised(err: CliError, settings: &Settings) -> CliError {
    CliError::Failed(format!("{err}; {}", advice(settings)))
}

fn make_folder(settings: &Settings) -> Result<(), CliError> {
    if settings.is_mysql() {
        return Ok(());
    }
    std::fs::create_dir_all(&settings.data).map_err(|err| {
        let what = format!("cannot make the folder {}", settings.data.display());
        advised(CliError::failed(&what, &err), settings)
    })
}
