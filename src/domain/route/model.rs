//! A route problem turned into flat tables for the searches.
//!
//! Node 0 is the rider's place, `1..=n` are the pickups and `n+1..=2n` the drop-offs. A sequence holds the
//! nodes to visit, without node 0 and without pickups of orders that are on board.

use super::{
    ORDERS_MAX,
    problem::{RouteError, RouteOrder, RoutePlan, RouteProblem, RouteStop},
};

/// Stands for "never late".
const NEVER: i64 = i64::MAX / 8;

/// What a rider has done so far, at one point of a sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// Where he is.
    pub(super) node: u8,
    /// When he leaves.
    pub(super) time: i64,
    /// Cost so far.
    pub(super) cost: f64,
    /// Load on board.
    pub(super) load: i64,
}

/// The tables.
pub(super) struct Model {
    /// How many orders.
    pub(super) n: usize,
    /// Cost of one unit of lateness.
    pub(super) weight: f64,
    /// Highest load.
    pub(super) capacity: i64,
    /// Orders on board at the start, as a list of flags.
    pub(super) on_board: Vec<bool>,
    /// Per node: earliest start of service.
    pub(super) ready: Vec<i64>,
    /// Per node: latest end of service that is not late.
    pub(super) due: Vec<i64>,
    /// Per node: time of service.
    pub(super) service: Vec<i64>,
    /// Whether no detour is quicker than the direct leg.
    pub(super) is_metric: bool,
    start: Progress,
    legs: Vec<i64>,
    rows: Vec<Row>,
}

/// One node as a step needs it.
struct Row {
    ready: i64,
    due: i64,
    service: i64,
    /// What the load changes by.
    load: i64,
}

/// Larger problems are taken for ones with quick detours: looking costs the cube of the nodes.
const METRIC_NODES_MAX: usize = 61;

fn is_metric(legs: &[i64], n_nodes: usize) -> bool {
    let leg = |from: usize, to: usize| legs[from * n_nodes + to];
    let is_detour_longer = |over: usize, from: usize| {
        let (onward, direct) = (&legs[over * n_nodes..], &legs[from * n_nodes..]);
        let to_there = leg(from, over);
        direct[..n_nodes].iter().zip(onward).all(|(direct, onward)| *direct <= to_there + onward)
    };
    n_nodes <= METRIC_NODES_MAX
        && (1..n_nodes).all(|over| (0..n_nodes).all(|from| is_detour_longer(over, from)))
}

impl Model {
    /// Checks a problem and lays it out.
    pub(super) fn new(problem: &RouteProblem, weight: f64) -> Result<Self, RouteError> {
        let n = problem.orders.len();
        let n_nodes = 2 * n + 1;
        if n > ORDERS_MAX {
            return Err(RouteError::TooManyOrders { found: n, max: ORDERS_MAX });
        }
        if problem.legs.len() != n_nodes {
            let found = problem.legs.len();
            return Err(RouteError::LegsMissing { orders: n, needed: n_nodes, found });
        }
        check_loads(problem)?;
        let mut ready = vec![i64::MIN; n_nodes];
        let mut due = vec![NEVER; n_nodes];
        let mut service = vec![0; n_nodes];
        for (i, order) in problem.orders.iter().enumerate() {
            ready[i + 1] = order.ready_at;
            service[i + 1] = order.pickup_service.max(0);
            service[n + i + 1] = order.drop_service.max(0);
            due[n + i + 1] = order.deadline.unwrap_or(NEVER);
        }
        let cell = |k: usize| problem.legs.get(k / n_nodes, k % n_nodes);
        let legs: Vec<i64> = (0..n_nodes * n_nodes).map(cell).collect();
        let load_of = |node: usize| match node {
            0 => 0,
            _ if node <= n => problem.orders[node - 1].load,
            _ => -problem.orders[node - n - 1].load,
        };
        let rows = (0..n_nodes)
            .map(|at| Row {
                ready: ready[at],
                due: due[at],
                service: service[at],
                load: load_of(at),
            })
            .collect();
        let (time, load) = (problem.start_at, problem.load);
        Ok(Self {
            n,
            weight,
            capacity: problem.capacity,
            on_board: problem.orders.iter().map(|it| it.is_on_board).collect(),
            ready,
            due,
            service,
            start: Progress { node: 0, time, cost: 0.0, load },
            is_metric: is_metric(&legs, n_nodes),
            legs,
            rows,
        })
    }

    /// Before the first stop.
    pub(super) const fn start(&self) -> Progress {
        self.start
    }

    /// How many stops a whole sequence has.
    pub(super) fn n_stops(&self) -> usize {
        2 * self.n - self.on_board.iter().filter(|it| **it).count()
    }

    /// Time of a leg.
    pub(super) fn leg(&self, from: u8, to: u8) -> i64 {
        self.legs[from as usize * (2 * self.n + 1) + to as usize]
    }

