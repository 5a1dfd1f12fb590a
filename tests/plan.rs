//! `riderhub plan` from file to file.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use riderhub::cli::plan::{self, Objective, PlanArgs, PlanError, PlanSummary};
use serde_json::{Value, json};

/// Plans `lines`; returns what was written.
fn planned(lines: &str, objective: Objective) -> (Result<PlanSummary, PlanError>, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.jsonl"), folder.path().join("out.jsonl"));
    fs::write(&input, lines).unwrap();
    let args = PlanArgs { input, output: output.clone(), objective, time_limit_ms: None };
    let outcome = plan::run(&args);
    let n_files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(n_files, 1 + usize::from(outcome.is_ok()), "nothing half-written is left");
    (outcome, fs::read_to_string(&output).ok())
}

fn stops(written: &str) -> Vec<(Value, Vec<String>)> {
    let read = |line: &str| {
        let plan: Value = serde_json::from_str(line).unwrap();
        assert!(plan["ms"].is_number());
        let stops = plan["plan"].as_array().unwrap().iter();
        (plan["id"].clone(), stops.map(|it| it.as_str().unwrap().to_owned()).collect())
    };
    written.lines().map(read).collect()
}

#[test]
fn plane_round_and_matrix_problems_are_planned_in_one_file() {
    let plane = json!({"id": "plane", "speed": 5.0, "capacity": 2, "rider": {"x": 0, "y": 0, "t": 0, "load": 1},
        "orders": [
            {"id": 7, "px": 1000, "py": 0, "dx": 2000, "dy": 0, "ready": 0, "deadline": 900},
            {"id": "b", "dx": 500, "dy": 0, "deadline": 200, "picked": true}]});
    let round = json!({"id": 2, "speed": 5.0, "rider": {"lat": 31.2, "lon": 121.5},
        "orders": [{"id": 1, "plat": 31.21, "plon": 121.5, "dlat": 31.22, "dlon": 121.5}]});
    let matrix = json!({"id": "m", "rider": {}, "orders": [{"id": 1}, {"id": 2}],
        "matrix": [[0, 9, 1, 9, 9], [9, 0, 9, 1, 9], [9, 1, 0, 9, 9], [9, 9, 9, 0, 1], [9, 9, 9, 9, 0]]});
    let (outcome, written) = planned(&format!("{plane}\n\n{round}\n{matrix}\n"), Objective::Travel);
    assert_eq!(outcome.unwrap().n_proven, 3);
    let expected = [
        (json!("plane"), vec!["-b", "+7", "-7"]),
        (json!(2), vec!["+1", "-1"]),
        (json!("m"), vec!["+2", "+1", "-1", "-2"]),
    ];
    let found = stops(&written.unwrap());
    for ((id, stops), (expected_id, expected_stops)) in found.into_iter().zip(expected) {
        assert_eq!(
            (id, stops),
            (expected_id, expected_stops.into_iter().map(str::to_owned).collect())
        );
    }
}

#[test]
fn lateness_and_travel_are_different_objectives() {
    // The urgent one is far, the patient one is on the way.
    let line = json!({"id": 1, "speed": 10.0, "rider": {"x": 0, "y": 0}, "orders": [
        {"id": "near", "px": -300, "py": 0, "dx": -600, "dy": 0},
        {"id": "urgent", "px": 900, "py": 0, "dx": 1800, "dy": 0, "deadline": 180}]});
    let first =
        |objective| stops(&planned(&line.to_string(), objective).1.unwrap())[0].1[0].clone();
    assert_eq!(first(Objective::Travel), "+near");
    assert_eq!(first(Objective::Lateness), "+urgent");
}

#[test]
fn every_faulty_line_is_named_and_nothing_is_written() {
    let good = r#"{"id":1,"speed":5,"rider":{"x":0,"y":0},"orders":[]}"#;
    let heavy = r#"{"id":2,"capacity":1,"rider":{},"orders":[{"id":"x","load":2}],"matrix":[[0,1,1],[1,0,1],[1,1,0]]}"#;
    let (outcome, written) = planned(&format!("{good}\nnonsense\n{heavy}\n"), Objective::Lateness);
    let err = outcome.unwrap_err().to_string();
    assert!(
        err.contains("line 2: not a problem") && err.contains("line 3: order x never fits"),
        "{err}"
    );
    assert_eq!(written, None);
    assert!(matches!(planned("\n", Objective::Travel).0, Err(PlanError::Empty { .. })));
}

/// The shared tours with proven costs, if they are here at all.
fn recorded_tours() -> Option<PathBuf> {
    let shared = env::var_os("RIDERHUB_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let tours = shared.join("tsppdlib");
    if !tours.is_dir() {
        eprintln!("no tours at {}; set RIDERHUB_DATA to test with them", tours.display());
        return None;
    }
    Some(tours)
}

#[test]
fn real_tours_of_up_to_nine_orders_are_the_proven_best() {
    let Some(folder) = recorded_tours() else { return };
    let table = fs::read_to_string(folder.join("optimal.csv")).unwrap();
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let (name, n, best): (&str, usize, i64) =
            (cells[0], cells[1].parse().unwrap(), cells[2].parse().unwrap());
        if n > 9 {
            continue;
        }
        let text = fs::read_to_string(folder.join(format!("json/{name}.json"))).unwrap();
        let tour: Value = serde_json::from_str(&text).unwrap();
        let nodes: Vec<&str> =
            tour["nodes"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        let place = |name: &str| nodes.iter().position(|it| *it == name).unwrap();
        let order: Vec<usize> = [place("+0")]
            .into_iter()
            .chain((1..=n).map(|i| place(&format!("+{i}"))))
            .chain((1..=n).map(|i| place(&format!("-{i}"))))
            .collect();
        let leg = |a: usize, b: usize| tour["edges"][a][b].as_i64().unwrap();
        let matrix: Vec<Vec<i64>> =
            order.iter().map(|a| order.iter().map(|b| leg(*a, *b)).collect()).collect();
        let orders: Vec<Value> = (1..=n).map(|i| json!({ "id": i })).collect();
        let line = json!({"id": name, "rider": {}, "orders": orders, "matrix": matrix}).to_string();
        let found = stops(&planned(&line, Objective::Travel).1.unwrap()).remove(0).1;
        let mut at = place("+0");
        let mut cost = 0;
        for stop in &found {
            cost += leg(at, place(stop));
            at = place(stop);
        }
        assert_eq!((cost, found.len()), (best, 2 * n), "{name}");
    }
}
