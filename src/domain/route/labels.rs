//! Exact search over (picked up, delivered, last stop), layer by layer, and its bounded form.
//!
//! A label is one way to have made the same stops. A label that is later and dearer than another of the same
//! state is dropped, and so is one whose lower bound reaches the best known plan. With a bounded width only
//! the most promising labels of a layer go on, and the answer is no longer proven.

use super::{
    Budget,
    model::{Model, Progress},
};

/// The search packs a state into 64 bits, which ends here.
pub(super) const ORDERS_MAX: usize = 29;
/// Beyond this many orders one narrow pass is all that pays.
pub(super) const ORDERS_WIDE: usize = 20;
/// Labels kept in a layer by the first bounded pass.
pub(super) const WIDTH_FIRST: usize = 100;
/// Each pass keeps so many times more.
pub(super) const WIDTH_GROWTH: usize = 8;
/// No pass is wider, which also bounds the memory.
pub(super) const WIDTH_MAX: usize = 400_000;

const NONE: u32 = u32::MAX;
const EPSILON: f64 = 1e-6;

/// What a search found.
pub(super) struct Found {
    /// A sequence cheaper than the limit given.
    pub(super) best: Option<Vec<u8>>,
    /// Whether nothing was left out, so that no cheaper sequence exists.
    pub(super) is_complete: bool,
}

#[derive(Clone, Copy)]
struct Label {
    at: Progress,
    bound: f64,
    picked: u32,
    delivered: u32,
    parent: u32,
    next_in_state: u32,
}

/// Looks for a sequence that costs less than `limit`, keeping `width` labels of each layer.
pub(super) fn search(model: &Model, limit: f64, width: usize, budget: &mut Budget<'_>) -> Found {
    let bounds = Bounds::new(model);
    let mut limit = limit;
    let mut is_complete = true;
    let mut picked = 0;
    for order in (0..model.n).filter(|i| model.on_board[*i]) {
        picked |= 1 << order;
    }
    let root = Label {
        at: model.start(),
        bound: 0.0,
        picked,
        delivered: 0,
        parent: NONE,
        next_in_state: NONE,
    };
    let mut arena = vec![root];
    let mut layer = vec![0_u32];
    let mut states = States::new();
    for _ in 0..model.n_stops() {
        states.clear(layer.len() * model.n);
        let first_child = arena.len();
        for parent in &layer {
            let n_before = arena.len();
            expand(model, &bounds, *parent, limit, &mut arena, &mut states);
            let looks = 1 + (arena.len() - n_before) as u64;
            if !budget.spend(looks) {
                return Found { best: None, is_complete: false };
            }
        }
        let alive = |i: &u32| arena[*i as usize].bound < limit - EPSILON;
        layer = (first_child as u32..arena.len() as u32).filter(alive).collect();
        if layer.len() > width {
            is_complete = false;
            let by_bound =
                |a: &u32, b: &u32| arena[*a as usize].bound.total_cmp(&arena[*b as usize].bound);
            layer.select_nth_unstable_by(width, by_bound);
            layer.truncate(width);
        }
    }
    let best = layer.into_iter().min_by(|a, b| {
        let (a, b) = (&arena[*a as usize], &arena[*b as usize]);
        a.at.cost.total_cmp(&b.at.cost)
    });
    let best = best.map(|end| {
        limit = arena[end as usize].at.cost;
        sequence_to(&arena, end)
    });
    Found { best, is_complete }
}

