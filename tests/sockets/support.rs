//! A city with real servers and real sockets.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, atomic::AtomicU32},
    time::{Duration, Instant},
};

use actix::Actor;
use actix_web::{App, dev::ServerHandle};
use actors::{
    admission::{Admission, SocketLimits},
    bridge::Bridge,
    catch_up::CatchUp,
    fleet::Fleet,
    hub::Hub,
    interest::Interest,
    live::{Live, Pace},
    protocol::SUBPROTOCOL_JSON,
    publishers::Publishers,
    receipts::Receipts,
    relay::Relay,
    warden::Warden,
};
use domain::{
    cart::{CartLine, Quantity},
    checked_text::{Address, Login, PersonName, ProductName, StoreName},
    clock::{Clock, SystemClock},
    geo::Place,
    ids::{AccountId, CustomerId, NodeId, OrderId, SessionId, StoreId},
    money::Currency,
    role::{Profile, Role},
};
use riderhub::http::{server, ws::SocketDoor};
use serde_json::{Value, json};
use storage::{
    accounts,
    bus::in_process::InProcessBus,
    db::Tx,
    error::StoreError,
    testing::{Engine, FreshStore, fresh_store},
};
use tokio_tungstenite::tungstenite::{client::IntoClientRequest, http::HeaderValue};
use usecases::{
    payments,
    placing::{self, HandoverWish, OrderTerms, OrderWish},
    platform::{Platform, PlatformSettings},
    stores::{self, NewProduct, NewStore, StoreTerms},
    tokens::{Identity, Subject},
};

pub(crate) use crate::client::{Client, Closed, cid};

/// Far above what any of this takes on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A store with one or more nodes over it.
pub(crate) struct City {
    pub(crate) fresh: FreshStore,
    bus: InProcessBus,
    clock: Arc<dyn Clock>,
    pub(crate) pace: Pace,
    pub(crate) limits: SocketLimits,
    pub(crate) one_device: Vec<Role>,
}

/// A node that listens.
pub(crate) struct Node {
    pub(crate) addr: SocketAddr,
    pub(crate) live: Arc<Live>,
    pub(crate) positions: Arc<Mutex<Vec<u64>>>,
    server: ServerHandle,
}

impl City {
    pub(crate) async fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock::real_time())).await
    }

    pub(crate) async fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let fresh = fresh_store(Engine::Sqlite).await;
        let pace = Pace::default();
        Self {
            fresh,
            bus: InProcessBus::default(),
            clock,
            pace,
            limits: SocketLimits::default(),
            one_device: Vec::new(),
        }
    }

    pub(crate) async fn node(&self) -> Node {
        self.node_on(&self.bus).await
    }

    /// A node that shares the store and hears nothing of the others.
    pub(crate) async fn lonely_node(&self) -> Node {
        self.node_on(&InProcessBus::default()).await
    }

    async fn node_on(&self, bus: &InProcessBus) -> Node {
        let (bus, events) = bus.link();
        let hub = Hub::new(Interest::new(bus.clone()));
        let bridge = Bridge::start(NodeId::generate(), hub.clone(), bus.clone(), events);
        Relay::new(hub.clone(), self.fresh.store.clone()).start();
        let settings = PlatformSettings::default();
        let platform =
            Platform::open(self.fresh.store.clone(), self.clock.clone(), bridge.clone(), settings);
        let platform = platform.await.unwrap();
        let positions = Arc::new(Mutex::new(Vec::new()));
        let seen = positions.clone();
        let fleet = Arc::new(Mutex::new(Fleet::default()));
        let (its_fleet, clock) = (fleet.clone(), self.clock.clone());
        let live = Arc::new(Live {
            platform,
            hub,
            bridge,
            positions: Arc::new(move |rider, series, fix| {
                its_fleet.lock().unwrap().put(rider, series, fix, clock.now());
                seen.lock().unwrap().push(fix.seq);
            }),
            fleet,
            admission: Admission::new(self.limits),
            pace: self.pace,
            catch_up: CatchUp::start(self.fresh.store.clone()),
            receipts: Receipts::default(),
            publishers: Publishers::default(),
            one_device: self.one_device.clone(),
            presence: Mutex::default(),
            bench_channels: true,
        });
        Warden::new(live.clone(), Duration::from_secs(30 * 24 * 3_600)).start();
        let door = SocketDoor { live: live.clone(), origins: Vec::new(), echo: true };
        let any_port = "127.0.0.1:0".parse().unwrap();
        let (addr, running) = server::listen(any_port, 1, door, App::new).unwrap();
        let server = running.handle();
        actix_web::rt::spawn(running);
        Node { addr, live, positions, server }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let stopping = self.server.stop(false);
        actix_web::rt::spawn(stopping);
    }
}

impl Node {
    fn platform(&self) -> &Platform {
        &self.live.platform
    }

