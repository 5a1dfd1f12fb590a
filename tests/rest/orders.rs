//! The life of an order over HTTP.

use std::time::Duration;

use domain::role::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{World, each_world};

const MINUTE: Duration = Duration::from_secs(60);

#[actix_web::test]
async fn an_order_is_placed_paid_accepted_and_made_ready() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.paid_order(&shop, &customer).await;
        let accepted = world.act(&order, &shop.merchant, "accept", json!({"prep_min": 20})).await;
        let accepted = accepted.expect(200);
        assert_eq!(accepted.text("state"), "preparing");
        let ready_at = accepted.json["ready_at"].as_i64().unwrap();
        assert_eq!(ready_at - accepted.json["at"].as_i64().unwrap(), 20 * 60_000);
        world.act(&order, &shop.merchant, "ready", Value::Null).await.expect(200);

        let shown = world.show(&order, &customer).await;
        assert_eq!(
            (shown.text("state").as_str(), shown.text("status").as_str()),
            ("ready", "ready")
        );
        assert_eq!(shown.json["delivery"]["state"], "waiting");
        assert_eq!(shown.json["members"].as_array().unwrap().len(), 2);
        let price = &shown.json["price"];
        let sum =
            price["items_minor"].as_i64().unwrap() + price["delivery_fee_minor"].as_i64().unwrap();
        assert_eq!(price["total_minor"].as_i64().unwrap(), sum);
        assert_eq!(sum, 3_000);

        let story = shown.json["changes"].as_array().unwrap();
        let seqs: Vec<_> = story.iter().map(|it| it["seq"].as_i64().unwrap()).collect();
        assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>(), "no holes");
        assert_eq!(shown.json["as_of"]["channel"], format!("order:{order}"));
        // Every line of the story, and two members, are in the order's channel.
        assert_eq!(shown.json["as_of"]["off"].as_i64().unwrap(), seqs.len() as i64 + 2);
        let events: Vec<_> = story
            .iter()
            .map(|it| {
                format!("{}.{}", it["machine"].as_str().unwrap(), it["event"].as_str().unwrap())
            })
            .collect();
        assert_eq!(
            events,
            [
                "order.placed",
                "order.payment_started",
                "payment.sent_to_provider",
                "payment.provider_confirmed",
                "order.payment_confirmed",
                "order.store_accepted",
                "delivery.created",
                "order.kitchen_started",
                "order.kitchen_done"
            ]
        );
        let paid = &story[4]["by"];
        assert_eq!(paid, &json!({"role": "provider"}));
    })
    .await;
}

