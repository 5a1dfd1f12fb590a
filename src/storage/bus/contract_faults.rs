//! What a bus over Redis does when Redis dies, freezes, moves or is shared with others.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use super::{
    BusEvent, Published,
    contract::{heard, listening, messages, redis_link, topic, until},
    redis::{PROBE_PATIENCE, PUBLISH_QUEUE_MAX},
};
use crate::testing::servers::{RedisCluster, RedisSentinels, RedisServer};

#[tokio::test]
async fn a_restarted_redis_comes_back_with_all_subscriptions() {
    let server = RedisServer::start();
    let open = || redis_link(&server.url(), "restart");
    let names: Vec<String> = (0..1_200).map(|n| format!("topic-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (bus, mut events) = listening(&open, &names).await;
    assert!(bus.is_up());

    server.kill();
    until(&mut events, &BusEvent::Down).await;
    assert!(!bus.is_up());
    assert_eq!(bus.publish("topic-1", Bytes::from_static(b"lost")), Published::Dropped);
    bus.subscribe(&[topic("asked for while down")]);
    server.restart();
    until(&mut events, &BusEvent::Up).await;
    assert!(bus.is_up());
    heard(&bus, &mut events, &names).await;
    heard(&bus, &mut events, &["asked for while down"]).await;
}

#[tokio::test]
async fn a_frozen_redis_is_noticed_and_comes_back() {
    let server = RedisServer::start();
    let open = || redis_link(&server.url(), "freeze");
    let (bus, mut events) = listening(&open, &["a"]).await;
    server.freeze();
    let frozen_at = Instant::now();
    let payload = Bytes::from(vec![b'x'; 200]);
    for _ in 0..2 * PUBLISH_QUEUE_MAX {
        bus.publish("a", payload.clone());
    }
    assert!(frozen_at.elapsed() < Duration::from_secs(2), "publishing waits for nobody");
    assert!(bus.counts().n_dropped >= PUBLISH_QUEUE_MAX as u64 / 2, "{:?}", bus.counts());
    until(&mut events, &BusEvent::Down).await;
    // Far below the ten seconds after which the kernel would have noticed.
    assert!(frozen_at.elapsed() < PROBE_PATIENCE * 2, "{:?}", frozen_at.elapsed());
    server.thaw();
    until(&mut events, &BusEvent::Up).await;
    heard(&bus, &mut events, &["a"]).await;
}

/// Passes bytes between a link and a Redis until it is told to swallow them.
async fn middlebox(server: &RedisServer) -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    let target = server.url().trim_start_matches("redis://").trim_end_matches('/').to_owned();
    let is_mute = Arc::new(AtomicBool::new(false));
    let mute = is_mute.clone();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let (near_in, near_out) = near.into_split();
            let (far_in, far_out) = TcpStream::connect(&target).await.unwrap().into_split();
            for (mut from, mut to) in [(near_in, far_out), (far_in, near_out)] {
                let mute = mute.clone();
                tokio::spawn(async move {
                    let mut bytes = vec![0; 16_384];
                    while let Ok(n @ 1..) = from.read(&mut bytes).await {
                        if !mute.load(Ordering::Relaxed) {
                            to.write_all(&bytes[..n]).await.unwrap_or_default();
                        }
                    }
                });
            }
        }
    });
    (url, is_mute)
}

#[tokio::test]
async fn a_link_that_only_looks_alive_is_noticed() {
    let server = RedisServer::start();
    let (url, is_mute) = middlebox(&server).await;
    let open = || redis_link(&url, "half-open");
    let (bus, mut events) = listening(&open, &["a"]).await;
    let went_silent_at = Instant::now();
    is_mute.store(true, Ordering::Relaxed);
    until(&mut events, &BusEvent::Down).await;
    assert!(went_silent_at.elapsed() < PROBE_PATIENCE * 2, "{:?}", went_silent_at.elapsed());
    is_mute.store(false, Ordering::Relaxed);
    until(&mut events, &BusEvent::Up).await;
    heard(&bus, &mut events, &["a"]).await;
}

