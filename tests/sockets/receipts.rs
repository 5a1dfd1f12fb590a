//! Who has received and read what: one cursor for each profile, told to everybody else, cheaply.

use domain::{channel::Channel, role::Profile};
use serde_json::{Value, json};
use storage::cursors;

use crate::{
    chat::{say, table},
    support::{Client, Node},
};

/// Messages that are acknowledged one by one.
const N: u64 = 100;

async fn until_cursor(client: &mut Client, profile: Profile, field: &str, off: u64) {
    let profile = json!(profile.to_string());
    let wanted = |it: &Value| it["push"] == "cur" && it["profile"] == profile && it[field] == off;
    client.expect(wanted).await;
}

async fn saved(node: &Node, channel: &Channel, profile: Profile) -> (u64, u64) {
    let cursor = cursors::find(&mut node.live.platform.reader(), channel, profile).await.unwrap();
    cursor.map_or((0, 0), |it| (it.delivered, it.read))
}

#[actix_web::test]
async fn a_fast_reader_costs_few_commits() {
    let table = table().await;
    let (order, mut customer, mut merchant) = table.accepted().await;
    let channel = Channel::Order(order);
    let name = channel.to_string();
    merchant.push("subscribed").await;
    let mut last = 0;
    for n in 0..N {
        let sent = customer.ask("chat.send", say(&name, &format!("line {n}"))).await.unwrap();
        last = sent["off"].as_u64().unwrap();
    }
    let before = table.node.live.receipts.observe();
    let mut ids = Vec::new();
    for off in last - N + 1..=last {
        ids.push(merchant.send("ack", json!({ "ch": name, "off": off })).await);
    }
    for id in ids {
        merchant.reply(id).await.unwrap();
    }
    until_cursor(&mut customer, table.merchant.profile, "delivered", last).await;
    assert_eq!(saved(&table.node, &channel, table.merchant.profile).await, (last, 0));
    let after = table.node.live.receipts.observe();
    assert_eq!(after.n_said - before.n_said, N);
    // Each took 200 ms at least; a machine that crawls through the acks may need more of them.
    let n_commits = after.n_commits - before.n_commits;
    assert!(n_commits <= N / 4, "{n_commits} commits for {N} acks");
    let n_told = customer.seen().iter().filter(|it| it["push"] == "cur").count() as u64;
    assert!(n_told < n_commits, "{n_told} cursors told in {n_commits} commits");
}

#[actix_web::test]
async fn a_cursor_is_told_to_the_others_on_every_node_and_not_to_who_said_it() {
    let table = table().await;
    let (order, mut customer, mut phone) = table.accepted().await;
    let channel = Channel::Order(order);
    let name = channel.to_string();
    phone.push("subscribed").await;
    let other = table.city.node().await;
    let (mut tablet, _) = other.connect(&table.merchant).await;
    let (mut customer_there, _) = other.connect(&table.customer).await;
    let sent = customer.ask("chat.send", say(&name, "hello")).await.unwrap();
    let off = sent["off"].as_u64().unwrap();
    for client in [&mut phone, &mut tablet, &mut customer_there] {
        client.push("msg").await;
    }
    let who = table.merchant.profile;
    // The first device counts, whichever it is.
    let cursor = tablet.ask("ack", json!({ "ch": name, "off": off })).await.unwrap();
    assert_eq!(cursor, json!({ "delivered": off, "read": 0 }));
    for client in [&mut customer, &mut customer_there, &mut phone] {
        until_cursor(client, who, "delivered", off).await;
    }
    // The account has read what any of its devices has read.
    phone.ask("read", json!({ "ch": name, "off": off })).await.unwrap();
    for client in [&mut customer, &mut customer_there, &mut tablet] {
        until_cursor(client, who, "read", off).await;
    }
    assert_eq!(saved(&table.node, &channel, who).await, (off, off));
    // Late news of the other device changes nothing, and nobody hears of it.
    let late = tablet.ask("ack", json!({ "ch": name, "off": off - 1 })).await.unwrap();
    assert_eq!(late["delivered"], off);
    // Each has heard all that was told before this.
    customer.ask("chat.send", say(&name, "the end")).await.unwrap();
    let mut told = Vec::new();
    for client in [&mut phone, &mut tablet, &mut customer] {
        client.expect(|it| it["body"] == "the end").await;
        told.push(client.seen().iter().filter(|it| it["push"] == "cur").count());
    }
    assert_eq!(told, [0, 0, 0], "nobody is told twice, or what it said itself");
}

#[actix_web::test]
async fn typing_is_kept_nowhere_and_ends_by_itself() {
    let table = table().await;
    let (order, mut customer, mut merchant) = table.accepted().await;
    merchant.push("subscribed").await;
    let live = json!({ "ch": format!("live:{order}") });
    merchant.ask("sub", live.clone()).await.unwrap();
    for _ in 0..20 {
        customer.send("typing", json!({ "ch": format!("order:{order}") })).await;
    }
    customer.ask("typing", json!({ "ch": format!("order:{order}"), "on": false })).await.unwrap();
    let first = merchant.push("typing").await;
    assert_eq!(first["ttl_ms"], 6_000, "{first}");
    merchant.expect(|it| it["push"] == "typing" && it["on"] == false).await;
    // Who comes later hears nothing of it.
    let (mut later, _) = table.node.connect(&table.merchant).await;
    later.ask("sub", live).await.unwrap();
    let history = json!({ "ch": format!("order:{order}"), "limit": 100 });
    let history = later.ask("history", history).await.unwrap().to_string();
    assert!(!history.contains("typing"), "{history}");
    assert!(later.seen().iter().all(|it| it["push"] != "typing"));
}