    /// Times of the legs from a node to every node.
    pub(super) fn legs_from(&self, from: u8) -> &[i64] {
        let n_nodes = 2 * self.n + 1;
        &self.legs[from as usize * n_nodes..][..n_nodes]
    }

    /// The node of an order's pickup.
    pub(super) const fn pickup(&self, order: usize) -> u8 {
        (order + 1) as u8
    }

    /// The node of an order's drop-off.
    pub(super) const fn drop_off(&self, order: usize) -> u8 {
        (self.n + order + 1) as u8
    }

    /// Whether a node is a pickup, and the order it belongs to.
    pub(super) const fn order_of(&self, node: u8) -> (bool, usize) {
        let node = node as usize;
        if node <= self.n { (true, node - 1) } else { (false, node - self.n - 1) }
    }

    /// Goes on to `node`; `None` if the load would be too high.
    #[inline]
    pub(super) fn step(&self, from: Progress, node: u8) -> Option<Progress> {
        let to = self.move_on(from, node);
        let is_pickup = node as usize <= self.n;
        (!is_pickup || to.load <= self.capacity).then_some(to)
    }

    /// Goes on to `node`, whatever the load.
    #[inline]
    pub(super) fn move_on(&self, from: Progress, node: u8) -> Progress {
        let row = &self.rows[node as usize];
        let leg = self.leg(from.node, node);
        let time = (from.time + leg).max(row.ready) + row.service;
        let late = (time - row.due).max(0);
        let cost = from.cost + leg as f64 + self.weight * late as f64;
        Progress { node, time, cost, load: from.load + row.load }
    }

    /// Goes through `nodes`; `None` if the load gets too high or the cost reaches `limit`.
    pub(super) fn walk(&self, from: Progress, nodes: &[u8], limit: f64) -> Option<Progress> {
        let mut at = from;
        for node in nodes {
            at = self.step(at, *node)?;
            if at.cost >= limit {
                return None;
            }
        }
        Some(at)
    }

    /// Cost of a whole sequence; infinite if the load gets too high.
    pub(super) fn cost(&self, sequence: &[u8]) -> f64 {
        self.walk(self.start, sequence, f64::INFINITY).map_or(f64::INFINITY, |end| end.cost)
    }

    /// Reads a caller's sequence of stops; `None` unless it is a whole and possible one.
    pub(super) fn sequence(&self, stops: &[RouteStop]) -> Option<Vec<u8>> {
        let mut has = self.on_board.clone();
        let mut done = vec![false; self.n];
        let mut sequence = Vec::with_capacity(stops.len());
        for stop in stops {
            let (order, node, ok) = match *stop {
                RouteStop::Pickup(i) if i < self.n => (i, self.pickup(i), !has[i]),
                RouteStop::DropOff(i) if i < self.n => (i, self.drop_off(i), has[i] && !done[i]),
                RouteStop::Pickup(_) | RouteStop::DropOff(_) => return None,
            };
            if !ok {
                return None;
            }
            match stop {
                RouteStop::Pickup(_) => has[order] = true,
                RouteStop::DropOff(_) => done[order] = true,
            }
            sequence.push(node);
        }
        let is_whole = sequence.len() == self.n_stops();
        (is_whole && self.cost(&sequence).is_finite()).then_some(sequence)
    }

    /// Turns a node into the caller's words.
    pub(super) const fn stop(&self, node: u8) -> RouteStop {
        match self.order_of(node) {
            (true, order) => RouteStop::Pickup(order),
            (false, order) => RouteStop::DropOff(order),
        }
    }

    /// Describes a whole sequence.
    pub(super) fn plan(&self, sequence: &[u8], cost: f64, is_proven: bool) -> RoutePlan {
        let (mut at, mut travel, mut lateness) = (self.start, 0, 0);
        for node in sequence {
            travel += self.leg(at.node, *node);
            at = self.step(at, *node).unwrap_or(at);
            lateness += (at.time - self.due[*node as usize]).max(0);
        }
        let stops = sequence.iter().map(|node| self.stop(*node)).collect();
        RoutePlan { stops, travel, lateness, cost, finish_at: at.time, is_proven }
    }
}

/// Every order must fit when the rider carries nothing but what he cannot drop.
fn check_loads(problem: &RouteProblem) -> Result<(), RouteError> {
    let on_board = problem.orders.iter().filter(|it| it.is_on_board).map(|it| it.load);
    let stays = problem.load - on_board.sum::<i64>();
    let does_not_fit =
        |it: &RouteOrder| !it.is_on_board && stays.saturating_add(it.load) > problem.capacity;
    match problem.orders.iter().position(does_not_fit) {
        Some(order) => Err(RouteError::DoesNotFit { order }),
        None => Ok(()),
    }
}
