//! Lower bounds on what a rider still has to pay: the reason why the exact search is fast.

use super::{
    labels::ORDERS_MAX,
    model::{Model, Progress},
};

/// One order as the bounds need it.
struct Row {
    bit: u32,
    pickup: usize,
    drop_off: usize,
    ready: i64,
    pickup_service: i64,
    drop_service: i64,
    due: i64,
    /// From pickup to drop-off.
    ride: i64,
    /// Shortest legs into the pickup and into the drop-off.
    into_pickup: i64,
    into_drop: i64,
}

/// What is left from the cheap bound for the dear one.
#[derive(Default)]
pub(super) struct Scratch {
    /// Per open order: earliest delivery.
    earliest: [i64; ORDERS_MAX],
    /// Per open order: its deadline, or its earliest delivery if that is later.
    due: [i64; ORDERS_MAX],
    n_open: usize,
    n_board: usize,
    /// What travel costs at least.
    travel: i64,
}

/// Tables for one model.
pub(super) struct Bounds<'a> {
    pub(super) model: &'a Model,
    /// In the order of their deadlines.
    rows: Vec<Row>,
    /// Shortest leg + service of drop-offs, ascending, with the order's bit; the same of pickups.
    drops: Vec<(i64, u32)>,
    pickups: Vec<(i64, u32)>,
    /// Between nodes, the shorter one of there and back.
    closeness: Vec<i64>,
    /// Between nodes, the shortest way over any others: where a detour is quicker than a leg, the leg
    /// itself bounds nothing.
    shortest: Vec<i64>,
}

impl<'a> Bounds<'a> {
    pub(super) fn new(model: &'a Model) -> Self {
        let n = model.n as u8;
        let into = |to: u8| {
            // Nobody comes back to node 0, and no pickup follows its own drop-off.
            let from = visited(model).filter(|from| *from != to && *from != to + n);
            from.map(|from| model.leg(from, to)).min().unwrap_or(0)
        };
        let shortest = shortest_ways(model);
        let row = |i: usize| {
            let (pickup, drop_off) = (model.pickup(i), model.drop_off(i));
            Row {
                bit: 1 << i,
                pickup: pickup as usize,
                drop_off: drop_off as usize,
                ready: model.ready[pickup as usize],
                pickup_service: model.service[pickup as usize],
                drop_service: model.service[drop_off as usize],
                due: model.due[drop_off as usize],
                ride: shortest[pickup as usize * (2 * model.n + 1) + drop_off as usize],
                into_pickup: into(pickup),
                into_drop: into(drop_off),
            }
        };
        let mut rows: Vec<Row> = (0..model.n).map(row).collect();
        rows.sort_by_key(|it| it.due);
        let mut drops: Vec<_> =
            rows.iter().map(|it| (it.into_drop + it.drop_service, it.bit)).collect();
        let mut pickups: Vec<_> =
            rows.iter().map(|it| (it.into_pickup + it.pickup_service, it.bit)).collect();
        drops.sort_unstable();
        pickups.sort_unstable();
        let nodes = 0..=2 * n;
        let closer = |a: u8, b: u8| model.leg(a, b).min(model.leg(b, a));
        let closeness = nodes.clone().flat_map(|a| nodes.clone().map(move |b| closer(a, b)));
        let closeness = closeness.collect();
        Self { model, rows, drops, pickups, closeness, shortest }
    }

    /// At least so much has to be paid after `at`, each order looked at for itself.
    ///
    /// Travel: the farthest delivery, or the shortest legs into all open stops. Lateness: what each delivery
    /// is late if it is served next.
    pub(super) fn one_by_one(
        &self,
        at: Progress,
        picked: u32,
        delivered: u32,
        scratch: &mut Scratch,
    ) -> f64 {
        let n_nodes = 2 * self.model.n + 1;
        let to = &self.shortest[at.node as usize * n_nodes..][..n_nodes];
        let (mut n_open, mut n_board, mut far, mut legs, mut late) = (0, 0, 0, 0, 0);
        for row in self.rows.iter().filter(|row| delivered & row.bit == 0) {
            let (ride, earliest) = if picked & row.bit != 0 {
                n_board += 1;
                (to[row.drop_off], at.time + to[row.drop_off])
            } else {
                legs += row.into_pickup;
                let collected = (at.time + to[row.pickup]).max(row.ready) + row.pickup_service;
                (to[row.pickup] + row.ride, collected + row.ride)
            };
            let earliest = earliest + row.drop_service;
            legs += row.into_drop;
            far = far.max(ride);
            late += (earliest - row.due).max(0);
            scratch.earliest[n_open] = earliest;
            scratch.due[n_open] = row.due.max(earliest);
            n_open += 1;
        }
        (scratch.n_open, scratch.n_board) = (n_open, n_board);
        scratch.travel = far.max(legs);
        scratch.travel as f64 + self.model.weight * late as f64
    }

