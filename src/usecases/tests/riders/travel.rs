//! Ways take longer than they are reckoned: it is learnt, seen by operators, and planned with.

use domain::{
    geo::Place,
    ids::{OrderId, RiderId},
    pace::Basis,
    travel::Vehicle,
};
use storage::testing::each_engine;
use usecases::{
    deliveries::{self, StopKind},
    duty::{self, DutyOn},
    paces::{self, VehiclePace},
};

use crate::support::City;

/// Seconds from the store to the door of [`City`] as they are reckoned: 985 m with a detour at 6 m/s.
const RECKONED_S: u64 = 214;
/// Seconds until a rider leaves a store with the goods.
const LEAVING_S: u64 = 60;

async fn at_stop(city: &City, rider: RiderId, order: OrderId, stop: StopKind) {
    deliveries::arrive(&city.platform, rider, order, stop, None).await.unwrap();
}

async fn done(city: &City, rider: RiderId, order: OrderId, stop: StopKind) {
    deliveries::finish_stop(&city.platform, rider, order, stop, None).await.unwrap();
}

/// Delivers an order; the way to the door takes `way_s`.
async fn deliver(city: &mut City, rider: RiderId, order: OrderId, way_s: u64) {
    city.take(rider, order).await;
    city.cycle().await;
    at_stop(city, rider, order, StopKind::Pickup).await;
    city.cycle().await;
    done(city, rider, order, StopKind::Pickup).await;
    city.cycle().await;
    city.pass(LEAVING_S + way_s);
    at_stop(city, rider, order, StopKind::Dropoff).await;
    city.cycle().await;
    done(city, rider, order, StopKind::Dropoff).await;
    city.cycle().await;
}

async fn learnt(city: &City) -> Vec<VehiclePace> {
    let region = city.centre.region();
    paces::of_region(&city.platform, &region).await.unwrap().paces
}

/// What a fresh order costs by the plan if a rider two kilometres away must fetch it, in seconds.
async fn planned_s(city: &mut City, far: RiderId) -> (OrderId, f64) {
    let place = city.centre.offset(2_000.0, 0.0);
    let ask = DutyOn { vehicle: Vehicle::Scooter, capacity: 3, place };
    duty::on(&city.platform, far, ask, None, None).await.unwrap();
    let order = city.accepted_order().await;
    city.cycle().await;
    let why = usecases::ops::why(&city.platform, order).await.unwrap();
    assert_eq!(why[0].chosen.rider, far.to_string());
    duty::off(&city.platform, far, None).await.unwrap();
    (order, why[0].chosen.cost_min * 60.0)
}

#[tokio::test]
async fn a_region_where_ways_take_twice_as_long_is_reckoned_so() {
    each_engine(async |store| {
        let centre = Place::new(31.2, 121.5).unwrap();
        let mut city = City::around(store, centre).await;
        let far = city.rider("eve", 3, 2_000.0).await;
        let (order, before) = planned_s(&mut city, far).await;
        let rider = city.rider("ann", 3, 0.0).await;
        deliver(&mut city, rider, order, 2 * RECKONED_S).await;
        let first = learnt(&city).await;
        let [pace] = &first[..] else { panic!("{first:?}") };
        assert_eq!((pace.basis, pace.vehicle), (Basis::Straight, Vehicle::Scooter));
        assert!((pace.legs - 1.0).abs() < 1e-9 && pace.factor == 1.0, "one way: {pace:?}");
        for _ in 0..60 {
            let order = city.accepted_order().await;
            deliver(&mut city, rider, order, 2 * RECKONED_S).await;
        }
        let paces = learnt(&city).await;
        let factor = paces[0].factor;
        assert!(paces.len() == 1 && (1.3..1.9).contains(&factor), "{paces:?}");
        assert!(!paces[0].hours.is_empty() && paces[0].hours.len() <= 12, "{paces:?}");
        duty::off(&city.platform, rider, None).await.unwrap();
        let (_, after) = planned_s(&mut city, far).await;
        assert!(after > before + 60.0, "planned with: {before} s before, {after} s after");
    })
    .await;
}

#[tokio::test]
async fn who_is_taken_off_on_the_way_teaches_nothing() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let rider = city.rider("ann", 3, 2_000.0).await;
        let order = city.accepted_order().await;
        city.take(rider, order).await;
        city.cycle().await;
        city.pass(300);
        let reason = domain::reason::Reason::RiderSilent;
        usecases::handing_on::take_off(&city.platform, rider, order, reason).await.unwrap();
        city.cycle().await;
        city.take(rider, order).await;
        at_stop(&city, rider, order, StopKind::Pickup).await;
        city.cycle().await;
        assert_eq!(learnt(&city).await, []);
    })
    .await;
}
