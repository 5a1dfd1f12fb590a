//! Menus are read from each node's memory; a change on one node is soon seen on the other, with Redis
//! and without it.

use std::time::Duration;

use riderhub::client::{
    calls::LatLng,
    rest::{Call, Rest},
};
use serde_json::{Value, json};
use storage::testing::{Engine, servers::RedisServer};
use tokio::time::{Instant, sleep};

use crate::{
    support::{Shop, World, given_shop},
    without_redis::until_bus_is,
};

/// Far above what it takes, far below how long a menu is believed with a bus.
const SOON: Duration = Duration::from_secs(20);
const CENTRE: LatLng = LatLng { lat: 31.2, lng: 121.5 };

async fn menu(world: &World, node: usize, shop: &Shop) -> Value {
    let rest = Rest::new(std::slice::from_ref(&world.nodes[node].base), 0).unwrap();
    let path = format!("/v1/stores/{}/products", shop.store);
    rest.call(&Call::get(path), None).await.unwrap()["products"][0].clone()
}

async fn set_price(shop: &Shop, price: i64) {
    let call = Call::patch(format!("/v1/products/{}", shop.product), json!({"price_minor": price}));
    shop.merchant.session.call(call).await.unwrap();
}

/// The writer's node shows it at once, the other one soon.
async fn is_seen_everywhere(world: &World, shop: &Shop, price: i64) {
    set_price(shop, price).await;
    assert_eq!(menu(world, 0, shop).await["price_minor"], price, "the writer reads it");
    let began = Instant::now();
    while menu(world, 1, shop).await["price_minor"] != price {
        assert!(began.elapsed() < SOON, "the other node still shows the old price");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_change_is_seen_by_its_writer_at_once_and_by_others_soon_with_and_without_redis() {
    let redis = RedisServer::start();
    let world = World::over(&redis.url(), &[]);
    let shop = given_shop(&world, 0, CENTRE, 1_000).await;
    for node in [0, 1] {
        until_bus_is(&world.nodes[node], "ok").await;
    }
    menu(&world, 1, &shop).await;
    is_seen_everywhere(&world, &shop, 1_001).await;
    redis.kill();
    for node in [0, 1] {
        until_bus_is(&world.nodes[node], "degraded").await;
    }
    is_seen_everywhere(&world, &shop, 1_002).await;
    is_seen_everywhere(&world, &shop, 1_003).await;
    redis.restart();
    // What is committed while the link comes back must not be believed for long either.
    is_seen_everywhere(&world, &shop, 1_004).await;
    for node in [0, 1] {
        until_bus_is(&world.nodes[node], "ok").await;
    }
    is_seen_everywhere(&world, &shop, 1_005).await;
}

#[tokio::test]
async fn reads_that_need_no_sql_are_counted() {
    let world = World::start(Engine::Sqlite, &[]);
    let shop = given_shop(&world, 0, CENTRE, 1_000).await;
    for _ in 0..20 {
        menu(&world, 0, &shop).await;
    }
    let http = riderhub::http_client::builder().build().unwrap();
    let metrics = http.get(format!("{}/metrics", world.nodes[0].base)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let count = |result: &str| {
        let line = metrics.lines().find(|it| {
            it.starts_with("riderhub_cache_total") && it.contains("\"menu\"") && it.contains(result)
        });
        line.and_then(|it| it.rsplit(' ').next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    assert_eq!((count("\"hit\""), count("\"miss\"")), (19, 1), "{metrics}");
}
