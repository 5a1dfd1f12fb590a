//! Coming back: nothing is missed, nothing comes twice, and nobody waits for a slow reader.

use std::time::Duration;

use domain::role::Role;
use serde_json::{Value, json};

use crate::support::{City, Client, Node, Person, cid};

const ROOM: &str = "bench:log:room";

async fn write(client: &mut Client, n: u64, filler: &str) {
    let p = json!({ "ch": ROOM, "cid": cid(), "body": { "n": n, "filler": filler } });
    client.ask("pub", p).await.unwrap();
}

fn offsets(entries: &[Value]) -> Vec<u64> {
    entries.iter().map(|it| it["off"].as_u64().unwrap()).collect()
}

async fn room(node: &Node) -> (Person, Client, Person, Client) {
    let (ann, bob) =
        (node.person("Ann", Role::Customer).await, node.person("Bob", Role::Rider).await);
    let (writer, _) = node.connect(&ann).await;
    let (mut reader, _) = node.connect(&bob).await;
    reader.ask("sub", json!({ "ch": ROOM })).await.unwrap();
    (ann, writer, bob, reader)
}

#[actix_web::test]
async fn who_comes_back_gets_exactly_what_it_missed_on_any_node() {
    let city = City::new().await;
    let (one, two) = (city.node().await, city.node().await);
    let (_ann, mut writer, bob, mut reader) = room(&one).await;
    for n in 1..=10 {
        write(&mut writer, n, "").await;
    }
    let before = reader.entries(ROOM, 10).await;
    let known = json!({ ROOM: { "ep": before[9]["ep"], "off": 10 } });
    // Gone without a word.
    drop(reader);
    one.holds(1).await;
    for n in 11..=250 {
        write(&mut writer, n, "").await;
    }
    let (mut reader, connected) = two.resume(&bob, known.clone()).await;
    let position = &connected["channels"][ROOM];
    assert_eq!((&position["from"], &position["recovered"]), (&json!(11), &json!(true)));
    for n in 251..=260 {
        write(&mut writer, n, "").await;
    }
    let after = reader.entries(ROOM, 250).await;
    assert_eq!(offsets(&after), (11..=260).collect::<Vec<_>>());
    assert_eq!(after[0]["n"], 11);
    assert_eq!(after[0]["ch"], ROOM);

    let mut wrong = known;
    wrong[ROOM]["ep"] = json!("another");
    let (_reader, connected) = two.resume(&bob, wrong).await;
    assert_eq!(connected["channels"][ROOM]["recovered"], false);
    assert_eq!(connected["channels"][ROOM]["to"], 260);
}

#[actix_web::test]
async fn a_gap_that_is_too_long_is_said_to_be_so() {
    let city = City::new().await;
    let node = city.node().await;
    let (_ann, mut writer, bob, mut reader) = room(&node).await;
    write(&mut writer, 1, "").await;
    let epoch = reader.entries(ROOM, 1).await[0]["ep"].clone();
    drop(reader);
    for n in 2..=503 {
        write(&mut writer, n, "").await;
    }
    let known = json!({ ROOM: { "ep": epoch, "off": 1 } });
    let (mut reader, connected) = node.resume(&bob, known).await;
    let position = &connected["channels"][ROOM];
    assert_eq!((&position["from"], &position["recovered"]), (&json!(504), &json!(false)));
    let page =
        reader.ask("history", json!({ "ch": ROOM, "after": 1, "limit": 100 })).await.unwrap();
    assert_eq!(page["entries"].as_array().unwrap().len(), 100);
    write(&mut writer, 504, "").await;
    assert_eq!(offsets(&reader.entries(ROOM, 1).await), [504]);
}

#[actix_web::test]
async fn the_own_channels_are_heard_without_asking() {
    let city = City::new().await;
    let node = city.node().await;
    let (customer, merchant) =
        (node.person("Ann", Role::Customer).await, node.person("Mo", Role::Merchant).await);
    let shop = node.store(&merchant).await;
    let order = node.paid_order(&shop, &customer).await;
    let (_client, connected) = node.connect(&customer).await;
    let heard: Vec<&String> = connected["channels"].as_object().unwrap().keys().collect();
    assert_eq!(heard, [&format!("inbox:{}", customer.profile), &format!("order:{order}")]);
    let (_client, connected) = node.connect(&merchant).await;
    let heard: Vec<&String> = connected["channels"].as_object().unwrap().keys().collect();
    assert_eq!(heard, [&format!("inbox:{}", merchant.profile), &format!("store:{}", shop.store)]);
    assert_eq!(connected["limits"]["channels"], 256);
}

#[actix_web::test]
async fn a_lost_socket_leaves_nothing_behind() {
    let city = City::new().await;
    let node = city.node().await;
    let (_ann, writer, bob, reader) = room(&node).await;
    let (other, _) = node.connect(&bob).await;
    node.holds(3).await;
    drop((writer, reader, other));
    node.holds(0).await;
    assert_eq!(node.live.hub.observe().n_channels, 0);
}

#[actix_web::test]
async fn latest_values_of_the_load_generator_go_to_the_others_only() {
    let city = City::new().await;
    let (one, two) = (city.node().await, city.node().await);
    let ann = one.person("Ann", Role::Customer).await;
    let ch = "bench:latest:room";
    let mut clients = vec![one.connect(&ann).await.0, one.connect(&ann).await.0];
    clients.push(two.connect(&ann).await.0);
    for client in &mut clients {
        client.ask("sub", json!({ "ch": ch })).await.unwrap();
    }
    for n in 0..200 {
        let frame = json!({ "m": "pub", "p": { "ch": ch, "body": { "n": n } } });
        clients[0].raw(frame.to_string()).await;
    }
    for client in &mut clients[1..] {
        for n in 0..200 {
            assert_eq!(client.push("msg").await["n"], n);
        }
    }
    let quiet = tokio::time::timeout(Duration::from_millis(100), clients[0].next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}
