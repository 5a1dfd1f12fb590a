//! What people at an order say to each other, and what riders and merchants do by socket.

use std::{sync::Arc, time::Duration};

use domain::{
    clock::{Clock, HandSetClock, SystemClock},
    ids::OrderId,
    role::Role,
};
use serde_json::{Value, json};
use usecases::orders;

use crate::support::{City, Client, Node, Person, Shop, cid};

pub(crate) struct Table {
    pub(crate) city: City,
    pub(crate) node: Node,
    pub(crate) customer: Person,
    pub(crate) merchant: Person,
    shop: Shop,
}

pub(crate) async fn table() -> Table {
    table_in(City::new().await).await
}

pub(crate) async fn table_in(city: City) -> Table {
    let node = city.node().await;
    let customer = node.person("Ann", Role::Customer).await;
    let merchant = node.person("Mo", Role::Merchant).await;
    let shop = node.store(&merchant).await;
    Table { city, node, customer, merchant, shop }
}

impl Table {
    /// An order whose chat is open, with both parties connected.
    pub(crate) async fn accepted(&self) -> (OrderId, Client, Client) {
        let order = self.node.paid_order(&self.shop, &self.customer).await;
        let (customer, _) = self.node.connect(&self.customer).await;
        let (mut merchant, _) = self.node.connect(&self.merchant).await;
        let accept = json!({ "order": order.to_string(), "cid": cid(), "prep_min": 5 });
        merchant.ask("order.accept", accept).await.unwrap();
        (order, customer, merchant)
    }
}

pub(crate) fn say(channel: &str, text: &str) -> Value {
    json!({ "ch": channel, "cid": cid(), "kind": "text", "body": text })
}

#[actix_web::test]
async fn accepting_opens_the_chat_and_what_is_said_reaches_both() {
    let table = table().await;
    let (order, mut customer, mut merchant) = table.accepted().await;
    let channel = format!("order:{order}");
    let joined = merchant.push("subscribed").await;
    assert_eq!(joined["ch"], channel);
    assert!(joined["off"].as_u64().unwrap() > 0, "{joined}");

    let hello = say(&channel, "is it hot?");
    let sent = customer.ask("chat.send", hello.clone()).await.unwrap();
    assert_eq!(sent["dup"], false);
    for client in [&mut customer, &mut merchant] {
        let msg = client.push("msg").await;
        assert_eq!((&msg["off"], &msg["ts"]), (&sent["off"], &sent["ts"]));
        assert_eq!(msg["body"], "is it hot?");
        assert_eq!(msg["cid"], hello["cid"]);
        assert_eq!(msg["from"]["name"], "Ann");
    }
    let again = customer.ask("chat.send", hello.clone()).await.unwrap();
    assert_eq!((&again["off"], &again["dup"]), (&sent["off"], &json!(true)));
    let mut other = hello;
    other["body"] = json!("something else");
    let refusal = customer.ask("chat.send", other).await.unwrap_err();
    assert_eq!(refusal["code"], 131, "{refusal}");

    let answer = json!({ "ch": channel, "cid": cid(), "body": "very", "reply_to": sent["off"] });
    merchant.ask("chat.send", answer).await.unwrap();
    let msg = customer.push("msg").await;
    assert_eq!((&msg["body"], &msg["reply_to"]), (&json!("very"), &sent["off"]));
}

#[actix_web::test]
async fn a_place_is_shared_with_and_without_words() {
    let table = table().await;
    let (order, mut customer, mut merchant) = table.accepted().await;
    let channel = format!("order:{order}");
    let place = json!({ "lat": 31.2, "lng": 121.5, "label": "the blue door" });
    for (body, place) in [("", place.clone()), ("here", json!({ "lat": 31.2, "lng": 121.5 }))] {
        let mut here = say(&channel, body);
        (here["kind"], here["place"]) = (json!("location"), place.clone());
        customer.ask("chat.send", here).await.unwrap();
        let msg = merchant.push("msg").await;
        assert_eq!((&msg["kind"], &msg["body"]), (&json!("location"), &json!(body)));
        assert_eq!(msg["place"], place);
    }
}

