//! `riderhub operator create NAME`: the first operator account.

use std::io::{BufRead, IsTerminal};

use clap::{Args, Subcommand};
use usecases::accounts;

use crate::{
    cli::{CliError, StoreArgs, print},
    settings::LogFormat,
    startup, telemetry,
};

/// Arguments of `riderhub operator`.
#[derive(Debug, Args)]
pub struct OperatorArgs {
    #[command(subcommand)]
    command: OperatorCommand,
}

#[derive(Debug, Subcommand)]
enum OperatorCommand {
    /// Make an operator account; the password is asked for, or read from standard input
    Create {
        /// Login name of the operator
        name: String,
        #[command(flatten)]
        store: Box<StoreArgs>,
    },
}

/// Makes the account.
///
/// # Errors
///
/// [`CliError`] if the name is taken, the password is too weak or the store cannot be reached.
pub async fn run(args: OperatorArgs) -> Result<(), CliError> {
    let OperatorCommand::Create { name, store } = args.command;
    telemetry::start(LogFormat::Text);
    let settings = store.settle()?;
    let password = read_password(&name)?;
    let (platform, _db) = startup::open_platform(&settings).await?;
    let profile = accounts::create_operator(&platform, &name, &password)
        .await
        .map_err(|err| CliError::failed(&format!("cannot make operator `{name}`"), &err))?;
    print(&format!("riderhub: operator `{name}` is {profile}"));
    Ok(())
}

fn read_password(name: &str) -> Result<String, CliError> {
    let cannot = |err: std::io::Error| CliError::failed("cannot read the password", &err);
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("Password for {name}: ")).map_err(cannot);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(cannot)?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        let text = "no password on standard input; write it there, for example with a pipe";
        return Err(CliError::Usage(text.to_owned()));
    }
    Ok(password)
}
