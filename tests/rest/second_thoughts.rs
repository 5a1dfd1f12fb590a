//! What happens to an order besides its usual way: calling off, urging, things that run out, slips.

use std::time::Duration;

use domain::role::Role;
use serde_json::{Value, json};

use crate::support::{Person, Reply, Shop, World, each_world};

const MINUTE: Duration = Duration::from_secs(60);

/// An order of 2 pieces at 12.50 with a delivery fee of 5.00 that the kitchen works on.
async fn in_kitchen(world: &World, shop: &Shop, customer: &Person) -> String {
    let order = world.paid_order(shop, customer).await;
    world.act(&order, &shop.merchant, "accept", json!({"prep_min": 30})).await.expect(200);
    order
}

async fn refunded(world: &World, order: &str) -> i64 {
    let order_id = order.parse().unwrap();
    let refunds = storage::payments::list_refunds(&mut world.platform.reader(), order_id).await;
    let refunds = refunds.unwrap();
    assert!(refunds.iter().all(|it| it.state.as_str() == "succeeded"), "{refunds:?}");
    refunds.iter().map(|it| it.amount.minor()).sum()
}

async fn quote(world: &World, order: &str, customer: &Person) -> Reply {
    world.act(order, customer, "cancel/quote", Value::Null).await
}

#[actix_web::test]
async fn the_fee_that_was_quoted_is_the_fee_that_is_charged() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = in_kitchen(world, &shop, &customer).await;
        // Free within the first minute, and the promise outlives it.
        let free = quote(world, &order, &customer).await.expect(201);
        assert_eq!(
            (&free.json["fee_minor"], &free.json["refund_minor"]),
            (&json!(0), &json!(3_000))
        );
        assert_eq!(free.json["needs_consent"], json!(false));
        world.pass(2 * MINUTE).await;
        world.act(&order, &customer, "cancel", json!({})).await.problem(409, "too-late");
        let named = json!({"reason": "changed_mind", "quote": free.text("quote")});
        world.act(&order, &customer, "cancel", named.clone()).await.expect(200);
        assert_eq!(refunded(world, &order).await, 3_000);
        assert_eq!(world.stock(&shop).await, 9);

        // Later it costs half of the goods, and the store has to agree.
        let order = in_kitchen(world, &shop, &customer).await;
        let foreign = world.act(&order, &customer, "cancel", named).await;
        assert_eq!(foreign.problem(409, "quote-refused").json["why"], "differs");
        world.pass(2 * MINUTE).await;
        let dear = quote(world, &order, &customer).await.expect(201);
        assert_eq!(
            (&dear.json["fee_minor"], &dear.json["refund_minor"]),
            (&json!(1_250), &json!(1_750))
        );
        assert_eq!(dear.json["needs_consent"], json!(true));
        let named = json!({"quote": dear.text("quote")});
        world.act(&order, &customer, "cancel", named.clone()).await.problem(409, "state-refused");
        let asked = world.act(&order, &customer, "cancel/request", named).await.expect(200);
        assert_eq!(
            (asked.text("request").as_str(), asked.text("state").as_str()),
            ("open", "preparing")
        );
        let again = world.act(&order, &customer, "cancel/request", json!({})).await;
        assert_eq!(again.problem(409, "state-refused").json["answer_by"], asked.json["answer_by"]);
        let seen = world.show(&order, &shop.merchant).await;
        assert_eq!(seen.json["cancel_request"]["fee_minor"], json!(1_250));
        let stranger = world.person(Role::Merchant).await;
        world.act(&order, &stranger, "cancel/agree", Value::Null).await.problem(404, "not-found");
        let agreed = world.act(&order, &shop.merchant, "cancel/agree", Value::Null).await;
        assert_eq!(agreed.expect(200).text("state"), "cancelled");
        assert_eq!(refunded(world, &order).await, 1_750);
        let shown = world.show(&order, &customer).await;
        assert_eq!(shown.text("refund"), "partial");
        let late = world.act(&order, &shop.merchant, "cancel/agree", Value::Null).await;
        late.problem(404, "not-found");
    })
    .await;
}

