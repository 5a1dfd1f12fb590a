//! What the policies promise, on small made-up evenings.

use super::{
    Policy,
    decision::Outcome,
    plan,
    snapshot::{Delivery, Demand, Rider, Rules, Service, Snapshot, Stage, Stop, Visit},
    weights::{MINUTE_MS, Weights},
};
use crate::{
    dice::Dice,
    travel::{Spot, Stepped, Vehicle},
};

mod second_thoughts;

/// 300 metres a minute, in whole minutes.
const TRAVEL: Stepped = Stepped { metres_per_step: 300.0, step: MINUTE_MS };
const NOON: i64 = 12 * 60 * MINUTE_MS;

fn spot(x: f64, y: f64) -> Spot {
    Spot { index: 0, at: [x, y] }
}

fn given_rider(x: f64, y: f64) -> Rider {
    Rider {
        vehicle: Vehicle::Scooter,
        reach_m: Vehicle::Scooter.reach_m(),
        capacity: 8,
        at: spot(x, y),
        free_at: NOON,
        visit: None,
        shift_ends_at: None,
        handicap: 0.0,
        stops: Vec::new(),
    }
}

/// Placed at noon at the given store, ready after some minutes.
fn given_delivery(store: u32, pickup: Spot, drop_off: Spot, ready_in: i64) -> Delivery {
    Delivery {
        store,
        pickup,
        drop_off,
        placed_at: NOON,
        ready_at: NOON + ready_in * MINUTE_MS,
        promised_at: NOON + 40 * MINUTE_MS,
        limit_at: NOON + 90 * MINUTE_MS,
        load: 1,
        stage: Stage::Movable,
        excluded: Vec::new(),
    }
}

fn given_snapshot(riders: Vec<Rider>, deliveries: Vec<Delivery>) -> Snapshot<Stepped> {
    let half = 2 * MINUTE_MS;
    Snapshot {
        rules: Rules::Strict,
        service: Service {
            before_pickup_ms: half,
            after_pickup_ms: half,
            before_drop_ms: half,
            after_drop_ms: half,
        },
        weights: Weights::default(),
        lead_ms: 0,
        reroute_gain: None,
        rounds: 40,
        riders,
        deliveries,
        demand: Vec::new(),
        travel: TRAVEL,
    }
}

/// A crowded evening: more deliveries than riders, some of them on board or committed already.
fn given_evening(seed: u64, rules: Rules) -> Snapshot<Stepped> {
    let mut dice = Dice::new(seed);
    let mut place = || spot(dice.unit() * 6_000.0, dice.unit() * 6_000.0);
    let stores: Vec<Spot> = (0..5).map(|_| place()).collect();
    let riders = (0..6).map(|_| place()).map(|at| given_rider(at.at[0], at.at[1])).collect();
    let drops: Vec<Spot> = (0..14).map(|_| place()).collect();
    let deliveries = (0_u32..)
        .zip(drops)
        .map(|(i, drop)| {
            let store = dice.below(stores.len());
            let ready_in = dice.below(30) as i64;
            let it = given_delivery(store as u32, stores[store], drop, ready_in);
            let stage = match i {
                0 | 1 => Stage::OnBoard(0),
                2 | 3 => Stage::Committed(1),
                _ => Stage::Movable,
            };
            Delivery { stage, ..it }
        })
        .collect();
    let demand = stores.iter().map(|at| Demand { at: *at, share: 1.0 }).collect();
    Snapshot { rules, demand, ..given_snapshot(riders, deliveries) }
}

fn decided(outcome: &Outcome) -> Vec<(u32, u32)> {
    outcome.decisions.iter().map(|it| (it.delivery, it.rider)).collect()
}

