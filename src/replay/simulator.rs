//! A recorded day in virtual time: the world moves minute by minute and asks the real policy what to do.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use domain::{
    dispatch::{
        self, Policy,
        decision::Outcome,
        snapshot::{Delivery, Demand, Rider, Rules, Service, Snapshot, Stage, Stop, Visit},
        weights::{MINUTE_MS, Weights},
    },
    travel::{Spot, Stepped, Vehicle},
};

use super::{
    instance::Instance,
    log::{Event, Happening},
};

/// How to play the day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Play {
    /// How riders are chosen.
    pub policy: Policy,
    /// What routes may look like.
    pub rules: Rules,
    /// Orders that a rider carries at once; `None` under rules without a limit.
    pub capacity: Option<u32>,
    /// What is minimised.
    pub weights: Weights,
    /// Rounds of search in each cycle.
    pub rounds: u32,
}

/// What a day was like.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Played {
    /// Everything that happened, not sorted.
    pub events: Vec<Event>,
    /// Deliveries given to riders.
    pub n_decisions: usize,
    /// Calls of the policy.
    pub n_cycles: usize,
    /// Time spent in the policy.
    pub deciding: Duration,
    /// The longest single call.
    pub slowest_cycle: Duration,
}

/// How far an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OrderState {
    Unknown,
    Waiting,
    Assigned(usize),
    OnBoard(usize),
    /// Delivered, or on the last leg to the customer, which nothing changes any more.
    Done,
}

/// Where a rider is bound for or stands; times in milliseconds.
#[derive(Debug, Clone)]
struct RiderState {
    at: [f64; 2],
    free_at: i64,
    visit: Option<Visit>,
    stops: Vec<RiderStop>,
}

/// A planned stop by the index of its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RiderStop {
    Pickup(usize),
    DropOff(usize),
}

/// The world.
struct World<'a> {
    instance: &'a Instance,
    play: Play,
    travel: Stepped,
    service: Service,
    orders: Vec<OrderState>,
    riders: Vec<RiderState>,
    played: Played,
    n_known: usize,
    n_open: usize,
}

/// Plays a whole day.
pub fn play(instance: &Instance, play: Play) -> Played {
    let mut world = World::new(instance, play);
    let first = instance.orders.first().map_or(0, |it| it.placed);
    let last_shift = instance.riders.iter().map(|it| it.off).max().unwrap_or(first);
    let last_order = instance.orders.iter().map(|it| it.placed.max(it.ready)).max();
    let mut minute = first;
    // After the last shift nothing is picked up; what is on board is brought home at once.
    let end = last_shift.max(last_order.unwrap_or(first)) + 24 * 60;
    while minute <= end && (world.n_known < instance.orders.len() || world.n_open > 0) {
        world.tick(minute);
        if minute > last_shift && !world.is_anybody_loaded() {
            break;
        }
        minute += 1;
    }
    world.played
}

impl<'a> World<'a> {
    fn new(instance: &'a Instance, play: Play) -> Self {
        let parameters = &instance.parameters;
        let halves = |minutes: i64| {
            let before = minutes * MINUTE_MS / 2;
            (before, minutes * MINUTE_MS - before)
        };
        let (before_pickup_ms, after_pickup_ms) = halves(parameters.pickup_service);
        let (before_drop_ms, after_drop_ms) = halves(parameters.drop_service);
        let rider = |it: &super::instance::Rider| RiderState {
            at: it.at,
            free_at: it.on * MINUTE_MS,
            visit: None,
            stops: Vec::new(),
        };
        Self {
            instance,
            play,
            travel: Stepped { metres_per_step: parameters.metres_per_minute, step: MINUTE_MS },
            service: Service { before_pickup_ms, after_pickup_ms, before_drop_ms, after_drop_ms },
            orders: vec![OrderState::Unknown; instance.orders.len()],
            riders: instance.riders.iter().map(rider).collect(),
            played: Played::default(),
            n_known: 0,
            n_open: 0,
        }
    }

    fn is_anybody_loaded(&self) -> bool {
        let is_bound =
            |it: &OrderState| matches!(it, OrderState::OnBoard(_) | OrderState::Assigned(_));
        self.orders.iter().any(is_bound)
    }

    /// One minute: new orders, a decision, and what riders do.
    fn tick(&mut self, minute: i64) {
        while let Some(order) = self.instance.orders.get(self.n_known)
            && order.placed <= minute
        {
            self.orders[self.n_known] = OrderState::Waiting;
            self.n_known += 1;
            self.n_open += 1;
        }
        if self.n_open == 0 {
            return;
        }
        let now = minute * MINUTE_MS;
        let leave_at = self.decide(now);
        for rider in 0..self.riders.len() {
            self.take_orders(rider, now);
            self.set_out(rider, leave_at.get(&rider).copied(), now);
        }
    }

