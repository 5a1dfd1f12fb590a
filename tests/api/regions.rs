//! Regions over nodes: shared while both live, taken over when one is killed.

use std::time::Duration;

use riderhub::client::{link::new_cid, log::Entry};
use serde_json::json;
use storage::testing::Engine;
use tokio::time::{Instant, sleep};

use crate::support::{Node, Person, Shop, World, given_paid_order, given_shop, spot};

/// Towns so far apart that each is a region of its own.
const N_TOWNS: usize = 6;
const APART_M: f64 = 25_000.0;
/// How long the nodes may take to agree; far above the seconds that they need.
const WAIT: Duration = Duration::from_secs(30);

/// A store and the rider next to it.
struct Town {
    north_m: f64,
    shop: Shop,
    rider: Person,
}

impl Town {
    async fn new(world: &World, number: usize) -> Self {
        let (node, north_m) = (number % 2, number as f64 * APART_M);
        let shop = given_shop(world, node, spot(north_m, 0.0), 10).await;
        let rider = Person::join(world, 1 - node, "rider", "Remy").await;
        rider.on_duty(spot(north_m + 300.0, 0.0), 4).await;
        Self { north_m, shop, rider }
    }

    async fn order(&self, customer: &Person) -> String {
        let to = spot(self.north_m, 900.0);
        let order = given_paid_order(&customer.session, &self.shop, to).await;
        let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 5 });
        self.shop.merchant.call("order.accept", accept).await;
        order
    }

    async fn take(&mut self, order: &str) {
        let is_offer = |it: &Entry| {
            let is_it = it.kind == "offer" && it.text("order") == Some(order);
            is_it.then(|| it.text("offer").unwrap().to_owned())
        };
        let offer = self.rider.until(&format!("an offer of {order}"), is_offer).await;
        let take = json!({ "offer": offer, "cid": new_cid(), "take": true });
        assert_eq!(self.rider.call("offer.reply", take).await["state"], "won");
    }

    async fn deliver(&self, order: &str) {
        self.shop.merchant.call("order.ready", json!({ "order": order, "cid": new_cid() })).await;
        self.rider.do_stop(order, "pickup").await;
        self.rider.do_stop(order, "dropoff").await;
    }
}

async fn n_regions(node: &Node) -> usize {
    let http = riderhub::http_client::builder().no_proxy().build().unwrap();
    let text = http.get(format!("{}/metrics", node.base)).send().await.unwrap().text().await;
    let text = text.unwrap();
    let line = text.lines().find_map(|it| it.strip_prefix("riderhub_dispatch_regions "));
    line.unwrap_or_else(|| panic!("no figure in\n{text}")).parse::<f64>().unwrap() as usize
}

/// Waits until the living nodes share all regions, none twice; answers how many each has.
async fn until_shared(nodes: &[&Node]) -> Vec<usize> {
    let until = Instant::now() + WAIT;
    loop {
        let mut each = Vec::new();
        for node in nodes {
            each.push(n_regions(node).await);
        }
        if each.iter().sum::<usize>() == N_TOWNS {
            return each;
        }
        assert!(Instant::now() < until, "{N_TOWNS} regions, and the nodes plan {each:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn two_nodes_share_the_regions_and_one_takes_over_when_the_other_is_killed() {
    let mut world = World::start(Engine::MariaDb, &[]);
    let mut customer = Person::join(&world, 0, "customer", "Cleo").await;
    let mut towns = Vec::new();
    for number in 0..N_TOWNS {
        towns.push(Town::new(&world, number).await);
    }
    let mut orders = Vec::new();
    for (n, town) in towns.iter_mut().enumerate() {
        let order = town.order(&customer).await;
        town.take(&order).await;
        orders.push((n, order));
    }
    let each = until_shared(&[&world.nodes[0], &world.nodes[1]]).await;
    eprintln!("regions by node: {each:?}");

    // Some wait for a rider, some are offered, when the busier node dies.
    for (n, town) in towns.iter().enumerate() {
        orders.push((n, town.order(&customer).await));
    }
    let dying = if each[0] >= each[1] { 0 } else { 1 };
    world.nodes[dying].kill();
    for (n, order) in &orders[N_TOWNS..] {
        towns[*n].take(order).await;
    }
    until_shared(&[&world.nodes[1 - dying]]).await;
    // New work in all regions, while only one node lives.
    for (n, town) in towns.iter_mut().enumerate() {
        let order = town.order(&customer).await;
        town.take(&order).await;
        orders.push((n, order));
    }
    for (n, order) in &orders {
        towns[*n].deliver(order).await;
        customer.until_state(order, "delivery", "delivered").await;
        customer.check_copy(&world, &format!("order:{order}")).await;
        let is_assigned = |it: &&std::sync::Arc<Entry>| {
            it.channel == format!("order:{order}")
                && it.text("machine") == Some("delivery")
                && it.text("to") == Some("assigned")
        };
        assert_eq!(customer.seen.iter().filter(is_assigned).count(), 1, "{order} is assigned once");
    }
}
