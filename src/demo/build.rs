//! Builds the demo city: accounts, stores, shelves. What is there already is taken as it is.

use domain::geo::Place;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    city::signup::{self, Newcomer},
    client::{
        calls::{self, LatLng, NewStore},
        error::ClientError,
        rest::Rest,
        session::Session,
    },
    demo::{DemoArgs, names},
};

/// The middle of the city, in the middle of a region so that all of it has one dispatcher.
pub(super) const CENTRE: (f64, f64) = (31.2, 121.465);
/// Accounts of the demo have this password; they live on this machine only.
const PASSWORD: &str = "demo city, open to all";
/// Stores are at most this far from the middle, in metres.
const STORES_WITHIN_M: f64 = 2_600.0;
/// Pieces of each product on the shelf; refilled by nobody, so that it lasts.
const STOCK: u32 = 1_000_000;
/// Stores opened at the same time.
const AT_ONCE: usize = 4;
/// Customers for each order of an hour: everybody is busy for half an hour or so.
const CUSTOMERS_PER_ORDER: f64 = 1.2;
/// Customers at least.
const CUSTOMERS_MIN: usize = 20;

/// The city before it lives.
pub(super) struct City {
    pub(super) stores: Vec<Shop>,
    pub(super) riders: Vec<Session>,
    pub(super) customers: Vec<Session>,
}

/// A store with its merchant.
#[derive(Clone)]
pub(super) struct Shop {
    pub(super) merchant: Session,
    pub(super) store: String,
    pub(super) place: Place,
}

/// The middle of the city.
pub(super) fn centre() -> Result<Place, ClientError> {
    Place::new(CENTRE.0, CENTRE.1).map_err(|err| ClientError::Unreadable {
        call: "the city's centre".to_owned(),
        why: err.to_string(),
    })
}

/// A place in a disc around another.
pub(super) fn somewhere(dice: &mut StdRng, around: Place, within_m: f64) -> Place {
    let (turn, far) = (dice.random_range(0.0..std::f64::consts::TAU), dice.random::<f64>().sqrt());
    around.offset(turn.cos() * far * within_m, turn.sin() * far * within_m)
}

/// Makes everybody and everything.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub(super) async fn build(rest: &Rest, args: &DemoArgs) -> Result<City, ClientError> {
    let mut dice = StdRng::seed_from_u64(args.seed);
    let (n_stores, n_riders) = (args.stores as usize, args.riders as usize);
    let n_customers = (f64::from(args.orders_per_hour) * CUSTOMERS_PER_ORDER) as usize;
    let newcomers = |role: &'static str, n: usize, name: fn(usize) -> String| {
        (0..n).map(move |i| Newcomer { login: format!("demo-{role}-{i}"), role, name: name(i) })
    };
    let merchants: Vec<_> = newcomers("merchant", n_stores, store_name).collect();
    let merchants = signup::join_all(rest, PASSWORD, merchants, || {}).await?;
    let centre = centre()?;
    let opening = merchants.into_iter().enumerate().map(|(n, merchant)| {
        let place = somewhere(&mut dice, centre, STORES_WITHIN_M);
        open(merchant, n, place)
    });
    let opening: Vec<_> = opening.collect();
    let stores = stream::iter(opening).buffered(AT_ONCE).try_collect().await?;
    let riders: Vec<_> = newcomers("rider", n_riders, names::person).collect();
    let riders = signup::join_all(rest, PASSWORD, riders, || {}).await?;
    let n_customers = n_customers.max(CUSTOMERS_MIN);
    let customers: Vec<_> = newcomers("customer", n_customers, |n| names::person(n + 17)).collect();
    let customers = signup::join_all(rest, PASSWORD, customers, || {}).await?;
    Ok(City { stores, riders, customers })
}

fn store_name(n: usize) -> String {
    let (name, _) = names::STORES[n % names::STORES.len()];
    match n / names::STORES.len() {
        0 => name.to_owned(),
        round => format!("{name} {}", round + 1),
    }
}

async fn open(merchant: Session, n: usize, place: Place) -> Result<Shop, ClientError> {
    if let Some(mine) = calls::my_stores(&merchant).await?.into_iter().next() {
        let place = Place::new(mine.lat, mine.lng).unwrap_or(place);
        return Ok(Shop { merchant, store: mine.id, place });
    }
    let new = NewStore {
        name: store_name(n),
        place: LatLng { lat: place.lat(), lng: place.lng() },
        prep_min: 10,
        radius_m: 8_000,
    };
    let store = calls::open_store(&merchant, &new).await?.id;
    let (_, products) = names::STORES[n % names::STORES.len()];
    for (name, price_minor) in products {
        calls::add_product(&merchant, &store, name, *price_minor, STOCK).await?;
    }
    Ok(Shop { merchant, store, place })
}