    /// Somebody new, without the cost of a password.
    pub(crate) async fn person(&self, name: &str, role: Role) -> Person {
        let (account, profile) = (AccountId::generate(), Profile::generate(role));
        let at = self.platform().now();
        let login = Login::parse(&format!("{account}@example.org")).unwrap();
        let person_name = PersonName::parse(name).unwrap();
        let write = async move |tx: &mut Tx| {
            accounts::insert_account(tx, account, &login, "none", at).await?;
            accounts::insert_profile(tx, account, profile, &person_name, at).await?;
            Ok::<_, StoreError>(())
        };
        self.platform().store.write(write).await.unwrap();
        let mut person = Person {
            profile,
            account,
            session: SessionId::generate(),
            token: String::new(),
            name: name.to_owned(),
        };
        person.token = self.token(&person);
        person
    }

    /// A fresh token for somebody.
    pub(crate) fn token(&self, person: &Person) -> String {
        let at = self.platform().now();
        let &Person { profile, account: account_id, session: session_id, .. } = person;
        let subject = Subject { profile, account_id, name: &person.name, session_id };
        self.platform().tokens.issue(subject, at).unwrap().0
    }

    /// Who a token of somebody speaks for.
    pub(crate) fn identity(&self, person: &Person) -> Identity {
        self.platform().tokens.verify(&person.token, self.platform().now()).unwrap()
    }

    /// A store that is open, with one product.
    pub(crate) async fn store(&self, merchant: &Person) -> Shop {
        let Profile::Merchant(merchant_id) = merchant.profile else { panic!("not a merchant") };
        let place = Place::new(31.2, 121.5).unwrap();
        let new = NewStore {
            name: StoreName::parse("Noodles").unwrap(),
            address: None,
            place,
            currency: Currency::Cny,
            terms: StoreTerms { is_open: Some(true), ..StoreTerms::default() },
        };
        let store = stores::create(self.platform(), merchant_id, new).await.unwrap().id;
        let new = NewProduct {
            name: ProductName::parse("Noodle soup").unwrap(),
            description: None,
            price_minor: 1_800,
            stock: 1_000_000,
        };
        let product = stores::add_product(self.platform(), merchant_id, store, new).await.unwrap();
        let line = CartLine::plain(product.id, Quantity::new(1).unwrap());
        Shop { store, place, line }
    }

    /// An order that is paid for.
    pub(crate) async fn paid_order(&self, shop: &Shop, customer: &Person) -> OrderId {
        let order = self.unpaid_order(shop, customer).await;
        let Profile::Customer(customer_id) = customer.profile else { panic!("not a customer") };
        self.pay(customer_id, order).await;
        order
    }

    /// An order that nobody has paid for.
    pub(crate) async fn unpaid_order(&self, shop: &Shop, customer: &Person) -> OrderId {
        let Profile::Customer(customer_id) = customer.profile else { panic!("not a customer") };
        let wish = OrderWish {
            store_id: shop.store,
            lines: Some(vec![shop.line.clone()]),
            handover: HandoverWish::delivered(
                shop.place.offset(900.0, 400.0),
                Address::parse("1 Long Street").unwrap(),
            ),
            note: None,
            terms: OrderTerms::default(),
        };
        let placed = placing::place(self.platform(), customer_id, wish, None).await.unwrap();
        placed.value.order.parse().unwrap()
    }

    async fn pay(&self, customer_id: CustomerId, order: OrderId) {
        let started = payments::start(self.platform(), customer_id, order, None).await.unwrap();
        payments::play_customer(self.platform(), &started.value.provider_ref, true).await.unwrap();
    }

    /// A socket that has not signed in.
    pub(crate) async fn socket(&self) -> Client {
        self.socket_of(SUBPROTOCOL_JSON).await
    }

    /// A socket that has not signed in, of this format.
    pub(crate) async fn socket_of(&self, format: &'static str) -> Client {
        let mut req = format!("ws://{}/v1/ws", self.addr).into_client_request().unwrap();
        let protocol = HeaderValue::from_static(format);
        req.headers_mut().insert("sec-websocket-protocol", protocol);
        let (socket, response) = tokio_tungstenite::connect_async(req).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], format);
        let (frames, seen, last_id) = (VecDeque::new(), Vec::new(), AtomicU32::new(0));
        Client { socket, format, frames, seen, last_id }
    }

    /// A socket on which somebody is signed in, and the answer to that.
    pub(crate) async fn connect(&self, person: &Person) -> (Client, Value) {
        self.resume(person, json!({})).await
    }

    /// Comes back to where somebody left off.
    pub(crate) async fn resume(&self, person: &Person, resume: Value) -> (Client, Value) {
        let mut client = self.socket().await;
        let p = json!({ "token": person.token, "resume": resume });
        let answer = client.ask("connect", p).await.expect("signed in");
        (client, answer)
    }

    /// Waits until the node holds so many connections.
    pub(crate) async fn holds(&self, n_connections: usize) {
        let started = Instant::now();
        while self.live.hub.observe().n_connections != n_connections {
            assert!(started.elapsed() < LIMIT, "{:?}", self.live.hub.observe());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Somebody with a token.
pub(crate) struct Person {
    pub(crate) profile: Profile,
    pub(crate) account: AccountId,
    pub(crate) session: SessionId,
    pub(crate) name: String,
    pub(crate) token: String,
}

/// Where things are sold.
pub(crate) struct Shop {
    pub(crate) store: StoreId,
    place: Place,
    line: CartLine,
}
