//! What the console asks its server about itself.

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig, get},
};
use serde_json::json;

use crate::settings::Settings;

/// The routes under `/v1/console`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/v1/console/config", get().to(config));
}

/// `GET /v1/console/config`: where map tiles come from, if anywhere.
async fn config(settings: Data<Settings>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "tiles": settings.tiles }))
}
