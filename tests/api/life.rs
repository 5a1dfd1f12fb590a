//! The whole life of an order, with three real sockets.

use riderhub::client::{calls, link::new_cid};
use serde_json::json;
use storage::testing::Engine;

use crate::support::{Person, World, given_paid_order, given_shop, spot};

/// What each machine must go through, in order, as every party sees it.
const LIFE: [(&str, &str); 12] = [
    ("order", "paid"),
    ("order", "accepted"),
    ("order", "preparing"),
    ("delivery", "offering"),
    ("delivery", "assigned"),
    ("order", "ready"),
    ("delivery", "arrived_pickup"),
    ("delivery", "picked_up"),
    ("order", "picked_up"),
    ("delivery", "arrived_dropoff"),
    ("delivery", "delivered"),
    ("order", "delivered"),
];

#[tokio::test]
async fn an_order_lives_from_basket_to_receipt_on_sqlite() {
    whole_life(&World::start(Engine::Sqlite, &[])).await;
}

#[tokio::test]
async fn an_order_lives_on_two_nodes_with_its_parties_spread_over_both() {
    whole_life(&World::start(Engine::MariaDb, &[])).await;
}

pub async fn whole_life(world: &World) {
    let other = world.nodes.len() - 1;
    let mut shop = given_shop(world, 0, spot(0.0, 0.0), 10).await;
    let mut customer = Person::join(world, other, "customer", "Cleo").await;
    let mut rider = Person::join(world, 0, "rider", "Remy").await;
    rider.on_duty(spot(300.0, 0.0), 3).await;

    let order = given_paid_order(&customer.session, &shop, spot(0.0, 900.0)).await;
    let channel = format!("order:{order}");
    let store_channel = format!("store:{}", shop.store);
    shop.merchant
        .until("the bell", |it| {
            (it.channel == store_channel && it.kind == "alarm" && it.text("order") == Some(&order))
                .then_some(())
        })
        .await;
    let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 5 });
    shop.merchant.call("order.accept", accept).await;
    customer.until_state(&order, "order", "accepted").await;

    customer.say(&order, "no onions please").await;
    shop.merchant.until_said(&order, "no onions please").await;
    shop.merchant.say(&order, "of course").await;
    customer.until_said(&order, "of course").await;

    let offer = rider
        .until("an offer", |it| (it.kind == "offer").then(|| it.text("offer").unwrap().to_owned()))
        .await;
    let take = json!({ "offer": offer, "cid": new_cid(), "take": true });
    assert_eq!(rider.call("offer.reply", take).await["state"], "won");
    customer.until_state(&order, "delivery", "assigned").await;
    rider.until_said(&order, "of course").await;
    rider.say(&order, "on my way").await;
    customer.until_said(&order, "on my way").await;
    shop.merchant.until_said(&order, "on my way").await;

    shop.merchant.call("order.ready", json!({ "order": order, "cid": new_cid() })).await;
    rider.until_state(&order, "order", "ready").await;
    rider.do_stop(&order, "pickup").await;
    customer.until_state(&order, "order", "picked_up").await;
    rider.do_stop(&order, "dropoff").await;
    for party in [&mut customer, &mut shop.merchant, &mut rider] {
        for (machine, state) in LIFE {
            party.until_state(&order, machine, state).await;
        }
    }

    calls::step(&customer.session, &order, "confirm", json!({})).await.unwrap();
    for party in [&mut customer, &mut shop.merchant, &mut rider] {
        party.until_state(&order, "order", "completed").await;
        party.check_copy(world, &channel).await;
        let inbox = format!("inbox:{}", party.profile());
        if !world.journal(&inbox).await.is_empty() {
            party.check_copy(world, &inbox).await;
        }
    }
    shop.merchant.check_copy(world, &store_channel).await;
    let view = calls::order(&customer.session, &order).await.unwrap();
    assert_eq!(view.state, "completed");
}

#[tokio::test]
async fn a_customer_who_changes_her_mind_before_the_store_accepts_gets_all_money_back() {
    let world = World::start(Engine::Sqlite, &[]);
    let mut shop = given_shop(&world, 0, spot(0.0, 0.0), 10).await;
    let mut customer = Person::join(&world, 0, "customer", "Cleo").await;
    let order = given_paid_order(&customer.session, &shop, spot(0.0, 900.0)).await;

    let reason = json!({ "reason": "changed_mind" });
    calls::step(&customer.session, &order, "cancel", reason).await.unwrap();
    customer.until_state(&order, "order", "cancelled").await;
    customer.until_state(&order, "refund", "succeeded").await;
    shop.merchant
        .until("the bell to stop", |it| {
            (it.kind == "alarm.clear" && it.text("order") == Some(&order)).then_some(())
        })
        .await;
    let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 5 });
    let refused = shop.merchant.link.call("order.accept", accept).await.unwrap_err();
    assert_eq!(refused.code(), Some(131), "{refused}");
}
