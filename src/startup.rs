//! The composition root: what is opened, in which order, and how it stops.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use actix::Actor;
use actix_web::{
    App,
    body::MessageBody,
    dev::{ServerHandle, ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    web::{self, Data},
};
use actors::{
    admission::Admission,
    arrivals::Arrivals,
    bridge::{Bridge, NUDGE},
    catch_up::CatchUp,
    dispatcher::{DispatchBell, Dispatcher},
    fleet::Fleet,
    herald::Herald,
    housekeeper::Housekeeper,
    hub::Hub,
    interest::Interest,
    live::{Live, Pace},
    positions,
    presence::Presence,
    publishers::Publishers,
    receipts::Receipts,
    relay::Relay,
    timekeeper::Timekeeper,
    tracks::{TrackSink, Tracks},
    warden::Warden,
};
use domain::{
    clock::{Clock, SystemClock},
    ids::NodeId,
};
use storage::{
    blobs::Blobs,
    bus::{Bus, BusEvents, in_process::InProcessBus, redis::RedisBus},
    claims::{Claims, redis::RedisClaims},
    db::Db,
    error::StoreError,
    rates::{Rates, redis::RedisRates},
    store::Store,
};
use usecases::{
    blob_place::{self, Standing},
    demo,
    notices::NoticeSettings,
    platform::{Platform, PlatformSettings, Silence},
};

use crate::{
    cli::CliError,
    http::{
        self, assets,
        metrics::Figures,
        server,
        state::{Doors, HttpState},
        ws::{self, SocketDoor},
    },
    notify::Ways,
    opening::{self, open_database},
    osrm,
    settings::{Environment, Secret, Settings},
    shared_clock,
    shutdown::{RunningServer, Serving, UnderWay, Workers},
};

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
        .map_err(|err| CliError::Failed(format!("no answer: {err}")))?;
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
                .map_err(|err| CliError::Failed(format!("redis {err}")))?;
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
    let clock = shared_clock::open_clock(&store, settings.time_scale)
        .await
        .map_err(cannot("cannot read the shared clock"))?;
    let node = NodeId::generate();
    let (live, workers) = start_live_side(&settings, &store, clock, node).await?;
    let doors = open_doors(&settings, &live.platform).await?;
    let addr = settings.listen;
    let figures =
        Figures::start().map_err(|err| CliError::failed("cannot collect figures", &err))?;
    let drain_window = Duration::from_millis(settings.drain_ms);
    let under_way = UnderWay::default();
    let its_live = Arc::clone(&live);
    let (addr, handle, serving) = listen(settings, its_live, doors, figures, under_way.clone())
        .map_err(|err| cannot_listen(addr, &err))?;
    tracing::info!(node.id = %node, "node {node} is up");
    Ok(RunningServer {
        addr,
        handle,
        serving,
        under_way,
        live,
        drain_window,
        store,
        workers,
        _lock: lock,
    })
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
        Platform::open(Arc::clone(store), Arc::clone(&clock), announcer, for_serving(settings)?)
            .await
            .map_err(|err| CliError::failed("cannot open the store", &err))?;
    actix_web::rt::spawn(look_at_files(platform.clone()));
    let fleet = Arc::new(Mutex::new(Fleet::new(settings.arrival_fence())));
    let tracks = TrackSink::default();
    let (arrivals, arrival_sink) = Arrivals::new(platform.clone());
    let positions = positions::start(&fleet, &bridge, clock, arrival_sink, tracks.clone());
    let bell = DispatchBell::default();
    let rung = bell.clone();
    bridge.listen(NUDGE, Box::new(move |_| rung.ring()));

    let live = Arc::new(Live {
        platform: platform.clone(),
        hub: Arc::clone(&hub),
        bridge,
        positions,
        fleet: Arc::clone(&fleet),
        catch_up: CatchUp::start(Arc::clone(store)),
        receipts: Receipts::default(),
        publishers: Publishers::default(),
        one_device: settings.one_device_roles(),
        presence: Mutex::default(),
        admission: Admission::new(settings.socket_limits()),
        pace: Pace::default(),
        bench_channels: settings.bench_channels,
    });
    let choosing = settings.choosing();
    let grace = Duration::from_millis(settings.presence_grace_ms);
    let ways = Ways::open(settings, &platform)
        .map_err(|err| CliError::failed("cannot make an HTTP client", &err))?;
    let workers = Workers {
        relay: Relay::new(hub, Arc::clone(store)).start(),
        arrivals: arrivals.start(),
        tracks: Tracks::new(platform.clone(), tracks).start(),
        timekeeper: Timekeeper::new(platform.clone()).start(),
        herald: Herald::new(platform.clone(), ways).start(),
        dispatcher: Dispatcher::new(platform.clone(), fleet, node, choosing, bell).start(),
        housekeeper: Housekeeper::new(platform, node, settings.retention()).start(),
        warden: Warden::new(Arc::clone(&live), settings.token_key_age()).start(),
        presence: Presence::new(Arc::clone(&live), grace).start(),
    };
    Ok((live, workers))
}

