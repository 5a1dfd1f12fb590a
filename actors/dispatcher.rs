//! Looks for riders: the shell that keeps time around `usecases::dispatch`.
//!
//! Every node keeps its fleet's picture up to date and plans the regions that are its own among the
//! nodes that live. That division only saves work: what two dispatchers do at once is right all the
//! same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, ResponseFuture, WrapFuture};
use domain::{
    delivery_state::DeliveryState,
    geo::Place,
    ids::{NodeId, RiderId},
    regions,
};
use metrics::{counter, gauge};
use storage::{db::Tx, dispatch_nodes, error::StoreError};
use tokio::sync::Notify;
use usecases::{
    deliveries::StopKind,
    dispatch::{self, Choosing, CycleReport, Places},
    dispatch_news::Memory,
    platform::Platform,
    watch::{self, Sightings, Watches},
};

use crate::{
    fleet::{Fix, Fleet, Goal, Work as RiderWork},
    for_ever::{RETRY_AFTER, for_ever},
    messages::{DispatcherState, Observe, Stop},
    roll::{BEAT_EVERY, Roll},
};

/// Longest pause between two cycles, on the platform's clock.
pub const CYCLE_MAX: Duration = Duration::from_secs(5);
/// Shortest pause between two cycles, in real time: a burst of news is one cycle.
pub const CYCLE_MIN: Duration = Duration::from_millis(100);
/// Who moves faster than this is on his way, in metres a second.
const MOVES_FROM_M_PER_S: f64 = 1.5;
/// Seconds until a rider has read an offer and can turn round.
const READING_S: f64 = 10.0;
/// Nobody is taken to be farther ahead than this, in metres: positions may be wrong.
const AHEAD_MAX_M: f64 = 150.0;

/// The actor: a shell around its private `Work`.
pub struct Dispatcher {
    work: Arc<Work>,
}

/// Wakes the dispatcher before its time.
#[derive(Debug, Clone, Default)]
pub struct DispatchBell(Arc<Notify>);

impl DispatchBell {
    /// Something changed that a rider may be wanted for.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

struct Work {
    platform: Platform,
    fleet: Arc<Mutex<Fleet>>,
    node: NodeId,
    choosing: Choosing,
    bell: DispatchBell,
    /// Nodes that plan, as far as this one knows.
    nodes: Mutex<Vec<NodeId>>,
    state: Mutex<DispatcherState>,
}

impl Dispatcher {
    /// Not started yet.
    pub fn new(
        platform: Platform,
        fleet: Arc<Mutex<Fleet>>,
        node: NodeId,
        choosing: Choosing,
        bell: DispatchBell,
    ) -> Self {
        let (nodes, state) = (Mutex::new(vec![node]), Mutex::default());
        Self { work: Arc::new(Work { platform, fleet, node, choosing, bell, nodes, state }) }
    }
}

impl Actor for Dispatcher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let work = Arc::clone(&self.work);
        let rounds = async move { for_ever("dispatcher", async || work.run().await).await };
        ctx.spawn(rounds.into_actor(self));
        let work = Arc::clone(&self.work);
        let calls = async move { for_ever("roll call", async || work.call_the_roll().await).await };
        ctx.spawn(calls.into_actor(self));
    }
}

impl Handler<Stop> for Dispatcher {
    type Result = ResponseFuture<()>;

    /// The other nodes need not wait for its silence.
    fn handle(&mut self, _msg: Stop, ctx: &mut Self::Context) -> Self::Result {
        ctx.stop();
        let (store, node) = (Arc::clone(&self.work.platform.store), self.work.node);
        Box::pin(async move {
            let write = async move |tx: &mut Tx| dispatch_nodes::leave(tx, node).await;
            if let Err(err) = store.write(write).await {
                tracing::debug!(error = ?err, "the other dispatchers find out by themselves");
            }
        })
    }
}

impl Handler<Observe<DispatcherState>> for Dispatcher {
    type Result = DispatcherState;

    fn handle(&mut self, _msg: Observe<DispatcherState>, _: &mut Self::Context) -> DispatcherState {
        *lock(&self.work.state)
    }
}

