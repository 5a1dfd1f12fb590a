//! What speaks for or against a rider besides where he is, in minutes of handicap.
//!
//! Only differences between riders matter: the best of them has none.

use super::weights::MINUTE_MS;

/// So many answers to offers are needed before they weigh half of what a long history would.
const ANSWERS_FOR_HALF: f64 = 4.0;
/// Whoever has waited for this long waits no more urgently later.
const IDLE_MAX_MS: i64 = 60 * MINUTE_MS;
/// Work is compared by the hour; less time on duty than this counts as this.
const ON_DUTY_MIN_MS: i64 = 30 * MINUTE_MS;

/// What handicaps are made of, each in minutes of one customer's waiting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scoring {
    /// Somebody who declines every offer, against somebody who takes every one.
    pub declining: f64,
    /// Somebody who leaves every offer unanswered, against somebody who takes every one.
    pub silence: f64,
    /// Each offer in a row that was left unanswered last.
    pub silence_in_a_row: f64,
    /// Somebody who has just got work, against somebody who has waited for an hour.
    pub idle: f64,
    /// Somebody who gets twice as much an hour as the others on average, against one who gets as much as they.
    pub fairness: f64,
}

impl Default for Scoring {
    fn default() -> Self {
        Self { declining: 3.0, silence: 6.0, silence_in_a_row: 1.0, idle: 1.0, fairness: 1.0 }
    }
}

/// What is known of one rider at work.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Record {
    /// Offers he took; older ones count less.
    pub n_taken: f64,
    /// Offers he declined; older ones count less.
    pub n_declined: f64,
    /// Offers he left unanswered; older ones count less.
    pub n_silent: f64,
    /// Offers in a row that he left unanswered last.
    pub n_silent_in_a_row: u32,
    /// How long he has had no work; zero while he has some.
    pub idle_ms: i64,
    /// How long he has been on duty this time.
    pub on_duty_ms: i64,
    /// Deliveries that he got in that time.
    pub n_jobs: u32,
    /// What he earned by them, in minor units of the region's currency.
    pub earned_minor: i64,
}

impl Record {
    /// How much an answer counts that is so old: half as much every hour.
    pub fn weight_of_age(age_ms: i64) -> f64 {
        0.5_f64.powf(age_ms.max(0) as f64 / (60 * MINUTE_MS) as f64)
    }

    fn share(&self, n: f64) -> f64 {
        n / (self.n_taken + self.n_declined + self.n_silent + ANSWERS_FOR_HALF)
    }

    fn hours(&self) -> f64 {
        self.on_duty_ms.max(ON_DUTY_MIN_MS) as f64 / (60 * MINUTE_MS) as f64
    }

    fn an_hour(&self) -> [f64; 2] {
        [f64::from(self.n_jobs) / self.hours(), self.earned_minor as f64 / self.hours()]
    }
}

/// The handicap of each rider, in minutes; never negative, and zero for the best.
pub fn handicaps(scoring: &Scoring, records: &[Record]) -> Vec<f64> {
    let n = records.len().max(1) as f64;
    let mut mean = [0.0; 2];
    for it in records {
        let an_hour = it.an_hour();
        mean = [mean[0] + an_hour[0] / n, mean[1] + an_hour[1] / n];
    }
    let score = |it: &Record| {
        let idle = it.idle_ms.clamp(0, IDLE_MAX_MS) as f64 / IDLE_MAX_MS as f64;
        scoring.declining * it.share(it.n_declined)
            + scoring.silence * it.share(it.n_silent)
            + scoring.silence_in_a_row * f64::from(it.n_silent_in_a_row)
            + scoring.idle * (1.0 - idle)
            + scoring.fairness * more_than_others(it, mean)
    };
    let scores: Vec<f64> = records.iter().map(score).collect();
    let best = scores.iter().copied().fold(f64::INFINITY, f64::min);
    scores.into_iter().map(|it| it - best).collect()
}