#[tokio::test]
async fn a_failover_by_sentinels_is_followed() {
    let group = RedisSentinels::start();
    let open = || redis_link(&group.url(), "failover");
    let (bus, mut events) = listening(&open, &["a", "b"]).await;
    group.master.kill();
    until(&mut events, &BusEvent::Down).await;
    until(&mut events, &BusEvent::Up).await;
    heard(&bus, &mut events, &["a", "b"]).await;
    let mut new = redis::Client::open(group.replica.url()).unwrap().get_connection().unwrap();
    let role: Vec<redis::Value> = redis::cmd("ROLE").query(&mut new).unwrap();
    assert_eq!(role[0], redis::Value::BulkString(b"master".to_vec()));
}

#[tokio::test]
async fn topics_follow_their_slots_to_another_server() {
    let cluster = RedisCluster::start();
    let open = || redis_link(&cluster.url(), "move");
    let names: Vec<String> = (0..300).map(|n| format!("topic-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (bus, mut events) = listening(&open, &names).await;
    for name in ["topic-0", "topic-1", "topic-2", "topic-0"] {
        cluster.move_slot_of(&format!("move:bus:{name}"));
        let moved = async {
            loop {
                if let Some(BusEvent::Subscribed(topics)) = events.recv().await
                    && topics.contains(&topic(name))
                {
                    return;
                }
            }
        };
        timeout(Duration::from_secs(20), moved).await.expect("the topic is heard again");
        assert!(bus.is_up(), "one slot that moves is no loss of the link");
    }
    heard(&bus, &mut events, &names).await;
    // A publisher that hears nothing finds the new place as well.
    let (other, mut its_events) = open();
    until(&mut its_events, &BusEvent::Up).await;
    cluster.move_slot_of("move:bus:topic-5");
    let found = async {
        loop {
            other.publish("topic-5", Bytes::from_static(b"found"));
            let arrived = timeout(Duration::from_millis(100), messages(&mut events, 1)).await;
            if arrived.is_ok_and(|it| it[0].1 == "found") {
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), found).await.expect("the message arrives");
}

#[tokio::test]
async fn a_cluster_with_one_frozen_server_is_noticed_and_comes_back() {
    let cluster = RedisCluster::start();
    let open = || redis_link(&cluster.url(), "part");
    let names: Vec<String> = (0..50).map(|n| format!("topic-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (bus, mut events) = listening(&open, &names).await;
    cluster.servers[1].freeze();
    until(&mut events, &BusEvent::Down).await;
    cluster.servers[1].thaw();
    until(&mut events, &BusEvent::Up).await;
    heard(&bus, &mut events, &names).await;
}

#[tokio::test]
async fn a_failover_inside_a_cluster_is_followed() {
    let cluster = RedisCluster::start();
    let _replica = cluster.start_replica_of(2);
    let open = || redis_link(&cluster.url(), "heir");
    let names: Vec<String> = (0..50).map(|n| format!("topic-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (bus, mut events) = listening(&open, &names).await;
    cluster.servers[2].kill();
    until(&mut events, &BusEvent::Down).await;
    until(&mut events, &BusEvent::Up).await;
    heard(&bus, &mut events, &names).await;
}

#[tokio::test]
async fn two_environments_on_one_redis_do_not_hear_each_other() {
    for url in [RedisServer::shared().url(), RedisCluster::shared().url()] {
        let (ours, mut our_events) =
            listening(&|| redis_link(&url, "riderhub:staging"), &["nodes"]).await;
        let (theirs, mut their_events) =
            listening(&|| redis_link(&url, "riderhub:production"), &["nodes"]).await;
        theirs.publish("nodes", Bytes::from_static(b"for production"));
        let got = messages(&mut their_events, 1).await;
        assert_eq!(got[0].1, "for production");
        sleep(Duration::from_millis(200)).await;
        ours.publish("nodes", Bytes::from_static(b"for staging"));
        let got = messages(&mut our_events, 1).await;
        assert_eq!(got[0].1, "for staging", "the first that staging hears is its own");
    }
}
