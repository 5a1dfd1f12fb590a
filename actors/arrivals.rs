//! Carries out the arrivals that positions show, as if the riders had tapped themselves.
//!
//! Whoever was faster, the rider or another node, is no trouble: the delivery moves once.

use std::sync::Arc;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use domain::ids::RiderId;
use metrics::counter;
use tokio::sync::{Mutex, mpsc};
use usecases::{deliveries, error::AskError, platform::Platform};

use crate::{fleet::Goal, for_ever::for_ever, messages::Stop};

/// Arrivals that wait at most; one that finds no room is shown again by later positions.
const WAITING_MAX: usize = 4_096;

/// A rider has reached a stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// Who.
    pub rider: RiderId,
    /// Where.
    pub goal: Goal,
}

/// Where arrivals are told.
#[derive(Debug, Clone)]
pub struct ArrivalSink(mpsc::Sender<Arrival>);

impl ArrivalSink {
    /// Tells one, without waiting.
    pub fn tell(&self, arrival: Arrival) {
        // The next positions of the same rider show it again.
        if self.0.try_send(arrival).is_err() {
            tracing::warn!("too many arrivals wait; one is left to the next position");
        }
    }
}

/// The actor.
pub struct Arrivals {
    platform: Platform,
    told: Arc<Mutex<mpsc::Receiver<Arrival>>>,
}

impl Arrivals {
    /// Not started yet, and where arrivals are told to it.
    pub fn new(platform: Platform) -> (Self, ArrivalSink) {
        let (sink, told) = mpsc::channel(WAITING_MAX);
        (Self { platform, told: Arc::new(Mutex::new(told)) }, ArrivalSink(sink))
    }
}

impl Actor for Arrivals {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (platform, told) = (self.platform.clone(), Arc::clone(&self.told));
        let work = async move {
            for_ever("worker for arrivals", async || {
                let mut told = told.lock().await;
                while let Some(arrival) = told.recv().await {
                    carry_out(&platform, arrival).await;
                }
            })
            .await;
        };
        ctx.spawn(work.into_actor(self));
    }
}

impl Handler<Stop> for Arrivals {
    type Result = ();

    fn handle(&mut self, _msg: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

async fn carry_out(platform: &Platform, arrival: Arrival) {
    let Arrival { rider, goal } = arrival;
    let outcome = deliveries::arrive(platform, rider, goal.order, goal.stop, None).await;
    let result = match &outcome {
        Ok(_) => "carried_out",
        Err(AskError::Store(err)) => {
            tracing::warn!(order.id = %goal.order, error = ?err, "an arrival is tried again");
            "failed"
        }
        // The rider was faster, or the order has ended or changed hands.
        Err(_) => "too_late",
    };
    counter!("riderhub_arrivals_total", "result" => result).increment(1);
}