#[actix_web::test]
async fn silence_of_the_store_is_agreement_and_a_refusal_is_not() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let (silent, refused) =
            (in_kitchen(world, &shop, &customer).await, in_kitchen(world, &shop, &customer).await);
        world.pass(2 * MINUTE).await;
        let why = json!({"reason": "too_slow"});
        for order in [&silent, &refused] {
            world.act(order, &customer, "cancel/request", why.clone()).await.expect(200);
        }
        world.act(&refused, &shop.merchant, "cancel/refuse", Value::Null).await.expect(200);
        world.pass(14 * MINUTE).await;
        let customer = world.again(&customer).await;
        assert_eq!(world.show(&silent, &customer).await.text("state"), "preparing");
        world.pass(MINUTE).await;
        let customer = world.again(&customer).await;
        let shown = world.show(&silent, &customer).await;
        assert_eq!(shown.text("state"), "cancelled");
        assert_eq!(shown.json["cancel_request"]["state"], "agreed");
        assert_eq!(refunded(world, &silent).await, 1_750);
        let shown = world.show(&refused, &customer).await;
        assert_eq!(shown.text("state"), "preparing");
        assert_eq!(shown.json["cancel_request"]["state"], "refused");

        // Nobody fetches it and the kitchen is late: nothing is kept, and nobody need be asked.
        world.pass(29 * MINUTE).await;
        let customer = world.again(&customer).await;
        let late = quote(world, &refused, &customer).await.expect(201);
        assert_eq!(
            (&late.json["fee_minor"], &late.json["needs_consent"]),
            (&json!(0), &json!(false))
        );
        let gone = world.act(&refused, &customer, "cancel/request", json!({})).await.expect(200);
        assert_eq!(
            (gone.text("request").as_str(), gone.text("state").as_str()),
            ("agreed", "cancelled")
        );
        assert_eq!(refunded(world, &refused).await, 3_000);
    })
    .await;
}

#[actix_web::test]
async fn a_quote_that_has_expired_does_not_hold() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = in_kitchen(world, &shop, &customer).await;
        let free = quote(world, &order, &customer).await.expect(201);
        world.pass(4 * MINUTE).await;
        let named = json!({"quote": free.text("quote")});
        let late = world.act(&order, &customer, "cancel", named).await;
        let late = late.problem(409, "quote-refused");
        assert_eq!(
            (&late.json["why"], &late.json["total_minor"]),
            (&json!("expired"), &json!(1_250))
        );
        let thief = world.person(Role::Customer).await;
        quote(world, &order, &thief).await.problem(404, "not-found");
    })
    .await;
}

#[actix_web::test]
async fn a_customer_urges_three_times_and_not_too_often() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let unpaid = world.order(&shop, &customer).await;
        world.act(&unpaid, &customer, "urge", Value::Null).await.problem(409, "state-refused");
        let order = in_kitchen(world, &shop, &customer).await;
        for n in 0..3 {
            let first = world.act(&order, &customer, "urge", Value::Null).await.expect(200);
            assert_eq!(first.text("state"), "preparing");
            let soon = world.act(&order, &customer, "urge", Value::Null).await;
            let soon = soon.problem(409, "state-refused");
            if n < 2 {
                let from = first.json["at"].as_i64().unwrap() + 5 * 60_000;
                assert_eq!(soon.json["from"], json!(from));
            } else {
                assert_eq!(soon.json["max"], json!(3));
            }
            world.pass(5 * MINUTE).await;
        }
        let customer = world.again(&customer).await;
        world.act(&order, &customer, "urge", Value::Null).await.problem(409, "state-refused");
        let story = world.show(&order, &customer).await.json["changes"].to_string();
        assert_eq!(story.matches("\"urged\"").count(), 3);
    })
    .await;
}

#[actix_web::test]
async fn the_money_for_what_ran_out_goes_back_at_once() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = in_kitchen(world, &shop, &customer).await;
        let one = json!({"line": 1, "quantity": 1});
        world.act(&order, &customer, "shortages", one.clone()).await.problem(403, "wrong-role");
        let none = json!({"line": 2, "quantity": 1});
        world.act(&order, &shop.merchant, "shortages", none).await.problem(404, "not-found");
        let all = json!({"line": 1, "quantity": 2});
        world.act(&order, &shop.merchant, "shortages", all).await.problem(409, "state-refused");
        world.act(&order, &shop.merchant, "shortages", one.clone()).await.expect(200);
        assert_eq!(refunded(world, &order).await, 1_250);
        world.act(&order, &shop.merchant, "shortages", one).await.problem(409, "state-refused");
        let shown = world.show(&order, &customer).await;
        assert_eq!(
            (shown.text("refund").as_str(), shown.text("state").as_str()),
            ("partial", "preparing")
        );
        assert_eq!(shown.json["shortages"][0]["state"], "refunded");

        // Whatever ends it later gives back the rest, and no more.
        let busy = json!({"reason": "sold_out"});
        world.act(&order, &shop.merchant, "cancel", busy).await.expect(200);
        assert_eq!(refunded(world, &order).await, 3_000);
    })
    .await;
}

