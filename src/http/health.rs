//! Is it alive, and may it take traffic?

use actix_web::{HttpResponse, web::Data};
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

/// `GET /readyz`: the store answers too.
///
/// # Errors
///
/// `unavailable` if the store does not answer.
pub async fn ready(state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    let mut reader = state.platform.reader();
    shared_values::find(&mut reader, "ready").await.map_err(|err| {
        tracing::warn!(error = ?err, "not ready: the store does not answer");
        Problem::new(Kind::Unavailable, "The store does not answer.")
    })?;
    Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
}
