//! Measured legs that are remembered for a while, in bounded memory.

use std::collections::HashMap;

use domain::geo::Place;

/// A measured leg is believed for at least half of this and no longer than all of it, in milliseconds.
pub(super) const LIFETIME_MS: i64 = 30 * 60_000;
/// Twice as many legs are remembered at most.
const LEGS_MAX: usize = 200_000;
/// Ten-thousandths of a degree, about 11 m: how exact stops are.
const STEPS_PER_DEGREE: f64 = 10_000.0;
/// Riders are on the move: so many steps are one, about 110 m.
const RIDER_STEPS: i32 = 10;

/// A rounded place: ten-thousandths of a degree north and east.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Cell(i32, i32);

impl Cell {
    /// The place of a store or a door.
    pub(super) fn of_stop(place: Place) -> Self {
        let steps = |degrees: f64| (degrees * STEPS_PER_DEGREE).round() as i32;
        Self(steps(place.lat()), steps(place.lng()))
    }

    /// The place of a rider: less exact, so that he is measured again only when he has moved.
    pub(super) fn of_rider(place: Place) -> Self {
        let rough = |steps: i32| (f64::from(steps) / f64::from(RIDER_STEPS)).round() as i32;
        let Self(lat, lng) = Self::of_stop(place);
        Self(rough(lat) * RIDER_STEPS, rough(lng) * RIDER_STEPS)
    }

    /// Its middle.
    pub(super) fn middle(self, near: Place) -> Place {
        let degrees = |steps: i32, max: f64| (f64::from(steps) / STEPS_PER_DEGREE).clamp(-max, max);
        Place::new(degrees(self.0, 90.0), degrees(self.1, 180.0)).unwrap_or(near)
    }
}

/// From where to where, on the roads of which profile.
pub(super) type Leg = (u8, Cell, Cell);

/// Legs in two generations: the older one is dropped as a whole.
#[derive(Debug, Default)]
pub(super) struct Known {
    young: HashMap<Leg, Option<i32>>,
    old: HashMap<Leg, Option<i32>>,
    turned_at: i64,
}

impl Known {
    /// Forgets what is too old. Times are milliseconds on the caller's clock.
    pub(super) fn forget_old(&mut self, now: i64) {
        let age = now - self.turned_at;
        if age >= LIFETIME_MS {
            (self.young, self.old) = (HashMap::new(), HashMap::new());
            self.turned_at = now;
        } else if age >= LIFETIME_MS / 2 {
            self.turn(now);
        }
    }

    fn turn(&mut self, now: i64) {
        self.old = std::mem::take(&mut self.young);
        self.turned_at = now;
    }

    /// What is known of a leg: its time, or that there is none; `None` if it was not measured.
    pub(super) fn get(&self, leg: &Leg) -> Option<Option<i64>> {
        let found = self.young.get(leg).or_else(|| self.old.get(leg))?;
        Some(found.map(i64::from))
    }

    /// Remembers a leg.
    pub(super) fn put(&mut self, leg: Leg, ms: Option<i64>, now: i64) {
        if self.young.len() >= LEGS_MAX {
            self.turn(now);
        }
        self.young.insert(leg, ms.and_then(|it| i32::try_from(it).ok()));
    }

    /// How many legs are known.
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(n: i32) -> Leg {
        (0, Cell(n, 0), Cell(0, n))
    }

    #[test]
    fn a_leg_is_believed_for_its_lifetime_and_no_longer() {
        let mut known = Known::default();
        known.put(leg(1), Some(7), 0);
        known.put(leg(2), None, 0);
        known.forget_old(LIFETIME_MS / 2);
        known.put(leg(3), Some(9), LIFETIME_MS / 2);
        let all = [1, 2, 3, 4].map(|n| known.get(&leg(n)));
        assert_eq!(all, [Some(Some(7)), Some(None), Some(Some(9)), None]);
        known.forget_old(LIFETIME_MS);
        assert_eq!([1, 2, 3].map(|n| known.get(&leg(n))), [None, None, Some(Some(9))]);
        known.forget_old(4 * LIFETIME_MS);
        assert_eq!(known.len(), 0, "nothing survives a long silence");
    }

    #[test]
    fn memory_is_bounded() {
        let mut known = Known::default();
        for n in 0..3 * LEGS_MAX as i32 {
            known.put(leg(n), Some(1), 0);
        }
        assert!(known.len() <= 2 * LEGS_MAX, "{}", known.len());
        assert!(known.get(&leg(3 * LEGS_MAX as i32 - 1)).is_some());
    }

    #[test]
    fn a_rider_who_moves_a_little_is_not_measured_again() {
        let place = Place::new(31.2001, 121.5001).unwrap();
        let moved = place.offset(20.0, -20.0);
        assert_eq!(Cell::of_rider(place), Cell::of_rider(moved));
        assert_ne!(Cell::of_stop(place), Cell::of_stop(moved));
        assert!(Cell::of_rider(place).middle(place).metres_to(place) < 80.0);
        assert!(Cell::of_stop(moved).middle(place).metres_to(moved) < 8.0);
    }
}
