//! What happens to a rider's position: the fleet, his orders' parties, the other nodes.

use std::sync::{Arc, Mutex, PoisonError};

use domain::{
    channel::Channel,
    clock::{Clock, Timestamp},
    geo::Place,
    ids::{OrderId, RiderId},
};
use serde::{Deserialize, Serialize};
use storage::{
    error::StoreError,
    events::{self, Latest},
    push::Push,
    tracks::TrackPoint,
};
use usecases::platform::Announcer;

use crate::{
    arrivals::{Arrival, ArrivalSink},
    bridge::Bridge,
    fleet::{Believed, Fix, Fleet, Stamp},
    live::PositionSink,
    tracks::TrackSink,
};

/// The kind of the control message that carries a position to other nodes.
pub const POSITION: &str = "position";

/// Oldest age that is told, in milliseconds: the device's clock may be off by years.
pub const AGE_MAX_MS: i64 = 86_400_000;

/// A position on its way between nodes.
#[derive(Serialize, Deserialize)]
struct Moved {
    rider: String,
    /// Which claim of a device the position comes from.
    #[serde(default)]
    fence: u64,
    /// When the rider's connection began, in UTC milliseconds.
    #[serde(default)]
    series: i64,
    fix: Fix,
    /// When the rider's node took it, so that every node believes the same one.
    at: i64,
}

/// What an order's parties see: push `loc`.
#[derive(Serialize, schemars::JsonSchema)]
pub(crate) struct Loc {
    /// The rider.
    rider: String,
    #[serde(flatten)]
    fix: Fix,
    /// How old it was when the hub sent it, in milliseconds.
    age_ms: i64,
}

/// Connects the fleet with the bridge; what comes back takes the positions of this node's riders,
/// tells the arrivals that they show, and keeps their tracks.
pub fn start(
    fleet: &Arc<Mutex<Fleet>>,
    bridge: &Arc<Bridge>,
    clock: Arc<dyn Clock>,
    arrivals: ArrivalSink,
    tracks: TrackSink,
) -> PositionSink {
    let (heard_fleet, heard_clock) = (Arc::clone(fleet), Arc::clone(&clock));
    bridge.listen(
        POSITION,
        Box::new(move |body| {
            let Ok(moved) = serde_json::from_str::<Moved>(body) else { return };
            let Ok(rider) = moved.rider.parse() else { return };
            let mut fleet = heard_fleet.lock().unwrap_or_else(PoisonError::into_inner);
            let stamp = Stamp { fence: moved.fence, series: Timestamp::from_ms(moved.series) };
            fleet.hear(rider, stamp, moved.fix, heard_clock.now());
        }),
    );
    let taker =
        Taker { fleet: Arc::clone(fleet), bridge: Arc::clone(bridge), clock, arrivals, tracks };
    Arc::new(move |rider, stamp, fix| taker.take(rider, stamp, fix))
}

/// Where the rider of an order was seen last, as its parties see it; `None` if nobody knows.
pub fn last_seen(
    fleet: &Mutex<Fleet>,
    order: OrderId,
    rider: RiderId,
    now: Timestamp,
) -> Option<Latest> {
    let (_, fix) = fleet.lock().unwrap_or_else(PoisonError::into_inner).place(rider, now)?;
    body(rider, fix, now).ok().map(|body| value(order, body, now))
}

fn body(rider: RiderId, fix: Fix, now: Timestamp) -> Result<String, StoreError> {
    let age_ms = now.ms().saturating_sub(fix.t).clamp(0, AGE_MAX_MS);
    events::json(&Loc { rider: rider.to_string(), fix, age_ms })
}

fn value(order: OrderId, body: String, at: Timestamp) -> Latest {
    Latest { channel: Channel::Loc(order), key: "loc".to_owned(), push: Push::Loc, body, at }
}

struct Taker {
    fleet: Arc<Mutex<Fleet>>,
    bridge: Arc<Bridge>,
    clock: Arc<dyn Clock>,
    arrivals: ArrivalSink,
    tracks: TrackSink,
}

impl Taker {
    fn take(&self, rider: RiderId, stamp: Stamp, fix: Fix) {
        let now = self.clock.now();
        let believed =
            self.fleet.lock().unwrap_or_else(PoisonError::into_inner).put(rider, stamp, fix, now);
        let Some(Believed { orders, reached, is_for_track }) = believed else { return };
        for goal in reached {
            self.arrivals.tell(Arrival { rider, goal });
        }
        if is_for_track && let Ok(place) = Place::new(fix.lat, fix.lng) {
            let point =
                |order: &OrderId| TrackPoint { order_id: *order, rider_id: rider, place, at: now };
            self.tracks.add(orders.iter().map(point));
        }
        if !orders.is_empty()
            && let Ok(body) = body(rider, fix, now)
        {
            let values = orders.iter().map(|order| value(*order, body.clone(), now));
            self.bridge.latest(values.collect());
        }
        let Stamp { fence, series } = stamp;
        let (rider, series) = (rider.to_string(), series.ms());
        let moved = Moved { rider, fence, series, fix, at: now.ms() };
        if let Ok(body) = events::json(&moved) {
            // Our own fleet has it already and drops it as old.
            self.bridge.tell_nodes(POSITION, body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_one_that_a_person_can_believe() {
        let now = Timestamp::from_ms(1_790_000_000_000);
        for (t, expected) in [
            (now.ms() - 140, 140),
            (now.ms() + 5_000, 0),
            (0, AGE_MAX_MS),
            (i64::MIN, AGE_MAX_MS),
            (i64::MAX, 0),
        ] {
            let fix = Fix { seq: 1, lat: 31.2, lng: 121.5, hdg: None, spd: None, acc: None, t };
            let body = body(RiderId::generate(), fix, now).unwrap();
            assert!(body.contains(&format!("\"age_ms\":{expected}}}")), "{t}: {body}");
        }
    }
}
