//! Everybody's routes while they are being changed, and what one more delivery adds to one of them.

use super::{
    snapshot::{Delivery, Stage, Stop},
    timeline::{Moves, Progress, Timeline},
    weights::MINUTE_MS,
};
use crate::travel::TravelTimes;

/// One rider's stops with the clock at every stop.
#[derive(Clone, Debug)]
pub(super) struct Tour {
    pub(super) stops: Vec<Stop>,
    /// Before the first stop, after the first, … after the last.
    pub(super) progress: Vec<Progress>,
    pub(super) cost: f64,
}

/// Where a delivery fits best into a tour, and what it adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Insertion {
    pub(super) added: f64,
    pickup_at: usize,
    drop_at: usize,
}

/// All tours and who has which delivery.
pub(super) struct Tours<'a, T> {
    pub(super) timeline: Timeline<'a, T>,
    pub(super) tours: Vec<Tour>,
    pub(super) moves: Vec<Moves>,
    /// Per delivery: whose tour it is in.
    pub(super) rider_of: Vec<Option<u32>>,
    /// Sum over tours and deliveries without one.
    pub(super) cost: f64,
    pub(super) n_looks: u64,
    unplanned: f64,
    scratch: Vec<Stop>,
    /// Tours as they were before each change since [`Tours::mark`].
    undo: Vec<(u32, Tour)>,
}

impl<'a, T: TravelTimes> Tours<'a, T> {
    /// The tours of the snapshot, as far as they are still possible.
    pub(super) fn new(timeline: Timeline<'a, T>) -> Self {
        let snapshot = timeline.snapshot;
        let n_riders = snapshot.riders.len() as u32;
        let moves: Vec<Moves> = (0..n_riders).map(|rider| timeline.moves(rider)).collect();
        let mut bound = vec![(0, 0); snapshot.riders.len()];
        for (i, it) in snapshot.deliveries.iter().enumerate() {
            match it.stage {
                Stage::Movable => {}
                Stage::OnBoard(rider) => bound[rider as usize].0 += it.load,
                Stage::Committed(rider) => {
                    bound[rider as usize].1 += u32::from(timeline.is_bound_here[i]);
                }
            }
        }
        let empty = |(rider, (load, bound_here)): (usize, (u32, u32))| {
            let start = timeline.start(rider as u32, load, bound_here);
            Tour { stops: Vec::new(), progress: vec![start], cost: 0.0 }
        };
        let unplanned = snapshot.weights.unplanned * MINUTE_MS as f64;
        let n_deliveries = snapshot.deliveries.len();
        let mut tours = Self {
            timeline,
            tours: bound.into_iter().enumerate().map(empty).collect(),
            moves,
            rider_of: vec![None; n_deliveries],
            cost: unplanned * n_deliveries as f64,
            n_looks: 0,
            unplanned,
            scratch: Vec::new(),
            undo: Vec::new(),
        };
        tours.take_over_routes();
        tours
    }

    /// Starts from last cycle's stops; whatever is bound to a rider is in his tour afterwards.
    fn take_over_routes(&mut self) {
        let snapshot = self.timeline.snapshot;
        let mut is_bound_to = vec![Vec::new(); snapshot.riders.len()];
        for (i, it) in snapshot.deliveries.iter().enumerate() {
            if let Some(rider) = it.stage.rider() {
                is_bound_to[rider as usize].push(i as u32);
            }
        }
        for (rider, bound) in (0_u32..).zip(is_bound_to) {
            let stops = self.valid_stops(rider, &bound);
            if self.set_stops(rider, stops) {
                continue;
            }
            let fixed = self.fixed_stops(rider, &bound);
            self.set_stops(rider, fixed);
        }
    }

