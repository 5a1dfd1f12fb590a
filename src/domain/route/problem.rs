//! What the route planner is asked and what it answers.

use crate::travel::Matrix;

/// One order of a rider: collected at its pickup, unless on board, and brought to its drop-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteOrder {
    /// How much of the capacity it takes.
    pub load: i64,
    /// Nothing can be picked up earlier.
    pub ready_at: i64,
    /// Delivered later counts as late; `None` means never late.
    pub deadline: Option<i64>,
    /// Time spent at the pickup.
    pub pickup_service: i64,
    /// Time spent at the drop-off; the order counts as delivered at its end.
    pub drop_service: i64,
    /// Already collected: only the drop-off is left.
    pub is_on_board: bool,
}

/// One rider and the orders he has to serve. All times are in one unit of the caller's choice.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteProblem {
    /// When the rider can leave his place.
    pub start_at: i64,
    /// Load on board at the start, that of the orders on board included.
    pub load: i64,
    /// Highest load after any pickup.
    pub capacity: i64,
    /// The orders.
    pub orders: Vec<RouteOrder>,
    /// Times between rider, pickups in the order of `orders`, drop-offs in the same order.
    pub legs: Matrix,
}

/// One stop of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteStop {
    /// Collect the order with this index.
    Pickup(usize),
    /// Hand over the order with this index.
    DropOff(usize),
}

/// The answer: a sequence of all stops and what it costs.
#[derive(Clone, Debug, PartialEq)]
pub struct RoutePlan {
    /// Every stop once.
    pub stops: Vec<RouteStop>,
    /// Sum of the legs.
    pub travel: i64,
    /// Sum over orders of the time delivered after the deadline.
    pub lateness: i64,
    /// What was minimised: travel + weight × lateness.
    pub cost: f64,
    /// When the rider leaves the last stop.
    pub finish_at: i64,
    /// Whether no other sequence can cost less.
    pub is_proven: bool,
}

/// The problem has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// More orders than the planner takes.
    #[error("{found} orders are too many for one rider, the limit is {max}")]
    TooManyOrders {
        /// How many came.
        found: usize,
        /// [`ORDERS_MAX`](super::ORDERS_MAX).
        max: usize,
    },
    /// The table of legs does not fit the orders.
    #[error("{orders} orders need a table of {needed} places, found {found}")]
    LegsMissing {
        /// How many orders.
        orders: usize,
        /// One place for the rider and two for each order.
        needed: usize,
        /// Places in the table.
        found: usize,
    },
    /// The order does not fit even when the rider carries nothing that he could drop before.
    #[error("order number {order} does not fit into the rider's capacity")]
    DoesNotFit {
        /// Index of the order.
        order: usize,
    },
}
