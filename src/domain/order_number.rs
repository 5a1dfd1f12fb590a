//! The short number by which people call an order, and the days on which it counts.

use std::fmt;

use crate::{clock::Timestamp, geo::Place};

const DAY_MS: i64 = 24 * HOUR_MS;
const HOUR_MS: i64 = 3_600_000;
/// Degrees of longitude that make an hour.
const HOUR_DEGREES: f64 = 15.0;

/// The how-manieth order of a store's day it is: 1 for the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderNumber(u32);

impl OrderNumber {
    /// A number from the store's count; `None` for 0.
    pub const fn new(no: u32) -> Option<Self> {
        if no == 0 { None } else { Some(Self(no)) }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:04}", self.0)
    }
}

/// How far the clocks around `place` are ahead of UTC, by the sun, in milliseconds.
pub fn ahead_ms(place: Place) -> i64 {
    (place.lng() / HOUR_DEGREES).round() as i64 * HOUR_MS
}

/// When the day of `at` began around `place`.
pub fn day_start(place: Place, at: Timestamp) -> Timestamp {
    let ahead = ahead_ms(place);
    let local = at.ms() + ahead;
    Timestamp::from_ms(local - local.rem_euclid(DAY_MS) - ahead)
}

/// The day of `at` around `place`, as year, month and day in digits.
pub fn day_name(place: Place, at: Timestamp) -> String {
    let (year, month, day) = civil((at.ms() + ahead_ms(place)).div_euclid(DAY_MS));
    format!("{year:04}{month:02}{day:02}")
}

/// `2026-11-20 17:05` around `place`.
pub fn local_time(place: Place, at: Timestamp) -> String {
    let local = at.ms() + ahead_ms(place);
    let (year, month, day) = civil(local.div_euclid(DAY_MS));
    let minute = local.rem_euclid(DAY_MS) / 60_000;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minute / 60, minute % 60)
}

/// Year, month and day of the day `n` after the first of 1970: years begin in March, so that the odd
/// day comes last.
const fn civil(n: i64) -> (i64, i64, i64) {
    const ERA_DAYS: i64 = 146_097;
    let from_march = n + 719_468;
    let (era, of_era) = (from_march.div_euclid(ERA_DAYS), from_march.rem_euclid(ERA_DAYS));
    let years = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = years + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_or_more() {
        let shown = |no| OrderNumber::new(no).map(|it| it.to_string());
        assert_eq!((shown(0), shown(42)), (None, Some("#0042".to_owned())));
        assert_eq!(shown(12_345), Some("#12345".to_owned()));
    }

    #[test]
    fn a_stores_day_begins_at_its_own_midnight() {
        let place = |lng| Place::new(31.2, lng).expect("on earth");
        // 2028-02-29 17:30 UTC.
        let at = Timestamp::from_ms(1_835_458_200_000);
        assert_eq!(day_name(place(0.0), at), "20280229");
        assert_eq!(day_name(place(121.5), at), "20280301");
        assert_eq!(local_time(place(121.5), at), "2028-03-01 01:30");
        assert_eq!(day_name(place(-74.0), at), "20280229");
        let start = day_start(place(121.5), at);
        assert_eq!(at.ms_since(start), 90 * 60_000);
        assert_eq!(day_name(place(121.5), start), "20280301");
        let before = Timestamp::from_ms(start.ms() - 1);
        assert_eq!(day_name(place(121.5), before), "20280229");
    }
}
