//! Exclusive offers: one rider at a time, one answer, one holder.

use domain::{ids::OfferId, role::Profile};
use futures_util::future::join_all;
use storage::{duty as duty_rows, testing::each_engine};
use usecases::{
    deliveries::{self, StopKind},
    duty,
    error::AskError,
    offers, orders,
    proofs::Evidence,
};

use crate::support::City;

#[tokio::test]
async fn a_decline_or_silence_moves_the_offer_to_the_next_rider_and_the_order_is_delivered() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let near = city.rider("near", 2, 300.0).await;
        let farther = city.rider("farther", 2, 900.0).await;
        let farthest = city.rider("farthest", 2, 1_500.0).await;
        let order = city.accepted_order().await;

        assert_eq!(city.cycle().await.n_offers, 1);
        assert_eq!(city.cycle().await.n_offers, 0, "one exclusive offer at a time");
        let first = city.open_offer(near).await.expect("the nearest is asked first");
        offers::reply(&city.platform, near, first, false, None).await.unwrap();

        city.cycle().await;
        let second = city.open_offer(farther).await.expect("then the next");
        city.pass(30);
        city.deadlines().await;
        let late = offers::reply(&city.platform, farther, second, true, None).await;
        assert!(matches!(late, Err(AskError::Gone { state: "expired" })), "{late:?}");

        city.cycle().await;
        let third = city.open_offer(farthest).await.expect("then the last");
        let stranger = offers::reply(&city.platform, near, third, true, None).await;
        assert!(matches!(stranger, Err(AskError::NotFound { .. })), "{stranger:?}");
        let won = offers::reply(&city.platform, farthest, third, true, None).await.unwrap();
        assert_eq!(won.value.state, "won");
        assert_eq!(city.delivery(order).await, ("assigned", Some(farthest)));

        let stop = async |kind| {
            deliveries::arrive(&city.platform, farthest, order, kind, None).await.unwrap();
            deliveries::finish_stop(
                &city.platform,
                farthest,
                order,
                kind,
                Evidence::default(),
                None,
            )
            .await
            .unwrap()
        };
        orders::ready(&city.platform, city.merchant, order, None).await.unwrap();
        assert_eq!(stop(StopKind::Pickup).await.value.order_state, "picked_up");
        assert_eq!(stop(StopKind::Dropoff).await.value.order_state, "delivered");
        let confirmed = orders::confirm(&city.platform, city.customer, order, None).await.unwrap();
        assert_eq!(confirmed.value.state, "completed");
    })
    .await;
}

#[tokio::test]
async fn an_offer_can_be_taken_until_its_deadline_and_not_at_it() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let rider = city.rider("ann", 3, 300.0).await;
        for (seconds, is_won) in [(29, true), (30, false)] {
            let order = city.accepted_order().await;
            city.cycle().await;
            let offer = city.open_offer(rider).await.expect("she is asked");
            city.pass(seconds);
            let answer = offers::reply(&city.platform, rider, offer, true, None).await;
            assert_eq!(answer.is_ok(), is_won, "after {seconds} s: {answer:?}");
            assert_eq!(city.delivery(order).await.1.is_some(), is_won);
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_races_with_the_deadline_has_one_result() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        for round in 0..10 {
            // A rider of her own for each round: whoever declined is not asked again for a while.
            let rider = city.rider(&format!("ann{round}"), 1, 300.0).await;
            let order = city.accepted_order().await;
            city.cycle().await;
            let offer = city.open_offer(rider).await.expect("she is asked");
            let answers =
                (0..4).map(|n| offers::reply(&city.platform, rider, offer, n % 2 == 0, None));
            let outcomes = join_all(answers).await;
            let n_answered = outcomes.iter().filter(|it| it.is_ok()).count();
            assert_eq!(n_answered, 1, "{outcomes:?}");
            let won = outcomes.iter().flatten().any(|it| it.value.state == "won");
            assert_eq!(city.delivery(order).await.1.is_some(), won);
            let customer = Profile::Customer(city.customer);
            orders::cancel(&city.platform, customer, order, None, None).await.unwrap();
            duty::off(&city.platform, rider, None).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_bag_never_holds_more_than_it_can() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let rider = city.rider("ann", 2, 300.0).await;
        for _ in 0..5 {
            city.accepted_order().await;
        }
        for _ in 0..3 {
            city.cycle().await;
        }
        let mut reader = city.platform.reader();
        let open = storage::offers::list_open_for_rider(&mut reader, rider).await.unwrap();
        assert_eq!(open.len(), 2, "no more offers than there is room");
        for offer in open {
            offers::reply(&city.platform, rider, offer.id, true, None).await.unwrap();
        }
        city.cycle().await;
        assert_eq!(city.open_offer(rider).await, None);
        let held = storage::deliveries::list_for_rider(&mut reader, rider).await.unwrap();
        assert_eq!(held.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn three_silences_in_a_row_put_a_rider_on_a_break() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let rider = city.rider("ann", 9, 300.0).await;
        for n in 1..=3 {
            city.accepted_order().await;
            city.cycle().await;
            city.open_offer(rider).await.unwrap_or_else(|| panic!("asked for the {n}th time"));
            city.pass(31);
            city.deadlines().await;
        }
        let mut reader = city.platform.reader();
        let duty = duty_rows::find(&mut reader, rider).await.unwrap().unwrap();
        assert_eq!(duty.duty, duty_rows::Duty::Break);
        city.pass(600);
        city.cycle().await;
        assert_eq!(city.open_offer(rider).await, None, "nobody is asked on a break");
    })
    .await;
}

