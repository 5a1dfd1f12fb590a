//! Exact search over (picked up, delivered, last stop), layer by layer, and its bounded form.
//!
//! A label is one way to have made the same stops. A label that is later and dearer than another of the same
//! state is dropped, and so is one whose lower bound reaches the best known plan. With a bounded width only
//! the most promising labels of a layer go on, and the answer is no longer proven.

use super::{
    Budget,
    bounds::{Bounds, Scratch},
    model::Progress,
};

/// The search packs a state into 64 bits, which ends here.
pub(super) const ORDERS_MAX: usize = 29;
/// Labels kept in a layer by the first bounded pass.
pub(super) const WIDTH_FIRST: usize = 40;
/// Each pass keeps so many times more.
pub(super) const WIDTH_GROWTH: usize = 5;
/// Labels kept in a layer once the budget is used up.
const WIDTH_LAST: usize = 4;
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

impl Label {
    /// What is done and where: labels of one state are comparable.
    fn state(&self) -> u64 {
        u64::from(self.picked)
            | u64::from(self.delivered) << ORDERS_MAX
            | u64::from(self.at.node) << (2 * ORDERS_MAX)
    }
}

/// Looks for a sequence that costs less than `limit`, keeping `width` labels of each layer.
pub(super) fn search(
    bounds: &Bounds<'_>,
    limit: f64,
    width: usize,
    budget: &mut Budget<'_>,
) -> Found {
    let model = bounds.model;
    let mut width = width;
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
    let (mut states, mut scratch) = (States::new(), Scratch::default());
    for _ in 0..model.n_stops() {
        states.clear(layer.len() * model.n);
        let first_child = arena.len();
        for parent in &layer {
            let n_before = arena.len();
            expand(bounds, *parent, limit, &mut arena, &mut states, &mut scratch);
            let looks = 1 + (arena.len() - n_before) as u64;
            if !budget.spend(looks) && width > WIDTH_LAST {
                // Out of budget: come to an end with what is most promising, instead of with nothing.
                (width, is_complete) = (WIDTH_LAST, false);
                break;
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
    let best = best.map(|end| sequence_to(&arena, end));
    Found { best, is_complete }
}

/// Adds every useful next stop of one label.
fn expand(
    bounds: &Bounds<'_>,
    parent: u32,
    limit: f64,
    arena: &mut Vec<Label>,
    states: &mut States,
    scratch: &mut Scratch,
) {
    let model = bounds.model;
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
        let (picked, delivered) = match is_pickup {
            true => (from.picked | bit, from.delivered),
            false => (from.picked, from.delivered | bit),
        };
        // The three tests in the order of their price.
        let enough = limit - EPSILON - at.cost;
        let at_least = bounds.one_by_one(at, picked, delivered, scratch);
        if at_least >= enough {
            continue;
        }
        if model.weight == 0.0 {
            // Without lateness the clock decides nothing: one label a state.
            at.time = 0;
        }
        let bound = at.cost + at_least;
        let mut label = Label { at, bound, picked, delivered, parent, next_in_state: NONE };
        let slot = states.slot(label.state());
        if states.is_dominated(slot, &label, arena) {
            continue;
        }
        label.bound += bounds.together(at, picked, delivered, scratch);
        if label.bound < limit - EPSILON {
            states.add(slot, label, arena);
        }
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

    /// Whether another label of this state is neither later nor dearer.
    fn is_dominated(&self, slot: usize, label: &Label, arena: &[Label]) -> bool {
        let mut other = self.slots[slot].1;
        while other != NONE {
            let it = &arena[other as usize];
            let is_as_good = it.at.time <= label.at.time && it.at.cost <= label.at.cost;
            if is_as_good && it.bound.is_finite() {
                return true;
            }
            other = it.next_in_state;
        }
        false
    }

    /// Keeps `label`; drops the labels of its state that are later and dearer.
    fn add(&mut self, slot: usize, mut label: Label, arena: &mut Vec<Label>) {
        let head = self.slots[slot].1;
        let mut other = head;
        while other != NONE {
            let it = &mut arena[other as usize];
            if label.at.time <= it.at.time && label.at.cost <= it.at.cost {
                it.bound = f64::INFINITY;
            }
            other = it.next_in_state;
        }
        label.next_in_state = head;
        self.slots[slot] = (label.state(), arena.len() as u32);
        arena.push(label);
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
