//! What riders' positions tell: arrivals without a tap, estimates, delays before anybody asks.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use domain::geo::{POOL_CELL_CHARS, Place};
use riderhub::client::{
    calls::LatLng,
    link::{Link, new_cid},
    rest::Call,
};
use serde_json::{Value, json};
use storage::testing::Engine;
use tokio::time::sleep;

use crate::support::{Person, Shop, World, each_world, given_paid_order, given_shop, spot};

/// With this clock the stay of an arrival is a second.
const FAST: [&str; 2] = ["--time-scale", "20"];
/// With this clock a promise is broken after four seconds.
const FASTER: [&str; 2] = ["--time-scale", "600"];
/// Real time between two positions.
const REPORTS_EVERY: Duration = Duration::from_millis(100);

/// Stands at a place and says so, until dropped.
async fn stand(link: Link, seq: &AtomicU64, at: LatLng) {
    let pace = link.ready().await.unwrap();
    loop {
        let seq = seq.fetch_add(1, Ordering::Relaxed);
        let t = pace.now_ms();
        link.tell("loc.put", json!({ "seq": seq, "lat": at.lat, "lng": at.lng, "acc": 9, "t": t }));
        sleep(REPORTS_EVERY).await;
    }
}

async fn given_assigned(shop: &mut Shop, customer: &mut Person, rider: &mut Person) -> String {
    let order = given_paid_order(&customer.session, shop, spot(0.0, 900.0)).await;
    let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 5 });
    shop.merchant.call("order.accept", accept).await;
    let offer = rider
        .until("an offer", |it| {
            let is_it = it.kind == "offer" && it.text("order") == Some(&order);
            is_it.then(|| it.text("offer").unwrap().to_owned())
        })
        .await;
    let take = json!({ "offer": offer, "cid": new_cid(), "take": true });
    assert_eq!(rider.call("offer.reply", take).await["state"], "won");
    order
}

fn n_told(person: &Person, order: &str, state: &str) -> usize {
    let channel = format!("order:{order}");
    let is_it = |it: &&std::sync::Arc<_>| {
        let it: &riderhub::client::log::Entry = it;
        it.channel == channel
            && it.text("machine") == Some("delivery")
            && it.text("to") == Some(state)
    };
    person.seen.iter().filter(is_it).count()
}

async fn check_arrivals(world: &World) {
    let other = world.nodes.len() - 1;
    let mut shop = given_shop(world, 0, spot(0.0, 0.0), 10).await;
    let mut customer = Person::join(world, 0, "customer", "Cleo").await;
    let mut rider = Person::join(world, other, "rider", "Remy").await;
    rider.on_duty(spot(400.0, 0.0), 3).await;
    let order = given_assigned(&mut shop, &mut customer, &mut rider).await;
    customer.call("sub", json!({ "ch": format!("loc:{order}") })).await;
    let seq = AtomicU64::new(1);

    // Ninety metres away is not there, however long.
    tokio::select! {
        () = stand(rider.link.clone(), &seq, spot(90.0, 0.0)) => {}
        () = customer.hear_for(Duration::from_secs(3)) => {}
    }
    assert_eq!(n_told(&customer, &order, "arrived_pickup"), 0);
    tokio::select! {
        () = stand(rider.link.clone(), &seq, spot(12.0, 8.0)) => {}
        _ = customer.until_state(&order, "delivery", "arrived_pickup") => {}
    }
    // He taps all the same: no harm, and no second arrival.
    let tap = |stop: &str| json!({ "order": order, "stop": stop, "cid": new_cid() });
    assert_eq!(rider.call("stop.arrive", tap("pickup")).await["state"], "arrived_pickup");
    shop.merchant.call("order.ready", json!({ "order": order, "cid": new_cid() })).await;
    rider.until_state(&order, "order", "ready").await;
    assert_eq!(rider.call("stop.done", tap("pickup")).await["state"], "picked_up");
    tokio::select! {
        () = stand(rider.link.clone(), &seq, spot(0.0, 905.0)) => {}
        _ = customer.until_state(&order, "delivery", "arrived_dropoff") => {}
    }
    rider.call("stop.done", tap("dropoff")).await;
    customer.until_state(&order, "order", "delivered").await;
    for state in ["arrived_pickup", "arrived_dropoff"] {
        assert_eq!(n_told(&customer, &order, state), 1, "{state} once");
    }
    customer.check_copy(world, &format!("order:{order}")).await;
    check_what_was_seen(&customer, &order);
    check_what_is_left(&shop, &customer, &rider, &order).await;
}