#[tokio::test]
async fn a_rider_who_goes_off_duty_keeps_nobody_waiting() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let leaving = city.rider("ann", 3, 300.0).await;
        let staying = city.rider("bob", 3, 900.0).await;
        for leave_for_good in [false, true] {
            let order = city.accepted_order().await;
            city.cycle().await;
            city.open_offer(leaving).await.expect("the nearest is asked");
            if leave_for_good {
                duty::off(&city.platform, leaving, None).await.unwrap();
            } else {
                duty::pause(&city.platform, leaving, None).await.unwrap();
            }
            assert_eq!(city.delivery(order).await.0, "waiting");
            city.cycle().await;
            let next = city.open_offer(staying).await.expect("at once the next is asked");
            offers::reply(&city.platform, staying, next, true, None).await.unwrap();
            city.back_on_duty(leaving).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_offer_that_nobody_made_is_not_found() {
    each_engine(async |store| {
        let city = City::new(store).await;
        let rider = city.rider("ann", 1, 300.0).await;
        let answer = offers::reply(&city.platform, rider, OfferId::generate(), true, None).await;
        assert!(matches!(answer, Err(AskError::NotFound { what: "offer" })), "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn an_offer_is_withdrawn_when_another_rider_is_much_better_by_now() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let far = city.rider("far", 2, 6_000.0).await;
        let order = city.accepted_order().await;
        city.cycle().await;
        let offer = city.open_offer(far).await.expect("the only one is asked");
        city.rider("nearer", 2, 5_500.0).await;
        assert_eq!(city.cycle().await.n_withdrawn, 0, "not for a little");
        let near = city.rider("near", 2, 200.0).await;
        assert_eq!(city.cycle().await.n_withdrawn, 1);
        let late = offers::reply(&city.platform, far, offer, true, None).await;
        assert!(matches!(late, Err(AskError::Gone { state: "withdrawn" })), "{late:?}");
        city.cycle().await;
        assert!(city.open_offer(near).await.is_some());
        let why = usecases::ops::why(&city.platform, order).await.unwrap();
        assert_eq!(why.len(), 2);
        assert_eq!(why[0].chosen.rider, near.to_string(), "the newest first");
        assert_eq!(why[1].chosen.rider, far.to_string());
        assert!(why[0].others.iter().all(|it| it.cost_min >= why[0].chosen.cost_min), "{why:?}");
        assert_eq!(why[0].others.len(), 1, "who was asked before is not asked again for a while");
    })
    .await;
}

#[tokio::test]
async fn whoever_declines_often_is_asked_later_than_whoever_is_a_little_farther() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let picky = city.rider("picky", 3, 300.0).await;
        for _ in 0..6 {
            let order = city.accepted_order().await;
            city.cycle().await;
            let offer = city.open_offer(picky).await.expect("she is the only one");
            offers::reply(&city.platform, picky, offer, false, None).await.unwrap();
            let customer = Profile::Customer(city.customer);
            orders::cancel(&city.platform, customer, order, None, None).await.unwrap();
        }
        let willing = city.rider("willing", 3, 500.0).await;
        city.pass(31);
        let order = city.accepted_order().await;
        city.cycle().await;
        let why = usecases::ops::why(&city.platform, order).await.unwrap();
        assert_eq!(why[0].chosen.rider, willing.to_string(), "{why:#?}");
        let other = why[0].others.iter().find(|it| it.rider == picky.to_string()).unwrap();
        assert!(other.handicap_min > 1.5 && why[0].chosen.handicap_min == 0.0, "{why:#?}");
    })
    .await;
}
