//! People of the tests: accounts with real sockets, and what they need for an order.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use riderhub::client::{
    calls::{self, LatLng, NewStore, OrderAsk},
    link::{self, Event, Events, Link, LinkSettings, new_cid},
    log::{Entry, differences},
    rest::Rest,
    session::{Login, Session},
    socket::{Frame, Seen, Watcher},
};
use serde_json::{Value, json};

use super::World;
use crate::shapes::Watch;

/// How long a test waits for something that should come at once.
const WAIT: Duration = Duration::from_secs(20);

/// Somebody with a socket.
pub struct Person {
    /// REST in this person's name.
    pub session: Session,
    /// The socket.
    pub link: Link,
    events: Events,
    /// Every entry told so far.
    pub seen: Vec<Arc<Entry>>,
    /// Every other push told so far.
    pub pushes: Vec<Arc<Frame>>,
    /// What went over this person's socket, compared with the AsyncAPI document.
    pub watch: Arc<Mutex<Watch>>,
}

/// A store that is open, with its merchant and one product.
pub struct Shop {
    /// Who runs it.
    pub merchant: Person,
    /// The store.
    pub store: String,
    /// What it sells.
    pub product: String,
}

/// Compares every frame that goes over the wire with the AsyncAPI document.
fn check_frames(watch: Arc<Mutex<Watch>>) -> Watcher {
    Watcher(Arc::new(move |seen| {
        let mut watch = watch.lock().unwrap();
        match seen {
            Seen::Opened => watch.opened(),
            Seen::Sent(text) => watch.asked(&serde_json::from_str(text).unwrap()),
            Seen::Came(frame) => watch.came(frame),
        }
    }))
}

impl Drop for Person {
    fn drop(&mut self) {
        let watch = self.watch.lock().unwrap();
        if !std::thread::panicking() {
            let wrong = watch.wrong.join("\n");
            assert!(wrong.is_empty(), "not as docs/asyncapi.yaml says:\n{wrong}");
        }
    }
}

/// A place some metres from the middle of the tests' city.
pub fn spot(north_m: f64, east_m: f64) -> LatLng {
    let (lat, lng) = (31.20, 121.465);
    LatLng { lat: lat + north_m / 111_195.0, lng: lng + east_m / (111_195.0 * 0.8554) }
}

impl Person {
    /// Registers somebody and opens a socket to node number `node`.
    pub async fn join(world: &World, node: usize, role: &'static str, name: &str) -> Self {
        Self::connect(world, Self::sign_up(world, node, role, name).await).await
    }

    /// Registers somebody.
    pub async fn sign_up(world: &World, node: usize, role: &'static str, name: &str) -> Session {
        let rest = Rest::new(&world.bases(node), 0).unwrap();
        let login = Login {
            login: format!("{role}-{}", uuid::Uuid::now_v7().simple()),
            password: "correct horse battery".to_owned(),
            role,
        };
        Session::join(rest, login, name).await.unwrap()
    }

    /// Opens a socket that acknowledges nothing by itself.
    pub async fn connect(world: &World, session: Session) -> Self {
        Self::connect_with(world, session, LinkSettings::default()).await
    }

    /// Opens a socket as an app does: it acknowledges what it gets.
    pub async fn connect_acking(world: &World, session: Session) -> Self {
        let settings = LinkSettings { acks: true, ..LinkSettings::default() };
        Self::connect_with(world, session, settings).await
    }

    async fn connect_with(world: &World, session: Session, settings: LinkSettings) -> Self {
        let watch = Arc::default();
        let settings = LinkSettings {
            watcher: Some(check_frames(Arc::clone(&watch))),
            reconnect_window: Some(Duration::from_millis(100)),
            patience: WAIT,
            scale: world.scale,
            ..settings
        };
        let (link, events) = link::open(session.clone(), settings);
        link.ready().await.unwrap();
        Self { session, link, events, seen: Vec::new(), pushes: Vec::new(), watch }
    }

    /// The profile.
    pub fn profile(&self) -> &str {
        self.session.profile()
    }

    async fn one_event(&mut self) {
        match self.events.next().await {
            Some(Event::Entry(entry)) => self.seen.push(entry),
            Some(Event::Push(frame)) => self.pushes.push(frame),
            Some(Event::Closed { code, reason }) => {
                panic!("the server closed {}'s socket: {code} {reason}", self.session.name());
            }
            Some(Event::Up(_) | Event::Down) => {}
            None => tokio::time::sleep(WAIT).await,
        }
    }

    /// Waits for the first entry of which `wanted` makes something; earlier ones count.
    pub async fn until<T>(&mut self, what: &str, wanted: impl Fn(&Entry) -> Option<T>) -> T {
        let mut looked_at = 0;
        let waiting = tokio::time::timeout(WAIT, async {
            loop {
                while let Some(entry) = self.seen.get(looked_at) {
                    if let Some(found) = wanted(entry) {
                        return found;
                    }
                    looked_at += 1;
                }
                self.one_event().await;
            }
        });
        if let Ok(found) = waiting.await {
            return found;
        }
        let seen: Vec<_> = self.seen.iter().map(|it| (&it.channel, it.off, &it.kind)).collect();
        panic!("{} waited in vain for {what}; saw {seen:#?}", self.session.name());
    }

