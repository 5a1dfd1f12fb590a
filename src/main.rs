//! Start.

use std::{fmt::Display, process::ExitCode};

use clap::{Parser, Subcommand};
use riderhub::cli::{
    plan::{self, PlanArgs},
    replay::{self, ReplayArgs},
};

/// Real-time backbone for local delivery.
#[derive(Parser)]
#[command(name = "riderhub", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Plan(PlanArgs),
    Replay(ReplayArgs),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Plan(args) => exit(plan::run(&args)),
        Command::Replay(args) => exit(replay::run(&args)),
    }
}

/// Tells how it went, on the terminal's error stream: the output may be the result.
fn exit(outcome: Result<impl Display, impl Display>) -> ExitCode {
    match outcome {
        Ok(summary) => {
            eprintln!("{summary}");
            ExitCode::SUCCESS
        }
        Err(err) => {
            eprintln!("error: {err}");
            ExitCode::FAILURE
        }
    }
}
