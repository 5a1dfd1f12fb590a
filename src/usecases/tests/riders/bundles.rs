//! Several deliveries of one store in one offer: taken, declined or left out together.

use domain::{
    dispatch::Policy,
    ids::{OfferId, OrderId, RiderId},
    role::Profile,
};
use futures_util::future::join_all;
use storage::{duty as duty_rows, offers as rows, testing::each_engine};
use usecases::{error::AskError, offers, orders};

use crate::support::City;

/// Two orders of one store, ready at once, and one offer for both.
async fn given_bundle(city: &mut City, rider: RiderId) -> ([OrderId; 2], Vec<OfferId>) {
    city.policy = Policy::Batch;
    let orders = [city.accepted_order().await, city.accepted_order().await];
    assert_eq!(city.cycle().await.n_offers, 1, "one offer for both");
    let open = rows::list_open_for_rider(&mut city.platform.reader(), rider).await.unwrap();
    assert_eq!(open.len(), 2);
    (orders, open.into_iter().map(|it| it.id).collect())
}

async fn states(city: &City, orders: [OrderId; 2]) -> Vec<&'static str> {
    let mut states = Vec::new();
    for order in orders {
        states.push(city.delivery(order).await.0);
    }
    states
}

#[tokio::test]
async fn an_answer_to_one_offer_of_a_bundle_answers_all() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let rider = city.rider("ann", 4, 300.0).await;
        let (both, offer) = given_bundle(&mut city, rider).await;
        let won = offers::reply(&city.platform, rider, offer[1], true, None).await.unwrap();
        assert_eq!(won.value.state, "won");
        assert_eq!(states(&city, both).await, ["assigned"; 2]);
        let again = offers::reply(&city.platform, rider, offer[0], true, None).await;
        assert!(matches!(again, Err(AskError::Gone { state: "accepted" })), "{again:?}");

        let other = city.rider("bob", 4, 200.0).await;
        let (both, offer) = given_bundle(&mut city, other).await;
        let stranger = offers::reply(&city.platform, rider, offer[0], true, None).await;
        assert!(matches!(stranger, Err(AskError::NotFound { .. })), "{stranger:?}");
        offers::reply(&city.platform, other, offer[0], false, None).await.unwrap();
        assert_eq!(states(&city, both).await, ["waiting"; 2]);
    })
    .await;
}

#[tokio::test]
async fn a_bundle_that_lapses_is_one_silence() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let rider = city.rider("ann", 4, 300.0).await;
        let (both, offer) = given_bundle(&mut city, rider).await;
        city.pass(31);
        city.deadlines().await;
        city.deadlines().await;
        assert_eq!(states(&city, both).await, ["waiting"; 2]);
        let duty = duty_rows::find(&mut city.platform.reader(), rider).await.unwrap().unwrap();
        assert_eq!(duty.n_timeouts, 1);
        let late = offers::reply(&city.platform, rider, offer[0], true, None).await;
        assert!(matches!(late, Err(AskError::Gone { state: "expired" })), "{late:?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_called_off_leaves_the_rest_of_its_bundle_open() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let rider = city.rider("ann", 4, 300.0).await;
        let (both, offer) = given_bundle(&mut city, rider).await;
        let customer = Profile::Customer(city.customer);
        orders::cancel(&city.platform, customer, both[0], None, None).await.unwrap();
        let mut reader = city.platform.reader();
        let open = rows::list_open_for_rider(&mut reader, rider).await.unwrap();
        assert_eq!(open.len(), 1);
        assert!(offer.contains(&open[0].id));
        offers::reply(&city.platform, rider, open[0].id, true, None).await.unwrap();
        assert_eq!(states(&city, both).await, ["cancelled", "assigned"]);
    })
    .await;
}

#[tokio::test]
async fn answers_of_a_bundle_that_race_have_one_result_for_all_of_it() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        for round in 0..6 {
            let rider = city.rider(&format!("ann{round}"), 2, 300.0 - f64::from(round)).await;
            let (both, offer) = given_bundle(&mut city, rider).await;
            // At the deadline itself: answers to both offers against their timers.
            city.pass(if round % 2 == 0 { 29 } else { 30 });
            let answer = |n: usize| offers::reply(&city.platform, rider, offer[n % 2], n < 2, None);
            let (outcomes, ()) =
                futures_util::future::join(join_all((0..4).map(answer)), city.deadlines()).await;
            let n_answered = outcomes.iter().filter(|it| it.is_ok()).count();
            assert_eq!(n_answered, usize::from(round % 2 == 0), "{outcomes:?}");
            let won = outcomes.iter().flatten().any(|it| it.value.state == "won");
            assert_eq!(states(&city, both).await, [if won { "assigned" } else { "waiting" }; 2]);
            for order in both {
                let customer = Profile::Customer(city.customer);
                orders::cancel(&city.platform, customer, order, None, None).await.unwrap();
            }
            usecases::duty::off(&city.platform, rider, None).await.unwrap();
        }
    })
    .await;
}
