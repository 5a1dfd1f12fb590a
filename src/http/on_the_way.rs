//! What positions and orders leave behind: the track of an order, the map of demand.

use actix_web::web::{Data, Path, Query};
use domain::{demand::HALF_LIFE_MS, geo::cell_centre, ids::OrderId};
use serde::{Deserialize, Serialize};
use usecases::{demand, tracks};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::Answer,
    extract::{AnyProfile, IdPath},
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

/// Where the rider of an order was.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrackPointView {
    /// Who.
    pub rider: String,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
    /// When, in UTC milliseconds.
    pub at: i64,
}

/// The track of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrackView {
    /// The order.
    pub order: String,
    /// From assignment to the end, a few a minute, in the order of time.
    pub points: Vec<TrackPointView>,
}

/// Shows the parties of an order where its rider was; a moment behind life.
#[utoipa::path(get, path = "/v1/orders/{order}/track", operation_id = "get_track", tag = "orders",
    security(("bearer" = [])), params(("order" = String, Path)),
    responses((status = 200, body = TrackView), (status = "4XX", body = ProblemView)))]
pub async fn track(
    AnyProfile(identity): AnyProfile,
    order: Path<IdPath<OrderId>>,
    state: Data<HttpState>,
) -> Result<Answer<TrackView>, Problem> {
    let found = tracks::show(&state.platform, identity.profile, order.0).await?;
    let point = |it: storage::tracks::TrackPoint| TrackPointView {
        rider: it.rider_id.to_string(),
        lat: it.place.lat(),
        lng: it.place.lng(),
        at: it.at.ms(),
    };
    let points = found.into_iter().map(point).collect();
    Ok(Answer::ok(TrackView { order: order.0.to_string(), points }))
}

/// Which region.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DemandQuery {
    /// The geohash that names it, for example `wtw3`.
    pub region: String,
}

/// The demand of one cell.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeatView {
    /// Geohash of six characters.
    pub cell: String,
    /// Its middle, degrees north.
    pub lat: f64,
    /// Its middle, degrees east.
    pub lng: f64,
    /// Orders of the last two hours whose store is in it.
    pub orders: u32,
    /// The same with old ones counting less.
    pub heat: f64,
}

/// Where people order.
#[derive(Debug, Serialize, ToSchema)]
pub struct DemandView {
    /// The region.
    pub region: String,
    /// When it was reckoned, in UTC milliseconds.
    pub at: i64,
    /// After so long an order counts half, in milliseconds.
    pub half_life_ms: i64,
    /// The hottest first, 500 at most.
    pub cells: Vec<HeatView>,
}

/// Shows riders and operators where people order. Asking once a minute is plenty.
#[utoipa::path(get, path = "/v1/demand", operation_id = "get_demand", tag = "operations",
    security(("bearer" = [])), params(DemandQuery),
    responses((status = 200, body = DemandView), (status = "4XX", body = ProblemView)))]
pub async fn demand_map(
    AnyProfile(identity): AnyProfile,
    query: Query<DemandQuery>,
    state: Data<HttpState>,
) -> Result<Answer<DemandView>, Problem> {
    let region = query.into_inner().region;
    if !(1..=12).contains(&region.len()) || !region.bytes().all(|it| it.is_ascii_alphanumeric()) {
        return Err(Problem::new(Kind::BadQuery, "A region is a geohash, for example `wtw3`."));
    }
    let found = demand::of_region(&state.platform, identity.profile, &region).await?;
    let cells = found.cells.into_iter().filter_map(|it| {
        let centre = cell_centre(&it.cell)?;
        let (lat, lng) = (centre.lat(), centre.lng());
        Some(HeatView { cell: it.cell, lat, lng, orders: it.n_orders, heat: it.heat })
    });
    let (at, cells) = (found.at.ms(), cells.collect());
    Ok(Answer::ok(DemandView { region, at, half_life_ms: HALF_LIFE_MS, cells }))
}
