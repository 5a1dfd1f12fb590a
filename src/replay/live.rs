//! `riderhub replay --live`: a recorded day as real accounts, sockets and REST calls.
//!
//! The day's stores, riders and customers are registered on a running server whose clock runs
//! faster than life, and live their day there. At the end every party's copy of every order
//! channel is compared with the journal.

mod cast;
mod check;
mod evidence;
mod parts;
mod play;
pub mod report;
pub(crate) mod show;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use domain::geo::Place;

use self::report::Report;
use crate::{
    client::{error::ClientError, rest::Rest},
    http_client,
    replay::{
        gps::GpsError,
        instance::{Instance, InstanceError},
    },
};

/// How long a node may take to answer before the day begins.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(4);

/// Options of the live replay.
#[derive(Args, Debug, Clone)]
pub struct LiveArgs {
    /// Plays the day as real clients against these nodes of a running server
    #[arg(long, value_name = "URL", value_delimiter = ',', value_parser = address)]
    pub live: Vec<String>,
    /// How many times faster than life; the server must run with the same --time-scale
    #[arg(long, value_name = "TIMES", default_value_t = 60.0, value_parser = speed, requires = "live")]
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
    /// Gives riders the noise and the gaps of these recorded tracks (CSV: traj,t_s,x_m,y_m), leaves
    /// arrivals to their positions, and looks for false arrivals, flapping estimates and jumps
    #[arg(long, value_name = "FILE", requires = "live")]
    pub gps: Option<PathBuf>,
    /// Share of offers that riders decline, leave to lapse, or answer at the last moment or after it,
    /// and how often they vanish, stand, leave duty or hand a delivery on: from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share, requires = "live")]
    pub unruly: f64,
    /// What the dice of unruly riders start from
    #[arg(long, value_name = "N", default_value_t = 1, requires = "live")]
    pub seed: u64,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.1..=1_000.0).contains(&speed) => Ok(speed),
        _ => Err("give a number from 0.1 to 1000".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("give a share from 0 to 1".to_owned()),
    }
}

fn address(text: &str) -> Result<String, String> {
    let fault = || "give an address as http://host:port".to_owned();
    let url = reqwest::Url::parse(text).map_err(|_| fault())?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if is_web { Ok(text.to_owned()) } else { Err(fault()) }
}

/// The live replay failed.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The day cannot be read.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The tracks cannot be read.
    #[error(transparent)]
    Gps(#[from] GpsError),
    /// The options do not fit together.
    #[error("{0}")]
    Wrong(String),
    /// The server refuses, or cannot be reached.
    #[error("{0}; is `riderhub serve --time-scale N` running at the address given to --live?")]
    Client(#[from] ClientError),
    /// A node does not answer before anything began.
    #[error(
        "{url} does not answer: {source}; start `riderhub serve --time-scale N` there, or correct --live"
    )]
    Dead {
        /// Which node.
        url: String,
        /// What became of the question.
        source: reqwest::Error,
    },
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
    look_for_nodes(&args.live).await?;
    let rest = Rest::new(&args.live, 0)?.patience(play::PATIENCE);
    let cast = cast::register(instance, args, centre, &rest).await?;
    let day = play::play(instance, args, cast).await?;
    let found = check::check(&day, args.speed).await;
    Ok(Report::new(instance, day, found, args.unruly > 0.0, began.elapsed()))
}

/// Once the day has begun its people wait long for a node to come back; here nobody waits.
async fn look_for_nodes(urls: &[String]) -> Result<(), LiveError> {
    let client = http_client::builder().timeout(FIRST_ANSWER_MAX).build().unwrap_or_default();
    for url in urls {
        let question = client.get(format!("{}/healthz", url.trim_end_matches('/')));
        let answer = question.send().await.and_then(reqwest::Response::error_for_status);
        answer.map_err(|source| LiveError::Dead { url: url.clone(), source })?;
    }
    Ok(())
}
