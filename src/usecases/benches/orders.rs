//! How fast orders are placed, beside the same SQL statements with nothing around them.
//!
//! `make bench-orders`. 64 tasks, each with a shop and a customer of its own. Each task places two orders
//! while its statements are listened to; then rounds of raw statements (the same texts, new ids, numbers
//! that go on as they did, the same transactions) and rounds of orders take turns on one database.

#![allow(missing_docs, reason = "a bench has no readers but its author")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench talks")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    cart::{CartLine, Quantity},
    checked_text::{Address, Login, PersonName, ProductName, StoreName},
    clock::{Clock, SystemClock},
    geo::Place,
    ids::{AccountId, CustomerId, MerchantId, OrderId},
    money::Currency,
    role::Profile,
};
use futures_util::future::join_all;
use storage::{
    accounts,
    commands::{CommandKey, fingerprint},
    db::Tx,
    error::StoreError,
    store::Store,
    testing::{
        Engine, fresh_store,
        recorder::{self, Statement, Template},
    },
};
use tokio::runtime::Runtime;
use usecases::{
    placing::{self, HandoverWish, OrderTerms, OrderWish},
    platform::{Platform, PlatformSettings, Silence},
    stores::{self, NewProduct, NewStore, StoreTerms},
};

const TASKS: usize = 64;
const THREADS: usize = 8;
const ROUNDS: usize = 3;
/// Length of one round of either kind, in seconds; `RIDERHUB_BENCH_SECONDS` says otherwise.
const SECONDS: u64 = 4;
/// What the use case must reach of the raw rate.
const WANTED: f64 = 0.8;

/// One task's customer, with what to order.
#[derive(Clone)]
struct Person {
    customer: CustomerId,
    wish: OrderWish,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let engines = [(Engine::Sqlite, "SQLite"), (Engine::MariaDb, "MariaDB")];
    let ratios = engines.map(|(engine, name)| measure(&runtime, engine, name));
    if ratios.iter().any(|it| *it < WANTED) {
        println!("order creation is below {WANTED} of the raw rate");
        std::process::exit(1);
    }
}

fn measure(runtime: &Runtime, engine: Engine, name: &str) -> f64 {
    let fresh = runtime.block_on(fresh_store(engine));
    let platform = runtime.block_on(open(Arc::clone(&fresh.store)));
    let people: Vec<_> = (0..TASKS).map(|_| runtime.block_on(person(&platform))).collect();
    let seconds = std::env::var("RIDERHUB_BENCH_SECONDS").ok().and_then(|it| it.parse().ok());
    let length = Duration::from_secs(seconds.unwrap_or(SECONDS));
    let (mut raw, mut placed, mut n_statements) = (0, 0, 0);
    for _ in 0..ROUNDS {
        let templates: Vec<_> =
            people.iter().map(|it| runtime.block_on(record(&platform, it))).collect();
        n_statements = templates[0].n_statements();
        let until = Instant::now() + length;
        raw += round(runtime, &templates, async |it| raw_until(&platform, it, until).await);
        let until = Instant::now() + length;
        placed += round(runtime, &people, async |it| orders_until(&platform, it, until).await);
    }
    let per_second = |n: u64| n as f64 / (length.as_secs_f64() * ROUNDS as f64);
    let ratio = placed as f64 / raw as f64;
    println!(
        "{name:8} {TASKS} tasks, {n_statements} statements an order: raw {:6.0}/s   orders {:6.0}/s   ratio {ratio:.2}",
        per_second(raw),
        per_second(placed),
    );
    runtime.block_on(fresh.store.db().close());
    ratio
}

async fn open(store: Arc<Store>) -> Platform {
    let clock = Arc::new(SystemClock::real_time()) as Arc<dyn Clock>;
    let settings = PlatformSettings::default();
    Platform::open(store, clock, Arc::new(Silence), settings).await.unwrap()
}

