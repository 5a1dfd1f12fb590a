//! One or two nodes over a fresh store, with a shop and as many customers as are wanted.

use std::{sync::Arc, time::Duration};

use domain::{
    cart::{CartLine, Quantity},
    checked_text::{Address, Login, PersonName, ProductName, StoreName},
    clock::{Clock, HandSetClock, Timestamp},
    geo::Place,
    ids::{AccountId, CustomerId, MerchantId, OrderId, ProductId, StoreId},
    money::Currency,
    role::Profile,
    stock::Stock,
};
use storage::{
    accounts,
    commands::CommandKey,
    db::Tx,
    error::StoreError,
    shield::{StockShield, redis::RedisShield},
    stock, stock_log, stories,
    testing::{Engine, FreshStore, fresh_store, open, servers::RedisServer},
};
use usecases::{
    error::AskError,
    order_case::Moved,
    payments,
    placing::{self, HandoverWish, OrderTerms, OrderWish},
    platform::{Done, Platform, PlatformSettings, Silence},
    stores::{self, NewProduct, NewStore, StoreTerms},
};

const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

/// What is under the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    Sqlite,
    MariaDb,
    /// Two nodes.
    MariaDbAndRedis,
}

/// Nodes with one shop.
pub(crate) struct World {
    pub(crate) ground: Ground,
    pub(crate) nodes: Vec<Platform>,
    pub(crate) clock: Arc<HandSetClock>,
    pub(crate) merchant: MerchantId,
    pub(crate) store: StoreId,
    pub(crate) product: ProductId,
    /// The shield of each node, in a cluster.
    pub(crate) shields: Vec<Arc<dyn StockShield>>,
    _fresh: FreshStore,
}

impl World {
    pub(crate) async fn new(ground: Ground, stock: i64) -> Self {
        let engine = if ground == Ground::Sqlite { Engine::Sqlite } else { Engine::MariaDb };
        let fresh = fresh_store(engine).await;
        let clock = Arc::new(HandSetClock::at(NOON));
        let (mut nodes, mut shields) = (Vec::new(), Vec::new());
        let n_nodes = if ground == Ground::MariaDbAndRedis { 2 } else { 1 };
        let prefix = format!("rush-{}", AccountId::generate());
        for n in 0..n_nodes {
            let its = if n == 0 { Arc::clone(&fresh.store) } else { open(&fresh.url).await };
            let shield = (ground == Ground::MariaDbAndRedis).then(|| {
                let url = RedisServer::shared().url();
                Arc::new(RedisShield::new(&url, &prefix).unwrap()) as Arc<dyn StockShield>
            });
            shields.extend(shield.clone());
            // One secret for both: the sandbox of one node is believed by the other.
            let sandbox_secret = Some("a secret that all nodes share".to_owned());
            let settings =
                PlatformSettings { shield, sandbox_secret, ..PlatformSettings::default() };
            let its_clock = Arc::clone(&clock) as Arc<dyn Clock>;
            nodes.push(Platform::open(its, its_clock, Arc::new(Silence), settings).await.unwrap());
        }
        let merchant = MerchantId::generate();
        let (store, product) = shop(&nodes[0], merchant, stock).await;
        Self { ground, nodes, clock, merchant, store, product, shields, _fresh: fresh }
    }

    /// Customers without passwords, in one transaction.
    pub(crate) async fn customers(&self, n: usize) -> Vec<CustomerId> {
        let customers: Vec<_> = (0..n).map(|_| CustomerId::generate()).collect();
        let profiles = customers.iter().map(|it| Profile::Customer(*it)).collect();
        people(&self.nodes[0], profiles).await;
        customers
    }

    /// A node, each time another one.
    pub(crate) fn node(&self, n: usize) -> &Platform {
        &self.nodes[n % self.nodes.len()]
    }

