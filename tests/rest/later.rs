//! Orders for later: slots with room for so many, and kitchens that begin in time.

use std::time::Duration;

use domain::role::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Person, Reply, Shop, World, each_world};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR_MS: i64 = 3_600_000;

async fn offer_slots(world: &World, shop: &Shop, capacity: u32) -> Vec<i64> {
    let path = format!("/v1/stores/{}/slots", shop.store);
    let rules = json!({"minutes": 30, "capacity": capacity});
    let said = world.put(&path).by(&shop.merchant).json(&rules).send().await.expect(200);
    begins(&said)
}

fn begins(slots: &Reply) -> Vec<i64> {
    let slots = slots.json["slots"].as_array().unwrap();
    slots.iter().map(|it| it["begins"].as_i64().unwrap()).collect()
}

fn wish(shop: &Shop, at: i64) -> Value {
    let mut wish = World::wish(shop, 1);
    wish["scheduled_for"] = json!(at);
    wish
}

async fn place(world: &World, customer: &Person, key: &str, wish: &Value) -> Reply {
    world.post("/v1/orders").by(customer).key(key).json(wish).send().await
}

async fn pay(world: &World, order: &str, customer: &Person) {
    let started = world.start_paying(order, customer).await.expect(201);
    world.pay_at_sandbox(&started.text("provider_ref")).await.expect(200);
}

#[actix_web::test]
async fn a_slot_is_never_sold_more_often_than_it_has_room() {
    each_world(async |world| {
        let shop = world.shop(99).await;
        let customers = join_all((0..12).map(|_| world.person(Role::Customer))).await;
        let none = place(world, &customers[0], "n", &wish(&shop, 0)).await;
        assert_eq!(none.problem(409, "slot-refused").json["why"], "not_offered");
        let slots = offer_slots(world, &shop, 3).await;
        let wanted = wish(&shop, slots[2]);
        let tries = customers.iter().map(|it| place(world, it, "k", &wanted));
        let answers = join_all(tries).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|it| it.status == 201);
        assert_eq!(won.len(), 3);
        for it in lost {
            assert_eq!(it.problem(409, "slot-refused").json["why"], "full");
        }
        assert_eq!(world.stock(&shop).await, 96, "whoever got no place took no stock");

        // Who goes gives the place back, once.
        let path = format!("/v1/stores/{}/slots", shop.store);
        let left = async || {
            let slots = world.get(&path).send().await.expect(200);
            slots.json["slots"][2]["left"].as_i64().unwrap()
        };
        assert_eq!(left().await, 0);
        let owner = won[0].json["customer"]["profile"].as_str().unwrap().to_owned();
        let owner = customers.iter().find(|it| it.profile.to_string() == owner).unwrap();
        world.act(&won[0].text("order"), owner, "cancel", json!({})).await.expect(200);
        assert_eq!(left().await, 1);
        world.pass(16 * MINUTE).await;
        assert_eq!(left().await, 3, "nobody paid in time");
    })
    .await;
}

#[actix_web::test]
async fn only_slots_that_kitchen_and_rider_can_make_are_offered_and_taken() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(99).await, world.person(Role::Customer).await);
        let slots = offer_slots(world, &shop, 3).await;
        let now = world.platform.now().ms();
        // 10 minutes of kitchen and 5 of handing over.
        assert!(slots[0] >= now + 15 * 60_000 && slots[0] < now + 45 * 60_000);
        assert!(slots.windows(2).all(|it| it[1] - it[0] == 30 * 60_000));
        for (key, at, why) in [
            ("a", slots[0] - 30 * 60_000, "too_soon"),
            ("b", slots[4] + 1, "no_slot"),
            ("c", slots[0] + 9 * 24 * HOUR_MS, "too_far_ahead"),
        ] {
            let refused = place(world, &customer, key, &wish(&shop, at)).await;
            assert_eq!(refused.problem(409, "slot-refused").json["why"], why, "{key}");
        }
        let path = format!("/v1/stores/{}/slots", shop.store);
        let odd = json!({"minutes": 7, "capacity": 1});
        world.put(&path).by(&shop.merchant).json(&odd).send().await.problem(422, "bad-input");
        let stranger = world.person(Role::Merchant).await;
        let rules = json!({"minutes": 30, "capacity": 0});
        world.put(&path).by(&stranger).json(&rules).send().await.problem(404, "not-found");
        let from = format!("{path}?limit=2&from={}", slots[3]);
        assert_eq!(begins(&world.get(&from).send().await.expect(200)), slots[3..5]);
    })
    .await;
}

