//! Chaos: two nodes on MariaDB and Redis, 300 orders, and a script that breaks everything it can.
//!
//! At the end every acknowledged message stands in the journal exactly once, and every client has
//! every channel complete, in order, without doubles. `RIDERHUB_CHAOS_SEED=7` plays one seed,
//! `RIDERHUB_CHAOS_SEEDS=10` plays as many, beginning with 1 (`make chaos`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::large_futures,
    unreachable_pub,
    reason = "a test fails by panicking, and this crate has no users"
)]

mod book;
mod client;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "../api/support/node.rs"]
mod node;
mod script;
mod seen;
mod stage;
mod traffic;
mod verdict;
mod wire;

use std::{collections::BTreeMap, env, time::Instant};

use script::{EACH_AT_LEAST, FAULTS, Script};
use seen::Counts;
use stage::Stage;
use traffic::Traffic;
use verdict::Journal;

/// The seed of `make test`.
const SEED: u64 = 1;

fn seeds() -> std::ops::RangeInclusive<u64> {
    let given = |name| env::var(name).ok().map(|it| it.parse().expect("a number"));
    let first = given("RIDERHUB_CHAOS_SEED").unwrap_or(SEED);
    first..=first + given("RIDERHUB_CHAOS_SEEDS").unwrap_or(1) - 1
}

#[test]
fn nothing_acknowledged_is_lost_doubled_or_reordered_whatever_dies() {
    for seed in seeds() {
        eprintln!("chaos: RIDERHUB_CHAOS_SEED={seed}");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(run(seed));
    }
}

async fn run(seed: u64) {
    let began = Instant::now();
    let stage = Stage::set(seed).await;
    stage.until_all_are_in().await;
    stage.open().await;
    eprintln!("chaos: the stage is set after {:.1} s", began.elapsed().as_secs_f64());

    let traffic = Traffic::start(&stage, seed);
    let (faults, mut wrong) = Script::new(&stage, seed).play().await;
    let n_faults: usize = faults.values().sum();
    eprintln!("chaos: {n_faults} faults after {:.1} s: {faults:?}", began.elapsed().as_secs_f64());
    traffic.stop().await;
    let (journal, missing) = verdict::everybody_has_everything(&stage).await;
    wrong.extend(missing);
    wrong.extend(verdict::not_exactly_once(&stage, &journal));
    wrong.extend(verdict::violations(&stage));
    eprintln!("chaos: over after {:.1} s", began.elapsed().as_secs_f64());
    let all = tell(&stage, &journal);

    assert!(wrong.is_empty(), "RIDERHUB_CHAOS_SEED={seed}: {wrong:#?}");
    assert_eq!(n_faults, FAULTS);
    assert!(faults.len() == 6 && faults.values().all(|it| *it >= EACH_AT_LEAST), "{faults:?}");
    assert!(all.n_offers_won as usize > stage.orders.len() / 2, "riders must have joined: {all:?}");
    assert!(all.n_degraded > 0, "Redis must have been missed: {all:?}");
}

/// Shows that much happened.
fn tell(stage: &Stage, journal: &Journal) -> Counts {
    let mut all = Counts::default();
    let mut n_said = 0;
    let mut ends: BTreeMap<u16, u64> = BTreeMap::new();
    for person in &stage.people {
        let shared = person.shared();
        n_said += shared.said.len();
        all.add(&shared.counts);
        for (code, n) in &shared.ends {
            *ends.entry(*code).or_default() += n;
        }
    }
    let n_entries: usize = journal.values().map(Vec::len).sum();
    eprintln!(
        "chaos: {} orders, {n_entries} entries in {} channels, {n_said} messages acknowledged",
        stage.orders.len(),
        journal.len()
    );
    eprintln!("chaos: clients saw {all:?}; connections ended with {ends:?}");
    assert!(n_said > stage.orders.len(), "people must have talked: {n_said}");
    all
}
