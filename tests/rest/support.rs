//! The application under test: real routes over a fresh store, with a clock set by hand.

use std::{
    cell::Cell,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use actix_web::{
    App,
    http::{Method, StatusCode, header::HeaderMap},
    middleware::from_fn,
    test::{self, TestRequest},
    web,
};
use domain::{
    checked_text::{Login, PersonName},
    clock::{Clock, HandSetClock, Timestamp},
    ids::AccountId,
    role::{Profile, Role},
};
use riderhub::http::{
    audit,
    guard::{Guard, Limits, check},
    request_id, routes,
    state::{Doors, HttpState},
    unknown_route,
};
use serde_json::{Value, json};
use storage::{
    accounts,
    blobs::Blobs,
    db::Tx,
    error::StoreError,
    testing::{Engine, FreshStore, fresh_store},
    timers,
};
use tempfile::TempDir;
use usecases::{
    audit::AuditLog,
    deadlines,
    messenger::{CodeMessage, Messenger, Sending},
    platform::{Platform, PlatformSettings, Silence},
    sessions::sign_in_as,
};

pub(crate) const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

/// Keeps the codes that would have been sent.
#[derive(Default)]
pub(crate) struct Outbox(Mutex<Vec<(String, String)>>);

impl Messenger for Outbox {
    fn send<'a>(&'a self, message: &'a CodeMessage) -> Sending<'a> {
        let sent = (message.to.as_str().to_owned(), message.code.clone());
        self.0.lock().unwrap().push(sent);
        Box::pin(async { Ok(()) })
    }
}

impl Outbox {
    /// The newest code for somebody, once it was sent.
    pub(crate) async fn code(&self, to: &str) -> String {
        for _ in 0..1_000 {
            let sent = std::mem::take(&mut *self.0.lock().unwrap());
            if let Some((_, code)) = sent.into_iter().rfind(|it| it.0 == to) {
                return code;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("no code for {to}");
    }

    /// Whether nothing was sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

/// A platform that nobody else uses.
pub(crate) struct World {
    pub(crate) platform: Platform,
    pub(crate) clock: Arc<HandSetClock>,
    pub(crate) doors: Doors,
    /// How often one may ask.
    pub(crate) limits: Cell<Limits>,
    /// Who changed what.
    pub(crate) audit: Arc<AuditLog>,
    /// Codes that were sent.
    pub(crate) outbox: Arc<Outbox>,
    /// Where contents of files are kept.
    pub(crate) files: TempDir,
    fresh: FreshStore,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) profile: Profile,
    pub(crate) token: String,
}

/// A store with one product.
pub(crate) struct Shop {
    pub(crate) merchant: Person,
    pub(crate) store: String,
    pub(crate) product: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    /// A field of the answer as text.
    pub(crate) fn text(&self, field: &str) -> String {
        self.json[field].as_str().unwrap_or_else(|| panic!("no {field} in {self:?}")).to_owned()
    }

    /// What the answer says, apart from the name of its request.
    pub(crate) fn said(&self) -> Value {
        let mut said = self.json.clone();
        said.as_object_mut().map(|it| it.remove("request_id"));
        said
    }

    /// A header of the answer.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"));
        value.to_str().unwrap().to_owned()
    }

    /// Fails unless the answer has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// Fails unless the answer is this problem.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.text("code").as_str()), (status, code), "{self:?}");
        assert_eq!(self.headers.get("content-type").unwrap(), "application/problem+json");
        assert!(!self.text("detail").is_empty());
        self
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.headers.contains_key("Idempotent-Replayed")
    }
}

/// A request that is being put together.
pub(crate) struct Ask<'w> {
    world: &'w World,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    from: SocketAddr,
}

impl Ask<'_> {
    pub(crate) fn by(self, person: &Person) -> Self {
        let bearer = format!("Bearer {}", person.token);
        self.header("Authorization", &bearer)
    }

    /// Comes from another address than the others.
    pub(crate) fn from(mut self, address: &str) -> Self {
        self.from = SocketAddr::new(address.parse().unwrap(), 40_000);
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").raw(body.to_string())
    }

    pub(crate) fn raw(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) async fn send(self) -> Reply {
        let world = self.world;
        let guard = Guard { limits: world.limits.get(), ..Guard::default() };
        let state = HttpState::new(world.platform.clone(), world.doors)
            .guarded(guard)
            .with_audit(Arc::clone(&world.audit));
        let app = App::new()
            .wrap(from_fn(audit::note))
            .wrap(from_fn(check))
            .wrap(from_fn(request_id::name))
            .configure(|cfg| routes(cfg, &state))
            .default_service(web::to(unknown_route));
        let app = test::init_service(app).await;
        let mut request = TestRequest::default().method(self.method).uri(&self.path);
        request = request.peer_addr(self.from);
        for (name, value) in &self.headers {
            request = request.insert_header((name.as_str(), value.as_str()));
        }
        let answer = test::call_service(&app, request.set_payload(self.body).to_request()).await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = test::read_body(answer).await;
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply { status, headers, json, bytes: bytes.into() }
    }
}

impl World {
    pub(crate) async fn new(engine: Engine) -> Self {
        let fresh = fresh_store(engine).await;
        let clock = Arc::new(HandSetClock::at(NOON));
        let files = tempfile::tempdir().unwrap();
        let blobs = Blobs::folder(files.path()).unwrap();
        let outbox = Arc::new(Outbox::default());
        let messenger = Some(Arc::clone(&outbox) as Arc<dyn Messenger>);
        let platform = Platform::open(
            Arc::clone(&fresh.store),
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::new(Silence),
            PlatformSettings { blobs, messenger, ..PlatformSettings::default() },
        )
        .await
        .unwrap();
        let doors = Doors { sandbox: true, demo: None };
        Self {
            platform,
            clock,
            doors,
            limits: Cell::default(),
            audit: Arc::default(),
            outbox,
            files,
            fresh,
        }
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        let path = path.to_owned();
        let from = SocketAddr::from(([192, 0, 2, 1], 40_000));
        Ask { world: self, method, path, headers: Vec::new(), body: Vec::new(), from }
    }

