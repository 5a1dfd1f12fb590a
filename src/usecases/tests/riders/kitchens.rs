//! What a kitchen announces, corrected by what was seen of it.

use domain::ids::OrderId;
use storage::testing::each_engine;
use usecases::orders::{self, Acceptance};

use crate::support::City;

/// Accepts an order for `prep_min`; answers in how many minutes riders are sent for it.
async fn accept(city: &City, prep_min: u32) -> (OrderId, f64) {
    let order = city.paid_order().await;
    let how = Acceptance { prep_min: Some(prep_min), start: true };
    orders::accept(&city.platform, city.merchant, order, None, how).await.unwrap();
    let mut reader = city.platform.reader();
    let stored = storage::deliveries::find_for_order(&mut reader, order).await.unwrap().unwrap();
    (order, stored.ready_at.ms_since(stored.created_at) as f64 / 60_000.0)
}

#[tokio::test]
async fn a_kitchen_that_is_always_late_is_expected_late_and_ready_is_when_it_says_so() {
    each_engine(async |store| {
        let city = City::new(store).await;
        let mut expected = Vec::new();
        for _ in 0..12 {
            let (order, minutes) = accept(&city, 10).await;
            expected.push(minutes);
            city.pass(15 * 60);
            orders::ready(&city.platform, city.merchant, order, None).await.unwrap();
            let mut reader = city.platform.reader();
            let stored = storage::deliveries::find_for_order(&mut reader, order).await.unwrap();
            assert_eq!(stored.unwrap().ready_at, city.platform.now(), "when it says so");
        }
        assert_eq!(expected[0], 10.0, "nothing is known: what it announces");
        assert!(expected[1..].iter().all(|it| (10.5..15.0).contains(it)), "{expected:?}");
        assert!(expected[11] > 13.0, "three hours of it: {expected:?}");

        let (_, at_once) = accept(&city, 0).await;
        assert_eq!(at_once, 0.0, "what is there is there");
    })
    .await;
}
