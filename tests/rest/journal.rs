//! Everything that happens to an order is in the journal, for exactly those whom it concerns.

use domain::{
    channel::Channel,
    role::{Profile, Role},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use storage::journal::{self, Entry};

use crate::support::{Person, World, each_world};

async fn entries(world: &World, channel: &Channel) -> Vec<Entry> {
    journal::read_after(&mut world.platform.reader(), channel, 0, 500).await.unwrap()
}

fn inbox(person: &Person) -> Channel {
    Channel::Inbox(person.profile)
}

fn told(entries: &[Entry]) -> Vec<String> {
    entries
        .iter()
        .map(|it| {
            let body: Value = serde_json::from_str(&it.body).unwrap();
            match body["event"].as_str() {
                Some(event) => format!("{} {event}", it.kind),
                None => it.kind.clone(),
            }
        })
        .collect()
}

#[actix_web::test]
async fn the_store_hears_nothing_before_payment_and_everything_after() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let store = Channel::Store(shop.store.parse().unwrap());
        let order = world.order(&shop, &customer).await;
        let payment = world.start_paying(&order, &customer).await.expect(201);
        assert_eq!(entries(world, &store).await, []);
        assert_eq!(told(&entries(world, &inbox(&shop.merchant)).await), ["store"]);

        world.pay_at_sandbox(&payment.text("provider_ref")).await.expect(200);
        let heard = told(&entries(world, &store).await);
        assert_eq!(heard, ["order payment_confirmed", "alarm"]);

        world.act(&order, &shop.merchant, "accept", json!({"start": false})).await.expect(200);
        let heard = told(&entries(world, &store).await);
        assert_eq!(heard[2..], ["order store_accepted", "alarm.clear", "order created"]);
        let chat = entries(world, &Channel::Order(order.parse().unwrap())).await;
        let n_members = chat.iter().filter(|it| it.kind == "member").count();
        assert_eq!(n_members, 2, "{chat:?}");
        let channel = Some(Channel::Order(order.parse().unwrap()));
        for party in [&customer, &shop.merchant] {
            let heard = entries(world, &inbox(party)).await;
            assert!(heard.iter().any(|it| it.joins == channel), "{heard:?}");
        }
    })
    .await;
}

#[actix_web::test]
async fn every_line_of_a_story_is_in_the_journal_in_the_same_order() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.paid_order(&shop, &customer).await;
        world.act(&order, &shop.merchant, "accept", json!({})).await.expect(200);
        world.act(&order, &customer, "cancel", json!({})).await.expect(200);
        let story = world.show(&order, &customer).await;
        let story = story.json["changes"].as_array().unwrap();
        let lines: Vec<_> =
            story.iter().map(|it| (it["seq"].clone(), it["event"].clone())).collect();
        for channel in [Channel::Order(order.parse().unwrap()), inbox(&customer)] {
            let told: Vec<Value> = entries(world, &channel)
                .await
                .iter()
                .filter(|it| it.kind == "order")
                .map(|it| serde_json::from_str(&it.body).unwrap())
                .collect();
            let told: Vec<_> =
                told.iter().map(|it| (it["seq"].clone(), it["event"].clone())).collect();
            if matches!(channel, Channel::Order(_)) {
                assert_eq!(told, lines);
            }
            assert!(told.windows(2).all(|it| it[0].0.as_i64() < it[1].0.as_i64()), "{told:?}");
        }
        assert!(matches!(customer.profile, Profile::Customer(_)));
    })
    .await;
}

#[actix_web::test]
async fn accepting_and_cancelling_at_once_leaves_money_stock_and_delivery_in_agreement() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(40).await, world.person(Role::Customer).await);
        for _ in 0..10 {
            let order = world.paid_order(&shop, &customer).await;
            let why = json!({"reason": "busy"});
            let asks = [
                (&shop.merchant, "accept", json!({})),
                (&customer, "cancel", json!({})),
                (&shop.merchant, "reject", why),
                (&customer, "cancel", json!({})),
            ];
            join_all(asks.into_iter().map(|(by, what, body)| world.act(&order, by, what, body)))
                .await;
            let shown = world.show(&order, &customer).await;
            let state = shown.text("state");
            assert!(["cancelled", "rejected"].contains(&state.as_str()), "{state}");
            assert_eq!(shown.text("refund"), "full");
            let delivery = &shown.json["delivery"]["state"];
            assert!(delivery.is_null() || delivery == "cancelled", "{delivery}");
            assert_eq!(world.stock(&shop).await, 40);
        }
    })
    .await;
}
