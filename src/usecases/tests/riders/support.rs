//! A city in which time is set by hand.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{
    cart::{CartLine, Quantity},
    channel::Channel,
    checked_text::{Address, Login, PersonName, ProductName, StoreName},
    clock::{Clock, HandSetClock, Timestamp},
    dispatch::Policy,
    geo::Place,
    ids::{CustomerId, MerchantId, NodeId, OfferId, OperatorId, OrderId, RiderId, StoreId},
    money::Currency,
    reason::Reason,
    role::{Profile, Role},
    travel::Vehicle,
};
use storage::{db::Tx, deliveries, journal, offers, presence, store::Store};
use usecases::{
    accounts::{self, Registration},
    dispatch::{self, Choosing, CycleReport},
    dispatch_news::Memory,
    duty::{self, DutyOn},
    handing_on,
    orders::{self, Acceptance},
    payments,
    placing::{self, HandoverWish, OrderTerms, OrderWish},
    platform::{Platform, PlatformSettings, Silence},
    stores::{self, NewProduct, NewStore, StoreTerms},
};

/// When the tests begin.
const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

/// A platform, a store and a customer.
pub(crate) struct City {
    pub(crate) platform: Platform,
    pub(crate) clock: Arc<HandSetClock>,
    pub(crate) customer: CustomerId,
    pub(crate) merchant: MerchantId,
    pub(crate) store: StoreId,
    pub(crate) centre: Place,
    line: CartLine,
    memory: Memory,
    node: NodeId,
    pub(crate) policy: Policy,
}

impl City {
    pub(crate) async fn new(store: Arc<Store>) -> Self {
        Self::around(store, Place::new(31.2, 121.5).unwrap()).await
    }

    /// A city whose store stands at `centre`.
    pub(crate) async fn around(store: Arc<Store>, centre: Place) -> Self {
        let clock = Arc::new(HandSetClock::at(NOON));
        let (its_clock, settings) = (Arc::clone(&clock), PlatformSettings::default());
        let platform = Platform::open(store, its_clock, Arc::new(Silence), settings).await.unwrap();
        let Profile::Customer(customer) = person(&platform, "cleo", Role::Customer).await else {
            panic!("a customer was asked for");
        };
        let Profile::Merchant(merchant) = person(&platform, "mona", Role::Merchant).await else {
            panic!("a merchant was asked for");
        };
        let (store, line) = shop(&platform, merchant, centre).await;
        let (memory, node) = (Memory::default(), NodeId::generate());
        let policy = Policy::Instant;
        Self { platform, clock, customer, merchant, store, centre, line, memory, node, policy }
    }

    /// Orders are placed in another store from now on.
    pub(crate) async fn open_shop(&mut self, place: Place) {
        (self.store, self.line) = shop(&self.platform, self.merchant, place).await;
    }

    /// An order that the store has accepted and that is ready at once.
    pub(crate) async fn accepted_order(&self) -> OrderId {
        let order = self.paid_order().await;
        let how = Acceptance { prep_min: Some(0), start: true };
        orders::accept(&self.platform, self.merchant, order, None, how).await.unwrap();
        order
    }

    /// An order that waits for the store.
    pub(crate) async fn paid_order(&self) -> OrderId {
        let wish = OrderWish {
            store_id: self.store,
            lines: Some(vec![self.line.clone()]),
            handover: HandoverWish::delivered(
                self.centre.offset(900.0, 400.0),
                Address::parse("1 Long Street").unwrap(),
            ),
            note: None,
            terms: OrderTerms::default(),
        };
        let placed = placing::place(&self.platform, self.customer, wish, None).await.unwrap();
        let order: OrderId = placed.value.order.parse().unwrap();
        let started =
            payments::start(&self.platform, self.customer, order, None).await.unwrap().value;
        payments::play_customer(&self.platform, &started.provider_ref, true).await.unwrap();
        order
    }

    /// A rider on duty `east_m` metres east of the store.
    pub(crate) async fn rider(&self, name: &str, capacity: u32, east_m: f64) -> RiderId {
        let Profile::Rider(rider) = person(&self.platform, name, Role::Rider).await else {
            panic!("a rider was asked for");
        };
        let place = self.centre.offset(east_m, 0.0);
        let ask = DutyOn { vehicle: Vehicle::Scooter, capacity, place };
        duty::on(&self.platform, rider, ask, None, None).await.unwrap();
        rider
    }

    /// A rider says that he works again, next to the store.
    pub(crate) async fn back_on_duty(&self, rider: RiderId) {
        let place = self.centre.offset(300.0, 0.0);
        let ask = DutyOn { vehicle: Vehicle::Scooter, capacity: 3, place };
        duty::on(&self.platform, rider, ask, None, None).await.unwrap();
    }

