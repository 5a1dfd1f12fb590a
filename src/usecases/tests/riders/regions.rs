//! Riders near the edge of two regions.

use domain::{geo::Place, ids::OrderId};
use storage::testing::each_engine;
use usecases::offers;

use crate::support::City;

/// The two sides of an edge between regions, 400 m apart.
fn edge() -> (Place, Place) {
    let mut here = Place::new(31.2, 121.5).unwrap();
    loop {
        let there = here.offset(0.0, 400.0);
        if there.region() != here.region() {
            return (here, there);
        }
        here = here.offset(0.0, 100.0);
    }
}

#[tokio::test]
async fn a_rider_between_two_regions_is_told_one_whole_route_once() {
    each_engine(async |store| {
        let (south, north) = edge();
        let mut city = City::around(store, south).await;
        let rider = city.rider("ann", 4, 100.0).await;
        let first = city.accepted_order().await;
        take(&mut city, rider).await;
        city.open_shop(north).await;
        let second = city.accepted_order().await;
        take(&mut city, rider).await;
        city.cycle().await;

        let told = city.told_routes(rider).await;
        // Each order's pickup and drop-off.
        let has = |route: &String, order: OrderId| route.matches(&order.to_string()).count() == 2;
        let whole = |route: &String| has(route, first) && has(route, second);
        assert!(told.last().is_some_and(whole), "{first} and {second}: {told:?}");
        for _ in 0..3 {
            city.cycle().await;
        }
        assert_eq!(city.told_routes(rider).await.len(), told.len(), "nothing new, nothing told");
    })
    .await;
}

async fn take(city: &mut City, rider: domain::ids::RiderId) {
    city.cycle().await;
    let offer = city.open_offer(rider).await.expect("she is asked");
    offers::reply(&city.platform, rider, offer, true, None).await.unwrap();
}
