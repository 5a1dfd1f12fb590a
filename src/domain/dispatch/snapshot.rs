//! What a dispatcher knows at one moment: riders, deliveries, and the rules.
//!
//! Riders and deliveries are named by their index here, so that the search never handles a real id; the
//! caller keeps the two lists of ids. All times are milliseconds on the caller's clock.

use super::weights::Weights;
use crate::{
    text_enum::text_enum,
    travel::{Spot, Vehicle},
};

text_enum! {
    /// What a route may look like.
    pub enum Rules {
        /// One store per trip; nobody is sent elsewhere while he drives or carries food.
        Strict => "strict",
        /// Several stores on a route; a route may change at every stop.
        Own => "own",
    }
}

/// Time spent at stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// From arriving at a store until the first order can be taken.
    pub before_pickup_ms: i64,
    /// From taking the last order until leaving the store.
    pub after_pickup_ms: i64,
    /// From arriving at a drop-off until the order is handed over.
    pub before_drop_ms: i64,
    /// From handing over until leaving.
    pub after_drop_ms: i64,
}

/// All that a policy looks at.
#[derive(Clone, Debug)]
pub struct Snapshot<T> {
    /// What routes may look like.
    pub rules: Rules,
    /// Time spent at stops.
    pub service: Service,
    /// What is minimised.
    pub weights: Weights,
    /// How long before a rider has to act he must be asked; zero if he obeys at once.
    pub lead_ms: i64,
    /// How hard to search: rounds of ruin and recreate in one call of the batch policy.
    pub rounds: u32,
    /// The order of stops that a rider is bound to changes if that gains so many minutes; `None` for never.
    pub reroute_gain: Option<f64>,
    /// Riders on duty, and those whose shift starts later.
    pub riders: Vec<Rider>,
    /// Deliveries that are known and not yet handed over.
    pub deliveries: Vec<Delivery>,
    /// Where the next orders are expected; empty if nothing is known.
    pub demand: Vec<Demand>,
    /// How long legs take.
    pub travel: T,
}

/// A place from which orders are expected, usually a store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Where.
    pub at: Spot,
    /// How many of the next orders come from here, relative to the other places.
    pub share: f64,
}

/// One rider.
#[derive(Clone, Debug, PartialEq)]
pub struct Rider {
    /// What he moves with.
    pub vehicle: Vehicle,
    /// Longest straight line from store to drop-off that he takes, in metres ([`Vehicle::reach_m`]).
    pub reach_m: f64,
    /// Highest load.
    pub capacity: u32,
    /// Where his free decisions start: his place, or the stop he is heading for.
    pub at: Spot,
    /// When he can leave `at`; a time in the past means now.
    pub free_at: i64,
    /// The visit to a store that goes on at `at`, or that he is heading for. The committed deliveries for
    /// which he set out must lead `stops`.
    pub visit: Option<Visit>,
    /// Nothing may be picked up later; `None` without a known end.
    pub shift_ends_at: Option<i64>,
    /// Minutes of waiting that a customer would bear rather than have this rider, for each delivery: declined
    /// or lapsed offers, more work than the others today. Zero for most.
    pub handicap: f64,
    /// The stops still to make, as planned in the last cycle. Those of movable deliveries may change.
    pub stops: Vec<Stop>,
}

/// A visit to a store that is going on or bound to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Which store, as numbered in [`Delivery::store`].
    pub store: u32,
    /// Nothing can be taken earlier: the arrival and the service before.
    pub pickup_from: i64,
}

/// One stop, by the index of its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stop {
    /// Collect at the store.
    Pickup(u32),
    /// Hand over to the customer.
    DropOff(u32),
}

impl Stop {
    /// The delivery that the stop is for.
    pub const fn delivery(self) -> u32 {
        match self {
            Self::Pickup(delivery) | Self::DropOff(delivery) => delivery,
        }
    }
}

/// One delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Which store; pickups at one store in a row are one visit.
    pub store: u32,
    /// Where the store is.
    pub pickup: Spot,
    /// Where the customer is.
    pub drop_off: Spot,
    /// When the order was placed.
    pub placed_at: i64,
    /// When it can be picked up.
    pub ready_at: i64,
    /// When it was promised.
    pub promised_at: i64,
    /// When it must be there at the very latest.
    pub limit_at: i64,
    /// How much of a rider's capacity it takes.
    pub load: u32,
    /// How far it is.
    pub stage: Stage,
    /// Riders who must not get it: they declined, or let an offer lapse.
    pub excluded: Vec<u32>,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody is bound to it: it may be planned for anybody and moved again.
    Movable,
    /// It is this rider's: an offer is out, accepted, or he is on his way. Its stops may only change places.
    Committed(u32),
    /// This rider carries it.
    OnBoard(u32),
}

impl Stage {
    /// The rider it is bound to.
    pub const fn rider(self) -> Option<u32> {
        match self {
            Self::Movable => None,
            Self::Committed(rider) | Self::OnBoard(rider) => Some(rider),
        }
    }
}
