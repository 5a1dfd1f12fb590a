//! The command line: one module for each command, exit codes 0 (fine), 1 (failed), 2 (wrong use).

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

use crate::{
    demo,
    settings::{Given, LogFormat, Settings, SettingsError},
    telemetry,
};

pub mod doctor;
pub mod fixtures;
pub mod keys;
pub mod operator;
pub mod output;
pub mod plan;
mod plan_input;
pub mod replay;
pub mod serve;

/// Real-time backbone for local delivery: hub, dispatch, orders and payments in one binary.
#[derive(Debug, Parser)]
#[command(name = "riderhub", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::ServeArgs),
    /// Run a server with a living city in it, to look at
    Demo(demo::DemoArgs),
    /// Replay a recorded city day, in virtual time or against a running server
    Replay(Box<replay::ReplayArgs>),
    /// Plan the routes of single riders
    Plan(plan::PlanArgs),
    /// Bring the database schema up to date
    Migrate(StoreArgs),
    /// Check store, bus, clock and settings, and say what to do
    Doctor(doctor::DoctorArgs),
    /// Make accounts, tokens and open orders for load tests on a running server
    Fixtures(fixtures::FixturesArgs),
    /// Print the API document (OpenAPI 3.1, JSON)
    Openapi,
    /// Print the document of the socket (AsyncAPI 3, YAML)
    Asyncapi,
    /// Print the table of metrics (docs/metrics.md)
    Metrics,
    /// Manage the keys that sign tokens
    Keys(keys::KeysArgs),
    /// Manage operator accounts
    Operator(operator::OperatorArgs),
}

/// Where settings come from.
#[derive(Debug, Args)]
pub struct StoreArgs {
    #[command(flatten)]
    given: Given,
    /// TOML file with settings; flags and RIDERHUB_… variables win over it
    #[arg(long, env = "RIDERHUB_CONFIG")]
    config: Option<PathBuf>,
}

impl StoreArgs {
    /// The settings that hold.
    ///
    /// # Errors
    ///
    /// [`CliError::Usage`] if they are wrong.
    pub fn settle(self) -> Result<Settings, CliError> {
        let file = match &self.config {
            Some(path) => Given::from_file(path)?,
            None => Given::default(),
        };
        Ok(self.given.or(file).settle()?)
    }
}

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// It was asked for wrongly: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It was tried and failed: exit code 1.
    #[error("{0}")]
    Failed(String),
}

impl From<SettingsError> for CliError {
    fn from(err: SettingsError) -> Self {
        Self::Usage(err.to_string())
    }
}

impl CliError {
    /// A failure with everything that caused it, in one line.
    pub fn failed(what: &str, err: &dyn std::error::Error) -> Self {
        let mut text = format!("{what}: {err}");
        let mut cause = err.source();
        while let Some(err) = cause {
            let next = err.to_string();
            if !text.contains(&next) {
                text.push_str(": ");
                text.push_str(&next);
            }
            cause = err.source();
        }
        Self::Failed(text)
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = actix_web::rt::System::new().block_on(run(cli.command));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("riderhub: {err}");
            match err {
                CliError::Usage(_) => ExitCode::from(2),
                CliError::Failed(_) => ExitCode::FAILURE,
            }
        }
    }
}

async fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Serve(args) => serve::run(args).await,
        Command::Demo(args) => {
            demo::run(args).await.map_err(|err| CliError::Failed(err.to_string()))
        }
        Command::Replay(args) => {
            let outcome = replay::run(&args).map_err(|err| CliError::Failed(err.to_string()))?;
            tell(args.log.as_deref(), &outcome.to_string());
            Ok(())
        }
        Command::Plan(args) => {
            let summary = plan::run(&args).map_err(|err| CliError::Failed(err.to_string()))?;
            tell(Some(&args.output), &summary.to_string());
            Ok(())
        }
        Command::Migrate(args) => {
            telemetry::start(LogFormat::Text);
            serve::migrate(&args.settle()?).await
        }
        Command::Doctor(args) => doctor::run(args).await,
        Command::Metrics => {
            print(crate::http::figures::document().trim_end());
            Ok(())
        }
        Command::Fixtures(args) => fixtures::run(args).await,
        Command::Openapi => {
            print(&crate::http::openapi::document());
            Ok(())
        }
        Command::Asyncapi => {
            print(crate::asyncapi::document().trim_end());
            Ok(())
        }
        Command::Keys(args) => keys::run(args).await,
        Command::Operator(args) => operator::run(args).await,
    }
}

/// Tells a result on standard output, or on standard error if the output itself goes there.
fn tell(output: Option<&Path>, summary: &str) {
    if output == Some(Path::new("-")) {
        eprintln!("{summary}");
    } else {
        print(summary);
    }
}

/// Writes a line to standard output. A reader that has gone away is no failure.
pub fn print(line: &str) {
    use std::io::Write;
    let _reader_may_be_gone = writeln!(std::io::stdout().lock(), "{line}");
}
