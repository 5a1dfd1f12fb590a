//! Money: what a provider says counts once, or not at all.

use std::time::Duration;

use domain::{
    ids::PaymentId,
    money::{Currency, Money},
    payment::FactKind,
    role::Role,
};
use futures_util::future::join_all;
use serde_json::json;
use usecases::{refunds, sandbox::SignedNotify};

use crate::support::{Reply, World, each_world};

const CNY: Currency = Currency::Cny;

fn say(world: &World, kind: FactKind, payment: &Reply, amount: Money) -> SignedNotify {
    let (reference, provider_ref) = (payment.text("payment"), payment.text("provider_ref"));
    let now = world.platform.now();
    world.platform.sandbox.say(kind, &reference, &provider_ref, amount, now).unwrap()
}

async fn notify(world: &World, said: &SignedNotify) -> Reply {
    let ask = world.post("/v1/providers/sandbox/notify");
    ask.header("Sandbox-Signature", &said.signature).raw(said.body.clone()).send().await
}

#[actix_web::test]
async fn a_notify_that_comes_twenty_times_counts_once() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.order(&shop, &customer).await;
        let payment = world.start_paying(&order, &customer).await.expect(201);
        let said = say(world, FactKind::Paid, &payment, Money::from_minor(3_000, CNY));
        let answers = join_all((0..20).map(|_| notify(world, &said))).await;
        let outcomes: Vec<_> =
            answers.into_iter().map(|it| it.expect(200).text("outcome")).collect();
        assert_eq!(outcomes.iter().filter(|it| *it == "applied").count(), 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|it| *it == "known").count(), 19, "{outcomes:?}");
        let shown = world.show(&order, &customer).await;
        assert_eq!((shown.text("state").as_str(), shown.json["seq"].as_i64()), ("paid", Some(5)));
        let late = say(world, FactKind::PaymentFailed, &payment, Money::from_minor(3_000, CNY));
        assert_eq!(notify(world, &late).await.expect(200).text("outcome"), "known");
        assert_eq!(world.show(&order, &customer).await.text("state"), "paid");
    })
    .await;
}

#[actix_web::test]
async fn forged_stale_and_unfitting_notifies_pay_nothing() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.order(&shop, &customer).await;
        let payment = world.start_paying(&order, &customer).await.expect(201);
        let right = say(world, FactKind::Paid, &payment, Money::from_minor(3_000, CNY));

        let mut forged = right.clone();
        forged.body[10] ^= 1;
        notify(world, &forged).await.problem(400, "bad-notify");
        let unsigned = world.post("/v1/providers/sandbox/notify").raw(right.body.clone());
        unsigned.send().await.problem(400, "bad-notify");
        let junk = b"not json".to_vec();
        let signature = world.platform.sandbox.sign(&junk, world.platform.now());
        notify(world, &SignedNotify { signature, body: junk }).await.problem(400, "bad-notify");

        for amount in [Money::from_minor(1, CNY), Money::from_minor(3_000, Currency::Usd)] {
            let mut wrong = say(world, FactKind::Paid, &payment, amount);
            // Each is an event of its own.
            let body = String::from_utf8(wrong.body).unwrap();
            wrong.body = body.replacen("evt_", &format!("evt_{}", amount.minor()), 1).into_bytes();
            wrong.signature = world.platform.sandbox.sign(&wrong.body, world.platform.now());
            assert_eq!(notify(world, &wrong).await.expect(200).text("outcome"), "mismatch");
        }
        let stranger = json!({"id": "evt_x", "kind": "paid", "provider_ref": "sbx_x",
            "reference": PaymentId::generate().to_string(), "amount_minor": 1, "currency": "CNY",
            "occurred_at": 0});
        let body = stranger.to_string().into_bytes();
        let signature = world.platform.sandbox.sign(&body, world.platform.now());
        let unknown = notify(world, &SignedNotify { signature, body }).await.expect(200);
        assert_eq!(unknown.text("outcome"), "unknown");
        assert_eq!(world.show(&order, &customer).await.text("state"), "paying");

        world.clock.advance(Duration::from_secs(400));
        notify(world, &right).await.problem(400, "bad-notify");
        assert_eq!(world.show(&order, &customer).await.text("state"), "paying");
    })
    .await;
}