    /// Last cycle's stops without those that are made, given away or half.
    fn valid_stops(&self, rider: u32, bound: &[u32]) -> Vec<Stop> {
        let snapshot = self.timeline.snapshot;
        let given = &snapshot.riders[rider as usize].stops;
        let is_mine = |delivery: u32| {
            let Some(it) = snapshot.deliveries.get(delivery as usize) else { return false };
            let has_both =
                given.contains(&Stop::Pickup(delivery)) && given.contains(&Stop::DropOff(delivery));
            match it.stage {
                Stage::Movable => {
                    has_both
                        && self.rider_of[delivery as usize].is_none()
                        && self.timeline.is_suitable(rider, it)
                }
                Stage::Committed(_) | Stage::OnBoard(_) => it.stage.rider() == Some(rider),
            }
        };
        let is_on_board = |delivery: u32| {
            matches!(snapshot.deliveries[delivery as usize].stage, Stage::OnBoard(_))
        };
        let mut stops: Vec<Stop> =
            given.iter().copied().filter(|stop| is_mine(stop.delivery())).collect();
        stops.retain(|stop| !matches!(stop, Stop::Pickup(it) if is_on_board(*it)));
        for delivery in bound {
            let (pickup, drop_off) = (Stop::Pickup(*delivery), Stop::DropOff(*delivery));
            let is_whole =
                stops.contains(&drop_off) && (is_on_board(*delivery) || stops.contains(&pickup));
            if !is_whole {
                stops.retain(|stop| stop.delivery() != *delivery);
                if !is_on_board(*delivery) {
                    stops.push(pickup);
                }
                stops.push(drop_off);
            }
        }
        stops
    }

    /// A sequence of what is bound to a rider that no rule forbids.
    fn fixed_stops(&self, rider: u32, bound: &[u32]) -> Vec<Stop> {
        let snapshot = self.timeline.snapshot;
        let visit = snapshot.riders[rider as usize].visit.map(|visit| visit.store);
        let stage = |it: u32| snapshot.deliveries[it as usize].stage;
        let is_here = |it: u32| Some(snapshot.deliveries[it as usize].store) == visit;
        let committed = |it: &&u32| matches!(stage(**it), Stage::Committed(_));
        let (here, later): (Vec<u32>, Vec<u32>) =
            bound.iter().filter(committed).partition(|it| is_here(**it));
        let on_board = bound.iter().filter(|it| matches!(stage(**it), Stage::OnBoard(_)));
        let mut stops: Vec<Stop> = here.iter().map(|it| Stop::Pickup(*it)).collect();
        stops.extend(on_board.chain(&here).map(|it| Stop::DropOff(*it)));
        stops.extend(later.iter().flat_map(|it| [Stop::Pickup(*it), Stop::DropOff(*it)]));
        stops
    }

