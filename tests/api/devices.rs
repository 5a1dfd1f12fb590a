//! Several devices of one rider: one may be there, and one says where he is.

use std::time::Duration;

use riderhub::client::{
    link::{self, Event, Events, Link, LinkSettings},
    session::{Login, Session},
    socket::{Incoming, Socket},
};
use serde_json::{Value, json};
use storage::testing::servers::RedisServer;

use crate::support::{Person, World, each_world, spot};

const WAIT: Duration = Duration::from_secs(20);

fn login_of(name: &str) -> Login {
    Login { login: name.to_owned(), password: "correct horse battery".to_owned(), role: "rider" }
}

/// A device of a rider: a sign-in of its own, and a link with its own device id.
async fn device(world: &World, node: usize, login: &str) -> (Session, Link, Events) {
    let rest = riderhub::client::rest::Rest::new(&world.bases(node), 0).unwrap();
    let session = Session::join(rest, login_of(login), "Ravi").await.unwrap();
    let settings = LinkSettings {
        reconnect_window: Some(Duration::from_millis(100)),
        ..LinkSettings::default()
    };
    let (link, events) = link::open(session.clone(), settings);
    link.ready().await.unwrap();
    (session, link, events)
}

/// The code with which the server closed for good.
async fn closed(events: &mut Events) -> u16 {
    let ended = tokio::time::timeout(WAIT, async {
        loop {
            match events.next().await {
                Some(Event::Closed { code, .. }) => return code,
                Some(_) => {}
                None => return 0,
            }
        }
    });
    ended.await.expect("it is closed")
}

async fn push(events: &mut Events, name: &str) -> Value {
    let found = tokio::time::timeout(WAIT, async {
        loop {
            match events.next().await {
                Some(Event::Push(frame)) if frame["push"] == name => {
                    return Value::Object((*frame).clone());
                }
                Some(Event::Closed { code, reason }) => panic!("{code} {reason}"),
                Some(_) => {}
                None => panic!("no {name}"),
            }
        }
    });
    found.await.expect("a push in time")
}

async fn entry(events: &mut Events, kind: &str) -> Value {
    let found = tokio::time::timeout(WAIT, async {
        loop {
            match events.next().await {
                Some(Event::Entry(entry)) if entry.kind == kind => {
                    return Value::Object(entry.body.clone());
                }
                Some(_) => {}
                None => panic!("no {kind}"),
            }
        }
    });
    found.await.expect("an entry in time")
}

fn new_login() -> String {
    format!("ravi-{}", uuid::Uuid::now_v7().simple())
}

async fn check_that_the_new_one_stays(world: &World) {
    let login = new_login();
    let (old_session, _old, mut old_events) = device(world, 0, &login).await;
    let (_, new, _new_events) = device(world, 1, &login).await;
    assert_eq!(closed(&mut old_events).await, 4504);
    // The new one stays, and the old one may not push it out by coming back by itself.
    let base = world.nodes[0].base.clone();
    let mut back = Socket::open(&base).await.unwrap();
    let token = old_session.access_token().await;
    let hello = json!({ "id": 1, "m": "connect", "p": { "token": token,
        "device": { "id": "the old one" } } });
    back.send(hello.to_string()).await.unwrap();
    let code = loop {
        if let Incoming::End { code, .. } = back.next().await {
            break code;
        }
    };
    assert_eq!(code, 4504);
    new.call("duty.off", json!({ "cid": link::new_cid() })).await.unwrap();
}

#[tokio::test]
async fn a_rider_who_signs_in_on_a_second_device_leaves_the_first() {
    each_world(&[], async |world| check_that_the_new_one_stays(world).await).await;
}

#[tokio::test]
async fn the_second_device_takes_over_with_the_bus_down() {
    let redis = RedisServer::start();
    let world = World::over(&redis.url(), &[]);
    redis.kill();
    check_that_the_new_one_stays(&world).await;
}

#[tokio::test]
async fn the_same_device_coming_back_is_no_second_device() {
    each_world(&[], async |world| {
        let rider = Person::join(world, 1, "rider", "Ravi").await;
        for _ in 0..3 {
            rider.link.cut(Duration::from_millis(50)).await;
            rider.link.ready().await.unwrap();
        }
        rider.call("duty.off", json!({ "cid": link::new_cid() })).await;
        assert!(rider.link.counts().resumes >= 1);
    })
    .await;
}

async fn check_that_one_publishes(world: &World) {
    let login = new_login();
    let (_, phone, mut phone_events) = device(world, 0, &login).await;
    let (_, tablet, mut tablet_events) = device(world, 1, &login).await;
    let here = |seq: u64| {
        let place = spot(0.0, 0.0);
        json!({ "seq": seq, "lat": place.lat, "lng": place.lng, "t": 1_790_000_000_000_i64 })
    };
    let duty = json!({ "vehicle": "scooter", "capacity": 2, "lat": spot(0.0, 0.0).lat,
        "lng": spot(0.0, 0.0).lng, "cid": link::new_cid() });
    phone.call("duty.on", duty).await.unwrap();
    // The tablet's node hears of it, by the bus or by the store.
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    tablet.tell("loc.put", here(1));
    tablet.tell("loc.put", here(2));
    let denied = push(&mut tablet_events, "loc.denied").await;
    assert!(denied["device"].as_str().unwrap().starts_with("d-"), "{denied}");

    let cid = link::new_cid();
    let claimed = tablet.call("loc.claim", json!({ "cid": cid })).await.unwrap();
    assert_eq!((&claimed["fence"], &claimed["dup"]), (&json!(2), &json!(false)), "{claimed}");
    let again = tablet.call("loc.claim", json!({ "cid": cid })).await.unwrap();
    assert_eq!((&again["fence"], &again["dup"]), (&json!(2), &json!(true)), "{again}");
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    phone.tell("loc.put", here(3));
    push(&mut phone_events, "loc.denied").await;
    tablet.tell("loc.put", here(4));
    let told_again =
        tokio::time::timeout(Duration::from_millis(600), push(&mut tablet_events, "loc.denied"));
    assert!(told_again.await.is_err(), "it was told once, and publishes now");
}

#[tokio::test]
async fn one_device_publishes_the_position_until_another_takes_over() {
    each_world(&["--one-device", "none"], async |world| check_that_one_publishes(world).await)
        .await;
}

#[tokio::test]
async fn the_publisher_changes_with_the_bus_down() {
    let redis = RedisServer::start();
    let world = World::over(&redis.url(), &["--one-device", "none"]);
    redis.kill();
    check_that_one_publishes(&world).await;
}

#[tokio::test]
async fn of_four_devices_the_oldest_leaves_and_the_others_are_told() {
    each_world(&["--one-device", "none"], async |world| {
        let login = new_login();
        let (_, _first, mut first_events) = device(world, 0, &login).await;
        let (_, second, mut second_events) = device(world, 1, &login).await;
        let (_, _third, _third_events) = device(world, 0, &login).await;
        let (_, _fourth, _fourth_events) = device(world, 1, &login).await;
        assert_eq!(closed(&mut first_events).await, 4506);
        let told = entry(&mut second_events, "signed_out").await;
        assert_eq!((&told["why"], &told["role"]), (&json!("too_many"), &json!("rider")), "{told}");
        second.call("duty.off", json!({ "cid": link::new_cid() })).await.unwrap();
    })
    .await;
}
