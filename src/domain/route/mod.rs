//! The best sequence of stops for one rider.
//!
//! Small plans are solved exactly, larger ones by a bounded search that starts from good insertions.
//! Reading order: `problem` (what is asked), `insertion` (the cheap inner call), `labels` (the exact search
//! and its bounded form), `search` (ruin and recreate), and [`plan_route`], which puts them together.

pub mod insertion;
pub mod problem;

mod bounds;
mod labels;
mod model;
mod search;

use bounds::Bounds;
use model::Model;
use problem::{RouteError, RoutePlan, RouteProblem, RouteStop};

/// Up to this many orders the plan is always proven to be the best.
pub const ORDERS_ALWAYS_EXACT: usize = 6;
/// More orders than this are refused.
pub const ORDERS_MAX: usize = 100;

/// How to plan.
#[derive(Clone, Copy)]
pub struct PlanOptions<'a> {
    /// Cost of one unit of lateness in units of travel; zero plans for travel alone.
    pub lateness_weight: f64,
    /// How much may be searched, in looks at a partial or changed route (about 5 to 10 a microsecond).
    ///
    /// Plans of up to [`ORDERS_ALWAYS_EXACT`] orders do not look at it.
    pub effort: u64,
    /// Asked now and then; the search ends soon after it says true. Without it plans are repeatable.
    pub stop: Option<&'a dyn Fn() -> bool>,
    /// A sequence to start from, for instance the route so far. Ignored unless it is a valid plan.
    pub warm_start: Option<&'a [RouteStop]>,
}

/// What [`PlanOptions`] grants unless told otherwise: some milliseconds.
pub const EFFORT: u64 = 60_000;

impl Default for PlanOptions<'_> {
    fn default() -> Self {
        Self { lateness_weight: 10.0, effort: EFFORT, stop: None, warm_start: None }
    }
}

/// What is left of the effort.
struct Budget<'a> {
    left: u64,
    stop: Option<&'a dyn Fn() -> bool>,
    until_asked: u64,
}

impl Budget<'_> {
    const ASK_EVERY: u64 = 512;

    /// Uses up `looks`; false once nothing is left.
    fn spend(&mut self, looks: u64) -> bool {
        self.left = self.left.saturating_sub(looks);
        self.until_asked = self.until_asked.saturating_sub(looks);
        if self.until_asked == 0 {
            self.until_asked = Self::ASK_EVERY;
            if self.stop.is_some_and(|stop| stop()) {
                self.left = 0;
            }
        }
        self.left > 0
    }
}

/// Finds the cheapest sequence of all stops; the same input gives the same plan.
///
/// Cost = travel + `lateness_weight` × lateness. The rider never waits except for an order to be ready.
///
/// # Errors
///
/// [`RouteError`] if the problem contradicts itself or an order can never fit.
pub fn plan_route(
    problem: &RouteProblem,
    options: PlanOptions<'_>,
) -> Result<RoutePlan, RouteError> {
    let model = Model::new(problem, options.lateness_weight)?;
    let warm = options.warm_start.and_then(|stops| model.sequence(stops));
    let (mut best, mut cost) = search::first_solution(&model, warm);

    let unlimited = model.n <= ORDERS_ALWAYS_EXACT;
    let left = if unlimited { u64::MAX } else { options.effort.max(1) };
    let stop = if unlimited { None } else { options.stop };
    let mut budget = Budget { left, stop, until_asked: Budget::ASK_EVERY };

    let bounds = (model.n <= labels::ORDERS_MAX).then(|| Bounds::new(&model));
    let is_proven = match &bounds {
        Some(bounds) if model.n <= ORDERS_ALWAYS_EXACT => {
            prove(bounds, &mut best, &mut cost, &mut budget, usize::MAX)
        }
        Some(bounds) => widen(bounds, &mut best, &mut cost, &mut budget),
        None => false,
    };
    if !is_proven {
        (best, cost) = search::ruin_and_recreate(&model, best, cost, &mut budget, 0);
    }
    Ok(model.plan(&best, cost, is_proven))
}

/// One search of the given width; whether the best plan is now proven.
fn prove(
    bounds: &Bounds<'_>,
    best: &mut Vec<u8>,
    cost: &mut f64,
    budget: &mut Budget<'_>,
    width: usize,
) -> bool {
    let found = labels::search(bounds, *cost, width, budget);
    if let Some(sequence) = found.best {
        (*best, *cost) = search::improve(bounds.model, sequence);
    }
    found.is_complete
}

/// Wider and wider searches, each followed by some ruin and recreate; whether the best plan is proven.
fn widen(bounds: &Bounds<'_>, best: &mut Vec<u8>, cost: &mut f64, budget: &mut Budget<'_>) -> bool {
    let mut width = labels::WIDTH_FIRST;
    while budget.left > 0 && width <= labels::WIDTH_MAX {
        let before = budget.left;
        if prove(bounds, best, cost, budget, width) {
            return true;
        }
        let left = ((before - budget.left) / 2).min(budget.left);
        let mut part = Budget { left, ..*budget };
        let sequence = std::mem::take(best);
        (*best, *cost) = search::ruin_and_recreate(bounds.model, sequence, *cost, &mut part, width);
        budget.spend(left);
        width *= labels::WIDTH_GROWTH;
    }
    false
}

#[cfg(test)]
mod tests;
