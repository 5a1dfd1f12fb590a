//! The planner against brute force, and the promises every plan keeps.

use super::{
    PlanOptions,
    insertion::cheapest_insertion,
    plan_route,
    problem::{RouteError, RouteOrder, RoutePlan, RouteProblem, RouteStop},
};
use crate::dice::Dice;
use crate::travel::{Matrix, Spot, Stepped, Vehicle};

/// A random problem in a city of 5 km; about one order in four is on board.
fn given_problem(n: usize, seed: u64, capacity: i64) -> RouteProblem {
    let mut dice = Dice::new(seed);
    let mut spot = || Spot { index: 0, at: [dice.unit() * 5_000.0, dice.unit() * 5_000.0] };
    let spots: Vec<Spot> = (0..=2 * n).map(|_| spot()).collect();
    let orders: Vec<RouteOrder> = (0..n)
        .map(|_| {
            let ready_at = dice.below(900) as i64;
            let deadline = ready_at + 600 + dice.below(1_500) as i64;
            RouteOrder {
                load: 1 + dice.below(2) as i64,
                ready_at,
                deadline: (dice.below(5) > 0).then_some(deadline),
                pickup_service: 60,
                drop_service: 60,
                is_on_board: dice.below(4) == 0,
            }
        })
        .collect();
    let load = orders.iter().filter(|it| it.is_on_board).map(|it| it.load).sum();
    let travel = Stepped { metres_per_step: 5.0, step: 1 };
    let legs = Matrix::between(&spots, &travel, Vehicle::Bike);
    RouteProblem { start_at: 100, load, capacity: capacity.max(load), orders, legs }
}

/// Walks through a plan by the rules, in other words than the planner; `None` if it breaks one.
fn judge(problem: &RouteProblem, stops: &[RouteStop]) -> Option<(i64, i64)> {
    let n = problem.orders.len();
    let mut carried: Vec<usize> = (0..n).filter(|i| problem.orders[*i].is_on_board).collect();
    let mut waiting: Vec<usize> = (0..n).filter(|i| !problem.orders[*i].is_on_board).collect();
    let (mut clock, mut place, mut load) = (problem.start_at, 0, problem.load);
    let (mut travel, mut lateness) = (0, 0);
    for stop in stops {
        let (RouteStop::Pickup(i) | RouteStop::DropOff(i)) = *stop;
        let order = &problem.orders[i];
        let to = if matches!(stop, RouteStop::Pickup(_)) { 1 + i } else { 1 + n + i };
        travel += problem.legs.get(place, to);
        clock += problem.legs.get(place, to);
        place = to;
        if matches!(stop, RouteStop::Pickup(_)) {
            waiting.remove(waiting.iter().position(|it| *it == i)?);
            carried.push(i);
            clock = clock.max(order.ready_at) + order.pickup_service;
            load += order.load;
            if load > problem.capacity {
                return None;
            }
        } else {
            carried.remove(carried.iter().position(|it| *it == i)?);
            clock += order.drop_service;
            load -= order.load;
            lateness += (clock - order.deadline.unwrap_or(i64::MAX)).max(0);
        }
    }
    (carried.is_empty() && waiting.is_empty()).then_some((travel, lateness))
}

/// The best cost over every possible sequence.
fn brute_force(problem: &RouteProblem, weight: f64) -> f64 {
    fn go(problem: &RouteProblem, weight: f64, stops: &mut Vec<RouteStop>, best: &mut f64) {
        let n = problem.orders.len();
        if let Some((travel, lateness)) = judge(problem, stops) {
            *best = best.min(travel as f64 + weight * lateness as f64);
        }
        for i in 0..n {
            for stop in [RouteStop::Pickup(i), RouteStop::DropOff(i)] {
                let has_pickup =
                    problem.orders[i].is_on_board || stops.contains(&RouteStop::Pickup(i));
                let is_drop = matches!(stop, RouteStop::DropOff(_));
                if is_drop == has_pickup && !stops.contains(&stop) {
                    stops.push(stop);
                    go(problem, weight, stops, best);
                    stops.pop();
                }
            }
        }
    }
    let mut best = f64::INFINITY;
    go(problem, weight, &mut Vec::new(), &mut best);
    best
}

fn plan(problem: &RouteProblem, lateness_weight: f64, effort: u64) -> RoutePlan {
    plan_route(problem, PlanOptions { lateness_weight, effort, ..Default::default() }).unwrap()
}

#[test]
fn small_plans_are_the_best_of_all_sequences() {
    for n in 1..=4 {
        for seed in 0..60 {
            let problem = given_problem(n, seed, 3 + (seed % 3) as i64);
            for weight in [0.0, 10.0, 2.5] {
                let found = plan(&problem, weight, 1);
                let best = brute_force(&problem, weight);
                assert!(found.is_proven, "{n} orders, seed {seed}");
                assert!(
                    (found.cost - best).abs() < 1e-6,
                    "{n} orders, seed {seed}, weight {weight}"
                );
            }
        }
    }
}

