//! `GET /metrics`: what this node holds and does, for Prometheus.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::header,
    web::{Data, ServiceConfig, get},
};
use actors::live::Live;
use metrics::{counter, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::figures::{self, BUCKETS};

/// The text format that Prometheus reads.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Time between two rounds of putting times into buckets.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Where figures are collected. One for each process.
#[derive(Clone)]
pub struct Figures(PrometheusHandle);

impl Figures {
    /// Starts to collect. Needs an actix system. A second call in one process shares nothing with the first.
    ///
    /// # Errors
    ///
    /// If the recorder cannot be built.
    pub fn start() -> Result<Self, BuildError> {
        let times = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(times, &BUCKETS)?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        // Several servers in one process (tests) share the first one's recorder.
        let _already_set = metrics::set_global_recorder(recorder);
        figures::describe();
        let its_handle = handle.clone();
        actix_web::rt::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP_EVERY).await;
                // Times pile up until they are put into buckets, also where nobody asks.
                its_handle.run_upkeep();
            }
        });
        Ok(Self(handle))
    }
}

/// The route `/metrics`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.route("/metrics", get().to(show));
}

async fn show(figures: Data<Figures>, live: Data<Live>) -> HttpResponse {
    let hub = live.hub.observe();
    for (role, n) in live.hub.registry.n_by_role() {
        gauge!("riderhub_connections", "role" => role.as_str()).set(n as f64);
    }
    let pool = live.platform.store.db().pool();
    for (state, n) in [("in_use", pool.in_use), ("idle", pool.idle), ("max", pool.max)] {
        gauge!("riderhub_pool_connections", "state" => state).set(f64::from(n));
    }
    gauge!("riderhub_sockets").set(live.admission.n_open() as f64);
    gauge!("riderhub_channels").set(hub.n_channels as f64);
    gauge!("riderhub_bus_topics").set(hub.n_topics as f64);
    gauge!("riderhub_bus_degraded").set(f64::from(u8::from(live.bridge.is_degraded())));
    gauge!("riderhub_repairs_waiting").set(hub.n_repairs_waiting as f64);
    let tally = hub.tally;
    counter!("riderhub_frames_queued_total").absolute(tally.n_queued);
    counter!("riderhub_frames_conflated_total", "lane" => "latest").absolute(tally.n_conflated);
    let n_ephemeral = tally.n_dropped.saturating_sub(tally.n_latest_dropped);
    counter!("riderhub_frames_dropped_total", "lane" => "latest").absolute(tally.n_latest_dropped);
    counter!("riderhub_frames_dropped_total", "lane" => "ephemeral").absolute(n_ephemeral);
    // A chat that a slow reader pulls from here on.
    counter!("riderhub_frames_dropped_total", "lane" => "chat").absolute(tally.n_lagging);
    gauge!("riderhub_queue_bytes").set(live.hub.registry.n_bytes() as f64);
    counter!("riderhub_entries_repaired_total").absolute(tally.n_repaired);
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, CONTENT_TYPE)).body(figures.0.render())
}
