//! What every kind of shield must do, checked on each.

use std::{sync::Arc, time::Duration};

use domain::ids::{OrderId, ProductId};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::{Look, Seen, Shielded, StockShield, in_process::InProcessShield, redis::RedisShield};
use crate::testing::servers::{RedisCluster, RedisSentinels, RedisServer};

/// Runs each promise on every kind; two nodes' ends of the same shield are given.
macro_rules! on_all {
    (@ $name:ident, $servers:ident, $($promise:ident),+) => {
        mod $name {
            $(#[tokio::test]
            async fn $promise() {
                let url = super::$servers::shared().url();
                let prefix = concat!("shield-", stringify!($promise));
                let end = || super::RedisShield::new(&url, prefix).unwrap();
                super::$promise(std::sync::Arc::new(end()), std::sync::Arc::new(end())).await;
            })+
        }
    };
    ($($promise:ident),+ $(,)?) => {
        mod in_process {
            $(#[tokio::test]
            async fn $promise() {
                let shield = std::sync::Arc::new(super::InProcessShield::default());
                super::$promise(shield.clone(), shield).await;
            })+
        }
        on_all!(@ redis, RedisServer, $($promise),+);
        on_all!(@ redis_sentinel, RedisSentinels, $($promise),+);
        on_all!(@ redis_cluster, RedisCluster, $($promise),+);
    };
}

on_all!(
    no_more_go_through_than_there_are,
    what_is_committed_is_taken_and_what_failed_is_free,
    everything_may_be_said_twice,
    only_newer_facts_count_unless_it_is_filled,
);

type Ends = Arc<dyn StockShield>;

const fn seen(left: i64, version: i64) -> Seen {
    Seen { left, version }
}

async fn no_more_go_through_than_there_are(one: Ends, two: Ends) {
    let product = ProductId::generate();
    assert_eq!(one.look(product).await, Look::Nothing);
    assert_eq!(one.reserve(product, OrderId::generate(), 1).await, Shielded::Unknown);
    one.fill(product, seen(10, 3)).await;
    let ends = [&one, &two].into_iter().cycle().take(40);
    let asked = ends.map(|end| end.reserve(product, OrderId::generate(), 1));
    let answers = join_all(asked).await;
    let count = |what| answers.iter().filter(|it| **it == what).count();
    assert_eq!((count(Shielded::Reserved), count(Shielded::Held)), (10, 30), "{answers:?}");
    assert_eq!(two.reserve(product, OrderId::generate(), 11).await, Shielded::SoldOut);
}

async fn what_is_committed_is_taken_and_what_failed_is_free(one: Ends, two: Ends) {
    let (product, ann, bob) = (ProductId::generate(), OrderId::generate(), OrderId::generate());
    one.fill(product, seen(2, 1)).await;
    assert_eq!(one.reserve(product, ann, 1).await, Shielded::Reserved);
    assert_eq!(two.reserve(product, bob, 1).await, Shielded::Reserved);
    one.release(product, ann).await;
    assert_eq!(two.reserve(product, OrderId::generate(), 1).await, Shielded::Reserved);
    two.confirm(product, Some(bob), seen(1, 2)).await;
    assert_eq!(one.look(product).await, Look::Knows(seen(1, 2)));
    assert_eq!(one.reserve(product, OrderId::generate(), 1).await, Shielded::Held);
    assert_eq!(one.reserve(product, OrderId::generate(), 2).await, Shielded::SoldOut);
    one.confirm(product, None, seen(5, 3)).await;
    assert_eq!(two.look(product).await, Look::Knows(seen(5, 3)));
    assert_eq!(two.reserve(product, OrderId::generate(), 4).await, Shielded::Reserved);
    assert_eq!(two.reserve(product, OrderId::generate(), 1).await, Shielded::Held);
}

async fn everything_may_be_said_twice(one: Ends, two: Ends) {
    let (product, order) = (ProductId::generate(), OrderId::generate());
    one.fill(product, seen(3, 1)).await;
    assert_eq!(one.reserve(product, order, 2).await, Shielded::Reserved);
    assert_eq!(two.reserve(product, order, 2).await, Shielded::AlreadyYours);
    for _ in 0..2 {
        one.confirm(product, Some(order), seen(1, 2)).await;
        two.release(product, order).await;
    }
    assert_eq!(two.look(product).await, Look::Knows(seen(1, 2)));
    assert_eq!(two.reserve(product, OrderId::generate(), 1).await, Shielded::Reserved);
    assert_eq!(one.reserve(product, OrderId::generate(), 1).await, Shielded::Held);
}

async fn only_newer_facts_count_unless_it_is_filled(one: Ends, two: Ends) {
    let product = ProductId::generate();
    one.confirm(product, None, seen(7, 5)).await;
    assert_eq!(two.look(product).await, Look::Knows(seen(7, 5)));
    two.confirm(product, None, seen(9, 4)).await;
    two.confirm(product, None, seen(8, 5)).await;
    two.confirm(product, None, seen(6, 6)).await;
    assert_eq!(one.look(product).await, Look::Knows(seen(6, 6)));
    assert_eq!(one.reserve(product, OrderId::generate(), 6).await, Shielded::Reserved);
    one.fill(product, seen(7, 2)).await;
    assert_eq!(two.look(product).await, Look::Knows(seen(7, 2)));
    assert_eq!(two.reserve(product, OrderId::generate(), 7).await, Shielded::Reserved);
}

#[tokio::test]
async fn without_redis_everybody_goes_on_to_sql() {
    let redis = RedisServer::start();
    let shield = RedisShield::new(&redis.url(), "gone").unwrap();
    let product = ProductId::generate();
    shield.fill(product, seen(0, 1)).await;
    assert_eq!(shield.reserve(product, OrderId::generate(), 1).await, Shielded::SoldOut);
    redis.kill();
    let began = Instant::now();
    for _ in 0..50 {
        let answer = shield.reserve(product, OrderId::generate(), 1).await;
        assert_eq!(answer, Shielded::Away);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "fifty took {:?}", began.elapsed());
    assert_eq!(shield.look(product).await, Look::Away);
}
