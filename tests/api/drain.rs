//! A node that is told to stop: nobody is dropped, nothing is lost, nobody stampedes.

use std::time::{Duration, Instant};

use storage::testing::Engine;

use crate::{
    chat::given_chat,
    support::{Person, World, given_paid_order, given_shop, spot},
};

/// How long a stop may take beyond the drain itself; the machine may be busy.
const SLACK: Duration = Duration::from_secs(10);

#[actix_web::test]
async fn clients_of_a_node_that_stops_go_to_the_other_one_and_miss_nothing() {
    let mut world = World::start(Engine::MariaDb, &["--drain-ms", "2000"]);
    // The customer is on the second node, which goes; the merchant stays on the first one.
    let (mut customer, shop, order) = given_chat(&world).await;
    let merchant = shop.merchant;
    let (staying, leaving) = (world.nodes[0].base.clone(), world.nodes[1].base.clone());
    let ready = async |base: &str| {
        let http = riderhub::http_client::builder().build().unwrap();
        http.get(format!("{base}/readyz")).send().await.unwrap().status().as_u16()
    };
    assert_eq!(ready(&leaving).await, 200);
    let started = Instant::now();
    world.nodes[1].terminate();
    customer.until_push("a drain", |it| (it["push"] == "drain").then_some(())).await;
    assert_eq!(ready(&leaving).await, 503, "a balancer sees it");
    assert_eq!(ready(&staying).await, 200);

    // Words said while everybody moves arrive all the same, once and in order.
    for n in 0..20 {
        merchant.say(&order, &format!("word {n}")).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let status = world.nodes[1].ended(Duration::from_secs(2) + SLACK).await;
    assert!(status.success(), "{status}");
    assert!(started.elapsed() >= Duration::from_millis(500), "clients had some time");
    customer.until_said(&order, "word 19").await;
    customer.check_copy(&world, &format!("order:{order}")).await;
    assert!(customer.link.counts().resumes >= 1, "it moved to the other node");
}

#[actix_web::test]
async fn a_node_without_clients_stops_at_once() {
    let mut world = World::start(Engine::Sqlite, &["--drain-ms", "600000"]);
    world.nodes[0].terminate();
    assert!(world.nodes[0].ended(SLACK).await.success());
}

#[actix_web::test]
async fn a_single_node_stops_and_its_clients_wait_for_it() {
    let mut world = World::start(Engine::Sqlite, &["--drain-ms", "300"]);
    let mut customer = Person::join(&world, 0, "customer", "Ann").await;
    let started = Instant::now();
    world.nodes[0].terminate();
    assert!(world.nodes[0].ended(SLACK).await.success());
    assert!(started.elapsed() < SLACK);
    world.nodes[0].restart();
    let shop = given_shop(&world, 0, spot(0.0, 0.0), 50).await;
    let order = given_paid_order(&customer.session, &shop, spot(600.0, 0.0)).await;
    customer.until_state(&order, "order", "paid").await;
}
