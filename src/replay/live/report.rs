//! What a live replay came to: a table, a verdict, and the event log.

use std::{collections::BTreeMap, fmt, path::Path, time::Duration};

use super::{
    check::{Found, LISTED_MAX},
    play::{Day, Played},
};
use crate::{
    city::sights::Sights,
    client::link::Counts,
    replay::{instance::Instance, summary::Spread},
};

/// The figures of a day that was played live.
#[derive(Debug)]
pub struct Report {
    day: String,
    n_orders: usize,
    n_completed: usize,
    /// Orders that no rider could ever reach, and how they ended.
    unreachable: Vec<String>,
    /// Orders that should have been completed and were not.
    failed: Vec<String>,
    /// Orders that ended because nobody would bring them; only where riders are unruly.
    given_up: Vec<String>,
    judged: Option<Judged>,
    click_to_door: Spread,
    n_messages: u64,
    n_offers_taken: u64,
    n_grabbed: u64,
    n_positions: u64,
    counts: Counts,
    /// What people saw of riders, if anybody looked.
    sights: Option<Seen>,
    n_copies: usize,
    n_entries: usize,
    n_messages_found: usize,
    wrong: Vec<String>,
    log: String,
    wall: Duration,
}

/// What the judge looked at.
#[derive(Debug)]
struct Judged {
    n_offers: usize,
    /// By what became of them.
    ends: BTreeMap<String, usize>,
    n_whims: u64,
    n_left: usize,
    n_faults: usize,
}

impl Judged {
    fn of(found: &Found, n_whims: u64) -> Self {
        let evidence = &found.evidence;
        let mut ends = BTreeMap::new();
        for (state, _) in evidence.asked.iter().flat_map(|it| &it.closed) {
            *ends.entry(state.clone()).or_default() += 1;
        }
        let left = evidence.lines.iter().filter(|it| it.event == "rider_left");
        let (n_left, n_faults) = (left.count(), found.judged.len());
        Self { n_offers: evidence.asked.len(), ends, n_whims, n_left, n_faults }
    }

    fn ended(&self, state: &str) -> usize {
        self.ends.get(state).copied().unwrap_or(0)
    }
}

/// What people saw of riders.
#[derive(Debug)]
struct Seen {
    n_arrivals: u64,
    n_estimates: u64,
    held_percent: u64,
    n_delays: u64,
    n_faults: usize,
}

impl Seen {
    fn of(sights: &Sights) -> Self {
        Self {
            n_arrivals: sights.n_arrivals,
            n_estimates: sights.n_estimates,
            held_percent: sights.n_held * 100 / sights.n_ranges.max(1),
            n_delays: sights.n_delays,
            n_faults: sights.wrong.len(),
        }
    }
}

impl Report {
    pub(super) fn new(
        instance: &Instance,
        day: Day,
        found: Found,
        is_unruly: bool,
        wall: Duration,
    ) -> Self {
        let minute = |ms: i64| (ms - day.zero_ms) as f64 / 60_000.0;
        let (mut unreachable, mut failed, mut doors) = (Vec::new(), Vec::new(), Vec::new());
        let mut given_up = Vec::new();
        let judged = is_unruly.then(|| Judged::of(&found, day.tally.whims.get()));
        let mut log = String::new();
        let mut n_completed = 0;
        for Played { index, ended, .. } in &day.orders {
            let order = &instance.orders[*index];
            let delivered = ended.as_ref().ok().and_then(|it| it.delivered_at);
            if let Some(at) = delivered {
                doors.push(minute(at) - order.placed as f64);
                let (time, id) = (minute(at), &order.id);
                log += &serde_json::json!({ "time": time, "order": id, "event": "delivered" })
                    .to_string();
                log.push('\n');
            }
            let how = match ended {
                Ok(ended) if ended.state == "completed" => {
                    n_completed += 1;
                    continue;
                }
                Ok(ended) if ended.state.is_empty() => "no news".to_owned(),
                Ok(ended) => ended.state.clone(),
                Err(err) => err.clone(),
            };
            let line = format!("{} (placed at {}): {how}", order.id, order.placed);
            if is_unruly && how == "cancelled" {
                given_up.push(line);
            } else if instance.is_reachable(order) {
                failed.push(line);
            } else {
                unreachable.push(line);
            }
        }
        let mut wrong = found.wrong;
        let mut seen = None;
        day.tally.see(|sights| {
            wrong.extend(sights.wrong.iter().cloned());
            seen = Some(Seen::of(sights));
        });
        let mut counts = Counts::default();
        let link_counts = day.links.iter().map(|it| it.counts());
        for count in link_counts.chain(day.customer_counts.iter().copied()) {
            counts.pushes += count.pushes;
            counts.resumes += count.resumes;
            counts.repairs += count.repairs;
            counts.contradictions += count.contradictions;
        }
        Self {
            day: instance.name.clone(),
            n_orders: day.orders.len(),
            n_completed,
            unreachable,
            failed,
            given_up,
            judged,
            click_to_door: Spread::of(doors),
            n_messages: day.tally.messages.get(),
            n_offers_taken: day.tally.taken.get(),
            n_grabbed: day.tally.grabbed.get(),
            n_positions: day.tally.positions.get(),
            counts,
            sights: seen,
            n_copies: found.n_copies,
            n_entries: found.n_entries,
            n_messages_found: found.n_messages,
            wrong,
            log,
            wall,
        }
    }