#[actix_web::test]
async fn the_parties_know_until_when_the_chat_is_open() {
    let clock = Arc::new(HandSetClock::at(SystemClock::machine_time()));
    let table = table_in(City::with_clock(clock.clone()).await).await;
    let (order, mut customer, _merchant) = table.accepted().await;
    let ask = json!({ "ch": format!("order:{order}") });
    let sub = customer.ask("sub", ask.clone()).await.unwrap();
    assert_eq!(sub["chat"], json!({ "state": "open" }));
    let (platform, by) = (&table.node.live.platform, table.customer.profile);
    orders::cancel(platform, by, order, None, None).await.unwrap();
    let closes_at = clock.now().ms() + platform.policy.chat_after_end.as_millis() as i64;
    let sub = customer.ask("sub", ask.clone()).await.unwrap();
    assert_eq!(sub["chat"], json!({ "state": "open", "closes_at": closes_at }));
    clock.advance(platform.policy.chat_after_end);
    let token = table.node.token(&table.customer);
    let (mut customer, connected) = table.node.connect(&Person { token, ..table.customer }).await;
    assert_eq!(connected["limits"]["chat_after_end_ms"], 86_400_000);
    assert_eq!(connected["limits"]["recall_ms"], 120_000);
    let sub = customer.ask("sub", ask).await.unwrap();
    assert_eq!(sub["chat"], json!({ "state": "closed", "closes_at": closes_at }));
}

#[actix_web::test]
async fn what_was_said_in_time_keeps_its_answer_when_the_chat_has_closed() {
    let clock = Arc::new(HandSetClock::at(SystemClock::machine_time()));
    let table = table_in(City::with_clock(clock.clone()).await).await;
    let (order, mut customer, _merchant) = table.accepted().await;
    let hello = say(&format!("order:{order}"), "is it hot?");
    let sent = customer.ask("chat.send", hello.clone()).await.unwrap();
    let (platform, by) = (&table.node.live.platform, table.customer.profile);
    orders::cancel(platform, by, order, None, None).await.unwrap();
    clock.advance(platform.policy.chat_after_end + Duration::from_secs(1));

    let token = table.node.token(&table.customer);
    let (mut customer, _) = table.node.connect(&Person { token, ..table.customer }).await;
    let fresh = say(&format!("order:{order}"), "hello?");
    assert_eq!(customer.ask("chat.send", fresh).await.unwrap_err()["code"], 123);
    let again = customer.ask("chat.send", hello.clone()).await.unwrap();
    assert_eq!((&again["off"], &again["ts"]), (&sent["off"], &sent["ts"]));
    assert_eq!(again["dup"], true);
    let mut other = hello;
    other["body"] = json!("something else");
    assert_eq!(customer.ask("chat.send", other).await.unwrap_err()["code"], 131);
}

#[actix_web::test]
async fn what_was_received_and_read_is_told_to_the_others() {
    let table = table().await;
    let (order, mut customer, mut merchant) = table.accepted().await;
    let channel = format!("order:{order}");
    merchant.push("subscribed").await;
    let sent = customer.ask("chat.send", say(&channel, "hello")).await.unwrap();
    let off = sent["off"].as_u64().unwrap();

    let acked = merchant.ask("ack", json!({ "ch": channel, "off": off })).await.unwrap();
    assert_eq!((&acked["delivered"], &acked["read"]), (&json!(off), &json!(0)));
    let cursor = customer.expect(|it| it["push"] == "cur" && it["delivered"] == off).await;
    assert_eq!(cursor["profile"], table.merchant.profile.to_string());
    merchant.ask("read", json!({ "ch": channel, "off": off })).await.unwrap();
    customer.expect(|it| it["push"] == "cur" && it["read"] == off).await;
    let back = merchant.ask("read", json!({ "ch": channel, "off": 1 })).await.unwrap();
    assert_eq!(back["read"], off, "a cursor does not go back");
    let ahead = merchant.ask("read", json!({ "ch": channel, "off": off + 9 })).await.unwrap_err();
    assert_eq!(ahead["code"], 142, "{ahead}");

    let (mut later, _) = table.node.connect(&table.merchant).await;
    let sub = later.ask("sub", json!({ "ch": channel })).await.unwrap();
    let members = sub["members"].as_array().unwrap();
    assert_eq!(members.len(), 2, "{sub}");
    let merchant = members.iter().find(|it| it["role"] == "merchant").unwrap();
    assert_eq!((&merchant["name"], &merchant["read"]), (&json!("Mo"), &json!(off)));
}

