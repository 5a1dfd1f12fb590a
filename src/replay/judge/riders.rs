//! Riders: what they hold at once, what silent ones keep, and what they were told.

use super::{Broken, Diary, Evidence, Fault, Hold, Rules};

/// Checks what every rider held against what he says himself.
pub(super) fn check(evidence: &Evidence, holds: &[Hold], rules: &Rules, faults: &mut Vec<Fault>) {
    for diary in &evidence.diaries {
        let his: Vec<&Hold> = holds.iter().filter(|it| it.rider == diary.rider).collect();
        for hold in &his {
            faults.extend(too_many(diary, hold, &his, rules));
            faults.extend(kept_in_silence(diary, hold, rules));
        }
        for (order, at) in &diary.won {
            if !his.iter().any(|it| it.order == *order) {
                let detail = format!("{} was told that it is his", diary.rider);
                let (broken, order) = (Broken::NotGiven, order.clone());
                faults.push(Fault { broken, order, at: *at, detail });
            }
        }
    }
}

fn too_many(diary: &Diary, hold: &Hold, his: &[&Hold], rules: &Rules) -> Option<Fault> {
    let is_held =
        |it: &&&Hold| it.from <= hold.from && it.until.saturating_sub(rules.skew_ms) > hold.from;
    // Several at the same moment are one bundle: the last of them counts.
    let n = his.iter().filter(is_held).count();
    (n > diary.capacity).then(|| {
        let detail = format!("{} holds {n} of {}", diary.rider, diary.capacity);
        fault(Broken::OverCapacity, hold, hold.from, detail)
    })
}

fn kept_in_silence(diary: &Diary, hold: &Hold, rules: &Rules) -> Option<Fault> {
    let fetched = hold.picked_up.unwrap_or(i64::MAX).min(hold.until);
    let limit = rules.silent_ms + rules.slack_ms;
    let kept = diary
        .silent
        .iter()
        .map(|(from, until)| (fetched.min(*until) - hold.from.max(*from), *from));
    let (ms, from) = kept.max()?;
    (ms > limit).then(|| {
        let detail = format!("{} shows no life for {} s", diary.rider, ms / 1_000);
        fault(Broken::KeptBySilent, hold, from, detail)
    })
}

fn fault(broken: Broken, hold: &Hold, at: i64, detail: String) -> Fault {
    Fault { broken, order: hold.order.clone(), at, detail }
}
