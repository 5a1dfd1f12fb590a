//! `riderhub doctor`: looks at everything the server needs and says what to do.

use std::time::Duration;

use clap::Args;
use domain::clock::SystemClock;
use storage::{db::Db, health};

use crate::{
    cli::{CliError, StoreArgs, print},
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
    let client = reqwest::Client::builder().timeout(ANSWER_TIMEOUT).build().unwrap_or_default();
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

async fn examine_database(settings: &Settings) -> u32 {
    let db = match startup::open_database(settings).await {
        Ok(db) => db,
        Err(err) => {
            let advice = if settings.is_mysql() {
                "start MySQL 8 or MariaDB 10.6+, make the database with `character set utf8mb4 \
                 collate utf8mb4_bin`, or correct --database / RIDERHUB_DATABASE"
            } else {
                "make the data folder writable, or choose another with --data"
            };
            return bad(&format!("the store does not open: {err}"), advice);
        }
    };
    let mut faults = good(&format!("{} opens and its schema is up to date", db.engine()));
    if db.is_mysql() {
        faults += compare_clocks(db.clone()).await;
    }
    db.close().await;
    faults
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
