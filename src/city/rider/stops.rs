//! What a rider does at the stops of his route.

use serde_json::{Value, json};

use super::Rider;
use crate::{
    city::{
        road::{Stop, Task},
        story,
    },
    client::{calls, link::new_cid},
};
use rand::RngExt as _;

/// Pause before a refused stop is tried again, by the server's clock.
const AGAIN_MS: i64 = 20_000;

impl Rider {
    pub(super) async fn carry_out(&mut self, task: Task) {
        if self.plan.noise.is_some() && matches!(task, Task::Arrive(_)) {
            return;
        }
        let (verb, stop) = match &task {
            Task::Arrive(stop) => ("stop.arrive", stop),
            Task::Finish(stop) => ("stop.done", stop),
        };
        let key = (stop.order.clone(), stop.stop.clone(), verb);
        let cid = self.cids.entry(key.clone()).or_insert_with(new_cid).clone();
        let params = json!({ "order": stop.order, "stop": stop.stop, "cid": cid });
        let answer = self.link.call(verb, params).await;
        let now = self.pace.now_ms();
        match (answer, task) {
            (Ok(_), Task::Arrive(stop)) => {
                self.cids.remove(&key);
                if stop.stop == "dropoff" && self.dice.random_bool(self.plan.temper.talks) {
                    self.say(&stop.order, "I am at your door").await;
                }
            }
            (Ok(_), Task::Finish(stop)) => {
                self.cids.remove(&key);
                self.road.finished(&stop, now);
            }
            (Err(err), Task::Finish(stop)) if err.is_refusal() => self.refused(&stop).await,
            // An arrival told twice or never does no harm; the rest is tried again.
            (Err(_), _) => {}
        }
    }

    /// The server does not let us finish a stop: it is over for us, or not yet possible.
    async fn refused(&mut self, stop: &Stop) {
        self.cids.retain(|(order, ..), _| *order != stop.order);
        self.paused_until = self.pace.now_ms() + AGAIN_MS;
        let is_mine = match calls::order(self.link.session(), &stop.order).await {
            Ok(view) => !story::is_over(&view.state) && view.state != "delivered",
            Err(err) => !err.is_refusal(),
        };
        if !is_mine {
            self.road.forget(&stop.order);
        }
    }
}

/// The stops of a route as a push tells it.
pub(super) fn stops_of(value: Option<&Value>) -> Vec<Stop> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|it| serde_json::from_value(it.clone()).ok()).collect()
}
