//! `riderhub doctor`: looks at everything the server needs and says what to do.

use std::{fs::Metadata, path::Path, time::Duration};

use clap::Args;
use domain::clock::SystemClock;
use storage::{
    blobs::{Blobs, S3_SCHEME},
    connect,
    db::Db,
    error::StoreError,
    health,
    migrations::SchemaState,
};
use usecases::blob_place::{self, Standing};

use crate::{
    cli::{CliError, StoreArgs, print},
    http_client, opening,
    settings::{Environment, Settings},
    startup,
};

/// Longest wait for a running server's answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest difference to another machine's clock that does no harm.
const CLOCK_APART_MAX_MS: i64 = 2_000;

/// Arguments of `riderhub doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Ask a running server instead, e.g. http://127.0.0.1:8080
    #[arg(long)]
    url: Option<String>,
}

/// Prints one line for each check.
///
/// # Errors
///
/// [`CliError::Failed`] if any check failed.
pub async fn run(args: DoctorArgs) -> Result<(), CliError> {
    let faults = match args.url {
        Some(url) => ask_server(&url).await,
        None => examine(&args.store.settle()?).await,
    };
    match faults {
        0 => Ok(()),
        1 => Err(CliError::Failed("one check failed; see above".to_owned())),
        n => Err(CliError::Failed(format!("{n} checks failed; see above"))),
    }
}

fn good(what: &str) -> u32 {
    print(&format!("ok    {what}"));
    0
}

fn bad(what: &str, advice: &str) -> u32 {
    print(&format!("FAIL  {what}"));
    print(&format!("      {advice}"));
    1
}

async fn ask_server(url: &str) -> u32 {
    let client = http_client::builder().timeout(ANSWER_TIMEOUT).build().unwrap_or_default();
    let mut faults = 0;
    for (path, means) in [("/healthz", "alive"), ("/readyz", "ready for traffic")] {
        faults += match client.get(format!("{}{path}", url.trim_end_matches('/'))).send().await {
            Ok(answer) if answer.status().is_success() => good(&format!("{url} is {means}")),
            Ok(answer) => {
                let said = answer.text().await.unwrap_or_default();
                bad(&format!("{url} is not {means}: {said}"), "look at the server's log")
            }
            Err(err) => bad(
                &format!("{url} does not answer: {err}"),
                "start it with `riderhub serve`, or give the right --url",
            ),
        };
    }
    faults
}

async fn examine(settings: &Settings) -> u32 {
    let mut faults = good(&format!("settings hold ({:?})", settings.environment));
    faults += examine_database(settings).await;
    faults += match &settings.redis {
        None if settings.is_mysql() => {
            good("no Redis: this node works alone; give --redis to join several nodes")
        }
        None => good("embedded: bus in this process"),
        Some(_) => match startup::ping_redis(settings).await {
            Ok(took) => good(&format!("Redis answers in {took:?}")),
            Err(err) => bad(
                &format!("Redis does not answer: {err}"),
                "start Redis 6.2 or newer, or correct --redis / RIDERHUB_REDIS",
            ),
        },
    };
    if settings.environment == Environment::Production && settings.token_secret.is_none() {
        faults += bad(
            "the secret that signs tokens is kept in the database",
            "give RIDERHUB_TOKEN_SECRET (32 or more random characters) in production",
        );
    }
    faults
}

/// Looks at the store and changes nothing in it.
async fn examine_database(settings: &Settings) -> u32 {
    let db = match Db::look(settings.database.reveal()).await {
        Ok(Some(db)) => db,
        Ok(None) => return examine_folder(settings),
        Err(err) => {
            let failed = CliError::failed("the store does not open", &err);
            return bad(&failed.to_string(), opening::advice_about(&err, settings));
        }
    };
    let mut faults = good(&format!("{} opens", db.engine()));
    faults += match db.schema().await {
        Ok(state) => examine_schema(&state),
        Err(err) => {
            let failed = CliError::failed("the schema cannot be read", &err).to_string();
            let advice = if err.is_damaged() {
                opening::advice_about(&err, settings)
            } else {
                "give the right database"
            };
            bad(&failed, advice)
        }
    };
    if db.is_mysql() {
        faults += match db.charset().await {
            Ok(Some(charset)) if charset.is_good() => good("the database keeps texts as they are"),
            Ok(Some(charset)) => bad(
                &format!("the database keeps texts as {}", charset.collation),
                &format!("{}; tables that exist keep theirs", charset.advice()),
            ),
            Ok(None) => bad("the address names no database", opening::advice(settings)),
            Err(_) => bad("the database does not tell its character set", "look at its log"),
        };
        faults += compare_clocks(db.clone()).await;
    }
    faults += examine_files(settings, db.clone()).await;
    db.close().await;
    faults
}

