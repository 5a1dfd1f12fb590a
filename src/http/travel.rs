//! What is known of travel times in a region, for operators.

use actix_web::web::{Data, Query};
use serde::{Deserialize, Serialize};
use usecases::paces::{self, HourPace, RegionTravel, VehiclePace};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::Answer,
    extract::Operator,
    operations::region_of,
    problem::{Problem, ProblemView},
    state::HttpState,
};

/// Which region.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TravelQuery {
    /// The geohash that names it.
    pub region: String,
}

/// How riders' ways are reckoned in a region.
#[derive(Debug, Serialize, ToSchema)]
pub struct TravelView {
    /// The region.
    pub region: String,
    /// Times on roads: `off`, `on`, or `resting` while the routing server is left alone because it
    /// failed; ways are straight lines with a detour then. Of the node that answers.
    pub roads: &'static str,
    /// Ways on roads that this node remembers.
    pub roads_known: u64,
    /// What finished ways taught; empty before the first.
    pub learnt: Vec<PaceView>,
}

/// How much longer ways take than they are reckoned.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaceView {
    /// What is corrected: `straight` (the straight line with a detour) or `road`.
    pub basis: &'static str,
    /// `walk`, `bike`, `scooter` or `car`.
    pub vehicle: &'static str,
    /// Finished ways that it was learnt from; older ones count less. Fewer than 20 correct nothing.
    pub legs: f64,
    /// What ways are multiplied by now.
    pub factor: f64,
    /// The hours of the day in which ways began.
    pub hours: Vec<HourView>,
}

/// One hour of the day.
#[derive(Debug, Serialize, ToSchema)]
pub struct HourView {
    /// Which (UTC), 0 to 23.
    pub hour: u32,
    /// Finished ways that it was learnt from.
    pub legs: f64,
    /// What ways are multiplied by in it.
    pub factor: f64,
}

/// Shows an operator how ways are reckoned in a region, and what finished ones taught.
#[utoipa::path(get, path = "/v1/ops/travel", operation_id = "get_ops_travel", tag = "operations",
    security(("bearer" = [])), params(TravelQuery),
    responses((status = 200, body = TravelView), (status = "4XX", body = ProblemView)))]
pub async fn show(
    _: Operator,
    query: Query<TravelQuery>,
    state: Data<HttpState>,
) -> Result<Answer<TravelView>, Problem> {
    let region = region_of(query.into_inner().region)?;
    let RegionTravel { roads, paces } = paces::of_region(&state.platform, &region).await?;
    let word = match (roads.is_on, roads.is_resting) {
        (false, _) => "off",
        (true, false) => "on",
        (true, true) => "resting",
    };
    let learnt = paces.into_iter().map(PaceView::from).collect();
    Ok(Answer::ok(TravelView { region, roads: word, roads_known: roads.n_known as u64, learnt }))
}

impl From<VehiclePace> for PaceView {
    fn from(it: VehiclePace) -> Self {
        let VehiclePace { basis, vehicle, legs, factor, hours } = it;
        let hours = hours.into_iter().map(HourView::from).collect();
        Self {
            basis: basis.as_str(),
            vehicle: vehicle.as_str(),
            legs: rounded(legs),
            factor: rounded(factor),
            hours,
        }
    }
}

impl From<HourPace> for HourView {
    fn from(it: HourPace) -> Self {
        Self { hour: it.hour as u32, legs: rounded(it.legs), factor: rounded(it.factor) }
    }
}

/// A hundredth is enough for anybody.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