    pub(crate) fn wish(&self, pieces: i64) -> OrderWish {
        let quantity = Quantity::new(pieces).unwrap();
        OrderWish {
            store_id: self.store,
            lines: Some(vec![CartLine { product_id: self.product, quantity, options: Vec::new() }]),
            handover: HandoverWish::delivered(
                Place::new(31.21, 121.51).unwrap(),
                Address::parse("Long Street 7").unwrap(),
            ),
            note: None,
            terms: OrderTerms::default(),
        }
    }

    pub(crate) async fn order(&self, by: CustomerId) -> OrderId {
        let placed = place(self.node(0), by, self.wish(1), None).await.unwrap();
        placed.value.order.parse().unwrap()
    }

    /// The stock as SQL has it, after checking it against its log and its holds.
    pub(crate) async fn stock(&self) -> Stock {
        let mut reader = self.nodes[0].reader();
        assert_eq!(stock_log::list_wrong(&mut reader).await.unwrap(), [], "{:?}", self.ground);
        stock::list(&mut reader, &[self.product]).await.unwrap().pop().unwrap().stock
    }

    /// Left, reserved, sold.
    pub(crate) async fn numbers(&self) -> [i64; 3] {
        let stock = self.stock().await;
        [stock.left, stock.reserved, stock.sold]
    }

    /// The story of an order as `machine.event`, after checking that no line is missing.
    pub(crate) async fn story(&self, order: OrderId) -> Vec<String> {
        let lines = stories::list_changes(&mut self.nodes[0].reader(), order).await.unwrap();
        let seqs: Vec<_> = lines.iter().map(|it| it.seq).collect();
        assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>(), "no holes");
        lines.iter().map(|it| format!("{}.{}", it.machine, it.event)).collect()
    }
}

pub(crate) async fn place(
    node: &Platform,
    by: CustomerId,
    wish: OrderWish,
    key: Option<CommandKey>,
) -> Result<Done<Moved>, AskError> {
    placing::place(node, by, wish, key).await
}

/// Begins to pay; the provider's name for the attempt.
pub(crate) async fn start_paying(node: &Platform, by: CustomerId, order: OrderId) -> String {
    payments::start(node, by, order, None).await.unwrap().value.provider_ref
}

async fn people(node: &Platform, profiles: Vec<Profile>) {
    let write = async move |tx: &mut Tx| {
        for profile in &profiles {
            let account = AccountId::generate();
            let login = Login::parse(&account.to_string()).map_err(StoreError::refused)?;
            let name = PersonName::parse("Cleo").map_err(StoreError::refused)?;
            accounts::insert_account(tx, account, &login, "none", NOON).await?;
            accounts::insert_profile(tx, account, *profile, &name, NOON).await?;
        }
        Ok::<_, StoreError>(())
    };
    node.store.write(write).await.unwrap();
}

async fn shop(node: &Platform, merchant: MerchantId, stock: i64) -> (StoreId, ProductId) {
    people(node, vec![Profile::Merchant(merchant)]).await;
    let new = NewStore {
        name: StoreName::parse("Noodles").unwrap(),
        address: None,
        place: Place::new(31.2, 121.5).unwrap(),
        currency: Currency::Cny,
        terms: StoreTerms::default(),
    };
    let store = stores::create(node, merchant, new).await.unwrap().id;
    let new = NewProduct {
        name: ProductName::parse("Noodle soup").unwrap(),
        description: None,
        price_minor: 1_800,
        stock,
    };
    (store, stores::add_product(node, merchant, store, new).await.unwrap().id)
}

/// Long enough for an unpaid order to be closed.
pub(crate) const UNPAID: Duration = Duration::from_secs(15 * 60);

/// Makes one test of a promise for each ground.
macro_rules! on_every_ground {
    ($($promise:ident),+ $(,)?) => {
        $(mod $promise {
            use crate::support::Ground;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                super::$promise(Ground::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_mariadb() {
                super::$promise(Ground::MariaDb).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_two_nodes_with_redis() {
                super::$promise(Ground::MariaDbAndRedis).await;
            }
        })+
    };
}
pub(crate) use on_every_ground;
