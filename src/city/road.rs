//! A rider's way through the city: where he is, what he must do next, and when.
//!
//! Plain structs without runtime: time passes by [`Road::ride`], news come in, tasks come out.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use domain::geo::Place;
use serde::Deserialize;

/// Closer than this is there, in metres.
const THERE_M: f64 = 1.0;
/// Two stops closer than this are one visit, in metres.
const SAME_PLACE_M: f64 = 15.0;

/// A stop of a route, as pushes tell it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Stop {
    /// Which order.
    pub order: String,
    /// `pickup` or `dropoff`.
    pub stop: String,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
}

/// How a rider moves and works.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Manner {
    /// Metres per second of the server's clock.
    pub speed_m_per_s: f64,
    /// Along a grid of streets instead of straight.
    pub by_streets: bool,
    /// Time at a store before and after the pickups.
    pub at_store: (Duration, Duration),
    /// Time at a door before and after the hand-over.
    pub at_door: (Duration, Duration),
}

/// What a rider must tell the server.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// `stop.arrive`.
    Arrive(Stop),
    /// `stop.done`.
    Finish(Stop),
}

/// See the file's head.
#[derive(Debug)]
pub struct Road {
    manner: Manner,
    at: Place,
    heading: f64,
    stops: VecDeque<Stop>,
    /// Stops that are behind us; a route that was planned before may still name them.
    done: HashSet<(String, String)>,
    /// Orders that the store has handed or can hand out.
    ready: HashSet<String>,
    /// Whether the arrival at the first stop was told, and when the work there began.
    arrived: Option<(Stop, i64)>,
    /// Where the work at the present place began.
    visit: Option<(Place, i64)>,
    /// Not before then does the rider move on.
    leave_at: i64,
    /// Corners on the way to the first stop.
    way: VecDeque<Place>,
    way_to: Option<Place>,
}

impl Stop {
    fn place(&self) -> Option<Place> {
        Place::new(self.lat, self.lng).ok()
    }

    fn key(&self) -> (String, String) {
        (self.order.clone(), self.stop.clone())
    }

    fn is_pickup(&self) -> bool {
        self.stop == "pickup"
    }
}

impl Road {
    /// Stands somewhere with nothing to do.
    pub fn new(at: Place, manner: Manner) -> Self {
        Self {
            manner,
            at,
            heading: 0.0,
            stops: VecDeque::new(),
            done: HashSet::new(),
            ready: HashSet::new(),
            arrived: None,
            visit: None,
            leave_at: 0,
            way: VecDeque::new(),
            way_to: None,
        }
    }

    /// Where the rider is.
    pub const fn at(&self) -> Place {
        self.at
    }

    /// Where he is heading to, in degrees from north.
    pub const fn heading(&self) -> f64 {
        self.heading
    }

    /// How far a stop that is still to be done is from here, in metres.
    pub fn metres_to_stop(&self, order: &str, stop: &str) -> Option<f64> {
        let found = self.stops.iter().find(|it| it.order == order && it.stop == stop)?;
        Some(self.at.metres_to(found.place()?))
    }

    /// Whether there is nothing to do.
    pub fn is_free(&self) -> bool {
        self.stops.is_empty()
    }

    /// The orders on the route, each once.
    pub fn orders(&self) -> HashSet<&str> {
        self.stops.iter().map(|it| it.order.as_str()).collect()
    }

    /// An order on the route that is not fetched yet.
    pub fn not_fetched(&self) -> Option<&str> {
        self.stops.iter().find(|it| it.is_pickup()).map(|it| it.order.as_str())
    }

    /// A new plan. Stops that are done already are left out.
    pub fn plan(&mut self, stops: impl IntoIterator<Item = Stop>) {
        self.stops = stops.into_iter().filter(|it| !self.done.contains(&it.key())).collect();
    }

    /// The store can hand an order out.
    pub fn is_ready(&mut self, order: &str) {
        self.ready.insert(order.to_owned());
    }

    /// An order is not this rider's any more. It may become his again, and is then as ready as it was.
    pub fn forget(&mut self, order: &str) {
        self.stops.retain(|it| it.order != order);
    }

    /// An order is over for everybody.
    pub fn is_over(&mut self, order: &str) {
        self.forget(order);
        self.ready.remove(order);
    }

    /// A stop is done: the server has said so.
    pub fn finished(&mut self, stop: &Stop, now: i64) {
        self.done.insert(stop.key());
        self.stops.retain(|it| it.key() != stop.key());
        self.arrived = None;
        let (_, after) = self.service(stop);
        self.leave_at = self.leave_at.max(now + after);
    }

    fn service(&self, stop: &Stop) -> (i64, i64) {
        let (before, after) =
            if stop.is_pickup() { self.manner.at_store } else { self.manner.at_door };
        let ms = |it: Duration| i64::try_from(it.as_millis()).unwrap_or(i64::MAX);
        (ms(before), ms(after))
    }

    /// Time passes from `before` to `now`; answers what to tell the server.
    pub fn ride(&mut self, before: i64, now: i64) -> Option<Task> {
        let stop = self.stops.front()?.clone();
        let place = stop.place()?;
        if self.at.metres_to(place) > THERE_M {
            self.arrived = None;
            let free_from = before.max(self.leave_at);
            self.move_towards(place, now - free_from);
            if self.at.metres_to(place) > THERE_M {
                return None;
            }
        }
        match &self.arrived {
            Some((told, began)) if *told == stop => {
                let may_finish = *began + self.service(&stop).0 <= now
                    && (!stop.is_pickup() || self.ready.contains(&stop.order));
                may_finish.then_some(Task::Finish(stop))
            }
            _ => {
                self.arrived = Some((stop.clone(), self.begin_visit(place, now)));
                Some(Task::Arrive(stop))
            }
        }
    }

