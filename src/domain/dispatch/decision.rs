//! What a policy answers: who gets which delivery now, and everybody's route.

use super::snapshot::Stop;

/// The outcome of one cycle.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Outcome {
    /// Deliveries to be committed (offered, assigned) at once, in the order in which they were decided.
    pub decisions: Vec<Decision>,
    /// Per rider of the snapshot: his stops from now on. Give them back in the next snapshot.
    pub routes: Vec<Route>,
    /// Movable deliveries that no rider can serve as things are.
    pub unplanned: Vec<u32>,
    /// How many riders were looked at for a delivery, summed over all looks.
    pub n_looks: u64,
}

/// The planned stops of one rider.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Route {
    /// In the order of driving. Pickups of movable deliveries are intentions only.
    pub stops: Vec<Stop>,
    /// When he should set out for the first stop: late enough that no order waits for him, no earlier.
    ///
    /// `None` without a stop, or while he still takes orders at the store where he is.
    pub leave_at: Option<i64>,
}

/// One delivery goes to one rider, now.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What.
    pub delivery: u32,
    /// Who.
    pub rider: u32,
    /// Planned time at which he takes it.
    pub pickup_at: i64,
    /// Planned time at which he hands it over.
    pub drop_at: i64,
    /// Why he.
    pub why: Why,
}

/// The explanation of a decision, in minutes of one customer's waiting.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Why {
    /// Riders whose routes were tried.
    pub n_candidates: u32,
    /// What the delivery adds to the chosen rider's route.
    pub cost: f64,
    /// The best other riders and what it would add to their routes, the cheapest first; at most
    /// [`OTHERS_MAX`].
    pub others: Vec<(u32, f64)>,
}

/// Other riders that an explanation names at most.
pub const OTHERS_MAX: usize = 7;
