//! What orders cost, and what was promised about it.

use std::time::Duration;

use domain::role::Role;
use serde_json::{Value, json};

use crate::support::{Person, Reply, Shop, World, each_world};

const MINUTE: Duration = Duration::from_secs(60);

async fn quote(world: &World, customer: &Person, wish: &Value) -> Reply {
    world.post("/v1/quotes").by(customer).json(wish).send().await
}

async fn order(world: &World, customer: &Person, key: &str, wish: &Value) -> Reply {
    world.post("/v1/orders").by(customer).key(key).json(wish).send().await
}

fn named(wish: &Value, quote: &Reply) -> Value {
    let mut wish = wish.clone();
    wish["quote"] = json!(quote.text("quote"));
    wish
}

async fn set_price(world: &World, shop: &Shop, minor: i64) {
    let path = format!("/v1/products/{}", shop.product);
    let price = json!({"price_minor": minor});
    world.patch(&path).by(&shop.merchant).json(&price).send().await.expect(200);
}

/// The parts of a price, and that they make the total.
#[track_caller]
fn parts(price: &Value) -> [i64; 6] {
    let names = ["items", "packing", "delivery_fee", "discount", "tip", "total"];
    let parts = names.map(|it| price[format!("{it}_minor")].as_i64().unwrap());
    assert_eq!(parts[0] + parts[1] + parts[2] - parts[3] + parts[4], parts[5], "{price}");
    parts
}

#[actix_web::test]
async fn the_way_the_packing_and_the_tip_are_part_of_one_breakdown() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(99).await, world.person(Role::Customer).await);
        let fees = format!("/v1/stores/{}/fees", shop.store);
        let said = json!({"included_m": 1_000, "per_km_minor": 150, "free_from_minor": 5_000,
            "packing_minor": 100});
        let said = world.put(&fees).by(&shop.merchant).json(&said).send().await.expect(200);
        assert_eq!(
            (&said.json["base_minor"], &said.json["per_km_minor"]),
            (&json!(500), &json!(150))
        );
        let choice = format!("/v1/products/{}/options", shop.product);
        let packing = json!({"packing_minor": 50});
        world.put(&choice).by(&shop.merchant).json(&packing).send().await.expect(200);

        // The door is 1.46 km away: one kilometre begun beyond the one that is included.
        let mut wish = World::wish(&shop, 2);
        wish["tip_minor"] = json!(300);
        let quoted = quote(world, &customer, &wish).await.expect(201);
        assert_eq!(parts(&quoted.json["price"]), [2_500, 200, 650, 0, 300, 3_650]);
        let placed = order(world, &customer, "a", &named(&wish, &quoted)).await.expect(201);
        assert_eq!(parts(&placed.json["price"]), [2_500, 200, 650, 0, 300, 3_650]);
        let paid = world.start_paying(&placed.text("order"), &customer).await.expect(201);
        assert_eq!(paid.json["amount_minor"], json!(3_650), "exactly that is charged");

        let many = order(world, &customer, "b", &World::wish(&shop, 4)).await.expect(201);
        assert_eq!(parts(&many.json["price"]), [5_000, 300, 0, 0, 0, 5_300], "free from 50.00 on");
        let never = json!({"free_from_minor": null});
        let said = world.put(&fees).by(&shop.merchant).json(&never).send().await.expect(200);
        assert_eq!(
            (&said.json["free_from_minor"], &said.json["included_m"]),
            (&Value::Null, &json!(1_000))
        );

        wish["tip_minor"] = json!(-1);
        order(world, &customer, "c", &wish).await.problem(422, "bad-input");
        let stranger = world.person(Role::Merchant).await;
        world.put(&fees).by(&stranger).json(&never).send().await.problem(404, "not-found");
        world.put(&choice).by(&stranger).json(&packing).send().await.problem(404, "not-found");
        let absurd = json!({"per_km_minor": -1});
        world.put(&fees).by(&shop.merchant).json(&absurd).send().await.problem(422, "bad-input");
    })
    .await;
}

