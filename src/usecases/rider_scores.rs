//! What is known of riders besides where they are, read now and then and kept between cycles.

use std::collections::{HashMap, HashSet};

use domain::{clock::Timestamp, dispatch::scoring::Record, ids::RiderId, offer_state::OfferState};
use storage::{
    duty::RiderDuty,
    error::StoreError,
    rider_records::{self, Answers, Got},
};

use crate::{dispatch::Look, platform::Platform};

/// How often history is read, on the platform's clock.
const READ_EVERY_MS: i64 = 30_000;
const HOUR_MS: i64 = 3_600_000;
/// The spans of which answers are counted, in hours back: each ends where the one before began.
const SPANS_H: [i64; 4] = [1, 2, 4, 8];

/// History as it was read last.
#[derive(Debug, Default)]
pub(crate) struct Scores {
    read_at: Option<Timestamp>,
    answers: HashMap<RiderId, [f64; 3]>,
    got: HashMap<RiderId, Got>,
}

impl Scores {
    /// Reads history again if what is known is old.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as the statements give it.
    pub(crate) async fn refresh(
        &mut self,
        platform: &Platform,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.read_at.is_some_and(|at| now.ms_since(at) < READ_EVERY_MS) {
            return Ok(());
        }
        let mut reader = platform.reader();
        let from = SPANS_H.map(|hours| Timestamp::from_ms(now.ms() - hours * HOUR_MS));
        self.answers = faded(&rider_records::list_answers(&mut reader, from).await?);
        let got = rider_records::list_got(&mut reader).await?;
        self.got = got.into_iter().map(|it| (it.rider_id, it)).collect();
        self.read_at = Some(now);
        Ok(())
    }

    /// What is known of every rider at work now.
    pub(crate) fn records(&self, look: &Look, now: Timestamp) -> HashMap<RiderId, Record> {
        let busy: HashSet<RiderId> =
            look.deliveries.iter().filter_map(|it| it.delivery.rider_id).collect();
        let record = |it: &RiderDuty| (it.rider_id, self.record(it, &busy, now));
        look.riders.iter().map(record).collect()
    }

    fn record(&self, it: &RiderDuty, busy: &HashSet<RiderId>, now: Timestamp) -> Record {
        let [n_taken, n_declined, n_silent] =
            self.answers.get(&it.rider_id).copied().unwrap_or_default();
        // What he got before he came on duty again does not count.
        let got = self.got.get(&it.rider_id).filter(|got| got.last >= it.since);
        let last = got.map_or(it.since, |got| got.last);
        let is_busy = busy.contains(&it.rider_id);
        Record {
            n_taken,
            n_declined,
            n_silent,
            n_silent_in_a_row: it.n_timeouts,
            idle_ms: if is_busy { 0 } else { now.ms_since(last) },
            on_duty_ms: now.ms_since(it.since),
            n_jobs: got.map_or(0, |got| got.n_jobs),
            earned_minor: got.map_or(0, |got| got.earned_minor),
        }
    }
}

/// Answers taken, declined and left out, each counted as what its age leaves of it.
fn faded(answers: &[Answers]) -> HashMap<RiderId, [f64; 3]> {
    let mut all: HashMap<RiderId, [f64; 3]> = HashMap::new();
    for it in answers {
        let which = match it.state {
            OfferState::Accepted => 0,
            OfferState::Declined => 1,
            OfferState::Expired => 2,
            OfferState::Open | OfferState::Withdrawn => continue,
        };
        let mut begins = 0;
        for (n, ends) in it.n.iter().zip(SPANS_H) {
            // As old as the middle of its span.
            let age_ms = (begins + ends) * HOUR_MS / 2;
            all.entry(it.rider_id).or_default()[which] += *n as f64 * Record::weight_of_age(age_ms);
            begins = ends;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_fades_by_half_an_hour() {
        let rider_id = RiderId::generate();
        let answers = |state, n| Answers { rider_id, state, n };
        let all = faded(&[
            answers(OfferState::Accepted, [2, 0, 0, 0]),
            answers(OfferState::Declined, [0, 2, 0, 0]),
            answers(OfferState::Expired, [0, 0, 0, 2]),
            answers(OfferState::Withdrawn, [9, 9, 9, 9]),
        ]);
        let [taken, declined, silent] = all[&rider_id];
        assert!((declined / taken - 0.5).abs() < 1e-9, "{taken} {declined}");
        assert!(silent < declined / 8.0, "{silent}");
    }
}
