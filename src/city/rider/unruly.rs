//! What an unruly rider does, and what he notes of it in his diary.

use std::time::Duration;

use serde_json::json;

use super::{Rider, whims::Whim};
use crate::client::{link::new_cid, pace::Pace};

/// What keeps a rider from living on as usual, by the server's clock in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Astray {
    /// No connection until then.
    pub(super) vanished_until: i64,
    /// No positions until then.
    pub(super) mute_until: i64,
    /// He does not move until then.
    pub(super) stands_until: i64,
    /// He left duty at that time, and comes back at the other.
    pub(super) off: Option<(i64, i64)>,
}

fn real(pace: &Pace, span_ms: i64) -> Duration {
    pace.real(Duration::from_millis(u64::try_from(span_ms).unwrap_or(0)))
}

impl Rider {
    /// Does what comes into his head; `passed_ms` since he was last asked.
    pub(super) async fn follow_whims(&mut self, now: i64, passed_ms: i64) {
        self.come_back(now).await;
        if self.is_off() || self.astray.off.is_some() || !self.is_on_duty {
            return;
        }
        match self.whims.whim(passed_ms) {
            None => {}
            Some(Whim::Vanish(span)) => self.vanish(now, span).await,
            Some(Whim::Mute(span)) => self.astray.mute_until = now + span,
            Some(Whim::Stand(span)) => self.astray.stands_until = now + span,
            Some(Whim::GoOff(span)) => self.leave_for(span).await,
            Some(Whim::HandOn) => self.hand_on().await,
        }
    }

    /// The connection is cut without a goodbye, and nothing is told until `span` is over.
    pub(super) async fn vanish(&mut self, now: i64, span: i64) {
        self.tally.whims.add();
        self.astray.vanished_until = now + span;
        self.diary.silent.push((now, now + span));
        self.link.cut(real(&self.pace, span)).await;
    }

    /// Goes off duty, or on a break if he carries something, and comes back after `span`.
    pub(super) async fn leave_for(&mut self, span: i64) {
        self.tally.whims.add();
        for verb in ["duty.off", "duty.break"] {
            if self.link.call(verb, json!({ "cid": new_cid() })).await.is_ok() {
                let now = self.pace.now_ms();
                self.astray.off = Some((now, now + span));
                return;
            }
        }
    }

    /// Comes back on duty when it is time; tried again until the server has said yes.
    async fn come_back(&mut self, now: i64) {
        let Some((from, until)) = self.astray.off.filter(|(_, until)| *until <= now) else {
            return;
        };
        if self.is_off() && self.road.is_free() {
            // His shift is over meanwhile: he stays away.
            self.diary.off_duty.push((from, i64::MAX));
            self.astray.off = None;
            self.is_on_duty = false;
            return;
        }
        // From here on the server may know that he is back, whatever becomes of the answer.
        self.diary.off_duty.push((from, until.max(from)));
        self.astray.off = None;
        if self.go_on_duty().await.is_err() {
            self.astray.off = Some((now, now));
        }
    }

    async fn hand_on(&mut self) {
        let Some(order) = self.road.not_fetched().map(str::to_owned) else { return };
        self.tally.whims.add();
        let params = json!({ "order": order, "reason": "vehicle_trouble", "cid": new_cid() });
        if self.link.call("delivery.hand_on", params).await.is_ok() {
            self.road.forget(&order);
            self.mine.remove(&order);
        }
    }
}