    /// When the work at this place began: several pickups at one store are one visit.
    fn begin_visit(&mut self, place: Place, now: i64) -> i64 {
        match self.visit {
            Some((at, began)) if at.metres_to(place) < SAME_PLACE_M => began,
            _ => {
                self.visit = Some((place, now));
                now
            }
        }
    }

    fn move_towards(&mut self, goal: Place, span_ms: i64) {
        if span_ms <= 0 {
            return;
        }
        if self.way_to != Some(goal) {
            self.way_to = Some(goal);
            self.way = self.way_to_goal(goal);
        }
        let mut metres = self.manner.speed_m_per_s * span_ms as f64 / 1_000.0;
        while let Some(corner) = self.way.front().copied() {
            let [east, north] = corner.flat_from(self.at);
            let left = east.hypot(north);
            if left > THERE_M / 2.0 {
                self.heading = east.atan2(north).to_degrees().rem_euclid(360.0);
            }
            if left > metres {
                self.at = self.at.offset(east * metres / left, north * metres / left);
                break;
            }
            metres -= left;
            self.at = corner;
            self.way.pop_front();
        }
        if self.visit.is_some_and(|(at, _)| at.metres_to(self.at) >= SAME_PLACE_M) {
            self.visit = None;
        }
    }

    /// Straight, or along streets that run north and east: in steps, as one rides through blocks.
    fn way_to_goal(&self, goal: Place) -> VecDeque<Place> {
        if !self.manner.by_streets {
            return VecDeque::from([goal]);
        }
        let [east, north] = goal.flat_from(self.at);
        let n_blocks = (east.abs().min(north.abs()) / 400.0).ceil().clamp(1.0, 12.0);
        let mut way = VecDeque::new();
        for block in 1..=n_blocks as i32 {
            let (now, before) = (f64::from(block) / n_blocks, f64::from(block - 1) / n_blocks);
            way.push_back(self.at.offset(east * now, north * before));
            way.push_back(self.at.offset(east * now, north * now));
        }
        way.pop_back();
        way.push_back(goal);
        way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn manner(by_streets: bool) -> Manner {
        let pause = Duration::from_secs(60);
        Manner { speed_m_per_s: 5.0, by_streets, at_store: (pause, pause), at_door: (pause, pause) }
    }

    fn centre() -> Place {
        Place::new(31.2, 121.465).unwrap()
    }

    fn stop(order: &str, kind: &str, at: Place) -> Stop {
        Stop { order: order.to_owned(), stop: kind.to_owned(), lat: at.lat(), lng: at.lng() }
    }

    /// Lives on until there is a task, and answers it with the minute.
    fn next_task(road: &mut Road, from: i64) -> (Task, i64) {
        for now in (from + 1_000..).step_by(1_000).take(100_000) {
            if let Some(task) = road.ride(now - 1_000, now) {
                return (task, now);
            }
        }
        panic!("nothing to do");
    }

    #[test]
    fn a_stop_is_reached_at_the_riders_speed_and_takes_its_time() {
        let shop = centre().offset(600.0, 0.0);
        let mut road = Road::new(centre(), manner(false));
        let pickup = stop("o1", "pickup", shop);
        road.plan([pickup.clone()]);
        let (task, at) = next_task(&mut road, 0);
        assert_eq!(task, Task::Arrive(pickup.clone()));
        assert!((120_000..=121_000).contains(&at), "600 m at 5 m/s in {at} ms");
        assert_eq!(road.ride(at, at + 10 * MINUTE), None, "the kitchen is not done");
        road.is_ready("o1");
        let (task, done) = next_task(&mut road, at);
        assert_eq!(task, Task::Finish(pickup.clone()));
        assert!(done >= at + MINUTE, "a minute at the store");
        road.finished(&pickup, done);
        assert!(road.is_free());
        road.plan([pickup]);
        assert!(road.is_free(), "what is done stays done");
    }

    #[test]
    fn two_pickups_at_one_store_are_one_visit() {
        let mut road = Road::new(centre(), manner(false));
        let (one, two) = (stop("o1", "pickup", centre()), stop("o2", "pickup", centre()));
        road.plan([one.clone(), two.clone()]);
        road.is_ready("o1");
        road.is_ready("o2");
        assert_eq!(next_task(&mut road, 0).0, Task::Arrive(one.clone()));
        let (task, first) = next_task(&mut road, 1_000);
        assert_eq!(task, Task::Finish(one.clone()));
        road.finished(&one, first);
        let (task, at) = next_task(&mut road, first);
        assert_eq!(task, Task::Arrive(two.clone()));
        let (task, second) = next_task(&mut road, at);
        assert_eq!(task, Task::Finish(two));
        assert!(second <= first + 2_000, "no second minute for the second bag");
    }

    #[test]
    fn streets_are_longer_than_the_straight_line_and_nobody_jumps() {
        let goal = centre().offset(1_500.0, 900.0);
        let mut road = Road::new(centre(), manner(true));
        road.plan([stop("o1", "dropoff", goal)]);
        let mut before = road.at();
        let mut now = 0;
        while road.ride(now, now + 1_000).is_none() {
            assert!(before.metres_to(road.at()) <= 5.1, "faster than the vehicle");
            before = road.at();
            now += 1_000;
        }
        assert!((475_000..490_000).contains(&now), "2400 m of street at 5 m/s took {now} ms");
        assert!(road.at().metres_to(goal) < 1.0);
    }
}
