//! Where every rider of the platform is: plain data, fed by `loc.put` and by other nodes.
//!
//! A position touches the database only as one of the few of a delivery's track. What a node forgets
//! when it dies comes back with the next positions; until then a rider stands where SQL last saw him
//! for certain.

use std::{collections::HashMap, sync::Arc};

use domain::{
    clock::Timestamp,
    dispatch::rider_index::RiderIndex,
    geo::Place,
    geofence::{Approach, Fence},
    ids::{OrderId, RiderId},
    report::Report,
    sighting::{Sighting, Trail},
};
use serde::{Deserialize, Serialize};
use usecases::deliveries::StopKind;

/// Longest silence after which a position is no longer believed, in milliseconds.
pub const FIX_AGE_MAX_MS: i64 = 120_000;
/// An arrival that was not heard of in SQL after so long is told again, in milliseconds.
const TOLD_AGAIN_MS: i64 = 30_000;
/// Shortest time between two positions of a delivery's track, in milliseconds.
pub const TRACK_EVERY_MS: i64 = 10_000;
/// Who has moved less than this since the last position of the track stands still, in metres.
const TRACK_MOVED_M: f64 = 30.0;
/// Time between two positions of the track of somebody who stands still, in milliseconds.
const TRACK_STANDING_MS: i64 = 60_000;

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

impl Fix {
    /// The same in the words of the rules.
    pub const fn report(&self) -> Report {
        let Self { seq, lat, lng, hdg, spd, acc, t } = *self;
        Report { seq, lat, lng, hdg, spd, acc, t }
    }
}

/// A stop that a rider is on his way to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// Whose goods.
    pub order: OrderId,
    /// Which end.
    pub stop: StopKind,
    /// Where it is.
    pub place: Place,
}

/// What a rider does at present.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Work {
    /// Whose orders he carries: their parties watch him.
    pub carries: Vec<OrderId>,
    /// Where he is wanted next, for each of them.
    pub goals: Vec<Goal>,
}

/// A rider as the fleet knows him.
#[derive(Debug, Clone, Default)]
struct Tracked {
    seen: Option<Seen>,
    trail: Trail,
    carries: Arc<[OrderId]>,
    ways: Vec<Way>,
    sampled: Option<(Place, Timestamp)>,
}

/// A rider's way to one stop.
#[derive(Debug, Clone, Copy)]
struct Way {
    goal: Goal,
    approach: Approach,
    told_at: Option<Timestamp>,
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
    index: RiderIndex,
    fence: Fence,
}

/// What follows from a position that is believed.
#[derive(Debug, Clone, PartialEq)]
pub struct Believed {
    /// Orders whose parties watch this rider.
    pub orders: Arc<[OrderId]>,
    /// Stops that he has reached by it.
    pub reached: Vec<Goal>,
    /// Whether it belongs to the track of those orders.
    pub is_for_track: bool,
}

impl Fleet {
    /// An empty fleet whose riders arrive by `fence`.
    pub fn new(fence: Fence) -> Self {
        Self { fence, ..Self::default() }
    }

    /// Takes a position of a rider of this node in. `None` if it is older than one we have, is no
    /// place, or cannot be true as long as no others confirm it.
    ///
    /// What a device sends that has been replaced by another one is never believed, however long
    /// the other one is silent.
    pub fn put(
        &mut self,
        rider: RiderId,
        stamp: Stamp,
        fix: Fix,
        now: Timestamp,
    ) -> Option<Believed> {
        let place = Place::new(fix.lat, fix.lng).ok()?;
        let tracked = self.riders.entry(rider).or_default();
        if tracked.has_newer(stamp, fix.seq, now) {
            return None;
        }
        let sighting = Sighting::new(place, fix.acc, Timestamp::from_ms(fix.t), now);
        if !tracked.trail.believes(sighting) {
            return None;
        }
        tracked.seen = Some(Seen { stamp, fix, at: now });
        self.index.set(rider, place);
        let reached = tracked.reached(&self.fence, sighting);
        let is_for_track = tracked.is_for_track(place, now);
        Some(Believed { orders: Arc::clone(&tracked.carries), reached, is_for_track })
    }

    /// Takes a position in that another node has believed, and acted upon. `false` if we have a
    /// newer one.
    pub fn hear(&mut self, rider: RiderId, stamp: Stamp, fix: Fix, now: Timestamp) -> bool {
        let Ok(place) = Place::new(fix.lat, fix.lng) else { return false };
        let tracked = self.riders.entry(rider).or_default();
        if tracked.has_newer(stamp, fix.seq, now) {
            return false;
        }
        tracked.trail.trust(Sighting::new(place, fix.acc, Timestamp::from_ms(fix.t), now));
        tracked.seen = Some(Seen { stamp, fix, at: now });
        self.index.set(rider, place);
        true
    }

    /// Where a rider stands of whom no position is believed any more, or none yet.
    pub fn stand(&mut self, rider: RiderId, place: Place) {
        self.index.set(rider, place);
    }

    /// The `n` riders nearest to a place, the nearest first, each with his straight line in metres.
    pub fn nearest(&self, place: Place, n: usize) -> Vec<(RiderId, f64)> {
        self.index.nearest(place, n)
    }

    /// Where a rider was last seen, if that is not too long ago.
    pub fn place(&self, rider: RiderId, now: Timestamp) -> Option<(Place, Fix)> {
        let Seen { fix, at, .. } = self.riders.get(&rider)?.seen?;
        if now.ms_since(at) > FIX_AGE_MAX_MS {
            return None;
        }
        Place::new(fix.lat, fix.lng).ok().map(|place| (place, fix))
    }

