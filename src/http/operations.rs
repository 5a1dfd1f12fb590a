//! What operators look at: regions and what is true in them now.

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use domain::{
    alarm::AlarmKind,
    ids::{OrderId, RiderId},
    reason::Reason,
    role::Profile,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use storage::explanations::{Candidate, Explanation};
use usecases::{alarms, handing_on, ops, stores};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::Answer,
    extract::{IdPath, MaybeBody, MaybeKey, Operator},
    problem::{Kind, Problem, ProblemView, not_found},
    state::HttpState,
};

/// A region with its stores counted.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegionView {
    /// The geohash that names it.
    pub region: String,
    /// Middle of its stores, degrees north.
    pub lat: f64,
    /// Middle of its stores, degrees east.
    pub lng: f64,
    /// How many stores it has.
    pub stores: u64,
}

/// Which region.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SnapshotQuery {
    /// The geohash that names it.
    pub region: String,
}

/// What is true in a region now.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnapshotView {
    /// The region.
    pub region: String,
    /// By `store:sto_…`, `order:ord_…` and `rider:rid_…`.
    #[schema(value_type = Object)]
    pub values: BTreeMap<String, Value>,
}

/// Lists the regions that have stores, the largest first.
#[utoipa::path(get, path = "/v1/regions", operation_id = "list_regions", tag = "operations",
    responses((status = 200, body = Vec<RegionView>), (status = "4XX", body = ProblemView)))]
pub async fn regions(state: Data<HttpState>) -> Result<Answer<Vec<RegionView>>, Problem> {
    let found = stores::regions(&state.platform).await?;
    let view = |it: storage::stores::RegionSummary| RegionView {
        lat: it.centre.lat(),
        lng: it.centre.lng(),
        stores: it.n_stores,
        region: it.region,
    };
    Ok(Answer::ok(found.into_iter().map(view).collect()))
}

/// Shows an operator what is true in a region now.
#[utoipa::path(get, path = "/v1/ops/snapshot", operation_id = "get_ops_snapshot",
    tag = "operations", security(("bearer" = [])), params(SnapshotQuery),
    responses((status = 200, body = SnapshotView), (status = "4XX", body = ProblemView)))]
pub async fn snapshot(
    _: Operator,
    query: Query<SnapshotQuery>,
    state: Data<HttpState>,
) -> Result<Answer<SnapshotView>, Problem> {
    let region = region_of(query.into_inner().region)?;
    let mut values = BTreeMap::new();
    for (key, value) in ops::snapshot(&state.platform, &region).await? {
        values.insert(key, serde_json::from_str(&value).unwrap_or(Value::Null));
    }
    Ok(Answer::ok(SnapshotView { region, values }))
}

/// A region's name, if it can be one.
pub(super) fn region_of(region: String) -> Result<String, Problem> {
    if !(1..=12).contains(&region.len()) || !region.bytes().all(|it| it.is_ascii_alphanumeric()) {
        return Err(Problem::new(Kind::BadQuery, "A region is a geohash, for example `wtw3`."));
    }
    Ok(region)
}

/// Which alarms.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlarmsQuery {
    /// The region's geohash; left out for all regions.
    pub region: Option<String>,
}

/// Something that operators should look at.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmView {
    /// About which order.
    pub order: String,
    /// `no_rider`, `undeliverable`, `goods_lost` or `proof_locked`.
    pub alarm: &'static str,
    /// In which region.
    pub region: String,
    /// Since when, in UTC milliseconds.
    pub since: i64,
}

/// Lists the alarms that nobody has resolved, the oldest first.
#[utoipa::path(get, path = "/v1/ops/alarms", operation_id = "list_alarms", tag = "operations",
    security(("bearer" = [])), params(AlarmsQuery),
    responses((status = 200, body = Vec<AlarmView>), (status = "4XX", body = ProblemView)))]
pub async fn list_alarms(
    _: Operator,
    query: Query<AlarmsQuery>,
    state: Data<HttpState>,
) -> Result<Answer<Vec<AlarmView>>, Problem> {
    let found = alarms::list(&state.platform, query.region.as_deref()).await?;
    let view = |it: storage::alarms::OpenAlarm| AlarmView {
        order: it.order_id.to_string(),
        alarm: it.kind.as_str(),
        region: it.region,
        since: it.raised_at.ms(),
    };
    Ok(Answer::ok(found.into_iter().map(view).collect()))
}

