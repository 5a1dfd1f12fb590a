//! Hub, bridge and relay together: two nodes over one journal and one bus.

use std::{
    sync::Arc,
    task::{Context, Waker},
    time::{Duration, Instant},
};

use actix::{Actor, Addr};
use bytes::Bytes;
use domain::{
    channel::Channel,
    clock::Timestamp,
    ids::{ConnectionId, NodeId, SessionId},
    role::{Profile, Role},
};
use storage::{
    bus::{
        Bus, BusCounts, BusEvents, Published, Topic,
        in_process::{InProcessBus, InProcessLink},
        redis::RedisBus,
    },
    error::StoreError,
    events,
    journal::{self, Entry, HEADS_MAX},
    store::Store,
    testing::{Engine, fresh_store, servers::RedisServer},
};
use usecases::platform::Announcer;

use crate::{
    bridge::Bridge,
    channel_log::Opened,
    frame::Frame,
    hub::Hub,
    interest::Interest,
    messages::{Observe, RelayState},
    outbox::{Batch, Outbox},
    registry::{Registered, Registry},
    relay::{AUDIT_EVERY_DEGRADED, Relay},
};

const LIMIT: Duration = Duration::from_secs(20);

struct Node {
    hub: Arc<Hub>,
    bridge: Arc<Bridge>,
    relay: Addr<Relay>,
}

impl Node {
    fn start(store: &Arc<Store>, bus: Arc<dyn Bus>, events: BusEvents) -> Self {
        let hub = Hub::new(Interest::new(bus.clone()));
        let bridge = Bridge::start(NodeId::generate(), hub.clone(), bus.clone(), events);
        let relay = Relay::new(hub.clone(), store.clone()).start();
        Self { hub, bridge, relay }
    }

    fn on(store: &Arc<Store>, bus: &InProcessBus) -> Self {
        let (link, events) = bus.link();
        Self::start(store, link, events)
    }
}

struct Listener(Arc<Outbox>, Vec<String>);

impl Listener {
    fn join(hub: &Hub, channel: &Channel, epoch: &str, upto: u64) -> Self {
        let (id, outbox) = (ConnectionId::generate(), Outbox::bounded(1_000_000));
        hub.attach(channel, id, &outbox);
        assert_eq!(hub.open(channel, id, epoch, upto), Opened::Open);
        Self(outbox, Vec::new())
    }

    /// Waits until `n` frames are there.
    /// What is there now.
    fn take(&mut self) -> &[String] {
        let mut batch = Batch::default();
        let mut cx = Context::from_waker(Waker::noop());
        let _any = self.0.poll_take(&mut cx, usize::MAX, &mut batch);
        self.1.extend(batch.frames.iter().map(|it| it.text().to_owned()));
        &self.1
    }

