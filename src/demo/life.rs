//! The demo city lives: everybody at work, and a steady stream of orders.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::geo::Place;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::{sync::watch, task::JoinSet, time::sleep};

use crate::{
    city::{
        customer::{self, Habits},
        merchant::{self, Kitchen},
        rider::{self, Temper},
        road::Manner,
        signup,
        tally::Tally,
    },
    client::{
        calls::{self, LatLng, OrderAsk},
        error::ClientError,
        link::{self, Events, Link, LinkSettings, new_cid},
        rest::Rest,
        session::Session,
    },
    demo::{
        DemoArgs,
        build::{self, City, Shop, centre, somewhere},
        say,
    },
};

/// Entries that a client of the demo keeps of each channel.
const KEEP_MAX: usize = 200;
/// Customers live at most this far from the store they choose, in metres.
const DOOR_WITHIN_M: f64 = 2_400.0;
/// Stores that a customer looks at.
const LOOKS_AT: usize = 5;
/// Riders start at most this far from the middle, in metres.
const RIDERS_WITHIN_M: f64 = 2_500.0;
/// Speed of a scooter on the street, in metres per second.
const SCOOTER_M_PER_S: f64 = 7.5;
/// Positions are told this often, in real time.
const REPORTS_EVERY: Duration = Duration::from_millis(500);
/// Orders placed quickly at the beginning, so that a visitor sees something.
const FIRST_ORDERS: u32 = 8;
/// Pause between those, in real time.
const FIRST_PAUSE: Duration = Duration::from_millis(700);
/// How often the city says how it is, in real time.
const NEWS_EVERY: Duration = Duration::from_secs(30);
/// Pause after an order that could not be placed, in real time.
const PAUSE_AFTER_FAULT: Duration = Duration::from_secs(1);

/// What everybody in the city shares.
#[derive(Clone)]
struct Shared {
    settings: LinkSettings,
    tally: Arc<Tally>,
    stop: watch::Receiver<bool>,
}

/// A customer who may order.
struct Idle {
    link: Link,
    events: Events,
}

type Waiting = Arc<Mutex<VecDeque<Idle>>>;

/// Builds the city and lets it live until told to stop.
///
/// # Errors
///
/// [`ClientError`] if the city cannot be built.
pub(super) async fn live(
    base: &str,
    args: &DemoArgs,
    mut stop: watch::Receiver<bool>,
) -> Result<(), ClientError> {
    let rest = Rest::new(&[base.to_owned()], 0)?;
    let building = async {
        signup::wait_for_server(&rest, Duration::from_secs(30)).await?;
        build::build(&rest, args).await
    };
    let City { stores, riders, customers } = tokio::select! {
        built = building => built?,
        _ = stop.changed() => return Ok(()),
    };
    let (n_stores, n_riders, n_customers) = (stores.len(), riders.len(), customers.len());
    say(&format!("{n_stores} stores, {n_riders} riders, {n_customers} customers are in town"));
    let settings = LinkSettings {
        scale: args.speed,
        reconnect_window: Some(Duration::from_secs(1)),
        keep_max: Some(KEEP_MAX),
        ..LinkSettings::default()
    };
    let shared = Shared { settings, tally: Arc::default(), stop: stop.clone() };
    let mut people = JoinSet::new();
    let mut dice = StdRng::seed_from_u64(args.seed ^ 0xC17F);
    for shop in &stores {
        people.spawn(keep_store(shop.clone(), shared.clone(), dice.random()));
    }
    let centre = centre()?;
    for session in riders {
        let start = somewhere(&mut dice, centre, RIDERS_WITHIN_M);
        people.spawn(ride(session, start, shared.clone(), dice.random()));
    }
    let waiting: Waiting = Arc::default();
    for session in customers {
        let (link, events) = link::open(session, shared.own_settings());
        lock(&waiting).push_back(Idle { link, events });
    }
    let ordering = order_on_and_on(stores, waiting, &shared, args, dice, &mut people);
    tokio::select! {
        () = ordering => {}
        _ = stop.changed() => {}
    }
    people.shutdown().await;
    Ok(())
}

fn lock(waiting: &Waiting) -> std::sync::MutexGuard<'_, VecDeque<Idle>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Every client is a device of its own.
    fn own_settings(&self) -> LinkSettings {
        LinkSettings { device: LinkSettings::default().device, ..self.settings.clone() }
    }
}

async fn keep_store(shop: Shop, shared: Shared, seed: u64) {
    let (link, mut events) = link::open(shop.merchant, shared.own_settings());
    let dice = Mutex::new(StdRng::seed_from_u64(seed));
    let kitchen: Kitchen = Arc::new(move |_, now| {
        let mut dice = dice.lock().unwrap_or_else(PoisonError::into_inner);
        now + dice.random_range(5 * 60_000..14 * 60_000)
    });
    let plan = merchant::Plan {
        store: shop.store,
        kitchen,
        accepts_within: (Duration::from_secs(8), Duration::from_secs(60)),
        talks: 0.7,
        seed,
    };
    // Whoever is sent away for good has left town; the others live on.
    drop(merchant::work(link, &mut events, plan, shared.tally, shared.stop).await);
}