#[actix_web::test]
async fn a_substitute_is_taken_or_the_money_goes_back_after_silence() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let body = json!({"name": "Rice", "price_minor": 1_000, "stock": 3});
        let path = format!("/v1/stores/{}/products", shop.store);
        let rice = world.post(&path).by(&shop.merchant).json(&body).send().await.expect(201);
        let rice = rice.text("product");
        let offer =
            json!({"line": 1, "quantity": 2, "substitute": {"product": rice, "quantity": 2}});
        let orders = [
            in_kitchen(world, &shop, &customer).await,
            in_kitchen(world, &shop, &customer).await,
            in_kitchen(world, &shop, &customer).await,
        ];
        for order in &orders {
            world.act(order, &shop.merchant, "shortages", offer.clone()).await.expect(200);
            assert_eq!(refunded(world, order).await, 0, "the customer is asked");
        }
        let [taken, refused, silent] = &orders;
        let stranger = world.person(Role::Customer).await;
        let yes = json!({"accept": true});
        let foreign = world.act(taken, &stranger, "shortages/1/answer", yes.clone()).await;
        foreign.problem(404, "not-found");
        world.act(taken, &customer, "shortages/1/answer", yes.clone()).await.expect(200);
        assert_eq!(refunded(world, taken).await, 500, "2 x 12.50 less 2 x 10.00");
        let twice = world.act(taken, &customer, "shortages/1/answer", yes.clone()).await;
        twice.problem(404, "not-found");
        // One is left: nobody is promised what is not there.
        let gone = world.act(refused, &customer, "shortages/1/answer", yes).await;
        gone.problem(409, "out-of-stock");
        let no = json!({"accept": false});
        world.act(refused, &customer, "shortages/1/answer", no).await.expect(200);
        assert_eq!(refunded(world, refused).await, 2_500);
        world.pass(5 * MINUTE).await;
        assert_eq!(refunded(world, silent).await, 2_500);
        let shown = world.show(silent, &customer).await;
        assert_eq!(shown.json["shortages"][0]["state"], "refunded");

        let slip = world.get(&format!("/v1/orders/{taken}/ticket")).by(&shop.merchant).send().await;
        let slip = String::from_utf8(slip.expect(200).bytes).unwrap();
        assert!(slip.contains("2 x Rice") && !slip.contains("Noodle soup"), "{slip}");
    })
    .await;
}

#[actix_web::test]
async fn the_kitchen_prints_what_it_needs() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let mut wish = World::wish(&shop, 2);
        wish["note"] = json!("No onions");
        wish["contact"] = json!({"name": "Ann", "phone": "13800138000"});
        let placed = world.post("/v1/orders").by(&customer).key("a").json(&wish).send().await;
        let order = placed.expect(201).text("order");
        let path = format!("/v1/orders/{order}/ticket");
        world.get(&path).by(&shop.merchant).send().await.problem(404, "not-found");
        let started = world.start_paying(&order, &customer).await.expect(201);
        world.pay_at_sandbox(&started.text("provider_ref")).await.expect(200);
        world.get(&path).by(&customer).send().await.problem(403, "wrong-role");
        let slip = world.get(&path).by(&shop.merchant).send().await.expect(200);
        let text = String::from_utf8(slip.bytes).unwrap();
        for said in [
            "#0001",
            "Noodles",
            "2 x Noodle soup",
            "25.00",
            "30.00 CNY",
            "No onions",
            "Ann",
            "13800138000",
            "Long Street 7",
        ] {
            assert!(text.contains(said), "{said} is missing:\n{text}");
        }
        assert!(text.lines().all(|it| it.chars().count() <= 32));
        let bytes =
            world.get(&format!("{path}?format=escpos&columns=48")).by(&shop.merchant).send();
        let bytes = bytes.await.expect(200);
        assert_eq!(bytes.headers.get("content-type").unwrap(), "application/octet-stream");
        assert!(bytes.bytes.starts_with(b"\x1b@") && bytes.bytes.ends_with(b"\x1dV\x01"));
        let odd = world.get(&format!("{path}?format=pdf")).by(&shop.merchant).send().await;
        odd.problem(400, "bad-query");
    })
    .await;
}

#[actix_web::test]
async fn what_is_ordered_again_is_what_is_still_sold() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.paid_order(&shop, &customer).await;
        let again = world.act(&order, &customer, "reorder", Value::Null).await.expect(200);
        assert_eq!(again.json["left_out"], json!([]));
        assert_eq!(again.json["cart"]["lines"][0]["quantity"], json!(2));
        let twice = world.act(&order, &customer, "reorder", Value::Null).await.expect(200);
        assert_eq!(twice.json["cart"]["lines"][0]["quantity"], json!(2), "not four");
        let gone = json!({"is_listed": false});
        let product = format!("/v1/products/{}", shop.product);
        world.patch(&product).by(&shop.merchant).json(&gone).send().await.expect(200);
        world.delete(&format!("/v1/carts/{}", shop.store)).by(&customer).send().await.expect(204);
        let left = world.act(&order, &customer, "reorder", Value::Null).await.expect(200);
        assert_eq!(left.json["cart"]["lines"], json!([]));
        assert_eq!(left.json["left_out"][0]["name"], "Noodle soup");
        let stranger = world.person(Role::Customer).await;
        world.act(&order, &stranger, "reorder", Value::Null).await.problem(404, "not-found");
    })
    .await;
}