/// Adds every useful next stop of one label.
fn expand(
    model: &Model,
    bounds: &Bounds<'_>,
    parent: u32,
    limit: f64,
    arena: &mut Vec<Label>,
    states: &mut States,
) {
    let from = arena[parent as usize];
    if from.bound.is_infinite() {
        return;
    }
    for order in 0..model.n {
        let bit = 1_u32 << order;
        if from.delivered & bit != 0 {
            continue;
        }
        let is_pickup = from.picked & bit == 0;
        let node = if is_pickup { model.pickup(order) } else { model.drop_off(order) };
        let Some(mut at) = model.step(from.at, node) else { continue };
        let (picked, delivered) = if is_pickup {
            (from.picked | bit, from.delivered)
        } else {
            (from.picked, from.delivered | bit)
        };
        if at.cost >= limit - EPSILON {
            continue;
        }
        let bound = at.cost + bounds.rest(at, picked, delivered, limit - at.cost);
        if bound >= limit - EPSILON {
            continue;
        }
        if model.weight == 0.0 {
            // Without lateness the clock decides nothing: one label a state.
            at.time = 0;
        }
        let label = Label { at, bound, picked, delivered, parent, next_in_state: NONE };
        states.add(label, arena);
    }
}

/// The stops on the way to label `end`.
fn sequence_to(arena: &[Label], end: u32) -> Vec<u8> {
    let mut sequence = Vec::new();
    let mut at = &arena[end as usize];
    while at.parent != NONE {
        sequence.push(at.at.node);
        at = &arena[at.parent as usize];
    }
    sequence.reverse();
    sequence
}

/// The labels of a layer by state: an open-addressing table of lists.
struct States {
    slots: Vec<(u64, u32)>,
    mask: usize,
    used: usize,
}

impl States {
    fn new() -> Self {
        Self { slots: Vec::new(), mask: 0, used: 0 }
    }

    /// Empties the table and makes room for about `expected` states.
    fn clear(&mut self, expected: usize) {
        let size = (expected.max(32) * 2).next_power_of_two().min(1 << 22);
        self.slots.clear();
        self.slots.resize(size, (0, NONE));
        (self.mask, self.used) = (size - 1, 0);
    }

    fn slot(&self, key: u64) -> usize {
        let mut slot = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & self.mask;
        while self.slots[slot].1 != NONE && self.slots[slot].0 != key {
            slot = (slot + 1) & self.mask;
        }
        slot
    }

    /// Keeps `label` unless another one of its state is at least as good; drops those that are not.
    fn add(&mut self, mut label: Label, arena: &mut Vec<Label>) {
        let key = u64::from(label.picked)
            | u64::from(label.delivered) << ORDERS_MAX
            | u64::from(label.at.node) << (2 * ORDERS_MAX);
        let slot = self.slot(key);
        let head = self.slots[slot].1;
        let mut other = head;
        while other != NONE {
            let it = &mut arena[other as usize];
            if it.bound.is_finite() {
                if it.at.time <= label.at.time && it.at.cost <= label.at.cost {
                    return;
                }
                if label.at.time <= it.at.time && label.at.cost <= it.at.cost {
                    it.bound = f64::INFINITY;
                }
            }
            other = it.next_in_state;
        }
        label.next_in_state = head;
        arena.push(label);
        self.slots[slot] = (key, (arena.len() - 1) as u32);
        if head == NONE {
            self.used += 1;
            if self.used * 2 > self.slots.len() {
                self.grow();
            }
        }
    }

    fn grow(&mut self) {
        let bigger = vec![(0, NONE); self.slots.len() * 2];
        let old = std::mem::replace(&mut self.slots, bigger);
        self.mask = self.slots.len() - 1;
        for entry in old.into_iter().filter(|entry| entry.1 != NONE) {
            let slot = self.slot(entry.0);
            self.slots[slot] = entry;
        }
    }
}

/// Lower bounds on what is left to pay.
struct Bounds<'a> {
    model: &'a Model,
    /// Per node: the shortest leg into it.
    into: Vec<i64>,
    /// Drop-offs by (shortest leg into it + service), and the same of pickups.
    drops: Vec<(i64, usize)>,
    pickups: Vec<(i64, usize)>,
}

