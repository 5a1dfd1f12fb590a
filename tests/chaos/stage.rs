//! Who plays and where: two real nodes on a MariaDB and a Redis of their own, people and orders.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use riderhub::client::rest::{Call, Rest};
use serde_json::{Value, json};
use storage::testing::servers::RedisServer;

use crate::{
    client::Client,
    node::{Node, World},
};

/// Orders, and who shares them.
pub const ORDERS: usize = 300;
const CUSTOMERS: usize = 60;
const MERCHANTS: usize = 12;
const RIDERS: usize = 20;
/// Orders that one rider carries at most.
const CAPACITY: u32 = 20;
/// Orders made in one call.
const ORDERS_AT_ONCE: usize = 50;

/// Everything that a run uses.
pub struct Stage {
    /// Its folder and its database live as long as this.
    _world: World,
    pub nodes: Vec<Arc<Mutex<Node>>>,
    pub bases: Vec<String>,
    pub database: String,
    pub redis: Arc<RedisServer>,
    pub people: Vec<Arc<Client>>,
    pub orders: Vec<Order>,
}

/// An order and where its parties stand in [`Stage::people`].
#[derive(Debug, Clone)]
pub struct Order {
    pub id: String,
    pub customer: usize,
    pub merchant: usize,
}

impl Order {
    pub fn channel(&self) -> String {
        format!("order:{}", self.id)
    }
}

impl Stage {
    /// Starts servers and nodes, makes people and orders, and lets everybody sign in.
    pub async fn set(seed: u64) -> Self {
        let redis = Arc::new(RedisServer::start());
        let mut world = World::over(&redis.url(), &["--fixtures"]);
        let bases = world.bases(0);
        let rest = Rest::new(&bases, 0).unwrap();
        let body = json!({ "run": format!("chaos-{seed}"), "password": "correct horse battery",
            "customers": CUSTOMERS, "merchants": MERCHANTS, "riders": RIDERS, "token_hours": 5 });
        let made = rest.call(&Call::post("/v1/fixtures", body), None).await.unwrap();
        let made = made["people"].as_array().unwrap();
        let orders = Self::orders(&rest, made).await;
        let start = |(n, person): (u64, &Value)| {
            Arc::new(Client::start(person, bases.clone(), seed << 16 | n))
        };
        let people = (0..).zip(made).map(start).collect();
        let database = world.database().to_owned();
        let nodes = std::mem::take(&mut world.nodes);
        let nodes = nodes.into_iter().map(|it| Arc::new(Mutex::new(it))).collect();
        Self { _world: world, nodes, bases, database, redis, people, orders }
    }

    async fn orders(rest: &Rest, made: &[Value]) -> Vec<Order> {
        let mut orders = Vec::new();
        let pairs: Vec<(usize, usize)> =
            (0..ORDERS).map(|n| (n % CUSTOMERS, CUSTOMERS + n % MERCHANTS)).collect();
        for some in pairs.chunks(ORDERS_AT_ONCE) {
            let list: Vec<Value> = some
                .iter()
                .map(|(customer, merchant)| {
                    json!({ "customer": made[*customer]["profile"],
                        "store": made[*merchant]["store"]["store"] })
                })
                .collect();
            let call = Call::post("/v1/fixtures/orders", json!({ "orders": list }));
            let answer = rest.call(&call, None).await.unwrap();
            for ((customer, merchant), id) in some.iter().zip(answer["orders"].as_array().unwrap())
            {
                let id = id.as_str().unwrap().to_owned();
                orders.push(Order { id, customer: *customer, merchant: *merchant });
            }
        }
        orders
    }

    /// People of a role.
    pub fn of_role(&self, role: &str) -> Vec<usize> {
        (0..self.people.len()).filter(|it| self.people[*it].role == role).collect()
    }

    /// Lets riders go on duty, so that offers go out.
    pub async fn open(&self) {
        let place = json!({ "lat": 31.23, "lng": 121.47 });
        for rider in self.of_role("rider") {
            let p = json!({ "vehicle": "scooter", "capacity": CAPACITY, "lat": place["lat"],
                "lng": place["lng"], "cid": riderhub::client::link::new_cid() });
            self.people[rider].ask("duty.on", p).await.unwrap();
        }
    }

    /// The channels of which somebody must have everything, whoever else has them as well.
    pub fn owed(&self) -> HashMap<usize, Vec<String>> {
        let mut owed: HashMap<usize, Vec<String>> = HashMap::new();
        for order in &self.orders {
            for party in [order.customer, order.merchant] {
                owed.entry(party).or_default().push(order.channel());
            }
        }
        for (index, person) in self.people.iter().enumerate() {
            let known = person.shared().book.logs.keys().cloned().collect::<Vec<_>>();
            let channels = owed.entry(index).or_default();
            channels.extend(known);
            channels.sort_unstable();
            channels.dedup();
        }
        owed
    }

    /// Waits until everybody is signed in.
    pub async fn until_all_are_in(&self) {
        let all_in = async {
            for person in &self.people {
                while person.shared().counts.n_connections == 0 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), all_in).await.expect("everybody signs in");
    }
}
