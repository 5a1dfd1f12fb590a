//! Every figure that `/metrics` shows: name, kind, labels and what it means. `docs/metrics.md` is
//! this table.

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

/// What kind of figure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Rises while the process runs.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Seconds, in buckets.
    Seconds,
}

/// One figure.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub sort: Sort,
    /// Its label and the values that are there from the start, if it has one.
    pub label: Option<(&'static str, &'static [&'static str])>,
    /// What it means.
    pub help: &'static str,
}

/// Upper ends of the buckets of all times, in seconds.
pub const BUCKETS: [f64; 16] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0, 30.0,
];

/// The times of commands.
const COMMANDS: &str = "riderhub_command_seconds";
const ROLES: &[&str] = &["customer", "merchant", "rider", "operator"];
const LANES: &[&str] = &["control", "critical", "chat", "ephemeral"];

macro_rules! figures {
    ($($sort:ident $name:literal $([$label:literal: $values:expr])? $help:literal;)*) => {
        /// All of them, in the order of `docs/metrics.md`.
        pub const FIGURES: &[Figure] = &[$(Figure {
            name: $name,
            sort: Sort::$sort,
            label: figures!(@label $($label, $values)?),
            help: $help,
        }),*];
    };
    (@label) => { None };
    (@label $label:literal, $values:expr) => { Some(($label, $values)) };
}

figures! {
    Gauge "riderhub_connections" ["role": ROLES]
        "Sockets that are signed in, by role.";
    Gauge "riderhub_sockets"
        "Open sockets, signed in or not.";
    Gauge "riderhub_channels"
        "Channels with at least one listener on this node.";
    Gauge "riderhub_queue_bytes"
        "Bytes that wait to be written, of all sockets together.";
    Gauge "riderhub_repairs_waiting"
        "Channels that wait for entries from the journal.";
    Gauge "riderhub_bus_topics"
        "Topics of the bus that this node listens to.";
    Gauge "riderhub_bus_degraded"
        "1 while the link to the other nodes is lost.";
    Counter "riderhub_closes_total" ["code": &["1000", "4001", "4003", "4004", "4501", "4502"]]
        "Sockets closed, by close code.";
    Counter "riderhub_refused_sockets_total" ["why": &["rate", "full", "draining", "address", "profile"]]
        "Sockets that were not opened: too many a second, at all, of one address or profile; or stopping.";
    Counter "riderhub_drained_total"
        "Sockets that were asked to come back to another node before a stop.";
    Seconds "riderhub_command_seconds" ["m": &["connect", "chat.send"]]
        "From the arrival of a command to its answer, by command and outcome (`ok` or the name of the error).";
    Counter "riderhub_duplicates_total"
        "Commands that had been carried out before and got their first answer.";
    Seconds "riderhub_commit_to_write_seconds" ["lane": LANES]
        "From making a frame, right after its commit, to handing it to the socket; sampled.";
    Counter "riderhub_frames_queued_total"
        "Frames put into queues of sockets.";
    Counter "riderhub_frames_conflated_total"
        "Values that took the place of an older one that nobody had read yet.";
    Counter "riderhub_frames_dropped_total"
        "Frames that slow readers missed because they may be missed.";
    Counter "riderhub_resumes_total" ["result": &["fresh", "whole", "partial"]]
        "Sign-ins on sockets: without positions, with all that was missed, or with channels that the client must page.";
    Counter "riderhub_gap_repairs_total"
        "Reads of the journal because an announcement was missing.";
    Counter "riderhub_entries_repaired_total"
        "Entries that came from the journal because their announcement was missing.";
    Counter "riderhub_journal_queries_total" ["what": &["heads", "gaps", "page"]]
        "Statements that read the journal: positions of many channels, gaps of many clients, one page.";
    Counter "riderhub_journal_asks_total" ["what": &["heads", "gap"]]
        "Reads of the journal that clients needed to catch up; many are answered by one statement.";
    Counter "riderhub_journal_head_queries_total"
        "Statements that compared heads of channels while announcements were missing.";
    Seconds "riderhub_bus_probe_seconds"
        "How long a message of our own takes through the bus and back.";
    Seconds "riderhub_bus_lag_seconds"
        "Age of announcements of other nodes when they arrive here; their clocks are in it.";
    Counter "riderhub_track_points_lost_total"
        "Positions of tracks that were not kept because too many waited for the store.";
    Counter "riderhub_arrivals_total" ["result": &["carried_out", "too_late", "failed"]]
        "Arrivals at stops that positions showed: carried out, told by the rider before, or failed and tried again.";
    Gauge "riderhub_dispatch_nodes"
        "Nodes that plan, this one included, as far as it knows.";
    Gauge "riderhub_dispatch_regions"
        "Regions with open deliveries that this node plans.";
    Counter "riderhub_claims_total" ["result": &["won", "already_yours", "lost", "unknown"]]
        "Riders who grabbed from the pool: let through to SQL, turned away before it, or without Redis.";
    Counter "riderhub_offers_total"
        "Offers that this node has made to riders.";
    Counter "riderhub_offers_withdrawn_total"
        "Offers that this node took back because another rider had become much better.";
    Counter "riderhub_road_requests_total" ["result": &["ok", "slow", "no_answer", "nonsense"]]
        "Tables of times that were asked of the routing server: answered, not in time, not at all, or not believed.";
    Counter "riderhub_road_legs_total" ["from": &["cache", "source", "straight"]]
        "Ways that planning looked up: remembered, measured now, or reckoned by the straight line.";
    Gauge "riderhub_roads_resting"
        "1 while the routing server is left alone because it failed.";
    Counter "riderhub_legs_learnt_total"
        "Finished ways of riders that travel times were corrected by.";
    Counter "riderhub_stolen_tokens_total"
        "Sign-ins that ended because their refresh token was copied. Look at each.";
    Counter "riderhub_tries_refused_total"
        "Sign-ins that were not looked at because too many had failed before.";
    Counter "riderhub_requests_refused_total" ["limit": &["address", "account", "entry", "orders"]]
        "Requests that were answered with 429, by limit.";
    Counter "riderhub_rates_alone_total"
        "Requests that this node counted alone because Redis did not answer.";
    Counter "riderhub_notices_total"
        "Notices to people who are away, by class, way and result.";
}

