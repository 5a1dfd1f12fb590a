//! What proves at the door that the right one got it: PIN, photo, left at the door.

use riderhub::client::{calls, error::ClientError, link::new_cid, rest::Call};
use serde_json::{Value, json};
use storage::testing::Engine;

use crate::{
    support::{Person, Shop, World, given_shop, spot},
    trouble::given_operator,
};

/// A picture of one pixel.
const PICTURE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

/// The people of a test.
struct Stage {
    shop: Shop,
    customer: Person,
    rider: Person,
}

async fn given_stage(world: &World) -> Stage {
    let other = world.nodes.len() - 1;
    let shop = given_shop(world, 0, spot(0.0, 0.0), 50).await;
    let customer = Person::join(world, other, "customer", "Cleo").await;
    let rider = Person::join(world, other, "rider", "Remy").await;
    rider.on_duty(spot(300.0, 0.0), 5).await;
    Stage { shop, customer, rider }
}

impl Stage {
    /// An order that is on its way.
    async fn on_the_way(&mut self, proof: &str) -> String {
        let to = spot(0.0, 900.0);
        let wish = json!({ "store": self.shop.store,
            "lines": [{ "product": self.shop.product, "quantity": 1 }],
            "dropoff": { "lat": to.lat, "lng": to.lng, "address": "12 Lantern Lane" },
            "handover": { "mode": "delivery", "proof": proof } });
        let placed = Call::post("/v1/orders", wish).key(new_cid());
        let placed = self.customer.session.call(placed).await.unwrap();
        let order = placed["order"].as_str().unwrap().to_owned();
        calls::pay(&self.customer.session, &order).await.unwrap();
        let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 1 });
        self.shop.merchant.call("order.accept", accept).await;
        let offer = self
            .rider
            .until("an offer", |it| {
                let is_it = it.kind == "offer" && it.text("order") == Some(&order);
                is_it.then(|| it.text("offer").unwrap().to_owned())
            })
            .await;
        let take = json!({ "offer": offer, "cid": new_cid(), "take": true });
        assert_eq!(self.rider.call("offer.reply", take).await["state"], "won");
        let ready = json!({ "order": order, "cid": new_cid() });
        self.shop.merchant.call("order.ready", ready).await;
        order
    }

    async fn view(&self, person: &Person, order: &str) -> Value {
        calls::order(&person.session, order).await.unwrap().all
    }

    async fn hand_over(&self, order: &str, cid: &str, more: Value) -> Result<Value, Value> {
        let mut params = json!({ "order": order, "stop": "dropoff", "cid": cid });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        match self.rider.link.call("stop.done", params).await {
            Ok(done) => Ok(done),
            Err(ClientError::Command { code, rest, msg, .. }) => Err(
                json!({ "code": code, "state": rest["state"], "left": rest["left"], "msg": msg }),
            ),
            Err(err) => panic!("{err}"),
        }
    }
}

/// What REST answered, if it was a problem.
fn status(err: &ClientError) -> Option<u16> {
    match err {
        ClientError::Refused { status, .. } => Some(*status),
        _ => None,
    }
}

/// Whether a secret stands anywhere in what somebody was told.
fn tells(value: &Value, secret: &str) -> bool {
    match value {
        Value::String(text) => {
            text.split(|it: char| !it.is_ascii_alphanumeric()).any(|it| it == secret)
        }
        Value::Array(all) => all.iter().any(|it| tells(it, secret)),
        Value::Object(all) => all.values().any(|it| tells(it, secret)),
        Value::Number(number) => number.to_string() == secret,
        Value::Null | Value::Bool(_) => false,
    }
}

/// Everything that came over somebody's socket.
fn heard(person: &Person) -> Vec<Value> {
    let entries = person.seen.iter().map(|it| Value::Object(it.body.clone()));
    entries.chain(person.pushes.iter().map(|it| Value::Object((**it).clone()))).collect()
}

fn a_wrong_pin(pin: &str, n: u32) -> String {
    format!("{:04}", (pin.parse::<u32>().unwrap() + 1 + n) % 10_000)
}

