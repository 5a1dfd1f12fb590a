//! Limits of sockets, and a node that goes down.

use std::time::{Duration, Instant};

use actors::{admission::SocketLimits, drain::drain};
use domain::role::Role;
use serde_json::json;
use storage::{db::Tx, error::StoreError};
use tokio_tungstenite::tungstenite::Error;

use crate::support::{City, LIMIT, Node, cid};

/// The status and `Retry-After` of an upgrade that is refused.
async fn refused(node: &Node) -> (u16, u64) {
    match tokio_tungstenite::connect_async(format!("ws://{}/v1/ws", node.addr)).await {
        Err(Error::Http(answer)) => {
            let after = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            (answer.status().as_u16(), after)
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[actix_web::test]
async fn a_full_node_says_when_to_come_back_and_takes_the_next_when_somebody_leaves() {
    let mut city = City::new().await;
    city.limits = SocketLimits { sockets: 2, ..SocketLimits::default() };
    let node = city.node().await;
    let first = node.socket().await;
    let _second = node.socket().await;
    let (status, after_s) = refused(&node).await;
    assert_eq!(status, 503);
    assert!((2..=10).contains(&after_s), "{after_s}");
    drop(first);
    let started = Instant::now();
    while node.live.admission.n_open() == 2 {
        assert!(started.elapsed() < LIMIT, "the place is given back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    node.socket().await;
}

#[actix_web::test]
async fn a_burst_of_sockets_is_bounded() {
    let mut city = City::new().await;
    city.limits = SocketLimits { per_second: 3, ..SocketLimits::default() };
    let node = city.node().await;
    let open = || tokio_tungstenite::connect_async(format!("ws://{}/v1/ws", node.addr));
    let opened = futures_util::future::join_all((0..30).map(|_| open())).await;
    let n_open = opened.iter().filter(|it| it.is_ok()).count();
    assert!((3..20).contains(&n_open), "{n_open} of 30 were let in");
}

#[actix_web::test]
async fn a_profile_has_so_many_connections_and_others_do_not_feel_it() {
    let mut city = City::new().await;
    city.limits = SocketLimits { per_profile: 2, ..SocketLimits::default() };
    let node = city.node().await;
    let (ann, bo) =
        (node.person("Ann", Role::Customer).await, node.person("Bo", Role::Customer).await);
    let _one = node.connect(&ann).await;
    let (two, _) = node.connect(&ann).await;
    let mut three = node.socket().await;
    let refusal = three.ask("connect", json!({ "token": ann.token })).await.unwrap_err();
    assert_eq!(refusal["name"], "forbidden", "{refusal}");
    assert_eq!(three.closed().await.0, 4505);
    let _other = node.connect(&bo).await;
    drop(two);
    node.holds(2).await;
    let _instead = node.connect(&ann).await;
}

#[actix_web::test]
async fn a_node_that_goes_down_lets_its_clients_go_one_after_the_other() {
    let city = City::new().await;
    let node = city.node().await;
    let ann = node.person("Ann", Role::Customer).await;
    let mut clients = Vec::new();
    for _ in 0..12 {
        clients.push(node.connect(&ann).await.0);
    }
    let mut late = node.socket().await;
    let window = Duration::from_secs(2);
    let live = node.live.clone();
    let started = Instant::now();
    let draining = actix_web::rt::spawn(async move { drain(&live, window).await });
    let mut told = Vec::new();
    for client in &mut clients {
        told.push(client.push("drain").await["after_ms"].as_u64().unwrap());
    }
    assert_eq!(refused(&node).await.0, 503, "nobody new is let in");
    let refusal = late.ask("connect", json!({ "token": ann.token })).await.unwrap_err();
    assert_eq!(refusal["name"], "unavailable", "{refusal}");
    assert_eq!(late.closed().await.0, 4001);
    assert!(told.iter().all(|it| *it <= 2_000), "{told:?}");
    told.sort_unstable();
    told.dedup();
    assert!(told.len() > 6, "each has a moment of its own: {told:?}");

    let ends = clients.iter_mut().map(|it| async { (it.closed().await, started.elapsed()) });
    let mut passed = Vec::new();
    for (closed, after) in futures_util::future::join_all(ends).await {
        assert_eq!(closed.0, 4001, "{closed:?}");
        let back = closed.1.strip_prefix("drain;after=").unwrap().parse::<u64>().unwrap();
        assert!(back <= 3_000, "{back}");
        passed.push(after);
    }
    passed.sort_unstable();
    assert!(
        passed[0] < window && passed[11] - passed[0] > Duration::from_millis(400),
        "{passed:?}"
    );
    draining.await.unwrap();
    assert_eq!(node.live.admission.n_open(), 0);
}

#[actix_web::test]
async fn a_command_under_way_is_answered_before_the_good_bye() {
    let city = City::new().await;
    let node = city.node().await;
    let customer = node.person("Ann", Role::Customer).await;
    let merchant = node.person("Mo", Role::Merchant).await;
    let shop = node.store(&merchant).await;
    let order = node.paid_order(&shop, &customer).await;
    let (mut client, _) = node.connect(&merchant).await;
    // The only writer is busy for a while, so the command is under way when the drain comes.
    let (store, busy) = (node.live.platform.store.clone(), Duration::from_millis(700));
    let hold = async move |_: &mut Tx| {
        tokio::time::sleep(busy).await;
        Ok::<_, StoreError>(())
    };
    let holding = actix_web::rt::spawn(async move { store.write(hold).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let accept = json!({ "order": order.to_string(), "cid": cid(), "prep_min": 5 });
    let id = client.send("order.accept", accept).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let live = node.live.clone();
    let draining = actix_web::rt::spawn(async move { drain(&live, Duration::ZERO).await });
    let answer = client.reply(id).await.unwrap();
    assert_eq!(answer["dup"], false, "{answer}");
    assert_eq!(client.closed().await.0, 4001);
    holding.await.unwrap().unwrap();
    draining.await.unwrap();
}
