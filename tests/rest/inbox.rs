//! What somebody has not seen: the same counts on every device, also after being away.

use domain::{
    channel::Channel,
    role::{Profile, Role},
};
use serde_json::{Value, json};
use usecases::chat::{self, Reached, Saying};

use crate::support::{Person, Shop, World, each_world};

async fn inbox(world: &World, who: &Person) -> Value {
    world.get("/v1/inbox").by(who).send().await.expect(200).json
}

fn row<'a>(inbox: &'a Value, channel: &str) -> &'a Value {
    let channels = inbox["channels"].as_array().unwrap();
    channels.iter().find(|it| it["ch"] == channel).unwrap_or_else(|| panic!("{channel}: {inbox}"))
}

async fn say(world: &World, who: Profile, order: &str, words: &str) {
    let channel = Channel::Order(order.parse().unwrap());
    let saying = Saying::text(channel, format!("c-{who}-{words}"), words.to_owned());
    chat::send(&world.platform, who, "Somebody", saying).await.unwrap();
}

async fn read(world: &World, who: &Person, channel: &str, off: u64) {
    let channel = channel.parse().unwrap();
    chat::reach(&world.platform, who.profile, &channel, Reached::Read(off)).await.unwrap();
}

/// An order whose chat is open.
async fn given_chat(world: &World) -> (Person, Shop, String) {
    let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
    let order = world.paid_order(&shop, &customer).await;
    world.act(&order, &shop.merchant, "accept", json!({})).await.expect(200);
    (customer, shop, order)
}

#[actix_web::test]
async fn what_others_said_is_unread_until_it_is_read_on_any_device() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        let channel = format!("order:{order}");
        assert_eq!(row(&inbox(world, &customer).await, &channel)["unread"], 0);
        for words in ["one", "two", "three"] {
            say(world, shop.merchant.profile, &order, words).await;
        }
        say(world, customer.profile, &order, "hello").await;

        let seen = inbox(world, &customer).await;
        let chat = row(&seen, &channel);
        assert_eq!((&chat["unread"], &chat["read"]), (&json!(3), &json!(0)));
        assert_eq!(
            (&chat["last"]["push"], &chat["last"]["body"]),
            (&json!("msg"), &json!("hello"))
        );
        assert_eq!(chat["last"]["off"], chat["top"]);
        assert_eq!(row(&inbox(world, &shop.merchant).await, &channel)["unread"], 1);

        // Read offline on one device up to the second message; reported late and twice.
        let top = chat["top"].as_u64().unwrap();
        read(world, &customer, &channel, top - 2).await;
        read(world, &customer, &channel, top - 3).await;
        let other_device = world.again(&customer).await;
        let seen = inbox(world, &other_device).await;
        assert_eq!(row(&seen, &channel)["unread"], 1);
        assert_eq!(row(&seen, &channel)["read"], json!(top - 2));
        read(world, &customer, &channel, top).await;
        assert_eq!(row(&inbox(world, &customer).await, &channel)["unread"], 0);
    })
    .await;
}

#[actix_web::test]
async fn a_change_of_an_order_counts_once_and_never_for_whoever_caused_it() {
    each_world(async |world| {
        let (customer, shop, order) = given_chat(world).await;
        let own = format!("inbox:{}", customer.profile);
        let seen = inbox(world, &customer).await;
        let before = row(&seen, &own)["unread"].as_u64().unwrap();
        assert_eq!(seen["unread"], json!(before), "the chat does not count the same lines again");
        world.act(&order, &shop.merchant, "ready", json!({})).await.expect(200);
        let seen = inbox(world, &customer).await;
        assert_eq!(row(&seen, &own)["unread"], json!(before + 1));
        assert_eq!(seen["as_of"]["off"], row(&seen, &own)["top"]);
        assert_eq!(seen["as_of"]["ep"], row(&seen, &own)["ep"]);

        let store = format!("store:{}", shop.store);
        let unread = row(&inbox(world, &shop.merchant).await, &store)["unread"].clone();
        world.act(&order, &shop.merchant, "reject", json!({"reason": "too_busy"})).await;
        world.act(&order, &customer, "cancel", json!({})).await;
        let staff = inbox(world, &shop.merchant).await;
        assert_eq!(staff["unread"], row(&staff, &store)["unread"]);
        assert!(row(&staff, &store)["unread"].as_u64() >= unread.as_u64());
    })
    .await;
}

#[actix_web::test]
async fn a_long_inbox_comes_in_pages_that_neither_repeat_nor_miss() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(99).await, world.person(Role::Customer).await);
        for _ in 0..5 {
            world.order(&shop, &customer).await;
            world.clock.advance(std::time::Duration::from_secs(1));
        }
        let whole = inbox(world, &customer).await;
        let names = |it: &Value| -> Vec<String> {
            let all = it["channels"].as_array().unwrap().iter();
            all.map(|it| it["ch"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&whole).len(), 6, "five orders and the own inbox: {whole}");
        assert_eq!(whole["next"], Value::Null);
        let (mut paged, mut path) = (Vec::new(), "/v1/inbox?limit=2".to_owned());
        loop {
            let page = world.get(&path).by(&customer).send().await.expect(200).json;
            assert_eq!(page["unread"], whole["unread"]);
            paged.extend(names(&page));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/v1/inbox?limit=2&before={next}");
        }
        assert_eq!(paged, names(&whole));
        for query in ["limit=0", "limit=101", "before=nonsense", "colour=red"] {
            let path = format!("/v1/inbox?{query}");
            world.get(&path).by(&customer).send().await.problem(400, "bad-query");
        }
    })
    .await;
}

#[actix_web::test]
async fn an_order_stays_in_the_inbox_for_a_day_after_its_end() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = world.order(&shop, &customer).await;
        world.act(&order, &customer, "cancel", json!({})).await.expect(200);
        let channel = format!("order:{order}");
        row(&inbox(world, &customer).await, &channel);
        world.clock.advance(std::time::Duration::from_secs(25 * 3_600));
        let customer = world.again(&customer).await;
        let seen = inbox(world, &customer).await;
        assert!(!seen.to_string().contains(&channel), "{seen}");
        let stranger = world.person(Role::Rider).await;
        assert_eq!(inbox(world, &stranger).await["channels"], json!([]));
    })
    .await;
}
