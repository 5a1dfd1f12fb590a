//! Stocks: what orders hold, what merchants count, and the days of those that begin anew.

use std::time::Duration;

use domain::role::Role;
use serde_json::{Value, json};
use storage::stock_log;

use crate::support::{Reply, Shop, World, each_world};

const HOUR: Duration = Duration::from_secs(3_600);

async fn stock(world: &World, shop: &Shop) -> Value {
    let path = format!("/v1/products/{}/stock", shop.product);
    world.get(&path).by(&shop.merchant).send().await.expect(200).json
}

async fn change(world: &World, shop: &Shop, key: &str, body: Value) -> Reply {
    let path = format!("/v1/products/{}/stock", shop.product);
    world.post(&path).by(&shop.merchant).key(key).json(&body).send().await
}

/// Available, reserved, sold.
async fn numbers(world: &World, shop: &Shop) -> [i64; 3] {
    let page = stock(world, shop).await;
    let wrong = stock_log::list_wrong(&mut world.platform.reader()).await.unwrap();
    assert_eq!(wrong, [], "the log and the holds make the numbers");
    ["available", "reserved", "sold"].map(|it| page["stock"][it].as_i64().unwrap())
}

#[actix_web::test]
async fn an_order_reserves_its_payment_confirms_and_its_end_gives_back_once() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let unpaid = world.order(&shop, &customer).await;
        assert_eq!(numbers(world, &shop).await, [7, 2, 0]);
        let paid = world.paid_order(&shop, &customer).await;
        assert_eq!(numbers(world, &shop).await, [5, 2, 2]);
        world.act(&unpaid, &customer, "cancel", json!({})).await.expect(200);
        assert_eq!(numbers(world, &shop).await, [7, 0, 2]);
        world.act(&unpaid, &customer, "cancel", json!({})).await.problem(409, "state-refused");
        let busy = json!({"reason": "busy"});
        world.act(&paid, &shop.merchant, "reject", busy).await.expect(200);
        assert_eq!(numbers(world, &shop).await, [9, 0, 0]);
        let expired = world.order(&shop, &customer).await;
        assert_eq!(numbers(world, &shop).await, [7, 2, 0]);
        world.pass(HOUR).await;
        let shop = Shop { merchant: world.again(&shop.merchant).await, ..shop };
        assert_eq!(numbers(world, &shop).await, [9, 0, 0], "{expired}");

        let page = stock(world, &shop).await;
        let log = page["log"].as_array().unwrap();
        let events: Vec<_> = log.iter().rev().map(|it| it["event"].as_str().unwrap()).collect();
        assert_eq!(
            events,
            [
                "opened",
                "reserved",
                "reserved",
                "confirmed",
                "released",
                "released",
                "reserved",
                "released"
            ]
        );
        assert_eq!((&log[1]["order"], &log[1]["by_role"]), (&json!(expired), &json!("customer")));
        assert_eq!(log[1].get("by"), None, "who ordered is the order's business");
        assert_eq!(log[0]["by_role"], "system");
    })
    .await;
}

#[actix_web::test]
async fn a_merchant_counts_and_says_why() {
    each_world(async |world| {
        let shop = world.shop(9).await;
        let spoiled = json!({"adjust": -4, "reason": "spoiled"});
        let first = change(world, &shop, "s-1", spoiled.clone()).await.expect(201);
        assert_eq!((&first.json["available"], &first.json["total"]), (&json!(5), &json!(5)));
        let again = change(world, &shop, "s-1", spoiled.clone()).await.expect(201);
        assert!(again.is_replay());
        assert_eq!(again.json, first.json);
        let other = json!({"adjust": -3, "reason": "spoiled"});
        change(world, &shop, "s-1", other).await.problem(422, "idempotency-key-reused");
        assert_eq!(numbers(world, &shop).await, [5, 0, 0], "once");
        for (n, body) in [
            json!({"adjust": -6, "reason": "spoiled"}),
            json!({"set": -1, "reason": "correction"}),
            json!({"set": 1_000_000_001, "reason": "correction"}),
            json!({"set": 3, "reason": "mood"}),
            json!({"set": 3, "adjust": 1, "reason": "correction"}),
            json!({"reason": "correction"}),
            json!({"set": 3, "resets_at": "16:00", "reason": "correction"}),
            json!({"per_day": 3, "resets_at": "24:00", "reason": "correction"}),
            json!({"per_day": 3, "resets_at": "+1:00", "reason": "correction"}),
        ]
        .into_iter()
        .enumerate()
        {
            change(world, &shop, &format!("b-{n}"), body).await.problem(422, "bad-input");
        }
        change(world, &shop, "s-2", json!({"set": 30, "reason": "delivery"})).await.expect(201);
        let product = format!("/v1/products/{}", shop.product);
        let patch = json!({"stock": 12});
        world.patch(&product).by(&shop.merchant).json(&patch).send().await.expect(200);
        let log = stock(world, &shop).await["log"].clone();
        let told: Vec<_> = log.as_array().unwrap().iter().map(|it| &it["available"]).collect();
        assert_eq!(told, [-18, 25, -4, 9]);
        assert_eq!(
            (&log[1]["reason"], &log[1]["by_role"]),
            (&json!("delivery"), &json!("merchant"))
        );
        assert_eq!(log[1]["by"], shop.merchant.profile.to_string());

        let page = world
            .get(&format!("{product}/stock?limit=2"))
            .by(&shop.merchant)
            .send()
            .await
            .expect(200);
        let older = format!("{product}/stock?limit=2&before={}", page.json["next"]);
        let older = world.get(&older).by(&shop.merchant).send().await.expect(200);
        assert_eq!(older.json["log"][0]["available"], -4);
        assert_eq!(older.json.get("next"), None, "that was all");

        let stranger = world.person(Role::Merchant).await;
        let path = format!("{product}/stock");
        world.get(&path).by(&stranger).send().await.problem(404, "not-found");
        world
            .post(&path)
            .by(&stranger)
            .key("x")
            .json(&spoiled)
            .send()
            .await
            .problem(404, "not-found");
        let customer = world.person(Role::Customer).await;
        world.get(&path).by(&customer).send().await.problem(403, "wrong-role");
    })
    .await;
}

