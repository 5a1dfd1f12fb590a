//! What stands before SQL: it may be wrong, lost or away, and nobody is sold more or less for it.

use std::{sync::Arc, time::Duration};

use domain::stock::StockReason;
use futures_util::future::join_all;
use storage::{
    shield::{Look, Seen, StockShield, redis::RedisShield},
    testing::servers::RedisServer,
};
use tokio::time::Instant;
use usecases::{
    error::AskError,
    stock::{self, StockWish},
};

use crate::support::{Ground, World, place};

/// Waits until the shield knows it: facts are told without waiting.
async fn until_known(shield: &dyn StockShield, world: &World, wanted: Seen) {
    let began = Instant::now();
    loop {
        let look = shield.look(world.product).await;
        if look == Look::Knows(wanted) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{look:?}, not {wanted:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn seen(world: &World) -> Seen {
    let stock = world.stock().await;
    Seen { left: stock.available(), version: stock.version }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_number_is_found_reported_and_overwritten() {
    let world = World::new(Ground::MariaDbAndRedis, 5).await;
    let (buyers, shield) = (world.customers(9).await, Arc::clone(&world.shields[0]));
    world.order(buyers[0]).await;
    let truth = seen(&world).await;
    until_known(&*shield, &world, truth).await;

    // Too low: SQL is asked before anybody is turned away.
    shield.fill(world.product, Seen { left: 0, ..truth }).await;
    let compared = world.nodes[0].stock_guard.compare(&mut world.nodes[0].reader()).await.unwrap();
    assert_eq!((compared.n_looked, compared.n_repaired), (1, 1));
    assert_eq!(shield.look(world.product).await, Look::Knows(truth));
    shield.fill(world.product, Seen { left: 0, ..truth }).await;
    world.order(buyers[1]).await;

    // Too high, or from a version that never was: SQL refuses, and the number is put right.
    for wrong in [Seen { left: 900, ..seen(&world).await }, Seen { left: 900, version: 7_000 }] {
        shield.fill(world.product, wrong).await;
        let refused = place(world.node(1), buyers[2], world.wish(4), None).await;
        assert!(matches!(refused, Err(AskError::OutOfStock { left: 3, .. })), "{refused:?}");
        let (guard, mut reader) = (&world.nodes[0].stock_guard, world.nodes[0].reader());
        let first = guard.compare(&mut reader).await.unwrap().n_repaired;
        let second = guard.compare(&mut reader).await.unwrap().n_repaired;
        assert_eq!(first + second, 1);
        assert_eq!(shield.look(world.product).await, Look::Knows(seen(&world).await));
    }
    assert_eq!(world.numbers().await, [3, 2, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_merchant_brings_can_be_bought_on_every_node_at_once() {
    let world = World::new(Ground::MariaDbAndRedis, 1).await;
    let buyers = world.customers(3).await;
    world.order(buyers[0]).await;
    for n in 0..2 {
        let refused = place(world.node(n), buyers[1], world.wish(1), None).await;
        assert!(matches!(refused, Err(AskError::OutOfStock { left: 0, .. })), "{refused:?}");
    }
    let (by, wish, reason) = (world.merchant, StockWish::Adjust(2), StockReason::Delivery);
    stock::change(world.node(0), by, world.product, wish, reason, None).await.unwrap();
    for (n, buyer) in buyers[1..].iter().enumerate() {
        place(world.node(n), *buyer, world.wish(1), None).await.unwrap();
    }
    assert_eq!(world.numbers().await, [0, 3, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_everything_is_sold_exactly() {
    let redis = RedisServer::start();
    let shield: Arc<dyn StockShield> = Arc::new(RedisShield::new(&redis.url(), "away").unwrap());
    let mut world = World::new(Ground::MariaDb, 10).await;
    let guard = usecases::stock_guard::StockGuard::new(Arc::clone(&shield));
    world.nodes[0].stock_guard = Arc::new(guard);
    let buyers = world.customers(40).await;
    let rush = async |some: &[_]| {
        let asked = some.iter().map(|it| place(world.node(0), *it, world.wish(1), None));
        join_all(asked).await.iter().filter(|it| it.is_ok()).count()
    };
    assert_eq!(rush(&buyers[..5]).await, 5);
    redis.kill();
    assert_eq!(rush(&buyers[5..30]).await, 5, "no more and no fewer than there are");
    redis.restart();
    assert_eq!(rush(&buyers[30..]).await, 0);
    assert_eq!(world.numbers().await, [0, 10, 0]);
}
