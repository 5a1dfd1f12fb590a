//! Redis is speed and doorbells: without it everything still happens, and the nodes say so.

use std::time::Duration;

use riderhub::client::rest::{Call, Rest};
use serde_json::Value;
use storage::testing::servers::{RedisCluster, RedisSentinels, RedisServer};
use tokio::time::{Instant, sleep};

use crate::{
    life::whole_life,
    support::{Node, Person, World},
};

/// Waits until a node says that its bus is so.
pub async fn until_bus_is(node: &Node, state: &str) {
    let rest = Rest::new(std::slice::from_ref(&node.base), 0).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let ready =
            rest.call(&Call::get("/readyz"), None).await.expect("a node that serves is ready");
        assert_eq!(ready["status"], "ready");
        if ready["bus"] == state {
            return;
        }
        assert!(Instant::now() < until, "{} is still {ready}", node.base);
        sleep(Duration::from_millis(50)).await;
    }
}

async fn metrics(node: &Node) -> String {
    let http = riderhub::http_client::builder().build().unwrap();
    http.get(format!("{}/metrics", node.base)).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn an_order_lives_on_two_nodes_although_redis_is_dead() {
    let redis = RedisServer::start();
    let world = World::over(&redis.url(), &[]);
    for node in &world.nodes {
        until_bus_is(node, "ok").await;
    }
    let mut told = Person::join(&world, 0, "customer", "Tom").await;
    redis.kill();
    for node in &world.nodes {
        until_bus_is(node, "degraded").await;
        assert!(metrics(node).await.contains("riderhub_bus_degraded 1"));
    }
    let mut late = Person::join(&world, 1, "customer", "Lea").await;
    whole_life(&world).await;

    redis.restart();
    for node in &world.nodes {
        until_bus_is(node, "ok").await;
        let metrics = metrics(node).await;
        assert!(metrics.contains("riderhub_bus_degraded 0"));
        for name in ["bus_probe_seconds", "gap_repairs_total", "journal_head_queries_total"] {
            assert!(metrics.contains(&format!("riderhub_{name}")), "{name} is missing");
        }
    }
    let state = |it: &riderhub::client::socket::Frame| {
        (it["push"] == "hub").then(|| it["state"].as_str().map(str::to_owned))
    };
    // Who was there before, and who came while it lasted.
    for person in [&mut told, &mut late] {
        person.until_push("the hub's return", |it| (state(it)?? == "ok").then_some(())).await;
        let all = person.pushes.iter().filter(|it| it["push"] == "hub");
        let heard: Vec<Value> = all.map(|it| it["state"].clone()).collect();
        assert_eq!(heard, ["degraded", "ok"], "once for each change");
    }
}

#[tokio::test]
async fn an_order_lives_on_two_nodes_over_a_redis_cluster() {
    let cluster = RedisCluster::shared();
    let world = World::over(&cluster.url(), &[]);
    for node in &world.nodes {
        until_bus_is(node, "ok").await;
    }
    whole_life(&world).await;
}

#[tokio::test]
async fn an_order_lives_on_two_nodes_over_redis_with_sentinels() {
    let group = RedisSentinels::start();
    let world = World::over(&group.url(), &[]);
    for node in &world.nodes {
        until_bus_is(node, "ok").await;
    }
    group.master.kill();
    for node in &world.nodes {
        until_bus_is(node, "degraded").await;
    }
    for node in &world.nodes {
        until_bus_is(node, "ok").await;
    }
    whole_life(&world).await;
}
