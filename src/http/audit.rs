//! The audit log: each request that changed something, and how operators read it.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web::{Data, Query},
};
use domain::{clock::SystemClock, role::Profile};
use serde::{Deserialize, Serialize};
use storage::audit::AuditRow;
use usecases::audit;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    answer::Answer,
    extract::{self, IdPath, Operator},
    page::PageLimit,
    problem::{Kind, Problem, ProblemView},
    request_id,
    state::HttpState,
};

/// Longest path that is kept.
const PATH_BYTES_MAX: usize = 200;

/// Notes who changed something, once it is done. Reads, and what was refused, are not noted.
///
/// # Errors
///
/// What comes of the request.
pub async fn note(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let is_read = matches!(*req.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let state = req.app_data::<Data<HttpState>>().cloned().filter(|_| !is_read);
    let Some(state) = state else { return next.call(req).await };
    // Whoever ends the sign-in is known before, and not after.
    let who = extract::remembered(req.request());
    let answer = next.call(req).await?;
    if let (Some(who), true) = (who, answer.status().is_success()) {
        let request = answer.request();
        state.audit.note(AuditRow {
            id: Uuid::now_v7().simple().to_string(),
            at: SystemClock::machine_time(),
            account_id: who.account_id,
            profile: who.profile,
            method: request.method().to_string(),
            path: request.path().chars().take(PATH_BYTES_MAX).filter(char::is_ascii).collect(),
            status: answer.status().as_u16(),
            request_id: request_id::current(),
        });
    }
    Ok(answer)
}

/// Which part of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// What this profile did, e.g. `opr_…`; everybody if it is left out.
    #[param(value_type = Option<String>, pattern = "^(cus|mer|rid|opr)_[0-9a-f]{32}$")]
    pub profile: Option<IdPath<Profile>>,
    /// `next` of the page before.
    pub before: Option<String>,
    /// Entries of the page.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: PageLimit,
}

/// One thing that somebody did.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditView {
    /// Names the entry.
    pub entry: String,
    /// When, in UTC milliseconds of real time.
    pub at: i64,
    /// Whose account.
    pub account: String,
    /// In which role.
    pub profile: String,
    /// With which method.
    pub method: String,
    /// At which address.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// The name of the request, also in the log lines.
    pub request_id: Option<String>,
}

/// A page of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPageView {
    /// The newest first.
    pub entries: Vec<AuditView>,
    /// Give it as `before` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl From<AuditRow> for AuditView {
    fn from(it: AuditRow) -> Self {
        Self {
            entry: it.id,
            at: it.at.ms(),
            account: it.account_id.to_string(),
            profile: it.profile.to_string(),
            method: it.method,
            path: it.path,
            status: it.status,
            request_id: it.request_id,
        }
    }
}

/// Shows operators who changed what, the newest first; it is kept for 180 days.
#[utoipa::path(get, path = "/v1/ops/audit", operation_id = "list_audit", tag = "operations",
    security(("bearer" = [])), params(AuditQuery),
    responses((status = 200, body = AuditPageView), (status = "4XX", body = ProblemView)))]
pub async fn list(
    _: Operator,
    query: Query<AuditQuery>,
    state: Data<HttpState>,
) -> Result<Answer<AuditPageView>, Problem> {
    let AuditQuery { profile, before, limit } = query.into_inner();
    let is_ours = |it: &String| it.len() == 32 && it.bytes().all(|it| it.is_ascii_hexdigit());
    if before.as_ref().is_some_and(|it| !is_ours(it)) {
        return Err(Problem::new(Kind::BadQuery, "`before` is the `next` of the page before."));
    }
    // What has just been done is in it.
    state.audit.write(&state.platform).await?;
    let profile = profile.map(|it| it.0);
    let found = audit::list(&state.platform, profile, before.as_deref(), limit.get()).await?;
    let is_full = found.len() == limit.get() as usize;
    let next = found.last().map(|it| it.id.clone()).filter(|_| is_full);
    Ok(Answer::ok(AuditPageView {
        entries: found.into_iter().map(AuditView::from).collect(),
        next,
    }))
}
