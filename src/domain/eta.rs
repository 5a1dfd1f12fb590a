//! When somebody is expected: a range, told anew only when it has really moved.
//!
//! The guess of each moment wavers with every position. It is smoothed, and the parties hear of it
//! when it moves by more than [`DRIFT_MS`] and not more often than once in [`TOLD_EVERY_MS`].

/// An estimate is told again when it moves by this or more, in milliseconds.
pub const DRIFT_MS: i64 = 60_000;
/// Shortest time between two estimates of one order that are told, in milliseconds.
pub const TOLD_EVERY_MS: i64 = 60_000;
/// A delay is told again when it has grown by this, in milliseconds.
pub const DELAY_STEP_MS: i64 = 10 * 60_000;
/// Time in which a guess follows about two thirds of a change, in milliseconds.
const SMOOTHED_OVER_MS: f64 = 20_000.0;
/// A guess that moves farther than this at once has a reason, and is followed at once.
const LEAP_MS: f64 = 240_000.0;

/// Shares of the way ahead that one may be earlier and later, and at least, in milliseconds.
const EARLIER: (f64, i64) = (0.2, 60_000);
const LATER: (f64, i64) = (0.3, 120_000);
/// What each stop before it adds to the later end, in milliseconds.
const LATER_PER_STOP_MS: i64 = 60_000;
/// What a kitchen that is not done adds to the later end, in milliseconds.
const LATER_KITCHEN_MS: i64 = 180_000;

/// A guess of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guess {
    /// The expected arrival, in UTC milliseconds.
    pub at: i64,
    /// Stops that come before it.
    pub n_before: u32,
    /// Whether a kitchen on the way there is not done.
    pub waits_for_kitchen: bool,
}

/// An arrival as people are told it, in UTC milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The best guess.
    pub at: i64,
    /// The earliest sensible guess.
    pub low: i64,
    /// The latest sensible guess.
    pub high: i64,
}

impl Expected {
    fn new(at: i64, guess: Guess, now: i64) -> Self {
        let at = at.max(now);
        let ahead = (at - now) as f64;
        let part = |(share, least): (f64, i64)| ((ahead * share) as i64).max(least);
        let kitchen = if guess.waits_for_kitchen { LATER_KITCHEN_MS } else { 0 };
        let later = part(LATER) + LATER_PER_STOP_MS * i64::from(guess.n_before) + kitchen;
        Self { at, low: (at - part(EARLIER)).max(now), high: at + later }
    }
}

/// A guess that is smoothed over time.
#[derive(Debug, Clone, Copy, Default)]
struct Smooth {
    /// The smoothed arrival, when it was reckoned, and what came before it then.
    value: Option<(f64, i64, u32)>,
}

impl Smooth {
    fn follow(&mut self, guess: Guess, now: i64) -> i64 {
        let raw = guess.at as f64;
        let value = match self.value {
            Some((old, at, n_before)) if n_before == guess.n_before => {
                let passed = (now - at).max(0) as f64;
                let step = 1.0 - (-passed / SMOOTHED_OVER_MS).exp();
                if (raw - old).abs() > LEAP_MS { raw } else { old + (raw - old) * step }
            }
            _ => raw,
        };
        self.value = Some((value, now, guess.n_before));
        value.round() as i64
    }
}

/// What the parties of an order are told: the arrival at the door, and at the store while the goods
/// are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// At the door.
    pub door: Expected,
    /// At the store; `None` once the rider has been there.
    pub store: Option<Expected>,
}

/// The estimates of one order over time.
#[derive(Debug, Clone, Copy)]
pub struct EtaFeed {
    door: Smooth,
    store: Smooth,
    told: Option<Told>,
    /// Nothing is told before then.
    quiet_until: i64,
}

impl EtaFeed {
    /// Begins; nothing is told before `quiet_until`.
    pub const fn new(quiet_until: i64) -> Self {
        let smooth = Smooth { value: None };
        Self { door: smooth, store: smooth, told: None, quiet_until }
    }

    /// Takes the guesses of this moment in; answers what holds now, and whether it is to be told.
    pub fn follow(&mut self, door: Guess, store: Option<Guess>, now: i64) -> (Told, bool) {
        let store = store.map(|it| Expected::new(self.store.follow(it, now), it, now));
        let door = Expected::new(self.door.follow(door, now), door, now);
        let held = Told { door, store };
        let is_news = self.told.is_none_or(|old| {
            let has_moved =
                |old: Expected, new: Expected| (old.at.max(now) - new.at).abs() >= DRIFT_MS;
            let store_moved = old.store.zip(store).is_some_and(|(old, new)| has_moved(old, new));
            has_moved(old.door, door) || store_moved
        });
        if !is_news || now < self.quiet_until {
            return (held, false);
        }
        self.told = Some(held);
        self.quiet_until = now + TOLD_EVERY_MS;
        (held, true)
    }