impl<'a> Bounds<'a> {
    fn new(model: &'a Model) -> Self {
        let n = model.n;
        let into: Vec<i64> = (0..=2 * n as u8)
            .map(|to| {
                // Nobody comes back to node 0, and no pickup follows its own drop-off.
                let own_drop = to + n as u8;
                let from = (1..=2 * n as u8).filter(|from| *from != to && *from != own_drop);
                from.map(|from| model.leg(from, to)).min().unwrap_or(0)
            })
            .collect();
        let by_cost = |node: fn(&Model, usize) -> u8| {
            let cost = |i: usize| {
                let node = node(model, i) as usize;
                (into[node] + model.service[node], i)
            };
            let mut list: Vec<_> = (0..n).map(cost).collect();
            list.sort_unstable();
            list
        };
        let (drops, pickups) = (by_cost(Model::drop_off), by_cost(Model::pickup));
        Self { model, into, drops, pickups }
    }

    /// At least so much has to be paid after `at`.
    ///
    /// Travel: the farthest delivery, or the shortest legs into all open stops. Lateness: what each delivery
    /// is late if served next, plus what all are late beyond that because they are served one after the other.
    /// Stops counting at `enough`.
    fn rest(&self, at: Progress, picked: u32, delivered: u32, enough: f64) -> f64 {
        let model = self.model;
        let mut open = [(0_i64, 0_i64); ORDERS_MAX];
        let (mut n_open, mut n_board, mut far, mut legs, mut late) = (0, 0, 0, 0, 0);
        for order in (0..model.n).filter(|i| delivered & (1 << i) == 0) {
            let (p, d) = (model.pickup(order), model.drop_off(order));
            let (ride, earliest) = if picked & (1 << order) != 0 {
                n_board += 1;
                let leg = model.leg(at.node, d);
                (leg, at.time + leg)
            } else {
                let (to, on) = (model.leg(at.node, p), model.leg(p, d));
                let collected =
                    (at.time + to).max(model.ready[p as usize]) + model.service[p as usize];
                legs += self.into[p as usize];
                (to + on, collected + on)
            };
            let earliest = earliest + model.service[d as usize];
            let due = model.due[d as usize];
            far = far.max(ride);
            legs += self.into[d as usize];
            late += (earliest - due).max(0);
            open[n_open] = (earliest, due.max(earliest));
            n_open += 1;
        }
        let travel = far.max(legs) as f64;
        let bound = travel + model.weight * late as f64;
        if model.weight == 0.0 || n_open < 2 || bound >= enough {
            return bound;
        }
        late += self.queueing(at.time, picked, delivered, n_board, &mut open[..n_open]);
        travel + model.weight * late as f64
    }

    /// Lateness beyond each one's own minimum, because the k-th delivery cannot be earlier than the k
    /// quickest ones need. `open` holds (earliest delivery, deadline not before it).
    fn queueing(
        &self,
        now: i64,
        picked: u32,
        delivered: u32,
        n_board: usize,
        open: &mut [(i64, i64)],
    ) -> i64 {
        let mut dues = [0_i64; ORDERS_MAX];
        let dues = &mut dues[..open.len()];
        for (due, it) in dues.iter_mut().zip(open.iter()) {
            *due = it.1;
        }
        sort_few(dues, |it| *it);
        sort_few(open, |it| it.0);
        let mut pickups = self.pickups.iter().filter(|it| picked & (1 << it.1) == 0);
        let drops = self.drops.iter().filter(|it| delivered & (1 << it.1) == 0);
        let (mut time, mut late) = (now, 0);
        for (k, ((drop, _), due)) in drops.zip(dues.iter()).enumerate() {
            time += drop;
            if k >= n_board {
                time += pickups.next().map_or(0, |it| it.0);
            }
            late += (time.max(open[k].0) - due).max(0);
        }
        late
    }
}

/// Sorts a handful of things: shorter than the general sort, and called millions of times.
fn sort_few<T: Copy>(list: &mut [T], key: impl Fn(&T) -> i64) {
    for i in 1..list.len() {
        let it = list[i];
        let mut j = i;
        while j > 0 && key(&list[j - 1]) > key(&it) {
            list[j] = list[j - 1];
            j -= 1;
        }
        list[j] = it;
    }
}