/// The same problem with times between its places that keep no rule: one-way streets, detours that are
/// quicker than the direct leg, nothing at all for pickups that nobody makes.
fn given_strange_legs(problem: &RouteProblem, seed: u64) -> RouteProblem {
    let mut dice = Dice::new(seed);
    let n_nodes = problem.legs.len();
    let is_unused = |at: usize| {
        let order = problem.orders.get(at.wrapping_sub(1));
        order.is_some_and(|it| it.is_on_board)
    };
    let mut leg = |k: usize| {
        let (from, to) = (k / n_nodes, k % n_nodes);
        let strange = [0, 1, 60, 600, 6_000][dice.below(5)];
        if from == to || is_unused(from) || is_unused(to) { 0 } else { strange }
    };
    let times = (0..n_nodes * n_nodes).map(&mut leg).collect();
    RouteProblem { legs: Matrix::new(n_nodes, times).unwrap(), ..problem.clone() }
}

#[test]
fn small_plans_are_the_best_whatever_the_legs_are() {
    for n in 2..=4 {
        for seed in 0..80 {
            let problem = given_strange_legs(&given_problem(n, seed, 3), seed);
            for weight in [0.0, 10.0] {
                let found = plan(&problem, weight, 1);
                let best = brute_force(&problem, weight);
                let close = (found.cost - best).abs() < 1e-6;
                assert!(close, "{n} orders, seed {seed}, weight {weight}: {} {best}", found.cost);
            }
        }
    }
}

#[test]
fn five_orders_are_the_best_of_all_sequences() {
    for seed in 0..6 {
        let problem = given_problem(5, seed, 4);
        let found = plan(&problem, 10.0, 1);
        assert!((found.cost - brute_force(&problem, 10.0)).abs() < 1e-6, "seed {seed}");
    }
}

#[test]
fn every_plan_makes_all_stops_by_the_rules_and_states_its_true_cost() {
    for n in [1, 2, 5, 7, 10, 14, 25, 40] {
        for seed in 0..6 {
            let problem = given_problem(n, seed, 4);
            for weight in [0.0, 10.0] {
                let found = plan(&problem, weight, 3_000);
                let (travel, lateness) = judge(&problem, &found.stops).unwrap();
                assert_eq!((travel, lateness), (found.travel, found.lateness), "{n} orders");
                assert!((found.cost - travel as f64 - weight * lateness as f64).abs() < 1e-6);
            }
        }
    }
}

#[test]
fn the_same_problem_has_the_same_plan() {
    for n in [6, 9, 20] {
        let problem = given_problem(n, 7, 4);
        assert_eq!(plan(&problem, 10.0, 20_000), plan(&problem, 10.0, 20_000));
    }
}

#[test]
fn a_warm_start_is_never_made_worse() {
    let problem = given_problem(12, 3, 6);
    let good = plan(&problem, 10.0, 200_000);
    let warm_start = Some(&good.stops[..]);
    let again = PlanOptions { effort: 1, warm_start, ..Default::default() };
    assert!(plan_route(&problem, again).unwrap().cost <= good.cost);
    let nonsense = Some(&good.stops[1..]);
    let ignored = PlanOptions { effort: 1, warm_start: nonsense, ..Default::default() };
    assert!(judge(&problem, &plan_route(&problem, ignored).unwrap().stops).is_some());
}

#[test]
fn an_insertion_costs_what_the_route_with_it_costs() {
    for seed in 0..40 {
        let problem = given_problem(4, seed, 5);
        let whole = plan(&problem, 10.0, 1);
        let is_last =
            |stop: &&RouteStop| !matches!(stop, RouteStop::Pickup(3) | RouteStop::DropOff(3));
        let mut route: Vec<RouteStop> = whole.stops.iter().filter(is_last).copied().collect();
        let found = cheapest_insertion(&problem, 10.0, &route, 3).unwrap().unwrap();
        route.insert(found.drop_at, RouteStop::DropOff(3));
        if !problem.orders[3].is_on_board {
            route.insert(found.pickup_at, RouteStop::Pickup(3));
        }
        let (travel, lateness) = judge(&problem, &route).unwrap();
        let cost = travel as f64 + 10.0 * lateness as f64;
        assert!(cost >= whole.cost - 1e-6, "seed {seed}: cheaper than the best plan");
        assert!(found.added_cost <= cost + 1e-6);
        assert!(
            (cost - whole.cost).abs() < 1e-6,
            "the other stops keep the best sequence, seed {seed}"
        );
    }
}

#[test]
fn what_cannot_be_planned_is_refused_with_its_reason() {
    let mut heavy = given_problem(3, 1, 9);
    heavy.orders[2] = RouteOrder { load: 99, is_on_board: false, ..heavy.orders[2] };
    let refused = plan_route(&heavy, PlanOptions::default());
    assert_eq!(refused, Err(RouteError::DoesNotFit { order: 2 }));

    let mut short = given_problem(3, 1, 9);
    short.orders.pop();
    let refused = plan_route(&short, PlanOptions::default());
    assert_eq!(refused, Err(RouteError::LegsMissing { orders: 2, needed: 5, found: 7 }));
}

#[test]
fn nothing_to_do_is_an_empty_plan() {
    let found = plan(&given_problem(0, 1, 4), 10.0, 1);
    assert!(found.stops.is_empty() && found.is_proven && found.cost == 0.0);
}
