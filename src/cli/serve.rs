//! `riderhub serve` and `riderhub migrate`.

use clap::Args;

use crate::{
    cli::{CliError, StoreArgs, print},
    opening,
    settings::Settings,
    startup, telemetry,
};

/// Arguments of `riderhub serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Print the settings that hold, without secrets, and stop
    #[arg(long)]
    print_settings: bool,
}

/// Runs the server until it is told to stop.
///
/// # Errors
///
/// [`CliError`] if the settings are wrong or the server cannot start.
pub async fn run(args: ServeArgs) -> Result<(), CliError> {
    let settings = args.store.settle()?;
    if args.print_settings {
        let text = toml::to_string(&settings)
            .map_err(|err| CliError::failed("cannot print the settings", &err))?;
        print(text.trim_end());
        return Ok(());
    }
    telemetry::start(settings.log_format);
    let server = startup::start(settings).await?;
    print(&format!("riderhub: listening on {}", server.url()));
    server.until_stopped().await
}

/// Brings the schema up to date.
///
/// # Errors
///
/// [`CliError::Failed`] if the database cannot be reached or a migration fails.
pub async fn migrate(settings: &Settings) -> Result<(), CliError> {
    let db = opening::open_database(settings).await?;
    print(&format!("riderhub: the schema on {} is up to date", db.engine()));
    db.close().await;
    Ok(())
}
