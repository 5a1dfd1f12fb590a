//! An order read over REST, kept up to date by pushes alone, is what REST would say now.
//!
//! Orders live random lives. At random moments somebody reads one and from then on only applies
//! what its channel says behind `as_of`, by the rules of `docs/protocol.md`.

use std::collections::HashMap;

use domain::{channel::Channel, clock::Clock, geo::Place, role::Profile, travel::Vehicle};
use futures_util::future::join;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use storage::journal;
use usecases::{
    deliveries::{self, StopKind},
    dispatch,
    dispatch_news::Memory,
    duty::{self, DutyOn},
    offers,
    proofs::Evidence,
};

use crate::support::{Person, Shop, World, each_world};
use domain::{ids::RiderId, role::Role};

const LIVES: usize = 8;
const STEPS: usize = 30;

/// What a client does with an entry of an order's channel.
fn apply(order: &mut Value, kind: &str, push: &Value) {
    match kind {
        "order" => {
            // A snapshot may be newer than its `as_of`: lines that it has are not news.
            let seq = push["seq"].as_i64().unwrap();
            let changes = order["changes"].as_array_mut().unwrap();
            if changes.iter().any(|it| it["seq"] == push["seq"]) {
                return;
            }
            let fields = ["seq", "machine", "event", "from", "to", "by", "reason", "at"];
            changes.push(part(push, &fields));
            assert_eq!(changes.len() as i64, seq, "a story has no holes");
            order["state"] = push["order_state"].clone();
            for field in ["seq", "status", "refund", "ready_at", "delivered_at", "ended_at"] {
                set(order, field, &push[field]);
            }
            let mut delivery = push["delivery"].clone();
            if delivery.is_object() {
                set(&mut delivery, "rider", &push["rider"]);
            }
            set(order, "delivery", &delivery);
            if push["payment"].is_object() {
                keep(order, "payments", "payment", &push["payment"]);
            }
        }
        "member" => {
            keep(order, "members", "profile", &part(push, &["profile", "role", "name"]));
        }
        _ => {}
    }
}

/// Whether the chat takes messages follows from the order, the time, and the limits that
/// `connect` tells.
fn chat(order: &Value, now: i64, after_end_ms: i64) -> Value {
    let state = order["state"].as_str().unwrap();
    if ["pending_payment", "paying", "paid"].contains(&state) {
        return json!({ "state": "not_open" });
    }
    let Some(ended_at) = order["ended_at"].as_i64() else { return json!({ "state": "open" }) };
    // A chat that never opened closed with its order.
    let closes_at = if order["delivery"].is_object() { ended_at + after_end_ms } else { ended_at };
    let state = if now < closes_at { "open" } else { "closed" };
    json!({ "state": state, "closes_at": closes_at })
}

fn part(of: &Value, fields: &[&str]) -> Value {
    let has = |field: &&&str| !of[**field].is_null();
    fields.iter().filter(has).map(|field| ((*field).to_owned(), of[*field].clone())).collect()
}

fn set(object: &mut Value, field: &str, value: &Value) {
    let fields = object.as_object_mut().unwrap();
    match value {
        Value::Null => drop(fields.remove(field)),
        value => drop(fields.insert(field.to_owned(), value.clone())),
    }
}

/// Puts `item` into a list in the place of the one with the same `key`.
fn keep(order: &mut Value, list: &str, key: &str, item: &Value) {
    let list = order.as_object_mut().unwrap().entry(list).or_insert_with(|| json!([]));
    let items = list.as_array_mut().unwrap();
    match items.iter_mut().find(|it| it[key] == item[key]) {
        Some(old) => *old = item.clone(),
        None => items.push(item.clone()),
    }
}

/// One order, those around it, and what was read of it.
struct Life<'w> {
    world: &'w World,
    shop: Shop,
    customer: Person,
    rider: Person,
    rider_id: RiderId,
    order: String,
    kept: Vec<Kept>,
    n_applied: HashMap<String, usize>,
}

/// A picture of the order, and up to where it is.
struct Kept {
    by: Person,
    picture: Value,
    off: u64,
}

impl<'w> Life<'w> {
    async fn new(world: &'w World) -> Self {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let rider = world.person(Role::Rider).await;
        let Profile::Rider(rider_id) = rider.profile else { panic!("a rider was asked for") };
        let place = Place::new(31.2, 121.501).unwrap();
        let ask = DutyOn { vehicle: Vehicle::Scooter, capacity: 3, place };
        duty::on(&world.platform, rider_id, ask, None, None).await.unwrap();
        let order = world.order(&shop, &customer).await;
        let (kept, n_applied) = (Vec::new(), HashMap::new());
        Self { world, shop, customer, rider, rider_id, order, kept, n_applied }
    }

