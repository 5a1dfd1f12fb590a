//! Claims of one node alone: the twin of `lua/claim.lua`.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use domain::ids::{OrderId, RiderId};
use futures_util::{FutureExt as _, future::BoxFuture, future::ready};

use super::{CLAIM_HOLDS, Claimed, Claims};

/// Claims beyond this number make us look for those that have ended.
const SWEPT_FROM: usize = 1_024;

/// Who claims what, and until when.
#[derive(Debug, Default)]
pub struct InProcessClaims(Mutex<HashMap<OrderId, (RiderId, Instant)>>);

impl InProcessClaims {
    fn claims(&self) -> MutexGuard<'_, HashMap<OrderId, (RiderId, Instant)>> {
        // Each change is complete in itself, so a poisoned map is still a good one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claims for InProcessClaims {
    fn take(&self, order: OrderId, rider: RiderId) -> BoxFuture<'_, Claimed> {
        let (mut claims, now) = (self.claims(), Instant::now());
        if claims.len() >= SWEPT_FROM {
            claims.retain(|_, (_, until)| *until > now);
        }
        let claimed = match claims.get(&order) {
            Some((holder, until)) if *until > now && *holder == rider => Claimed::AlreadyYours,
            Some((_, until)) if *until > now => Claimed::Lost,
            _ => {
                claims.insert(order, (rider, now + CLAIM_HOLDS));
                Claimed::Won
            }
        };
        ready(claimed).boxed()
    }

    fn free(&self, order: OrderId, rider: RiderId) -> BoxFuture<'_, ()> {
        let mut claims = self.claims();
        if claims.get(&order).is_some_and(|(holder, _)| *holder == rider) {
            claims.remove(&order);
        }
        ready(()).boxed()
    }
}