    /// Notes whose orders a rider carries and where he is wanted. Ways that he is on already go on.
    pub fn set_work(&mut self, rider: RiderId, work: Work) {
        let tracked = self.riders.entry(rider).or_default();
        if *tracked.carries != *work.carries {
            tracked.carries = work.carries.into();
            tracked.sampled = None;
        }
        let way = |goal: Goal| {
            let known = tracked.ways.iter().find(|it| it.goal == goal).copied();
            known.unwrap_or(Way { goal, approach: Approach::default(), told_at: None })
        };
        let ways = work.goals.into_iter().map(way).collect();
        tracked.ways = ways;
    }

    /// Forgets everybody who is not in `working`.
    pub fn keep_only(&mut self, working: impl Fn(RiderId) -> bool) {
        let index = &mut self.index;
        self.riders.retain(|rider, _| {
            let stays = working(*rider);
            if !stays {
                index.remove(*rider);
            }
            stays
        });
    }

    /// Riders known.
    pub fn n_riders(&self) -> usize {
        self.riders.len()
    }
}

impl Tracked {
    fn has_newer(&self, stamp: Stamp, seq: u64, now: Timestamp) -> bool {
        self.seen.is_some_and(|known| {
            known.stamp.fence > stamp.fence
                || (known.stamp, known.fix.seq) >= (stamp, seq)
                    && now.ms_since(known.at) < FIX_AGE_MAX_MS
        })
    }

    /// Stops reached now, each told once, and again if nothing came of it.
    fn reached(&mut self, fence: &Fence, seen: Sighting) -> Vec<Goal> {
        let mut reached = Vec::new();
        for way in &mut self.ways {
            let has_arrived = way.approach.has_arrived(fence, way.goal.place, seen);
            let is_told = way.told_at.is_some_and(|it| seen.heard.ms_since(it) < TOLD_AGAIN_MS);
            if has_arrived && !is_told {
                way.told_at = Some(seen.heard);
                reached.push(way.goal);
            }
        }
        reached
    }

    fn is_for_track(&mut self, place: Place, now: Timestamp) -> bool {
        if self.carries.is_empty() {
            return false;
        }
        let is_due = self.sampled.is_none_or(|(last, at)| {
            let passed = now.ms_since(at);
            passed >= TRACK_STANDING_MS
                || passed >= TRACK_EVERY_MS && last.metres_to(place) >= TRACK_MOVED_M
        });
        if is_due {
            self.sampled = Some((place, now));
        }
        is_due
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
    fn who_stays_at_a_stop_reaches_it_once_and_again_if_nothing_came_of_it() {
        let (mut fleet, rider) = (Fleet::default(), RiderId::generate());
        let place = Place::new(31.2, 121.5).unwrap();
        let goal = Goal { order: OrderId::generate(), stop: StopKind::Pickup, place };
        let work = Work { carries: vec![goal.order], goals: vec![goal] };
        let mut reached = Vec::new();
        for second in 0..70 {
            // The dispatcher says the same each time that it looks.
            fleet.set_work(rider, work.clone());
            let now = NOON + Duration::from_secs(second);
            let believed = fleet.put(rider, FIRST, fix(second + 1), now).unwrap();
            assert_eq!(*believed.orders, [goal.order]);
            reached.extend(believed.reached.into_iter().map(|it| (second, it)));
        }
        assert_eq!(reached, [(20, goal), (50, goal)]);
        fleet.set_work(rider, Work { carries: vec![goal.order], goals: Vec::new() });
        let now = NOON + Duration::from_secs(90);
        assert_eq!(fleet.put(rider, FIRST, fix(99), now).unwrap().reached, []);
    }

    #[test]
    fn what_another_node_heard_is_believed_but_not_acted_upon_here() {
        let (mut fleet, rider) = (Fleet::default(), RiderId::generate());
        let place = Place::new(31.2, 121.5).unwrap();
        let goal = Goal { order: OrderId::generate(), stop: StopKind::Dropoff, place };
        fleet.set_work(rider, Work { carries: vec![goal.order], goals: vec![goal] });
        let away = Fix { lat: 31.3, ..fix(1) };
        assert!(fleet.put(rider, FIRST, away, NOON).is_some());
        let later = NOON + Duration::from_secs(1);
        assert_eq!(fleet.put(rider, FIRST, fix(2), later), None, "eleven kilometres in a second");
        assert_eq!(fleet.place(rider, later).map(|it| it.1.seq), Some(1));
        assert!(fleet.hear(rider, FIRST, fix(2), later), "the other node had its reasons");
        assert_eq!(fleet.place(rider, later).map(|it| it.1.seq), Some(2));
        assert!(!fleet.hear(rider, FIRST, fix(2), later), "we have it");
    }

    #[test]
    fn a_track_is_thin_and_thinner_where_the_rider_stands() {
        let (mut fleet, rider) = (Fleet::default(), RiderId::generate());
        let free = fleet.put(rider, FIRST, fix(1), NOON).unwrap();
        assert!(!free.is_for_track, "nobody waits for him");
        fleet.set_work(rider, Work { carries: vec![OrderId::generate()], goals: Vec::new() });
        let mut kept = Vec::new();
        for second in 1..=240_u32 {
            // Two minutes at 5 m/s, then he stands.
            let lat = 31.2 + f64::from(second.min(120)) * 5.0 / 111_195.0;
            let now = NOON + Duration::from_secs(second.into());
            let here = Fix { lat, ..fix(u64::from(second) + 1) };
            if fleet.put(rider, FIRST, here, now).unwrap().is_for_track {
                kept.push(second);
            }
        }
        let (moving, standing) = (kept.iter().filter(|it| **it <= 120).count(), kept.len());
        assert!((11..=13).contains(&moving), "{kept:?}");
        assert!(standing - moving <= 2, "{kept:?}");
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
