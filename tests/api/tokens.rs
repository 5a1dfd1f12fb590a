//! Signing out: the tokens of a sign-in are worth nothing any more, on every node, soon.

use std::time::{Duration, Instant};

use riderhub::client::{
    rest::{Call, Rest},
    socket::{Frame, Incoming, Socket},
};
use serde_json::{Value, json};
use storage::testing::{Engine, servers::RedisServer};

use crate::support::{World, each_world};

/// What is promised.
const REVOKED_WITHIN: Duration = Duration::from_secs(5);

/// One device of somebody: a sign-in of its own, and a socket.
struct Device {
    rest: Rest,
    token: String,
    refresh: String,
    socket: Socket,
}

async fn account(world: &World) -> (String, Value) {
    let login = format!("ann-{}", uuid::Uuid::now_v7().simple());
    let body = json!({ "login": login, "password": "correct horse battery", "name": "Ann",
        "roles": ["customer", "rider"] });
    let rest = Rest::new(&world.bases(0), 0).unwrap();
    rest.call(&Call::post("/v1/accounts", body), None).await.unwrap();
    (login.clone(), json!({ "login": login, "password": "correct horse battery" }))
}

impl Device {
    async fn sign_in(world: &World, node: usize, who: &Value, role: &str) -> Self {
        let base = world.nodes[node % world.nodes.len()].base.clone();
        let rest = Rest::new(std::slice::from_ref(&base), 0).unwrap();
        let mut body = who.clone();
        body["role"] = json!(role);
        let session = rest.call(&Call::post("/v1/sessions", body), None).await.unwrap();
        let text = |name: &str| session[name].as_str().unwrap().to_owned();
        let token = text("access_token");
        let socket = connect(&base, &token).await.0;
        Self { rest, token, refresh: text("refresh_token"), socket }
    }

    /// The kind of problem that a request with this device's token meets; `None` if it is taken.
    async fn refused(&self) -> Option<String> {
        kind(self.rest.call(&Call::get("/v1/me"), Some(&self.token)).await)
    }

    /// The refresh token that takes the place of this device's.
    async fn renew(&self) -> String {
        let body = json!({ "refresh_token": self.refresh });
        let session =
            self.rest.call(&Call::post("/v1/sessions/refresh", body), None).await.unwrap();
        session["refresh_token"].as_str().unwrap().to_owned()
    }

    async fn refresh_refused(&self) -> Option<String> {
        let body = json!({ "refresh_token": self.refresh });
        kind(self.rest.call(&Call::post("/v1/sessions/refresh", body), None).await)
    }

    /// How the socket ends, and how long that took.
    async fn closed(&mut self) -> (u16, Duration) {
        let started = Instant::now();
        let ended = tokio::time::timeout(REVOKED_WITHIN * 4, async {
            loop {
                if let Incoming::End { code, .. } = self.socket.next().await {
                    return code;
                }
            }
        });
        (ended.await.expect("the socket is closed"), started.elapsed())
    }

    /// Whether the socket answers.
    async fn is_open(&mut self) -> bool {
        self.socket
            .send(json!({ "id": 9, "m": "sub", "p": { "ch": "nothing" } }).to_string())
            .await
            .unwrap();
        loop {
            match self.socket.next().await {
                Incoming::Frame(frame) if frame.get("id") == Some(&json!(9)) => return true,
                Incoming::End { .. } => return false,
                Incoming::Frame(_) | Incoming::Beat => {}
            }
        }
    }
}

fn kind(outcome: Result<Value, riderhub::client::error::ClientError>) -> Option<String> {
    match outcome {
        Ok(_) => None,
        Err(riderhub::client::error::ClientError::Refused { kind, .. }) => Some(kind),
        Err(err) => panic!("{err}"),
    }
}

/// Opens a socket and signs in on it; the answer.
async fn connect(base: &str, token: &str) -> (Socket, Frame) {
    let mut socket = Socket::open(base).await.unwrap();
    socket
        .send(json!({ "id": 1, "m": "connect", "p": { "token": token } }).to_string())
        .await
        .unwrap();
    loop {
        match socket.next().await {
            Incoming::Frame(frame) if frame.get("id") == Some(&json!(1)) => return (socket, frame),
            Incoming::Frame(_) | Incoming::Beat => {}
            Incoming::End { code, reason } => panic!("{code} {reason}"),
        }
    }
}

async fn check_that_tokens_are_refused_at(base: &str, device: &Device) {
    let rest = Rest::new(&[base.to_owned()], 0).unwrap();
    let refused = kind(rest.call(&Call::get("/v1/me"), Some(&device.token)).await);
    assert_eq!(refused.as_deref(), Some("revoked"), "at {base}");
    let (mut socket, answer) = connect(base, &device.token).await;
    assert_eq!(answer["err"]["code"], 120, "{answer:?}");
    let Incoming::End { code, .. } = socket.next().await else { panic!("it is closed") };
    assert_eq!(code, 4506, "and not to be tried again");
}