/// Every delivery is in exactly one route, its pickup first; strict trips are pure and loads fit.
fn assert_routes_are_possible(snapshot: &Snapshot<Stepped>, outcome: &Outcome) {
    let mut seen = vec![0; snapshot.deliveries.len()];
    for (rider, route) in (0_u32..).zip(&outcome.routes) {
        let is_mine = |it: &&Delivery| it.stage == Stage::OnBoard(rider);
        let mut load = snapshot.deliveries.iter().filter(is_mine).count();
        let mut store = None;
        for (i, stop) in route.stops.iter().enumerate() {
            let it = &snapshot.deliveries[stop.delivery() as usize];
            assert!(it.stage.rider().is_none_or(|bound| bound == rider), "bound to another rider");
            match stop {
                Stop::Pickup(_) => {
                    assert!(!matches!(it.stage, Stage::OnBoard(_)), "picked up twice");
                    let is_pure = load == 0 || store == Some(it.store);
                    assert!(is_pure || snapshot.rules == Rules::Own, "a second store on a trip");
                    (load, store) = (load + 1, Some(it.store));
                    assert!(load <= snapshot.riders[rider as usize].capacity as usize);
                }
                Stop::DropOff(delivery) => {
                    let is_picked = route.stops[..i].contains(&Stop::Pickup(*delivery));
                    assert!(is_picked || it.stage == Stage::OnBoard(rider), "no pickup before");
                    seen[*delivery as usize] += 1;
                    (load, store) = (load - 1, None);
                }
            }
        }
        assert_eq!(load, 0, "something stays on board");
    }
    for delivery in &outcome.unplanned {
        seen[*delivery as usize] += 1;
    }
    assert!(seen.iter().all(|times| *times == 1), "each delivery exactly once: {seen:?}");
}

#[test]
fn a_waiting_order_goes_to_the_rider_next_to_the_store() {
    let riders = vec![given_rider(3_000.0, 0.0), given_rider(600.0, 0.0)];
    let order = given_delivery(0, spot(0.0, 0.0), spot(0.0, 900.0), 0);
    for policy in [Policy::Instant, Policy::Batch] {
        let snapshot = given_snapshot(riders.clone(), vec![order.clone()]);
        let outcome = plan(policy, &snapshot, NOON);
        assert_eq!(decided(&outcome), [(0, 1)], "{policy}");
        let decision = &outcome.decisions[0];
        assert_eq!(decision.pickup_at, NOON + 4 * MINUTE_MS, "2 min on the road, 2 at the store");
        assert_eq!(decision.drop_at, NOON + 11 * MINUTE_MS);
        let (runner_up, cost) = decision.why.others[0];
        assert!(runner_up == 0 && cost > decision.why.cost, "{policy}: {:?}", decision.why);
    }
}

#[test]
fn batch_waits_for_the_kitchen_and_instant_does_not() {
    let riders = vec![given_rider(600.0, 0.0)];
    let order = given_delivery(0, spot(0.0, 0.0), spot(0.0, 900.0), 20);
    let snapshot = given_snapshot(riders, vec![order]);
    assert_eq!(decided(&plan(Policy::Instant, &snapshot, NOON)), [(0, 0)]);

    let outcome = plan(Policy::Batch, &snapshot, NOON);
    assert_eq!(decided(&outcome), []);
    let leave_at = NOON + 16 * MINUTE_MS;
    assert_eq!(outcome.routes[0].leave_at, Some(leave_at));
    assert_eq!(decided(&plan(Policy::Batch, &snapshot, leave_at - 1)), []);
    assert_eq!(decided(&plan(Policy::Batch, &snapshot, leave_at)), [(0, 0)]);
    let asked_early = Snapshot { lead_ms: MINUTE_MS, ..snapshot };
    assert_eq!(decided(&plan(Policy::Batch, &asked_early, leave_at - MINUTE_MS)), [(0, 0)]);
}

#[test]
fn a_rider_who_declined_is_not_asked_again() {
    let riders = vec![given_rider(0.0, 0.0), given_rider(2_000.0, 0.0)];
    let mut order = given_delivery(0, spot(0.0, 0.0), spot(0.0, 900.0), 0);
    order.excluded = vec![0];
    for policy in [Policy::Instant, Policy::Batch] {
        let snapshot = given_snapshot(riders.clone(), vec![order.clone()]);
        assert_eq!(decided(&plan(policy, &snapshot, NOON)), [(0, 1)], "{policy}");
    }
}

#[test]
fn a_handicap_is_worth_so_many_minutes() {
    let order = given_delivery(0, spot(0.0, 0.0), spot(0.0, 900.0), 0);
    for (handicap, expected) in [(0.0, 0), (3.0, 0), (12.0, 1)] {
        let near = Rider { handicap, ..given_rider(0.0, 0.0) };
        let riders = vec![near, given_rider(1_500.0, 0.0)];
        for policy in [Policy::Instant, Policy::Batch] {
            let snapshot = given_snapshot(riders.clone(), vec![order.clone()]);
            let outcome = plan(policy, &snapshot, NOON);
            assert_eq!(decided(&outcome), [(0, expected)], "{policy}, {handicap} minutes");
        }
    }
}

