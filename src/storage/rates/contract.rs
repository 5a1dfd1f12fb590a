//! What every kind of rates must do, checked on each.

use std::{sync::Arc, time::Duration};

use domain::rate::Quota;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{Rates, in_process::InProcessRates, redis::RedisRates};
use crate::testing::servers::RedisServer;

on_all!(
    many_at_once_get_what_there_is,
    what_was_taken_comes_back,
    what_is_forgotten_is_there_at_once
);

/// Two nodes' ends of the same rates.
type Ends = [Arc<dyn Rates>; 2];

fn within_process() -> Ends {
    let rates = Arc::new(InProcessRates::default());
    [rates.clone(), rates]
}

fn over_redis(url: &str, prefix: &str) -> Ends {
    [(); 2].map(|()| -> Arc<dyn Rates> { Arc::new(RedisRates::new(url, prefix).unwrap()) })
}

/// A quota that gives nothing back while a test runs.
const FIVE: Quota = Quota { n: 5, period: Duration::from_secs(100_000) };

async fn many_at_once_get_what_there_is([one, two]: Ends) {
    let ends = [&one, &two].into_iter().cycle();
    let asked = ends.take(40).map(|end| end.take("many".to_owned(), FIVE));
    let taken = join_all(asked).await;
    let allowed: Vec<_> = taken.iter().filter(|it| it.is_allowed).collect();
    assert_eq!(allowed.len(), 5, "{taken:?}");
    let mut left: Vec<_> = allowed.iter().map(|it| it.left).collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4]);
    let refused = two.take("many".to_owned(), FIVE).await;
    let (step, wait) = (FIVE.period / 5, refused.retry_after);
    assert!(wait <= step && wait > step - Duration::from_secs(600), "{refused:?}");
    assert!(refused.full_after <= FIVE.period && refused.full_after > step * 4, "{refused:?}");
    assert!(one.take("another".to_owned(), FIVE).await.is_allowed, "another key");
}

async fn what_was_taken_comes_back([one, two]: Ends) {
    let quota = Quota { n: 2, period: Duration::from_secs(2) };
    let take = async |end: &Arc<dyn Rates>| end.take("back".to_owned(), quota).await;
    assert!(take(&one).await.is_allowed && take(&two).await.is_allowed);
    let refused = take(&one).await;
    assert!(!refused.is_allowed, "{refused:?}");
    let until = Instant::now() + 20 * quota.period;
    while !take(&two).await.is_allowed {
        assert!(Instant::now() < until, "it never comes back");
        sleep(refused.retry_after / 4).await;
    }
}

async fn what_is_forgotten_is_there_at_once([one, two]: Ends) {
    for _ in 0..9 {
        one.take("spent".to_owned(), FIVE).await;
    }
    two.give("spent".to_owned(), FIVE).await;
    assert!(one.take("spent".to_owned(), FIVE).await.is_allowed, "one was given back");
    assert!(!one.take("spent".to_owned(), FIVE).await.is_allowed);
    two.give("never".to_owned(), FIVE).await;
    assert_eq!(one.take("never".to_owned(), FIVE).await.left, 4, "never more than all");
    two.forget("spent".to_owned()).await;
    two.forget("spent".to_owned()).await;
    let taken = one.take("spent".to_owned(), FIVE).await;
    assert_eq!((taken.is_allowed, taken.left), (true, 4));
}

#[tokio::test]
async fn without_redis_a_node_counts_alone_and_nobody_is_held_up() {
    let redis = RedisServer::start();
    let rates = RedisRates::new(&redis.url(), "gone").unwrap();
    assert_eq!(rates.take("k".to_owned(), FIVE).await.left, 4);
    redis.kill();
    let began = Instant::now();
    let mut n_allowed = 0;
    for _ in 0..50 {
        n_allowed += u32::from(rates.take("k".to_owned(), FIVE).await.is_allowed);
    }
    assert_eq!(n_allowed, FIVE.n, "the limit holds on each node");
    assert!(began.elapsed() < Duration::from_secs(10), "fifty took {:?}", began.elapsed());
    redis.restart();
    let until = Instant::now() + Duration::from_secs(60);
    while !rates.take("k".to_owned(), FIVE).await.is_allowed {
        assert!(Instant::now() < until, "the common count does not come back");
        sleep(Duration::from_millis(100)).await;
    }
}
