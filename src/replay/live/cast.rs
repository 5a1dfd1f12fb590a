//! Who plays: accounts, stores and shelves of the day on the server.

use std::collections::HashMap;

use domain::geo::Place;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{LiveArgs, LiveError, show::Show};
use crate::{
    city::signup::{self, Newcomer},
    client::{
        calls::{self, LatLng, NewStore},
        error::ClientError,
        rest::Rest,
        session::Session,
    },
    replay::instance::{Instance, Order},
};

/// Stores opened at the same time.
const AT_ONCE: usize = 4;
/// Price of the one product of each store, in minor units.
const PRICE_MINOR: i64 = 2_000;
/// Stores deliver to everywhere in the recorded city.
const RADIUS_M: u32 = 50_000;

/// Everybody, before the day begins.
pub(super) struct Cast {
    /// By the store's index in the instance; only stores with an order.
    pub(super) stores: HashMap<usize, Shop>,
    /// By the rider's index in the instance; only riders on duty in the part that is played.
    pub(super) riders: Vec<(usize, Session)>,
    /// By the order's index in the instance.
    pub(super) customers: Vec<(usize, Session)>,
}

/// A store and its merchant.
pub(super) struct Shop {
    pub(super) merchant: Session,
    pub(super) store: String,
    pub(super) product: String,
}

/// Orders that are played: their indices.
pub(super) fn chosen(instance: &Instance, args: &LiveArgs) -> Vec<usize> {
    let (from, until) = (args.from.unwrap_or(i64::MIN), args.until.unwrap_or(i64::MAX));
    let is_chosen = |order: &Order| (from..until).contains(&order.placed);
    (0..instance.orders.len()).filter(|it| is_chosen(&instance.orders[*it])).collect()
}

/// Registers everybody who has a part.
///
/// # Errors
///
/// [`LiveError`] if nothing is left to play or the server refuses.
pub(super) async fn register(
    instance: &Instance,
    args: &LiveArgs,
    centre: Place,
    rest: &Rest,
) -> Result<Cast, LiveError> {
    let orders = chosen(instance, args);
    if orders.is_empty() {
        return Err(LiveError::Wrong("no order is placed between --from and --until".to_owned()));
    }
    signup::wait_for_server(rest, super::play::PATIENCE).await?;
    let mut stores: Vec<usize> = orders.iter().map(|it| instance.orders[*it].store).collect();
    stores.sort_unstable();
    stores.dedup();
    let from = args.from.unwrap_or(i64::MIN);
    let riders: Vec<usize> =
        (0..instance.riders.len()).filter(|it| instance.riders[*it].off > from).collect();

    let run = uuid::Uuid::now_v7().simple().to_string();
    let password = uuid::Uuid::new_v4().simple().to_string();
    let n_all = stores.len() + riders.len() + orders.len();
    let show = Show::start("accounts", n_all as u64);
    let join = async |role: &'static str, names: Vec<String>| {
        let login = |name: &String| format!("{}-{run}", name.replace(' ', "-"));
        let newcomers =
            names.into_iter().map(|name| Newcomer { login: login(&name), role, name }).collect();
        let tick = show.clone();
        signup::join_all(rest, &password, newcomers, move || tick.tick()).await
    };
    let names = |prefix: &str, all: &[usize], id: &dyn Fn(usize) -> String| {
        all.iter().map(|it| format!("{prefix} {}", id(*it))).collect::<Vec<_>>()
    };
    let merchant_names = names("store", &stores, &|it| instance.stores[it].id.clone());
    let merchants = join("merchant", merchant_names).await?;
    let rider_names = names("rider", &riders, &|it| instance.riders[it].id.clone());
    let rider_sessions = join("rider", rider_names).await?;
    let customer_names = names("customer", &orders, &|it| instance.orders[it].id.clone());
    let customers = join("customer", customer_names).await?;
    show.end();

    let opening = stores.into_iter().zip(merchants).map(|(index, merchant)| {
        let place = instance.on_the_ground(instance.stores[index].at, centre);
        let n_orders = orders.iter().filter(|it| instance.orders[**it].store == index).count();
        open(index, merchant, place, n_orders)
    });
    let opening: Vec<_> = opening.collect();
    let stores = stream::iter(opening).buffered(AT_ONCE).try_collect().await?;
    Ok(Cast {
        stores,
        riders: riders.into_iter().zip(rider_sessions).collect(),
        customers: orders.into_iter().zip(customers).collect(),
    })
}

async fn open(
    index: usize,
    merchant: Session,
    place: Place,
    n_orders: usize,
) -> Result<(usize, Shop), ClientError> {
    let new = NewStore {
        name: merchant.name().to_owned(),
        place: LatLng { lat: place.lat(), lng: place.lng() },
        prep_min: 15,
        radius_m: RADIUS_M,
    };
    let store = calls::open_store(&merchant, &new).await?.id;
    let stock = u32::try_from(n_orders).unwrap_or(u32::MAX).saturating_add(1);
    let product = calls::add_product(&merchant, &store, "Dish", PRICE_MINOR, stock).await?.id;
    Ok((index, Shop { merchant, store, product }))
}
