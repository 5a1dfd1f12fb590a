//! Compares what everybody has seen with the journal.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use super::{evidence, play::Day};
use crate::{
    client::{link::Link, log::Kept},
    replay::judge::{self, Evidence, Rules},
};

/// How long a copy may take to catch up, in real time.
pub(super) const CATCH_UP_MAX: Duration = Duration::from_secs(15);
/// Differences that are listed; more are only counted.
pub(super) const LISTED_MAX: usize = 20;
/// The server's word for a channel that is not ours, or not any more.
const NOT_FOUND: u16 = 130;

/// What the comparison found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Copies that were compared.
    pub(super) n_copies: usize,
    /// Entries in those copies.
    pub(super) n_entries: usize,
    /// Acknowledged messages that were looked for.
    pub(super) n_messages: usize,
    /// What was judged.
    pub(super) evidence: Evidence,
    /// What the judge found.
    pub(super) judged: Vec<judge::Fault>,
    /// Everything that is not as it should be.
    pub(super) wrong: Vec<String>,
    /// Each order's channel as the journal has it.
    pub(super) journals: BTreeMap<String, Vec<Kept>>,
}

/// Compares all copies of all order channels, looks for every acknowledged message, and has the
/// stories judged.
pub(super) async fn check(day: &Day, speed: f64) -> Found {
    let mut found = Found { wrong: day.faults.clone(), ..Found::default() };
    // Stores first: riders may have left orders, and then read no more than what they had.
    for link in &day.links {
        check_link(link, &mut found).await;
    }
    check_customers(day, &mut found);
    check_messages(day, &mut found);
    let until = day.pace.now_ms();
    found.evidence = evidence::gather(day, until, &mut found.wrong).await;
    found.judged = judge::judge(&found.evidence, &Rules::at_speed(speed));
    found.wrong.extend(found.judged.iter().map(ToString::to_string));
    found
}

async fn check_link(link: &Link, found: &mut Found) {
    let name = link.session().name().to_owned();
    let contradictions = link.counts().contradictions;
    if contradictions > 0 {
        found.wrong.push(format!("{name}: the server contradicted itself {contradictions} times"));
    }
    for channel in link.channels().into_iter().filter(|it| it.starts_with("order:")) {
        match link.compare(&channel, CATCH_UP_MAX).await {
            Ok(differences) => {
                found.wrong.extend(differences.into_iter().map(|it| format!("{name}: {it}")));
            }
            Err(err) if err.code() == Some(NOT_FOUND) => {
                check_left(&name, &channel, link.copy(&channel), found);
                continue;
            }
            Err(err) => found.wrong.push(format!("{name}: {channel}: {err}")),
        }
        let copy = link.copy(&channel);
        found.n_copies += 1;
        found.n_entries += copy.len();
        match found.journals.get(&channel) {
            Some(other) if *other != copy => {
                found.wrong.push(format!("{name}: {channel}: another party has another copy"));
            }
            Some(_) => {}
            None => drop(found.journals.insert(channel, copy)),
        }
    }
}

/// Whoever left an order reads it no more; what he had must be how the journal begins.
fn check_left(name: &str, channel: &str, copy: Vec<Kept>, found: &mut Found) {
    found.n_copies += 1;
    found.n_entries += copy.len();
    let journal = found.journals.get(channel).map(Vec::as_slice).unwrap_or_default();
    if !journal.starts_with(&copy) {
        found.wrong.push(format!("{name}: {channel}: not how the journal begins"));
    }
}

/// Customers have left; what they had must be how the journal begins.
fn check_customers(day: &Day, found: &mut Found) {
    for played in &day.orders {
        found.wrong.extend(played.differences.iter().map(|it| format!("a customer: {it}")));
        let Ok(ended) = &played.ended else { continue };
        let channel = format!("order:{}", ended.order);
        let journal = found.journals.get(&channel).map(Vec::as_slice).unwrap_or_default();
        found.n_copies += 1;
        found.n_entries += played.copy.len();
        if played.copy.is_empty() {
            found.wrong.push(format!("a customer: {channel}: the copy is empty"));
        } else if !journal.is_empty() && !journal.starts_with(&played.copy) {
            found.wrong.push(format!("a customer: {channel}: not how the journal begins"));
        }
    }
    let contradictions: u64 = day.customer_counts.iter().map(|it| it.contradictions).sum();
    if contradictions > 0 {
        found.wrong.push(format!("customers: {contradictions} contradictions of the server"));
    }
}

