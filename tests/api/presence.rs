//! Who is there: the union of devices, and exactly one `leave` after a crash.

use std::time::Duration;

use riderhub::client::socket::Frame;
use serde_json::{Value, json};
use storage::testing::servers::RedisServer;

use crate::{
    chat::given_chat,
    support::{Person, World, each_world},
};

/// Short, so that the test is; everything else waits longer.
const OPTIONS: [&str; 2] = ["--presence-grace-ms", "2000"];
const GRACE: Duration = Duration::from_millis(2_000);

/// Looks who is there, and answers the snapshot.
async fn look(viewer: &mut Person, order: &str) -> Vec<Value> {
    viewer.pushes.clear();
    viewer.call("sub", json!({ "ch": format!("live:{order}") })).await;
    let snapshot = viewer.until_push("a snapshot", |it| it.get("snapshot").cloned()).await;
    snapshot.as_array().unwrap().clone()
}

fn is_change(frame: &Frame, profile: &str, on: bool) -> bool {
    frame["push"] == "presence"
        && frame.get("profile") == Some(&json!(profile))
        && frame.get("on") == Some(&json!(on))
}

async fn until_change(viewer: &mut Person, profile: &str, on: bool) -> Value {
    viewer
        .until_push(&format!("{profile} on:{on}"), |it| {
            is_change(it, profile, on).then(|| Value::Object(it.clone()))
        })
        .await
}

/// How often the viewer was told, after waiting for more.
async fn n_told(viewer: &mut Person, profile: &str, on: bool) -> usize {
    viewer.hear_for(GRACE + Duration::from_secs(3)).await;
    viewer.pushes.iter().filter(|it| is_change(it, profile, on)).count()
}

#[tokio::test]
async fn parties_see_each_other_come_and_go_and_short_absences_are_none() {
    each_world(&OPTIONS, async |world| {
        let (mut customer, shop, order) = given_chat(world).await;
        let merchant = shop.merchant.profile().to_owned();
        let here = |it: &Value| it["profile"] == merchant.as_str() && it["on"] == true;
        let mut seen = look(&mut customer, &order).await;
        if !seen.iter().any(here) {
            // Who came is written with the next batch.
            until_change(&mut customer, &merchant, true).await;
            seen = look(&mut customer, &order).await;
        }
        assert!(seen.iter().any(here), "{seen:?}");
        assert!(seen.iter().all(|it| it["profile"] != merchant.as_str() || it["at"].is_i64()));

        // A second device, then the first one goes: nobody has left.
        let second = Person::connect(world, shop.merchant.session.clone()).await;
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        shop.merchant.link.close().await;
        assert_eq!(n_told(&mut customer, &merchant, false).await, 0, "the second device is there");
        // A short absence is none.
        second.link.cut(Duration::from_millis(500)).await;
        assert_eq!(n_told(&mut customer, &merchant, false).await, 0, "it came back in time");
        second.link.close().await;
        until_change(&mut customer, &merchant, false).await;
        assert_eq!(n_told(&mut customer, &merchant, false).await, 1);
        let seen = look(&mut customer, &order).await;
        assert!(seen.iter().any(|it| it["profile"] == merchant.as_str() && it["on"] == false));

        let _back = Person::connect(world, shop.merchant.session.clone()).await;
        until_change(&mut customer, &merchant, true).await;
    })
    .await;
}

/// The merchant's node is killed; the customer, on the other one, is told once.
async fn check_that_a_crash_is_told_once(world: &mut World, redis: Option<&RedisServer>) {
    let (mut customer, shop, order) = given_chat(world).await;
    let merchant = shop.merchant.profile().to_owned();
    let here = |it: &Value| it["profile"] == merchant.as_str() && it["on"] == true;
    if !look(&mut customer, &order).await.iter().any(here) {
        until_change(&mut customer, &merchant, true).await;
    }
    customer.hear_for(Duration::from_millis(1_500)).await;
    if let Some(redis) = redis {
        redis.kill();
    }
    // Its client does not come back.
    shop.merchant.link.cut(Duration::from_secs(600)).await;
    customer.pushes.clear();
    world.nodes[0].kill();
    until_change(&mut customer, &merchant, false).await;
    assert_eq!(n_told(&mut customer, &merchant, false).await, 1);
    assert_eq!(n_told(&mut customer, &merchant, true).await, 0);
}

#[tokio::test]
async fn a_node_that_crashes_gives_exactly_one_leave() {
    let redis = RedisServer::start();
    let mut world = World::over(&redis.url(), &OPTIONS);
    check_that_a_crash_is_told_once(&mut world, None).await;
}

#[tokio::test]
async fn a_node_that_crashes_gives_exactly_one_leave_with_the_bus_down_too() {
    let redis = RedisServer::start();
    let mut world = World::over(&redis.url(), &OPTIONS);
    check_that_a_crash_is_told_once(&mut world, Some(&redis)).await;
}
