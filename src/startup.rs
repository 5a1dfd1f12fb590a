//! The composition root: what is opened, in which order, and how it stops.

use std::{
    any::Any,
    fs::File,
    io::ErrorKind,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use actix::Actor;
use actix_web::{
    App, HttpServer,
    body::MessageBody,
    dev::{ServerHandle, ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    rt::net::TcpStream,
    web::{self, Data},
};
use actors::{
    bridge::{Bridge, NUDGE},
    dispatcher::{DispatchBell, Dispatcher},
    fleet::Fleet,
    housekeeper::Housekeeper,
    hub::Hub,
    interest::Interest,
    live::{Live, Pace},
    positions,
    relay::Relay,
    timekeeper::Timekeeper,
};
use domain::{
    clock::{Clock, SystemClock, Timestamp},
    ids::NodeId,
};
use socket2::SockRef;
use storage::{
    bus::{Bus, BusEvents, in_process::InProcessBus, redis::RedisBus},
    db::{Db, Tx},
    error::StoreError,
    shared_values,
    store::Store,
};
use usecases::{
    demo,
    platform::{Platform, PlatformSettings, Silence},
};

use crate::{
    cli::CliError,
    http::{
        self, assets,
        metrics::Figures,
        state::{Doors, HttpState},
        ws::{self, SocketDoor},
    },
    opening::{self, open_database},
    settings::{Environment, Secret, Settings},
    shutdown::Workers,
};

/// Name of the shared value that holds the origin of a scaled clock.
const CLOCK_ORIGIN: &str = "clock_origin";
/// How long requests under way may take to end at a stop.
const SHUTDOWN_TIMEOUT_S: u64 = 5;
/// How long a peer may leave what we sent unacknowledged, or its window closed.
const UNWRITABLE_MAX: Duration = Duration::from_secs(20);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 4_096;
/// Sockets that one worker serves at most.
const CONNECTIONS_PER_WORKER: usize = 50_000;

/// The task in which requests are served.
type Serving = actix_web::rt::task::JoinHandle<std::io::Result<()>>;

/// A server that accepts requests.
pub struct RunningServer {
    addr: SocketAddr,
    handle: ServerHandle,
    serving: Serving,
    store: Arc<Store>,
    workers: Workers,
    /// Held while it runs, so that no other server uses the same embedded store.
    _lock: Option<File>,
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

    /// Waits until the server is told to stop (Ctrl-C or SIGTERM) and has stopped.
    ///
    /// # Errors
    ///
    /// [`CliError::Failed`] if it ended by a fault.
    pub async fn until_stopped(self) -> Result<(), CliError> {
        let ended = self.serving.await;
        self.workers.stop(&self.store).await;
        match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(err)) => Err(CliError::failed("the server failed", &err)),
            Err(err) => Err(CliError::failed("the server failed", &err)),
        }
    }

    /// Stops it and waits until it has stopped.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        self.workers.stop(&self.store).await;
    }
}

/// A platform without a live side, for commands that run beside a server.
///
/// # Errors
///
/// [`CliError::Failed`] if the database does not open.
pub async fn open_platform(settings: &Settings) -> Result<(Platform, Db), CliError> {
    let db = open_database(settings).await?;
    let store = start_store(db.clone())?;
    let clock = Arc::new(SystemClock::real_time());
    let platform = Platform::open(store, clock, Arc::new(Silence), secrets(settings))
        .await
        .map_err(|err| CliError::failed("cannot open the store", &err))?;
    Ok((platform, db))
}

/// How long Redis takes to answer.
///
/// # Errors
///
/// What Redis, or the way to it, says.
pub async fn ping_redis(settings: &Settings) -> Result<Duration, CliError> {
    let Some(url) = &settings.redis else { return Ok(Duration::ZERO) };
    let started = Instant::now();
    storage::bus::redis::ping(url.reveal())
        .await
        .map_err(|err| CliError::failed("no answer", &err))?;
    Ok(started.elapsed())
}

fn start_store(db: Db) -> Result<Arc<Store>, CliError> {
    Store::start(db).map(Arc::new).map_err(|err| CliError::failed("cannot start the writer", &err))
}

fn open_bus(settings: &Settings) -> Result<(Arc<dyn Bus>, BusEvents), CliError> {
    match &settings.redis {
        None => {
            let (link, events) = InProcessBus::default().link();
            Ok((link, events))
        }
        Some(url) => {
            let (link, events) = RedisBus::open(url.reveal(), &settings.redis_prefix)
                .map_err(|err| CliError::failed("the address of Redis is wrong", &err))?;
            Ok((link, events))
        }
    }
}