    /// Whether every order that can be reached was completed and every copy is the journal's.
    pub const fn is_good(&self) -> bool {
        self.failed.is_empty() && self.wrong.is_empty()
    }

    pub(super) fn write_log(&self, path: &Path) -> std::io::Result<()> {
        std::fs::write(path, &self.log)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, value: &dyn fmt::Display| writeln!(f, "{name:<34} {value:>10}");
        row(&self.day, &"")?;
        row("orders", &self.n_orders)?;
        row("completed", &self.n_completed)?;
        row("out of every rider's reach", &self.unreachable.len())?;
        row("not completed", &self.failed.len())?;
        if let Some(judged) = &self.judged {
            row("ended for want of a rider", &self.given_up.len())?;
            row("offers made", &judged.n_offers)?;
            row("offers accepted", &judged.ended("accepted"))?;
            row("offers declined", &judged.ended("declined"))?;
            row("offers lapsed", &judged.ended("expired"))?;
            row("offers withdrawn", &judged.ended("withdrawn"))?;
            row("whims of riders", &judged.n_whims)?;
            row("deliveries that left their rider", &judged.n_left)?;
            row("faults that the judge found", &judged.n_faults)?;
        }
        row("click to door, mean, min", &format!("{:.2}", self.click_to_door.mean))?;
        row("click to door, p90, min", &format!("{:.2}", self.click_to_door.p90))?;
        row("offers taken", &self.n_offers_taken)?;
        row("grabbed from the pool", &self.n_grabbed)?;
        row("chat messages", &self.n_messages)?;
        row("positions sent", &self.n_positions)?;
        row("pushes received", &self.counts.pushes)?;
        if let Some(seen) = &self.sights {
            row("arrivals shown by positions", &seen.n_arrivals)?;
            row("estimates told", &seen.n_estimates)?;
            row("estimates whose range held, %", &seen.held_percent)?;
            row("delays told", &seen.n_delays)?;
            row("false arrivals, flapping, jumps", &seen.n_faults)?;
        }
        row("resumes", &self.counts.resumes)?;
        row("holes closed from history", &self.counts.repairs)?;
        row("copies compared with the journal", &self.n_copies)?;
        row("entries in them", &self.n_entries)?;
        row("acknowledged messages found", &self.n_messages_found)?;
        row("faults", &self.wrong.len())?;
        row("wall time, s", &format!("{:.1}", self.wall.as_secs_f64()))?;
        for (title, lines) in [
            ("out of every rider's reach", &self.unreachable),
            ("not completed", &self.failed),
            ("ended for want of a rider", &self.given_up),
            ("wrong", &self.wrong),
        ] {
            for line in lines.iter().take(LISTED_MAX) {
                writeln!(f, "{title}: {line}")?;
            }
            if lines.len() > LISTED_MAX {
                writeln!(f, "{title}: {} more", lines.len() - LISTED_MAX)?;
            }
        }
        match self.is_good() {
            true => write!(f, "every copy is the journal's; every order within reach is completed"),
            false => write!(f, "see the lines above"),
        }
    }
}