    /// Asks the policy and writes down what it says; returns when riders leave for a store.
    fn decide(&mut self, now: i64) -> HashMap<usize, i64> {
        let (snapshot, orders, riders) = self.snapshot(now);
        let started = Instant::now();
        let outcome = dispatch::plan(self.play.policy, &snapshot, now);
        let took = started.elapsed();
        self.played.n_cycles += 1;
        self.played.deciding += took;
        self.played.slowest_cycle = self.played.slowest_cycle.max(took);
        self.follow(&outcome, &orders, &riders, now)
    }

    fn follow(
        &mut self,
        outcome: &Outcome,
        orders: &[usize],
        riders: &[usize],
        now: i64,
    ) -> HashMap<usize, i64> {
        for decision in &outcome.decisions {
            let order = orders[decision.delivery as usize];
            let rider = riders[decision.rider as usize];
            self.orders[order] = OrderState::Assigned(rider);
            self.happen(now, rider, order, Happening::Assigned);
            self.played.n_decisions += 1;
        }
        let mut leave_at = HashMap::new();
        for (rider, route) in riders.iter().zip(&outcome.routes) {
            let stop = |stop: &Stop| match *stop {
                Stop::Pickup(delivery) => RiderStop::Pickup(orders[delivery as usize]),
                Stop::DropOff(delivery) => RiderStop::DropOff(orders[delivery as usize]),
            };
            self.riders[*rider].stops = route.stops.iter().map(stop).collect();
            if let Some(at) = route.leave_at {
                leave_at.insert(*rider, at);
            }
        }
        leave_at
    }

    /// The world as the policy sees it, and which orders and riders its indices mean.
    fn snapshot(&self, now: i64) -> (Snapshot<Stepped>, Vec<usize>, Vec<usize>) {
        let is_open =
            |it: &usize| !matches!(self.orders[*it], OrderState::Unknown | OrderState::Done);
        let orders: Vec<usize> = (0..self.n_known).filter(is_open).collect();
        let is_loaded =
            |rider: usize| self.riders[rider].stops.iter().any(|stop| self.is_bound(*stop, rider));
        let is_useful =
            |it: &usize| self.instance.riders[*it].off * MINUTE_MS >= now || is_loaded(*it);
        let riders: Vec<usize> = (0..self.riders.len()).filter(is_useful).collect();
        let order_index: HashMap<usize, u32> = orders.iter().copied().zip(0..).collect();
        let rider_index: HashMap<usize, u32> = riders.iter().copied().zip(0..).collect();
        let snapshot = Snapshot {
            rules: self.play.rules,
            service: self.service,
            weights: self.play.weights,
            lead_ms: 0,
            reroute_gain: None,
            rounds: self.play.rounds,
            riders: riders.iter().map(|it| self.rider(*it, &order_index)).collect(),
            deliveries: orders.iter().map(|it| self.delivery(*it, &rider_index)).collect(),
            demand: self.demand(),
            travel: self.travel,
        };
        (snapshot, orders, riders)
    }

    /// Stores by the orders they had so far.
    fn demand(&self) -> Vec<Demand> {
        let mut shares = vec![0.5; self.instance.stores.len()];
        for order in &self.instance.orders[..self.n_known] {
            shares[order.store] += 1.0;
        }
        let stores = self.instance.stores.iter().zip(shares);
        stores.map(|(it, share)| Demand { at: Spot { index: 0, at: it.at }, share }).collect()
    }

    fn is_bound(&self, stop: RiderStop, rider: usize) -> bool {
        let (RiderStop::Pickup(order) | RiderStop::DropOff(order)) = stop;
        match self.orders[order] {
            OrderState::Assigned(it) | OrderState::OnBoard(it) => it == rider,
            OrderState::Unknown | OrderState::Waiting | OrderState::Done => false,
        }
    }

    fn rider(&self, rider: usize, order_index: &HashMap<usize, u32>) -> Rider {
        let state = &self.riders[rider];
        let stop = |stop: &RiderStop| match *stop {
            RiderStop::Pickup(order) => order_index.get(&order).map(|it| Stop::Pickup(*it)),
            RiderStop::DropOff(order) => order_index.get(&order).map(|it| Stop::DropOff(*it)),
        };
        Rider {
            vehicle: Vehicle::Car,
            reach_m: f64::INFINITY,
            capacity: self.play.capacity.unwrap_or(u32::MAX),
            at: Spot { index: 0, at: state.at },
            free_at: state.free_at,
            visit: state.visit,
            shift_ends_at: Some(self.instance.riders[rider].off * MINUTE_MS),
            handicap: 0.0,
            stops: state.stops.iter().filter_map(stop).collect(),
        }
    }