    /// One look of the dispatcher.
    pub(crate) async fn cycle(&mut self) -> CycleReport {
        let look = dispatch::look(&self.platform).await.unwrap();
        self.cycle_on(&look).await
    }

    /// What the dispatcher does on what it saw then.
    pub(crate) async fn cycle_on(&mut self, look: &dispatch::Look) -> CycleReport {
        let choosing = Choosing { policy: self.policy, ..Choosing::default() };
        let places = HashMap::new();
        let is_ours = |_: &str| true;
        let (platform, memory) = (&self.platform, &mut self.memory);
        dispatch::cycle(platform, look, &places, memory, &choosing, &is_ours).await.unwrap()
    }

    /// The dispatcher asks this rider, and he takes it.
    pub(crate) async fn take(&mut self, rider: RiderId, order: OrderId) {
        let (by, why) = (OperatorId::generate(), Reason::OperatorDecision);
        let asked = handing_on::reassign(&self.platform, by, order, Some(rider), why, None);
        let offer = asked.await.unwrap().value.offer.unwrap().parse().unwrap();
        usecases::offers::reply(&self.platform, rider, offer, true, None).await.unwrap();
    }

    /// The rider has a connection, on a node that nobody else is on.
    pub(crate) async fn be_connected(&self, rider: RiderId) {
        let (node, at) = (self.node, self.clock.now());
        let write = async move |tx: &mut Tx| {
            presence::arrive(tx, node, &[Profile::Rider(rider)], at, at).await.map(|_| ())
        };
        self.platform.store.write(write).await.unwrap();
    }

    /// The rider has no connection any more.
    pub(crate) async fn be_gone(&self, rider: RiderId) {
        let (node, at) = (self.node, self.clock.now());
        let write = async move |tx: &mut Tx| {
            presence::leave(tx, node, &[Profile::Rider(rider)], at, at).await.map(|_| ())
        };
        self.platform.store.write(write).await.unwrap();
    }

    /// Carries out every deadline that is due.
    pub(crate) async fn deadlines(&self) {
        let mut reader = self.platform.reader();
        for due in storage::timers::due(&mut reader, self.clock.now()).await.unwrap() {
            usecases::deadlines::carry_out(&self.platform, &due).await.unwrap();
        }
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn open_offer(&self, rider: RiderId) -> Option<OfferId> {
        let open = offers::list_open_for_rider(&mut self.platform.reader(), rider).await.unwrap();
        open.first().map(|it| it.id)
    }

    /// The body of each route that a rider was told, the oldest first.
    pub(crate) async fn told_routes(&self, rider: RiderId) -> Vec<String> {
        let inbox = Channel::Inbox(Profile::Rider(rider));
        let mut reader = self.platform.reader();
        let entries = journal::read_after(&mut reader, &inbox, 0, 500).await.unwrap();
        entries.into_iter().filter(|it| it.kind == "route").map(|it| it.body).collect()
    }

    /// Delivery state and holder.
    pub(crate) async fn delivery(&self, order: OrderId) -> (&'static str, Option<RiderId>) {
        let mut reader = self.platform.reader();
        let stored = deliveries::find_for_order(&mut reader, order).await.unwrap().unwrap();
        (stored.delivery.state.as_str(), stored.delivery.rider_id)
    }
}

async fn shop(platform: &Platform, merchant: MerchantId, place: Place) -> (StoreId, CartLine) {
    let new = NewStore {
        name: StoreName::parse("Noodles").unwrap(),
        address: None,
        place,
        currency: Currency::Cny,
        terms: StoreTerms {
            is_open: Some(true),
            delivery_fee_minor: Some(500),
            ..StoreTerms::default()
        },
    };
    let store = stores::create(platform, merchant, new).await.unwrap().id;
    let new = NewProduct {
        name: ProductName::parse("Noodle soup").unwrap(),
        description: None,
        price_minor: 1_800,
        stock: 1_000_000,
    };
    let product = stores::add_product(platform, merchant, store, new).await.unwrap();
    let line = CartLine::plain(product.id, Quantity::new(1).unwrap());
    (store, line)
}

async fn person(platform: &Platform, name: &str, role: Role) -> Profile {
    let asked = Registration {
        login: Login::parse(&format!("{name}@example.org")).unwrap(),
        password: "correct horse battery".to_owned(),
        name: PersonName::parse(name).unwrap(),
        roles: vec![role],
        address: None,
    };
    accounts::register(platform, asked).await.unwrap().profiles[0]
}
