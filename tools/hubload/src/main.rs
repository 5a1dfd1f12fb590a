//! Loads that a neutral generator does not know: chat round trips at a fixed rate, and thousands of
//! clients that come back at once. Prints one line of JSON; `scripts/bench-hub` runs it.
//!
//! It wants a server with `--fixtures --bench-channels` and the file that `riderhub fixtures` wrote.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use serde_json::Value;

mod cast;
mod chat;
mod spread;
mod storm;

/// See the file's head.
#[derive(Debug, Parser)]
struct Cli {
    /// The server, http://…
    #[arg(long)]
    url: String,
    /// What `riderhub fixtures` wrote
    #[arg(long)]
    fixtures: PathBuf,
    #[command(subcommand)]
    load: Load,
}

#[derive(Debug, Subcommand)]
enum Load {
    /// `chat.send` in the chats of open orders, from sending to `ok`
    Chat(chat::ChatArgs),
    /// Clients that are dropped at once, miss something, come back and catch up
    Storm(storm::StormArgs),
}

/// Why there is no result.
type Failed = Box<dyn std::error::Error + Send + Sync>;

async fn run(cli: Cli) -> Result<Value, Failed> {
    let cast = cast::Cast::read(&cli.fixtures)?;
    match cli.load {
        Load::Chat(args) => chat::run(&cli.url, &cast, &args).await,
        Load::Storm(args) => storm::run(&cli.url, &cast, &args).await,
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints its result")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(result) => {
            println!("{result}");
            let is_fine = result["ok"].as_bool().unwrap_or(false);
            if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(err) => {
            eprintln!("hubload: {err}");
            ExitCode::from(2)
        }
    }
}
