//! Orders that customers collect themselves, and the codes at the store's counter.

use std::time::Duration;

use domain::role::Role;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Person, Reply, Shop, World, each_world};

const MINUTE: Duration = Duration::from_secs(60);

fn collected(shop: &Shop) -> Value {
    json!({"store": shop.store, "lines": [{"product": shop.product, "quantity": 1}],
        "handover": {"mode": "pickup"}})
}

async fn collected_order(world: &World, shop: &Shop, customer: &Person) -> String {
    let key = format!("k-{}", domain::ids::AccountId::generate());
    let placed = world.post("/v1/orders").by(customer).key(&key).json(&collected(shop)).send();
    let order = placed.await.expect(201).text("order");
    let payment = world.start_paying(&order, customer).await.expect(201);
    world.pay_at_sandbox(&payment.text("provider_ref")).await.expect(200);
    order
}

async fn verify(world: &World, shop: &Shop, body: Value) -> Reply {
    let path = format!("/v1/stores/{}/pickups/verify", shop.store);
    world.post(&path).by(&shop.merchant).json(&body).send().await
}

async fn code_of(world: &World, order: &str, person: &Person) -> String {
    let shown = world.show(order, person).await;
    shown.json["handover"]["pickup_code"].as_str().unwrap().to_owned()
}

fn a_wrong_code(code: &str) -> String {
    let other = if code.starts_with('A') { 'C' } else { 'A' };
    format!("{other}{}", &code[1..])
}

#[actix_web::test]
async fn what_a_customer_collects_needs_no_rider_and_is_given_out_against_the_code() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = collected_order(world, &shop, &customer).await;
        let shown = world.show(&order, &customer).await;
        assert_eq!(shown.json["price"]["delivery_fee_minor"], 0);
        assert_eq!(shown.json["price"]["total_minor"], 1_250);
        assert_eq!(shown.json["handover"]["mode"], "pickup");
        assert!(shown.json["handover"]["pickup_code"].is_null(), "not before the store accepts");

        world.act(&order, &shop.merchant, "accept", json!({})).await.expect(200);
        world.act(&order, &shop.merchant, "ready", Value::Null).await.expect(200);
        let shown = world.show(&order, &customer).await;
        assert!(shown.json.get("delivery").is_none(), "nobody brings it");
        let handover = &shown.json["handover"];
        let (code, qr) = (&handover["pickup_code"], &handover["pickup_qr"]);
        let code = code.as_str().unwrap().to_owned();
        assert_eq!(*qr, format!("riderhub:pickup:{order}:{code}"));

        // The store must ask for it: nobody but the customer can look it up.
        let for_store = world.show(&order, &shop.merchant).await;
        assert!(!for_store.json.to_string().contains(&code));
        let list = format!("/v1/stores/{}/orders?open=true", shop.store);
        let listed = world.get(&list).by(&shop.merchant).send().await.expect(200);
        assert!(!listed.json.to_string().contains(&code));
        let by_hand = json!({"order": order});
        verify(world, &shop, by_hand).await.problem(422, "bad-input");

        let typed = format!(" {}-{}", &code[..2].to_lowercase(), &code[2..]);
        let given = verify(world, &shop, json!({"code": typed})).await.expect(200);
        assert_eq!((given.text("order"), given.text("state")), (order.clone(), "delivered".into()));
        assert_eq!(given.json["to"]["profile"], customer.profile.to_string());
        let shown = world.show(&order, &customer).await;
        assert_eq!(shown.json["handover"]["proven_by"], "code");
        let events: Vec<_> = shown.json["changes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["machine"] == "order")
            .map(|it| (it["event"].as_str().unwrap(), it["by"]["role"].as_str().unwrap()))
            .skip(3)
            .collect();
        assert_eq!(
            events,
            [
                ("store_accepted", "merchant"),
                ("kitchen_started", "merchant"),
                ("kitchen_done", "merchant"),
                ("store_gave_it", "merchant"),
                ("handed_over", "merchant")
            ]
        );
        // Twice is not possible, by whatever way.
        verify(world, &shop, json!({"code": code})).await.problem(422, "wrong-code");
        verify(world, &shop, json!({"code": qr})).await.problem(409, "state-refused");
        world.pass(25 * 60 * MINUTE).await;
        let customer = world.again(&customer).await;
        assert_eq!(world.show(&order, &customer).await.text("state"), "completed");
    })
    .await;
}

#[actix_web::test]
async fn a_store_learns_nothing_of_the_orders_of_others() {
    each_world(async |world| {
        let (shop, other) = (world.shop(9).await, world.shop(9).await);
        let customer = world.person(Role::Customer).await;
        let order = collected_order(world, &shop, &customer).await;
        world.act(&order, &shop.merchant, "accept", json!({})).await.expect(200);
        let shown = world.show(&order, &customer).await;
        let code = shown.json["handover"]["pickup_code"].clone();
        let qr = shown.json["handover"]["pickup_qr"].clone();
        verify(world, &other, json!({"code": code})).await.problem(422, "wrong-code");
        verify(world, &other, json!({"code": qr})).await.problem(404, "not-found");
        verify(world, &other, json!({"order": order})).await.problem(404, "not-found");
        let foreign = Shop { merchant: other.merchant.clone(), ..shop };
        verify(world, &foreign, json!({"code": code})).await.problem(404, "not-found");
        for nonsense in ["", "K7Q4", "K7Q4MM", "riderhub:pickup:ord_1:K7Q4M"] {
            verify(world, &other, json!({"code": nonsense})).await.problem(422, "bad-input");
        }
        let path = format!("/v1/stores/{}/pickups/verify", other.store);
        let by_customer = world.post(&path).by(&customer).json(&json!({"code": code})).send();
        by_customer.await.problem(403, "wrong-role");
    })
    .await;
}

