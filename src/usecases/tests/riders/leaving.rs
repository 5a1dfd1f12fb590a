//! A delivery leaves its rider before pickup: handed on, taken off by an operator or the system.

use domain::{
    channel::Channel,
    delivery::DeliveryRefusal,
    ids::{OperatorId, OrderId, RiderId},
    reason::Reason,
    role::Profile,
};
use futures_util::future::join_all;
use storage::{journal, testing::each_engine};
use usecases::{
    channels,
    deliveries::{self, StopKind},
    error::AskError,
    handing_on, orders,
    watch::{self, Sightings, Watches},
};

use crate::support::City;

/// What an inbox or a chat was told of one kind.
async fn told(city: &City, channel: Channel, kind: &str) -> Vec<String> {
    let mut reader = city.platform.reader();
    let entries = journal::read_after(&mut reader, &channel, 0, 500).await.unwrap();
    entries.into_iter().filter(|it| it.kind == kind).map(|it| it.body).collect()
}

#[tokio::test]
async fn a_rider_hands_on_and_the_next_one_is_asked() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let near = city.rider("near", 2, 300.0).await;
        let order = city.accepted_order().await;
        city.take(near, order).await;
        let farther = city.rider("farther", 2, 900.0).await;

        let wrong = Reason::ChangedMind;
        let refused = handing_on::hand_on(&city.platform, near, order, wrong, None).await;
        assert!(matches!(refused, Err(AskError::Delivery(DeliveryRefusal::ReasonNeeded { .. }))));
        let why = Reason::VehicleTrouble;
        let stranger = handing_on::hand_on(&city.platform, farther, order, why, None).await;
        assert!(matches!(stranger, Err(AskError::NotFound { .. })), "{stranger:?}");
        let done = handing_on::hand_on(&city.platform, near, order, why, None).await.unwrap();
        assert_eq!(done.value.state, "waiting");
        assert_eq!(city.delivery(order).await, ("waiting", None));

        let inbox = told(&city, Channel::Inbox(Profile::Rider(near)), "unassigned").await;
        assert_eq!(inbox.len(), 1, "{inbox:?}");
        assert!(inbox[0].contains(r#""reason":"vehicle_trouble","by":"rider""#), "{inbox:?}");
        let members = told(&city, Channel::Order(order), "member").await;
        assert!(members.last().unwrap().contains(r#""joined":false"#), "{members:?}");
        let (channel, rider) = (Channel::Order(order), Profile::Rider(near));
        assert!(!channels::may_read(&city.platform, rider, &channel, false).await.unwrap());

        city.cycle().await;
        assert_eq!(city.open_offer(near).await, None, "he is not asked again");
        let offer = city.open_offer(farther).await.expect("the next one is asked");
        usecases::offers::reply(&city.platform, farther, offer, false, None).await.unwrap();
        city.pass(200);
        city.cycle().await;
        assert_eq!(city.open_offer(near).await, None, "not yet");
        city.pass(160);
        city.cycle().await;
        city.pass(61);
        city.cycle().await;
        assert!(city.open_offer(near).await.is_some(), "after a while he is");
    })
    .await;
}

#[tokio::test]
async fn a_plan_from_before_his_no_does_not_ask_him_again() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let rider = city.rider("ann", 2, 300.0).await;
        let order = city.accepted_order().await;
        // Another node looked before he was asked, and acts after he has said no.
        let early = usecases::dispatch::look(&city.platform).await.unwrap();
        city.cycle().await;
        let offer = city.open_offer(rider).await.expect("he is asked");
        usecases::offers::reply(&city.platform, rider, offer, false, None).await.unwrap();
        let report = city.cycle_on(&early).await;
        assert_eq!((report.n_offers, report.n_beaten), (0, 1), "{report:?}");
        assert_eq!(city.open_offer(rider).await, None);
        assert_eq!(city.delivery(order).await.0, "waiting");
        // Five minutes count from his answer, not from the question.
        city.pass(299);
        city.cycle().await;
        assert_eq!(city.open_offer(rider).await, None, "not yet");
    })
    .await;
}

