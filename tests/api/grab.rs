//! The pool: two riders, one delivery, one winner.

use riderhub::client::{error::ClientError, link::new_cid};
use serde_json::{Value, json};
use storage::testing::Engine;

use crate::support::{Person, Shop, World, given_paid_order, given_shop, spot};

/// Deliveries that are fought over.
const N_GRABS: usize = 200;
/// Deliveries that are in the pool at a time; a rider can carry as many.
const BATCH: usize = 40;
/// Races at the same time.
const AT_ONCE: usize = 8;
/// With this clock three minutes without a rider pass in a second and a half.
/// No order ends because a slow machine takes an hour of that clock.
const FAST: [&str; 4] = ["--time-scale", "120", "--no-rider-stop-min", "100000"];
/// So far north the dispatcher does not look for riders: nobody but the two takes anything.
const FAR_NORTH_M: f64 = 90_000.0;

#[tokio::test]
async fn of_two_riders_who_grab_at_once_exactly_one_wins_on_sqlite() {
    grab_race(&World::start(Engine::Sqlite, &FAST)).await;
}

#[tokio::test]
async fn of_two_riders_on_two_nodes_who_grab_at_once_exactly_one_wins() {
    grab_race(&World::start(Engine::MariaDb, &FAST)).await;
}

async fn grab_race(world: &World) {
    let shop = given_shop(world, 0, spot(0.0, 0.0), 1_000).await;
    let mut customer = Person::join(world, 0, "customer", "Cleo").await;
    let one = Person::join(world, 0, "rider", "Ann").await;
    let two = Person::join(world, world.nodes.len() - 1, "rider", "Bob").await;
    let mut wins = [0, 0];
    for _ in 0..N_GRABS / BATCH {
        let orders = given_pool(&shop, &mut customer).await;
        one.on_duty(spot(FAR_NORTH_M, 0.0), BATCH as u32).await;
        two.on_duty(spot(FAR_NORTH_M, 100.0), BATCH as u32).await;
        for some in orders.chunks(AT_ONCE) {
            let races = some.iter().map(|order| race(&one, &two, order));
            for winner in futures_util::future::join_all(races).await {
                wins[winner] += 1;
            }
        }
        finish(&one, &orders).await;
        finish(&two, &orders).await;
    }
    assert_eq!(wins.iter().sum::<usize>(), N_GRABS);
    eprintln!("wins: {wins:?}");
}

/// Two riders grab one delivery; answers which of them won.
async fn race(one: &Person, two: &Person, order: &str) -> usize {
    let (a, b) = tokio::join!(grab(one, order), grab(two, order));
    let (winner, number, loser) = match (a, b) {
        (Ok(won), Err(lost)) => (won, 0, lost),
        (Err(lost), Ok(won)) => (won, 1, lost),
        (Ok(_), Ok(_)) => panic!("both won {order}"),
        (Err(a), Err(b)) => panic!("nobody won {order}: {a}; {b}"),
    };
    assert_eq!(winner["state"], "won");
    assert_eq!(loser.code(), Some(132), "the loser hears that it is gone: {loser}");
    number
}

/// Orders that nobody was there to take, so that they are in the pool.
async fn given_pool(shop: &Shop, customer: &mut Person) -> Vec<String> {
    let mut orders = Vec::with_capacity(BATCH);
    for _ in 0..BATCH {
        let order = given_paid_order(&customer.session, shop, spot(0.0, 900.0)).await;
        let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 5 });
        shop.merchant.call("order.accept", accept).await;
        orders.push(order);
    }
    for order in &orders {
        customer.until_state(order, "delivery", "pooled").await;
    }
    orders
}

async fn grab(rider: &Person, order: &str) -> Result<Value, ClientError> {
    rider.link.call("grab", json!({ "order": order, "cid": new_cid() })).await
}

/// Delivers what this rider won, and goes off duty.
async fn finish(rider: &Person, orders: &[String]) {
    for order in orders {
        let params = json!({ "order": order, "stop": "pickup", "cid": new_cid() });
        match rider.link.call("stop.done", params).await {
            Ok(_) => {
                let params = json!({ "order": order, "stop": "dropoff", "cid": new_cid() });
                rider.call("stop.done", params).await;
            }
            // The other one has it.
            Err(err) => assert!(matches!(err.code(), Some(130 | 131 | 122)), "{err}"),
        }
    }
    rider.call("duty.off", json!({ "cid": new_cid() })).await;
}