    async fn heard(&mut self, n: usize) -> &[String] {
        let started = Instant::now();
        while self.take().len() < n {
            assert!(started.elapsed() < LIMIT, "heard only {:?}", self.1);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        &self.1
    }
}

fn channel() -> Channel {
    Channel::BenchLog("room".to_owned())
}

/// Commits entries without telling anybody.
async fn commit(store: &Store, n: usize) -> Vec<Entry> {
    let write = async move |tx: &mut storage::db::Tx| {
        let entries: Result<Vec<_>, StoreError> = (0..n)
            .map(|it| {
                events::entry(
                    channel(),
                    storage::push::Push::Msg,
                    None,
                    &serde_json::json!({ "n": it }),
                )
            })
            .collect();
        journal::append(tx, entries?, Timestamp::from_ms(1)).await
    };
    store.write(write).await.unwrap()
}

fn frames(entries: &[Entry]) -> Vec<String> {
    let text = |it| String::from_utf8(journal::frame(it).to_vec()).unwrap();
    entries.iter().map(text).collect()
}

#[actix::test]
async fn an_entry_reaches_the_listeners_of_every_node_once() {
    let fresh = fresh_store(Engine::Sqlite).await;
    let bus = InProcessBus::default();
    let (one, two) = (Node::on(&fresh.store, &bus), Node::on(&fresh.store, &bus));
    let first = commit(&fresh.store, 1).await;
    let epoch = &first[0].epoch;
    let mut here = Listener::join(&one.hub, &channel(), epoch, 1);
    let mut there = Listener::join(&two.hub, &channel(), epoch, 1);
    let entries = commit(&fresh.store, 100).await;
    one.bridge.announce(entries.clone());
    assert_eq!(here.heard(100).await, frames(&entries));
    assert_eq!(there.heard(100).await, frames(&entries));
    assert_eq!(two.hub.observe().tally.n_repaired, 0, "the bus was enough");
}

#[actix::test]
async fn an_entry_whose_ring_was_lost_is_found_by_the_audit() {
    let fresh = fresh_store(Engine::Sqlite).await;
    let bus = InProcessBus::default();
    let node = Node::on(&fresh.store, &bus);
    let mut listener = Listener::join(&node.hub, &channel(), "", 0);
    let entries = commit(&fresh.store, 450).await;
    assert_eq!(listener.heard(450).await, frames(&entries));
    let state = node.relay.send(Observe::<RelayState>::new()).await.unwrap();
    assert!(state.n_repairs >= 3, "it was read page by page: {state:?}");
    assert!(!state.is_degraded);
}

#[actix::test]
async fn a_hole_is_filled_before_what_follows_it() {
    let fresh = fresh_store(Engine::Sqlite).await;
    let bus = InProcessBus::default();
    let node = Node::on(&fresh.store, &bus);
    let mut listener = Listener::join(&node.hub, &channel(), "", 0);
    let entries = commit(&fresh.store, 5).await;
    node.bridge.announce(vec![entries[4].clone(), entries[2].clone()]);
    assert_eq!(listener.heard(5).await, frames(&entries));
}

/// A bus on which nothing arrives and that says so.
struct DeadBus(Arc<InProcessLink>);

impl Bus for DeadBus {
    fn publish(&self, _topic: &str, _payload: Bytes) -> Published {
        Published::Dropped
    }
    fn subscribe(&self, topics: &[Topic]) {
        self.0.subscribe(topics);
    }
    fn unsubscribe(&self, topics: &[Topic]) {
        self.0.unsubscribe(topics);
    }
    fn is_up(&self) -> bool {
        false
    }
    fn reaches_others(&self) -> bool {
        true
    }
    fn counts(&self) -> BusCounts {
        self.0.counts()
    }
}

#[actix::test]
async fn while_the_bus_is_down_the_journal_is_asked_every_second() {
    let fresh = fresh_store(Engine::Sqlite).await;
    let dead = |bus: &InProcessBus| {
        let (link, events) = bus.link();
        Node::start(&fresh.store, Arc::new(DeadBus(link)), events)
    };
    let bus = InProcessBus::default();
    let (one, two) = (dead(&bus), dead(&bus));
    assert!(one.hub.is_degraded() && two.hub.is_degraded());
    let mut there = Listener::join(&two.hub, &channel(), "", 0);
    let started = Instant::now();
    let entries = commit(&fresh.store, 3).await;
    one.bridge.announce(entries.clone());
    assert_eq!(there.heard(3).await, frames(&entries));
    assert!(started.elapsed() < Duration::from_secs(3), "took {:?}", started.elapsed());
}

#[actix::test]
async fn while_the_bus_is_down_one_question_is_about_many_channels() {
    let fresh = fresh_store(Engine::Sqlite).await;
    let (link, events) = InProcessBus::default().link();
    let node = Node::start(&fresh.store, Arc::new(DeadBus(link)), events);
    let outbox = Outbox::bounded(1_000);
    let n_chunks = 3;
    for n in 0..n_chunks * HEADS_MAX - 100 {
        let (channel, id) = (Channel::BenchLog(format!("room-{n}")), ConnectionId::generate());
        node.hub.attach(&channel, id, &outbox);
        assert_eq!(node.hub.open(&channel, id, "", 0), Opened::Open);
    }
    let ask = async || node.relay.send(Observe::<RelayState>::new()).await.unwrap();
    let before = ask().await;
    tokio::time::sleep(AUDIT_EVERY_DEGRADED * 3).await;
    let after = ask().await;
    let n_audits = after.n_audits - before.n_audits;
    assert!((2..=4).contains(&n_audits), "once a second: {before:?} {after:?}");
    let n_queries = after.n_head_queries - before.n_head_queries;
    let most = (n_audits + 1) * n_chunks as u64;
    assert!(n_queries <= most, "1,400 channels in three questions: {before:?} {after:?}");
    assert!(n_queries >= n_audits, "{before:?} {after:?}");
}

#[actix::test]
async fn a_new_numbering_is_told_and_followed() {
    let fresh = fresh_store(Engine::Sqlite).await;
    let node = Node::on(&fresh.store, &InProcessBus::default());
    let entries = commit(&fresh.store, 3).await;
    let mut listener = Listener::join(&node.hub, &channel(), "older", 3);
    node.bridge.announce(entries);
    let told = listener.heard(1).await[0].clone();
    assert!(told.starts_with(r#"{"push":"subscribed","ch":"bench:log:room""#), "{told}");
    assert!(told.ends_with(r#""off":3,"recovered":false}"#), "{told}");
    let next = commit(&fresh.store, 1).await;
    node.bridge.announce(next.clone());
    assert_eq!(listener.heard(2).await[1], frames(&next)[0]);
}

#[actix::test]
async fn nodes_hear_control_messages_of_each_other() {
    let fresh = fresh_store(Engine::Sqlite).await;
    let bus = InProcessBus::default();
    let (one, two) = (Node::on(&fresh.store, &bus), Node::on(&fresh.store, &bus));
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    for (name, node) in [("one", &one), ("two", &two)] {
        let told = told.clone();
        node.bridge
            .listen("test", Box::new(move |body| told.send(format!("{name} {body}")).unwrap()));
    }
    one.bridge.tell_nodes("test", "hello".to_owned());
    let mut all = [heard.recv().await.unwrap(), heard.recv().await.unwrap()];
    all.sort();
    assert_eq!(all, ["one hello", "two hello"]);
}

#[actix::test]
async fn a_latest_value_reaches_other_nodes_too() {
    let fresh = fresh_store(Engine::Sqlite).await;
    let bus = InProcessBus::default();
    let (one, two) = (Node::on(&fresh.store, &bus), Node::on(&fresh.store, &bus));
    let channel = Channel::Ops("wtw3".to_owned());
    let (id, outbox) = (ConnectionId::generate(), Outbox::bounded(1_000));
    two.hub.attach(&channel, id, &outbox);
    assert!(two.hub.open_latest(&channel, id));
    one.bridge.publish(&channel, "k", &Frame::json("{1}"), None);
    assert_eq!(Listener(outbox, Vec::new()).heard(1).await, ["{1}"]);
}

#[actix::test]
async fn nothing_is_lost_or_doubled_while_redis_dies_and_comes_back() {
    let fresh = fresh_store(Engine::Sqlite).await;
    let server = RedisServer::start();
    let node = || {
        let (link, events) = RedisBus::open(&server.url(), "live").unwrap();
        Node::start(&fresh.store, link, events)
    };
    let (one, two) = (node(), node());
    while one.bridge.is_degraded() || two.bridge.is_degraded() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut here = Listener::join(&one.hub, &channel(), "", 0);
    let mut there = Listener::join(&two.hub, &channel(), "", 0);
    // A signed-in connection hears that the link is lost and back.
    let told = Outbox::bounded(1_000);
    let person = Profile::generate(Role::Customer);
    let connection = ConnectionId::generate();
    let (session, at) = (SessionId::generate(), Timestamp::from_ms(0));
    two.hub
        .registry
        .register(person, Registered::new(connection, told.clone(), session, at, "phone".into()));
    two.hub.registry.welcome(person, connection);

    let mut all = Vec::new();
    for round in 0..40 {
        match round {
            10 => server.kill(),
            20 => server.restart(),
            30 => server.freeze(),
            36 => server.thaw(),
            _ => {}
        }
        let entries = commit(&fresh.store, 5).await;
        one.bridge.announce(entries.clone());
        all.extend(frames(&entries));
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    assert_eq!(here.heard(200).await, all);
    assert_eq!(there.heard(200).await, all);
    let mut told = Listener(told, Vec::new());
    let hub = |state| format!(r#"{{"push":"hub","state":"{state}"}}"#);
    assert_eq!(told.heard(2).await[..2], [hub("degraded"), hub("ok")]);
}

#[actix::test]
async fn a_frozen_redis_is_found_by_the_probe_and_nothing_waits_for_it() {
    let fresh = fresh_store(Engine::Sqlite).await;
    let server = RedisServer::start();
    let node = || {
        let (link, events) = RedisBus::open(&server.url(), "frozen").unwrap();
        Node::start(&fresh.store, link, events)
    };
    let (one, two) = (node(), node());
    let both = async |is_degraded| {
        let started = Instant::now();
        while one.hub.is_degraded() != is_degraded || two.hub.is_degraded() != is_degraded {
            assert!(started.elapsed() < LIMIT, "never {is_degraded}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    both(false).await;
    let mut here = Listener::join(&one.hub, &channel(), "", 0);
    let mut there = Listener::join(&two.hub, &channel(), "", 0);
    server.freeze();
    let mut all = Vec::new();
    for n in 1..=20 {
        let entries = commit(&fresh.store, 2).await;
        let before = Instant::now();
        one.bridge.announce(entries.clone());
        assert!(before.elapsed() < Duration::from_millis(500), "{:?}", before.elapsed());
        all.extend(frames(&entries));
        assert_eq!(here.heard(2 * n).await, all, "local listeners do not wait for the bus");
    }
    both(true).await;
    assert_eq!(there.heard(40).await, all, "read from the journal while nothing arrives");

    // The last thing before the return is known to nobody: it is there before all is well.
    let last = commit(&fresh.store, 3).await;
    server.thaw();
    both(false).await;
    let standing = two.hub.standing(&channel()).unwrap();
    assert!(standing.last >= Some(last[2].off), "{standing:?}");
    all.extend(frames(&last));
    assert_eq!(there.heard(43).await, all);
    assert_eq!(here.heard(43).await, all);
}

#[test]
fn a_connection_hears_of_each_change_of_the_hub_once() {
    let registry = Registry::default();
    let person = Profile::generate(Role::Customer);
    let join = || {
        let (id, outbox) = (ConnectionId::generate(), Outbox::bounded(1_000));
        let (session, at) = (SessionId::generate(), Timestamp::from_ms(0));
        registry.register(person, Registered::new(id, outbox.clone(), session, at, "phone".into()));
        (id, Listener(outbox, Vec::new()))
    };
    let (first, mut early) = join();
    registry.welcome(person, first);
    let (second, mut late) = join();
    for is_degraded in [false, true, true] {
        registry.tell_state(is_degraded);
    }
    registry.welcome(person, second);
    registry.tell_state(true);
    registry.tell_state(false);
    let (_never_welcomed, mut nobody) = join();
    registry.tell_state(false);
    let states: Vec<_> =
        ["degraded", "ok"].map(|it| format!(r#"{{"push":"hub","state":"{it}"}}"#)).into();
    assert_eq!(early.take(), states);
    assert_eq!(late.take(), states);
    assert_eq!(nobody.take(), Vec::<String>::new());
}