/// Opens everything and starts to listen.
///
/// # Errors
///
/// [`CliError::Failed`] with what could not be opened and what to do about it.
pub async fn start(settings: Settings) -> Result<RunningServer, CliError> {
    if settings.environment == Environment::Production && settings.token_secret.is_none() {
        tracing::warn!("the secret that signs tokens is kept in the store; set token-secret");
    }
    let lock = opening::take_store(&settings)?;
    let store = start_store(open_database(&settings).await?)?;
    let cannot = |what: &'static str| move |err: StoreError| CliError::failed(what, &err);
    if settings.demo && !demo::claim(&store).await.map_err(cannot("cannot mark the store"))? {
        let text = "this store has accounts and is no demo's; choose another --data, or leave it \
                    out to live in a temporary folder";
        return Err(CliError::Failed(text.to_owned()));
    }
    let clock = open_clock(&store, settings.time_scale)
        .await
        .map_err(cannot("cannot read the shared clock"))?;
    let node = NodeId::generate();
    let (live, workers) = start_live_side(&settings, &store, clock, node).await?;
    let doors = open_doors(&settings, &live.platform).await?;
    let addr = settings.listen;
    let figures =
        Figures::start().map_err(|err| CliError::failed("cannot collect figures", &err))?;
    let (addr, handle, serving) =
        listen(settings, live, doors, figures).map_err(|err| cannot_listen(addr, &err))?;
    tracing::info!(node.id = %node, "node {node} is up");
    Ok(RunningServer { addr, handle, serving, store, workers, _lock: lock })
}

fn cannot_listen(addr: SocketAddr, err: &std::io::Error) -> CliError {
    let guess = if err.kind() == ErrorKind::AddrInUse { "; is the port taken?" } else { "" };
    CliError::Failed(format!("cannot listen on {addr}{guess}: {err}"))
}

async fn start_live_side(
    settings: &Settings,
    store: &Arc<Store>,
    clock: Arc<dyn Clock>,
    node: NodeId,
) -> Result<(Arc<Live>, Workers), CliError> {
    let (bus, events) = open_bus(settings)?;
    let hub = Hub::new(Interest::new(Arc::clone(&bus)));
    let bridge = Bridge::start(node, Arc::clone(&hub), Arc::clone(&bus), events);
    let announcer = Arc::clone(&bridge);
    let platform =
        Platform::open(Arc::clone(store), Arc::clone(&clock), announcer, secrets(settings))
            .await
            .map_err(|err| CliError::failed("cannot open the store", &err))?;
    let fleet = Arc::new(Mutex::new(Fleet::default()));
    let positions = positions::start(&fleet, &bridge, clock);
    let bell = DispatchBell::default();
    let rung = bell.clone();
    bridge.listen(NUDGE, Box::new(move |_| rung.ring()));

    let (its_platform, its_fleet) = (platform.clone(), Arc::clone(&fleet));
    let policy = settings.dispatch_policy();
    let workers = Workers {
        relay: Relay::new(Arc::clone(&hub), Arc::clone(store), bus).start(),
        timekeeper: Timekeeper::new(platform.clone()).start(),
        dispatcher: Dispatcher::new(its_platform, its_fleet, node, policy, bell).start(),
        housekeeper: Housekeeper::new(platform.clone(), node, settings.retention()).start(),
    };
    let bench_channels = settings.bench_channels;
    let pace = Pace::default();
    let live = Live { platform, hub, bridge, positions, fleet, pace, bench_channels };
    Ok((Arc::new(live), workers))
}

fn secrets(settings: &Settings) -> PlatformSettings {
    let reveal = |it: &Option<Secret>| it.as_ref().map(|it| it.reveal().to_owned());
    PlatformSettings {
        token_secret: reveal(&settings.token_secret),
        sandbox_secret: reveal(&settings.sandbox_secret),
        ..PlatformSettings::default()
    }
}

/// What is served besides the API itself; under a demo, an operator to show the city to.
async fn open_doors(settings: &Settings, platform: &Platform) -> Result<Doors, CliError> {
    let sandbox = settings.environment != Environment::Production;
    let demo = match settings.demo {
        false => None,
        true => Some(
            demo::operator(platform)
                .await
                .map_err(|err| CliError::failed("cannot make the demo's operator", &err))?,
        ),
    };
    Ok(Doors { sandbox, demo })
}

