//! Who reads slowly hurts nobody, misses nothing that is kept, and is cut off if all else fails.

use std::time::Duration;

use domain::role::Role;
use serde_json::{Value, json};

use crate::support::{City, Client, Node, Person, cid};

const ROOM: &str = "bench:log:slow";
/// More than the kernel takes for a socket that nobody reads.
const FILLER: usize = 50_000;

async fn write(client: &mut Client, n: u64) {
    let p = json!({ "ch": ROOM, "cid": cid(), "body": { "n": n, "filler": "x".repeat(FILLER) } });
    client.ask("pub", p).await.unwrap();
}

fn off(entry: &Value) -> u64 {
    entry["off"].as_u64().unwrap()
}

async fn joined(node: &Node, person: &Person, room: &str) -> Client {
    let (mut client, _) = node.connect(person).await;
    client.ask("sub", json!({ "ch": room })).await.unwrap();
    client
}

#[actix_web::test]
async fn a_slow_reader_is_told_to_pull_and_misses_nothing() {
    let city = City::new().await;
    let node = city.node().await;
    let (ann, bob) =
        (node.person("Ann", Role::Customer).await, node.person("Bob", Role::Rider).await);
    let mut writer = joined(&node, &ann, ROOM).await;
    let mut reader = joined(&node, &bob, ROOM).await;
    let mut sleeper = joined(&node, &bob, ROOM).await;

    let mut n = 0;
    let mut after_lag = 0;
    while after_lag < 5 {
        n += 1;
        assert!(n < 2_000, "{:?}", node.live.hub.observe());
        write(&mut writer, n).await;
        assert_eq!(off(&reader.entries(ROOM, 1).await[0]), n, "the others do not wait");
        writer.entries(ROOM, 1).await;
        after_lag += node.live.hub.observe().tally.n_lagging;
    }
    assert_eq!(node.live.hub.observe().n_connections, 3, "nobody was cut off");

    // Awake again: first what was queued, then the journal at its own speed, then live.
    let lag = sleeper.push("lag").await;
    assert_eq!(lag["ch"], ROOM);
    let queued = sleeper.entries(ROOM, off(&lag) as usize).await;
    let mut have: Vec<u64> = queued.iter().map(off).collect();
    let quiet = tokio::time::timeout(Duration::from_millis(100), sleeper.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    loop {
        let p = json!({ "ch": ROOM, "after": have.last().unwrap(), "limit": 2 });
        let page = sleeper.ask("history", p).await.unwrap();
        have.extend(page["entries"].as_array().unwrap().iter().map(off));
        if page["more"] == false {
            break;
        }
    }
    write(&mut writer, n + 1).await;
    let p = json!({ "ch": ROOM, "ep": lag["ep"], "off": have.last().unwrap() });
    let position = sleeper.ask("sub", p).await.unwrap();
    assert_eq!(position["recovered"], true, "{position}");
    write(&mut writer, n + 2).await;
    have.extend(sleeper.entries(ROOM, 2).await.iter().map(off));
    assert_eq!(have, (1..=n + 2).collect::<Vec<_>>(), "all of them, once, in order");
}

#[actix_web::test]
async fn a_reader_that_takes_nothing_is_cut_off_and_the_others_are_not() {
    let city = City::new().await;
    let node = city.node().await;
    let (ann, bob) =
        (node.person("Ann", Role::Customer).await, node.person("Bob", Role::Rider).await);
    // Here nothing is kept that could be pulled.
    let room = "bench:latest:slow";
    let mut writer = joined(&node, &ann, room).await;
    let mut reader = joined(&node, &bob, room).await;
    let mut sleeper = joined(&node, &bob, room).await;
    node.holds(3).await;

    let filler = "x".repeat(FILLER);
    let mut n = 0;
    while node.live.hub.observe().n_connections == 3 {
        n += 1;
        assert!(n < 2_000, "{:?}", node.live.hub.observe());
        let frame =
            json!({ "m": "pub", "p": { "ch": room, "body": { "n": n, "filler": filler } } });
        writer.raw(frame.to_string()).await;
        assert_eq!(reader.push("msg").await["n"], n);
    }
    assert_eq!(node.live.hub.observe().tally.n_cut_off, 1);
    let closed = sleeper.closed().await;
    assert_eq!(closed.0, 4004, "{closed:?}");
}