#[test]
fn nobody_gets_what_he_cannot_carry_or_reach_or_pick_up_in_time() {
    let order = given_delivery(0, spot(0.0, 0.0), spot(0.0, 3_000.0), 5);
    let near = given_rider(0.0, 0.0);
    let cases = [
        ("too small", Rider { capacity: 0, ..near.clone() }),
        (
            "on foot",
            Rider { vehicle: Vehicle::Walk, reach_m: Vehicle::Walk.reach_m(), ..near.clone() },
        ),
        ("off duty", Rider { shift_ends_at: Some(NOON + 4 * MINUTE_MS), ..near.clone() }),
    ];
    for (what, rider) in cases {
        for policy in [Policy::Instant, Policy::Batch] {
            let snapshot = given_snapshot(vec![rider.clone()], vec![order.clone()]);
            let outcome = plan(policy, &snapshot, NOON);
            assert_eq!(
                (decided(&outcome), outcome.unplanned),
                (vec![], vec![0]),
                "{what}, {policy}"
            );
        }
    }
}

#[test]
fn two_orders_of_one_store_travel_together_when_riders_are_few() {
    let store = spot(0.0, 0.0);
    let orders = vec![
        given_delivery(0, store, spot(1_500.0, 0.0), 0),
        given_delivery(0, store, spot(1_800.0, 0.0), 0),
    ];
    let snapshot = given_snapshot(vec![given_rider(300.0, 0.0)], orders);
    let outcome = plan(Policy::Batch, &snapshot, NOON);
    assert_eq!(decided(&outcome).len(), 2);
    let is_pickup = |stop: &Stop| matches!(stop, Stop::Pickup(_));
    assert!(outcome.routes[0].stops[..2].iter().all(is_pickup), "{:?}", outcome.routes[0].stops);
}

#[test]
fn a_trip_grows_until_the_rider_leaves_the_store() {
    let store = spot(0.0, 0.0);
    let bound =
        Delivery { stage: Stage::Committed(0), ..given_delivery(7, store, spot(1_500.0, 0.0), 0) };
    let fresh = given_delivery(7, store, spot(1_600.0, 0.0), 0);
    let mut rider = given_rider(0.0, 0.0);
    rider.visit = Some(Visit { store: 7, pickup_from: NOON + MINUTE_MS });
    rider.stops = vec![Stop::Pickup(0), Stop::DropOff(0)];
    let snapshot = given_snapshot(vec![rider], vec![bound, fresh]);
    let outcome = plan(Policy::Batch, &snapshot, NOON + MINUTE_MS);
    assert_eq!(decided(&outcome), [(1, 0)]);
    assert_eq!(outcome.decisions[0].pickup_at, NOON + MINUTE_MS);
}

#[test]
fn a_rider_on_his_way_to_a_store_is_not_sent_elsewhere() {
    let bound = Delivery {
        stage: Stage::Committed(0),
        ..given_delivery(1, spot(0.0, 0.0), spot(900.0, 0.0), 30)
    };
    let tempting = given_delivery(2, spot(100.0, 0.0), spot(200.0, 0.0), 0);
    for rules in Rules::ALL {
        let mut rider = given_rider(0.0, 0.0);
        rider.visit = Some(Visit { store: 1, pickup_from: NOON + 10 * MINUTE_MS });
        let snapshot = given_snapshot(vec![rider], vec![bound.clone(), tempting.clone()]);
        let outcome = plan(Policy::Batch, &Snapshot { rules: *rules, ..snapshot }, NOON);
        assert_eq!(outcome.routes[0].stops[0], Stop::Pickup(0), "{rules}");
    }
}

#[test]
fn a_later_trip_to_the_same_store_stays_a_later_trip() {
    let store = spot(0.0, 0.0);
    let at = |drop: Spot, ready_in| Delivery {
        stage: Stage::Committed(0),
        ..given_delivery(1, store, drop, ready_in)
    };
    let mut rider = given_rider(0.0, 0.0);
    rider.visit = Some(Visit { store: 1, pickup_from: NOON + MINUTE_MS });
    rider.stops = vec![Stop::Pickup(0), Stop::DropOff(0), Stop::Pickup(1), Stop::DropOff(1)];
    let deliveries = vec![at(spot(300.0, 0.0), 0), at(spot(0.0, 300.0), 25)];
    let mut snapshot = given_snapshot(vec![rider.clone()], deliveries);
    let outcome = plan(Policy::Instant, &snapshot, NOON);
    assert_eq!(outcome.routes[0].stops, rider.stops);

    snapshot.deliveries[0].stage = Stage::OnBoard(0);
    let outcome = plan(Policy::Instant, &snapshot, NOON + 2 * MINUTE_MS);
    assert_eq!(outcome.routes[0].stops, rider.stops[1..]);
}