#[actix_web::test]
async fn a_stranger_learns_nothing_of_an_order() {
    let table = table().await;
    let (order, mut customer, _merchant) = table.accepted().await;
    let stranger = table.node.person("Eve", Role::Customer).await;
    let (mut stranger, _) = table.node.connect(&stranger).await;
    let channel = format!("order:{order}");
    let nobody = format!("order:{}", OrderId::generate());
    for ch in [channel.as_str(), nobody.as_str()] {
        for (m, p) in [
            ("sub", json!({ "ch": ch })),
            ("history", json!({ "ch": ch })),
            ("read", json!({ "ch": ch, "off": 1 })),
            ("typing", json!({ "ch": ch })),
            ("chat.send", say(ch, "hi")),
        ] {
            let refusal = stranger.ask(m, p).await.unwrap_err();
            assert_eq!(refusal["code"], 130, "{m} {ch}: {refusal}");
        }
    }
    customer.ask("chat.send", say(&channel, "just us")).await.unwrap();
    assert_eq!(stranger.ask("unsub", json!({ "ch": channel })).await.unwrap(), json!({}));
    assert!(stranger.seen().iter().all(|it| it["push"] != "msg"));
}

#[actix_web::test]
async fn the_store_learns_nothing_of_an_order_that_was_never_paid() {
    let table = table().await;
    let order = table.node.unpaid_order(&table.shop, &table.customer).await;
    let (mut merchant, _) = table.node.connect(&table.merchant).await;
    let p = json!({ "ch": format!("order:{order}") });
    for state in ["pending", "closed"] {
        for m in ["sub", "history"] {
            let refusal = merchant.ask(m, p.clone()).await.unwrap_err();
            assert_eq!(refusal["code"], 130, "{m} while {state}: {refusal}");
        }
        let (platform, by) = (&table.node.live.platform, table.customer.profile);
        if state == "pending" {
            let moved = orders::cancel(platform, by, order, None, None).await.unwrap();
            assert_eq!(moved.value.state, "closed");
        }
    }
}

#[actix_web::test]
async fn the_chat_refuses_what_is_no_message() {
    let table = table().await;
    let (order, mut customer, _merchant) = table.accepted().await;
    let channel = format!("order:{order}");
    for (change, code) in [
        (json!({ "body": "  " }), 110),
        (json!({ "body": "x".repeat(4_097) }), 112),
        (json!({ "kind": "video" }), 110),
        (json!({ "kind": "image" }), 110),
        (json!({ "kind": "location" }), 110),
        (json!({ "kind": "location", "place": { "lat": 91.0, "lng": 0.0 } }), 110),
        (json!({ "kind": "location", "place": { "lat": 1.0 } }), 110),
        (json!({ "place": { "lat": 1.0, "lng": 1.0 } }), 110),
        (json!({ "att": "att_1" }), 110),
        (json!({ "reply_to": 1 }), 110),
        (json!({ "reply_to": 0 }), 110),
        (json!({ "cid": "x" }), 110),
        (json!({ "reply_to": 9_999 }), 142),
        (json!({ "ch": format!("inbox:{}", table.customer.profile) }), 130),
    ] {
        let mut message = say(&channel, "hello");
        for (key, value) in change.as_object().unwrap() {
            message[key] = value.clone();
        }
        let refusal = customer.ask("chat.send", message).await.unwrap_err();
        assert_eq!(refusal["code"], code, "{change}: {refusal}");
    }
    let closed = table.node.paid_order(&table.shop, &table.customer).await;
    let early = say(&format!("order:{closed}"), "anybody there?");
    assert_eq!(customer.ask("chat.send", early).await.unwrap_err()["code"], 123);
}

#[actix_web::test]
async fn history_is_read_both_ways_in_pages() {
    let table = table().await;
    let (order, mut customer, _merchant) = table.accepted().await;
    let channel = format!("order:{order}");
    for n in 0..30 {
        customer.ask("chat.send", say(&channel, &format!("line {n}"))).await.unwrap();
    }
    let mut newest_first = Vec::new();
    let mut before = Value::Null;
    loop {
        let p = json!({ "ch": channel, "before": before, "limit": 7 });
        let page = customer.ask("history", p).await.unwrap();
        newest_first.extend(page["entries"].as_array().unwrap().clone());
        if page["more"] == false {
            break;
        }
        before = newest_first.last().unwrap()["off"].clone();
    }
    let p = json!({ "ch": channel, "after": 0, "limit": 100 });
    let page = customer.ask("history", p).await.unwrap();
    let oldest_first = page["entries"].as_array().unwrap();
    newest_first.reverse();
    assert_eq!(&newest_first, oldest_first);
    let offsets: Vec<u64> = oldest_first.iter().map(|it| it["off"].as_u64().unwrap()).collect();
    assert_eq!(offsets, (1..=offsets.len() as u64).collect::<Vec<_>>());
}