/// One task for each of `all`, on a few threads; the sum of what they did.
fn round<T: Sync>(runtime: &Runtime, all: &[T], work: impl AsyncFn(&T) -> u64 + Sync) -> u64 {
    let work = &work;
    std::thread::scope(|scope| {
        let threads = all.chunks(all.len().div_ceil(THREADS)).map(|some| {
            scope.spawn(move || {
                runtime.block_on(join_all(some.iter().map(async |it| work(it).await)))
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().flat_map(|it| it.join().unwrap()).sum()
    })
}

fn key(by: CustomerId) -> CommandKey {
    let cid = OrderId::generate().uuid().to_string();
    CommandKey { sender: by.to_string(), cid, body_hash: fingerprint(&["an order"]) }
}

/// Places two orders and listens.
async fn record(platform: &Platform, person: &Person) -> Template {
    let mut heard: Vec<(Vec<Statement>, String, String)> = Vec::new();
    for _ in 0..2 {
        let key = key(person.customer);
        let cid = key.cid.clone();
        recorder::start();
        let done = placing::place(platform, person.customer, person.wish.clone(), Some(key)).await;
        heard.push((recorder::stop(), done.unwrap().value.order, cid));
        // What is told after the commit may still be on its way.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let [(first, ..), (second, order, cid)] = heard.as_slice() else { panic!("two were placed") };
    Template::new(first, second, &[order, cid])
}

async fn raw_until(platform: &Platform, template: &Template, until: Instant) -> u64 {
    let mut n = 0;
    while Instant::now() < until {
        n += 1;
        let new = [OrderId::generate().to_string(), OrderId::generate().uuid().to_string()];
        let statements = template.at(n, &new);
        let write = async move |tx: &mut Tx| recorder::run(tx, &statements).await;
        platform.store.write(write).await.unwrap();
    }
    n as u64
}

async fn orders_until(platform: &Platform, person: &Person, until: Instant) -> u64 {
    let mut n = 0;
    while Instant::now() < until {
        let (key, wish) = (key(person.customer), person.wish.clone());
        placing::place(platform, person.customer, wish, Some(key)).await.unwrap();
        n += 1;
    }
    n
}

async fn person(platform: &Platform) -> Person {
    let (customer, merchant) = (CustomerId::generate(), MerchantId::generate());
    let at = platform.now();
    let write = async move |tx: &mut Tx| {
        for profile in [Profile::Customer(customer), Profile::Merchant(merchant)] {
            let account = AccountId::generate();
            let login = Login::parse(&account.to_string()).map_err(StoreError::refused)?;
            let name = PersonName::parse("Cleo").map_err(StoreError::refused)?;
            accounts::insert_account(tx, account, &login, "none", at).await?;
            accounts::insert_profile(tx, account, profile, &name, at).await?;
        }
        Ok::<_, StoreError>(())
    };
    platform.store.write(write).await.unwrap();
    let new = NewStore {
        name: StoreName::parse("Noodles").unwrap(),
        address: None,
        place: Place::new(31.2, 121.5).unwrap(),
        currency: Currency::Cny,
        terms: StoreTerms::default(),
    };
    let store_id = stores::create(platform, merchant, new).await.unwrap().id;
    let mut lines = Vec::new();
    for name in ["Noodle soup", "Dumplings"] {
        let new = NewProduct {
            name: ProductName::parse(name).unwrap(),
            description: None,
            price_minor: 1_800,
            stock: 100_000_000,
        };
        let product = stores::add_product(platform, merchant, store_id, new).await.unwrap();
        lines.push(CartLine {
            product_id: product.id,
            quantity: Quantity::new(1).unwrap(),
            options: Vec::new(),
        });
    }
    let wish = OrderWish {
        store_id,
        lines: Some(lines),
        handover: HandoverWish::delivered(
            Place::new(31.21, 121.51).unwrap(),
            Address::parse("Long Street 7").unwrap(),
        ),
        note: None,
        terms: OrderTerms::default(),
    };
    Person { customer, wish }
}
