//! People who are away are told, by a real push service and a real webhook, whatever crashes.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use riderhub::client::{rest::Call, session::Session};
use serde_json::{Value, json};
use storage::testing::Engine;
use tokio::time::sleep;

use crate::{
    chat::given_chat,
    support::{
        Person, World, each_world,
        push_service::{Answer, Device, PushService},
    },
};

/// Five times faster than life: a chat's ten seconds are two.
const FAST: [&str; 2] = ["--time-scale", "5"];
/// Longer than every delay, at that pace.
const LONG: Duration = Duration::from_secs(4);

async fn subscribe(session: &Session, device: &Device) -> String {
    let call = Call::put("/v1/push-subscriptions", device.subscription());
    session.call(call).await.unwrap();
    let key = session.call(Call::get("/v1/push-key")).await.unwrap();
    key["key"].as_str().unwrap().to_owned()
}

async fn metric(world: &World, wanted: &[&str]) -> f64 {
    let mut sum = 0.0;
    for node in &world.nodes {
        let text = reqwest_text(&format!("{}/metrics", node.base)).await;
        let lines = text.lines().filter(|line| line.starts_with("riderhub_notices_total"));
        let found = lines.filter(|line| wanted.iter().all(|it| line.contains(it)));
        sum += found.filter_map(|it| it.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>();
    }
    sum
}

async fn reqwest_text(url: &str) -> String {
    let client = riderhub::http_client::builder().no_proxy().build().unwrap();
    client.get(url).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn only_an_app_that_is_away_is_told_and_only_its_device_can_read_it() {
    each_world(&FAST, async |world| {
        let service = PushService::start().await;
        let (customer, shop, order) = given_chat(world).await;
        let channel = format!("order:{order}");
        let device = Device::new(&service, "phone");
        let key = subscribe(&customer.session, &device).await;

        // Somebody is there: another device of his takes what comes, and says so.
        customer.link.close().await;
        let tablet = Person::connect_acking(world, customer.session.clone()).await;
        shop.merchant.say(&order, "we begin").await;
        sleep(LONG).await;
        assert_eq!(service.arrived(&device.path).len(), 0, "a device has acknowledged it");

        // Nobody is there any more.
        tablet.link.close().await;
        shop.merchant.say(&order, "it is hot").await;
        let off = shop.merchant.say(&order, "and spicy").await;
        let arrived = service.until(&device.path, 1).await;
        let notice = device.open(&arrived[0], &key);
        assert_eq!((&notice["class"], &notice["n"]), (&json!("chat"), &json!(2)));
        assert_eq!((&notice["ch"], &notice["off"]), (&json!(channel), &json!(off)));
        assert!(!notice.to_string().contains("spicy"), "{notice}");
        assert_eq!(arrived[0].header("topic").len(), 32);
        assert_eq!(arrived[0].header("urgency"), "normal");
        sleep(Duration::from_secs(3)).await;
        assert_eq!(service.arrived(&device.path).len(), 1, "one, however many nodes look");
        let n = metric(world, &["class=\"chat\"", "via=\"web_push\"", "result=\"delivered\""]);
        assert!((n.await - 1.0).abs() < f64::EPSILON);

        // It comes back, reads, and is not told what it has read.
        let customer = Person::connect(world, customer.session.clone()).await;
        customer.call("read", json!({ "ch": channel, "off": off })).await;
        let inbox = customer.session.call(Call::get("/v1/inbox")).await.unwrap();
        let rows = inbox["channels"].as_array().unwrap();
        let row = rows.iter().find(|it| it["ch"] == json!(channel)).unwrap();
        assert_eq!(row["unread"], 0, "{row}");
    })
    .await;
}

#[tokio::test]
async fn a_notice_survives_kill_9_before_and_while_it_is_sent() {
    for engine in Engine::ALL {
        eprintln!("on {engine:?}");
        let mut world = World::start(engine, &FAST);
        let service = PushService::start().await;
        let (customer, shop, order) = given_chat(&world).await;
        let device = Device::new(&service, "phone");
        let key = subscribe(&customer.session, &device).await;
        customer.link.close().await;

        service.answer(&[Answer::Nothing]);
        shop.merchant.say(&order, "hello").await;
        restart(&mut world);
        let first = service.until(&device.path, 1).await;
        // It hangs at the push service now, and the node that sends it dies.
        restart(&mut world);
        let both = service.until(&device.path, 2).await;
        let notices: Vec<Value> = both.iter().map(|it| device.open(it, &key)).collect();
        assert_eq!(notices[0]["id"], notices[1]["id"], "the same notice: {notices:?}");
        assert_eq!(first[0].header("topic"), both[1].header("topic"));
        sleep(LONG).await;
        assert_eq!(
            service.arrived(&device.path).len(),
            2,
            "once it is taken, it is not sent again"
        );
    }
}

fn restart(world: &mut World) {
    for node in &mut world.nodes {
        node.kill();
    }
    for node in &mut world.nodes {
        node.restart();
    }
}

#[tokio::test]
async fn a_push_service_that_was_down_gets_it_later_and_a_gone_device_nothing_more() {
    each_world(&FAST, async |world| {
        let service = PushService::start().await;
        let (customer, shop, order) = given_chat(world).await;
        let device = Device::new(&service, "phone");
        let key = subscribe(&customer.session, &device).await;
        customer.link.close().await;

        let down = [Answer::Status(503), Answer::Status(429)];
        service.answer(&down);
        shop.merchant.say(&order, "hello").await;
        let arrived = service.until(&device.path, 3).await;
        let ids: Vec<Value> =
            arrived.iter().map(|it| device.open(it, &key)["id"].clone()).collect();
        assert!(ids.iter().all(|it| *it == ids[0]), "{ids:?}");

        service.answer(&[Answer::Status(410)]);
        shop.merchant.say(&order, "still there?").await;
        service.until(&device.path, 4).await;
        shop.merchant.say(&order, "hello?").await;
        // Above the pause between two notices of one chat.
        sleep(LONG + LONG).await;
        assert_eq!(service.arrived(&device.path).len(), 4, "the address is forgotten");
        assert!(metric(world, &["result=\"gone\""]).await > 0.0);
    })
    .await;
}

#[tokio::test]
async fn the_webhook_gets_every_notice_signed_and_again_until_it_takes_it() {
    let service = PushService::start().await;
    let (url, secret) = (format!("http://{}/hook", service.addr), "a secret of the operator");
    let options =
        [FAST[0], FAST[1], "--webhook", &url, "--webhook-secret", secret, "--notice-text"];
    let world = World::start(Engine::Sqlite, &options);
    let (customer, shop, order) = given_chat(&world).await;
    customer.link.close().await;
    // What the order had to say before.
    sleep(LONG).await;
    let n_before = service.arrived("/hook").len();
    service.answer(&[Answer::Status(500), Answer::Status(429)]);
    shop.merchant.say(&order, "it is hot").await;
    let arrived = service.until("/hook", n_before + 3).await.split_off(n_before);
    let told: Vec<Value> = arrived
        .iter()
        .map(|it| {
            check_signature(it, secret);
            let body: Value = serde_json::from_slice(&it.body).unwrap();
            assert_eq!(body["id"], it.header("webhook-id"));
            body
        })
        .collect();
    for body in &told {
        assert_eq!((&body["class"], &body["id"]), (&json!("chat"), &told[0]["id"]), "{told:#?}");
    }
    assert_eq!(told[0]["profile"], customer.profile());
    assert_eq!(told[0]["items"][0]["text"], "it is hot");
    sleep(LONG).await;
    assert_eq!(service.arrived("/hook").len(), n_before + 3, "once it is taken, that is all");
}

fn check_signature(arrived: &crate::support::push_service::Arrived, secret: &str) {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let (id, at) = (arrived.header("webhook-id"), arrived.header("webhook-timestamp"));
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(&arrived.body);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(arrived.header("webhook-signature"), format!("v1,{signature}"));
}
