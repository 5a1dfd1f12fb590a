//! Tracks and delays are kept once and forgotten together with their order, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use domain::{
    clock::Timestamp,
    geo::Place,
    ids::{OrderId, RiderId},
};
use storage::{
    db::Tx,
    delays,
    error::StoreError,
    testing::each_engine,
    tracks::{self, TrackPoint},
};

const NOON_MS: i64 = 1_790_000_000_000;

#[tokio::test]
async fn a_track_is_read_in_the_order_of_time_and_no_position_counts_twice() {
    each_engine(async |store| {
        let (mine, other) = (OrderId::generate(), OrderId::generate());
        let rider_id = RiderId::generate();
        let point = move |order_id: OrderId, n: i64| TrackPoint {
            order_id,
            rider_id,
            place: Place::new(31.2 + n as f64 / 1_000.0, 121.5).unwrap(),
            at: Timestamp::from_ms(NOON_MS + n * 10_000),
        };
        // More than one statement holds, and in no order.
        let points: Vec<_> = (0..250)
            .rev()
            .flat_map(|n| [point(mine, n), point(other, n)])
            .chain([point(mine, 7)])
            .collect();
        for _ in 0..2 {
            let points = points.clone();
            let write = async move |tx: &mut Tx| tracks::insert(tx, &points).await;
            store.write::<_, _, StoreError>(write).await.unwrap();
        }
        let found = tracks::list(&mut store.reader(), mine).await.unwrap();
        let expected: Vec<_> = (0..250).map(|n| point(mine, n)).collect();
        assert_eq!(found, expected);

        let write = async move |tx: &mut Tx| tracks::forget(tx, mine).await;
        store.write::<_, _, StoreError>(write).await.unwrap();
        assert!(tracks::list(&mut store.reader(), mine).await.unwrap().is_empty());
        assert_eq!(tracks::list(&mut store.reader(), other).await.unwrap().len(), 250);
    })
    .await;
}

#[tokio::test]
async fn what_was_told_of_a_delay_is_remembered_until_the_order_is_forgotten() {
    each_engine(async |store| {
        let (order_id, at) = (OrderId::generate(), Timestamp::from_ms(NOON_MS));
        assert_eq!(delays::find(&mut store.reader(), order_id).await.unwrap(), None);
        for late_ms in [60_000, 700_000] {
            let write = async move |tx: &mut Tx| delays::save(tx, order_id, at, late_ms, at).await;
            store.write::<_, _, StoreError>(write).await.unwrap();
            let found = delays::find(&mut store.reader(), order_id).await.unwrap();
            assert_eq!(found, Some(late_ms));
        }
        for (seconds, may) in [(0, true), (59, false), (60, true), (61, false)] {
            let now = Timestamp::from_ms(NOON_MS + seconds * 1_000);
            let since = Timestamp::from_ms(now.ms() - 60_000);
            let claim =
                async move |tx: &mut Tx| delays::claim_estimate(tx, order_id, now, since).await;
            let told: Result<_, StoreError> = store.write(claim).await;
            assert_eq!(told.unwrap(), may, "an estimate after {seconds} s");
        }
        let write = async move |tx: &mut Tx| delays::forget(tx, order_id).await;
        store.write::<_, _, StoreError>(write).await.unwrap();
        assert_eq!(delays::find(&mut store.reader(), order_id).await.unwrap(), None);
    })
    .await;
}
