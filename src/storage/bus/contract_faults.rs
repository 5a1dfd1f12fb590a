//! What a bus over Redis does when Redis dies, freezes, moves or is shared with others.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::{sleep, timeout};

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

#[tokio::test]
async fn a_link_that_only_looks_alive_is_noticed() {
    let server = RedisServer::start();
    let open = || redis_link(&server.url(), "half-open");
    let (bus, mut events) = listening(&open, &["a"]).await;
    // Every ping is answered, yet nothing is delivered: the subscriptions are gone.
    let mut admin = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let list: String = redis::cmd("CLIENT").arg("LIST").query(&mut admin).unwrap();
    assert!(list.contains(" sub=2 "), "topic and probe: {list}");
    let _reset: () = redis::cmd("ACL")
        .arg(&["SETUSER", "default", "resetchannels"])
        .query(&mut admin)
        .unwrap();
    until(&mut events, &BusEvent::Down).await;
    let _again: () =
        redis::cmd("ACL").arg(&["SETUSER", "default", "allchannels"]).query(&mut admin).unwrap();
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
