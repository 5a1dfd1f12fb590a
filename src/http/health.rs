//! Is it alive, and may it take traffic?

use actix_web::{HttpResponse, web::Data};
use actors::live::Live;
use serde_json::json;
use storage::shared_values;

use super::{
    problem::{Kind, Problem},
    state::HttpState,
};

/// `GET /healthz`: the process answers.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// `GET /readyz`: the store answers too, and the node is not going down.
///
/// # Errors
///
/// `busy` if the node is going down, `unavailable` if the store does not answer.
pub async fn ready(
    state: Data<HttpState>,
    live: Option<Data<Live>>,
) -> Result<HttpResponse, Problem> {
    if live.is_some_and(|it| it.admission.is_draining()) {
        return Err(Problem::new(Kind::Busy, "This node is going down."));
    }
    let mut reader = state.platform.reader();
    shared_values::find(&mut reader, "ready").await.map_err(|err| {
        tracing::warn!(error = ?err, "not ready: the store does not answer");
        Problem::new(Kind::Unavailable, "The store does not answer.")
    })?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
}