    /// Hears whatever comes for so long.
    pub async fn hear_for(&mut self, span: Duration) {
        let hearing = async {
            loop {
                self.one_event().await;
            }
        };
        drop(tokio::time::timeout(span, hearing).await);
    }

    /// Waits for the first other push of which `wanted` makes something; earlier ones count.
    pub async fn until_push<T>(&mut self, what: &str, wanted: impl Fn(&Frame) -> Option<T>) -> T {
        let mut looked_at = 0;
        let waiting = tokio::time::timeout(WAIT, async {
            loop {
                while let Some(frame) = self.pushes.get(looked_at) {
                    if let Some(found) = wanted(frame) {
                        return found;
                    }
                    looked_at += 1;
                }
                self.one_event().await;
            }
        });
        if let Ok(found) = waiting.await {
            return found;
        }
        panic!("{} waited in vain for {what}; saw {:#?}", self.session.name(), self.pushes);
    }

    /// Waits until the channel of an order tells that one of its machines reached a state.
    pub async fn until_state(&mut self, order: &str, machine: &str, state: &str) -> Arc<Entry> {
        let channel = format!("order:{order}");
        self.until(&format!("{machine} {state} of {order}"), |entry| {
            let fits = entry.channel == channel
                && entry.kind == "order"
                && entry.text("machine") == Some(machine)
                && entry.text("to") == Some(state);
            fits.then(|| Arc::new(entry.clone()))
        })
        .await
    }

    /// Waits until somebody's words stand in the channel of an order.
    pub async fn until_said(&mut self, order: &str, words: &str) {
        let channel = format!("order:{order}");
        self.until(&format!("`{words}`"), |entry| {
            let fits = entry.channel == channel && entry.text("body") == Some(words);
            fits.then_some(())
        })
        .await;
    }

    /// Says something in an order's chat.
    pub async fn say(&self, order: &str, words: &str) -> u64 {
        let (off, dup) = self.link.say(&format!("order:{order}"), &new_cid(), words).await.unwrap();
        assert!(!dup, "a fresh cid is no repetition");
        off
    }

    /// A command that must succeed.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        self.link.call(method, params).await.unwrap()
    }

    /// Goes on duty.
    pub async fn on_duty(&self, place: LatLng, capacity: u32) -> Value {
        let params = json!({ "vehicle": "scooter", "capacity": capacity, "lat": place.lat,
            "lng": place.lng, "cid": new_cid() });
        self.call("duty.on", params).await
    }

    /// Arrives at a stop and does what is to do there.
    pub async fn do_stop(&self, order: &str, stop: &str) {
        for verb in ["stop.arrive", "stop.done"] {
            let params = json!({ "order": order, "stop": stop, "cid": new_cid() });
            self.call(verb, params).await;
        }
    }

    /// This person's copy of a channel is the journal in SQL: no hole, nothing double, same order.
    pub async fn check_copy(&self, world: &World, channel: &str) {
        let until = tokio::time::Instant::now() + WAIT;
        loop {
            let journal = world.journal(channel).await;
            let found = differences(channel, &self.link.copy(channel), &journal);
            if found.is_empty() {
                assert!(!journal.is_empty(), "{channel} has no entries");
                assert_eq!(self.link.counts().contradictions, 0);
                return;
            }
            assert!(tokio::time::Instant::now() < until, "{}: {found:#?}", self.session.name());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A merchant on node number `node` with a store that is open.
pub async fn given_shop(world: &World, node: usize, place: LatLng, stock: u32) -> Shop {
    let merchant = Person::join(world, node, "merchant", "Noodle bar").await;
    let store = NewStore { name: "Noodle bar".to_owned(), place, prep_min: 10, radius_m: 20_000 };
    let store = calls::open_store(&merchant.session, &store).await.unwrap().id;
    let product =
        calls::add_product(&merchant.session, &store, "Noodles", 1_800, stock).await.unwrap().id;
    Shop { merchant, store, product }
}

/// An order that is not paid yet.
pub async fn given_order(customer: &Session, shop: &Shop, to: LatLng) -> String {
    let ask = OrderAsk {
        store: shop.store.clone(),
        lines: vec![(shop.product.clone(), 1)],
        dropoff: to,
        address: "12 Lantern Lane".to_owned(),
        note: None,
        proof: None,
    };
    calls::place(customer, &ask, &new_cid()).await.unwrap().id
}

/// An order that is paid.
pub async fn given_paid_order(customer: &Session, shop: &Shop, to: LatLng) -> String {
    let order = given_order(customer, shop, to).await;
    calls::pay(customer, &order).await.unwrap();
    order
}