/// The parties see the track, others nothing; riders see where people order.
async fn check_what_is_left(shop: &Shop, customer: &Person, rider: &Person, order: &str) {
    let path = format!("/v1/orders/{order}/track");
    let mut points = Vec::new();
    for _ in 0..100 {
        let track = customer.session.call(Call::get(&path)).await.unwrap();
        points = track["points"].as_array().unwrap().clone();
        // They are written every two seconds.
        if points.iter().any(|it| it["lng"].as_f64().unwrap() > spot(0.0, 880.0).lng) {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    assert!(points.iter().all(|it| it["rider"] == rider.profile()), "{points:?}");
    let at: Vec<i64> = points.iter().map(|it| it["at"].as_i64().unwrap()).collect();
    assert!(at.len() >= 2 && at.windows(2).all(|it| it[1] - it[0] >= 10_000), "{at:?}");
    assert!(shop.merchant.session.call(Call::get(&path)).await.is_ok());

    let place = Place::new(spot(0.0, 0.0).lat, spot(0.0, 0.0).lng).unwrap();
    let path = format!("/v1/demand?region={}", place.region());
    let demand = rider.session.call(Call::get(&path)).await.unwrap();
    assert_eq!(demand["cells"][0]["cell"], place.cell(POOL_CELL_CHARS), "{demand}");
    assert_eq!(demand["cells"][0]["orders"], 1);
    let refused = customer.session.call(Call::get(&path)).await.unwrap_err();
    assert!(refused.is_refusal(), "where others order is not for customers: {refused}");
}

/// No estimate sooner than a minute after the one before, and each one a range.
fn check_what_was_seen(customer: &Person, order: &str) {
    let number = |frame: &Value, name: &str| frame[name].as_i64().unwrap();
    let estimates: Vec<Value> = customer
        .pushes
        .iter()
        .map(|it| Value::Object((**it).clone()))
        .filter(|it| it["push"] == "eta" && it["order"] == *order)
        .collect();
    assert!(!estimates.is_empty(), "the customer knows when he comes");
    assert!(estimates[0]["pickup"].is_object(), "he has not been at the store: {}", estimates[0]);
    for pair in estimates.windows(2) {
        let apart = number(&pair[1], "at") - number(&pair[0], "at");
        assert!(apart == 0 || apart >= 60_000, "{apart} ms between two estimates");
    }
    for it in &estimates {
        assert!(number(it, "low") <= number(it, "eta") && number(it, "eta") < number(it, "high"));
    }
}

#[tokio::test]
async fn who_stays_at_a_stop_has_arrived_without_a_tap() {
    each_world(&FAST, async |world| check_arrivals(world).await).await;
}

async fn check_delays(world: &World) {
    let mut shop = given_shop(world, 0, spot(0.0, 0.0), 10).await;
    let mut customer = Person::join(world, world.nodes.len() - 1, "customer", "Cleo").await;
    let order = given_paid_order(&customer.session, &shop, spot(0.0, 900.0)).await;
    let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 5 });
    shop.merchant.call("order.accept", accept).await;
    let accepted = customer.until_state(&order, "order", "accepted").await.ts;

    let is_it = |channel: String| {
        let order = order.clone();
        move |it: &riderhub::client::log::Entry| {
            let fits = it.kind == "order.delayed" && it.channel == channel;
            fits.then(|| (it.text("order") == Some(&order), it.ts, it.body.clone()))
        }
    };
    let inbox = format!("inbox:{}", customer.profile());
    let (is_mine, told_at, body) = customer.until("a delay", is_it(inbox.clone())).await;
    let late_ms = body["late_ms"].as_i64().unwrap();
    assert!(is_mine && late_ms > 0 && body["again"] == false, "{body:?}");
    let promise_ms = body["promised"].as_i64().unwrap() - accepted;
    assert!(told_at - accepted <= promise_ms, "before the promise is broken, not after");
    shop.merchant.until("a delay", is_it(format!("store:{}", shop.store))).await;
    customer.until("a delay", is_it(format!("order:{order}"))).await;

    let again = customer
        .until("a longer delay", |it| {
            let fits = it.kind == "order.delayed" && it.channel == inbox;
            (fits && it.body["again"] == true).then(|| it.body["late_ms"].as_i64().unwrap())
        })
        .await;
    assert!(again >= late_ms + 10 * 60_000, "{late_ms} ms, then {again} ms");
    let mut told: Vec<i64> = customer
        .seen
        .iter()
        .filter(|it| it.kind == "order.delayed" && it.channel == inbox)
        .map(|it| it.body["late_ms"].as_i64().unwrap())
        .collect();
    told.dedup();
    assert!(told.windows(2).all(|it| it[1] - it[0] >= 10 * 60_000), "{told:?}");
}

#[tokio::test]
async fn the_customer_hears_that_her_order_is_late_before_she_has_to_ask() {
    check_delays(&World::start(Engine::Sqlite, &FASTER)).await;
}

#[tokio::test]
async fn a_delay_is_told_once_by_two_nodes() {
    check_delays(&World::start(Engine::MariaDb, &FASTER)).await;
}
