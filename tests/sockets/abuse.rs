//! Whatever a client sends, it hears what is wrong, and nobody else is hurt.

use std::{sync::Arc, time::Duration};

use domain::{clock::SystemClock, role::Role};
use futures_util::SinkExt;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::{
    MaybeTlsStream,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::support::{City, Closed, Node};

async fn city() -> (City, Node) {
    let city = City::new().await;
    let node = city.node().await;
    (city, node)
}

fn ended(code: u16, name: &str) -> Closed {
    Closed(code, name.to_owned())
}

#[actix_web::test]
async fn who_does_not_sign_in_first_is_closed() {
    let (_city, node) = city().await;
    let mut client = node.socket().await;
    let refusal = client.ask("sub", json!({ "ch": "ops:wtw3" })).await.unwrap_err();
    assert_eq!(refusal["name"], "unauthorized");
    assert_eq!(client.closed().await, ended(4500, "bad_protocol"));

    let mut client = node.socket().await;
    client.raw("hello").await;
    assert_eq!(client.next().await.unwrap()["err"]["code"], 110);
    assert_eq!(client.closed().await, ended(4500, "bad_protocol"));

    let mut client = node.socket().await;
    let refusal = client.ask("connect", json!({ "token": "nonsense" })).await.unwrap_err();
    assert_eq!(refusal["code"], 120);
    assert_eq!(client.closed().await, ended(4501, "invalid_token"));

    let mut client = node.socket().await;
    assert_eq!(client.ask("connect", json!({})).await.unwrap_err()["code"], 110);
    assert_eq!(client.closed().await, ended(4500, "bad_protocol"));
}

#[actix_web::test]
async fn who_says_nothing_is_closed_after_a_while() {
    let mut city = City::new().await;
    city.pace.connect_within = Duration::from_millis(200);
    city.pace.ping_every = Duration::from_millis(400);
    city.pace.pong_within = Duration::from_millis(200);
    let node = city.node().await;
    let mut client = node.socket().await;
    assert_eq!(client.closed().await, ended(4502, "connect_timeout"));

    let person = node.person("Ann", Role::Customer).await;
    let (mut lively, _) = node.connect(&person).await;
    let (mut silent, _) = node.connect(&person).await;
    for _ in 0..3 {
        lively.push("ping").await;
    }
    node.holds(1).await;
    assert_eq!(silent.closed().await, ended(4003, "no_pong"));
}

#[actix_web::test]
async fn bad_commands_are_answered_and_the_connection_stays() {
    let (_city, node) = city().await;
    let person = node.person("Ann", Role::Customer).await;
    let (mut client, _) = node.connect(&person).await;
    for (frame, code) in [
        ("{", 110),
        ("[1,2]", 110),
        (r#"{"id":9}"#, 110),
        (r#"{"id":9,"m":"nonsense"}"#, 111),
        (r#"{"id":9,"m":"connect","p":{"token":"x"}}"#, 110),
        (r#"{"id":9,"m":"sub","p":{"ch":7}}"#, 110),
        (r#"{"id":9,"m":"sub","p":{"ch":"nonsense"}}"#, 130),
        (r#"{"id":9,"m":"sub","p":{"ch":"ops:wtw3"}}"#, 130),
        (r#"{"id":9,"m":"duty.on","p":{"vehicle":"bike","capacity":1,"lat":0,"lng":0}}"#, 122),
        (r#"{"m":"loc.put","p":{}}"#, 122),
        (r#"{"id":9,"m":"order.accept","p":{"order":"x"}}"#, 122),
        (r#"{"id":9,"m":"history","p":{"ch":"x","before":1,"after":1}}"#, 110),
        (r#"[9,"sub",{"ch":"x"}]"#, 110),
        (r#"{"id":9,"m":"sub","p":["x"]}"#, 110),
    ] {
        client.raw(frame).await;
        let answer = client.expect(|it| it["err"].is_object()).await;
        assert_eq!(answer["err"]["code"], code, "{frame} -> {answer}");
        assert!(answer["err"]["msg"].as_str().unwrap().len() > 5, "{answer}");
    }
    let deep = "[".repeat(60_000);
    client.raw(deep).await;
    assert_eq!(client.expect(|it| it["err"].is_object()).await["err"]["code"], 110);
    let inbox = format!("inbox:{}", person.profile);
    assert!(client.ask("history", json!({ "ch": inbox })).await.is_ok(), "it still works");
}

#[actix_web::test]
async fn a_device_is_named_in_full_or_not_let_in() {
    let (_city, node) = city().await;
    let person = node.person("Ann", Role::Customer).await;
    let longest = "d".repeat(64);
    for bad in
        [json!({ "id": format!("{longest}d") }), json!({ "id": "" }), json!({ "id": "a\nb" })]
    {
        let mut client = node.socket().await;
        let hello = json!({ "token": person.token, "device": bad });
        let refusal = client.ask("connect", hello).await.unwrap_err();
        assert_eq!(refusal["code"], 110, "{refusal}");
        assert!(refusal["msg"].as_str().unwrap().contains("device.id"), "{refusal}");
        assert_eq!(client.closed().await, ended(4500, "bad_protocol"));
    }
    let mut client = node.socket().await;
    let listed = json!({ "token": person.token, "device": ["d-1", "web"] });
    assert_eq!(client.ask("connect", listed).await.unwrap_err()["code"], 110);
    let mut client = node.socket().await;
    let hello = json!({ "token": person.token, "device": { "id": longest } });
    client.ask("connect", hello).await.unwrap();
}

#[actix_web::test]
async fn positions_that_cannot_be_true_are_refused_by_name() {
    let (_city, node) = city().await;
    let rider = node.person("Remy", Role::Rider).await;
    let (mut client, _) = node.connect(&rider).await;
    let good =
        json!({ "seq": 1, "lat": 31.2, "lng": 121.5, "hdg": 90, "spd": 4.5, "acc": 8, "t": 1 });
    client.ask("loc.put", good.clone()).await.unwrap();
    for (field, value) in [
        ("lat", json!(91)),
        ("hdg", json!(-1)),
        ("spd", json!(1e9)),
        ("acc", json!(-0.5)),
        ("t", json!(i64::MAX)),
        ("t", json!(-5)),
        ("seq", json!(u64::MAX)),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let refusal = client.ask("loc.put", bad).await.unwrap_err();
        assert_eq!(refusal["code"], 110, "{refusal}");
        let names = refusal["msg"].as_str().unwrap().contains(field) || field == "lat";
        assert!(names, "{field}: {refusal}");
    }
}

#[actix_web::test]
async fn several_commands_in_one_message_are_answered_in_order() {
    let (_city, node) = city().await;
    let person = node.person("Ann", Role::Customer).await;
    let (mut client, _) = node.connect(&person).await;
    let ch = format!("inbox:{}", person.profile);
    let frames: Vec<String> = (100..110)
        .map(|id| json!({ "id": id, "m": "history", "p": { "ch": ch } }).to_string())
        .collect();
    client.raw(frames.join("\n")).await;
    for id in 100..110 {
        assert_eq!(client.next().await.unwrap()["id"], id);
    }
}

#[actix_web::test]
async fn what_is_no_text_or_too_long_closes_with_its_own_code() {
    let (_city, node) = city().await;
    let person = node.person("Ann", Role::Customer).await;
    let (mut other, _) = node.connect(&person).await;

    let (mut client, _) = node.connect(&person).await;
    client.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.closed().await, ended(1003, "text_only"));

    for size in [65_537, 1_000_000, 5_000_000] {
        let (mut client, _) = node.connect(&person).await;
        let huge = "x".repeat(size);
        let _may_fail = client.socket.send(Message::text(huge)).await;
        let told = client.expect(|it| it["err"].is_object()).await;
        assert_eq!(told["err"]["code"], 112);
        assert_eq!(client.closed().await, ended(1009, "too_big"), "{size} bytes");
    }
    for (bytes, code) in [
        (&[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28][..], 1007),
        (&[0xc1, 0x80, 0, 0, 0, 0][..], 1002),
        (&[0x81, 0x01, b'x'][..], 1002),
    ] {
        let (mut client, _) = node.connect(&person).await;
        let MaybeTlsStream::Plain(tcp) = client.socket.get_mut() else { panic!("no TLS here") };
        tcp.write_all(bytes).await.unwrap();
        assert_eq!(client.closed().await.0, code, "{bytes:?}");
    }
    let inbox = format!("inbox:{}", person.profile);
    assert!(other.ask("history", json!({ "ch": inbox })).await.is_ok(), "others do not care");
    drop(other);
    node.holds(0).await;
}

#[actix_web::test]
async fn too_many_commands_are_refused_and_then_the_connection_is_closed() {
    let (_city, node) = city().await;
    let person = node.person("Ann", Role::Customer).await;
    let (mut client, _) = node.connect(&person).await;
    for _ in 0..400 {
        client.send("nonsense", json!({})).await;
    }
    let told = client.expect(|it| it["err"]["code"] == 113).await;
    assert!(told["err"]["after_ms"].as_u64().unwrap() > 0, "{told}");
    assert_eq!(told["err"]["retry"], true);
    assert_eq!(client.closed().await, ended(4007, "rate_limited"));
}

#[actix_web::test]
async fn a_foreign_page_and_an_unknown_version_are_refused_before_the_upgrade() {
    let (_city, node) = city().await;
    for (name, value, status) in [
        ("origin", "https://evil.example", 403),
        ("sec-websocket-protocol", "riderhub.v9.json", 400),
    ] {
        let mut req = format!("ws://{}/v1/ws", node.addr).into_client_request().unwrap();
        req.headers_mut().insert(name, HeaderValue::from_static(value));
        let refused = tokio_tungstenite::connect_async(req).await.unwrap_err();
        let tokio_tungstenite::tungstenite::Error::Http(answer) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(answer.status(), status, "{name}");
    }
    let req = format!("ws://{}/v1/ws", node.addr).into_client_request().unwrap();
    assert!(tokio_tungstenite::connect_async(req).await.is_ok(), "without a version it is JSON");
}

#[actix_web::test]
async fn a_token_that_runs_out_closes_unless_it_is_renewed() {
    // A second of ours is ten minutes of theirs; a token is good for fifteen.
    let origin = SystemClock::machine_time();
    let city = City::with_clock(Arc::new(SystemClock::scaled(origin, origin, 600.0))).await;
    let node = city.node().await;
    let ann = node.person("Ann", Role::Customer).await;
    let bob = node.person("Bob", Role::Customer).await;
    let (mut one, _) = node.connect(&ann).await;
    let (mut two, _) = node.connect(&bob).await;
    assert_eq!(two.push("auth").await["state"], "expiring");
    let foreign = one.ask("auth.refresh", json!({ "token": node.token(&bob) })).await;
    assert_eq!(foreign.unwrap_err()["code"], 122);
    let renewed = two.ask("auth.refresh", json!({ "token": node.token(&bob) })).await.unwrap();
    assert!(renewed["token_exp"].as_i64().unwrap() > 0);
    assert_eq!(one.closed().await, ended(4009, "token_expired"));
    let quiet = tokio::time::timeout(Duration::from_millis(300), two.closed()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    let late = node.socket().await.ask("connect", json!({ "token": ann.token })).await;
    assert_eq!(late.unwrap_err()["code"], 121);
}