#[actix_web::test]
async fn wrong_codes_are_counted_once_for_each_key_and_end_in_a_lock() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let order = collected_order(world, &shop, &customer).await;
        world.act(&order, &shop.merchant, "accept", json!({})).await.expect(200);
        let code = code_of(world, &order, &customer).await;
        let wrong = json!({"code": a_wrong_code(&code), "order": order});
        let path = format!("/v1/stores/{}/pickups/verify", shop.store);
        for _ in 0..3 {
            let again = world.post(&path).by(&shop.merchant).key("once").json(&wrong).send().await;
            assert_eq!(again.problem(422, "wrong-code").json["left"], 19, "counted once");
        }
        // Ten at once are ten.
        let burst = (0..10).map(|_| verify(world, &shop, wrong.clone()));
        let mut left: Vec<_> = Vec::new();
        for reply in join_all(burst).await {
            left.push(reply.problem(422, "wrong-code").json["left"].as_i64().unwrap());
        }
        left.sort_unstable();
        assert_eq!(left, (9..19).collect::<Vec<_>>());
        for left in (0..9).rev() {
            let reply = verify(world, &shop, wrong.clone()).await.problem(422, "wrong-code");
            assert_eq!(reply.json["left"], left);
        }
        let right = json!({"code": code, "order": order});
        let locked = verify(world, &shop, right.clone()).await.problem(409, "codes-locked");
        assert!(locked.json["until"].as_i64().unwrap() > world.platform.now().ms());
        world.pass(11 * MINUTE).await;
        verify(world, &shop, right).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn who_collects_may_call_it_off_until_it_is_made_and_a_no_show_gets_nothing_back() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let early = collected_order(world, &shop, &customer).await;
        world.act(&early, &shop.merchant, "accept", json!({})).await.expect(200);
        let code = code_of(world, &early, &customer).await;
        world.act(&early, &customer, "cancel", json!({})).await.expect(200);
        assert_eq!(world.show(&early, &customer).await.text("refund"), "full");
        verify(world, &shop, json!({"code": code})).await.problem(422, "wrong-code");
        let body = json!({"code": code, "order": early});
        verify(world, &shop, body).await.problem(409, "state-refused");

        let order = collected_order(world, &shop, &customer).await;
        world.act(&order, &shop.merchant, "accept", json!({})).await.expect(200);
        world.act(&order, &shop.merchant, "ready", Value::Null).await.expect(200);
        world.act(&order, &customer, "cancel", json!({})).await.problem(409, "state-refused");
        let no_show = json!({"reason": "not_collected"});
        let reply = world.act(&order, &shop.merchant, "cancel", no_show.clone()).await;
        reply.problem(409, "state-refused");
        world.pass(121 * MINUTE).await;
        let (merchant, customer) =
            (world.again(&shop.merchant).await, world.again(&customer).await);
        world.act(&order, &merchant, "cancel", no_show).await.expect(200);
        let shown = world.show(&order, &customer).await;
        assert_eq!(
            (shown.text("state"), shown.text("refund")),
            ("cancelled".into(), "none".into())
        );
    })
    .await;
}

#[actix_web::test]
async fn a_wish_says_how_it_changes_hands_and_old_bodies_stay_valid() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let send = async |key: &str, body: Value| {
            world.post("/v1/orders").by(&customer).key(key).json(&body).send().await
        };
        let bare = send("bare", World::wish(&shop, 1)).await.expect(201);
        assert_eq!(bare.json["handover"]["mode"], "delivery");
        assert_eq!(bare.json["handover"]["proof"], "none");
        // Far away is no matter for who comes, and where he lives is not kept.
        let mut far = collected(&shop);
        far["dropoff"] = json!({"lat": 48.1, "lng": 11.5, "address": "Far Street 1"});
        let far = send("far", far).await.expect(201);
        assert!(!far.json.to_string().contains("Far Street"));
        let with = |handover: Value| {
            let mut wish = World::wish(&shop, 1);
            wish["handover"] = handover;
            wish
        };
        for (key, handover, status, code) in [
            ("a", json!({"mode": "drone"}), 422, "bad-input"),
            ("b", json!({"proof": "signature"}), 422, "bad-input"),
            ("c", json!({"mode": "pickup", "proof": "pin"}), 422, "bad-input"),
            ("d", json!({"mode": "delivery", "pin": "1234"}), 400, "bad-json"),
        ] {
            send(key, with(handover)).await.problem(status, code);
        }
        let mut nowhere = collected(&shop);
        nowhere["handover"] = json!({"mode": "delivery"});
        send("nowhere", nowhere).await.problem(422, "bad-input");
    })
    .await;
}
