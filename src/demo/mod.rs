//! `riderhub demo`: a server on an embedded store, and a living city of real socket clients.

mod build;
mod life;
mod names;

use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use tokio::sync::watch;

use crate::{cli::CliError, client::error::ClientError, settings::Given, startup, telemetry};

/// Arguments of `riderhub demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "RIDERHUB_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Folder that keeps the city, of its own; without it, a temporary one that is removed at the end
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How many times faster than life the city lives
    #[arg(long, value_name = "TIMES", default_value_t = 20.0, value_parser = speed)]
    pub speed: f64,
    /// Riders on duty
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub riders: u32,
    /// Stores
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub stores: u32,
    /// Orders in an hour of the city's own time
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u32).range(1..=2000))]
    pub orders_per_hour: u32,
    /// The same seed makes the same city
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// The city cannot live.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The server does not start or has failed.
    #[error(transparent)]
    Server(#[from] CliError),
    /// Somebody of the city met a fault that he cannot live with.
    #[error("the city stopped: {0}")]
    City(#[from] ClientError),
    /// The machine gives us no thread.
    #[error("cannot start the city's thread: {0}")]
    Thread(#[from] std::io::Error),
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.1..=200.0).contains(&speed) => Ok(speed),
        _ => Err("give a number from 0.1 to 200".to_owned()),
    }
}

/// A folder that is removed when the demo ends, unless it was given.
struct Folder {
    path: PathBuf,
    is_ours: bool,
}

impl Folder {
    fn take(given: Option<&Path>) -> Self {
        match given {
            Some(path) => Self { path: path.to_owned(), is_ours: false },
            None => {
                let name = format!("riderhub-demo-{}", uuid::Uuid::now_v7().simple());
                Self { path: std::env::temp_dir().join(name), is_ours: true }
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_ours {
            // It is in the system's folder for temporary things; what stays does no harm.
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}

/// Runs server and city until Ctrl-C.
///
/// # Errors
///
/// [`DemoError`] if the server does not start or fails.
pub async fn run(args: DemoArgs) -> Result<(), DemoError> {
    let folder = Folder::take(args.data.as_deref());
    let given = Given {
        listen: Some(args.listen),
        data: Some(folder.path.clone()),
        time_scale: Some(args.speed),
        // Whoever presses Ctrl-C wants to see it end.
        drain_ms: Some(0),
        ..Given::default()
    };
    let mut settings = given.settle().map_err(CliError::from)?;
    settings.demo = true;
    telemetry::start(settings.log_format);
    let server = startup::start(settings).await?;
    let base = server.url();
    say(&format!("riderhub: listening on {base}"));
    say(&format!("Open {base}/ to watch the city ({}x life). Ctrl-C ends it.", args.speed));

    let (tell_stop, stop) = watch::channel(false);
    // A thread of its own: the city's clients must not slow the server's first thread down.
    let city = std::thread::Builder::new().name("city".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(life::live(&base, &args, stop)).map_err(DemoError::City)
    })?;
    let ended = server.until_stopped().await;
    // The city may have ended already, by a fault that is told below.
    tell_stop.send_replace(true);
    let lived = tokio::task::spawn_blocking(move || city.join()).await;
    drop(folder);
    ended?;
    match lived {
        Ok(Ok(lived)) => lived,
        _ => Ok(()),
    }
}

/// A line for people on the standard output.
fn say(line: &str) {
    // A closed output is no reason to stop the city.
    drop(writeln!(std::io::stdout(), "{line}"));
}
