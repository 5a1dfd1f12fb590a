//! Nonsense and strangers: a clear error each, and the server lives.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use riderhub::client::{
    calls,
    error::ClientError,
    link::new_cid,
    rest::{Call, Rest},
    session::{Login, Session},
    socket::SUBPROTOCOL,
};
use serde_json::{Value, json};
use storage::testing::Engine;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::support::{Person, World, given_order, given_paid_order, given_shop, spot};

/// A socket that keeps no rules.
struct Raw(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Raw {
    async fn open(world: &World) -> Self {
        let url = format!("{}/v1/ws", world.nodes[0].base.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().unwrap());
        Self(connect_async(request).await.unwrap().0)
    }

    async fn signed_in(world: &World, session: &Session) -> Self {
        let mut raw = Self::open(world).await;
        let token = session.access_token().await;
        let connect = json!({ "id": 1, "m": "connect", "p": { "token": token,
            "device": { "id": "d-raw", "kind": "test", "app": "raw/1" } } });
        raw.send(&connect.to_string()).await;
        let hello = raw.reply(1).await;
        assert!(hello.get("ok").is_some(), "{hello}");
        raw
    }

    async fn send(&mut self, text: &str) {
        // The server may have closed already; the answer tells.
        drop(self.0.send(Message::text(text.to_owned())).await);
    }

    async fn next(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(Duration::from_secs(10), self.0.next());
        next.await.expect("the server neither answers nor closes").and_then(Result::ok)
    }

    /// The reply to command `id`; pushes are skipped.
    async fn reply(&mut self, id: u64) -> Value {
        while let Some(message) = self.next().await {
            let Message::Text(text) = message else { continue };
            for line in text.split('\n') {
                let frame: Value = serde_json::from_str(line).unwrap();
                if frame.get("id") == Some(&json!(id)) {
                    return frame;
                }
            }
        }
        panic!("the socket ended without a reply to {id}");
    }

    async fn command(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.send(&json!({ "id": id, "m": method, "p": params }).to_string()).await;
        self.reply(id).await
    }

    /// The close code that the server sends.
    async fn close_code(&mut self) -> u16 {
        while let Some(message) = self.next().await {
            if let Message::Close(frame) = message {
                return frame.map_or(1005, |it| it.code.into());
            }
        }
        1006
    }
}

/// The server still serves: the same process, and a newcomer gets in.
async fn check_alive(world: &mut World) {
    assert!(world.nodes[0].is_alive(), "the process has ended");
    let someone = Person::join(world, 0, "customer", "Zoe").await;
    someone.call("sub", json!({ "ch": format!("inbox:{}", someone.profile()) })).await;
}

#[tokio::test]
async fn a_socket_that_begins_wrongly_is_closed_with_the_reason() {
    let mut world = World::start(Engine::Sqlite, &[]);
    let first_frames = [
        ("not json at all", 4500),
        (r#"{"id":1}"#, 4500),
        ("[1,2,3]", 4500),
        (r#"{"id":1,"m":"chat.send","p":{}}"#, 4500),
        (r#"{"id":1,"m":"connect","p":{}}"#, 4500),
        (r#"{"id":1,"m":"connect","p":{"token":"nonsense","device":{"id":"d"}}}"#, 4501),
        (
            r#"{"id":1,"m":"connect","p":{"token":"eyJhbGciOiJub25lIn0.eyJzdWIiOiJjdXNfMSJ9.","device":{"id":"d"}}}"#,
            4501,
        ),
    ];
    for (frame, code) in first_frames {
        let mut raw = Raw::open(&world).await;
        raw.send(frame).await;
        assert_eq!(raw.close_code().await, code, "after `{frame}`");
    }
    check_alive(&mut world).await;
}

#[tokio::test]
async fn a_socket_that_stays_silent_is_closed() {
    let world = World::start(Engine::Sqlite, &[]);
    let mut raw = Raw::open(&world).await;
    assert_eq!(raw.close_code().await, 4502);
}

#[tokio::test]
async fn wrong_commands_are_answered_by_errors_and_the_socket_stays() {
    let mut world = World::start(Engine::Sqlite, &[]);
    let session = Person::sign_up(&world, 0, "customer", "Cleo").await;
    let mut raw = Raw::signed_in(&world, &session).await;
    let unknown_order = format!("order:ord_{}", uuid::Uuid::now_v7().simple());
    let say = |ch: &str| json!({ "ch": ch, "cid": new_cid(), "kind": "text", "body": "hi" });
    let cases = [
        ("dance", json!({}), 111),
        ("chat.send", json!({}), 110),
        ("chat.send", json!({ "ch": 7, "cid": new_cid(), "kind": "text", "body": "hi" }), 110),
        ("chat.send", json!({ "ch": "order:x", "cid": "c", "kind": "text", "body": "hi" }), 110),
        ("chat.send", say("nowhere"), 130),
        ("chat.send", say(&unknown_order), 130),
        ("sub", json!({ "ch": unknown_order }), 130),
        ("history", json!({ "ch": unknown_order, "after": 0, "limit": 10 }), 130),
        ("duty.on", json!({ "vehicle": "scooter", "capacity": 1, "lat": 0, "lng": 0 }), 122),
        ("order.ready", json!({ "order": "ord_1", "cid": new_cid() }), 122),
    ];
    for (id, (method, params, code)) in (2..).zip(cases) {
        let reply = raw.command(id, method, params.clone()).await;
        assert_eq!(reply["err"]["code"], code, "{method} {params}: {reply}");
        assert!(reply["err"]["msg"].as_str().is_some_and(|it| !it.is_empty()), "{reply}");
    }
    check_alive(&mut world).await;
}

#[tokio::test]
async fn broken_frames_of_any_kind_do_not_hurt_the_server() {
    let mut world = World::start(Engine::Sqlite, &[]);
    let session = Person::sign_up(&world, 0, "customer", "Cleo").await;
    let huge = format!(r#"{{"id":2,"m":"chat.send","p":{{"body":"{}"}}}}"#, "x".repeat(70_000));
    let nested = "[".repeat(50_000);
    for text in ["{", "null", "\n\n\n", r#"{"id":-1,"m":"sub"}"#, &nested, &huge] {
        let mut raw = Raw::signed_in(&world, &session).await;
        raw.send(text).await;
        raw.send(r#"{"id":9,"m":"dance","p":{}}"#).await;
        let answer = raw.next().await;
        let shown: String = text.chars().take(30).collect();
        assert!(answer.is_some(), "`{shown}` is answered by an error or a close frame");
    }
    let mut raw = Raw::signed_in(&world, &session).await;
    raw.send(&huge).await;
    assert!(
        matches!(raw.close_code().await, 1009 | 4500),
        "a frame above the limit ends the socket"
    );
    check_alive(&mut world).await;
}

#[tokio::test]
async fn a_strangers_order_is_not_found_and_a_stale_offer_is_gone() {
    let mut world = World::start(Engine::Sqlite, &["--time-scale", "30"]);
    let shop = given_shop(&world, 0, spot(0.0, 0.0), 10).await;
    let customer = Person::join(&world, 0, "customer", "Cleo").await;
    let stranger = Person::join(&world, 0, "customer", "Eve").await;
    let mut rider = Person::join(&world, 0, "rider", "Remy").await;
    rider.on_duty(spot(300.0, 0.0), 3).await;
    let order = given_paid_order(&customer.session, &shop, spot(0.0, 900.0)).await;
    shop.merchant
        .call("order.accept", json!({ "order": order, "cid": new_cid(), "prep_min": 5 }))
        .await;

    let channel = format!("order:{order}");
    let refused = stranger.link.say(&channel, &new_cid(), "let me in").await.unwrap_err();
    assert_eq!(refused.code(), Some(130), "{refused}");
    let refused = stranger.link.call("sub", json!({ "ch": channel })).await.unwrap_err();
    assert_eq!(refused.code(), Some(130), "{refused}");
    let refused = calls::order(&stranger.session, &order).await.unwrap_err();
    assert_eq!(refused.status(), Some(404), "{refused}");
    for verb in ["cancel", "confirm"] {
        let refused = calls::step(&stranger.session, &order, verb, json!({})).await.unwrap_err();
        assert_eq!(refused.status(), Some(404), "{verb}: {refused}");
    }

    let offer = rider
        .until("an offer", |it| (it.kind == "offer").then(|| it.text("offer").unwrap().to_owned()));
    let offer = offer.await;
    rider
        .until("the offer's end", |it| {
            (it.kind == "offer.closed" && it.text("state") == Some("expired")).then_some(())
        })
        .await;
    let take = json!({ "offer": offer, "cid": new_cid(), "take": true });
    let refused = rider.link.call("offer.reply", take).await.unwrap_err();
    assert_eq!(refused.code(), Some(132), "{refused}");
    let unknown = format!("off_{}", uuid::Uuid::now_v7().simple());
    let take = json!({ "offer": unknown, "cid": new_cid(), "take": true });
    let refused = rider.link.call("offer.reply", take).await.unwrap_err();
    assert_eq!(refused.code(), Some(130), "{refused}");
    check_alive(&mut world).await;
}

#[tokio::test]
async fn rest_answers_nonsense_with_problems() {
    let mut world = World::start(Engine::Sqlite, &[]);
    let shop = given_shop(&world, 0, spot(0.0, 0.0), 1).await;
    let customer = Person::sign_up(&world, 0, "customer", "Cleo").await;
    given_order(&customer, &shop, spot(0.0, 900.0)).await;

    let order = json!({ "store": shop.store, "lines": [{ "product": shop.product, "quantity": 1 }],
        "dropoff": { "lat": 31.2, "lng": 121.47, "address": "x" } });
    let unknown = format!("/v1/orders/ord_{}", uuid::Uuid::now_v7().simple());
    let mut cheap = order.clone();
    cheap["total_minor"] = json!(1);
    let calls = [
        ("sold out", Call::post("/v1/orders", order.clone()).key(new_cid()), 409),
        ("no key", Call::post("/v1/orders", order), 400),
        ("a total made by the client", Call::post("/v1/orders", cheap).key(new_cid()), 400),
        ("not an id", Call::get("/v1/orders/ord_0"), 400),
        ("a stranger's order", Call::get(&unknown), 404),
        ("no such route", Call::get("/v1/nothing/here"), 404),
        ("no object", Call::post("/v1/orders", json!([1])).key(new_cid()), 400),
        (
            "not her store",
            Call::patch(format!("/v1/stores/{}", shop.store), json!({ "is_open": false })),
            403,
        ),
    ];
    for (what, call, status) in calls {
        let refused = customer.call(call).await.unwrap_err();
        let ClientError::Refused { status: found, kind, title, .. } = &refused else {
            panic!("{what}: {refused}");
        };
        let fits = *found == status
            || (status == 400 && *found == 422)
            || (status == 403 && *found == 404);
        assert!(fits, "{what}: {refused}");
        assert!(!kind.is_empty() && !title.is_empty(), "{what} is a problem: {refused}");
    }
    wrong_password(&world).await;
    check_alive(&mut world).await;
}

async fn wrong_password(world: &World) {
    let rest = Rest::new(&world.bases(0), 0).unwrap();
    let login = Login {
        login: format!("kim-{}", uuid::Uuid::now_v7().simple()),
        password: "correct horse battery".to_owned(),
        role: "customer",
    };
    Session::join(rest.clone(), login.clone(), "Kim").await.unwrap();
    let wrong = Login { password: "wrong horse battery".to_owned(), ..login };
    let refused = Session::sign_in(rest, wrong).await.unwrap_err();
    assert_eq!(refused.status(), Some(401), "{refused}");
}