    /// What was told last, with the arrival at the door.
    pub fn door_told(&self) -> Option<Expected> {
        self.told.map(|it| it.door)
    }
}

/// How late an order will be at least, if its parties must be told: `low` is the earliest sensible
/// arrival, `told` the delay that was told last. All in milliseconds.
pub fn delay_to_tell(low: i64, promised_at: i64, told: Option<i64>) -> Option<i64> {
    let late = low - promised_at;
    let is_news = late > 0 && told.is_none_or(|told| late >= told + DELAY_STEP_MS);
    is_news.then_some(late)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: i64 = 1_790_000_000_000;
    const MINUTE: i64 = 60_000;

    fn at(minutes: i64) -> Guess {
        Guess { at: NOON + minutes * MINUTE, n_before: 0, waits_for_kitchen: false }
    }

    #[test]
    fn noise_is_not_told_and_a_real_drift_is_told_once() {
        let mut feed = EtaFeed::new(0);
        assert!(feed.follow(at(20), None, NOON).1, "the first one");
        for n in 1..200 {
            let noise = if n % 2 == 0 { 25_000 } else { -25_000 };
            let guess = Guess { at: at(20).at + noise, ..at(20) };
            assert!(!feed.follow(guess, None, NOON + n * 3_000).1, "{n}");
        }
        let later = NOON + 10 * MINUTE;
        let told = (0..60).filter(|n| feed.follow(at(22), None, later + n * 3_000).1);
        assert_eq!(told.count(), 1, "two minutes later: told once");
        assert!((feed.door_told().expect("told").at - at(22).at).abs() < MINUTE);
    }

    #[test]
    fn the_range_holds_the_guess_and_never_begins_in_the_past() {
        let mut feed = EtaFeed::new(0);
        let (held, _) = feed.follow(at(20), Some(at(8)), NOON);
        assert!(held.door.low < held.door.at && held.door.at < held.door.high);
        assert_eq!(held.store.map(|it| it.at), Some(at(8).at));
        let (late, _) = feed.follow(at(-5), None, NOON + MINUTE);
        assert!(late.door.low >= NOON + MINUTE, "{late:?}");
        let open = Guess { waits_for_kitchen: true, n_before: 2, ..at(20) };
        let (unsure, _) = EtaFeed::new(0).follow(open, None, NOON);
        assert!(unsure.door.high > held.door.high, "more can happen before it");
    }

    #[test]
    fn a_stop_more_is_followed_at_once_but_told_in_time() {
        let mut feed = EtaFeed::new(0);
        feed.follow(at(20), None, NOON);
        let more = Guess { n_before: 1, ..at(23) };
        let (held, is_told) = feed.follow(more, None, NOON + 1_000);
        assert_eq!((held.door.at, is_told), (at(23).at, false));
        assert!(feed.follow(more, None, NOON + TOLD_EVERY_MS).1);
    }

    #[test]
    fn a_delay_is_told_once_and_again_only_when_it_has_grown() {
        let promised = NOON + 40 * MINUTE;
        assert_eq!(delay_to_tell(promised, promised, None), None);
        assert_eq!(delay_to_tell(promised + 1, promised, None), Some(1));
        assert_eq!(delay_to_tell(promised + 9 * MINUTE, promised, Some(1)), None);
        let grown = promised + 11 * MINUTE;
        assert_eq!(delay_to_tell(grown, promised, Some(MINUTE)), Some(11 * MINUTE));
    }

    proptest! {
        #[test]
        fn never_more_than_one_is_told_in_a_minute(
            guesses in prop::collection::vec((0..3_600_000_i64, 0..3_u32, 0..20_000_i64), 1..300),
        ) {
            let (mut feed, mut now, mut last) = (EtaFeed::new(NOON), NOON, None);
            for (ahead, n_before, passes) in guesses {
                now += passes;
                let guess = Guess { at: now + ahead, n_before, waits_for_kitchen: false };
                let (held, is_told) = feed.follow(guess, None, now);
                prop_assert!(now <= held.door.low && held.door.low <= held.door.at);
                prop_assert!(held.door.at < held.door.high);
                if is_told {
                    prop_assert!(last.is_none_or(|it| now - it >= TOLD_EVERY_MS));
                    last = Some(now);
                }
            }
        }
    }
}
