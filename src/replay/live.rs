//! `riderhub replay --live`: a recorded day as real accounts, sockets and REST calls.
//!
//! The day's stores, riders and customers are registered on a running server whose clock runs
//! faster than life, and live their day there. At the end every party's copy of every order
//! channel is compared with the journal.

mod cast;
mod check;
mod parts;
mod play;
pub mod report;
mod show;

use std::{path::Path, time::Instant};

use clap::Args;
use domain::geo::Place;

use self::report::Report;
use crate::{
    client::{error::ClientError, rest::Rest},
    replay::instance::{Instance, InstanceError},
};

/// Options of the live replay.
#[derive(Args, Debug, Clone)]
pub struct LiveArgs {
    /// Plays the day as real clients against these nodes of a running server
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub live: Vec<String>,
    /// How many times faster than life; the server must run with the same --time-scale
    #[arg(long, value_name = "TIMES", default_value_t = 60.0, requires = "live")]
    pub speed: f64,
    /// Latitude at which the middle of the day's stores is laid
    #[arg(long, default_value_t = 31.2, allow_negative_numbers = true, requires = "live")]
    pub lat: f64,
    /// Longitude at which the middle of the day's stores is laid
    #[arg(long, default_value_t = 121.465, allow_negative_numbers = true, requires = "live")]
    pub lng: f64,
    /// First minute of the day that is played
    #[arg(long, value_name = "MINUTE", requires = "live")]
    pub from: Option<i64>,
    /// Orders placed from this minute on are left out
    #[arg(long, value_name = "MINUTE", requires = "live")]
    pub until: Option<i64>,
    /// Real milliseconds between two positions of a rider
    #[arg(long, value_name = "MS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(50..=60_000), requires = "live")]
    pub report_ms: u64,
}

/// The live replay failed.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The day cannot be read.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The options do not fit together.
    #[error("{0}")]
    Wrong(String),
    /// The server refuses, or cannot be reached.
    #[error("{0}; is `riderhub serve --time-scale N` running at the address given to --live?")]
    Client(#[from] ClientError),
    /// The machine gives us no thread or runtime.
    #[error("cannot start the replay's thread: {0}")]
    Thread(std::io::Error),
    /// The log cannot be written.
    #[error("cannot write the log: {0}; check the path given to --log")]
    Log(std::io::Error),
    /// The day was played, and something is not as it should be.
    #[error("{0}\nthe live replay failed")]
    Failed(Box<Report>),
}

impl LiveArgs {
    /// Whether a live replay is asked for.
    pub const fn is_live(&self) -> bool {
        !self.live.is_empty()
    }

    fn centre(&self) -> Result<Place, LiveError> {
        Place::new(self.lat, self.lng).map_err(|err| LiveError::Wrong(err.to_string()))
    }
}

/// Plays the day, to the end, and checks what everybody has seen.
///
/// # Errors
///
/// [`LiveError`]; also when an order was not completed or a copy is not the journal.
pub fn run(instance: &Path, log: Option<&Path>, args: &LiveArgs) -> Result<Report, LiveError> {
    if !(args.speed.is_finite() && (0.1..=1_000.0).contains(&args.speed)) {
        return Err(LiveError::Wrong("--speed must be 0.1 to 1000".to_owned()));
    }
    let instance = Instance::read(instance)?;
    let (args, centre) = (args.clone(), args.centre()?);
    // A runtime of its own, on a thread of its own, whatever the caller runs on.
    let playing = std::thread::Builder::new().name("replay".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(LiveError::Thread)?;
        runtime.block_on(play_and_check(&instance, &args, centre))
    });
    let ended = playing.map_err(LiveError::Thread)?.join();
    let report = ended.map_err(|_| LiveError::Wrong("the replay itself failed".to_owned()))??;
    if let Some(path) = log {
        report.write_log(path).map_err(LiveError::Log)?;
    }
    if report.is_good() { Ok(report) } else { Err(LiveError::Failed(Box::new(report))) }
}

async fn play_and_check(
    instance: &Instance,
    args: &LiveArgs,
    centre: Place,
) -> Result<Report, LiveError> {
    let began = Instant::now();
    let rest = Rest::new(&args.live, 0)?.patience(play::PATIENCE);
    let cast = cast::register(instance, args, centre, &rest).await?;
    let day = play::play(instance, args, cast).await?;
    let found = check::check(&day).await;
    Ok(Report::new(instance, day, found, began.elapsed()))
}