async fn check_pin(world: &World) {
    let mut operator = given_operator(world).await;
    let mut stage = given_stage(world).await;
    let order = stage.on_the_way("pin").await;
    let mine = stage.view(&stage.customer, &order).await;
    assert_eq!(
        (&mine["handover"]["needs"], &mine["handover"]["proof"]),
        (&json!("pin"), &json!("pin"))
    );
    let pin = mine["handover"]["pin"].as_str().unwrap().to_owned();
    assert!(mine["handover"]["pickup_code"].is_null(), "the rider shows it, not she");
    check_the_bag(&stage, &order).await;

    let wrong = |n| json!({ "code": a_wrong_pin(&pin, n) });
    let early = stage.hand_over(&order, &new_cid(), json!({ "code": pin })).await.unwrap_err();
    assert_eq!((&early["code"], &early["left"]), (&json!(131), &json!(null)), "no goods, no tries");
    stage.rider.do_stop(&order, "pickup").await;
    for (more, state) in [(json!({}), "pin_needed"), (json!({ "code": "12" }), "")] {
        let refused = stage.hand_over(&order, &new_cid(), more).await.unwrap_err();
        assert_eq!(refused["state"].as_str().unwrap_or_default(), state, "{refused}");
    }
    // A retry is answered with the first answer.
    let cid = new_cid();
    for _ in 0..3 {
        let refused = stage.hand_over(&order, &cid, wrong(0)).await.unwrap_err();
        let told = (&refused["code"], &refused["state"], &refused["left"]);
        assert_eq!(told, (&json!(131), &json!("wrong_pin"), &json!(4)));
    }
    // Two at once are two.
    let (one, two) = (new_cid(), new_cid());
    let (one, two) = tokio::join!(
        stage.hand_over(&order, &one, wrong(1)),
        stage.hand_over(&order, &two, wrong(2))
    );
    let mut left = [one, two].map(|it| it.unwrap_err()["left"].as_i64().unwrap());
    left.sort_unstable();
    assert_eq!(left, [2, 3]);
    assert_eq!(stage.hand_over(&order, &new_cid(), wrong(3)).await.unwrap_err()["left"], 1);
    assert_eq!(stage.hand_over(&order, &new_cid(), wrong(4)).await.unwrap_err()["left"], 0);
    let locked = stage.hand_over(&order, &new_cid(), json!({ "code": pin })).await.unwrap_err();
    assert_eq!((&locked["code"], &locked["state"]), (&json!(131), &json!("locked")));
    let again = stage.hand_over(&order, &cid, wrong(0)).await.unwrap_err();
    assert_eq!(again["left"], 4, "an old answer stays what it was");
    check_what_is_told(world, &mut operator, &mut stage, &order).await;
    check_that_nobody_else_knows(&mut stage, &order, &pin).await;
}

/// Who has the rider's code gets the bag, and only while a rider has the order.
async fn check_the_bag(stage: &Stage, order: &str) {
    let for_rider = stage.view(&stage.rider, order).await["handover"].clone();
    let for_store = stage.view(&stage.shop.merchant, order).await["handover"].clone();
    assert_eq!(for_rider["pickup_code"], for_store["pickup_code"]);
    assert!(for_rider.get("pin").is_none() && for_store.get("pin").is_none());
    let path = format!("/v1/stores/{}/pickups/verify", stage.shop.store);
    for shown in [json!({ "code": for_rider["pickup_qr"] }), json!({ "order": order })] {
        let call = Call::post(path.clone(), shown).key(new_cid());
        let bag = stage.shop.merchant.session.call(call).await.unwrap();
        assert_eq!((&bag["mode"], &bag["state"]), (&json!("delivery"), &json!("ready")));
        assert_eq!(bag["to"]["profile"], stage.rider.profile());
    }
    assert!(stage.view(&stage.rider, order).await["handover"]["checked_at"].is_i64());
}

/// A locked PIN is an alarm; an operator does without it, and everybody concerned hears so.
async fn check_what_is_told(world: &World, operator: &mut Person, stage: &mut Stage, order: &str) {
    let open = operator.session.call(Call::get("/v1/ops/alarms")).await.unwrap();
    let is_it = |it: &Value| it["order"] == *order && it["alarm"] == "proof_locked";
    assert!(open.as_array().unwrap().iter().any(is_it), "{open}");
    let path = format!("/v1/ops/orders/{order}/handover/waive");
    for reason in ["sold_out", "because"] {
        let call = Call::post(path.clone(), json!({ "reason": reason })).key(new_cid());
        assert!(operator.session.call(call).await.is_err(), "{reason}");
    }
    let call = Call::post(path.clone(), json!({ "reason": "code_not_at_hand" })).key(new_cid());
    assert!(stage.customer.session.call(call.clone()).await.is_err(), "not she herself");
    operator.session.call(call).await.unwrap();
    let news = |needs: &'static str| {
        let order = order.to_owned();
        move |it: &riderhub::client::log::Entry| {
            let is_it = it.kind == "handover" && it.text("order") == Some(&order);
            (is_it && it.text("needs") == Some(needs)).then_some(())
        }
    };
    for person in [&mut stage.customer, &mut stage.rider] {
        person.until("that it is locked", news("photo")).await;
        person.until("that it is done without", news("none")).await;
    }
    let done = stage.hand_over(order, &new_cid(), json!({})).await.unwrap();
    assert_eq!(done["order_state"], "delivered");
    let shown = stage.view(&stage.customer, order).await["handover"].clone();
    assert_eq!(
        (&shown["proven_by"], &shown["waived"]),
        (&json!("waiver"), &json!("code_not_at_hand"))
    );
    assert!(shown.get("pin").is_none(), "it has served");
    let open = operator.session.call(Call::get("/v1/ops/alarms")).await.unwrap();
    assert!(!open.as_array().unwrap().iter().any(is_it), "{open}");
    let late = Call::post(path, json!({ "reason": "other" })).key(new_cid());
    assert!(operator.session.call(late).await.is_err(), "it is handed over");
    stage.customer.check_copy(world, &format!("order:{order}")).await;
}

