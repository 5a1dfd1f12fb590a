//! Looks for riders: the shell that keeps time around `usecases::dispatch`.
//!
//! Every node keeps its fleet's picture up to date; the one that holds the lease also plans. The
//! lease only saves work: what two dispatchers do at once is right all the same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, ResponseFuture, WrapFuture};
use domain::{
    clock::{SystemClock, Timestamp},
    delivery_state::DeliveryState,
    dispatch::Policy,
    ids::{NodeId, RiderId},
};
use storage::{error::StoreError, leases};
use tokio::sync::Notify;
use usecases::{
    deliveries::StopKind,
    dispatch::{self, CycleReport, Places},
    dispatch_news::Memory,
    platform::Platform,
};

use crate::{
    fleet::{Fleet, Goal, Work as RiderWork},
    for_ever::{RETRY_AFTER, for_ever},
    messages::{DispatcherState, Observe, Stop},
};

/// Longest pause between two cycles, on the platform's clock.
pub const CYCLE_MAX: Duration = Duration::from_secs(5);
/// Shortest pause between two cycles, in real time: a burst of news is one cycle.
pub const CYCLE_MIN: Duration = Duration::from_millis(100);
/// How long a lease holds, in real time.
pub const LEASE: Duration = Duration::from_secs(6);
/// Renewed when so much of it has passed.
const LEASE_RENEWED_EVERY: Duration = Duration::from_secs(2);
/// The lease's name. One dispatcher plans for all regions until regions are spread over nodes.
const LEASE_NAME: &str = "dispatch";

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
    policy: Policy,
    bell: DispatchBell,
    state: Mutex<DispatcherState>,
}

impl Dispatcher {
    /// Not started yet.
    pub fn new(
        platform: Platform,
        fleet: Arc<Mutex<Fleet>>,
        node: NodeId,
        policy: Policy,
        bell: DispatchBell,
    ) -> Self {
        let state = Mutex::default();
        Self { work: Arc::new(Work { platform, fleet, node, policy, bell, state }) }
    }
}

impl Actor for Dispatcher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let work = Arc::clone(&self.work);
        let rounds = async move { for_ever("dispatcher", async || work.run().await).await };
        ctx.spawn(rounds.into_actor(self));
    }
}

impl Handler<Stop> for Dispatcher {
    type Result = ResponseFuture<()>;

    /// Another node need not wait for the lease to run out.
    fn handle(&mut self, _msg: Stop, ctx: &mut Self::Context) -> Self::Result {
        ctx.stop();
        let (store, node) = (Arc::clone(&self.work.platform.store), self.work.node);
        Box::pin(async move {
            let write =
                async move |tx: &mut storage::db::Tx| leases::give_back(tx, LEASE_NAME, node).await;
            if let Err(err) = store.write(write).await {
                tracing::debug!(error = ?err, "the lease is left to run out");
            }
        })
    }
}

impl Handler<Observe<DispatcherState>> for Dispatcher {
    type Result = DispatcherState;

    fn handle(&mut self, _msg: Observe<DispatcherState>, _: &mut Self::Context) -> DispatcherState {
        *self.work.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    async fn run(&self) {
        let mut memory = Memory::default();
        let mut lease = Lease::default();
        loop {
            let longest = self.platform.clock.real(CYCLE_MAX).max(CYCLE_MIN);
            let _woken_or_due = tokio::time::timeout(longest, self.bell.0.notified()).await;
            match self.cycle(&mut memory, &mut lease).await {
                Ok(report) => self.note(report, lease.is_held),
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
        lease: &mut Lease,
    ) -> Result<CycleReport, StoreError> {
        let look = dispatch::look(&self.platform).await?;
        let places = self.update_fleet(&look);
        if !self.holds(lease).await? {
            // Another node plans; what it told is not what we remember.
            *memory = Memory::default();
            return Ok(CycleReport::default());
        }
        dispatch::cycle(&self.platform, &look, &places, memory, self.policy).await
    }

    /// Tells the fleet who carries whose orders, and reads where everybody is.
    fn update_fleet(&self, look: &dispatch::Look) -> Places {
        let now = self.platform.now();
        let mut work = work_of(look);
        let mut fleet = self.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        let mut places = Places::new();
        for duty in &look.riders {
            let seen = fleet.place(duty.rider_id, now).map(|(place, _)| place);
            let place = seen.unwrap_or(duty.place);
            places.insert(duty.rider_id, place);
            fleet.set_work(duty.rider_id, work.remove(&duty.rider_id).unwrap_or_default());
        }
        fleet.keep_only(|rider| places.contains_key(&rider));
        places
    }

    async fn holds(&self, lease: &mut Lease) -> Result<bool, StoreError> {
        let now = SystemClock::machine_time();
        if lease.is_held && now < lease.renew_at {
            return Ok(true);
        }
        let (node, until) = (self.node, now + LEASE);
        let write = async move |tx: &mut storage::db::Tx| {
            leases::take(tx, LEASE_NAME, node, now, until).await
        };
        lease.is_held = self.platform.store.write(write).await?;
        lease.renew_at = now + LEASE_RENEWED_EVERY;
        Ok(lease.is_held)
    }

    fn note(&self, report: CycleReport, is_leader: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.n_cycles += 1;
        state.n_offers += report.n_offers as u64;
        state.n_pooled += report.n_pooled as u64;
        state.n_beaten += report.n_beaten as u64;
        state.is_leader = is_leader;
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

#[derive(Debug)]
struct Lease {
    is_held: bool,
    renew_at: Timestamp,
}

impl Default for Lease {
    fn default() -> Self {
        Self { is_held: false, renew_at: Timestamp::from_ms(0) }
    }
}
