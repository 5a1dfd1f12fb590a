//! Which device of a rider publishes his position, as this node knows it. Plain data behind a lock.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::ids::RiderId;
use storage::publishers::Publisher;

/// The publishers of riders who were seen here.
#[derive(Debug, Default)]
pub struct Publishers(Mutex<HashMap<RiderId, Publisher>>);

impl Publishers {
    /// A device took over; what is older than the known one is ignored.
    pub fn heard(&self, rider_id: RiderId, publisher: Publisher) {
        let mut known = self.known();
        if known.get(&rider_id).is_none_or(|it| it.fence < publisher.fence) {
            known.insert(rider_id, publisher);
        }
    }

    /// The fence with which a device may publish. As long as no device has claimed the position,
    /// any may.
    ///
    /// # Errors
    ///
    /// The device that publishes instead.
    pub fn fence_of(&self, rider_id: RiderId, device: &str) -> Result<u64, String> {
        match self.known().get(&rider_id) {
            None => Ok(0),
            Some(it) if it.device == device => Ok(it.fence),
            Some(it) => Err(it.device.clone()),
        }
    }

    /// Forgets everybody who is not here; who comes back brings what the store knows.
    pub fn keep_only(&self, is_here: impl Fn(RiderId) -> bool) {
        self.known().retain(|rider_id, _| is_here(*rider_id));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<RiderId, Publisher>> {
        // Each change is complete in itself, so a poisoned map is still a good one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher(device: &str, fence: u64) -> Publisher {
        Publisher { device: device.to_owned(), fence }
    }

    #[test]
    fn the_newest_claim_holds_in_whichever_order_they_are_heard() {
        let (publishers, rider) = (Publishers::default(), RiderId::generate());
        assert_eq!(publishers.fence_of(rider, "phone"), Ok(0), "nobody has claimed it");
        publishers.heard(rider, publisher("tablet", 2));
        publishers.heard(rider, publisher("phone", 1));
        assert_eq!(publishers.fence_of(rider, "tablet"), Ok(2));
        assert_eq!(publishers.fence_of(rider, "phone"), Err("tablet".to_owned()));
        publishers.heard(rider, publisher("phone", 3));
        assert_eq!(publishers.fence_of(rider, "phone"), Ok(3));
        publishers.keep_only(|_| false);
        assert_eq!(publishers.fence_of(rider, "tablet"), Ok(0));
    }
}
