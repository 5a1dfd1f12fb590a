//! What every kind of claims must do, checked on each.

use std::sync::Arc;

use domain::ids::{OrderId, RiderId};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{CLAIM_HOLDS, Claimed, Claims, in_process::InProcessClaims, redis::RedisClaims};
use crate::testing::servers::RedisServer;

on_all!(
    of_many_one_wins_and_may_ask_again,
    a_claim_is_given_back_by_its_holder_only,
    a_claim_ends_by_itself,
);

/// Two nodes' ends of the same claims.
type Ends = [Arc<dyn Claims>; 2];

fn within_process() -> Ends {
    let claims = Arc::new(InProcessClaims::default());
    [claims.clone(), claims]
}

fn over_redis(url: &str, prefix: &str) -> Ends {
    [(); 2].map(|()| -> Arc<dyn Claims> { Arc::new(RedisClaims::new(url, prefix).unwrap()) })
}

async fn of_many_one_wins_and_may_ask_again([one, two]: Ends) {
    for _ in 0..20 {
        let order = OrderId::generate();
        let riders: Vec<RiderId> = (0..20).map(|_| RiderId::generate()).collect();
        let ends = [&one, &two].into_iter().cycle();
        let asked = riders.iter().zip(ends).map(|(rider, end)| end.take(order, *rider));
        let outcomes = join_all(asked).await;
        let won: Vec<_> =
            riders.iter().zip(&outcomes).filter(|(_, it)| **it == Claimed::Won).collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|it| **it == Claimed::Lost).count(), 19);
        assert_eq!(two.take(order, *won[0].0).await, Claimed::AlreadyYours);
        assert_eq!(one.take(OrderId::generate(), riders[0]).await, Claimed::Won, "another order");
    }
}

async fn a_claim_is_given_back_by_its_holder_only([one, two]: Ends) {
    let (order, ann, bob) = (OrderId::generate(), RiderId::generate(), RiderId::generate());
    assert_eq!(one.take(order, ann).await, Claimed::Won);
    two.free(order, bob).await;
    assert_eq!(two.take(order, bob).await, Claimed::Lost);
    one.free(order, ann).await;
    one.free(order, ann).await;
    assert_eq!(two.take(order, bob).await, Claimed::Won);
}

async fn a_claim_ends_by_itself([one, two]: Ends) {
    let (order, ann, bob) = (OrderId::generate(), RiderId::generate(), RiderId::generate());
    let began = Instant::now();
    assert_eq!(one.take(order, ann).await, Claimed::Won);
    while two.take(order, bob).await == Claimed::Lost {
        assert!(began.elapsed() < 10 * CLAIM_HOLDS, "it never ends");
        sleep(CLAIM_HOLDS / 20).await;
    }
    assert!(began.elapsed() >= CLAIM_HOLDS, "it ended after {:?}", began.elapsed());
    assert_eq!(one.take(order, ann).await, Claimed::Lost, "it is Bob's now");
}

#[tokio::test]
async fn without_redis_nobody_is_held_up_and_claims_come_back_with_it() {
    let redis = RedisServer::start();
    let claims = RedisClaims::new(&redis.url(), "gone").unwrap();
    let (ann, bob) = (RiderId::generate(), RiderId::generate());
    assert_eq!(claims.take(OrderId::generate(), ann).await, Claimed::Won);
    redis.kill();
    let began = Instant::now();
    for _ in 0..50 {
        assert_eq!(claims.take(OrderId::generate(), ann).await, Claimed::Unknown);
    }
    assert!(began.elapsed() < CLAIM_HOLDS, "fifty took {:?}", began.elapsed());
    redis.restart();
    let until = Instant::now() + 10 * CLAIM_HOLDS;
    let order = OrderId::generate();
    while claims.take(order, ann).await == Claimed::Unknown {
        assert!(Instant::now() < until, "claims do not come back");
        sleep(CLAIM_HOLDS / 20).await;
    }
    assert_eq!(claims.take(order, bob).await, Claimed::Lost);
}