#[actix_web::test]
async fn a_quote_is_charged_exactly_or_refused_with_the_reason() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(99).await, world.person(Role::Customer).await);
        let wish = World::wish(&shop, 2);
        let first = quote(world, &customer, &wish).await.expect(201);
        assert_eq!(first.json["price"]["total_minor"], json!(3_000));
        let (at, until) = (world.platform.now().ms(), first.json["expires_at"].as_i64().unwrap());
        assert!((5 * 60_000..=15 * 60_000).contains(&(until - at)), "5 to 15 minutes");
        assert_eq!(world.stock(&shop).await, 99, "a quote takes nothing");

        // The menu gets dearer: what was promised holds, what is new costs more.
        set_price(world, &shop, 1_500).await;
        let held = order(world, &customer, "a", &named(&wish, &first)).await.expect(201);
        assert_eq!(held.json["price"]["total_minor"], json!(3_000));
        assert_eq!(held.json["lines"][0]["unit_minor"], json!(1_250));
        let again = order(world, &customer, "b", &named(&wish, &first)).await;
        assert_eq!(again.problem(409, "quote-refused").json["why"], "used");
        let same = order(world, &customer, "a", &named(&wish, &first)).await.expect(201);
        assert!(same.is_replay(), "the same request again is not a second use");
        let plain = order(world, &customer, "c", &wish).await.expect(201);
        assert_eq!(plain.json["price"]["total_minor"], json!(3_500));

        let second = quote(world, &customer, &wish).await.expect(201);
        let more = named(&World::wish(&shop, 3), &second);
        let differs = order(world, &customer, "d", &more).await;
        assert_eq!(differs.problem(409, "quote-refused").json["why"], "differs");
        let thief = world.person(Role::Customer).await;
        order(world, &thief, "e", &named(&wish, &second)).await.problem(404, "not-found");
        world.clock.advance(11 * MINUTE);
        let late = order(world, &customer, "f", &named(&wish, &second)).await;
        let late = late.problem(409, "quote-refused");
        assert_eq!(
            (&late.json["why"], &late.json["total_minor"]),
            (&json!("expired"), &json!(3_500))
        );
        assert_eq!(world.stock(&shop).await, 95, "refused orders take nothing");
    })
    .await;
}

#[actix_web::test]
async fn orders_of_a_store_are_numbered_from_one_each_day() {
    each_world(async |world| {
        let (shop, other) = (world.shop(99).await, world.shop(99).await);
        let customers =
            futures_util::future::join_all((0..6).map(|_| world.person(Role::Customer))).await;
        let wish = World::wish(&shop, 1);
        let placing = customers.iter().map(|it| order(world, it, "k", &wish));
        let mut numbers: Vec<_> = futures_util::future::join_all(placing)
            .await
            .into_iter()
            .map(|it| it.expect(201).text("number"))
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, ["#0001", "#0002", "#0003", "#0004", "#0005", "#0006"]);
        let elsewhere = order(world, &customers[0], "o", &World::wish(&other, 1)).await;
        assert_eq!(elsewhere.expect(201).text("number"), "#0001");

        let customer = world.again(&customers[0]).await;
        world.clock.advance(Duration::from_secs(24 * 3_600));
        let customer = world.again(&customer).await;
        let next = order(world, &customer, "n", &wish).await.expect(201);
        assert_eq!(next.text("number"), "#0001", "another day");
        let listed = world.get("/v1/orders?limit=1").by(&customer).send().await.expect(200);
        assert_eq!(listed.json["orders"][0]["number"], "#0001");
    })
    .await;
}

#[actix_web::test]
async fn whom_to_ask_for_and_how_much_cutlery_is_kept_with_the_order() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let mut wish = World::wish(&shop, 1);
        wish["cutlery"] = json!(2);
        wish["contact"] = json!({"name": "Ann", "phone": "+86 138-0013 8000"});
        let placed = order(world, &customer, "a", &wish).await.expect(201);
        assert_eq!(placed.json["cutlery"], json!(2));
        assert_eq!(placed.json["contact"], json!({"name": "Ann", "phone": "+8613800138000"}));
        wish["contact"]["phone"] = json!("call me");
        order(world, &customer, "b", &wish).await.problem(422, "bad-input");
        wish["contact"] = json!({});
        wish["cutlery"] = json!(100);
        order(world, &customer, "c", &wish).await.problem(422, "bad-input");
    })
    .await;
}