#[actix_web::test]
async fn what_is_unlimited_is_never_sold_out() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(1).await, world.person(Role::Customer).await);
        let endless = json!({"unlimited": true, "reason": "other"});
        let now = change(world, &shop, "s-1", endless).await.expect(201);
        assert_eq!((now.text("mode").as_str(), now.json.get("available")), ("unlimited", None));
        assert_eq!(world.stock(&shop).await, 1_000_000_000);
        let first = world.paid_order(&shop, &customer).await;
        world.order(&shop, &customer).await;
        let shown = stock(world, &shop).await["stock"].clone();
        assert_eq!((&shown["reserved"], &shown["sold"]), (&json!(2), &json!(2)));

        // Counted again: what was never taken off the shelf does not come back to it.
        world.clock.advance(Duration::from_secs(1));
        change(world, &shop, "s-2", json!({"set": 3, "reason": "stocktaking"})).await.expect(201);
        world.act(&first, &customer, "cancel", json!({})).await.expect(200);
        assert_eq!(numbers(world, &shop).await, [3, 2, 0]);
    })
    .await;
}

#[actix_web::test]
async fn a_daily_stock_begins_anew_at_its_minute_and_only_once() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(1).await, world.person(Role::Customer).await);
        let daily = json!({"per_day": 3, "resets_at": "16:30", "reason": "other"});
        let now = change(world, &shop, "s-1", daily).await.expect(201);
        assert_eq!(now.json["resets_at"], "16:30");
        let next = now.json["next_reset"].as_i64().unwrap();
        assert_eq!(next % 86_400_000, (16 * 60 + 30) * 60_000);
        let unpaid = world.order(&shop, &customer).await;
        assert_eq!(numbers(world, &shop).await, [1, 2, 0]);

        // The day begins while an order of yesterday is not paid yet.
        let until = u64::try_from(next - world.platform.now().ms()).unwrap();
        world.clock.advance(Duration::from_millis(until) - Duration::from_secs(1));
        let shop = Shop { merchant: world.again(&shop.merchant).await, ..shop };
        let customer = world.again(&customer).await;
        assert_eq!(numbers(world, &shop).await, [1, 2, 0], "not before");
        world.pass(Duration::from_secs(1)).await;
        let held = numbers(world, &shop).await;
        assert_eq!(held[0], 3, "all of the day, and none of yesterday: {unpaid}");
        world.pass(Duration::from_secs(20 * 60)).await;
        let shop = Shop { merchant: world.again(&shop.merchant).await, ..shop };
        let customer = world.again(&customer).await;
        assert_eq!(numbers(world, &shop).await, [3, 0, 0]);
        let today = world.order(&shop, &customer).await;
        world.act(&today, &customer, "cancel", json!({})).await.expect(200);
        assert_eq!(numbers(world, &shop).await, [3, 0, 0]);
        let log = stock(world, &shop).await["log"].to_string();
        assert_eq!(log.matches("\"reset\"").count(), 1, "{log}");

        // By the sun it is midnight in Shanghai at 16:00 UTC.
        let daily = json!({"per_day": 8, "reason": "other"});
        let now = change(world, &shop, "s-2", daily).await.expect(201);
        assert_eq!((&now.json["resets_at"], &now.json["available"]), (&json!("16:00"), &json!(8)));
    })
    .await;
}
