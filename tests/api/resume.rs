//! Connections break and servers crash; what was acknowledged stays, once.

use std::{collections::HashMap, time::Duration};

use riderhub::client::{
    calls::{self, OrderAsk},
    link::{Link, new_cid},
    session::Session,
};
use serde_json::json;
use storage::testing::Engine;
use tokio::time::sleep;

use crate::{
    chat::given_chat,
    support::{Person, Shop, World, each_world, given_order, given_shop, spot},
};

/// Orders placed while the server is killed.
const N_ORDERS: usize = 60;

/// Says numbered things until told to stop; answers the offset that each cid was given.
async fn talk(link: Link, channel: String, n: usize, pause: Duration) -> HashMap<String, u64> {
    let mut acknowledged = HashMap::new();
    for i in 0..n {
        let cid = new_cid();
        let (off, _) = link.say(&channel, &cid, &format!("message {i}")).await.unwrap();
        acknowledged.insert(cid, off);
        sleep(pause).await;
    }
    acknowledged
}

#[tokio::test]
async fn a_client_that_loses_its_connection_in_the_middle_misses_nothing() {
    each_world(&[], async |world| {
        let (customer, shop, order) = given_chat(world).await;
        let channel = format!("order:{order}");
        let pause = Duration::from_millis(10);
        let theirs = tokio::spawn(talk(shop.merchant.link.clone(), channel.clone(), 100, pause));
        let ours = tokio::spawn(talk(customer.link.clone(), channel.clone(), 100, pause));
        for (n, away_ms) in (1..).zip([0, 150, 300]) {
            sleep(Duration::from_millis(100)).await;
            customer.link.cut(Duration::from_millis(away_ms)).await;
            until_resumed(&customer.link, n).await;
        }
        let mut acknowledged = ours.await.unwrap();
        acknowledged.extend(theirs.await.unwrap());

        customer.check_copy(world, &channel).await;
        shop.merchant.check_copy(world, &channel).await;
        assert_eq!(customer.link.counts().resumes, 3, "it was cut three times");
        check_acknowledged(world, &channel, &acknowledged).await;
    })
    .await;
}

/// Everything acknowledged stands in the journal at its offset, exactly once.
async fn check_acknowledged(world: &World, channel: &str, acknowledged: &HashMap<String, u64>) {
    let journal = world.journal(channel).await;
    for (cid, off) in acknowledged {
        let places: Vec<_> =
            journal.iter().filter(|it| it.cid.as_ref() == Some(cid)).map(|it| it.off).collect();
        assert_eq!(places, [*off], "the message with cid {cid}");
    }
}

/// Waits until a link has come back for the `n`th time.
async fn until_resumed(link: &Link, n: u64) {
    let waiting = async {
        while link.counts().resumes < n {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the link comes back");
}

/// Places orders one after the other with fixed keys; answers the order that each key was given.
async fn place_orders(customer: Session, ask: OrderAsk, n: usize) -> Vec<(String, String)> {
    let mut placed = Vec::new();
    for _ in 0..n {
        let key = new_cid();
        let order = calls::place(&customer, &ask, &key).await.unwrap().id;
        placed.push((key, order));
        sleep(Duration::from_millis(15)).await;
    }
    placed
}

#[tokio::test]
async fn after_kill_9_of_the_embedded_server_all_that_was_acknowledged_is_there() {
    let mut world = World::start(Engine::Sqlite, &[]);
    let (customer, shop, order) = given_chat(&world).await;
    let Shop { merchant, store, product } = &shop;
    let channel = format!("order:{order}");
    let pause = Duration::from_millis(5);
    let talks = [
        tokio::spawn(talk(customer.link.clone(), channel.clone(), 200, pause)),
        tokio::spawn(talk(merchant.link.clone(), channel.clone(), 200, pause)),
    ];
    let ask = OrderAsk {
        store: store.clone(),
        lines: vec![(product.clone(), 1)],
        dropoff: spot(0.0, 500.0),
        address: "12 Lantern Lane".to_owned(),
        note: None,
        proof: None,
    };
    let orders = tokio::spawn(place_orders(customer.session.clone(), ask, N_ORDERS));
    for n in 1..=2 {
        sleep(Duration::from_millis(300)).await;
        world.nodes[0].kill();
        sleep(Duration::from_millis(200)).await;
        world.nodes[0].restart();
        until_resumed(&customer.link, n).await;
    }
    let n_talks_over = talks.iter().filter(|it| it.is_finished()).count();
    assert_eq!(n_talks_over, 0, "the server must die while people talk");
    for talk in talks {
        check_acknowledged(&world, &channel, &talk.await.unwrap()).await;
    }
    customer.check_copy(&world, &channel).await;
    merchant.check_copy(&world, &channel).await;
    for (_, order) in orders.await.unwrap() {
        let view = calls::order(&customer.session, &order).await.unwrap();
        assert_eq!(view.id, order);
        assert_eq!(view.state, "pending_payment");
    }
    let mine = calls::open_orders(&customer.session).await.unwrap();
    assert_eq!(mine.len(), N_ORDERS + 1, "these and the one with the chat: a key makes one order");
    customer.call("sub", json!({ "ch": channel })).await;
}

#[tokio::test]
async fn a_client_that_was_away_for_a_hundred_entries_catches_up() {
    each_world(&[], async |world| {
        let (customer, shop, order) = given_chat(world).await;
        let channel = format!("order:{order}");
        customer.link.cut(Duration::from_secs(3)).await;
        let rate = Duration::ZERO;
        let talks = (0..6).map(|_| talk(shop.merchant.link.clone(), channel.clone(), 18, rate));
        let said = futures_util::future::join_all(talks).await;
        assert_eq!(said.iter().map(HashMap::len).sum::<usize>(), 108);
        customer.check_copy(world, &channel).await;
    })
    .await;
}

#[tokio::test]
async fn an_order_placed_while_the_socket_opens_is_heard() {
    each_world(&[], async |world| {
        let shop = given_shop(world, 0, spot(0.0, 0.0), 100).await;
        let session = Person::sign_up(world, world.nodes.len() - 1, "customer", "Cleo").await;
        for _ in 0..25 {
            let placing = given_order(&session, &shop, spot(0.0, 900.0));
            let (customer, order) = tokio::join!(Person::connect(world, session.clone()), placing);
            customer.check_copy(world, &format!("order:{order}")).await;
            customer.link.close().await;
        }
    })
    .await;
}
