//! `riderhub keys rotate`: a new key signs tokens, and nobody is signed out.

use clap::{Args, Subcommand};
use usecases::token_keys;

use crate::{
    cli::{CliError, StoreArgs, print},
    settings::LogFormat,
    startup, telemetry,
};

/// Arguments of `riderhub keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a new key that signs tokens; running servers take it over within a minute, and tokens of
    /// the old one are good until they run out
    Rotate {
        #[command(flatten)]
        store: Box<StoreArgs>,
    },
}

/// Makes the key.
///
/// # Errors
///
/// [`CliError`] if the settings bring the key or the store cannot be reached.
pub async fn run(args: KeysArgs) -> Result<(), CliError> {
    let KeysCommand::Rotate { store } = args.command;
    telemetry::start(LogFormat::Text);
    let settings = store.settle()?;
    let (platform, _db) = startup::open_platform(&settings).await?;
    let next = token_keys::rotate(&platform)
        .await
        .map_err(|err| CliError::failed("cannot make a new key", &err))?;
    print(&format!("riderhub: key `{}` signs tokens within a minute", next.kid));
    Ok(())
}
