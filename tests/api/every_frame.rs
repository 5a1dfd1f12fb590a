//! Every command, answer and push goes over a real socket and is as the AsyncAPI document says.

use std::{collections::BTreeSet, time::Duration};

use riderhub::client::{calls, link::new_cid, rest::Call};
use serde_json::{Value, json};
use storage::testing::Engine;

use crate::{
    shapes::shapes,
    support::{Person, Shop, World, given_paid_order, given_shop, spot},
    trouble::given_operator,
};

/// What needs a fault, an hour or hundreds of orders, and is looked at by the tests named.
const ELSEWHERE: [(&str, &str); 12] = [
    ("push.order.delayed", "on_the_way.rs: after forty minutes"),
    ("push.ops.event.delay", "the same for operators"),
    ("push.hub", "tests/chaos"),
    ("push.ping", "tests/sockets: twenty seconds"),
    ("push.lag", "static/client/tests/real.test.ts"),
    ("push.drain", "drain.rs"),
    ("push.unsubscribed", "tests/sockets/joining.rs"),
    ("push.presence", "presence: after the grace"),
    ("push.loc.denied", "two devices of a rider"),
    ("push.signed_out", "devices.rs: a fourth device"),
    ("push.auth", "tests/sockets: a token that is not renewed"),
    ("push.msg.bench.latest", "one shape with bench.log"),
];
/// With this clock three minutes without a rider pass in a second and a half.
/// No order ends because a slow machine takes an hour of that clock.
const FAST: [&str; 5] =
    ["--time-scale", "120", "--bench-channels", "--no-rider-stop-min", "100000"];
/// So far north the dispatcher does not look for riders.
const FAR_NORTH_M: f64 = 90_000.0;

#[tokio::test]
async fn every_frame_of_the_document_goes_over_the_wire_as_it_is_described() {
    let mut seen = BTreeSet::new();
    with_offers(&mut seen).await;
    with_the_pool(&mut seen).await;
    seen.extend(ELSEWHERE.iter().map(|(name, _)| (*name).to_owned()));
    let missing: Vec<&String> = shapes().names().filter(|it| !seen.contains(*it)).collect();
    assert!(missing.is_empty(), "nobody sent these: {missing:#?}");
}

fn collect(seen: &mut BTreeSet<String>, people: &[&Person]) {
    for person in people {
        seen.extend(person.watch.lock().unwrap().right.iter().cloned());
    }
}

/// An order that its customer puts together in a cart, and collects.
async fn collect_one(customer: &mut Person, shop: &mut Shop, operator: &Person) {
    let line = format!("/v1/carts/{}/lines/{}", shop.store, shop.product);
    customer.session.call(Call::put(line, json!({ "quantity": 1 }))).await.unwrap();
    until_kind(customer, "cart").await;
    let wish = json!({ "store": shop.store, "handover": { "mode": "pickup" },
        "lines": [{ "product": shop.product, "quantity": 1 }] });
    let placed = customer.session.call(Call::post("/v1/orders", wish).key(new_cid())).await;
    let placed = placed.unwrap();
    let order = placed["order"].as_str().unwrap();
    calls::pay(&customer.session, order).await.unwrap();
    for verb in ["order.accept", "order.ready"] {
        shop.merchant.call(verb, json!({ "order": order, "cid": new_cid() })).await;
    }
    let path = format!("/v1/ops/orders/{order}/handover/waive");
    let waive = Call::post(path, json!({ "reason": "code_not_at_hand" })).key(new_cid());
    operator.session.call(waive).await.unwrap();
    for person in [&mut *customer, &mut shop.merchant] {
        until_kind(person, "handover").await;
    }
    let ready = until_kind(customer, "pickup.ready").await;
    let path = format!("/v1/stores/{}/pickups/verify", shop.store);
    let shown = json!({ "code": ready["qr"] });
    let given = shop.merchant.session.call(Call::post(path, shown).key(new_cid())).await.unwrap();
    assert_eq!((&given["order"], &given["state"]), (&json!(order), &json!("delivered")));
}

async fn until_push(person: &mut Person, push: &str) {
    person.until_push(push, |it| (it["push"] == push).then_some(())).await;
}