fn listen(
    settings: Settings,
    live: Arc<Live>,
    doors: Doors,
    figures: Figures,
) -> std::io::Result<(SocketAddr, ServerHandle, Serving)> {
    let (listen, n_threads) = (settings.listen, settings.workers);
    let state = HttpState::new(live.platform.clone(), doors);
    let (origins, fixtures) = (settings.origins.clone(), settings.fixtures);
    let door = Data::new(SocketDoor { live: Arc::clone(&live), origins });
    let (live, settings, figures) = (Data::from(live), Data::new(settings), Data::new(figures));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(live.clone())
            .app_data(settings.clone())
            .app_data(door.clone())
            .app_data(figures.clone())
            .wrap(from_fn(finish_what_has_begun))
            .configure(|cfg| http::routes(cfg, &state))
            .configure(|cfg| {
                if fixtures {
                    http::fixtures::routes(cfg, &state);
                }
            })
            .route("/v1/ws", web::get().to(ws::open))
            .configure(http::metrics::routes)
            .configure(http::console::routes)
            .configure(assets::routes)
            .default_service(web::to(http::unknown_route))
    })
    .backlog(BACKLOG)
    .max_connections(CONNECTIONS_PER_WORKER)
    // Without it small frames wait for the peer's acknowledgement, up to 40 ms.
    .tcp_nodelay(true)
    // Any other value leaves sockets open for seconds after the closing handshake.
    .client_disconnect_timeout(Duration::ZERO)
    .on_connect(|io, _| limit_unwritable(io))
    .shutdown_timeout(SHUTDOWN_TIMEOUT_S);
    let server = if n_threads == 0 { server } else { server.workers(n_threads) };
    let server = server.bind(listen)?;
    let addr = server.addrs().first().copied().unwrap_or(listen);
    let running = server.run();
    let handle = running.handle();
    let serving = actix_web::rt::spawn(running);
    Ok((addr, handle, serving))
}

/// Lets the kernel end a connection whose peer takes nothing: no close frame would get through.
fn limit_unwritable(io: &dyn Any) {
    if let Some(tcp) = io.downcast_ref::<TcpStream>() {
        // Without it the connection ends all the same, hours later.
        let _best_effort = SockRef::from(tcp).set_tcp_user_timeout(Some(UNWRITABLE_MAX));
    }
}

/// A client that goes away must not take with it what follows a commit: rings, nudges, refunds.
async fn finish_what_has_begun(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let answer = actix_web::rt::spawn(async move { next.call(req).await }).await;
    answer.unwrap_or_else(|err| Err(actix_web::error::ErrorInternalServerError(err)))
}

/// The one clock of all nodes of a store. A scaled clock counts from an origin that is kept in the
/// store, so that nodes agree and a restart does not turn time back.
async fn open_clock(store: &Store, scale: f64) -> Result<Arc<dyn Clock>, StoreError> {
    let kept = shared_values::find(&mut store.reader(), CLOCK_ORIGIN).await?;
    let is_real = (scale - 1.0).abs() < f64::EPSILON;
    let Some(origin) = kept.as_deref().and_then(Origin::read) else {
        if is_real {
            return Ok(Arc::new(SystemClock::real_time()));
        }
        let now = SystemClock::machine_time();
        let made = Origin { real: now, shown: now, scale }.text();
        let write =
            async move |tx: &mut Tx| shared_values::find_or_insert(tx, CLOCK_ORIGIN, &made).await;
        let text: String = store.write(write).await?;
        let origin = Origin::read(&text).unwrap_or(Origin { real: now, shown: now, scale });
        return Ok(origin.clock());
    };
    if (origin.scale - scale).abs() < f64::EPSILON {
        return Ok(origin.clock());
    }
    // Another speed from here on; time goes on where it stands.
    let here = Origin {
        real: SystemClock::machine_time(),
        shown: origin.clock().now().max(SystemClock::machine_time()),
        scale,
    };
    let text = here.text();
    let write = async move |tx: &mut Tx| shared_values::overwrite(tx, CLOCK_ORIGIN, &text).await;
    store.write::<_, (), StoreError>(write).await?;
    Ok(here.clock())
}

/// From when on a clock runs at which speed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Origin {
    real: Timestamp,
    shown: Timestamp,
    scale: f64,
}

impl Origin {
    fn text(self) -> String {
        format!("{} {} {}", self.real.ms(), self.shown.ms(), self.scale)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let real = Timestamp::from_ms(parts.next()?.parse().ok()?);
        let shown = Timestamp::from_ms(parts.next()?.parse().ok()?);
        let scale = parts.next()?.parse().ok()?;
        Some(Self { real, shown, scale })
    }

    fn clock(self) -> Arc<dyn Clock> {
        Arc::new(SystemClock::scaled(self.real, self.shown, self.scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_survives_being_written_and_read_back() {
        let now = SystemClock::machine_time();
        let origin = Origin { real: now, shown: now, scale: 60.0 };
        assert_eq!(Origin::read(&origin.text()), Some(origin));
        assert_eq!(Origin::read("nonsense"), None);
    }
}
