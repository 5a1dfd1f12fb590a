//! `riderhub replay`: a recorded city day through the real dispatcher, in virtual time.

use std::{io, path::PathBuf, time::Instant};

use clap::{Args, ValueEnum};
use domain::dispatch::{self, snapshot, weights::Weights};

use super::output::write_whole;
use crate::replay::{
    instance::{Instance, InstanceError},
    live::{self, LiveArgs, LiveError},
    log,
    simulator::{Play, play},
    summary::Summary,
};

/// Replays a recorded city day through the dispatcher in virtual time.
#[derive(Args, Debug, Clone)]
pub struct ReplayArgs {
    /// Folder of the day: orders.txt, couriers.txt, restaurants.txt, instance_parameters.txt
    #[arg(long, value_name = "DIR")]
    pub instance: PathBuf,
    /// Where the event log goes, one JSON line an event; `-` writes to the standard output
    #[arg(long, value_name = "FILE", required_unless_present = "live")]
    pub log: Option<PathBuf>,
    /// How riders are chosen
    #[arg(long, value_enum, default_value_t = Policy::Batch)]
    pub policy: Policy,
    /// What a route may look like
    #[arg(long, value_enum, default_value_t = Rules::Strict)]
    pub rules: Rules,
    /// Orders that a rider carries at once; 8 under own rules, no limit under strict ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub capacity: Option<u32>,
    /// Rounds of search in each cycle of the batch policy
    #[arg(long, value_name = "N", default_value_t = ROUNDS)]
    pub rounds: u32,
    /// The same day against a running server
    #[command(flatten, next_help_heading = "Live replay")]
    pub live: LiveArgs,
}

/// What a replay came to.
#[derive(Debug)]
pub enum Outcome {
    /// In virtual time.
    Virtual(Box<Summary>),
    /// Against a running server.
    Live(Box<live::report::Report>),
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Virtual(summary) => summary.fmt(f),
            Self::Live(report) => report.fmt(f),
        }
    }
}

/// Enough for plans that more rounds hardly improve.
const ROUNDS: u32 = 60;
/// Orders at once under own rules, unless told otherwise.
const CAPACITY_OWN: u32 = 8;

/// How riders are chosen.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// At once, the rider whose route the delivery lengthens least
    Instant,
    /// All that is not yet bound is planned anew each minute
    Batch,
}

/// What a route may look like.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// One store per trip, nobody is diverted
    Strict,
    /// Several stores on a route, which may change at every stop
    Own,
}

/// The replay failed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The day cannot be read.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The log cannot be written.
    #[error("cannot write {}: {source}; check the path given to --log", .path.display())]
    Unwritable {
        /// As given.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The live replay failed.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// Some orders were left over; the log is written all the same.
    #[error("{summary}\n{} reachable orders were not delivered", .summary.n_missed)]
    Missed {
        /// The figures of the day.
        summary: Box<Summary>,
    },
}

/// Replays the day, in virtual time or against a running server.
///
/// # Errors
///
/// [`ReplayError`]; also when an order was not delivered that could have been.
pub fn run(args: &ReplayArgs) -> Result<Outcome, ReplayError> {
    if args.live.is_live() {
        let report = live::run(&args.instance, args.log.as_deref(), &args.live)?;
        return Ok(Outcome::Live(Box::new(report)));
    }
    play_virtually(args).map(|it| Outcome::Virtual(Box::new(it)))
}

/// Plays the day in virtual time, writes its log, works out its figures.
///
/// # Errors
///
/// [`ReplayError`]; also when an order that a rider could have reached was not delivered.
pub fn play_virtually(args: &ReplayArgs) -> Result<Summary, ReplayError> {
    let started = Instant::now();
    let instance = Instance::read(&args.instance)?;
    let played = play(&instance, args.play());
    let text = log::to_text(&instance, &played.events);
    if let Some(path) = &args.log {
        let unwritable = |source| ReplayError::Unwritable { path: path.clone(), source };
        write_whole(path, &text).map_err(unwritable)?;
    }
    let summary = Summary::new(&instance, &played, started.elapsed());
    if summary.n_missed == 0 {
        Ok(summary)
    } else {
        Err(ReplayError::Missed { summary: Box::new(summary) })
    }
}

impl ReplayArgs {
    /// The same in the words of the dispatcher.
    pub fn play(&self) -> Play {
        let (rules, capacity) = match self.rules {
            Rules::Strict => (snapshot::Rules::Strict, self.capacity),
            Rules::Own => (snapshot::Rules::Own, Some(self.capacity.unwrap_or(CAPACITY_OWN))),
        };
        let policy = match self.policy {
            Policy::Instant => dispatch::Policy::Instant,
            Policy::Batch => dispatch::Policy::Batch,
        };
        Play { policy, rules, capacity, weights: Weights::of(rules), rounds: self.rounds }
    }
}