impl Work {
    async fn run(&self) {
        let mut memory = Memory::default();
        let mut watches = Watches::default();
        loop {
            let longest = self.platform.clock.real(CYCLE_MAX).max(CYCLE_MIN);
            let _woken_or_due = tokio::time::timeout(longest, self.bell.0.notified()).await;
            match self.cycle(&mut memory, &mut watches).await {
                Ok(report) => self.note(report),
                Err(err) => {
                    tracing::warn!(error = ?err, "a cycle of the dispatcher failed");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
            tokio::time::sleep(CYCLE_MIN).await;
        }
    }

    async fn cycle(
        &self,
        memory: &mut Memory,
        watches: &mut Watches,
    ) -> Result<CycleReport, StoreError> {
        let mut look = dispatch::look(&self.platform).await?;
        let (places, seen) = self.update_fleet(&mut look);
        let nodes = lock(&self.nodes).clone();
        let is_ours = |region: &str| regions::owner(region, &nodes) == Some(self.node);
        watch::tend(&self.platform, &look, &seen, watches, &is_ours).await?;
        dispatch::cycle(&self.platform, &look, &places, memory, &self.choosing, &is_ours).await
    }

    /// Counts on, and looks which other nodes do.
    async fn call_the_roll(&self) {
        let mut roll = Roll::new(self.node);
        loop {
            if let Err(err) = self.call_once(&mut roll).await {
                tracing::warn!(error = ?err, "the dispatcher does not know who else plans");
            }
            tokio::time::sleep(BEAT_EVERY).await;
        }
    }

    async fn call_once(&self, roll: &mut Roll) -> Result<(), StoreError> {
        let (store, node) = (&self.platform.store, self.node);
        store.write(async move |tx: &mut Tx| dispatch_nodes::beat(tx, node).await).await?;
        let listed = dispatch_nodes::list(&mut self.platform.reader()).await?;
        let called = roll.call(&listed, Instant::now());
        for gone in called.gone {
            store.write(async move |tx: &mut Tx| dispatch_nodes::clear(tx, gone).await).await?;
        }
        let before = std::mem::replace(&mut *lock(&self.nodes), called.living.clone());
        if before != called.living {
            let n_nodes = called.living.len();
            tracing::info!(n_nodes, "regions are divided among {n_nodes} dispatchers");
            self.bell.ring();
        }
        Ok(())
    }

    /// Tells the fleet who carries whose orders, and reads where everybody is, and who was seen.
    fn update_fleet(&self, look: &mut dispatch::Look) -> (Places, Sightings) {
        let now = self.platform.now();
        let mut work = work_of(look);
        let mut fleet = lock(&self.fleet);
        let (mut places, mut sightings) = (Places::new(), Sightings::new());
        for duty in &look.riders {
            let fix = fleet.place(duty.rider_id, now);
            let ahead = fix.and_then(|(place, fix)| ahead(place, fix));
            look.ahead.extend(ahead.map(|it| (duty.rider_id, it)));
            let seen = fix.map(|(place, _)| place);
            sightings.extend(seen.map(|it| (duty.rider_id, it)));
            let place = seen.unwrap_or_else(|| {
                fleet.stand(duty.rider_id, duty.place);
                duty.place
            });
            places.insert(duty.rider_id, place);
            fleet.set_work(duty.rider_id, work.remove(&duty.rider_id).unwrap_or_default());
        }
        fleet.keep_only(|rider| places.contains_key(&rider));
        look.plan_only(|store, n| fleet.nearest(store, n));
        (places, sightings)
    }

    fn note(&self, report: CycleReport) {
        let n_nodes = lock(&self.nodes).len();
        let mut state = lock(&self.state);
        state.n_cycles += 1;
        state.n_offers += report.n_offers as u64;
        state.n_pooled += report.n_pooled as u64;
        state.n_beaten += report.n_beaten as u64;
        (state.n_nodes, state.n_regions) = (n_nodes, report.n_regions);
        gauge!("riderhub_dispatch_nodes").set(n_nodes as f64);
        gauge!("riderhub_dispatch_regions").set(report.n_regions as f64);
        counter!("riderhub_offers_total").increment(report.n_offers as u64);
        counter!("riderhub_offers_withdrawn_total").increment(report.n_withdrawn as u64);
    }
}

/// Whose orders each rider holds, and where he is wanted for them.
fn work_of(look: &dispatch::Look) -> HashMap<RiderId, RiderWork> {
    let mut all: HashMap<RiderId, RiderWork> = HashMap::new();
    for it in &look.deliveries {
        let Some(rider) = it.delivery.rider_id else { continue };
        let work = all.entry(rider).or_default();
        let order = it.delivery.order_id;
        work.carries.push(order);
        let goal = match it.delivery.state {
            DeliveryState::Assigned => Some((StopKind::Pickup, it.pickup)),
            DeliveryState::PickedUp => Some((StopKind::Dropoff, it.dropoff)),
            _ => None,
        };
        work.goals.extend(goal.map(|(stop, place)| Goal { order, stop, place }));
    }
    all
}

/// Where a rider who moves will be when he has read an offer.
fn ahead(place: Place, fix: Fix) -> Option<Place> {
    let (heading, speed) = fix.hdg.zip(fix.spd.filter(|it| *it >= MOVES_FROM_M_PER_S))?;
    Some(place.ahead(heading, (speed * READING_S).min(AHEAD_MAX_M)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is complete in itself, so a poisoned lock still guards good data.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_rides_is_looked_for_where_he_is_heading() {
        let place = Place::new(31.2, 121.5).unwrap();
        let fix = |hdg, spd| Fix { seq: 1, lat: 31.2, lng: 121.5, hdg, spd, acc: None, t: 0 };
        let east = ahead(place, fix(Some(90.0), Some(6.0))).unwrap().flat_from(place);
        assert!((east[0] - 60.0).abs() < 0.1 && east[1].abs() < 0.1, "{east:?}");
        let far = ahead(place, fix(Some(180.0), Some(90.0))).unwrap();
        assert!((place.metres_to(far) - AHEAD_MAX_M).abs() < 0.5 && far.lat() < place.lat());
        for still in [fix(Some(90.0), Some(1.0)), fix(None, Some(6.0)), fix(Some(90.0), None)] {
            assert_eq!(ahead(place, still), None);
        }
    }
}
