//! Deliveries that do not go as planned, over real sockets.

use std::{io::Write as _, process::Stdio, time::Duration};

use riderhub::client::{
    link::new_cid,
    rest::{Call, Rest},
    session::{Login, Session},
};
use serde_json::{Value, json};
use storage::testing::Engine;

use crate::support::{Person, Shop, World, each_world, given_paid_order, given_shop, spot};

/// An operator with a socket.
pub async fn given_operator(world: &World) -> Person {
    let login = format!("operator-{}", uuid::Uuid::now_v7().simple());
    let password = "correct horse battery";
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_riderhub"))
        .args(["operator", "create", &login, "--database", world.database()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    assert!(child.wait().unwrap().success());
    let rest = Rest::new(&world.bases(0), 0).unwrap();
    let login = Login { login, password: password.to_owned(), role: "operator" };
    Person::connect(world, Session::sign_in(rest, login).await.unwrap()).await
}

async fn given_accepted(customer: &mut Person, shop: &Shop) -> String {
    let order = given_paid_order(&customer.session, shop, spot(0.0, 900.0)).await;
    let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 5 });
    shop.merchant.call("order.accept", accept).await;
    order
}

/// Waits for an offer of this order and takes it.
async fn take(rider: &mut Person, order: &str) {
    let offer = rider
        .until("an offer", |it| {
            let fits = it.kind == "offer" && it.text("order") == Some(order);
            fits.then(|| it.text("offer").unwrap().to_owned())
        })
        .await;
    let take = json!({ "offer": offer, "cid": new_cid(), "take": true });
    assert_eq!(rider.call("offer.reply", take).await["state"], "won");
}

async fn until_unassigned(rider: &mut Person, order: &str) -> Value {
    rider
        .until("the end of the assignment", |it| {
            let fits = it.kind == "unassigned" && it.text("order") == Some(order);
            fits.then(|| Value::from(it.body.clone()))
        })
        .await
}

#[tokio::test]
async fn who_hands_a_delivery_on_leaves_its_chat_and_another_one_brings_it() {
    each_world(&[], async |world| {
        let other = world.nodes.len() - 1;
        let shop = given_shop(world, 0, spot(0.0, 0.0), 10).await;
        let mut customer = Person::join(world, 0, "customer", "Cleo").await;
        let mut ann = Person::join(world, other, "rider", "Ann").await;
        ann.on_duty(spot(300.0, 0.0), 3).await;
        let order = given_accepted(&mut customer, &shop).await;
        take(&mut ann, &order).await;
        customer.say(&order, "you are quick").await;
        ann.until_said(&order, "you are quick").await;

        let mut bob = Person::join(world, 0, "rider", "Bob").await;
        bob.on_duty(spot(500.0, 0.0), 3).await;
        let cid = new_cid();
        let on = json!({ "order": order, "cid": cid, "reason": "vehicle_trouble" });
        let handed = ann.call("delivery.hand_on", on.clone()).await;
        assert_eq!((&handed["state"], &handed["dup"]), (&json!("waiting"), &json!(false)));
        assert_eq!(ann.call("delivery.hand_on", on).await["dup"], true, "said twice");
        let told = until_unassigned(&mut ann, &order).await;
        assert_eq!((&told["reason"], &told["by"]), (&json!("vehicle_trouble"), &json!("rider")));
        let channel = format!("order:{order}");
        ann.until_push("the hub to leave the chat", |it| {
            (it["push"] == "unsubscribed" && it["ch"] == channel.as_str()).then_some(())
        })
        .await;
        take(&mut bob, &order).await;
        customer.say(&order, "and who are you?").await;
        bob.until_said(&order, "and who are you?").await;
        bob.until_said(&order, "you are quick").await;
        ann.hear_for(Duration::from_millis(300)).await;
        let heard = ann.seen.iter().any(|it| it.text("body") == Some("and who are you?"));
        assert!(!heard, "the chat is not hers any more");
        let sub = ann.link.ask("sub", json!({ "ch": channel })).await;
        assert_eq!(sub.unwrap_err().code(), Some(130));

        shop.merchant.call("order.ready", json!({ "order": order, "cid": new_cid() })).await;
        bob.do_stop(&order, "pickup").await;
        bob.do_stop(&order, "dropoff").await;
        customer.until_state(&order, "order", "delivered").await;
        customer.check_copy(world, &channel).await;
    })
    .await;
}

#[tokio::test]
async fn an_operator_gives_a_delivery_to_somebody_else() {
    let world = World::start(Engine::MariaDb, &[]);
    let shop = given_shop(&world, 0, spot(0.0, 0.0), 10).await;
    let operator = given_operator(&world).await;
    let mut customer = Person::join(&world, 0, "customer", "Cleo").await;
    let mut ann = Person::join(&world, 1, "rider", "Ann").await;
    ann.on_duty(spot(300.0, 0.0), 3).await;
    let order = given_accepted(&mut customer, &shop).await;
    take(&mut ann, &order).await;
    let mut bob = Person::join(&world, 0, "rider", "Bob").await;
    bob.on_duty(spot(9_000.0, 0.0), 3).await;

    let path = format!("/v1/ops/orders/{order}/reassign");
    let body = json!({ "rider": bob.profile(), "reason": "rider_late" });
    let by_customer = customer.session.call(Call::post(&path, body.clone())).await.unwrap_err();
    assert!(by_customer.to_string().contains("403"), "{by_customer}");
    let done = operator.session.call(Call::post(&path, body.clone())).await.unwrap();
    assert_eq!(done["delivery"], "offering");
    let told = until_unassigned(&mut ann, &order).await;
    assert_eq!((&told["reason"], &told["by"]), (&json!("rider_late"), &json!("operator")));
    take(&mut bob, &order).await;
    customer.until_state(&order, "delivery", "assigned").await;
    let open = operator.session.call(Call::get("/v1/ops/alarms")).await.unwrap();
    assert_eq!(open, json!([]), "nothing is wrong");
    operator.call("sub", json!({ "ch": format!("order:{order}") })).await;
}