/// The PIN stands nowhere but in the customer's own view.
async fn check_that_nobody_else_knows(stage: &mut Stage, order: &str, pin: &str) {
    stage.rider.until_state(order, "order", "delivered").await;
    stage.shop.merchant.until_state(order, "order", "delivered").await;
    for person in [&stage.rider, &stage.shop.merchant, &stage.customer] {
        let heard = heard(person);
        assert!(heard.len() > 5);
        // What he typed himself wrongly is not among it either.
        assert!(!heard.iter().any(|it| tells(it, pin)), "{} heard it", person.session.name());
    }
    for person in [&stage.rider, &stage.shop.merchant] {
        assert!(!tells(&stage.view(person, order).await, pin));
    }
}

async fn check_photos(world: &World) {
    let mut stage = given_stage(world).await;
    let (order, other) = (stage.on_the_way("leave_at_door").await, stage.on_the_way("photo").await);
    for order in [&order, &other] {
        stage.rider.do_stop(order, "pickup").await;
    }
    assert!(stage.view(&stage.customer, &order).await["handover"].get("pin").is_none());
    for more in [json!({}), json!({ "code": "1234" })] {
        let refused = stage.hand_over(&order, &new_cid(), more).await.unwrap_err();
        assert_eq!((&refused["code"], &refused["state"]), (&json!(131), &json!("photo_needed")));
    }
    // Hers, one of another order, one that does not exist, one that is not whole.
    let hers = calls::upload(&stage.customer.session, &order, PICTURE).await.unwrap();
    let elsewhere = calls::upload(&stage.rider.session, &other, PICTURE).await.unwrap();
    for photo in [hers.as_str(), &elsewhere, "att_0", "nonsense"] {
        let refused = stage.hand_over(&order, &new_cid(), json!({ "photo": photo })).await;
        assert_eq!(refused.unwrap_err()["code"], 130, "{photo}");
    }
    assert_ne!(stage.view(&stage.customer, &order).await["state"], "delivered");
    let photo = calls::upload(&stage.rider.session, &order, PICTURE).await.unwrap();
    let get = || Call::get(format!("/v1/attachments/{photo}"));
    let unseen = stage.customer.session.call(get()).await.unwrap_err();
    assert_eq!(status(&unseen), Some(404), "not before it is a proof");
    let cid = new_cid();
    for dup in [false, true] {
        let done = stage.hand_over(&order, &cid, json!({ "photo": photo })).await.unwrap();
        assert_eq!((&done["order_state"], &done["dup"]), (&json!("delivered"), &json!(dup)));
    }
    let shown = stage.view(&stage.customer, &order).await["handover"].clone();
    assert_eq!((&shown["proven_by"], &shown["photo"]), (&json!("photo"), &json!(photo)));
    let seen = stage.customer.session.call(get()).await;
    assert_eq!(status(&seen.unwrap_err()), None, "a picture is no JSON, but it is there");
    let stranger = Person::join(world, 0, "customer", "Nobody").await;
    let hidden = stranger.session.call(get()).await.unwrap_err();
    assert_eq!(status(&hidden), Some(404));
    // The same photo proves nothing twice.
    let used = stage.hand_over(&other, &new_cid(), json!({ "photo": photo })).await.unwrap_err();
    assert_eq!(used["code"], 130);
    stage.hand_over(&other, &new_cid(), json!({ "photo": elsewhere })).await.unwrap();
}

#[tokio::test]
async fn five_wrong_pins_lock_and_nobody_but_the_customer_knows_the_pin() {
    check_pin(&World::start(Engine::Sqlite, &[])).await;
}

#[tokio::test]
async fn wrong_pins_are_counted_across_two_nodes() {
    check_pin(&World::start(Engine::MariaDb, &[])).await;
}

#[tokio::test]
async fn what_is_left_at_the_door_is_photographed() {
    check_photos(&World::start(Engine::Sqlite, &[])).await;
}

#[tokio::test]
async fn photos_prove_across_two_nodes() {
    check_photos(&World::start(Engine::MariaDb, &[])).await;
}
