//! The order in which things stop: the clients go, the doors shut, then what works by itself, then
//! the store.

use std::{
    fs::File,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix::Addr;
use actix_web::dev::ServerHandle;
use actors::{
    arrivals::Arrivals, dispatcher::Dispatcher, drain::drain, herald::Herald,
    housekeeper::Housekeeper, live::Live, messages::Stop, presence::Presence, relay::Relay,
    stock_keeper::StockKeeper, timekeeper::Timekeeper, tracks::Tracks, warden::Warden,
};
use storage::store::Store;
use tokio::signal::unix::{SignalKind, signal};
use usecases::audit::AuditLog;

use crate::cli::CliError;

/// How long requests under way may take once the clients have gone.
const REQUESTS_WITHIN: Duration = Duration::from_secs(5);
/// How often it is looked whether they have ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The task in which requests are served.
pub(crate) type Serving = actix_web::rt::task::JoinHandle<std::io::Result<()>>;

/// Requests that were begun and not answered yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnderWay(Arc<AtomicUsize>);

/// One of them, until it is dropped.
pub(crate) struct Begun(UnderWay);

impl UnderWay {
    /// A request begins.
    pub(crate) fn begin(&self) -> Begun {
        self.0.fetch_add(1, Ordering::AcqRel);
        Begun(self.clone())
    }

    async fn ended_or_late(&self) {
        let started = Instant::now();
        while self.0.load(Ordering::Acquire) > 0 && started.elapsed() < REQUESTS_WITHIN {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What runs without being asked, on one node.
pub struct Workers {
    /// Brings what the bus did not.
    pub relay: Addr<Relay>,
    /// Carries out what positions show.
    pub arrivals: Addr<Arrivals>,
    /// Keeps sampled tracks.
    pub tracks: Addr<Tracks>,
    /// Carries out deadlines.
    pub timekeeper: Addr<Timekeeper>,
    /// Tells people who are away.
    pub herald: Addr<Herald>,
    /// Looks for riders.
    pub dispatcher: Addr<Dispatcher>,
    /// Removes what was kept long enough.
    pub housekeeper: Addr<Housekeeper>,
    /// Keeps out who was signed out.
    pub warden: Addr<Warden>,
    /// Tells who is there.
    pub presence: Addr<Presence>,
    /// Compares what stands before SQL with it.
    pub stock_keeper: Addr<StockKeeper>,
}

impl Workers {
    /// Ends them, and closes the store that they worked on. The doors are shut already.
    pub async fn stop(self, store: &Arc<Store>) {
        let ended = [
            self.presence.send(Stop).await,
            self.stock_keeper.send(Stop).await,
            self.warden.send(Stop).await,
            self.housekeeper.send(Stop).await,
            self.dispatcher.send(Stop).await,
            self.arrivals.send(Stop).await,
            self.tracks.send(Stop).await,
            self.timekeeper.send(Stop).await,
            self.herald.send(Stop).await,
            self.relay.send(Stop).await,
        ];
        for gone in ended.into_iter().filter_map(Result::err) {
            tracing::debug!(cause = %gone, "a worker had ended before");
        }
        store.db().close().await;
    }
}

/// A server that accepts requests.
pub struct RunningServer {
    pub(crate) addr: SocketAddr,
    pub(crate) handle: ServerHandle,
    pub(crate) serving: Serving,
    pub(crate) under_way: UnderWay,
    pub(crate) live: Arc<Live>,
    pub(crate) drain_window: Duration,
    pub(crate) store: Arc<Store>,
    pub(crate) workers: Workers,
    pub(crate) audit: Arc<AuditLog>,
    /// Held while it runs, so that no other server uses the same embedded store.
    pub(crate) _lock: Option<File>,
}

impl RunningServer {
    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its address for people and clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Waits until the server is told to stop (Ctrl-C or SIGTERM) and has stopped. Told a second
    /// time it does not wait for its clients.
    ///
    /// # Errors
    ///
    /// [`CliError::Failed`] if it ended by a fault.
    pub async fn until_stopped(mut self) -> Result<(), CliError> {
        let mut told = Told::listen()?;
        tokio::select! {
            ended = &mut self.serving => {
                self.workers.stop(&self.store).await;
                return match ended {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(err)) => Err(CliError::failed("the server failed", &err)),
                    Err(err) => Err(CliError::failed("the server failed", &err)),
                };
            }
            () = told.stop() => {}
        }
        let window = self.drain_window;
        let is_patient = tokio::select! {
            () = drain(&self.live, window) => true,
            () = told.stop() => false,
        };
        self.shut(is_patient).await;
        Ok(())
    }

    /// Stops it, without a drain over time, and waits until it has stopped.
    pub async fn stop(self) {
        drain(&self.live, Duration::ZERO).await;
        self.shut(true).await;
    }

    /// The clients have gone, or had their time.
    async fn shut(self, is_patient: bool) {
        if is_patient {
            self.under_way.ended_or_late().await;
        }
        self.handle.stop(is_patient).await;
        if let Err(err) = self.audit.write(&self.live.platform).await {
            tracing::warn!(error = ?err, "the last lines of the audit log are lost");
        }
        self.workers.stop(&self.store).await;
    }
}

/// Hears that the process should end.
struct Told {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Told {
    fn listen() -> Result<Self, CliError> {
        let cannot = |err: std::io::Error| CliError::failed("cannot listen to signals", &err);
        let interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
        let terminate = signal(SignalKind::terminate()).map_err(cannot)?;
        Ok(Self { interrupt, terminate })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
