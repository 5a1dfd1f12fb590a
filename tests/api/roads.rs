//! Times on roads: a server that is given `--osrm` plans with them, and without them when they fail.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use riderhub::client::{link::new_cid, rest::Call};
use serde_json::{Value, json};
use storage::testing::Engine;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};

use crate::{
    support::{Person, World, given_paid_order, given_shop, spot},
    trouble::given_operator,
};

/// How long every way takes by our routing server, in seconds: far more than any straight line here.
const EVERY_WAY_S: u64 = 1_500;
/// How long the figures may take to show what has happened.
const WAIT: Duration = Duration::from_secs(30);

/// A routing server of our own, which may stop to answer.
struct Roads {
    base: String,
    is_well: Arc<Mutex<bool>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Roads {
    async fn start(is_well: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (is_well, asked) =
            (Arc::new(Mutex::new(is_well)), Arc::<Mutex<Vec<String>>>::default());
        let (its_mood, its_asked) = (Arc::clone(&is_well), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&its_mood), Arc::clone(&its_asked)));
            }
        });
        Self { base, is_well, asked }
    }
}

async fn serve(mut socket: TcpStream, is_well: Arc<Mutex<bool>>, asked: Arc<Mutex<Vec<String>>>) {
    let mut bytes = Vec::new();
    loop {
        let mut some = [0; 4_096];
        match socket.read(&mut some).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&some[..n]),
            _ => return,
        }
        let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes.drain(..end + 4).collect()).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let n = |name: &str| {
            let part = path.split(['?', '&']).find_map(|it| it.strip_prefix(name)).unwrap();
            part.split(';').count()
        };
        let rows = vec![vec![EVERY_WAY_S; n("destinations=")]; n("sources=")];
        asked.lock().unwrap().push(path.clone());
        if !*is_well.lock().unwrap() {
            sleep(Duration::from_secs(3_600)).await;
        }
        let body = json!({ "code": "Ok", "durations": rows }).to_string();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        if socket.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn metrics(world: &World) -> String {
    let http = riderhub::http_client::builder().no_proxy().build().unwrap();
    let url = format!("{}/metrics", world.nodes[0].base);
    http.get(url).send().await.unwrap().text().await.unwrap()
}

fn figure(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|it| it.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).trim().parse().unwrap()
}

/// An order that a rider, a kilometre from the store, is offered; the offer, and when.
async fn given_offer(world: &World) -> (Value, i64) {
    let shop = given_shop(world, 0, spot(0.0, 0.0), 10).await;
    let customer = Person::join(world, 0, "customer", "Cleo").await;
    let mut rider = Person::join(world, 0, "rider", "Remy").await;
    rider.on_duty(spot(1_000.0, 0.0), 3).await;
    let order = given_paid_order(&customer.session, &shop, spot(0.0, 900.0)).await;
    let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 0 });
    shop.merchant.call("order.accept", accept).await;
    rider
        .until("an offer", |it| {
            let is_it = it.kind == "offer" && it.text("order") == Some(&order);
            is_it.then(|| (Value::from(it.body.clone()), it.ts))
        })
        .await
}

async fn how_it_goes(world: &World) -> Value {
    let operator = given_operator(world).await;
    let shop_at = domain::geo::Place::new(spot(0.0, 0.0).lat, spot(0.0, 0.0).lng).unwrap();
    let path = format!("/v1/ops/travel?region={}", shop_at.region());
    operator.session.call(Call::get(&path)).await.unwrap()
}

#[tokio::test]
async fn ways_are_reckoned_on_roads_where_a_routing_server_knows_them() {
    let roads = Roads::start(true).await;
    let options = ["--osrm", &roads.base, "--osrm-timeout-ms", "5000"];
    let world = World::start(Engine::Sqlite, &options);
    let (offer, at) = given_offer(&world).await;
    let etas: Vec<i64> =
        offer["route"].as_array().unwrap().iter().map(|it| it["eta"].as_i64().unwrap()).collect();
    let ways = [etas[0] - at, etas[1] - etas[0]];
    // It was planned a moment before it was offered.
    let least = (EVERY_WAY_S as i64 - 60) * 1_000;
    assert!(ways.iter().all(|it| *it >= least), "{ways:?} in {offer}");
    let asked = roads.asked.lock().unwrap().clone();
    assert!(asked[0].starts_with("/table/v1/"), "{asked:?}");
    let text = metrics(&world).await;
    assert!(figure(&text, "riderhub_road_requests_total{result=\"ok\"}") >= 1.0);
    assert!(figure(&text, "riderhub_road_legs_total{from=\"source\"}") >= 2.0);
    let shown = how_it_goes(&world).await;
    assert_eq!((&shown["roads"], &shown["learnt"]), (&json!("on"), &json!([])));
    assert!(shown["roads_known"].as_u64().unwrap() >= 2, "{shown}");
}

#[tokio::test]
async fn offers_flow_although_the_routing_server_is_dead() {
    let roads = Roads::start(false).await;
    let options = ["--osrm", &roads.base, "--osrm-timeout-ms", "200", "--time-scale", "10"];
    let world = World::start(Engine::Sqlite, &options);
    let (offer, at) = given_offer(&world).await;
    let eta = offer["route"][0]["eta"].as_i64().unwrap();
    assert!(eta - at < EVERY_WAY_S as i64 * 1_000 / 2, "a straight line: {offer}");
    let until = Instant::now() + WAIT;
    while figure(&metrics(&world).await, "riderhub_roads_resting ") < 1.0 {
        assert!(Instant::now() < until, "it is never left alone");
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(how_it_goes(&world).await["roads"], "resting");
    assert!(figure(&metrics(&world).await, "riderhub_road_requests_total{result=\"slow\"}") >= 3.0);
    // It comes back by itself, and is asked again.
    *roads.is_well.lock().unwrap() = true;
    while figure(&metrics(&world).await, "riderhub_road_requests_total{result=\"ok\"}") < 1.0 {
        assert!(Instant::now() < until, "it is never asked again");
        sleep(Duration::from_millis(200)).await;
    }
}
