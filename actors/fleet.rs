//! Where every rider of the platform is: plain data, fed by `loc.put` and by other nodes.
//!
//! Positions never touch the database. What a node forgets when it dies comes back with the next
//! positions; until then a rider stands where SQL last saw him for certain.

use std::collections::HashMap;

use domain::{
    clock::Timestamp,
    geo::Place,
    ids::{OrderId, RiderId},
};
use serde::{Deserialize, Serialize};

/// Longest silence after which a position is no longer believed, in milliseconds.
pub const FIX_AGE_MAX_MS: i64 = 120_000;

/// One position of a rider, as `loc.put` brings it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Fix {
    /// Rises with each position of a connection; older ones are dropped.
    pub seq: u64,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
    /// Heading in degrees from north, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdg: Option<f64>,
    /// Speed in metres a second, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spd: Option<f64>,
    /// Radius of uncertainty in metres, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acc: Option<f64>,
    /// When the device measured it, in UTC milliseconds.
    pub t: i64,
}

/// What one node tells the others about a rider's position.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FleetNews {
    /// The rider's id without its prefix.
    pub rider: u128,
    /// Where he is.
    pub fix: Fix,
}

/// A rider as the fleet knows him.
#[derive(Debug, Clone, Default)]
struct Tracked {
    seen: Option<Seen>,
    carries: Vec<OrderId>,
    region: String,
}

/// Which positions of a rider count more: first those of the newer publisher, then those of the
/// newer connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Rises each time another device takes over; 0 as long as none has claimed the position.
    pub fence: u64,
    /// When the connection began: an app that starts again counts its positions from one again.
    pub series: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    stamp: Stamp,
    fix: Fix,
    at: Timestamp,
}

/// The last position of each rider, and whose orders he carries.
#[derive(Debug, Default)]
pub struct Fleet {
    riders: HashMap<RiderId, Tracked>,
}

/// Who should see a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewers {
    /// Orders whose parties watch this rider.
    pub orders: Vec<OrderId>,
    /// Region whose operators watch him; empty if he is not on duty.
    pub region: String,
}

impl Fleet {
    /// Takes a position in. `None` if it is older than one we have, or is no place.
    ///
    /// What a device sends that has been replaced by another one is never believed, however long
    /// the other one is silent.
    pub fn put(
        &mut self,
        rider: RiderId,
        stamp: Stamp,
        fix: Fix,
        now: Timestamp,
    ) -> Option<Viewers> {
        Place::new(fix.lat, fix.lng).ok()?;
        let tracked = self.riders.entry(rider).or_default();
        if let Some(known) = tracked.seen
            && (known.stamp.fence > stamp.fence
                || (known.stamp, known.fix.seq) >= (stamp, fix.seq)
                    && now.ms_since(known.at) < FIX_AGE_MAX_MS)
        {
            return None;
        }
        tracked.seen = Some(Seen { stamp, fix, at: now });
        Some(Viewers { orders: tracked.carries.clone(), region: tracked.region.clone() })
    }

    /// Where a rider was last seen, if that is not too long ago.
    pub fn place(&self, rider: RiderId, now: Timestamp) -> Option<(Place, Fix)> {
        let Seen { fix, at, .. } = self.riders.get(&rider)?.seen?;
        if now.ms_since(at) > FIX_AGE_MAX_MS {
            return None;
        }
        Place::new(fix.lat, fix.lng).ok().map(|place| (place, fix))
    }

    /// Notes whose orders a rider carries and which operators watch him.
    pub fn set_work(&mut self, rider: RiderId, carries: Vec<OrderId>, region: String) {
        let tracked = self.riders.entry(rider).or_default();
        tracked.carries = carries;
        tracked.region = region;
    }

    /// Forgets everybody who is not in `working`.
    pub fn keep_only(&mut self, working: impl Fn(RiderId) -> bool) {
        self.riders.retain(|rider, _| working(*rider));
    }

    /// Riders known.
    pub fn n_riders(&self) -> usize {
        self.riders.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);
    const FIRST: Stamp = Stamp { fence: 0, series: NOON };

    #[test]
    fn a_device_that_was_replaced_is_never_believed_again() {
        let mut fleet = Fleet::default();
        let rider = RiderId::generate();
        let (old, new) =
            (Stamp { fence: 1, ..FIRST }, Stamp { fence: 2, series: Timestamp::from_ms(0) });
        assert!(fleet.put(rider, old, fix(900), NOON).is_some());
        assert!(fleet.put(rider, new, fix(1), NOON).is_some(), "a newer claim, an older series");
        assert_eq!(fleet.put(rider, old, fix(901), NOON), None);
        let later = NOON + Duration::from_secs(600);
        assert_eq!(fleet.put(rider, old, fix(999), later), None, "not after a long silence either");
        assert!(fleet.put(rider, new, fix(2), later).is_some());
    }

    fn fix(seq: u64) -> Fix {
        Fix { seq, lat: 31.2, lng: 121.5, hdg: None, spd: None, acc: None, t: 0 }
    }

    #[test]
    fn an_older_position_does_not_replace_a_newer_one() {
        let mut fleet = Fleet::default();
        let rider = RiderId::generate();
        assert!(fleet.put(rider, FIRST, fix(2), NOON).is_some());
        assert_eq!(fleet.put(rider, FIRST, fix(1), NOON), None);
        assert_eq!(fleet.put(rider, FIRST, fix(2), NOON), None, "the same one twice");
        assert!(fleet.put(rider, FIRST, fix(3), NOON).is_some());
    }

    #[test]
    fn a_device_that_starts_counting_afresh_is_believed_after_a_silence() {
        let mut fleet = Fleet::default();
        let rider = RiderId::generate();
        fleet.put(rider, FIRST, fix(900), NOON);
        let later = NOON + Duration::from_secs(121);
        assert_eq!(fleet.place(rider, later), None, "too old to be believed");
        assert!(fleet.put(rider, FIRST, fix(1), later).is_some());
    }

    #[test]
    fn an_app_that_starts_again_is_believed_at_once() {
        let mut fleet = Fleet::default();
        let (rider, restarted) = (RiderId::generate(), NOON + Duration::from_secs(3));
        assert!(fleet.put(rider, FIRST, fix(900), NOON).is_some());
        assert!(
            fleet.put(rider, Stamp { series: restarted, ..FIRST }, fix(1), restarted).is_some()
        );
        assert_eq!(fleet.put(rider, FIRST, fix(901), restarted), None, "from the old connection");
        assert_eq!(fleet.place(rider, restarted).map(|(_, fix)| fix.seq), Some(1));
    }

    #[test]
    fn nonsense_is_not_a_position() {
        let mut fleet = Fleet::default();
        let nowhere = Fix { lat: f64::NAN, ..fix(1) };
        assert_eq!(fleet.put(RiderId::generate(), FIRST, nowhere, NOON), None);
    }
}
