//! Orders for later: slots of a fixed length with room for so many orders, and when the kitchen begins.

use std::time::Duration;

use crate::{clock::Timestamp, policy::PREP_MIN_MAX};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// How fast a rider is taken to be when an order is released: metres of straight line in a minute.
const RELEASE_M_PER_MIN: u32 = 200;
/// What fetching and handing over take beside the way, in minutes.
const RELEASE_HANDOVER_MIN: u32 = 5;

/// How a store takes orders for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotRules {
    /// How long a slot is, in minutes: a divisor of a day.
    pub minutes: u32,
    /// How many orders fit into a slot; 0 takes no orders for later.
    pub capacity: u32,
    /// How many days ahead may be ordered.
    pub days_ahead: u32,
}

/// The order cannot be for then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlotRefusal {
    /// The store takes no orders for later.
    #[error("the store takes no orders for later")]
    NotOffered,
    /// No slot begins then.
    #[error("no slot begins then; the nearest one begins at {nearest}")]
    NoSlot {
        /// The last slot that begins before.
        nearest: Timestamp,
    },
    /// Kitchen and rider cannot make it by then.
    #[error("that is too soon; order for now, or for {earliest} or later")]
    TooSoon {
        /// The first slot that can be made.
        earliest: Timestamp,
    },
    /// Nobody plans so far ahead.
    #[error("that is too far ahead; order for {latest} at the latest")]
    TooFarAhead {
        /// The last instant that can be ordered for.
        latest: Timestamp,
    },
    /// As many orders as fit are for then.
    #[error("that slot is full; choose another one")]
    Full,
}

impl SlotRefusal {
    /// A stable name, for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotOffered => "not_offered",
            Self::NoSlot { .. } => "no_slot",
            Self::TooSoon { .. } => "too_soon",
            Self::TooFarAhead { .. } => "too_far_ahead",
            Self::Full => "full",
        }
    }
}

impl SlotRules {
    /// What holds when a store has said nothing: no orders for later.
    pub const NONE: Self = Self { minutes: 30, capacity: 0, days_ahead: 7 };
    /// Longest slot, in minutes.
    pub const MINUTES_MAX: u32 = 240;
    /// Most orders of a slot.
    pub const CAPACITY_MAX: u32 = 10_000;
    /// Most days ahead.
    pub const DAYS_MAX: u32 = 30;

    /// Whether these are rules that a store may have.
    pub const fn is_fine(self) -> bool {
        self.minutes >= 5
            && self.minutes <= Self::MINUTES_MAX
            && 1_440 % self.minutes == 0
            && self.capacity <= Self::CAPACITY_MAX
            && self.days_ahead >= 1
            && self.days_ahead <= Self::DAYS_MAX
    }

    fn length_ms(self) -> i64 {
        i64::from(self.minutes.max(1)) * MINUTE_MS
    }

    /// The first slot that begins at or after `at`.
    pub fn first_from(self, at: Timestamp) -> Timestamp {
        let length = self.length_ms();
        Timestamp::from_ms((at.ms() + length - 1).div_euclid(length) * length)
    }

    /// The slot after the one that begins at `slot`.
    pub fn next(self, slot: Timestamp) -> Timestamp {
        Timestamp::from_ms(slot.ms() + self.length_ms())
    }

    /// The last instant that can be ordered for.
    pub fn latest(self, at: Timestamp) -> Timestamp {
        Timestamp::from_ms(at.ms() + i64::from(self.days_ahead) * DAY_MS)
    }

    /// Checks that an order of now may be for `wanted`, and says when the kitchen is to work on it.
    ///
    /// # Errors
    ///
    /// [`SlotRefusal`] says when it may be for instead.
    pub fn release(
        self,
        wanted: Timestamp,
        at: Timestamp,
        prep_min: u32,
        way_m: u32,
    ) -> Result<Timestamp, SlotRefusal> {
        if self.capacity == 0 {
            return Err(SlotRefusal::NotOffered);
        }
        let latest = self.latest(at);
        if wanted > latest {
            return Err(SlotRefusal::TooFarAhead { latest });
        }
        let lead = lead(prep_min, way_m);
        let earliest = self.first_from(at + lead);
        if wanted < earliest {
            return Err(SlotRefusal::TooSoon { earliest });
        }
        if self.first_from(wanted) != wanted {
            let nearest = Timestamp::from_ms(self.first_from(wanted).ms() - self.length_ms());
            return Err(SlotRefusal::NoSlot { nearest });
        }
        Ok(Timestamp::from_ms(wanted.ms() - lead.as_millis() as i64))
    }
}

/// How long before the door the kitchen has to begin: its own time, and the rider's.
pub fn lead(prep_min: u32, way_m: u32) -> Duration {
    let minutes =
        prep_min.min(PREP_MIN_MAX) + way_m.div_ceil(RELEASE_M_PER_MIN) + RELEASE_HANDOVER_MIN;
    Duration::from_secs(u64::from(minutes) * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: SlotRules = SlotRules { minutes: 30, capacity: 2, days_ahead: 2 };
    // A full half hour.
    const NOON: Timestamp = Timestamp::from_ms(1_790_001_000_000);

    fn after(minutes: i64) -> Timestamp {
        Timestamp::from_ms(NOON.ms() + minutes * MINUTE_MS)
    }

    #[test]
    fn the_kitchen_begins_its_own_time_and_the_riders_before_the_slot() {
        assert_eq!(RULES.first_from(NOON), NOON, "the test begins with a slot");
        // 15 minutes of kitchen, 1 km in 5 minutes, 5 minutes of handing over.
        assert_eq!(RULES.release(after(60), NOON, 15, 1_000), Ok(after(35)));
        assert_eq!(RULES.release(after(30), NOON, 15, 1_000), Ok(after(5)));
        let soon = SlotRefusal::TooSoon { earliest: after(60) };
        assert_eq!(RULES.release(after(30), after(6), 15, 1_000), Err(soon));
    }

    #[test]
    fn only_slots_that_are_offered_can_be_had() {
        let release = |minutes| RULES.release(after(minutes), NOON, 15, 0);
        assert_eq!(release(61), Err(SlotRefusal::NoSlot { nearest: after(60) }));
        let latest = after(2 * 24 * 60);
        assert_eq!(release(2 * 24 * 60 + 30), Err(SlotRefusal::TooFarAhead { latest }));
        let none = SlotRules::NONE.release(after(60), NOON, 15, 0);
        assert_eq!(none, Err(SlotRefusal::NotOffered));
        for wrong in [(0, 1, 1), (7, 1, 1), (480, 1, 1), (30, 10_001, 1), (30, 1, 0)] {
            let (minutes, capacity, days_ahead) = wrong;
            assert!(!SlotRules { minutes, capacity, days_ahead }.is_fine(), "{wrong:?}");
        }
        assert!(RULES.is_fine() && SlotRules::NONE.is_fine());
    }
}