fn secrets(settings: &Settings) -> PlatformSettings {
    let reveal = |it: &Option<Secret>| it.as_ref().map(|it| it.reveal().to_owned());
    PlatformSettings {
        policy: settings.order_policy(),
        sessions: settings.session_policy(),
        token_keys: settings.key_settings(),
        sandbox_secret: reveal(&settings.sandbox_secret),
        vapid_key: reveal(&settings.vapid_key),
        notices: NoticeSettings {
            webhook: settings.webhook.is_some(),
            with_text: settings.notice_text,
            public_only: settings.environment == Environment::Production,
            contact: settings.push_contact.clone(),
        },
        ..PlatformSettings::default()
    }
}

/// The same with the storage of files, and claims and rates that all nodes see.
fn for_serving(settings: &Settings) -> Result<PlatformSettings, CliError> {
    let blobs = Blobs::open(&settings.attachments)
        .map_err(|err| CliError::failed("cannot open the storage of attachments", &err))?;
    let open = |url: &Secret| RedisClaims::new(url.reveal(), &settings.redis_prefix);
    let claims = settings.redis.as_ref().map(open).transpose();
    let claims = claims.map_err(|err| CliError::Failed(format!("redis {err}")))?;
    let claims = claims.map(|it| Arc::new(it) as Arc<dyn Claims>);
    let roads =
        osrm::open(settings).map_err(|err| CliError::failed("cannot make an HTTP client", &err))?;
    let open = |url: &Secret| RedisRates::new(url.reveal(), &settings.redis_prefix);
    let rates = settings.redis.as_ref().map(open).transpose();
    let rates = rates.map_err(|err| CliError::Failed(format!("redis {err}")))?;
    let rates = rates.map(|it| Arc::new(it) as Arc<dyn Rates>);
    Ok(PlatformSettings { blobs, claims, rates, roads, ..secrets(settings) })
}

/// Says in the log what `riderhub doctor` would say; uploads look again.
async fn look_at_files(platform: Platform) {
    match blob_place::look(&platform).await {
        Ok(Standing::Shared) => {}
        Ok(standing) => tracing::error!(
            place = platform.blobs.place(),
            standing = standing.as_str(),
            "this node's attachments are not where the other nodes look; it takes no files. Give \
             all nodes one folder or s3://… by --attachments"
        ),
        Err(err) => tracing::error!(error = ?err, "the storage of attachments does not answer"),
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
    under_way: UnderWay,
) -> std::io::Result<(SocketAddr, ServerHandle, Serving)> {
    let (listen, n_threads) = (settings.listen, settings.workers);
    let state = HttpState::new(live.platform.clone(), doors).guarded(settings.guard());
    let (origins, fixtures, echo) = (settings.origins.clone(), settings.fixtures, settings.echo);
    let door = SocketDoor { live: Arc::clone(&live), origins, echo };
    let (live, settings, figures) = (Data::from(live), Data::new(settings), Data::new(figures));
    let (addr, running) = server::listen(listen, n_threads, door, move || {
        App::new()
            .app_data(live.clone())
            .app_data(settings.clone())
            .app_data(figures.clone())
            .app_data(under_way.clone())
            .wrap(from_fn(http::guard::check))
            .wrap(from_fn(finish_what_has_begun))
            .configure(|cfg| http::routes(cfg, &state))
            .configure(|cfg| {
                if fixtures {
                    http::fixtures::routes(cfg, &state);
                }
            })
            .route(ws::PATH, web::get().to(ws::no_upgrade))
            .configure(http::metrics::routes)
            .configure(http::console::routes)
            .configure(assets::routes)
            .default_service(web::to(http::unknown_route))
    })?;
    let handle = running.handle();
    let serving = actix_web::rt::spawn(running);
    Ok((addr, handle, serving))
}

/// A client that goes away must not take with it what follows a commit: rings, nudges, refunds.
async fn finish_what_has_begun(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let begun = req.app_data::<UnderWay>().map(UnderWay::begin);
    let answer = actix_web::rt::spawn(async move {
        let answer = next.call(req).await;
        drop(begun);
        answer
    })
    .await;
    answer.unwrap_or_else(|err| Err(actix_web::error::ErrorInternalServerError(err)))
}
