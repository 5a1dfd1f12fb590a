//! What happens while no rider is found.

use domain::{
    alarm::AlarmKind,
    channel::Channel,
    delivery_state::DeliveryState,
    geo::{POOL_CELL_CHARS, cells_within},
    ids::{OperatorId, OrderId},
    order::OrderRefusal,
    order_state::OrderState,
    reason::Reason,
    role::Profile,
};
use storage::{deliveries as delivery_rows, journal, orders as order_rows, testing::each_engine};
use usecases::{alarms, deliveries, error::AskError, handing_on, offers, order_book, orders};

use crate::support::City;

/// So many minutes pass, with the dispatcher and the timekeeper at work.
async fn live(city: &mut City, minutes: u32) {
    for _ in 0..minutes {
        city.pass(60);
        city.cycle().await;
        city.deadlines().await;
    }
}

/// What the pool shows in the cell that lies so many metres north of the store.
async fn pool_at(city: &City, north_m: f64) -> Vec<(i64, i64)> {
    let cell = city.centre.offset(0.0, north_m).cell(POOL_CELL_CHARS);
    let shown = deliveries::pool_snapshot(&city.platform, &[cell]).await.unwrap();
    shown.iter().map(|it| (it.pay_minor, it.bonus_minor)).collect()
}

async fn open_alarms(city: &City) -> Vec<(OrderId, AlarmKind)> {
    let region = city.centre.region();
    let open = alarms::list(&city.platform, Some(&region)).await.unwrap();
    assert_eq!(open, alarms::list(&city.platform, None).await.unwrap());
    open.into_iter().map(|it| (it.order_id, it.kind)).collect()
}

async fn cancel(city: &City, order: OrderId) -> Result<(), AskError> {
    let (by, why) = (Profile::Customer(city.customer), Some(Reason::NoRiderFound));
    orders::cancel(&city.platform, by, order, None, why).await.map(|_| ())
}

#[tokio::test]
async fn nobody_comes_so_the_pool_widens_the_pay_rises_and_everybody_is_told() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let order = city.accepted_order().await;
        live(&mut city, 3).await;
        assert_eq!(city.delivery(order).await.0, "pooled");
        assert_eq!(pool_at(&city, 0.0).await, [(500, 0)]);
        let far_m = 700.0;
        let near = city.centre.cell(POOL_CELL_CHARS);
        let far = city.centre.offset(0.0, far_m).cell(POOL_CELL_CHARS);
        assert!(far != near && cells_within(&near, 2).contains(&far), "the next cells");
        assert_eq!(pool_at(&city, 2.0 * far_m).await.len(), 0, "nobody two cells away sees it yet");
        live(&mut city, 2).await;
        assert_eq!(pool_at(&city, far_m).await, [(600, 100)], "wider, and a bonus");
        live(&mut city, 3).await;
        assert_eq!(pool_at(&city, far_m).await, [(700, 200)]);
        live(&mut city, 1).await;
        assert!(open_alarms(&city).await.is_empty());
        let early = cancel(&city, order).await;
        assert!(matches!(early, Err(AskError::Order(OrderRefusal::TooLate { .. }))), "{early:?}");

        live(&mut city, 1).await;
        assert_eq!(open_alarms(&city).await, [(order, AlarmKind::NoRider)]);
        for channel in [
            Channel::Inbox(Profile::Customer(city.customer)),
            Channel::Store(city.store),
            Channel::Order(order),
        ] {
            let mut reader = city.platform.reader();
            let entries = journal::read_after(&mut reader, &channel, 0, 500).await.unwrap();
            let told = entries.iter().filter(|it| it.body.contains(r#""event":"no_rider""#));
            assert_eq!(told.count(), 1, "{channel}");
        }
        live(&mut city, 20).await;
        assert_eq!(pool_at(&city, far_m).await, [(800, 300)], "the cap holds");
        cancel(&city, order).await.expect("free of charge from now on");
        assert!(open_alarms(&city).await.is_empty(), "nothing is left to do");
        assert!(pool_at(&city, far_m).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn who_comes_after_all_gets_the_bonus_and_ends_the_alarm() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let order = city.accepted_order().await;
        live(&mut city, 12).await;
        assert_eq!(open_alarms(&city).await.len(), 1);
        let rider = city.rider("ann", 1, 300.0).await;
        live(&mut city, 1).await;
        let offer = city.open_offer(rider).await.expect("she is asked at once");
        let mut reader = city.platform.reader();
        let inbox = Channel::Inbox(Profile::Rider(rider));
        let entries = journal::read_after(&mut reader, &inbox, 0, 500).await.unwrap();
        let asked = entries.iter().find(|it| it.kind == "offer").unwrap();
        assert!(asked.body.contains(r#""pay_minor":800,"bonus_minor":300"#), "{}", asked.body);
        assert!(cancel(&city, order).await.is_ok() || city.delivery(order).await.1.is_some());
        let late = offers::reply(&city.platform, rider, offer, true, None).await;
        assert!(matches!(late, Err(AskError::Gone { state: "withdrawn" })), "{late:?}");

        let order = city.accepted_order().await;
        city.pass(700);
        city.deadlines().await;
        assert_eq!(open_alarms(&city).await, [(order, AlarmKind::NoRider)]);
        city.take(rider, order).await;
        assert!(open_alarms(&city).await.is_empty());
        let refused = cancel(&city, order).await;
        assert!(refused.is_err(), "a rider is on the way");
        let why = Reason::Accident;
        handing_on::hand_on(&city.platform, rider, order, why, None).await.unwrap();
        city.pass(300);
        city.deadlines().await;
        assert!(open_alarms(&city).await.is_empty(), "the search began anew");
    })
    .await;
}

#[tokio::test]
async fn after_the_last_limit_the_order_ends_and_all_the_money_goes_back() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let order = city.accepted_order().await;
        live(&mut city, 59).await;
        assert_eq!(city.delivery(order).await.0, "pooled");
        live(&mut city, 1).await;
        let mut reader = city.platform.reader();
        let stored = order_rows::find(&mut reader, order).await.unwrap().unwrap();
        assert_eq!(stored.order.state, OrderState::Cancelled);
        let delivery = delivery_rows::find_for_order(&mut reader, order).await.unwrap().unwrap();
        assert_eq!(delivery.delivery.state, DeliveryState::Cancelled);
        let by = Profile::Customer(city.customer);
        let page = order_book::show(&city.platform, by, order).await.unwrap();
        assert_eq!(page.case.status().as_str(), "refunded");
        let end = page.changes.iter().find(|it| it.to == "cancelled").unwrap();
        assert_eq!(end.reason.as_deref(), Some("no_rider_found"));
        assert!(open_alarms(&city).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_operator_resolves_an_alarm_once() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let order = city.accepted_order().await;
        live(&mut city, 11).await;
        let (by, kind) = (OperatorId::generate(), AlarmKind::NoRider);
        alarms::settle(&city.platform, by, order, kind, None).await.unwrap();
        assert!(open_alarms(&city).await.is_empty());
        let again = alarms::settle(&city.platform, by, order, kind, None).await;
        assert!(matches!(again, Err(AskError::NotFound { what: "alarm" })), "{again:?}");
        live(&mut city, 5).await;
        assert!(open_alarms(&city).await.is_empty(), "it is not raised again for the same search");
    })
    .await;
}
