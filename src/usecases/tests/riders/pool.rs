//! The grab pool: many want it, one gets it.

use domain::{geo::POOL_CELL_CHARS, ids::RiderId};
use futures_util::future::join_all;
use storage::testing::each_engine;
use usecases::{deliveries, error::AskError};

use crate::support::City;

#[tokio::test]
async fn of_riders_who_grab_at_the_same_instant_exactly_one_wins() {
    each_engine(async |store| {
        let city = City::new(store).await;
        let mut riders: Vec<RiderId> = Vec::new();
        for name in ["ann", "bob", "eve"] {
            riders.push(city.rider(name, 50, 300.0).await);
        }
        for round in 0..20 {
            let order = city.accepted_order().await;
            deliveries::put_in_pool(&city.platform, order).await.unwrap();
            let grabs = riders.iter().map(|it| deliveries::grab(&city.platform, *it, order, None));
            let outcomes = join_all(grabs).await;
            let winners: Vec<_> =
                riders.iter().zip(&outcomes).filter(|(_, it)| it.is_ok()).collect();
            assert_eq!(winners.len(), 1, "round {round}: {outcomes:?}");
            assert_eq!(city.delivery(order).await, ("assigned", Some(*winners[0].0)));
            for lost in outcomes.iter().filter_map(|it| it.as_ref().err()) {
                assert!(
                    matches!(lost, AskError::Gone { state: "assigned" | "claimed" }),
                    "{lost:?}"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_grab_in_vain_says_what_is_wrong() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let rider = city.rider("ann", 1, 300.0).await;
        let order = city.accepted_order().await;
        let grab = async |city: &City| {
            deliveries::grab(&city.platform, rider, order, None).await.unwrap_err()
        };
        let waiting = grab(&city).await;
        assert!(matches!(waiting, AskError::NotPooled { state: "waiting" }), "{waiting:?}");
        city.cycle().await;
        let asked = city.open_offer(rider).await.expect("he is asked");
        let offering = grab(&city).await;
        assert!(matches!(offering, AskError::BagFull { .. }), "asked about it: {offering:?}");
        usecases::offers::reply(&city.platform, rider, asked, false, None).await.unwrap();
        deliveries::put_in_pool(&city.platform, order).await.unwrap();
        usecases::duty::off(&city.platform, rider, None).await.unwrap();
        let off = grab(&city).await;
        assert!(matches!(off, AskError::NotOnDuty), "{off:?}");
        city.back_on_duty(rider).await;
        deliveries::grab(&city.platform, rider, order, None).await.unwrap();
        let late = grab(&city).await;
        assert!(matches!(late, AskError::Gone { state: "assigned" }), "{late:?}");
    })
    .await;
}

#[tokio::test]
async fn without_riders_a_delivery_goes_to_the_pool_and_comes_back_when_one_appears() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let order = city.accepted_order().await;
        assert_eq!(city.cycle().await.n_pooled, 0, "not at once");
        city.pass(181);
        assert_eq!(city.cycle().await.n_pooled, 1);
        assert_eq!(city.delivery(order).await.0, "pooled");
        let cell = city.centre.cell(POOL_CELL_CHARS);
        let shown = deliveries::pool_snapshot(&city.platform, &[cell]).await.unwrap();
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].order, order.to_string());

        let rider = city.rider("ann", 1, 300.0).await;
        city.cycle().await;
        assert_eq!(city.delivery(order).await.0, "pooled", "the pool has its turn first");
        city.pass(61);
        city.cycle().await;
        assert_eq!(city.delivery(order).await.0, "offering");
        assert!(city.open_offer(rider).await.is_some());
    })
    .await;
}
