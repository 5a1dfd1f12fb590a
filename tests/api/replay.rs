//! A small day played live: every order completed, every copy the journal's.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use storage::testing::Engine;
use tokio::time::sleep;

use crate::support::World;

/// A minute of the day takes a third of a second.
const SCALE: &str = "180";
/// How long the little day may take; far above what it needs.
const DAY_MAX: Duration = Duration::from_secs(150);

/// Three stores, four riders, ten orders within twelve minutes.
pub fn write_day(folder: &Path) {
    let mut orders = String::from("order\tx\ty\tplacement_time\trestaurant\tready_time\n");
    for n in 0..10 {
        let (x, y, placed) = (400 * n, 3_000 - 300 * n, 10 + n * 12 / 10);
        writeln!(orders, "o{n}\t{x}\t{y}\t{placed}\tr{}\t{}", n % 3, placed + 8).unwrap();
    }
    let stores = "restaurant\tx\ty\nr0\t1000\t1000\nr1\t2000\t1500\nr2\t1500\t2500\n";
    let mut riders = String::from("courier\tx\ty\ton_time\toff_time\n");
    for n in 0..4 {
        writeln!(riders, "c{n}\t{}\t{}\t{}\t90", 800 * n, 700 * n, 5 + n).unwrap();
    }
    let parameters = "meters_per_minute\tpickup\tdropoff\ttarget\tmaximum\tper order\tper hour\n\
                      320\t4\t4\t40\t90\t10\t15\n";
    for (file, text) in [
        ("orders.txt", orders.as_str()),
        ("restaurants.txt", stores),
        ("couriers.txt", &riders),
        ("instance_parameters.txt", parameters),
    ] {
        fs::write(folder.join(file), text).unwrap();
    }
}

/// Plays a day against all nodes of a world.
pub fn start_replay(world: &World, day: &Path, report: &Path, more: &[&str]) -> Child {
    let report = fs::File::create(report).unwrap();
    let speed = world.scale.to_string();
    Command::new(env!("CARGO_BIN_EXE_riderhub"))
        .arg("replay")
        .arg("--instance")
        .arg(day)
        .args(["--live", &world.bases(0).join(","), "--speed", &speed])
        .args(more)
        .stdin(Stdio::null())
        .stdout(report.try_clone().unwrap())
        .stderr(report)
        .spawn()
        .unwrap()
}

/// Waits for the replay's end and checks its verdict; answers what it printed.
pub async fn end_of(mut replay: Child, report: &Path) -> String {
    let waiting = async {
        loop {
            if let Some(status) = replay.try_wait().unwrap() {
                return status;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let ended = tokio::time::timeout(DAY_MAX, waiting).await;
    // If it is still there it must not outlive the test.
    drop(replay.kill());
    let text = fs::read_to_string(report).unwrap();
    assert!(ended.is_ok_and(|it| it.success()), "the replay says:\n{text}");
    text
}

/// A figure of the replay's table.
pub fn figure(report: &str, name: &str) -> u64 {
    let line = report.lines().find(|it| it.starts_with(name)).unwrap_or_default();
    let value = line.split_whitespace().last().and_then(|it| it.parse().ok());
    value.unwrap_or_else(|| panic!("no figure `{name}` in\n{report}"))
}

#[tokio::test]
async fn a_day_goes_on_over_kill_9_of_the_embedded_server() {
    let mut world = World::start(Engine::Sqlite, &["--time-scale", SCALE]);
    let folder = tempfile::tempdir().unwrap();
    write_day(folder.path());
    let report = folder.path().join("report");
    let replay = start_replay(&world, folder.path(), &report, &[]);
    // Not before the orders are under way.
    until(&report, "orders 0/10").await;
    sleep(Duration::from_secs(2)).await;
    world.nodes[0].kill();
    sleep(Duration::from_millis(300)).await;
    world.nodes[0].restart();
    let text = end_of(replay, &report).await;
    assert_eq!(figure(&text, "completed"), 10, "{text}");
    assert!(figure(&text, "resumes") > 0, "the clients came back:\n{text}");
}

#[tokio::test]
async fn a_day_is_played_on_two_nodes_with_the_people_spread_over_both() {
    let world = World::start(Engine::MariaDb, &["--time-scale", SCALE]);
    let folder = tempfile::tempdir().unwrap();
    write_day(folder.path());
    let report = folder.path().join("report");
    let text = end_of(start_replay(&world, folder.path(), &report, &[]), &report).await;
    assert_eq!(figure(&text, "completed"), 10, "{text}");
    assert!(figure(&text, "copies compared") >= 30, "three parties of ten orders:\n{text}");
}

/// Waits until the replay has printed something.
pub async fn until(report: &Path, words: &str) {
    for _ in 0..1_200 {
        if fs::read_to_string(report).unwrap().contains(words) {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the replay never says `{words}`:\n{}", fs::read_to_string(report).unwrap());
}
