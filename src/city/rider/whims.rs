//! What an unruly rider takes into his head: decided by dice, so that a day can be played again.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// Of the offers that an unruly rider does not just take: one in so many each.
const WAYS: usize = 6;
/// Whims that come by themselves, for each minute of the server's clock and a rider who is all unruly.
const WHIMS_A_MINUTE: f64 = 0.08;
/// Answers at the last moment come at most so long before or after the deadline, in milliseconds.
const LAST_MOMENT_MS: i64 = 3_000;
/// Shortest and longest time that a whim lasts, in milliseconds: short enough to come back in time,
/// and long enough to lose what was not fetched.
const SPAN_MS: (i64, i64) = (60_000, 9 * 60_000);
const MINUTE_MS: f64 = 60_000.0;

/// What becomes of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// He takes it as it comes.
    Fair,
    /// He says no.
    Declines,
    /// He says nothing.
    Ignores,
    /// He says yes, so many milliseconds from the deadline, before it or after it.
    LastMoment(i64),
    /// He loses his connection, and says yes when he is back.
    Vanishes(i64),
    /// He goes off duty while he is asked, for so long.
    GoesOff(i64),
}

/// What a rider does out of the blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whim {
    /// No connection and no position, for so long.
    Vanish(i64),
    /// Connected, but without a position, for so long.
    Mute(i64),
    /// Tells where he is, and stays there for so long.
    Stand(i64),
    /// Off duty, or on a break if he carries something, for so long.
    GoOff(i64),
    /// Hands on one delivery that he has not fetched.
    HandOn,
}

/// See the file's head.
#[derive(Debug)]
pub(super) struct Whims {
    share: f64,
    dice: StdRng,
}

impl Whims {
    /// `share` from 0, never, to 1, as often as can be.
    pub(super) fn new(share: f64, seed: u64) -> Self {
        // Other dice than those for everything else, so that these do not change those.
        Self { share, dice: StdRng::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)) }
    }

    fn span(&mut self) -> i64 {
        self.dice.random_range(SPAN_MS.0..=SPAN_MS.1)
    }

    /// How he takes an offer.
    pub(super) fn mood(&mut self) -> Mood {
        if self.share <= 0.0 || !self.dice.random_bool(self.share) {
            return Mood::Fair;
        }
        match self.dice.random_range(0..WAYS) {
            0 | 1 => Mood::Declines,
            2 => Mood::Ignores,
            3 => Mood::LastMoment(self.dice.random_range(-LAST_MOMENT_MS..=LAST_MOMENT_MS)),
            4 => Mood::Vanishes(self.span()),
            _ => Mood::GoesOff(self.span()),
        }
    }

    /// What he does in `passed_ms` without being asked.
    pub(super) fn whim(&mut self, passed_ms: i64) -> Option<Whim> {
        let chance = self.share * WHIMS_A_MINUTE * passed_ms as f64 / MINUTE_MS;
        if chance <= 0.0 || !self.dice.random_bool(chance.min(1.0)) {
            return None;
        }
        Some(match self.dice.random_range(0..6) {
            0 => Whim::Vanish(2 * self.span()),
            1 => Whim::Mute(self.span()),
            2 => Whim::Stand(self.span()),
            3 => Whim::GoOff(self.span()),
            _ => Whim::HandOn,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_unruly_has_no_whims_and_who_is_has_all_of_them() {
        let mut calm = Whims::new(0.0, 1);
        assert!((0..1_000).all(|_| calm.mood() == Mood::Fair && calm.whim(60_000).is_none()));
        let mut wild = Whims::new(1.0, 1);
        let moods: Vec<Mood> = (0..200).map(|_| wild.mood()).collect();
        assert!(!moods.contains(&Mood::Fair));
        assert!(moods.iter().any(|it| matches!(it, Mood::LastMoment(ms) if *ms >= 0)));
        assert!(moods.iter().any(|it| matches!(it, Mood::GoesOff(_))));
        let whims: Vec<Whim> = (0..5_000).filter_map(|_| wild.whim(60_000)).collect();
        assert!((200..700).contains(&whims.len()), "{} in 5000 minutes", whims.len());
        assert!(whims.contains(&Whim::HandOn));
    }

    #[test]
    fn the_same_seed_has_the_same_whims() {
        let day = |seed| {
            let mut whims = Whims::new(0.5, seed);
            (0..500).map(|_| (whims.mood(), whims.whim(30_000))).collect::<Vec<_>>()
        };
        assert_eq!(day(7), day(7));
        assert_ne!(day(7), day(8));
    }
}
