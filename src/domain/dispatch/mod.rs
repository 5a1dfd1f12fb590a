//! Who delivers what: riders, deliveries and rules in, decisions out.
//!
//! [`plan`] is a pure function of a [`Snapshot`] and the time. The live dispatcher calls it every few seconds
//! and turns each decision into an offer; the replay of a recorded day calls it every minute of that day.
//! Reading order: `snapshot`, `decision`, `weights`, `scoring`, then `timeline` (the clock work of a route), `prices`, `tours`
//! (insertion), `candidates` (the R-tree), and the policies `instant` and `batch` with `commit`.

pub mod decision;
pub mod rider_index;
pub mod scoring;
pub mod snapshot;
pub mod tuning;
pub mod weights;

mod batch;
mod candidates;
mod commit;
mod instant;
mod prices;
mod regret;
mod revise;
mod timeline;
mod tours;

use decision::Outcome;
use prices::Prices;
pub use revise::{Overtaken, overtaken};
use snapshot::{Snapshot, Stage};
use timeline::Timeline;
use tours::Tours;

use crate::{text_enum::text_enum, travel::TravelTimes};

text_enum! {
    /// How riders are chosen.
    pub enum Policy {
        /// At once, the rider whose route the delivery lengthens least; final.
        Instant => "instant",
        /// Everything that nobody is bound to is planned anew; only what must start now is decided.
        Batch => "batch",
    }
}

/// Decides what has to be decided at `now`.
///
/// The same snapshot gives the same outcome. Indices in the snapshot must be valid; a rider's old stops need
/// not be: whatever no longer fits is dropped and planned anew.
pub fn plan<T: TravelTimes>(policy: Policy, snapshot: &Snapshot<T>, now: i64) -> Outcome {
    let prices = Prices::of(snapshot, now);
    let is_bound_here = timeline::bound_here(snapshot);
    let timeline = Timeline { snapshot, now, prices: &prices, is_bound_here: &is_bound_here };
    let mut tours = Tours::new(timeline);
    if let Some(gain) = snapshot.reroute_gain {
        revise::reroute(&mut tours, gain);
    }
    let decisions = match policy {
        Policy::Instant => instant::assign(&mut tours),
        Policy::Batch => {
            batch::improve(&mut tours);
            commit::due_now(&mut tours)
        }
    };
    let is_unplanned = |it: &u32| {
        tours.rider_of[*it as usize].is_none()
            && snapshot.deliveries[*it as usize].stage == Stage::Movable
    };
    let unplanned = (0..snapshot.deliveries.len() as u32).filter(is_unplanned).collect();
    Outcome { decisions, routes: commit::routes(&tours), unplanned, n_looks: tours.n_looks }
}

#[cfg(test)]
mod tests;
