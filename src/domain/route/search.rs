//! Good sequences fast: insertion, local search, and ruin and recreate.

use super::{
    Budget, ORDERS_ALWAYS_EXACT,
    insertion::{Trace, best_place, put},
    model::Model,
};
use crate::dice::Dice;

const EPSILON: f64 = 1e-6;
/// At most this many orders leave the sequence in one ruin.
const RUIN_MAX: usize = 8;

/// The best of a few insertion sequences and the caller's own, improved.
pub(super) fn first_solution(model: &Model, warm: Option<Vec<u8>>) -> (Vec<u8>, f64) {
    let by = |key: &dyn Fn(usize) -> i64| {
        let mut orders: Vec<usize> = (0..model.n).collect();
        orders.sort_by_key(|i| (!model.on_board[*i], key(*i)));
        orders
    };
    let due = |i: usize| model.due[model.drop_off(i) as usize];
    let ready = |i: usize| model.ready[model.pickup(i) as usize];
    let near = |i: usize| -model.leg(0, model.pickup(i));
    let starts = [by(&due), by(&ready), by(&near)];
    // Small plans are searched exactly in less time than more starts would take.
    let is_small = model.n <= ORDERS_ALWAYS_EXACT;
    let n_starts = if is_small { 1 } else { starts.len() };
    let built = starts.into_iter().take(n_starts).filter_map(|orders| {
        let mut sequence = Vec::with_capacity(model.n_stops());
        insert_all(model, &mut sequence, &orders).then_some(sequence)
    });
    let built: Vec<Vec<u8>> = built.chain(warm).collect();
    let last_resort = if built.is_empty() { one_by_one(model) } else { None };
    built
        .into_iter()
        .chain(last_resort)
        .map(|sequence| improve(model, sequence))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or_default()
}

/// Drops everything on board, then serves one order after the other: always possible.
fn one_by_one(model: &Model) -> Option<Vec<u8>> {
    if model.n == 0 {
        return None;
    }
    let board = (0..model.n).filter(|i| model.on_board[*i]).map(|i| model.drop_off(i));
    let rest = (0..model.n).filter(|i| !model.on_board[*i]);
    Some(board.chain(rest.flat_map(|i| [model.pickup(i), model.drop_off(i)])).collect())
}

/// Inserts each order at its cheapest place; false if one fits nowhere.
fn insert_all(model: &Model, sequence: &mut Vec<u8>, orders: &[usize]) -> bool {
    orders.iter().all(|order| {
        let place = best_place(model, sequence, *order, f64::INFINITY);
        place.inspect(|place| put(model, sequence, *order, *place)).is_some()
    })
}

/// Moves single orders and single stops until nothing gets cheaper.
pub(super) fn improve(model: &Model, mut sequence: Vec<u8>) -> (Vec<u8>, f64) {
    let mut cost = model.cost(&sequence);
    let mut without = Vec::with_capacity(sequence.len());
    loop {
        let before = cost;
        for order in 0..model.n {
            without.clear();
            without.extend(sequence.iter().filter(|node| model.order_of(**node).1 != order));
            if let Some(place) = best_place(model, &without, order, cost - EPSILON) {
                std::mem::swap(&mut sequence, &mut without);
                put(model, &mut sequence, order, place);
                cost = place.cost;
            }
        }
        cost = move_stops(model, &mut sequence, cost, &mut without);
        if cost >= before - EPSILON {
            return (sequence, cost);
        }
    }
}

/// Swaps pairs of stops where the sequence stays possible; returns the new cost.
fn move_stops(model: &Model, sequence: &mut [u8], cost: f64, scratch: &mut Vec<u8>) -> f64 {
    let mut cost = cost;
    let mut base = Trace::of(model, sequence);
    let mut before = model.start();
    for i in 0..sequence.len() {
        for j in i + 2..sequence.len() {
            if !may_swap(model, &sequence[i..=j]) {
                continue;
            }
            scratch.clear();
            scratch.extend_from_slice(sequence);
            scratch.swap(i, j);
            let limit = cost - EPSILON;
            // Only from the first of the two on does anything change.
            let upto = (j + 2).min(scratch.len());
            let Some(on) = model.walk(before, &scratch[i..upto], limit) else { continue };
            if base.at_least(on, upto - 1) >= limit {
                continue;
            }
            if let Some(end) = model.walk(on, &scratch[upto..], limit) {
                sequence.copy_from_slice(scratch);
                cost = end.cost;
                base = Trace::of(model, sequence);
            }
        }
        before = model.move_on(before, sequence[i]);
    }
    cost
}

/// Whether the first and last of `part` can change places without a drop-off before its pickup.
fn may_swap(model: &Model, part: &[u8]) -> bool {
    let [first, inner @ .., last] = part else { return false };
    let ((first_is_pickup, a), (last_is_pickup, b)) =
        (model.order_of(*first), model.order_of(*last));
    let a_stays_valid = !first_is_pickup || a != b && !inner.contains(&model.drop_off(a));
    let b_stays_valid = last_is_pickup || a != b && !inner.contains(&model.pickup(b));
    a_stays_valid && b_stays_valid
}

/// Takes a few orders out and puts them back elsewhere, as often as the budget allows. Another `seed` tries
/// other orders.
pub(super) fn ruin_and_recreate(
    model: &Model,
    sequence: Vec<u8>,
    cost: f64,
    budget: &mut Budget<'_>,
    seed: usize,
) -> (Vec<u8>, f64) {
    let mut dice = Dice::new(seed as u64);
    let (mut best, mut best_cost) = (sequence.clone(), cost);
    let (mut current, mut current_cost) = (sequence, cost);
    let looks = (model.n * model.n) as u64;
    // Worse plans are accepted within this share of the cost, and the share shrinks as the budget does.
    let (total, widest) = (budget.left as f64, 0.02);
    while budget.spend(looks) {
        let mut orders: Vec<usize> = (0..model.n).collect();
        for i in 0..orders.len() {
            orders.swap(i, i + dice.below(model.n - i));
        }
        orders.truncate(1 + dice.below(RUIN_MAX.min(model.n)));
        let mut sequence: Vec<u8> = current
            .iter()
            .copied()
            .filter(|node| !orders.contains(&model.order_of(*node).1))
            .collect();
        if !insert_all(model, &mut sequence, &orders) {
            continue;
        }
        let mut cost = model.cost(&sequence);
        let slack = best_cost * widest * budget.left as f64 / total;
        if cost < best_cost + slack {
            (sequence, cost) = improve(model, sequence);
        }
        if cost < best_cost - EPSILON {
            (best, best_cost) = (sequence.clone(), cost);
        }
        if cost < current_cost - EPSILON || cost < best_cost + slack * dice.unit() {
            (current, current_cost) = (sequence, cost);
        }
    }
    (best, best_cost)
}
