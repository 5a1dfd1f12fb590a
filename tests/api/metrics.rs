//! `/metrics` of a real server after some traffic: every figure is there, and tells what happened.

use riderhub::{
    client::socket::{Incoming, Socket},
    http::figures::FIGURES,
};
use serde_json::{Value, json};
use storage::testing::Engine;

use crate::support::{Person, World};

const ROOM: &str = "bench:log:metrics";

/// Sends a command and waits for its answer.
async fn ask(socket: &mut Socket, command: Value) -> Value {
    socket.send(command.to_string()).await.unwrap();
    loop {
        match socket.next().await {
            Incoming::Frame(frame) if frame.get("id") == Some(&command["id"]) => {
                return Value::Object(frame);
            }
            Incoming::End { code, reason } => return json!({"code": code, "reason": reason}),
            Incoming::Frame(_) | Incoming::Beat => {}
        }
    }
}

async fn connect(base: &str, token: &str, resume: Value) -> (Socket, Value) {
    let mut socket = Socket::open(base).await.unwrap();
    let p = json!({"token": token, "resume": resume});
    let answer = ask(&mut socket, json!({"id": 1, "m": "connect", "p": p})).await;
    (socket, answer)
}

/// The sum of all series whose line begins with `begin` and holds all of `labels`.
fn sum(text: &str, begin: &str, labels: &[&str]) -> f64 {
    let lines = text.lines().filter(|line| {
        let name = line.split([' ', '{']).next();
        name == Some(begin) && labels.iter().all(|it| line.contains(it))
    });
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

#[tokio::test]
async fn every_figure_is_shown_and_tells_what_happened() {
    let world = World::start(Engine::Sqlite, &["--bench-channels"]);
    let base = &world.nodes[0].base;
    let session = Person::sign_up(&world, 0, "customer", "Metra").await;
    let token = session.access_token().await;
    let (mut writer, _) = connect(base, &token, json!({})).await;
    let say = |id: u32, cid: &str| json!({"id": id, "m": "pub", "p": {"ch": ROOM, "cid": cid, "body": {"text": "hello"}}});
    let first = ask(&mut writer, say(2, "command-one")).await;
    let again = ask(&mut writer, say(3, "command-one")).await;
    assert_eq!((&first["ok"]["dup"], &again["ok"]["dup"]), (&json!(false), &json!(true)));
    let known = json!({ROOM: {"ep": "", "off": 0}});
    let (_reader, answer) = connect(base, &token, known).await;
    assert_eq!(answer["ok"]["channels"][ROOM]["recovered"], true, "{answer}");
    let (_refused, _) = connect(base, "no token", json!({})).await;

    let http = riderhub::http_client::builder().no_proxy().build().unwrap();
    let text = http.get(format!("{base}/metrics")).send().await.unwrap().text().await.unwrap();
    for figure in FIGURES {
        let name = figure.name;
        let is_there = text.lines().any(|it| it.starts_with(name));
        assert!(is_there && text.contains(&format!("# HELP {name} ")), "no {name} in\n{text}");
    }
    for (name, labels, least) in [
        ("riderhub_connections", &["role=\"customer\""][..], 2.0),
        ("riderhub_command_seconds_count", &["m=\"pub\"", "outcome=\"ok\""], 2.0),
        ("riderhub_command_seconds_count", &["m=\"connect\"", "outcome=\"ok\""], 2.0),
        ("riderhub_command_seconds_bucket", &["m=\"connect\"", "le=\"+Inf\""], 3.0),
        ("riderhub_duplicates_total", &[], 1.0),
        ("riderhub_resumes_total", &["result=\"whole\""], 1.0),
        ("riderhub_journal_queries_total", &["what=\"gaps\""], 1.0),
        ("riderhub_journal_asks_total", &["what=\"gap\""], 1.0),
    ] {
        assert!(sum(&text, name, labels) >= least, "{name} {labels:?} in\n{text}");
    }
    assert_eq!(sum(&text, "riderhub_bus_degraded", &[]), 0.0);
}
