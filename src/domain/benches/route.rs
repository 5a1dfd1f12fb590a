//! How long the plan of one rider's route takes, by its number of orders.

#![allow(missing_docs, reason = "a bench has no readers but its author")]

use divan::{Bencher, black_box};
use domain::{
    route::{
        PlanOptions, plan_route,
        problem::{RouteOrder, RouteProblem},
    },
    travel::{Matrix, Spot, Stepped, Vehicle},
};

fn main() {
    divan::main();
}

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.0 >> 33) % n) as f64
    }
}

/// `n` orders within 8 km, ready within 20 minutes, due 15 to 40 minutes later.
fn given_problem(n: usize) -> RouteProblem {
    let mut numbers = Numbers(20_261_120 + n as u64);
    let spots: Vec<Spot> = (0..=2 * n)
        .map(|index| Spot { index: index as u32, at: [numbers.below(8_000), numbers.below(8_000)] })
        .collect();
    let travel = Stepped { metres_per_step: 5.0, step: 1 };
    let orders = (0..n)
        .map(|_| {
            let ready_at = numbers.below(1_200) as i64;
            let deadline = Some(ready_at + 900 + numbers.below(1_500) as i64);
            RouteOrder {
                load: 1,
                ready_at,
                deadline,
                pickup_service: 60,
                drop_service: 60,
                is_on_board: false,
            }
        })
        .collect();
    let legs = Matrix::between(&spots, &travel, Vehicle::Car);
    RouteProblem { start_at: 0, load: 0, capacity: 8, orders, legs }
}

#[divan::bench(args = [2, 4, 5, 6, 8, 10, 20])]
fn plan(bencher: Bencher<'_, '_>, n: usize) {
    let problem = given_problem(n);
    bencher.bench(|| plan_route(black_box(&problem), PlanOptions::default()));
}