/// Every message that was acknowledged stands at its offset, and nowhere else.
fn check_messages(day: &Day, found: &mut Found) {
    let mut places: HashMap<(&str, &str), Vec<u64>> = HashMap::new();
    for (channel, journal) in &found.journals {
        for kept in journal {
            if let Some(cid) = &kept.cid {
                places.entry((channel, cid)).or_default().push(kept.off);
            }
        }
    }
    let mut wrong = Vec::new();
    let messages = day.tally.messages_acknowledged();
    for said in &messages {
        let places = places.get(&(said.channel.as_str(), said.cid.as_str()));
        if places.map(Vec::as_slice) != Some(&[said.off]) {
            let (channel, off) = (&said.channel, said.off);
            wrong
                .push(format!("{channel}: the message acknowledged at {off} stands at {places:?}"));
        }
    }
    found.n_messages = messages.len();
    found.wrong.extend(wrong);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        city::{
            customer::Ended,
            tally::{Acknowledged, Tally},
        },
        client::pace::Pace,
        replay::live::play::Played,
    };

    fn kept(off: u64, hash: u64) -> Kept {
        Kept {
            off,
            kind: "msg".to_owned(),
            sender: "cus_1".to_owned(),
            cid: Some(format!("c{off}")),
            ts: 1,
            hash,
        }
    }

    fn day(copy: Vec<Kept>, said: Vec<Acknowledged>) -> Day {
        let ended = Ended {
            order: "ord_1".to_owned(),
            placed_at: 0,
            delivered_at: Some(1),
            state: "completed".to_owned(),
        };
        let played = Played { index: 0, ended: Ok(ended), copy, differences: Vec::new() };
        let tally = Tally::keeping_messages();
        if let Some(kept) = &tally.acknowledged {
            *kept.lock().unwrap() = said;
        }
        Day {
            tally: Arc::new(tally),
            orders: vec![played],
            links: Vec::new(),
            customer_counts: Vec::new(),
            faults: Vec::new(),
            diaries: Vec::new(),
            pace: Pace::new(0, 1.0),
            zero_ms: 0,
        }
    }

    fn found(day: &Day) -> Vec<String> {
        let journal = vec![kept(1, 10), kept(2, 20), kept(3, 30)];
        let journals = BTreeMap::from([("order:ord_1".to_owned(), journal)]);
        let mut found = Found { journals, ..Found::default() };
        check_customers(day, &mut found);
        check_messages(day, &mut found);
        found.wrong
    }

    #[test]
    fn a_copy_with_a_hole_or_another_content_is_noticed() {
        let good = vec![kept(1, 10), kept(2, 20)];
        assert_eq!(found(&day(good, Vec::new())), Vec::<String>::new());
        for bad in [
            vec![],
            vec![kept(1, 10), kept(3, 30)],
            vec![kept(1, 10), kept(1, 10)],
            vec![kept(1, 10), kept(2, 21)],
        ] {
            assert_eq!(found(&day(bad.clone(), Vec::new())).len(), 1, "{bad:?}");
        }
    }

    #[test]
    fn an_acknowledged_message_that_is_lost_or_moved_is_noticed() {
        let said = |cid: &str, off| Acknowledged {
            channel: "order:ord_1".to_owned(),
            cid: cid.to_owned(),
            off,
        };
        let copy = vec![kept(1, 10)];
        assert_eq!(found(&day(copy.clone(), vec![said("c2", 2)])), Vec::<String>::new());
        assert_eq!(found(&day(copy.clone(), vec![said("c2", 3)])).len(), 1, "moved");
        assert_eq!(found(&day(copy, vec![said("lost", 4)])).len(), 1, "lost");
    }
}
