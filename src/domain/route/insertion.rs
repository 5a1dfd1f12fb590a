//! The cheap inner call: where one more order fits best into a sequence.

use super::{
    model::{Model, Progress},
    problem::{RouteError, RouteProblem, RouteStop},
};

/// Where to put an order, and what it adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Insertion {
    /// Cost with the order minus cost without it.
    pub added_cost: f64,
    /// How many stops of the old route come before the pickup (meaningless for an order on board).
    pub pickup_at: usize,
    /// How many stops of the old route come before the drop-off.
    pub drop_at: usize,
}

/// Finds the cheapest place for `order` in `route`, leaving the other stops in their sequence.
///
/// `route` holds stops of other orders of `problem`, each order's stops in a possible sequence. `None` if the
/// load gets too high wherever the order is put.
///
/// # Errors
///
/// [`RouteError`] if the problem contradicts itself.
pub fn cheapest_insertion(
    problem: &RouteProblem,
    lateness_weight: f64,
    route: &[RouteStop],
    order: usize,
) -> Result<Option<Insertion>, RouteError> {
    let mut model = Model::new(problem, lateness_weight)?;
    let node = |stop: &RouteStop| match *stop {
        RouteStop::Pickup(i) => model.pickup(i),
        RouteStop::DropOff(i) => model.drop_off(i),
    };
    let sequence: Vec<u8> = route.iter().map(node).collect();
    let place = best_place(&model, &sequence, order, f64::INFINITY);
    // Without its own drop-off an order on board may leave too little room; the cost before is asked anyway.
    model.capacity = i64::MAX;
    let before = model.cost(&sequence);
    Ok(place.map(|Place { cost, pickup_at, drop_at }| Insertion {
        added_cost: cost - before,
        pickup_at,
        drop_at,
    }))
}

/// A place in a sequence and the cost of the whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) cost: f64,
    pub(super) pickup_at: usize,
    pub(super) drop_at: usize,
}

/// The cheapest place for `order` if the whole then costs less than `limit`.
pub(super) fn best_place(
    model: &Model,
    sequence: &[u8],
    order: usize,
    limit: f64,
) -> Option<Place> {
    let (drop_off, base) = (model.drop_off(order), Trace::of(model, sequence));
    let mut search = Search { model, sequence, base, drop_off, best: None, limit };
    let mut at = model.start();
    for pickup_at in 0..=sequence.len() {
        if model.on_board[order] {
            search.try_drop(at, 0, pickup_at);
        } else if let Some(picked) = model.step(at, model.pickup(order)) {
            search.try_drops(picked, pickup_at);
        }
        let Some(next) = sequence.get(pickup_at) else { break };
        let Some(stepped) = model.step(at, *next) else { break };
        at = stepped;
        if at.cost >= search.limit {
            break;
        }
    }
    search.best
}

/// When and at what cost each stop of a sequence is made, whatever the load.
pub(super) struct Trace(Vec<(i64, f64)>);

impl Trace {
    pub(super) fn of(model: &Model, sequence: &[u8]) -> Self {
        let mut at = model.start();
        let made = sequence.iter().map(|node| {
            at = model.move_on(at, *node);
            (at.time, at.cost)
        });
        Self(made.collect())
    }

    /// The least that the whole can cost if somebody makes stop `n` as `at` says, and then the stops
    /// after it. Whoever is later than before is later at all of them.
    pub(super) fn at_least(&self, at: Progress, n: usize) -> f64 {
        match (self.0.get(n), self.0.last()) {
            (Some((time, cost)), Some((_, total))) if at.time >= *time => at.cost + (total - cost),
            _ => at.cost,
        }
    }
}

/// The loop over places of the drop-off.
struct Search<'a> {
    model: &'a Model,
    sequence: &'a [u8],
    base: Trace,
    drop_off: u8,
    best: Option<Place>,
    limit: f64,
}

impl Search<'_> {
    /// All places of the drop-off after a pickup before stop `pickup_at`.
    fn try_drops(&mut self, picked: Progress, pickup_at: usize) {
        let mut at = picked;
        for drop_at in pickup_at..=self.sequence.len() {
            if at.cost >= self.limit {
                return;
            }
            self.try_drop(at, pickup_at, drop_at);
            let Some(next) = self.sequence.get(drop_at) else { return };
            let Some(next) = self.model.step(at, *next) else { return };
            // Where no detour is quicker, a later drop-off only adds to this.
            if self.model.is_metric && self.base.at_least(next, drop_at) >= self.limit {
                return;
            }
            at = next;
        }
    }

    fn try_drop(&mut self, at: Progress, pickup_at: usize, drop_at: usize) {
        let Some(mut end) = self.model.step(at, self.drop_off) else { return };
        if let Some((next, rest)) = self.sequence[drop_at..].split_first() {
            let Some(on) = self.model.step(end, *next) else { return };
            if self.base.at_least(on, drop_at) >= self.limit {
                return;
            }
            let Some(walked) = self.model.walk(on, rest, self.limit) else { return };
            end = walked;
        }
        if end.cost < self.limit {
            self.limit = end.cost;
            self.best = Some(Place { cost: end.cost, pickup_at, drop_at });
        }
    }
}

/// Puts `order` into `sequence` at a place found by [`best_place`].
pub(super) fn put(model: &Model, sequence: &mut Vec<u8>, order: usize, place: Place) {
    sequence.insert(place.drop_at, model.drop_off(order));
    if !model.on_board[order] {
        sequence.insert(place.pickup_at, model.pickup(order));
    }
}