#[tokio::test]
async fn who_has_the_goods_cannot_hand_them_on_and_nobody_takes_them_off_him() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let rider = city.rider("ann", 2, 300.0).await;
        let order = city.accepted_order().await;
        city.take(rider, order).await;
        orders::ready(&city.platform, city.merchant, order, None).await.unwrap();
        deliveries::finish_stop(&city.platform, rider, order, StopKind::Pickup, None)
            .await
            .unwrap();
        let why = Reason::Accident;
        let refused = handing_on::hand_on(&city.platform, rider, order, why, None).await;
        assert!(matches!(refused, Err(AskError::Delivery(_))), "{refused:?}");
        let taken = handing_on::take_off(&city.platform, rider, order, Reason::RiderSilent).await;
        assert!(!taken.unwrap());
        let by = OperatorId::generate();
        let why = Reason::OperatorDecision;
        let refused = handing_on::reassign(&city.platform, by, order, None, why, None).await;
        assert!(matches!(refused, Err(AskError::Delivery(_))), "{refused:?}");
        assert_eq!(city.delivery(order).await, ("picked_up", Some(rider)));
    })
    .await;
}

#[tokio::test]
async fn an_operator_gives_a_delivery_to_a_rider_by_name_whoever_has_it() {
    each_engine(async |store| {
        let city = City::new(store).await;
        let ann = city.rider("ann", 1, 300.0).await;
        let order = city.accepted_order().await;
        let reassign = async |to: Option<RiderId>| {
            let (by, why) = (OperatorId::generate(), Reason::OperatorDecision);
            handing_on::reassign(&city.platform, by, order, to, why, None).await
        };
        let nobody = reassign(None).await;
        assert!(matches!(nobody, Err(AskError::Delivery(_))), "nobody holds it: {nobody:?}");
        let asked = reassign(Some(ann)).await.unwrap().value;
        assert_eq!(asked.state, "offering");
        let bob = city.rider("bob", 1, 5_000.0).await;
        let over = reassign(Some(bob)).await.unwrap().value;
        assert_eq!(city.open_offer(ann).await, None, "her offer was withdrawn");
        let offer = over.offer.unwrap().parse().unwrap();
        assert_eq!(city.open_offer(bob).await, Some(offer));
        usecases::offers::reply(&city.platform, bob, offer, true, None).await.unwrap();
        assert!(reassign(Some(bob)).await.is_err(), "he has it");
        let full = reassign(Some(bob)).await;
        assert!(matches!(full, Err(AskError::OutOfRange { .. })), "{full:?}");

        let back = reassign(Some(ann)).await.unwrap().value;
        assert_eq!(back.state, "offering");
        let inbox = told(&city, Channel::Inbox(Profile::Rider(bob)), "unassigned").await;
        assert!(inbox[0].contains(r#""reason":"operator_decision","by":"operator""#), "{inbox:?}");
        let offer = back.offer.unwrap().parse().unwrap();
        usecases::offers::reply(&city.platform, ann, offer, true, None).await.unwrap();
        assert_eq!(city.delivery(order).await, ("assigned", Some(ann)));

        let other = city.accepted_order().await;
        deliveries::put_in_pool(&city.platform, other).await.unwrap();
        let (by, why) = (OperatorId::generate(), Reason::OperatorDecision);
        let full = handing_on::reassign(&city.platform, by, other, Some(ann), why, None).await;
        assert!(matches!(full, Err(AskError::BagFull { .. })), "{full:?}");
        assert_eq!(city.delivery(other).await.0, "pooled", "a refusal changes nothing");
        handing_on::reassign(&city.platform, by, other, Some(bob), why, None).await.unwrap();
        assert_eq!(city.delivery(other).await.0, "offering");
    })
    .await;
}

#[tokio::test]
async fn of_a_pickup_and_a_reassignment_at_once_exactly_one_happens() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        for round in 0..10 {
            let rider = city.rider(&format!("ann{round}"), 1, 300.0).await;
            let order = city.accepted_order().await;
            city.take(rider, order).await;
            orders::ready(&city.platform, city.merchant, order, None).await.unwrap();
            let pickup =
                deliveries::finish_stop(&city.platform, rider, order, StopKind::Pickup, None);
            let offs = (0..3).map(|_| {
                handing_on::take_off(&city.platform, rider, order, Reason::RiderNotMoving)
            });
            let (picked_up, taken_off) = futures_util::future::join(pickup, join_all(offs)).await;
            let n_off = taken_off.into_iter().filter(|it| *it.as_ref().unwrap()).count();
            assert_eq!(n_off + usize::from(picked_up.is_ok()), 1, "{picked_up:?}");
            let state = city.delivery(order).await;
            assert_eq!(state.1.is_some(), picked_up.is_ok(), "{state:?}");
        }
    })
    .await;
}

