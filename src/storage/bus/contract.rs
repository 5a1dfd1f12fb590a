//! What every bus must do, checked on each implementation.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::time::{sleep, timeout};

use super::{
    Bus, BusEvent, BusEvents, Published, Topic,
    in_process::InProcessBus,
    redis::{PUBLISH_QUEUE_MAX, RedisBus},
};

pub(super) type Link = (Arc<dyn Bus>, BusEvents);

/// Far above what any of this takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

pub(super) fn topic(name: &str) -> Topic {
    name.into()
}

pub(super) fn redis_link(url: &str, prefix: &str) -> Link {
    let (bus, events) = RedisBus::open(url, prefix).unwrap();
    (bus, events)
}

fn in_process_link(bus: &InProcessBus) -> Link {
    let (bus, events) = bus.link();
    (bus, events)
}

fn within_process() -> impl Fn() -> Link {
    let bus = InProcessBus::default();
    move || in_process_link(&bus)
}

/// Further links of the same bus.
fn over_redis(url: &str, prefix: &str) -> impl Fn() -> Link {
    let (url, prefix) = (url.to_owned(), prefix.to_owned());
    move || redis_link(&url, &prefix)
}

on_all!(
    a_message_reaches_all_listeners_of_its_topic_and_nobody_else,
    the_order_of_a_topic_is_kept,
    unsubscribing_stops_the_messages,
    publishing_never_waits,
    many_topics_are_subscribed_at_once,
);

async fn next(events: &mut BusEvents) -> BusEvent {
    timeout(LIMIT, events.recv()).await.expect("an event in time").expect("the link is open")
}

pub(super) async fn until(events: &mut BusEvents, wanted: &BusEvent) {
    while next(events).await != *wanted {}
}

/// Opens a link that hears `topics` for certain.
pub(super) async fn listening(open: &impl Fn() -> Link, topics: &[&str]) -> Link {
    let (bus, mut events) = open();
    bus.subscribe(&topics.iter().map(|it| topic(it)).collect::<Vec<_>>());
    heard(&bus, &mut events, topics).await;
    (bus, events)
}

/// Publishes on each topic until it comes back.
pub(super) async fn heard(bus: &Arc<dyn Bus>, events: &mut BusEvents, topics: &[&str]) {
    let mark = Bytes::from(format!("mark-{}", uuid::Uuid::now_v7()));
    let mut missing: HashSet<Topic> = topics.iter().map(|it| topic(it)).collect();
    let started = Instant::now();
    while !missing.is_empty() {
        assert!(started.elapsed() < LIMIT, "not heard: {missing:?}");
        for name in &missing {
            bus.publish(name, mark.clone());
        }
        while let Ok(Some(event)) = timeout(Duration::from_millis(50), events.recv()).await {
            if let BusEvent::Message { topic, payload } = event
                && payload == mark
            {
                missing.remove(&topic);
            }
        }
    }
}

pub(super) async fn messages(events: &mut BusEvents, n: usize) -> Vec<(Topic, Bytes)> {
    let mut found = Vec::new();
    while found.len() < n {
        if let BusEvent::Message { topic, payload } = next(events).await
            && !payload.starts_with(b"mark-")
        {
            found.push((topic, payload));
        }
    }
    found
}

async fn a_message_reaches_all_listeners_of_its_topic_and_nobody_else(open: impl Fn() -> Link) {
    let (one, mut one_events) = listening(&open, &["a", "b"]).await;
    let (_two, mut two_events) = listening(&open, &["a"]).await;
    let (_three, mut three_events) = listening(&open, &["b"]).await;
    one.publish("a", Bytes::from_static(b"to a"));
    one.publish("b", Bytes::from_static(b"to b"));
    one.publish("c", Bytes::from_static(b"to nobody"));

    let (a, b) = (topic("a"), topic("b"));
    let (to_a, to_b) = (Bytes::from_static(b"to a"), Bytes::from_static(b"to b"));
    let both = [(a, to_a), (b, to_b)];
    let mut heard = messages(&mut one_events, 2).await;
    // Two topics may be placed on two servers.
    heard.sort_unstable();
    assert_eq!(heard, both, "the publisher hears itself");
    assert_eq!(messages(&mut two_events, 1).await, both[..1]);
    assert_eq!(messages(&mut three_events, 1).await, both[1..]);
    for events in [&mut one_events, &mut two_events, &mut three_events] {
        let quiet = timeout(Duration::from_millis(100), events.recv()).await;
        assert!(quiet.is_err(), "nothing else was due: {quiet:?}");
    }
}

async fn the_order_of_a_topic_is_kept(open: impl Fn() -> Link) {
    let (_bus, mut events) = listening(&open, &["a", "b"]).await;
    let (publisher, mut its_events) = open();
    until(&mut its_events, &BusEvent::Up).await;
    for n in 0..2_000_u32 {
        let name = if n % 3 == 0 { "a" } else { "b" };
        assert_eq!(publisher.publish(name, Bytes::from(n.to_string())), Published::Queued);
        if n % 500 == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    let got = messages(&mut events, 2_000).await;
    for (name, is_its) in [("a", true), ("b", false)] {
        let of_topic: Vec<_> = got.iter().filter(|(it, _)| &**it == name).collect();
        let sent: Vec<_> = (0..2_000).filter(|n| (n % 3 == 0) == is_its).collect();
        assert_eq!(of_topic.len(), sent.len());
        for ((_, payload), n) in of_topic.iter().zip(sent) {
            assert_eq!(*payload, n.to_string());
        }
    }
}

async fn unsubscribing_stops_the_messages(open: impl Fn() -> Link) {
    let (bus, mut events) = listening(&open, &["a", "b"]).await;
    bus.unsubscribe(&[topic("a")]);
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < LIMIT, "still hears the topic");
        bus.publish("a", Bytes::from_static(b"a"));
        bus.publish("b", Bytes::from_static(b"b"));
        let mut heard_a = false;
        loop {
            let (name, _) = messages(&mut events, 1).await.remove(0);
            if &*name == "b" {
                break;
            }
            heard_a = true;
        }
        if !heard_a {
            break;
        }
    }
    bus.subscribe(&[topic("a")]);
    heard(&bus, &mut events, &["a"]).await;
}

async fn publishing_never_waits(open: impl Fn() -> Link) {
    let (bus, _events) = open();
    let payload = Bytes::from(vec![b'x'; 200]);
    let started = Instant::now();
    for _ in 0..2 * PUBLISH_QUEUE_MAX {
        bus.publish("nobody listens", payload.clone());
    }
    assert!(started.elapsed() < Duration::from_secs(2), "took {:?}", started.elapsed());
    let counts = bus.counts();
    assert_eq!(counts.n_queued + counts.n_dropped, 2 * PUBLISH_QUEUE_MAX as u64);
}

async fn many_topics_are_subscribed_at_once(open: impl Fn() -> Link) {
    let names: Vec<String> = (0..3_000).map(|n| format!("topic-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let _link = listening(&open, &names).await;
}

#[tokio::test]
async fn a_receiver_that_sleeps_is_told_that_it_missed_something() {
    let (sink, mut events) = super::EventSink::new(2);
    for _ in 0..3 {
        sink.offer(BusEvent::Up);
    }
    assert_eq!(next(&mut events).await, BusEvent::Lagged);
    assert_eq!(next(&mut events).await, BusEvent::Up);
}