#[actix_web::test]
async fn a_failed_attempt_can_be_followed_by_another() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.order(&shop, &customer).await;
        let first = world.start_paying(&order, &customer).await.expect(201);
        let same = world.start_paying(&order, &customer).await.expect(201);
        assert_eq!(first.text("payment"), same.text("payment"), "one active attempt");
        let path = format!("/v1/sandbox/{}/pay", first.text("provider_ref"));
        let failed = json!({"outcome": "failed"});
        world.post(&path).json(&failed).send().await.expect(200);
        assert_eq!(world.show(&order, &customer).await.text("state"), "pending_payment");
        let second = world.start_paying(&order, &customer).await.expect(201);
        assert_ne!(first.text("payment"), second.text("payment"));
        world.pay_at_sandbox(&second.text("provider_ref")).await.expect(200);
        assert_eq!(world.show(&order, &customer).await.text("state"), "paid");

        // The first attempt turns out to have been paid after all: all of it goes back.
        let late = world.pay_at_sandbox(&first.text("provider_ref")).await.expect(200);
        assert_eq!(late.text("outcome"), "paid_back");
        let shown = world.show(&order, &customer).await;
        assert_eq!(
            (shown.text("state").as_str(), shown.text("refund").as_str()),
            ("paid", "partial")
        );
        world.pay_at_sandbox("sbx_nothing").await.problem(404, "not-found");
    })
    .await;
}

#[actix_web::test]
async fn money_that_comes_after_the_order_was_closed_goes_back() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.order(&shop, &customer).await;
        let payment = world.start_paying(&order, &customer).await.expect(201);
        world.pass(Duration::from_secs(15 * 60)).await;
        let customer = world.again(&customer).await;
        assert_eq!(world.show(&order, &customer).await.text("state"), "closed");
        let late = world.pay_at_sandbox(&payment.text("provider_ref")).await.expect(200);
        assert_eq!(late.text("outcome"), "paid_back");
        let shown = world.show(&order, &customer).await;
        assert_eq!(
            (shown.text("state").as_str(), shown.text("refund").as_str()),
            ("closed", "full")
        );
        let again = world.pay_at_sandbox(&payment.text("provider_ref")).await.expect(200);
        assert_eq!(again.text("outcome"), "known");
        world.pass(Duration::from_secs(3_600)).await;
        let shown = world.show(&order, &world.again(&customer).await).await;
        let story = shown.json["changes"].to_string();
        assert_eq!(story.matches("\"event\":\"requested\"").count(), 1, "{story}");
        assert_eq!(world.stock(&shop).await, 9);
    })
    .await;
}

#[actix_web::test]
async fn a_refund_that_is_asked_for_again_is_paid_once() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.paid_order(&shop, &customer).await;
        world.act(&order, &customer, "cancel", json!({})).await.expect(200);
        let order_id = order.parse().unwrap();
        let mut reader = world.platform.reader();
        let refunds = storage::payments::list_refunds(&mut reader, order_id).await.unwrap();
        assert_eq!(refunds.len(), 1);
        let again = (0..10).map(|_| refunds::send(&world.platform, refunds[0].id));
        for outcome in join_all(again).await {
            outcome.unwrap();
        }
        let shown = world.show(&order, &customer).await;
        assert_eq!(shown.text("refund"), "full");
        let story = shown.json["changes"].to_string();
        assert_eq!(story.matches("\"event\":\"sent_to_provider\"").count(), 2, "{story}");
        let due = storage::timers::due(&mut reader, world.platform.now() + Duration::from_secs(60));
        assert_eq!(due.await.unwrap(), [], "no timer is left behind");
    })
    .await;
}

/// Every order in which four things can happen.
fn orders_of_four() -> Vec<[usize; 4]> {
    let mut all = Vec::new();
    for n in 0..256_usize {
        let order = [n & 3, (n >> 2) & 3, (n >> 4) & 3, (n >> 6) & 3];
        if (0..4).all(|it| order.contains(&it)) {
            all.push(order);
        }
    }
    all
}

#[actix_web::test]
async fn paid_failed_twice_and_cancelled_in_any_order_ends_with_the_money_in_one_place() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(100).await, world.person(Role::Customer).await);
        for steps in orders_of_four() {
            let order = world.order(&shop, &customer).await;
            let payment = world.start_paying(&order, &customer).await.expect(201);
            let amount = Money::from_minor(3_000, CNY);
            let paid = say(world, FactKind::Paid, &payment, amount);
            let failed = say(world, FactKind::PaymentFailed, &payment, amount);
            for step in steps {
                match step {
                    0 | 1 => drop(notify(world, &paid).await.expect(200)),
                    2 => drop(notify(world, &failed).await.expect(200)),
                    _ => drop(world.act(&order, &customer, "cancel", json!({})).await),
                }
            }
            let shown = world.show(&order, &customer).await;
            let story = shown.json["changes"].to_string();
            let n_paid = story.matches("\"event\":\"payment_confirmed\"").count();
            let cancelled = ["cancelled", "closed"].contains(&shown.text("state").as_str());
            assert!(cancelled, "{steps:?}: {story}");
            assert!(n_paid <= 1, "{steps:?}: {story}");
            assert_eq!(shown.text("refund"), "full", "{steps:?}: {story}");
            assert_eq!(story.matches("\"event\":\"requested\"").count(), 1, "{steps:?}: {story}");
        }
        assert_eq!(world.stock(&shop).await, 100);
    })
    .await;
}