#[actix_web::test]
async fn somebody_elses_order_does_not_exist() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let unpaid = world.order(&shop, &customer).await;
        let paid = world.paid_order(&shop, &customer).await;
        for stranger in [Role::Customer, Role::Merchant, Role::Rider] {
            let stranger = world.person(stranger).await;
            for order in [&unpaid, &paid] {
                let path = format!("/v1/orders/{order}");
                world.get(&path).by(&stranger).send().await.problem(404, "not-found");
                let cancel = world.act(order, &stranger, "cancel", json!({})).await;
                cancel.problem(404, "not-found");
            }
        }
        let other = world.person(Role::Merchant).await;
        world.act(&paid, &other, "accept", json!({})).await.problem(404, "not-found");
        let thief = world.person(Role::Customer).await;
        world.start_paying(&unpaid, &thief).await.problem(404, "not-found");

        // The store does not know of an order before it is paid.
        world
            .get(&format!("/v1/orders/{unpaid}"))
            .by(&shop.merchant)
            .send()
            .await
            .problem(404, "not-found");
        world.act(&unpaid, &shop.merchant, "accept", json!({})).await.problem(404, "not-found");
        let list = format!("/v1/stores/{}/orders?open=true", shop.store);
        let listed = world.get(&list).by(&shop.merchant).send().await.expect(200);
        assert_eq!(listed.json["orders"].as_array().unwrap().len(), 1);
        world.get(&list).by(&other).send().await.problem(404, "not-found");
        let mine = world.get("/v1/orders?open=true").by(&customer).send().await.expect(200);
        assert_eq!(mine.json["orders"].as_array().unwrap().len(), 2);
        let before = format!("/v1/orders?before={paid}");
        let older = world.get(&before).by(&customer).send().await.expect(200);
        assert_eq!(older.json["orders"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[actix_web::test]
async fn wishes_that_cannot_be_met_are_refused_and_take_no_stock() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(3).await, world.person(Role::Customer).await);
        let send = |key: &'static str, body: Value| {
            world.post("/v1/orders").by(&customer).key(key).json(&body).send()
        };
        let none = send("a", World::wish(&shop, 4)).await.problem(409, "out-of-stock");
        assert_eq!((&none.json["left"], none.text("product")), (&json!(3), shop.product.clone()));
        send("b", World::wish(&shop, 0)).await.problem(422, "bad-input");
        let mut twice = World::wish(&shop, 1);
        twice["lines"] = json!([twice["lines"][0].clone(), twice["lines"][0].clone()]);
        send("c", twice).await.problem(422, "bad-input");
        let mut far = World::wish(&shop, 1);
        far["dropoff"]["lat"] = json!(31.9);
        send("d", far).await.problem(422, "too-far");
        let mut cheap = World::wish(&shop, 1);
        cheap["total_minor"] = json!(1);
        send("e", cheap).await.problem(400, "bad-json");
        let mut gone = World::wish(&shop, 1);
        gone["lines"][0]["product"] = json!(domain::ids::ProductId::generate().to_string());
        send("f", gone).await.problem(409, "not-sold");

        let store = format!("/v1/stores/{}", shop.store);
        let min = json!({"min_order_minor": 2_000});
        world.patch(&store).by(&shop.merchant).json(&min).send().await.expect(200);
        send("g", World::wish(&shop, 1)).await.problem(422, "below-minimum");
        let shut = json!({"is_open": false});
        world.patch(&store).by(&shop.merchant).json(&shut).send().await.expect(200);
        send("h", World::wish(&shop, 2)).await.problem(409, "store-closed");
        assert_eq!(world.stock(&shop).await, 3);
    })
    .await;
}

#[actix_web::test]
async fn fifty_buyers_of_ten_pieces_place_exactly_ten_orders() {
    each_world(async |world| {
        let shop = world.shop(10).await;
        let buyers = join_all((0..50).map(|_| world.person(Role::Customer))).await;
        let wish = World::wish(&shop, 1);
        let orders = buyers.iter().enumerate().map(|(n, buyer)| {
            world.post("/v1/orders").by(buyer).key(&format!("k-{n}")).json(&wish).send()
        });
        let answers = join_all(orders).await;
        let n_placed = answers.iter().filter(|it| it.status.as_u16() == 201).count();
        assert_eq!(n_placed, 10);
        for refused in answers.into_iter().filter(|it| it.status.as_u16() != 201) {
            refused.problem(409, "out-of-stock");
        }
        assert_eq!(world.stock(&shop).await, 0);
    })
    .await;
}

#[actix_web::test]
async fn a_customer_cancels_before_acceptance_and_gets_everything_back() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.paid_order(&shop, &customer).await;
        assert_eq!(world.stock(&shop).await, 7);
        let path = format!("/v1/orders/{order}/cancel");
        let cancel = || {
            world
                .post(&path)
                .by(&customer)
                .key("c-1")
                .json(&json!({"reason": "changed_mind"}))
                .send()
        };
        assert_eq!(cancel().await.expect(200).text("state"), "cancelled");
        assert!(cancel().await.expect(200).is_replay());
        let shown = world.show(&order, &customer).await;
        assert_eq!(
            (shown.text("status").as_str(), shown.text("refund").as_str()),
            ("refunded", "full")
        );
        assert_eq!(world.stock(&shop).await, 9, "given back once");
        let again = world.act(&order, &customer, "cancel", json!({})).await;
        again.problem(409, "state-refused");
        world.act(&order, &shop.merchant, "accept", json!({})).await.problem(409, "state-refused");
        assert_eq!(world.stock(&shop).await, 9);
        world.pass(MINUTE).await;
        let story = world.show(&order, &customer).await.json["changes"].to_string();
        assert_eq!(story.matches("\"succeeded\"").count(), 2, "one payment, one refund: {story}");
    })
    .await;
}