    fn delivery(&self, order: usize, rider_index: &HashMap<usize, u32>) -> Delivery {
        let it = &self.instance.orders[order];
        let parameters = &self.instance.parameters;
        let spot = |at| Spot { index: 0, at };
        let stage = match self.orders[order] {
            OrderState::Assigned(rider) => Stage::Committed(rider_index[&rider]),
            OrderState::OnBoard(rider) => Stage::OnBoard(rider_index[&rider]),
            OrderState::Unknown | OrderState::Waiting | OrderState::Done => Stage::Movable,
        };
        Delivery {
            store: it.store as u32,
            pickup: spot(self.instance.stores[it.store].at),
            drop_off: spot(it.at),
            placed_at: it.placed * MINUTE_MS,
            ready_at: it.ready * MINUTE_MS,
            promised_at: (it.placed + parameters.target) * MINUTE_MS,
            limit_at: (it.placed + parameters.limit) * MINUTE_MS,
            load: 1,
            stage,
            excluded: Vec::new(),
        }
    }

    /// A rider at a store takes what is ready and his.
    fn take_orders(&mut self, rider: usize, now: i64) {
        let Some(visit) = self.riders[rider].visit else { return };
        for order in self.first_visit(rider) {
            let it = &self.instance.orders[order];
            let from = visit.pickup_from.max(it.ready * MINUTE_MS);
            let is_here = visit.store as usize == it.store;
            if !is_here || from > now || self.orders[order] != OrderState::Assigned(rider) {
                continue;
            }
            let state = &mut self.riders[rider];
            state.stops.retain(|stop| *stop != RiderStop::Pickup(order));
            state.free_at = state.free_at.max(now + self.service.after_pickup_ms);
            self.orders[order] = OrderState::OnBoard(rider);
            self.happen(now, rider, order, Happening::PickedUp);
        }
    }

    /// The orders that a rider collects at one store before he does anything else.
    fn first_visit(&self, rider: usize) -> Vec<usize> {
        let mut orders: Vec<usize> = Vec::new();
        for stop in &self.riders[rider].stops {
            let RiderStop::Pickup(order) = *stop else { break };
            let store = |it: usize| self.instance.orders[it].store;
            if orders.first().is_some_and(|first| store(*first) != store(order)) {
                break;
            }
            orders.push(order);
        }
        orders
    }

    /// A rider who is done where he is goes on to his next stop, if it is time.
    fn set_out(&mut self, rider: usize, leave_at: Option<i64>, now: i64) {
        let state = &self.riders[rider];
        let Some(stop) = state.stops.first().copied() else { return };
        if state.free_at > now {
            return;
        }
        match stop {
            RiderStop::Pickup(order) => {
                let store = self.instance.orders[order].store;
                let is_there = state.visit.is_some_and(|visit| visit.store as usize == store);
                let visit = self.first_visit(rider);
                let is_bound =
                    visit.iter().any(|it| self.orders[*it] == OrderState::Assigned(rider));
                if is_there || !is_bound || leave_at.is_none_or(|at| at > now) {
                    return;
                }
                let arrival = now + self.ride(rider, self.instance.stores[store].at);
                let pickup_from = arrival + self.service.before_pickup_ms;
                let state = &mut self.riders[rider];
                state.at = self.instance.stores[store].at;
                state.free_at = pickup_from;
                state.visit = Some(Visit { store: store as u32, pickup_from });
            }
            RiderStop::DropOff(order) => {
                if self.orders[order] != OrderState::OnBoard(rider) {
                    return;
                }
                let to = self.instance.orders[order].at;
                let done_at = now + self.ride(rider, to) + self.service.before_drop_ms;
                let state = &mut self.riders[rider];
                state.at = to;
                state.free_at = done_at + self.service.after_drop_ms;
                state.visit = None;
                state.stops.remove(0);
                self.orders[order] = OrderState::Done;
                self.n_open -= 1;
                self.happen(done_at, rider, order, Happening::Delivered);
            }
        }
    }

    fn ride(&self, rider: usize, to: [f64; 2]) -> i64 {
        let from = Spot { index: 0, at: self.riders[rider].at };
        self.travel.for_metres(from.metres_to(Spot { index: 0, at: to }))
    }

    fn happen(&mut self, at: i64, rider: usize, order: usize, happening: Happening) {
        self.played.events.push(Event { at_ms: at, rider, order, happening });
    }
}
