//! Becoming a party without asking, on a connection that has heard a lot already.

use actors::{hearing::OWN_CHANNELS_MAX, outbox::Outbox, protocol::CHANNELS_MAX, session::Session};
use domain::{
    channel::Channel,
    ids::{ConnectionId, OrderId},
    role::Role,
};
use serde_json::{Map, Value, json};

use crate::support::{City, cid};

#[actix_web::test]
async fn an_order_is_heard_however_much_the_client_has_chosen() {
    let city = City::new().await;
    let node = city.node().await;
    let customer = node.person("Ann", Role::Customer).await;
    let merchant = node.person("Mo", Role::Merchant).await;
    let shop = node.store(&merchant).await;
    let rooms = (0..CHANNELS_MAX).map(|n| format!("bench:log:{n}"));
    let resume: Map<String, Value> = rooms.map(|it| (it, json!({ "ep": "", "off": 0 }))).collect();
    let (mut client, connected) = node.resume(&merchant, Value::Object(resume)).await;
    assert_eq!(connected["channels"].as_object().unwrap().len(), CHANNELS_MAX + 2);
    let refusal = client.ask("sub", json!({ "ch": "bench:log:more" })).await.unwrap_err();
    assert_eq!(refusal["code"], 112, "{refusal}");

    let order = node.paid_order(&shop, &customer).await;
    let accept = json!({ "order": order.to_string(), "cid": cid(), "prep_min": 5 });
    client.ask("order.accept", accept).await.unwrap();
    assert_eq!(client.push("subscribed").await["ch"], format!("order:{order}"));
    let (mut customer, _) = node.connect(&customer).await;
    let hello = json!({ "ch": format!("order:{order}"), "cid": cid(), "body": "hello" });
    customer.ask("chat.send", hello).await.unwrap();
    assert_eq!(client.push("msg").await["body"], "hello");
}

#[actix_web::test]
async fn orders_that_are_over_make_room_for_the_next() {
    let city = City::new().await;
    let node = city.node().await;
    let customer = node.person("Ann", Role::Customer).await;
    let merchant = node.person("Mo", Role::Merchant).await;
    let shop = node.store(&merchant).await;
    let open = Channel::Order(node.paid_order(&shop, &customer).await);
    let (id, outbox) = (ConnectionId::generate(), Outbox::bounded(1_000_000));
    let its_outbox = outbox.clone();
    let live = node.live.clone();
    let name = "Ann".to_owned();
    let mut session =
        Session::start(live, id, its_outbox, node.identity(&customer), name, "phone".into());
    let inbox = Channel::Inbox(customer.profile);
    assert!(session.attach_own(&inbox) && session.attach_own(&open));
    while session.attach_own(&Channel::Order(OrderId::generate())) {}
    assert_eq!(session.channels().count(), OWN_CHANNELS_MAX);

    let next = Channel::Order(node.paid_order(&shop, &customer).await);
    session.join(&next).await.unwrap();
    for channel in [&inbox, &open, &next] {
        assert!(session.hears(channel) && node.live.hub.serves(channel), "{channel}");
    }
    assert!(outbox.n_bytes() > 0, "the client is told");
    let n_left = (OWN_CHANNELS_MAX - 2).div_ceil(2);
    assert_eq!(session.channels().count(), OWN_CHANNELS_MAX - n_left + 1);
    assert_eq!(node.live.hub.observe().n_channels, session.channels().count());
    drop(session);
    assert_eq!(node.live.hub.observe().n_channels, 0);
}