async fn ride(session: Session, start: Place, shared: Shared, seed: u64) {
    let (link, mut events) = link::open(session, shared.own_settings());
    let plan = rider::Plan {
        vehicle: "scooter",
        capacity: 4,
        start,
        manner: Manner {
            speed_m_per_s: SCOOTER_M_PER_S,
            by_streets: true,
            at_store: (Duration::from_secs(45), Duration::from_secs(30)),
            at_door: (Duration::from_secs(60), Duration::from_secs(30)),
        },
        temper: Temper {
            declines: 0.15,
            ignores: 0.06,
            grabs: 0.6,
            talks: 0.5,
            unruly: 0.0,
            thinks: (Duration::from_secs(3), Duration::from_secs(12)),
        },
        reports_every: REPORTS_EVERY,
        off_at: None,
        noise: None,
        seed,
    };
    // Whoever is sent away for good has left town; the others live on.
    drop(rider::work(link, &mut events, plan, shared.tally, shared.stop).await);
}

/// Lets customers order at irregular times, so many in an hour on average.
async fn order_on_and_on(
    stores: Vec<Shop>,
    waiting: Waiting,
    shared: &Shared,
    args: &DemoArgs,
    mut dice: StdRng,
    people: &mut JoinSet<()>,
) {
    let mean = Duration::from_secs(3_600).div_f64(f64::from(args.orders_per_hour) * args.speed);
    let stores = Arc::new(stores);
    let mut told = tokio::time::Instant::now();
    for n in 0_u64.. {
        // Times between independent events: exponentially distributed.
        let share: f64 = 1.0 - dice.random::<f64>();
        let pause = mean.mul_f64(-share.ln()).min(mean * 4);
        sleep(if n < FIRST_ORDERS.into() { pause.min(FIRST_PAUSE) } else { pause }).await;
        while people.try_join_next().is_some() {}
        if told.elapsed() >= NEWS_EVERY {
            told = tokio::time::Instant::now();
            tell_news(&shared.tally);
        }
        let Some(idle) = lock(&waiting).pop_front() else { continue };
        let shop = stores[dice.random_range(0..stores.len())].clone();
        let (waiting, shared, seed) = (Arc::clone(&waiting), shared.clone(), dice.random());
        people.spawn(async move {
            let mut idle = idle;
            if one_order(&mut idle, &shop, &shared, seed).await.is_err() {
                // Sold out, closed, or the server is away for a moment: later again.
                sleep(PAUSE_AFTER_FAULT).await;
            }
            lock(&waiting).push_back(idle);
        });
    }
}

/// Browses, fills the cart, orders, pays, and waits for the bell.
async fn one_order(
    idle: &mut Idle,
    near: &Shop,
    shared: &Shared,
    seed: u64,
) -> Result<(), ClientError> {
    let mut dice = StdRng::seed_from_u64(seed);
    let session = idle.link.session().clone();
    let door = somewhere(&mut dice, near.place, DOOR_WITHIN_M);
    let door = LatLng { lat: door.lat(), lng: door.lng() };
    let stores = calls::stores_nearby(&session, door, LOOKS_AT).await?;
    let open: Vec<_> = stores.into_iter().filter(|it| it.is_open).collect();
    if open.is_empty() {
        return Ok(());
    }
    let store = open[dice.random_range(0..open.len())].id.clone();
    let products = calls::products(&session, &store).await?;
    for product in products.iter().filter(|it| it.stock > 0) {
        if dice.random_bool(0.6) || products.len() == 1 {
            calls::put_in_cart(&session, &store, &product.id, dice.random_range(1..=2)).await?;
        }
    }
    if let Some(first) = products.first() {
        calls::put_in_cart(&session, &store, &first.id, 1).await?;
    }
    let number = dice.random_range(1..=180);
    let ask = OrderAsk {
        store,
        lines: Vec::new(),
        dropoff: door,
        address: format!("{number} Lantern Lane"),
        note: None,
    };
    let tally = &shared.tally;
    let order = customer::order(&session, &ask, &new_cid(), |_| {}, tally).await?;
    let habits = Habits { talks: 0.5, seed };
    let Idle { link, events } = idle;
    customer::see_through(link, events, &order, habits, tally, shared.stop.clone()).await?;
    link.put_away(&format!("order:{order}"));
    Ok(())
}

fn tell_news(tally: &Tally) {
    say(&format!(
        "{} orders placed, {} completed, {} ended otherwise; {} messages, {} grabbed from the pool",
        tally.placed.get(),
        tally.completed.get(),
        tally.failed.get(),
        tally.messages.get(),
        tally.grabbed.get(),
    ));
}
