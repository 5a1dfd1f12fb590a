//! Keeps sampled tracks: positions wait here for a moment and are written many at once.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, ResponseFuture, WrapFuture};
use metrics::counter;
use storage::tracks::TrackPoint;
use usecases::{platform::Platform, tracks};

use crate::{for_ever::for_ever, messages::Stop};

/// Positions that wait to be written at most; more are lost, as if they had not been sampled.
pub const WAITING_MAX: usize = 50_000;
/// Positions of one transaction at most.
const BATCH_MAX: usize = 500;
/// Pause between two rounds of writing, in real time.
const WRITE_EVERY: Duration = Duration::from_secs(2);

/// Where positions wait to be written. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct TrackSink(Arc<Mutex<Vec<TrackPoint>>>);

impl TrackSink {
    /// Adds positions, without waiting.
    pub fn add(&self, points: impl IntoIterator<Item = TrackPoint>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for point in points {
            if waiting.len() >= WAITING_MAX {
                counter!("riderhub_track_points_lost_total").increment(1);
            } else {
                waiting.push(point);
            }
        }
    }

    /// Takes the oldest out, as many as one transaction takes.
    fn take(&self) -> Vec<TrackPoint> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let n = waiting.len().min(BATCH_MAX);
        waiting.drain(..n).collect()
    }
}

/// The actor.
pub struct Tracks {
    platform: Platform,
    sink: TrackSink,
}

impl Tracks {
    /// Not started yet.
    pub const fn new(platform: Platform, sink: TrackSink) -> Self {
        Self { platform, sink }
    }
}

impl Actor for Tracks {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (platform, sink) = (self.platform.clone(), self.sink.clone());
        let work = async move {
            for_ever("keeper of tracks", async || {
                loop {
                    tokio::time::sleep(WRITE_EVERY).await;
                    write_all(&platform, &sink).await;
                }
            })
            .await;
        };
        ctx.spawn(work.into_actor(self));
    }
}

impl Handler<Stop> for Tracks {
    type Result = ResponseFuture<()>;

    /// What waits is written before the store is closed.
    fn handle(&mut self, _msg: Stop, ctx: &mut Self::Context) -> Self::Result {
        ctx.stop();
        let (platform, sink) = (self.platform.clone(), self.sink.clone());
        Box::pin(async move { write_all(&platform, &sink).await })
    }
}

async fn write_all(platform: &Platform, sink: &TrackSink) {
    loop {
        let points = sink.take();
        if points.is_empty() {
            return;
        }
        if let Err(err) = tracks::keep(platform, points.clone()).await {
            tracing::warn!(error = ?err, "positions of tracks wait for the store");
            sink.add(points);
            return;
        }
    }
}