async fn until_kind(person: &mut Person, kind: &str) -> Value {
    person.until(kind, |it| (it.kind == kind).then(|| it.body.clone().into())).await
}

/// Offer, chat, stops, the operators' map.
async fn with_offers(seen: &mut BTreeSet<String>) {
    let world = World::start(Engine::MariaDb, &["--bench-channels"]);
    let mut operator = given_operator(&world).await;
    let regions = operator.session.call(Call::get("/v1/regions")).await.unwrap();
    assert!(regions.is_array());
    let mut shop = given_shop(&world, 0, spot(0.0, 0.0), 50).await;
    let region = &domain::geo::Place::new(spot(0.0, 0.0).lat, spot(0.0, 0.0).lng).unwrap().region();
    operator.call("sub", json!({ "ch": format!("ops:{region}") })).await;
    let mut customer = Person::join(&world, 1, "customer", "Cleo").await;
    let mut rider = Person::join(&world, 0, "rider", "Remy").await;
    rider.on_duty(spot(300.0, 0.0), 3).await;
    let order = given_paid_order(&customer.session, &shop, spot(0.0, 900.0)).await;
    let order_of = |more: Value| {
        let mut params = json!({ "order": order, "cid": new_cid() });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    until_kind(&mut shop.merchant, "alarm").await;
    customer.call("sub", json!({ "ch": format!("loc:{order}") })).await;
    customer.call("sub", json!({ "ch": format!("live:{order}") })).await;
    shop.merchant.call("order.accept", order_of(json!({ "start": false }))).await;
    shop.merchant.call("order.start", order_of(json!({}))).await;
    talk(&mut customer, &mut shop, &order).await;
    collect_one(&mut customer, &mut shop, &operator).await;

    let offer = until_kind(&mut rider, "offer").await;
    let take = json!({ "offer": offer["offer"], "cid": new_cid(), "take": true });
    rider.call("offer.reply", take.clone()).await;
    assert_eq!(rider.call("offer.reply", take).await["dup"], true);
    let late = json!({ "offer": offer["offer"], "cid": new_cid(), "take": true });
    assert!(rider.link.ask("offer.reply", late).await.is_err());
    until_kind(&mut rider, "route").await;
    until_push(&mut operator, "ops.why").await;
    let why = Call::get(format!("/v1/ops/orders/{order}/why"));
    let why = operator.session.call(why).await.unwrap();
    assert_eq!(why[0]["chosen"]["rider"], rider.profile(), "{why}");
    assert_eq!(why[0]["offer"], offer["offer"], "{why}");
    for seq in 1..=3 {
        let t = 1_790_000_000_000_i64;
        rider.link.tell(
            "loc.put",
            json!({ "seq": seq, "lat": 31.2, "lng": 121.465, "hdg": 90.0, "t": t }),
        );
    }
    rider.call("loc.put", json!({ "seq": 9, "lat": 31.2, "lng": 121.465, "t": 0 })).await;
    rider.call("loc.claim", json!({ "cid": new_cid() })).await;
    until_push(&mut customer, "loc").await;
    until_push(&mut customer, "eta").await;
    shop.merchant.call("order.ready", order_of(json!({}))).await;
    rider.do_stop(&order, "pickup").await;
    rider.do_stop(&order, "dropoff").await;
    rider.call("duty.break", json!({})).await;
    rider.call("duty.off", json!({ "cid": new_cid() })).await;
    until_push(&mut operator, "ops.event").await;

    let other = given_paid_order(&customer.session, &shop, spot(0.0, 900.0)).await;
    let reject = json!({ "order": other, "cid": new_cid(), "reason": "sold_out" });
    shop.merchant.call("order.reject", reject).await;
    until_kind(&mut shop.merchant, "alarm.clear").await;
    collect(seen, &[&operator, &shop.merchant, &customer, &rider]);
}

/// Chat, receipts, bench channels, tokens.
async fn talk(customer: &mut Person, shop: &mut Shop, order: &str) {
    let ch = format!("order:{order}");
    customer.until_state(order, "order", "accepted").await;
    let off = customer.say(order, "no onions please").await;
    let place = json!({ "ch": ch, "cid": new_cid(), "kind": "location", "place": { "lat": 31.2, "lng": 121.4, "label": "door" } });
    customer.call("chat.send", place).await;
    shop.merchant.until_said(order, "no onions please").await;
    shop.merchant.call("read", json!({ "ch": ch, "off": off })).await;
    shop.merchant.call("ack", json!({ "ch": ch, "off": off })).await;
    until_push(customer, "cur").await;
    shop.merchant.call("typing", json!({ "ch": ch })).await;
    until_push(customer, "typing").await;
    customer.call("chat.recall", json!({ "ch": ch, "cid": new_cid(), "off": off })).await;
    until_kind(&mut shop.merchant, "edit").await;
    customer.call("history", json!({ "ch": ch, "after": 0 })).await;
    customer.call("history", json!({ "ch": ch, "before": off + 1, "limit": 2 })).await;
    let known = json!({ "ch": ch, "ep": customer.seen.last().unwrap().epoch, "off": off - 1 });
    customer.call("sub", known).await;
    customer.until("the tombstone", |it| it.body.contains_key("recalled").then_some(())).await;
    for ch in ["bench:log:every", "bench:latest:every"] {
        customer.call("sub", json!({ "ch": ch })).await;
        customer.call("pub", json!({ "ch": ch, "body": { "n": 1 }, "cid": new_cid() })).await;
    }
    customer.until("a bench entry", |it| (it.channel == "bench:log:every").then_some(())).await;
    customer.call("unsub", json!({ "ch": "bench:log:every" })).await;
    customer.call("unsub", json!({ "ch": "bench:latest:every" })).await;
    let token = customer.session.access_token().await;
    customer.call("auth.refresh", json!({ "token": token })).await;
}

/// The pool, and a rider who stays silent until he is sent on a break.
async fn with_the_pool(seen: &mut BTreeSet<String>) {
    let world = World::start(Engine::Sqlite, &FAST);
    let shop = given_shop(&world, 0, spot(0.0, 0.0), 50).await;
    let mut customer = Person::join(&world, 0, "customer", "Cleo").await;
    let mut far = Person::join(&world, 0, "rider", "Ann").await;
    far.on_duty(spot(FAR_NORTH_M, 0.0), 9).await;
    let place = domain::geo::Place::new(spot(0.0, 0.0).lat, spot(0.0, 0.0).lng).unwrap();
    let pool = format!("pool:{}", place.cell(domain::geo::POOL_CELL_CHARS));
    far.call("sub", json!({ "ch": pool })).await;
    let mut orders = Vec::new();
    for _ in 0..2 {
        let order = given_paid_order(&customer.session, &shop, spot(0.0, 900.0)).await;
        let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 5 });
        shop.merchant.call("order.accept", accept).await;
        orders.push(order);
    }
    for order in &orders {
        customer.until_state(order, "delivery", "pooled").await;
    }
    far.until_push("a delivery in the pool", |it| it.contains_key("open").then_some(())).await;
    far.call("grab", json!({ "order": orders[0], "cid": new_cid() })).await;
    let on = json!({ "order": orders[0], "cid": new_cid(), "reason": "other" });
    far.call("delivery.hand_on", on).await;
    until_kind(&mut far, "unassigned").await;
    for (verb, reason) in [("delivery.return", "customer_refused"), ("delivery.lost", "accident")] {
        let params = json!({ "order": orders[1], "cid": new_cid() });
        if verb == "delivery.return" {
            far.call("grab", params.clone()).await;
            let ready = json!({ "order": orders[1], "cid": new_cid() });
            shop.merchant.call("order.ready", ready).await;
            far.do_stop(&orders[1], "pickup").await;
        }
        let params = json!({ "order": orders[1], "cid": new_cid(), "reason": reason });
        far.call(verb, params).await;
    }
    let mut silent = Person::join(&world, 0, "rider", "Bob").await;
    for _ in 0..3 {
        silent.on_duty(spot(100.0, 0.0), 9).await;
        let order = given_paid_order(&customer.session, &shop, spot(0.0, 900.0)).await;
        let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 5 });
        shop.merchant.call("order.accept", accept).await;
    }
    until_kind(&mut silent, "duty").await;
    until_kind(&mut silent, "offer.closed").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    collect(seen, &[&far, &silent, &customer, &shop.merchant]);
}