#[tokio::test]
async fn signing_out_on_one_device_leaves_the_others_alone() {
    each_world(&[], async |world| {
        let (_, who) = account(world).await;
        let mut phone = Device::sign_in(world, 0, &who, "customer").await;
        let mut tablet = Device::sign_in(world, 1, &who, "customer").await;
        // The request may go to another node than the socket.
        let rest = Rest::new(&world.bases(1), 0).unwrap();
        let end = Call::delete("/v1/sessions/current");
        rest.call(&end, Some(&phone.token)).await.unwrap();
        let (code, took) = phone.closed().await;
        assert_eq!(code, 4506);
        assert!(took < REVOKED_WITHIN, "{took:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
        for node in &world.nodes {
            check_that_tokens_are_refused_at(&node.base, &phone).await;
        }
        assert_eq!(phone.refresh_refused().await.as_deref(), Some("not-signed-in"));
        assert!(tablet.is_open().await);
        assert_eq!(tablet.refused().await, None);
    })
    .await;
}

#[tokio::test]
async fn signing_out_everywhere_reaches_every_node_with_the_bus_down() {
    let redis = RedisServer::start();
    let world = World::over(&redis.url(), &[]);
    let (_, who) = account(&world).await;
    let mut devices = [
        Device::sign_in(&world, 0, &who, "customer").await,
        Device::sign_in(&world, 1, &who, "customer").await,
        Device::sign_in(&world, 1, &who, "rider").await,
    ];
    let (_, other) = account(&world).await;
    let mut stranger = Device::sign_in(&world, 1, &other, "customer").await;
    redis.kill();
    let body = Call::post("/v1/sessions/revoke", json!({ "all": true }));
    let ended = devices[0].rest.call(&body, Some(&devices[0].token)).await.unwrap();
    assert_eq!(ended["sessions"], 3, "{ended}");
    let ends = futures_util::future::join_all(devices.iter_mut().map(Device::closed)).await;
    for (code, took) in ends {
        assert_eq!(code, 4506);
        assert!(took < REVOKED_WITHIN, "{took:?}");
    }
    for node in &world.nodes {
        for device in &devices {
            check_that_tokens_are_refused_at(&node.base, device).await;
        }
    }
    assert!(stranger.is_open().await);
    // The password opens the door again, at once.
    let back = Device::sign_in(&world, 0, &who, "customer").await;
    assert_eq!(back.refused().await, None);
}

#[tokio::test]
async fn a_node_that_starts_knows_who_was_signed_out() {
    let mut world = World::start(Engine::Sqlite, &[]);
    let (_, who) = account(&world).await;
    let phone = Device::sign_in(&world, 0, &who, "customer").await;
    phone.rest.call(&Call::delete("/v1/sessions/current"), Some(&phone.token)).await.unwrap();
    world.nodes[0].kill();
    world.nodes[0].restart();
    check_that_tokens_are_refused_at(&world.nodes[0].base, &phone).await;
}

#[tokio::test]
async fn a_refresh_token_that_is_used_twice_ends_its_sign_in() {
    each_world(&[], async |world| {
        let (_, who) = account(world).await;
        let mut phone = Device::sign_in(world, 1, &who, "customer").await;
        let next = phone.renew().await;
        // The answer might have been lost: for a moment the same question gets the same answer.
        assert_eq!(phone.renew().await, next);
        let copied = std::mem::replace(&mut phone.refresh, next);
        phone.renew().await;
        phone.refresh = copied;
        assert_eq!(phone.refresh_refused().await.as_deref(), Some("not-signed-in"));
        assert_eq!(phone.closed().await.0, 4506);
        assert_eq!(phone.refused().await.as_deref(), Some("revoked"));
    })
    .await;
}

#[tokio::test]
async fn the_key_of_tokens_changes_on_every_node_and_nobody_is_signed_out() {
    each_world(&[], async |world| {
        let (_, who) = account(world).await;
        let mut phone = Device::sign_in(world, 0, &who, "customer").await;
        world.run_beside(&["keys", "rotate"]);
        // It is told at once and used when every node knows it; until then asking again changes nothing.
        let again = world.run_beside(&["keys", "rotate"]);
        assert!(again.contains("`store-2`"), "{again}");
        assert_eq!(phone.refused().await, None);
        phone.refresh = phone.renew().await;
        assert!(phone.is_open().await);
    })
    .await;
}
