//! Is it alive, and may it take traffic?

use std::time::Duration;

use actix_web::{HttpResponse, web::Data};
use actors::live::Live;
use serde_json::json;
use storage::shared_values;
use tokio::time::timeout;

use super::{
    problem::{Kind, Problem},
    state::HttpState,
};

/// `GET /healthz`: the process answers.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// How long the store may take to answer.
const STORE_MAX: Duration = Duration::from_secs(2);

/// `GET /readyz`: the store answers too, in time, and the node is not going down.
///
/// A node whose link to the others is lost is ready: it serves everything, only later, from the
/// journal; and as all nodes share the link, refusing would take down the whole. `bus` tells. A node
/// whose storage of files is not that of the others (`attachments`) is ready too: it only takes no
/// files.
///
/// # Errors
///
/// `busy` if the node is going down, `unavailable` if the store does not answer or takes no writes.
pub async fn ready(
    state: Data<HttpState>,
    live: Option<Data<Live>>,
) -> Result<HttpResponse, Problem> {
    if live.as_ref().is_some_and(|it| it.admission.is_draining()) {
        return Err(Problem::new(Kind::Busy, "This node is going down."));
    }
    let mut reader = state.platform.reader();
    let asking = timeout(STORE_MAX, shared_values::find(&mut reader, "ready"));
    if !matches!(asking.await, Ok(Ok(_))) {
        tracing::warn!("not ready: the store does not answer");
        return Err(Problem::new(Kind::Unavailable, "The store does not answer."));
    }
    if !state.platform.store.takes_writes() {
        tracing::warn!("not ready: the store takes no writes; is its disk full?");
        return Err(Problem::new(Kind::Unavailable, "The store takes no writes."));
    }
    let is_degraded = live.is_some_and(|it| it.hub.is_degraded());
    let files = state.platform.known_place.standing().as_str();
    let bus = if is_degraded { "degraded" } else { "ok" };
    Ok(HttpResponse::Ok().json(json!({ "status": "ready", "bus": bus, "attachments": files })))
}
