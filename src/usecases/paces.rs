//! How much longer ways take than they are estimated: for planning, and for operators to see.

use domain::{
    clock::Timestamp,
    pace::{Basis, Factors, HOURS, Paces, hour_of},
    travel::Vehicle,
};
use storage::{
    error::StoreError,
    paces::{self, RegionPaces},
};

use crate::{platform::Platform, roads::RoadsState};

/// One hour of the day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HourPace {
    /// Which (UTC).
    pub hour: usize,
    /// Legs that it was learnt from; older ones count less.
    pub legs: f64,
    /// How many times the estimate a way takes.
    pub factor: f64,
}

/// One vehicle on one kind of estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct VehiclePace {
    /// What estimates came from.
    pub basis: Basis,
    /// With what riders move.
    pub vehicle: Vehicle,
    /// Legs that it was learnt from; older ones count less.
    pub legs: f64,
    /// How many times the estimate a way takes now.
    pub factor: f64,
    /// The hours in which legs began.
    pub hours: Vec<HourPace>,
}

/// What operators see of travel times in a region.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionTravel {
    /// How it goes with times on roads on this node.
    pub roads: RoadsState,
    /// What was learnt, by kind of estimate and vehicle.
    pub paces: Vec<VehiclePace>,
}

/// The factors that hold at a moment.
pub(crate) fn factors(paces: &RegionPaces, now: Timestamp) -> Factors {
    let mut factors = Factors::default();
    for ((basis, vehicle), it) in paces {
        factors.set(*basis, *vehicle, it.factor(hour_of(now)));
    }
    factors
}

/// What is known of travel times in a region.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn of_region(platform: &Platform, region: &str) -> Result<RegionTravel, StoreError> {
    let found = paces::of_region(&mut platform.reader(), region).await?;
    let now = hour_of(platform.now());
    let pace = |((basis, vehicle), it): (&(Basis, Vehicle), &Paces)| VehiclePace {
        basis: *basis,
        vehicle: *vehicle,
        legs: it.day.n,
        factor: it.factor(now),
        hours: hours(it),
    };
    Ok(RegionTravel { roads: platform.roads.state(), paces: found.iter().map(pace).collect() })
}

/// Hours in which something was learnt.
fn hours(paces: &Paces) -> Vec<HourPace> {
    let hour =
        |hour: usize| HourPace { hour, legs: paces.hours[hour].n, factor: paces.factor(hour) };
    (0..HOURS).map(hour).filter(|it| it.legs > 0.0).collect()
}
