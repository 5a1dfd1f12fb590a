//! A day with riders who decline, keep silent, vanish and leave duty, on two nodes of which one is
//! killed: judged by what everybody read, and once more by what stands in SQL.
//!
//! `RIDERHUB_UNRULY_SEED=7` plays another day.

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::Path, time::Duration};

use riderhub::replay::judge::{Asking, Evidence, Line, Rules, judge};
use storage::{
    db::{Db, Durability, Reader as _},
    testing::Engine,
};
use tokio::time::sleep;

use crate::{
    replay::{end_of, figure, start_replay, until},
    support::World,
};

/// A minute of the day takes half a second.
const SCALE: &str = "120";
const SEED: u64 = 1;
const N_ORDERS: u64 = 50;
const N_RIDERS: u64 = 18;
const N_STORES: u64 = 5;
/// Metres that the city is wide.
const WIDE_M: u64 = 4_000;
/// After the first orders came, and how long the node is away.
const KILLED_AFTER: Duration = Duration::from_secs(7);
const AWAY: Duration = Duration::from_secs(8);

/// Numbers that look random, from a seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Fifty orders within forty minutes.
fn write_day(folder: &Path, seed: u64) {
    let mut numbers = Numbers(seed);
    let mut spot = move || (numbers.below(WIDE_M), numbers.below(WIDE_M), numbers.below(1 << 20));
    let mut orders = String::from("order\tx\ty\tplacement_time\trestaurant\tready_time\n");
    for n in 0..N_ORDERS {
        let ((x, y, any), placed) = (spot(), 10 + n * 40 / N_ORDERS);
        let (store, ready) = (any % N_STORES, placed + 5 + any % 11);
        writeln!(orders, "o{n}\t{x}\t{y}\t{placed}\tr{store}\t{ready}").unwrap();
    }
    let mut stores = String::from("restaurant\tx\ty\n");
    for n in 0..N_STORES {
        let (x, y, _) = spot();
        writeln!(stores, "r{n}\t{x}\t{y}").unwrap();
    }
    let mut riders = String::from("courier\tx\ty\ton_time\toff_time\n");
    for n in 0..N_RIDERS {
        let (x, y, any) = spot();
        // Some end their shift in the middle of it.
        let off = if n % 4 == 0 { 35 + any % 20 } else { 300 };
        writeln!(riders, "c{n}\t{x}\t{y}\t{}\t{off}", 4 + any % 8).unwrap();
    }
    let parameters = "meters_per_minute\tpickup\tdropoff\ttarget\tmaximum\tper order\tper hour\n\
                      320\t4\t4\t40\t90\t10\t15\n";
    for (file, text) in [
        ("orders.txt", orders.as_str()),
        ("restaurants.txt", &stores),
        ("couriers.txt", &riders),
        ("instance_parameters.txt", parameters),
    ] {
        fs::write(folder.join(file), text).unwrap();
    }
}

type ChangeRow =
    (String, i64, String, String, Option<String>, String, Option<String>, Option<i64>, i64);
type OfferRow = (String, String, String, String, i64, i64, Option<i64>);

/// The same as the replay judges, read past the server. Riders' diaries are not in SQL.
async fn evidence_of(database: &str) -> Evidence {
    let mut db = Db::connect(database, 1, Durability::Normal).await.unwrap();
    let changes: Vec<ChangeRow> = db
        .all(
            "select c.order_id, c.seq, c.machine, c.event, c.from_state, c.to_state, c.by_id,
                    d.ready_at_ms, c.at_ms
               from order_change c left join delivery d on d.order_id = c.order_id",
            &[],
        )
        .await
        .unwrap();
    let offers: Vec<OfferRow> = db
        .all(
            "select offer_id, order_id, rider_id, state, created_at_ms, expires_at_ms, closed_at_ms
               from offer",
            &[],
        )
        .await
        .unwrap();
    db.close().await;
    let lines: Vec<Line> = changes
        .into_iter()
        .map(|(order, seq, machine, event, from, to, by, ready_at, at)| Line {
            order,
            seq,
            machine,
            event,
            from,
            to,
            by,
            ready_at,
            at,
        })
        .collect();
    let asked = offers.into_iter().map(|(offer, order, rider, state, at, expires, closed_at)| {
        let closed = closed_at.map(|at| (state, at)).into_iter().collect();
        Asking { offer, order, rider, at, expires, closed }
    });
    let until = lines.iter().map(|it| it.at).max().unwrap_or(0);
    Evidence { asked: asked.collect(), lines, diaries: Vec::new(), until }
}

#[tokio::test]
async fn unruly_riders_and_a_killed_node_leave_no_delivery_doubled_forgotten_or_taken_late() {
    let seed = env::var("RIDERHUB_UNRULY_SEED").map_or(SEED, |it| it.parse().unwrap());
    eprintln!("unruly: RIDERHUB_UNRULY_SEED={seed}");
    // The grace of presence is real time: at this speed its default is forty minutes.
    let options = ["--time-scale", SCALE, "--dispatch", "batch", "--presence-grace-ms", "500"];
    let mut world = World::start(Engine::MariaDb, &options);
    let folder = tempfile::tempdir().unwrap();
    write_day(folder.path(), seed);
    let report = folder.path().join("report");
    let number = seed.to_string();
    let more = ["--unruly", "0.4", "--seed", number.as_str(), "--report-ms", "150"];
    let replay = start_replay(&world, folder.path(), &report, &more);
    until(&report, "orders 0/50").await;
    sleep(KILLED_AFTER).await;
    world.nodes[1].kill();
    sleep(AWAY).await;
    world.nodes[1].restart();
    let text = end_of(replay, &report).await;
    eprintln!("{text}");
    assert!(figure(&text, "completed") >= N_ORDERS * 4 / 5, "{text}");
    for many in ["offers declined", "offers lapsed", "whims of riders", "resumes"] {
        assert!(figure(&text, many) >= 5, "the day was too calm:\n{text}");
    }

    let evidence = evidence_of(world.database()).await;
    let n_orders = evidence.lines.iter().filter(|it| it.event == "placed").count();
    assert_eq!(n_orders as u64, N_ORDERS);
    assert_eq!(evidence.asked.len() as u64, figure(&text, "offers made"));
    let faults = judge(&evidence, &Rules::at_speed(120.0));
    let mut by_rule: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for fault in &faults {
        by_rule.entry(fault.broken).or_default().push(fault.to_string());
    }
    assert!(faults.is_empty(), "RIDERHUB_UNRULY_SEED={seed}: {by_rule:#?}");
}