/// What the store's channel says of an order's bell, oldest first.
async fn bells(world: &World, shop: &Shop, order: &str) -> Vec<String> {
    let channel = format!("store:{}", shop.store).parse().unwrap();
    let entries =
        storage::journal::read_after(&mut world.platform.reader(), &channel, 0, 500).await.unwrap();
    let bell = |entry: &storage::journal::Entry| {
        let body: Value = serde_json::from_str(&entry.body).unwrap();
        let is_its = entry.kind.as_str().starts_with("alarm") && body["order"] == order;
        is_its.then(|| {
            let sign = if entry.kind.as_str() == "alarm.clear" { "-" } else { "+" };
            format!("{sign}{}", body["alarm"].as_str().unwrap())
        })
    };
    entries.iter().filter_map(bell).collect()
}

#[actix_web::test]
async fn an_order_for_tomorrow_is_cooked_tomorrow() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(99).await, world.person(Role::Customer).await);
        let slots = offer_slots(world, &shop, 3).await;
        let wanted = slots[0] + 24 * HOUR_MS;
        // A closed store may take orders for when it is open again.
        let store = format!("/v1/stores/{}", shop.store);
        let shut = json!({"is_open": false});
        world.patch(&store).by(&shop.merchant).json(&shut).send().await.expect(200);
        let placed = place(world, &customer, "a", &wish(&shop, wanted)).await.expect(201);
        let order = placed.text("order");
        let release = placed.json["release_at"].as_i64().unwrap();
        assert_eq!(placed.json["scheduled_for"], json!(wanted));
        // 10 minutes of kitchen, 1.46 km in 8 minutes, 5 of handing over.
        assert_eq!(wanted - release, 23 * 60_000);
        pay(world, &order, &customer).await;
        assert_eq!(bells(world, &shop, &order).await, ["+upcoming_order"]);

        world.pass(30 * MINUTE).await;
        let merchant = shop.merchant.clone();
        let listed = world.get("/v1/orders").by(&world.again(&merchant).await).send().await;
        assert_eq!(
            listed.expect(200).json["orders"][0]["upcoming"],
            json!(true),
            "nobody rejected it"
        );
        let merchant = world.again(&merchant).await;
        let accepted = world.act(&order, &merchant, "accept", json!({})).await.expect(200);
        assert_eq!(accepted.text("state"), "accepted", "nobody cooks for another day");
        assert_eq!(accepted.json["ready_at"].as_i64().unwrap(), release + 10 * 60_000);
        let early = world.act(&order, &merchant, "start", Value::Null).await;
        assert_eq!(early.problem(409, "state-refused").json["from"], json!(release));

        let until = u64::try_from(release - world.platform.now().ms()).unwrap();
        world.pass(Duration::from_millis(until)).await;
        assert_eq!(bells(world, &shop, &order).await.last().unwrap(), "+start_now");
        world.pass(MINUTE).await;
        let rung = bells(world, &shop, &order).await;
        assert_eq!(
            rung.iter().filter(|it| *it == "+start_now").count(),
            2,
            "until somebody begins"
        );
        let merchant = world.again(&merchant).await;
        world.act(&order, &merchant, "start", Value::Null).await.expect(200);
        assert_eq!(bells(world, &shop, &order).await.last().unwrap(), "-start_now");
        world.act(&order, &merchant, "ready", Value::Null).await.expect(200);
        let rung = bells(world, &shop, &order).await.len();
        world.pass(60 * MINUTE).await;
        assert_eq!(bells(world, &shop, &order).await.len(), rung, "silence after the work");
    })
    .await;
}

#[actix_web::test]
async fn the_bell_rings_again_until_somebody_acts() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(99).await, world.person(Role::Customer).await);
        let order = world.paid_order(&shop, &customer).await;
        assert_eq!(bells(world, &shop, &order).await, ["+new_order"]);
        world.pass(59 * Duration::from_secs(1)).await;
        assert_eq!(bells(world, &shop, &order).await.len(), 1);
        for n in 2..4 {
            world.pass(MINUTE).await;
            assert_eq!(bells(world, &shop, &order).await.len(), n);
        }
        let accept = json!({"prep_min": 5});
        world.act(&order, &shop.merchant, "accept", accept).await.expect(200);
        assert_eq!(bells(world, &shop, &order).await.last().unwrap(), "-new_order");
        let rung = bells(world, &shop, &order).await.len();
        world.pass(5 * MINUTE).await;
        assert_eq!(bells(world, &shop, &order).await.len(), rung, "the kitchen has a minute more");
        world.pass(MINUTE).await;
        assert_eq!(bells(world, &shop, &order).await.last().unwrap(), "+kitchen_overdue");
        world.act(&order, &shop.merchant, "ready", Value::Null).await.expect(200);
        assert_eq!(bells(world, &shop, &order).await.last().unwrap(), "-kitchen_overdue");
    })
    .await;
}