/// Tells the recorder what each figure means, and shows those that count events from the start.
pub fn describe() {
    for figure in FIGURES {
        let (name, help) = (figure.name, figure.help);
        match figure.sort {
            Sort::Counter => describe_counter!(name, help),
            Sort::Gauge => describe_gauge!(name, help),
            Sort::Seconds => describe_histogram!(name, Unit::Seconds, help),
        }
        let values = figure.label.map_or(&[""][..], |it| it.1);
        for value in values {
            let label = figure.label.map(|it| (it.0, *value));
            show(figure, label);
        }
    }
}

/// A figure that never moved is 0, not absent.
fn show(figure: &Figure, label: Option<(&'static str, &'static str)>) {
    if figure.name == COMMANDS {
        // It has a second label, and is there from the first command on.
        return;
    }
    let labels: Vec<(&'static str, &'static str)> = label.into_iter().collect();
    match figure.sort {
        Sort::Counter => counter!(figure.name, &labels).increment(0),
        Sort::Gauge => gauge!(figure.name, &labels).increment(0.0),
        Sort::Seconds => drop(histogram!(figure.name, &labels)),
    }
}

/// The table as a document.
pub fn document() -> String {
    let mut text = String::from(
        "# Metrics\n\n`GET /metrics` in Prometheus' text format. Written by `riderhub metrics`; a \
         test holds this file against the program.\n\nTimes are histograms in seconds (`_bucket`, \
         `_sum`, `_count`). See [slo.md](slo.md) for what to alarm on.\n\n\
         | name | kind | labels | what it means |\n| --- | --- | --- | --- |\n",
    );
    for figure in FIGURES {
        let kind = match figure.sort {
            Sort::Counter => "counter",
            Sort::Gauge => "gauge",
            Sort::Seconds => "histogram",
        };
        let labels = match (figure.name, figure.label) {
            (COMMANDS, _) => "`m`, `outcome`".to_owned(),
            ("riderhub_notices_total", _) => "`class`, `via`, `result`".to_owned(),
            (_, Some((label, _))) => format!("`{label}`"),
            (_, None) => String::new(),
        };
        text.push_str(&format!("| `{}` | {kind} | {labels} | {} |\n", figure.name, figure.help));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_table_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert!(there == document(), "docs/metrics.md is old; write it with `riderhub metrics`");
    }
}
