//! Looks after riders who should fetch something: who is silent, or does not move towards the
//! store, loses what he has not picked up.

use std::collections::{HashMap, HashSet};

use domain::{
    clock::Timestamp,
    delivery_state::DeliveryState,
    geo::Place,
    ids::{OrderId, RiderId},
    progress::{Patience, Progress, Verdict},
    reason::Reason,
    role::Profile,
};
use storage::{deliveries::StoredDelivery, error::StoreError, presence};

use crate::{dispatch::Look, error::AskError, handing_on, platform::Platform};

/// Positions of riders that are fresh enough to be believed.
pub type Sightings = HashMap<RiderId, Place>;

/// What is remembered of riders on their way. Losing it only gives them more time.
#[derive(Debug, Default)]
pub struct Watches(HashMap<OrderId, (RiderId, Progress)>);

/// Looks at every rider who should fetch something in the regions that `is_ours` names, and takes off
/// what he does not fetch. Answers how many deliveries wait again.
///
/// # Errors
///
/// [`StoreError`] if the store fails.
pub async fn tend(
    platform: &Platform,
    look: &Look,
    seen: &Sightings,
    watches: &mut Watches,
    is_ours: &impl Fn(&str) -> bool,
) -> Result<usize, StoreError> {
    let now = platform.now();
    let patience =
        Patience { silent: platform.policy.rider_silent, standing: platform.policy.rider_standing };
    watches.take_in(look, seen, is_ours, now);
    let mut judged = watches.judge(patience, now);
    judged.retain(|(_, _, verdict)| *verdict != Verdict::Fine);
    if judged.is_empty() {
        return Ok(0);
    }
    watches.ask_presence(platform, &judged, now).await?;
    judged = watches.judge(patience, now);
    let mut n_taken_off = 0;
    for (order_id, rider_id, verdict) in judged {
        let reason = match verdict {
            Verdict::Silent { .. } => Reason::RiderSilent,
            Verdict::NotMoving { .. } => Reason::RiderNotMoving,
            Verdict::Fine => continue,
        };
        match handing_on::take_off(platform, rider_id, order_id, reason).await {
            Ok(true) => {
                tracing::info!(order.id = %order_id, %reason, "taken off its rider");
                n_taken_off += 1;
            }
            Ok(false) => {}
            Err(AskError::Store(err)) => return Err(err),
            // One order that is not as it should be must not keep the others waiting.
            Err(err) => tracing::warn!(order.id = %order_id, error = ?err, "not taken off"),
        }
        watches.0.remove(&order_id);
    }
    Ok(n_taken_off)
}

impl Watches {
    /// Connections are a sign of life as long as they last. Asked only about those who seem silent.
    async fn ask_presence(
        &mut self,
        platform: &Platform,
        judged: &[(OrderId, RiderId, Verdict)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let profiles: Vec<Profile> = judged.iter().map(|it| Profile::Rider(it.1)).collect();
        let states = presence::states(&mut platform.reader(), &profiles).await?;
        for (order_id, rider_id, _) in judged {
            let state = states.iter().find(|it| it.profile == Profile::Rider(*rider_id));
            if let (Some(state), Some((_, progress))) = (state, self.0.get_mut(order_id)) {
                progress.heard(if state.is_on { now } else { state.at });
            }
        }
        Ok(())
    }

    /// Notes what is seen now, and forgets what nobody is to be watched for any more.
    fn take_in(
        &mut self,
        look: &Look,
        seen: &Sightings,
        is_ours: &impl Fn(&str) -> bool,
        now: Timestamp,
    ) {
        let is_to_fetch = |it: &&StoredDelivery| {
            let state = it.delivery.state;
            is_ours(&it.region)
                && matches!(state, DeliveryState::Assigned | DeliveryState::ArrivedPickup)
        };
        let to_fetch: Vec<_> = look.deliveries.iter().filter(is_to_fetch).collect();
        let holders: HashMap<OrderId, Option<RiderId>> =
            to_fetch.iter().map(|it| (it.delivery.order_id, it.delivery.rider_id)).collect();
        self.0.retain(|order, (rider, _)| holders.get(order) == Some(&Some(*rider)));
        // At a store, or with goods for somebody: he comes when he can.
        let busy: HashSet<RiderId> = look
            .deliveries
            .iter()
            .filter(|it| it.delivery.state != DeliveryState::Assigned)
            .filter_map(|it| it.delivery.rider_id)
            .collect();
        for stored in to_fetch {
            let Some(rider_id) = stored.delivery.rider_id else { continue };
            let new = (rider_id, Progress::new(stored.assigned_at.unwrap_or(now)));
            let (_, progress) = self.0.entry(stored.delivery.order_id).or_insert(new);
            if let Some(place) = seen.get(&rider_id) {
                progress.seen(nearest_m(look, rider_id, *place), stored.ready_at, now);
            }
            if busy.contains(&rider_id) {
                progress.is_busy();
            }
        }
    }

    fn judge(&self, patience: Patience, now: Timestamp) -> Vec<(OrderId, RiderId, Verdict)> {
        let judged = |(order, (rider, progress)): (&OrderId, &(RiderId, Progress))| {
            (*order, *rider, progress.verdict(patience, now))
        };
        self.0.iter().map(judged).collect()
    }
}

/// Metres to the nearest store that the rider is to fetch something from: with several, it is up to
/// him and his route which is the first.
fn nearest_m(look: &Look, rider_id: RiderId, place: Place) -> f64 {
    let his = look.deliveries.iter().filter(|it| {
        it.delivery.rider_id == Some(rider_id) && it.delivery.state == DeliveryState::Assigned
    });
    his.map(|it| place.metres_to(it.pickup)).fold(f64::INFINITY, f64::min)
}
