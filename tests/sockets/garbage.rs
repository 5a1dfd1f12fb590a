//! No frame of any content ends the process, another connection, or a lock: random damage to good
//! frames, on real sockets, signed in or not. What it does is printed by its seed.

use domain::role::Role;
use futures_util::SinkExt;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::{MaybeTlsStream, tungstenite::Message};

use actors::protocol::{SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK};

use crate::support::{City, Node, Person, cid};

const ROUNDS: usize = 150;

fn commands(person: &Person) -> Vec<Value> {
    let ch = format!("inbox:{}", person.profile);
    let resume = json!({ ch.clone(): { "ep": "a", "off": 1 } });
    vec![
        json!({ "id": 1, "m": "connect", "p": { "token": person.token, "resume": resume } }),
        json!({ "id": 2, "m": "sub", "p": { "ch": "bench:log:garbage", "ep": "", "off": 0 } }),
        json!({ "id": 3, "m": "history", "p": { "ch": ch, "after": 0, "limit": 5 } }),
        json!({ "id": 4, "m": "pub", "p": { "ch": "bench:log:garbage", "cid": cid(), "body": {} } }),
        json!({ "id": 5, "m": "ack", "p": { "ch": ch, "off": 0 } }),
        json!({ "m": "pub", "p": { "ch": "bench:latest:garbage", "body": { "n": 1 } } }),
    ]
}

/// Changes, removes, doubles or inserts a few bytes.
fn damage(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..bytes.len().max(1));
        match rng.random_range(0..4) {
            0 if at < bytes.len() => bytes[at] = rng.random(),
            1 if at < bytes.len() => drop(bytes.drain(at..bytes.len().min(at + 3))),
            2 => bytes.truncate(at),
            _ => bytes.insert(at.min(bytes.len()), rng.random()),
        }
    }
}

async fn throw(node: &Node, person: &Person, rng: &mut StdRng) {
    let packed = rng.random_bool(0.5);
    let format = if packed { SUBPROTOCOL_MSGPACK } else { SUBPROTOCOL_JSON };
    let mut client = node.socket_of(format).await;
    if rng.random_bool(0.6) {
        client.ask("connect", json!({ "token": person.token })).await.unwrap();
    }
    let all = commands(person);
    for _ in 0..rng.random_range(1..6) {
        let command = &all[rng.random_range(0..all.len())];
        let mut bytes = if packed {
            rmp_serde::to_vec(command).unwrap()
        } else {
            command.to_string().into_bytes()
        };
        damage(&mut bytes, rng);
        let sent = if rng.random_bool(0.1) {
            // Not even a frame.
            let MaybeTlsStream::Plain(tcp) = client.socket.get_mut() else { panic!("no TLS here") };
            tcp.write_all(&bytes).await.is_ok()
        } else if packed {
            client.socket.send(Message::binary(bytes)).await.is_ok()
        } else {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            client.socket.send(Message::text(text)).await.is_ok()
        };
        if !sent {
            return;
        }
    }
}

#[actix_web::test]
async fn whatever_is_thrown_at_it_a_node_goes_on() {
    let city = City::new().await;
    let node = city.node().await;
    let person = node.person("Ann", Role::Customer).await;
    let (mut witness, _) = node.connect(&person).await;
    witness.ask("sub", json!({ "ch": "bench:log:garbage" })).await.unwrap();
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    for round in 0..ROUNDS {
        throw(&node, &person, &mut rng).await;
        if round % 50 == 0 {
            assert!(witness.ask("history", json!({ "ch": "bench:log:garbage" })).await.is_ok());
        }
    }
    node.holds(1).await;
    let body = json!({ "fine": true });
    let p = json!({ "ch": "bench:log:garbage", "cid": cid(), "body": body });
    witness.ask("pub", p).await.expect("the witness is heard");
    witness.expect(|it| it["fine"] == true).await;
}