    /// The delivery itself.
    pub(super) fn delivery(&self, delivery: u32) -> &'a Delivery {
        self.timeline.delivery(delivery)
    }

    /// Gives a rider other stops; false, and nothing changes, if a rule forbids them.
    pub(super) fn set_stops(&mut self, rider: u32, stops: Vec<Stop>) -> bool {
        let moves = self.moves[rider as usize];
        let tour = &self.tours[rider as usize];
        let mut progress = Vec::with_capacity(stops.len() + 1);
        let mut at = tour.progress[0];
        progress.push(at);
        for stop in &stops {
            let Some(next) = self.timeline.step(&moves, at, *stop) else { return false };
            at = next;
            progress.push(at);
        }
        let cost = self.timeline.total(&moves, &at);
        self.replace(rider, Tour { stops, progress, cost });
        true
    }

    /// Remembers this moment for [`Tours::undo`].
    pub(super) fn mark(&mut self) {
        self.undo.clear();
    }

    /// Goes back to the last mark.
    pub(super) fn undo(&mut self) {
        while let Some((rider, tour)) = self.undo.pop() {
            self.swap_in(rider, tour);
        }
    }

    /// Puts a whole tour in the place of another.
    fn replace(&mut self, rider: u32, tour: Tour) {
        let old = self.swap_in(rider, tour);
        self.undo.push((rider, old));
    }

    /// Changes a tour and keeps the books; returns the old one.
    fn swap_in(&mut self, rider: u32, tour: Tour) -> Tour {
        let old = std::mem::replace(&mut self.tours[rider as usize], tour);
        let tour = &self.tours[rider as usize];
        self.cost += tour.cost - old.cost;
        for stop in &old.stops {
            if let Stop::DropOff(delivery) = *stop {
                self.rider_of[delivery as usize] = None;
                self.cost += self.unplanned;
            }
        }
        for stop in &self.tours[rider as usize].stops {
            if let Stop::DropOff(delivery) = *stop {
                self.rider_of[delivery as usize] = Some(rider);
                self.cost -= self.unplanned;
            }
        }
        old
    }

    /// Takes deliveries out of a rider's tour; the rest keeps its sequence.
    pub(super) fn remove(&mut self, rider: u32, is_out: impl Fn(u32) -> bool) {
        let kept = self.tours[rider as usize].stops.iter();
        let kept: Vec<Stop> = kept.copied().filter(|stop| !is_out(stop.delivery())).collect();
        // Fewer stops never break a rule that more stops kept.
        self.set_stops(rider, kept);
    }

    /// Puts a delivery into a tour at a place that [`Tours::best_insertion`] found.
    pub(super) fn insert(&mut self, rider: u32, delivery: u32, place: Insertion) {
        let mut stops = self.tours[rider as usize].stops.clone();
        stops.insert(place.drop_at, Stop::DropOff(delivery));
        if !matches!(self.delivery(delivery).stage, Stage::OnBoard(_)) {
            stops.insert(place.pickup_at, Stop::Pickup(delivery));
        }
        self.set_stops(rider, stops);
    }

    /// What a delivery costs that is planned for nobody.
    pub(super) const fn cost_unplanned(&self) -> f64 {
        self.unplanned
    }

    /// The cheapest place for a delivery in a rider's tour, if it adds less than `limit`.
    pub(super) fn best_insertion(
        &mut self,
        rider: u32,
        delivery: u32,
        limit: f64,
    ) -> Option<Insertion> {
        self.n_looks += 1;
        let moves = self.moves[rider as usize];
        let it = self.delivery(delivery);
        let is_on_board = matches!(it.stage, Stage::OnBoard(_));
        let tour = &self.tours[rider as usize];
        let mut search = Search {
            timeline: self.timeline,
            moves,
            stops: &tour.stops,
            drop_off: Stop::DropOff(delivery),
            limit: tour.cost + limit.min(self.unplanned),
            best: None,
        };
        for pickup_at in 0..=tour.stops.len() {
            let at = tour.progress[pickup_at];
            if at.cost >= search.limit {
                break;
            }
            if is_on_board {
                search.try_drop(at, pickup_at, pickup_at);
            } else if let Some(at) = self.timeline.step(&moves, at, Stop::Pickup(delivery)) {
                search.try_drops(at, pickup_at);
            }
        }
        let best = search.best?;
        Some(Insertion { added: best.added - tour.cost, ..best })
    }

    /// What a delivery that is in a tour costs there: the tour with it minus the tour without.
    pub(super) fn share(&mut self, rider: u32, delivery: u32) -> f64 {
        let moves = self.moves[rider as usize];
        let tour = &self.tours[rider as usize];
        let mut kept = std::mem::take(&mut self.scratch);
        kept.clear();
        kept.extend(tour.stops.iter().filter(|stop| stop.delivery() != delivery));
        let mut at = Some(tour.progress[0]);
        for stop in &kept {
            at = at.and_then(|at| self.timeline.step(&moves, at, *stop));
        }
        self.scratch = kept;
        at.map_or(0.0, |end| tour.cost - self.timeline.total(&moves, &end))
    }
}

/// The loop over places for the drop-off.
struct Search<'s, 'a, T> {
    timeline: Timeline<'a, T>,
    moves: Moves,
    stops: &'s [Stop],
    drop_off: Stop,
    limit: f64,
    best: Option<Insertion>,
}

impl<T: TravelTimes> Search<'_, '_, T> {
    fn try_drops(&mut self, picked: Progress, pickup_at: usize) {
        let mut at = picked;
        for drop_at in pickup_at..=self.stops.len() {
            if at.cost >= self.limit {
                return;
            }
            self.try_drop(at, pickup_at, drop_at);
            let Some(next) = self.stops.get(drop_at) else { return };
            let Some(next) = self.timeline.step(&self.moves, at, *next) else { return };
            at = next;
        }
    }

    fn try_drop(&mut self, at: Progress, pickup_at: usize, drop_at: usize) {
        let Some(mut at) = self.timeline.step(&self.moves, at, self.drop_off) else { return };
        for stop in &self.stops[drop_at..] {
            if at.cost >= self.limit {
                return;
            }
            let Some(next) = self.timeline.step(&self.moves, at, *stop) else { return };
            at = next;
        }
        let total = self.timeline.total(&self.moves, &at);
        if total < self.limit {
            self.limit = total;
            self.best = Some(Insertion { added: total, pickup_at, drop_at });
        }
    }
}