    /// What has to be paid beyond [`Bounds::one_by_one`], which must have been asked just before, because
    /// the orders are served together by one rider.
    pub(super) fn together(
        &self,
        at: Progress,
        picked: u32,
        delivered: u32,
        scratch: &mut Scratch,
    ) -> f64 {
        if scratch.n_open < 2 {
            0.0
        } else if self.model.weight == 0.0 {
            (self.tree(at.node, picked, delivered) - scratch.travel).max(0) as f64
        } else {
            self.queueing(at.time, picked, delivered, scratch)
        }
    }

    /// The shortest tree over the rider's place and all open stops: no path through them is shorter.
    fn tree(&self, from: u8, picked: u32, delivered: u32) -> i64 {
        let mut open = [(0_usize, 0_i64); 2 * ORDERS_MAX];
        let mut n = 0;
        let first = self.closeness_of(from as usize);
        for row in self.rows.iter().filter(|row| delivered & row.bit == 0) {
            open[n] = (row.drop_off, first[row.drop_off]);
            n += 1;
            if picked & row.bit == 0 {
                open[n] = (row.pickup, first[row.pickup]);
                n += 1;
            }
        }
        let mut length = 0;
        while n > 0 {
            let mut nearest = 0;
            for i in 1..n {
                if open[i].1 < open[nearest].1 {
                    nearest = i;
                }
            }
            let (node, leg) = open[nearest];
            length += leg;
            n -= 1;
            open[nearest] = open[n];
            let legs = self.closeness_of(node);
            for it in &mut open[..n] {
                it.1 = it.1.min(legs[it.0]);
            }
        }
        length
    }

    /// The shorter one of there and back, from a node to every node.
    fn closeness_of(&self, node: usize) -> &[i64] {
        let n_nodes = 2 * self.model.n + 1;
        &self.closeness[node * n_nodes..][..n_nodes]
    }

    /// What lateness costs beyond each order's own: the k-th delivery cannot be earlier than the k quickest
    /// ones need one after the other.
    fn queueing(&self, now: i64, picked: u32, delivered: u32, scratch: &mut Scratch) -> f64 {
        let n_open = scratch.n_open;
        let earliest = &mut scratch.earliest[..n_open];
        let dues = &mut scratch.due[..n_open];
        sort_few(earliest);
        sort_few(dues);
        let mut pickups = self.pickups.iter().filter(|it| picked & it.1 == 0);
        let drops = self.drops.iter().filter(|it| delivered & it.1 == 0);
        let (mut time, mut late) = (now, 0);
        for (k, (drop, _)) in drops.enumerate().take(n_open) {
            time += drop;
            if k >= scratch.n_board {
                time += pickups.next().map_or(0, |it| it.0);
            }
            late += (time.max(earliest[k]) - dues[k]).max(0);
        }
        self.model.weight * late as f64
    }
}

/// The nodes that somebody comes to.
fn visited(model: &Model) -> impl Iterator<Item = u8> {
    let n = model.n;
    (1..=2 * n as u8).filter(move |it| *it as usize > n || !model.on_board[*it as usize - 1])
}

/// The shortest ways between all nodes. Over an earlier stop as well, which bounds all the same; but
/// nobody comes back to node 0.
fn shortest_ways(model: &Model) -> Vec<i64> {
    let n_nodes = 2 * model.n + 1;
    let mut ways: Vec<i64> =
        (0..n_nodes as u8).flat_map(|it| model.legs_from(it).to_vec()).collect();
    for over in visited(model).map(usize::from) {
        let onward = ways[over * n_nodes..][..n_nodes].to_vec();
        for from in (0..n_nodes).filter(|it| *it != over) {
            let to_there = ways[from * n_nodes + over];
            for (way, onward) in ways[from * n_nodes..][..n_nodes].iter_mut().zip(&onward) {
                *way = (*way).min(to_there + onward);
            }
        }
    }
    ways
}

/// Sorts a handful of numbers: shorter than the general sort, and called millions of times.
fn sort_few(list: &mut [i64]) {
    for i in 1..list.len() {
        let it = list[i];
        let mut j = i;
        while j > 0 && list[j - 1] > it {
            list[j] = list[j - 1];
            j -= 1;
        }
        list[j] = it;
    }
}