/// Work and pay an hour over the mean, minus one: between -1 (nothing) and 1 (twice as much or more).
fn more_than_others(it: &Record, mean: [f64; 2]) -> f64 {
    let over =
        |his: f64, mean: f64| if mean > 0.0 { (his / mean - 1.0).clamp(-1.0, 1.0) } else { 0.0 };
    let an_hour = it.an_hour();
    0.5 * (over(an_hour[0], mean[0]) + over(an_hour[1], mean[1]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 60 * MINUTE_MS;

    fn given_record() -> Record {
        let (on_duty_ms, n_jobs, earned_minor) = (2 * HOUR, 4, 2_000);
        Record {
            n_taken: 4.0,
            idle_ms: HOUR,
            on_duty_ms,
            n_jobs,
            earned_minor,
            ..Record::default()
        }
    }

    fn of_two(other: Record) -> f64 {
        let found = handicaps(&Scoring::default(), &[given_record(), other]);
        found[1] - found[0]
    }

    #[test]
    fn each_thing_weighs_what_its_weight_says() {
        let usual = given_record();
        assert_eq!(of_two(usual), 0.0);
        for (what, record, expected) in [
            ("declines half", Record { n_taken: 2.0, n_declined: 2.0, ..usual }, 3.0 * 2.0 / 8.0),
            ("is silent half", Record { n_taken: 2.0, n_silent: 2.0, ..usual }, 6.0 * 2.0 / 8.0),
            ("was silent twice", Record { n_silent_in_a_row: 2, ..usual }, 2.0),
            ("has just got work", Record { idle_ms: 0, ..usual }, 1.0),
            ("has waited for half an hour", Record { idle_ms: HOUR / 2, ..usual }, 0.5),
            ("has waited for a day", Record { idle_ms: 24 * HOUR, ..usual }, 0.0),
            // Their mean is 1.5 times the first one's work: a third above it against a third below.
            ("got twice as much", Record { n_jobs: 8, earned_minor: 4_000, ..usual }, 2.0 / 3.0),
            ("got as much in half the time", Record { on_duty_ms: HOUR, ..usual }, 2.0 / 3.0),
        ] {
            assert!((of_two(record) - expected).abs() < 1e-9, "{what}: {}", of_two(record));
        }
    }

    #[test]
    fn one_refusal_of_a_new_rider_weighs_little_and_old_ones_fade() {
        let once = of_two(Record { n_taken: 0.0, n_declined: 1.0, ..given_record() });
        let always = of_two(Record { n_taken: 0.0, n_declined: 50.0, ..given_record() });
        assert!(once < 0.7 && always > 2.7, "{once} and {always}");
        assert_eq!(Record::weight_of_age(-5), 1.0);
        assert!((Record::weight_of_age(3 * HOUR) - 0.125).abs() < 1e-9);
    }

    prop_compose! {
        fn any_record()(
            answers in [0.0..20.0_f64, 0.0..20.0, 0.0..20.0],
            row in 0_u32..3,
            idle_ms in 0_i64..3 * HOUR,
            on_duty_ms in -5_i64..10 * HOUR,
            n_jobs in 0_u32..40,
            earned_minor in 0_i64..90_000,
        ) -> Record {
            let [n_taken, n_declined, n_silent] = answers;
            Record { n_taken, n_declined, n_silent, n_silent_in_a_row: row, idle_ms, on_duty_ms, n_jobs, earned_minor }
        }
    }

    proptest! {
        #[test]
        fn handicaps_are_bounded_and_the_best_has_none(
            records in prop::collection::vec(any_record(), 1..30),
        ) {
            let scoring = Scoring::default();
            let found = handicaps(&scoring, &records);
            prop_assert_eq!(found.len(), records.len());
            prop_assert!(found.contains(&0.0));
            let most = scoring.declining + scoring.silence + 2.0 * scoring.silence_in_a_row
                + scoring.idle + 2.0 * scoring.fairness;
            prop_assert!(found.iter().all(|it| (0.0..=most).contains(it)), "{:?}", found);
        }

        #[test]
        fn whoever_answers_better_is_never_worse_off(
            records in prop::collection::vec(any_record(), 2..8),
            more in 0.1..5.0_f64,
        ) {
            let scoring = Scoring::default();
            let before = handicaps(&scoring, &records);
            let mut after = records;
            after[0].n_taken += more;
            let after = handicaps(&scoring, &after);
            prop_assert!(after[0] - after[1] <= before[0] - before[1] + 1e-9);
        }
    }
}
