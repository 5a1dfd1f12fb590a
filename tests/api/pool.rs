//! What a rider who looks at a cell of the pool sees: everything at first, then every change.

use domain::geo::{POOL_CELL_CHARS, Place};
use riderhub::client::link::new_cid;
use serde_json::{Value, json};
use storage::testing::Engine;

use crate::support::{Person, Shop, World, given_paid_order, given_shop, spot};

/// With this clock three minutes without a rider pass in a second and a half.
const FAST: [&str; 2] = ["--time-scale", "120"];
/// So far north the dispatcher does not look for riders: nobody but this one takes anything.
const FAR_NORTH_M: f64 = 90_000.0;

#[tokio::test]
async fn the_pool_of_a_cell_is_whole_and_stays_so_on_sqlite() {
    snapshot_and_changes(&World::start(Engine::Sqlite, &FAST)).await;
}

#[tokio::test]
async fn the_pool_of_a_cell_is_whole_and_stays_so_on_two_nodes() {
    snapshot_and_changes(&World::start(Engine::MariaDb, &FAST)).await;
}

async fn given_order(shop: &Shop, customer: &Person) -> String {
    let order = given_paid_order(&customer.session, shop, spot(0.0, 900.0)).await;
    let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 5 });
    shop.merchant.call("order.accept", accept).await;
    order
}

/// Whether a push says that an order came into the pool, or left it.
async fn until_pool_says(rider: &mut Person, order: &str, open: bool) -> Value {
    rider
        .until_push(&format!("{order} open:{open}"), |it| {
            let is_it = it["push"] == "pool"
                && it.get("order") == Some(&json!(order))
                && it.get("open") == Some(&json!(open));
            is_it.then(|| Value::Object((*it).clone()))
        })
        .await
}

/// The orders of a snapshot.
async fn look(rider: &mut Person, ch: &str) -> Vec<String> {
    rider.pushes.clear();
    rider.call("sub", json!({ "ch": ch })).await;
    let snapshot = rider.until_push("the snapshot", |it| it.get("snapshot").cloned()).await;
    let orders = snapshot.as_array().unwrap().iter().map(|it| {
        assert!(it["open"] == true && it["pay_minor"].as_i64() > Some(0), "{it}");
        it["order"].as_str().unwrap().to_owned()
    });
    orders.collect()
}

async fn snapshot_and_changes(world: &World) {
    let shop = given_shop(world, 0, spot(0.0, 0.0), 50).await;
    let elsewhere = given_shop(world, 0, spot(4_000.0, 0.0), 50).await;
    let mut customer = Person::join(world, 0, "customer", "Cleo").await;
    let mut rider = Person::join(world, world.nodes.len() - 1, "rider", "Ann").await;
    rider.on_duty(spot(FAR_NORTH_M, 0.0), 9).await;
    let place = spot(0.0, 0.0);
    let cell = Place::new(place.lat, place.lng).unwrap().cell(POOL_CELL_CHARS);
    let ch = format!("pool:{cell}");

    let first = given_order(&shop, &customer).await;
    let other_cell = given_order(&elsewhere, &customer).await;
    for order in [&first, &other_cell] {
        customer.until_state(order, "delivery", "pooled").await;
    }
    assert_eq!(look(&mut rider, &ch).await, std::slice::from_ref(&first), "what was there before");

    let (second, third) =
        (given_order(&shop, &customer).await, given_order(&shop, &customer).await);
    for order in [&second, &third] {
        let told = until_pool_says(&mut rider, order, true).await;
        assert!(told["store"]["id"] == shop.store.as_str() && told["pay_minor"].is_i64(), "{told}");
    }
    // Two are grabbed, one by himself and one by somebody else; one stays.
    rider.call("grab", json!({ "order": first, "cid": new_cid() })).await;
    until_pool_says(&mut rider, &first, false).await;
    let bob = Person::join(world, 0, "rider", "Bob").await;
    bob.on_duty(spot(FAR_NORTH_M, 100.0), 9).await;
    bob.call("grab", json!({ "order": second, "cid": new_cid() })).await;
    until_pool_says(&mut rider, &second, false).await;
    rider.call("unsub", json!({ "ch": ch })).await;
    assert_eq!(look(&mut rider, &ch).await, [third], "the same as the changes said");
    let told = rider.pushes.iter().filter(|it| it.get("order") == Some(&json!(other_cell)));
    assert_eq!(told.count(), 0, "nothing of another cell");
}