#[test]
fn a_rider_does_not_leave_behind_what_he_set_out_for() {
    let bound = Delivery {
        stage: Stage::Committed(0),
        ..given_delivery(1, spot(0.0, 0.0), spot(900.0, 0.0), 30)
    };
    let next_door = Delivery {
        stage: Stage::Committed(0),
        ..given_delivery(2, spot(0.0, 10.0), spot(0.0, 200.0), 0)
    };
    for rules in Rules::ALL {
        let mut rider = given_rider(0.0, 0.0);
        rider.visit = Some(Visit { store: 1, pickup_from: NOON + 10 * MINUTE_MS });
        rider.stops = vec![Stop::Pickup(1), Stop::DropOff(1), Stop::Pickup(0), Stop::DropOff(0)];
        let snapshot = given_snapshot(vec![rider], vec![bound.clone(), next_door.clone()]);
        let outcome = plan(Policy::Batch, &Snapshot { rules: *rules, ..snapshot }, NOON);
        assert_eq!(outcome.routes[0].stops[0], Stop::Pickup(0), "{rules}");
    }
}

#[test]
fn own_rules_pool_two_stores_that_strict_rules_keep_apart() {
    let orders = vec![
        given_delivery(0, spot(0.0, 0.0), spot(3_000.0, 0.0), 0),
        given_delivery(1, spot(0.0, 300.0), spot(3_000.0, 300.0), 0),
    ];
    let strict = given_snapshot(vec![given_rider(0.0, 0.0)], orders);
    let own = Snapshot { rules: Rules::Own, ..strict.clone() };
    let is_pooled = |outcome: &Outcome| {
        let stops = &outcome.routes[0].stops;
        matches!(stops[..2], [Stop::Pickup(_), Stop::Pickup(_)])
    };
    assert!(is_pooled(&plan(Policy::Batch, &own, NOON)));
    assert!(!is_pooled(&plan(Policy::Batch, &strict, NOON)));
}

#[test]
fn routes_are_possible_on_any_evening_and_stay_so_when_fed_back() {
    for seed in 0..40 {
        for rules in Rules::ALL {
            for policy in [Policy::Batch, Policy::Instant] {
                let mut snapshot = given_evening(seed, *rules);
                let first = plan(policy, &snapshot, NOON);
                assert_routes_are_possible(&snapshot, &first);
                for (rider, route) in snapshot.riders.iter_mut().zip(&first.routes) {
                    rider.stops.clone_from(&route.stops);
                }
                for decision in &first.decisions {
                    snapshot.deliveries[decision.delivery as usize].stage =
                        Stage::Committed(decision.rider);
                }
                let next = plan(policy, &snapshot, NOON + MINUTE_MS);
                assert_routes_are_possible(&snapshot, &next);
            }
        }
    }
}

#[test]
fn nonsense_in_old_routes_is_dropped() {
    let mut snapshot = given_evening(3, Rules::Strict);
    for rider in &mut snapshot.riders {
        rider.stops = vec![
            Stop::DropOff(9),
            Stop::Pickup(5),
            Stop::Pickup(99),
            Stop::DropOff(5),
            Stop::Pickup(2),
        ];
    }
    let outcome = plan(Policy::Batch, &snapshot, NOON);
    assert_routes_are_possible(&snapshot, &outcome);
}

#[test]
fn the_same_evening_has_the_same_outcome() {
    let snapshot = given_evening(11, Rules::Own);
    assert_eq!(plan(Policy::Batch, &snapshot, NOON), plan(Policy::Batch, &snapshot, NOON));
}

#[test]
fn nobody_and_nothing_is_no_problem() {
    for policy in [Policy::Instant, Policy::Batch] {
        assert_eq!(plan(policy, &given_snapshot(vec![], vec![]), NOON).decisions, []);
        let alone =
            given_snapshot(vec![], vec![given_delivery(0, spot(0.0, 0.0), spot(1.0, 1.0), 0)]);
        assert_eq!(plan(policy, &alone, NOON).unplanned, [0]);
    }
}