#[actix_web::test]
async fn typing_is_seen_by_the_others_only() {
    let table = table().await;
    let (order, mut customer, mut merchant) = table.accepted().await;
    merchant.push("subscribed").await;
    for client in [&mut customer, &mut merchant] {
        client.ask("sub", json!({ "ch": format!("live:{order}") })).await.unwrap();
    }
    customer.ask("typing", json!({ "ch": format!("order:{order}") })).await.unwrap();
    let typing = merchant.push("typing").await;
    assert_eq!(typing["profile"], table.customer.profile.to_string());
    assert!(customer.seen().iter().all(|it| it["push"] != "typing"));
}

#[actix_web::test]
async fn a_rider_works_by_socket() {
    let table = table().await;
    let (order, mut customer, mut merchant) = table.accepted().await;
    let rider = table.node.person("Rik", Role::Rider).await;
    let (mut client, _) = table.node.connect(&rider).await;
    let duty = json!({ "vehicle": "scooter", "capacity": 2, "lat": 31.2, "lng": 121.5 });
    let on = client.ask("duty.on", duty).await.unwrap();
    assert_eq!((&on["work"]["duty"], &on["pool"]), (&json!("on"), &json!([])));

    usecases::deliveries::put_in_pool(&table.node.live.platform, order).await.unwrap();
    let cell = domain::geo::Place::new(31.2, 121.5).unwrap().cell(6);
    client.ask("sub", json!({ "ch": format!("pool:{cell}") })).await.unwrap();
    let pool = client.push("pool").await;
    assert_eq!(pool["snapshot"][0]["order"], order.to_string());
    let grab = json!({ "order": order.to_string(), "cid": cid() });
    let won = client.ask("grab", grab.clone()).await.unwrap();
    assert_eq!((&won["state"], &won["dup"]), (&json!("won"), &json!(false)));
    assert_eq!(client.ask("grab", grab).await.unwrap()["dup"], true);
    let joined = client.push("subscribed").await;
    assert_eq!(joined["ch"], format!("order:{order}"));

    for seq in 1..=3 {
        let fix = json!({ "seq": seq, "lat": 31.2, "lng": 121.5, "t": 1 });
        client.raw(json!({ "m": "loc.put", "p": fix }).to_string()).await;
    }
    while table.node.positions.lock().unwrap().len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    customer.ask("sub", json!({ "ch": format!("loc:{order}") })).await.unwrap();
    assert_eq!(customer.push("loc").await["seq"], 3, "the last position is there at once");
    // The app starts again, and counts from one again.
    let (mut client, _) = table.node.connect(&rider).await;
    let fix = json!({ "seq": 1, "lat": 31.2001, "lng": 121.5, "t": 1 });
    client.raw(json!({ "m": "loc.put", "p": fix }).to_string()).await;
    while table.node.positions.lock().unwrap().len() < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    customer.ask("sub", json!({ "ch": format!("loc:{order}") })).await.unwrap();
    assert_eq!(customer.push("loc").await["lat"], 31.2001, "the new connection is believed");
    merchant.ask("order.ready", json!({ "order": order.to_string(), "cid": cid() })).await.unwrap();
    for (m, stop) in [
        ("stop.arrive", "pickup"),
        ("stop.done", "pickup"),
        ("stop.arrive", "dropoff"),
        ("stop.done", "dropoff"),
    ] {
        let p = json!({ "order": order.to_string(), "stop": stop, "cid": cid() });
        client.ask(m, p).await.unwrap_or_else(|it| panic!("{m} {stop}: {it}"));
    }
    for client in [&mut customer, &mut merchant, &mut client] {
        client.expect(|it| it["push"] == "order" && it["to"] == "delivered").await;
    }
    assert_eq!(*table.node.positions.lock().unwrap(), [1, 2, 3, 1]);
    assert_eq!(client.ask("duty.off", json!({})).await.unwrap()["duty"], "off");
}
