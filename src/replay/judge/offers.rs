//! Offers: one at a time, answered in time, closed once, not asked again too soon.

use std::collections::BTreeMap;

use super::{Asking, Broken, Evidence, Fault, Rules};

/// Checks every offer, alone and among those of its order.
pub(super) fn check(
    evidence: &Evidence,
    leaves: &[(String, String, i64)],
    rules: &Rules,
    faults: &mut Vec<Fault>,
) {
    let mut by_order: BTreeMap<&str, Vec<&Asking>> = BTreeMap::new();
    for asking in &evidence.asked {
        by_order.entry(&asking.order).or_default().push(asking);
        faults.extend(alone(asking, evidence, rules));
    }
    for (order, mut all) in by_order {
        all.sort_by_key(|it| it.at);
        let left = leaves.iter().filter(|(of, ..)| of == order);
        let left: Vec<(&str, i64)> = left.map(|(_, rider, at)| (rider.as_str(), *at)).collect();
        for (n, asking) in all.iter().enumerate() {
            let before = all.iter().take(n).copied();
            faults.extend(before.filter_map(|it| both(it, asking, rules)));
            faults.extend(asked_again(asking, &all, &left, rules));
        }
        faults.extend(counted(order, &all, evidence));
    }
}

fn fault(broken: Broken, asking: &Asking, at: i64, detail: String) -> Fault {
    let detail = format!("{} to {}: {detail}", asking.offer, asking.rider);
    Fault { broken, order: asking.order.clone(), at, detail }
}

fn alone(it: &Asking, evidence: &Evidence, rules: &Rules) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (state, at) in &it.closed {
        if state == "accepted" && *at >= it.expires {
            let detail = format!("{} ms after {}", at - it.expires, it.expires);
            faults.push(fault(Broken::LateAnswer, it, *at, detail));
        }
        if state == "expired" && *at < it.expires {
            let detail = format!("{} ms before {}", it.expires - at, it.expires);
            faults.push(fault(Broken::EarlyDeadline, it, *at, detail));
        }
    }
    let is_overdue = it.closed.is_empty() && evidence.until > it.expires + rules.slack_ms;
    if is_overdue || it.closed.len() > 1 {
        let detail = format!("closed as {:?}, open until {}", it.closed, it.expires);
        faults.push(fault(Broken::NotClosedOnce, it, it.at, detail));
    }
    let off = evidence.diaries.iter().filter(|diary| diary.rider == it.rider);
    let was_off = off
        .flat_map(|diary| &diary.off_duty)
        .find(|(from, until)| (from + rules.skew_ms..until - rules.skew_ms).contains(&it.at));
    if let Some((from, until)) = was_off {
        let detail = format!("made at {}, off duty from {from} until {until}", it.at);
        faults.push(fault(Broken::AskedOffDuty, it, it.at, detail));
    }
    faults
}

fn closed_at(it: &Asking) -> i64 {
    it.closed.first().map_or(i64::MAX, |(_, at)| *at)
}

fn both(earlier: &Asking, later: &Asking, rules: &Rules) -> Option<Fault> {
    let overlap = closed_at(earlier).saturating_sub(later.at);
    (overlap > rules.skew_ms).then(|| {
        let detail = format!("while {} asked {}", earlier.offer, earlier.rider);
        fault(Broken::TwoOffers, later, later.at, detail)
    })
}

fn asked_again(
    asking: &Asking,
    all: &[&Asking],
    left: &[(&str, i64)],
    rules: &Rules,
) -> Option<Fault> {
    let no = all.iter().filter(|it| it.offer != asking.offer && it.rider == asking.rider);
    let no = no.flat_map(|it| &it.closed).filter(|(state, _)| state != "accepted");
    let no = no.map(|(state, at)| (state.as_str(), *at));
    let left = left.iter().filter(|(rider, _)| *rider == asking.rider);
    let mut no = no.chain(left.map(|(_, at)| ("left", *at)));
    let since = |at: i64| asking.at - at;
    let found =
        no.find(|(_, at)| (rules.skew_ms..rules.quiet_ms - rules.skew_ms).contains(&since(*at)));
    found.map(|(state, at)| {
        let detail = format!("{state} {} s before", since(at) / 1_000);
        fault(Broken::AskedAgain, asking, asking.at, detail)
    })
}

/// Each offer of an order has its line in the story, and the other way round.
fn counted(order: &str, all: &[&Asking], evidence: &Evidence) -> Option<Fault> {
    let lines = evidence.lines.iter().filter(|it| it.order == order);
    let offered = |it: &&super::Line| it.machine == "delivery" && it.event == "offered";
    let n_offered = lines.clone().filter(offered).count();
    let n_closed = lines.filter(|it| it.machine == "offer").count();
    let closed: usize = all.iter().map(|it| it.closed.len()).sum();
    if (n_offered, n_closed) == (all.len(), closed) {
        return None;
    }
    let detail = format!(
        "{} offers made and {closed} closed, the story has {n_offered} and {n_closed}",
        all.len()
    );
    let at = all.first().map_or(0, |it| it.at);
    Some(Fault { broken: Broken::NotClosedOnce, order: order.to_owned(), at, detail })
}