/// Looks whether files of chats are kept where all nodes find them.
async fn examine_files(settings: &Settings, mut db: Db) -> u32 {
    let address = &settings.attachments;
    let is_shared_store = settings.is_mysql();
    if !address.starts_with(S3_SCHEME) && !Path::new(address).exists() {
        let text = format!("no folder for attachments at {address} yet; `riderhub serve` makes it");
        return good(&text);
    }
    let advice = "give all nodes one shared folder or one s3://… by --attachments; if the files of \
                  the old place are lost for good, delete the row attachments_place of the table \
                  shared_value";
    let blobs = match Blobs::open(address) {
        Ok(blobs) => blobs,
        Err(err) => {
            let failed = CliError::failed("the storage of attachments does not open", &err);
            return bad(&failed.to_string(), advice);
        }
    };
    match blob_place::peek(&mut db, &blobs).await {
        Ok(Standing::Foreign) if is_shared_store => {
            bad(&format!("attachments at {address} are not where the other nodes look"), advice)
        }
        // Without a schema there are no files either.
        Ok(_) | Err(StoreError::Refused(_)) => good(&format!("attachments are kept at {address}")),
        Err(err) => {
            let failed = CliError::failed("the storage of attachments does not answer", &err);
            bad(&failed.to_string(), advice)
        }
    }
}

/// There is no store yet: `serve` must be able to make it.
fn examine_folder(settings: &Settings) -> u32 {
    let file = match connect::sqlite_file(settings.database.reveal()) {
        Ok(Some(file)) => file,
        _ => return good("SQLite in memory"),
    };
    let above = file.ancestors().skip(1).map(|it| match it.as_os_str().is_empty() {
        true => Path::new("."),
        false => it,
    });
    let shown = file.display();
    match above.into_iter().find(|it| it.exists()) {
        Some(folder) if folder.metadata().is_ok_and(|it| it.is_dir() && !is_read_only(&it)) => {
            good(&format!("no store at {shown} yet; `riderhub serve` makes it"))
        }
        _ => bad(&format!("no store can be made at {shown}"), opening::advice(settings)),
    }
}

fn is_read_only(folder: &Metadata) -> bool {
    folder.permissions().readonly()
}

fn examine_schema(state: &SchemaState) -> u32 {
    if let Some(version) = state.unfinished {
        return bad(
            &format!("migration {version} began and did not end"),
            "restore the last backup; or undo by hand what it did, delete its row in \
             _sqlx_migrations and run `riderhub migrate`",
        );
    }
    if let Some(version) = state.unknown.last() {
        return bad(
            &format!("the schema is newer than this program: it has migration {version}"),
            "run the newer riderhub; schemas do not go back",
        );
    }
    match state.pending.as_slice() {
        [] => good("the schema is up to date"),
        all if state.is_empty => good(&format!(
            "the database is empty: {} migrations are pending; run `riderhub migrate`, or \
             `riderhub serve` will do it",
            all.len()
        )),
        some => good(&format!(
            "the schema is older than this program, pending: {}; run `riderhub migrate`, or \
             `riderhub serve` will do it",
            some.join(", ")
        )),
    }
}

async fn compare_clocks(mut db: Db) -> u32 {
    match health::server_seconds(&mut db).await {
        Ok(seconds) => {
            let apart = SystemClock::machine_time().ms() - seconds * 1_000;
            if (-CLOCK_APART_MAX_MS..CLOCK_APART_MAX_MS + 1_000).contains(&apart) {
                good("this machine's clock agrees with the database's")
            } else {
                bad(
                    &format!("this machine's clock is {apart} ms apart from the database's"),
                    "let both follow the same time server (NTP)",
                )
            }
        }
        Err(_) => bad("the database does not tell its time", "look at its log"),
    }
}
