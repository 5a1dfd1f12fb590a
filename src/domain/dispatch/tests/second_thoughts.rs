//! Offers that stand, what overtakes them, and routes in a better order.

use super::{super::overtaken, *};

/// One delivery, ready at once, that is offered to a rider `far` metres from the store.
fn given_offer(far: f64) -> Snapshot<Stepped> {
    let (store, door) = (spot(0.0, 0.0), spot(900.0, 0.0));
    let stage = Stage::Committed(0);
    let delivery = Delivery { stage, ..given_delivery(0, store, door, 0) };
    let riders = vec![given_rider(far, 0.0), given_rider(300.0, 0.0)];
    Snapshot { rules: Rules::Own, ..given_snapshot(riders, vec![delivery]) }
}

#[test]
fn an_offer_is_overtaken_only_by_a_rider_who_is_better_by_the_threshold() {
    // 300 m a minute: eleven minutes to the store against one.
    let snapshot = given_offer(3_300.0);
    let found = overtaken(&snapshot, NOON, &[0], 8.0);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].delivery, found[0].rider, found[0].by), (0, 0, 1));
    assert!(found[0].gain >= 10.0, "{found:?}");
    assert_eq!(overtaken(&snapshot, NOON, &[0], found[0].gain + 0.1), [], "not enough");
    assert_eq!(overtaken(&given_offer(900.0), NOON, &[0], 8.0), [], "three minutes away");
}

#[test]
fn nobody_overtakes_who_may_not_have_it() {
    let mut snapshot = given_offer(3_300.0);
    snapshot.deliveries[0].excluded = vec![1];
    assert_eq!(overtaken(&snapshot, NOON, &[0], 8.0), []);
}

#[test]
fn a_told_order_of_stops_changes_only_for_a_gain() {
    let drops = [spot(6_000.0, 0.0), spot(300.0, 0.0), spot(-300.0, 0.0)];
    let on_board = |at: Spot| {
        let it = given_delivery(0, spot(0.0, 0.0), at, 0);
        Delivery { stage: Stage::OnBoard(0), ..it }
    };
    let stops = [2, 0, 1].map(Stop::DropOff).to_vec();
    let rider = Rider { stops: stops.clone(), ..given_rider(0.0, 0.0) };
    let deliveries = drops.map(on_board).to_vec();
    let given = given_snapshot(vec![rider], deliveries);
    let given = Snapshot { rules: Rules::Own, ..given };
    for policy in [Policy::Batch, Policy::Instant] {
        let route = |reroute_gain| {
            let snapshot = Snapshot { reroute_gain, ..given.clone() };
            plan(policy, &snapshot, NOON).routes[0].stops.clone()
        };
        assert_eq!(route(None), stops, "never");
        assert_eq!(route(Some(1_000.0)), stops, "not enough");
        let better = [2, 1, 0].map(Stop::DropOff);
        assert_eq!(route(Some(2.0)), better, "the near one first; the next stop stays");
    }
}