/// Looks after the riders once, with whoever is seen `metres` east of the store.
async fn tend(city: &City, watches: &mut Watches, seen: &[(RiderId, f64)]) -> usize {
    let look = usecases::dispatch::look(&city.platform).await.unwrap();
    let at = |(rider, east_m): &(RiderId, f64)| (*rider, city.centre.offset(*east_m, 0.0));
    let seen: Sightings = seen.iter().map(at).collect();
    watch::tend(&city.platform, &look, &seen, watches, &|_| true).await.unwrap()
}

async fn given_assigned(city: &mut City, name: &str) -> (RiderId, OrderId) {
    let rider = city.rider(name, 3, 3_000.0).await;
    let order = city.accepted_order().await;
    city.take(rider, order).await;
    (rider, order)
}

#[tokio::test]
async fn a_silent_rider_loses_what_he_has_not_fetched() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let mut watches = Watches::default();
        let (rider, order) = given_assigned(&mut city, "ann").await;
        for _ in 0..4 {
            assert_eq!(tend(&city, &mut watches, &[]).await, 0);
            city.pass(60);
        }
        assert_eq!(tend(&city, &mut watches, &[(rider, 2_900.0)]).await, 0, "she is seen again");
        city.pass(299);
        assert_eq!(tend(&city, &mut watches, &[]).await, 0);
        city.be_connected(rider).await;
        city.pass(1);
        assert_eq!(tend(&city, &mut watches, &[]).await, 0, "connected is not silent");
        city.be_gone(rider).await;
        city.pass(300);
        assert_eq!(tend(&city, &mut watches, &[]).await, 1);
        assert_eq!(city.delivery(order).await, ("waiting", None));
        let inbox = told(&city, Channel::Inbox(Profile::Rider(rider)), "unassigned").await;
        assert!(inbox[0].contains(r#""reason":"rider_silent","by":"system""#), "{inbox:?}");
    })
    .await;
}

#[tokio::test]
async fn a_rider_who_does_not_come_closer_loses_it_and_one_who_does_keeps_it() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let mut watches = Watches::default();
        let (idle, lost) = given_assigned(&mut city, "idle").await;
        let (quick, kept) = given_assigned(&mut city, "quick").await;
        let mut n_off = 0;
        for minute in 0..9 {
            let seen = [(idle, 3_000.0), (quick, 3_000.0 - 200.0 * f64::from(minute))];
            n_off += tend(&city, &mut watches, &seen).await;
            city.pass(60);
        }
        assert_eq!(n_off, 1);
        assert_eq!(city.delivery(lost).await, ("waiting", None));
        assert_eq!(city.delivery(kept).await, ("assigned", Some(quick)));
        let inbox = told(&city, Channel::Inbox(Profile::Rider(idle)), "unassigned").await;
        assert!(inbox[0].contains("rider_not_moving"), "{inbox:?}");

        // At the store it is the kitchen that is waited for.
        deliveries::arrive(&city.platform, quick, kept, StopKind::Pickup, None).await.unwrap();
        for _ in 0..30 {
            assert_eq!(tend(&city, &mut watches, &[(quick, 900.0)]).await, 0);
            city.pass(60);
        }
    })
    .await;
}