#[actix_web::test]
async fn after_acceptance_a_customer_has_one_minute() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let (first, second) =
            (world.paid_order(&shop, &customer).await, world.paid_order(&shop, &customer).await);
        for order in [&first, &second] {
            world.act(order, &shop.merchant, "accept", json!({})).await.expect(200);
        }
        let cancelled = world.act(&first, &customer, "cancel", json!({})).await.expect(200);
        assert_eq!(cancelled.text("state"), "cancelled");
        let shown = world.show(&first, &customer).await;
        assert_eq!(shown.json["delivery"]["state"], "cancelled");
        world.pass(MINUTE).await;
        world.act(&second, &customer, "cancel", json!({})).await.problem(409, "too-late");

        // Ready and nobody to fetch it: free again.
        world.act(&second, &shop.merchant, "ready", Value::Null).await.expect(200);
        world.act(&second, &customer, "cancel", json!({})).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_store_rejects_with_a_reason_and_the_money_goes_back() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.paid_order(&shop, &customer).await;
        let odd = world.act(&order, &shop.merchant, "reject", json!({"reason": "mood"})).await;
        odd.problem(422, "bad-input");
        let odd = world.act(&order, &shop.merchant, "reject", json!({"reason": "too_slow"})).await;
        odd.problem(422, "bad-input");
        let busy = json!({"reason": "busy"});
        world.act(&order, &shop.merchant, "reject", busy).await.expect(200);
        let shown = world.show(&order, &customer).await;
        assert_eq!(
            (shown.text("state").as_str(), shown.text("refund").as_str()),
            ("rejected", "full")
        );
        assert_eq!(world.stock(&shop).await, 9);
    })
    .await;
}

#[actix_web::test]
async fn deadlines_close_unpaid_orders_and_reject_unanswered_ones() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let unpaid = world.order(&shop, &customer).await;
        let unanswered = world.paid_order(&shop, &customer).await;
        world.pass(9 * MINUTE).await;
        assert_eq!(world.show(&unpaid, &customer).await.text("state"), "pending_payment");
        assert_eq!(world.show(&unanswered, &customer).await.text("state"), "paid");
        world.pass(MINUTE).await;
        let shown = world.show(&unanswered, &customer).await;
        assert_eq!(
            (shown.text("state").as_str(), shown.text("refund").as_str()),
            ("rejected", "full")
        );
        world.pass(5 * MINUTE).await;
        let customer = world.again(&customer).await;
        assert_eq!(world.show(&unpaid, &customer).await.text("state"), "closed");
        assert_eq!(world.stock(&shop).await, 9);
        world.start_paying(&unpaid, &customer).await.problem(409, "state-refused");
        world.pass(60 * MINUTE).await;
        assert_eq!(world.stock(&shop).await, 9, "given back once");
    })
    .await;
}

#[actix_web::test]
async fn twenty_who_accept_at_once_accept_it_once() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.paid_order(&shop, &customer).await;
        let tries = (0..20).map(|_| world.act(&order, &shop.merchant, "accept", json!({})));
        let answers = join_all(tries).await;
        let n_won = answers.iter().filter(|it| it.status.as_u16() == 200).count();
        assert_eq!(n_won, 1, "{answers:?}");
        for lost in answers.into_iter().filter(|it| it.status.as_u16() != 200) {
            lost.problem(409, "state-refused");
        }
    })
    .await;
}
