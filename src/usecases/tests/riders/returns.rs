//! Goods that cannot be handed over.

use domain::{
    alarm::AlarmKind,
    delivery::DeliveryRefusal,
    ids::{OrderId, RiderId},
    reason::Reason,
    role::Profile,
};
use storage::testing::each_engine;
use usecases::{
    alarms,
    deliveries::{self, StopKind},
    error::AskError,
    order_book, orders,
    proofs::Evidence,
    returns,
};

use crate::support::City;

/// A rider who has the goods.
async fn given_on_board(city: &mut City, name: &str) -> (RiderId, OrderId) {
    let rider = city.rider(name, 3, 300.0).await;
    let order = city.accepted_order().await;
    city.take(rider, order).await;
    orders::ready(&city.platform, city.merchant, order, None).await.unwrap();
    let kind = StopKind::Pickup;
    deliveries::finish_stop(&city.platform, rider, order, kind, Evidence::default(), None)
        .await
        .unwrap();
    (rider, order)
}

/// What the customer reads: status, how much went back, and the reason of the end.
async fn end_of(city: &City, order: OrderId) -> (String, String, Option<String>) {
    let by = Profile::Customer(city.customer);
    let page = order_book::show(&city.platform, by, order).await.unwrap();
    let end = page.changes.iter().find(|it| it.to == "cancelled");
    let refund = page.case.refund.to_string();
    (page.case.status().to_string(), refund, end.and_then(|it| it.reason.clone()))
}

#[tokio::test]
async fn nobody_opens_so_the_goods_go_back_after_a_wait_and_are_paid_for() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let (rider, order) = given_on_board(&mut city, "ann").await;
        let why = Reason::CustomerUnreachable;
        let start = async || returns::start(&city.platform, rider, order, why, None).await;
        let early = start().await;
        assert!(matches!(early, Err(AskError::Delivery(DeliveryRefusal::Illegal(_)))), "{early:?}");
        let kind = StopKind::Dropoff;
        deliveries::arrive(&city.platform, rider, order, kind, None).await.unwrap();
        city.pass(299);
        let early = start().await;
        let is_early = matches!(early, Err(AskError::Delivery(DeliveryRefusal::TooEarly { .. })));
        assert!(is_early, "{early:?}");
        city.pass(1);
        assert_eq!(start().await.unwrap().value.state, "returning");
        let open = alarms::list(&city.platform, None).await.unwrap();
        assert_eq!((open[0].order_id, open[0].kind), (order, AlarmKind::Undeliverable));
        let route = async |city: &mut City| {
            city.cycle().await;
            city.told_routes(rider).await.pop().unwrap()
        };
        let lat = format!("\"lat\":{}", city.centre.lat());
        assert!(route(&mut city).await.contains(&lat), "he is sent to the store");
        let done =
            deliveries::finish_stop(&city.platform, rider, order, kind, Evidence::default(), None)
                .await;
        assert!(done.is_err(), "the customer is not asked again: {done:?}");

        returns::brought_back(&city.platform, city.merchant, order, None).await.unwrap();
        assert_eq!(city.delivery(order).await.0, "returned");
        let end = end_of(&city, order).await;
        assert_eq!(end, ("cancelled".into(), "none".into(), Some("customer_unreachable".into())));
        assert!(alarms::list(&city.platform, None).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_not_the_customers_doing_is_paid_back_in_full() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let (rider, order) = given_on_board(&mut city, "ann").await;
        let why = Reason::GoodsDamaged;
        returns::start(&city.platform, rider, order, why, None).await.unwrap();
        returns::brought_back(&city.platform, city.merchant, order, None).await.unwrap();
        let end = end_of(&city, order).await;
        assert_eq!(end, ("refunded".into(), "full".into(), Some("goods_damaged".into())));

        let (rider, order) = given_on_board(&mut city, "bob").await;
        let wrong = returns::lost(&city.platform, rider, order, Reason::ChangedMind, None).await;
        assert!(matches!(wrong, Err(AskError::Delivery(_))), "{wrong:?}");
        let lost = returns::lost(&city.platform, rider, order, Reason::GoodsLost, None).await;
        assert_eq!(lost.unwrap().value.state, "failed");
        let end = end_of(&city, order).await;
        assert_eq!(end, ("refunded".into(), "full".into(), Some("goods_lost".into())));
        let open = alarms::list(&city.platform, None).await.unwrap();
        assert_eq!((open[0].order_id, open[0].kind), (order, AlarmKind::GoodsLost));
        let again = returns::brought_back(&city.platform, city.merchant, order, None).await;
        assert!(again.is_err(), "nothing comes back");
    })
    .await;
}