    /// Tries one step, which may be refused.
    async fn step(&self, dice: &mut StdRng, memory: &mut Memory) {
        let (world, order) = (self.world, &self.order);
        let (merchant, customer) = (&self.shop.merchant, &self.customer);
        let order_id = order.parse().unwrap();
        let platform = &world.platform;
        match dice.random_range(0..16) {
            0 | 1 => {
                let paying = world.start_paying(order, customer).await;
                if paying.status.is_success() {
                    let outcome = if dice.random_bool(0.8) { "succeeded" } else { "failed" };
                    let path = format!("/v1/sandbox/{}/pay", paying.text("provider_ref"));
                    world.post(&path).json(&json!({ "outcome": outcome })).send().await;
                }
            }
            2 | 3 => drop(world.act(order, merchant, "accept", json!({ "prep_min": 5 })).await),
            4 => drop(world.act(order, merchant, "ready", json!({})).await),
            5 | 6 => {
                let look = dispatch::look(platform).await.unwrap();
                let places = HashMap::new();
                let choosing = dispatch::Choosing::default();
                dispatch::cycle(platform, &look, &places, memory, &choosing, &|_: &str| true)
                    .await
                    .unwrap();
            }
            7 | 8 => {
                let mut reader = platform.reader();
                let open = storage::offers::list_open_for_rider(&mut reader, self.rider_id).await;
                if let Some(offer) = open.unwrap().first() {
                    let takes = dice.random_bool(0.8);
                    let _may_be_late =
                        offers::reply(platform, self.rider_id, offer.id, takes, None).await;
                }
            }
            n @ 9..=12 => {
                let kind = if n < 11 { StopKind::Pickup } else { StopKind::Dropoff };
                let rider = self.rider_id;
                let _refused = deliveries::arrive(platform, rider, order_id, kind, None).await;
                let _refused = deliveries::finish_stop(
                    platform,
                    rider,
                    order_id,
                    kind,
                    Evidence::default(),
                    None,
                )
                .await;
            }
            13 => drop(world.act(order, customer, "confirm", json!({})).await),
            14 if dice.random_bool(0.2) => {
                drop(world.act(order, customer, "cancel", json!({})).await);
            }
            _ => world.pass(std::time::Duration::from_secs(dice.random_range(1..60))).await,
        }
    }

    /// Somebody reads the order, if he is a party of it by now.
    async fn read(&self, by: &Person) -> Option<Kept> {
        let by = self.world.again(by).await;
        let path = format!("/v1/orders/{}", self.order);
        let shown = self.world.get(&path).by(&by).send().await;
        let off = shown.json["as_of"]["off"].as_u64()?;
        Some(Kept { by, picture: shown.json, off })
    }

    /// Applies what was said since, and compares with what REST says now.
    async fn compare(&mut self) {
        let channel = Channel::Order(self.order.parse().unwrap());
        for Kept { by, picture, off } in &mut self.kept {
            let mut reader = self.world.platform.reader();
            for entry in journal::read_after(&mut reader, &channel, *off, 500).await.unwrap() {
                assert_eq!(entry.off, *off + 1);
                *off = entry.off;
                apply(picture, &entry.kind, &serde_json::from_str(&entry.body).unwrap());
                *self.n_applied.entry(entry.kind).or_default() += 1;
            }
            let platform = &self.world.platform;
            let after_end_ms = platform.policy.chat_after_end.as_millis() as i64;
            picture["chat"] = chat(picture, platform.now().ms(), after_end_ms);
            let by = self.world.again(by).await;
            let fresh = self.world.show(&self.order, &by).await.json;
            let (mut kept, mut fresh) = (picture.clone(), fresh);
            for it in [&mut kept, &mut fresh] {
                it.as_object_mut().unwrap().remove("as_of");
                // Codes stand in no channel that others hear: who may know one asks for it.
                let handover = it["handover"].as_object_mut().unwrap();
                SECRETS.iter().for_each(|secret| drop(handover.remove(*secret)));
                // Only the payer and operators see these.
                if !matches!(by.profile, Profile::Customer(_)) {
                    it.as_object_mut().unwrap().remove("payments");
                }
            }
            assert_eq!(kept, fresh, "as {} keeps it, and as it is", by.profile);
        }
    }
}

#[actix_web::test]
async fn a_snapshot_and_the_pushes_behind_it_are_a_fresh_snapshot() {
    let seed = std::env::var("RIDERHUB_SEED").ok().and_then(|it| it.parse().ok());
    let seed = seed.unwrap_or_else(|| rand::rng().random());
    eprintln!("again with RIDERHUB_SEED={seed}");
    each_world(async |world| Box::pin(live(world, seed)).await).await;
}

async fn live(world: &World, seed: u64) {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut n_applied = HashMap::<String, usize>::new();
    for _ in 0..LIVES {
        let (mut life, mut memory) = (Life::new(world).await, Memory::default());
        for _ in 0..STEPS {
            let people = [&life.customer, &life.shop.merchant, &life.rider];
            let who = people.choose(&mut dice).filter(|_| dice.random_bool(0.3));
            // At once: what is read may be torn, half before the step and half after it.
            let read = async { life.read(who?).await };
            let (kept, ()) = join(read, life.step(&mut dice, &mut memory)).await;
            life.kept.extend(kept);
            if dice.random_bool(0.3) {
                life.compare().await;
            }
        }
        life.compare().await;
        duty::off(&world.platform, life.rider_id, None).await.ok();
        for (kind, n) in life.n_applied {
            *n_applied.entry(kind).or_default() += n;
        }
    }
    eprintln!("{} at the end: applied {n_applied:?}", world.clock.now().ms());
    assert!(n_applied.get("order").is_some_and(|it| *it > 20), "{n_applied:?}");
}
/// What of a handover only some may know.
const SECRETS: [&str; 3] = ["pin", "pickup_code", "pickup_qr"];