    pub(crate) fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Ask<'_> {
        self.ask(Method::POST, path)
    }

    pub(crate) fn put(&self, path: &str) -> Ask<'_> {
        self.ask(Method::PUT, path)
    }

    pub(crate) fn patch(&self, path: &str) -> Ask<'_> {
        self.ask(Method::PATCH, path)
    }

    pub(crate) fn head(&self, path: &str) -> Ask<'_> {
        self.ask(Method::HEAD, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Ask<'_> {
        self.ask(Method::DELETE, path)
    }

    /// Somebody signed in, without the cost of a password.
    pub(crate) async fn person(&self, role: Role) -> Person {
        let (account_id, profile) = (AccountId::generate(), Profile::generate(role));
        let login = Login::parse(&account_id.to_string()).unwrap();
        let name = PersonName::parse(&format!("A {role}")).unwrap();
        let at = self.platform.now();
        self.platform
            .store
            .write(async move |tx: &mut Tx| {
                accounts::insert_account(tx, account_id, &login, "none", at).await?;
                accounts::insert_profile(tx, account_id, profile, &name, at).await?;
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
        let token = sign_in_as(&self.platform, profile).await.unwrap().access_token;
        Person { profile, token }
    }

    /// Signs in again, after the clock was moved.
    pub(crate) async fn again(&self, person: &Person) -> Person {
        let token = sign_in_as(&self.platform, person.profile).await.unwrap().access_token;
        Person { token, ..person.clone() }
    }

    /// An open store that sells one product at 12.50, with a delivery fee of 5.00.
    pub(crate) async fn shop(&self, stock: i64) -> Shop {
        let merchant = self.person(Role::Merchant).await;
        let body = json!({"name": "Noodles", "lat": 31.2, "lng": 121.5, "currency": "CNY",
            "delivery_fee_minor": 500, "prep_min": 10});
        let store = self.post("/v1/stores").by(&merchant).json(&body).send().await.expect(201);
        let store = store.text("store");
        let body = json!({"name": "Noodle soup", "price_minor": 1250, "stock": stock});
        let path = format!("/v1/stores/{store}/products");
        let product = self.post(&path).by(&merchant).json(&body).send().await.expect(201);
        Shop { merchant, store, product: product.text("product") }
    }

    /// The body of an order of `quantity` pieces.
    pub(crate) fn wish(shop: &Shop, quantity: i64) -> Value {
        json!({"store": shop.store, "lines": [{"product": shop.product, "quantity": quantity}],
            "dropoff": {"lat": 31.21, "lng": 121.51, "address": "Long Street 7"}})
    }

    pub(crate) async fn order(&self, shop: &Shop, customer: &Person) -> String {
        let key = format!("k-{}", AccountId::generate());
        let placed =
            self.post("/v1/orders").by(customer).key(&key).json(&Self::wish(shop, 2)).send().await;
        placed.expect(201).text("order")
    }

    /// Begins to pay; the provider's name for the attempt.
    pub(crate) async fn start_paying(&self, order: &str, customer: &Person) -> Reply {
        let key = format!("k-{}", AccountId::generate());
        let path = format!("/v1/orders/{order}/payments");
        let body = json!({"provider": "sandbox"});
        self.post(&path).by(customer).key(&key).json(&body).send().await
    }

    pub(crate) async fn pay_at_sandbox(&self, provider_ref: &str) -> Reply {
        let path = format!("/v1/sandbox/{provider_ref}/pay");
        self.post(&path).json(&json!({"outcome": "succeeded"})).send().await
    }

    pub(crate) async fn paid_order(&self, shop: &Shop, customer: &Person) -> String {
        let order = self.order(shop, customer).await;
        let payment = self.start_paying(&order, customer).await.expect(201);
        let outcome = self.pay_at_sandbox(&payment.text("provider_ref")).await.expect(200);
        assert_eq!(outcome.text("outcome"), "applied");
        order
    }

    pub(crate) async fn show(&self, order: &str, person: &Person) -> Reply {
        self.get(&format!("/v1/orders/{order}")).by(person).send().await.expect(200)
    }

    pub(crate) async fn act(&self, order: &str, person: &Person, what: &str, body: Value) -> Reply {
        self.post(&format!("/v1/orders/{order}/{what}")).by(person).json(&body).send().await
    }

    pub(crate) async fn stock(&self, shop: &Shop) -> i64 {
        let menu = self.get(&format!("/v1/stores/{}/products", shop.store)).send().await;
        menu.json["products"][0]["stock"].as_i64().unwrap()
    }

    /// Closes the database under the running application.
    pub(crate) async fn cut_off(&self) {
        self.fresh.store.db().close().await;
    }

    /// Moves the clock and carries out whatever is due.
    pub(crate) async fn pass(&self, span: std::time::Duration) {
        self.clock.advance(span);
        let due = timers::due(&mut self.platform.reader(), self.platform.now()).await.unwrap();
        for it in due {
            deadlines::carry_out(&self.platform, &it).await.unwrap();
        }
    }
}

/// Runs a promise on both engines.
pub(crate) async fn each_world(promise: impl AsyncFn(&World)) {
    for engine in Engine::ALL {
        eprintln!("on {engine:?}");
        let world = World::new(engine).await;
        promise(&world).await;
        world.fresh.store.db().close().await;
    }
}