/// Notes that an operator has looked after an alarm.
#[utoipa::path(post, path = "/v1/ops/orders/{order}/alarms/{alarm}/resolve",
    operation_id = "resolve_alarm", tag = "operations", security(("bearer" = [])),
    params(("order" = String, Path), ("alarm" = String, Path),
        ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn resolve_alarm(
    Operator(by): Operator,
    path: Path<(IdPath<OrderId>, String)>,
    key: MaybeKey,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let (order, kind) = path.into_inner();
    let kind = AlarmKind::from_text(&kind).ok_or_else(|| not_found("alarm"))?;
    let key = key.bare(Profile::Operator(by));
    alarms::settle(&state.platform, by, order.0, kind, key).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Whom a delivery goes to, and why.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReassignInput {
    /// The rider who is asked next (`rid_…`); left out for whomever the dispatcher finds.
    pub rider: Option<String>,
    /// Why, in one of the words of the audit trail (default `operator_decision`).
    pub reason: Option<String>,
}

/// What came of a reassignment.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReassignedView {
    /// The order.
    pub order: String,
    /// Where its delivery stands now.
    pub delivery: String,
    /// The offer to the rider who was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
}

/// Takes a delivery off whoever holds it or is asked about it, before pickup; a rider who is named
/// is asked next.
#[utoipa::path(post, path = "/v1/ops/orders/{order}/reassign", operation_id = "reassign_order",
    tag = "operations", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = Option<ReassignInput>,
    responses((status = 200, body = ReassignedView), (status = "4XX", body = ProblemView)))]
pub async fn reassign(
    Operator(by): Operator,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    MaybeBody(input): MaybeBody<ReassignInput>,
    state: Data<HttpState>,
) -> Result<Answer<ReassignedView>, Problem> {
    let to: Option<RiderId> = match input.rider.as_deref().map(str::parse) {
        None => None,
        Some(Ok(rider)) => Some(rider),
        Some(Err(_)) => {
            return Err(Problem::new(Kind::BadInput, "`rider` is the id of a rider, `rid_…`."));
        }
    };
    let reason = match input.reason.as_deref().map(Reason::from_text) {
        None => Reason::OperatorDecision,
        Some(Some(reason)) => reason,
        Some(None) => return Err(Problem::new(Kind::BadInput, "There is no such reason.")),
    };
    let key = key.command(Profile::Operator(by), &input);
    let done = handing_on::reassign(&state.platform, by, order.0, to, reason, key).await?;
    let handing_on::Reassigned { order, state: delivery, offer } = done.value;
    Ok(Answer::ok(ReassignedView { order, delivery, offer }).replayed(done.dup))
}

/// A rider who could have got a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct CandidateView {
    /// Who.
    pub rider: String,
    /// What the delivery adds to his route, handicap included, in minutes of one customer's waiting.
    pub cost_min: f64,
    /// What speaks against him besides his route, in the same minutes.
    pub handicap_min: f64,
    /// Metres from him to the store.
    pub pickup_m: i64,
    /// Orders that he holds or is asked about.
    pub load: u32,
}

/// Why a rider was asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplanationView {
    /// The offer that was made.
    pub offer: String,
    /// `instant` or `batch`.
    pub policy: String,
    /// The rider who was asked.
    pub chosen: CandidateView,
    /// The best others, the cheapest first; at most seven.
    pub others: Vec<CandidateView>,
    /// Riders whose routes were tried.
    pub n_candidates: u32,
    /// When, in UTC milliseconds.
    pub at: i64,
}

/// Says why riders were asked about an order, the newest first; kept as long as results of commands.
#[utoipa::path(get, path = "/v1/ops/orders/{order}/why", operation_id = "get_order_why",
    tag = "operations", security(("bearer" = [])), params(("order" = String, Path)),
    responses((status = 200, body = Vec<ExplanationView>), (status = "4XX", body = ProblemView)))]
pub async fn why(
    _: Operator,
    order: Path<IdPath<OrderId>>,
    state: Data<HttpState>,
) -> Result<Answer<Vec<ExplanationView>>, Problem> {
    let found = ops::why(&state.platform, order.0).await?;
    Ok(Answer::ok(found.into_iter().map(ExplanationView::from).collect()))
}

impl From<Explanation> for ExplanationView {
    fn from(it: Explanation) -> Self {
        let Explanation { offer, policy, chosen, others, n_candidates, at, order: _ } = it;
        let others = others.into_iter().map(CandidateView::from).collect();
        Self { offer, policy, chosen: chosen.into(), others, n_candidates, at }
    }
}

impl From<Candidate> for CandidateView {
    fn from(it: Candidate) -> Self {
        let Candidate { rider, cost_min, handicap_min, pickup_m, load } = it;
        Self { rider, cost_min, handicap_min, pickup_m, load }
    }
}
