//! What was said can be taken back, and then nobody is told it again.

use std::{sync::Arc, time::Duration};

use domain::clock::{HandSetClock, SystemClock};
use serde_json::{Value, json};

use crate::{
    chat::{Table, say, table, table_in},
    support::{City, cid},
};

fn take_back(channel: &str, off: &Value) -> Value {
    json!({ "ch": channel, "cid": cid(), "off": off })
}

fn assert_tombstone(entry: &Value) {
    assert_eq!((&entry["push"], &entry["recalled"]), (&json!("msg"), &json!(true)), "{entry}");
    assert!(!entry.to_string().contains("secret"), "{entry}");
    assert_eq!(entry["from"]["name"], "Ann");
}

#[actix_web::test]
async fn a_message_taken_back_is_never_told_again() {
    let table = table().await;
    let (order, mut customer, mut merchant) = table.accepted().await;
    let channel = format!("order:{order}");
    let before = merchant.push("subscribed").await;
    let sent = customer.ask("chat.send", say(&channel, "secret")).await.unwrap();
    let off = &sent["off"];
    assert_eq!(merchant.push("msg").await["body"], "secret");

    let asked = take_back(&channel, off);
    let done = customer.ask("chat.recall", asked.clone()).await.unwrap();
    assert_eq!(
        (done["off"].as_u64(), &done["dup"]),
        (off.as_u64().map(|it| it + 1), &json!(false))
    );
    for client in [&mut customer, &mut merchant] {
        let edit = client.push("edit").await;
        assert_eq!(
            (&edit["of"], &edit["recalled"], &edit["off"]),
            (off, &json!(true), &done["off"])
        );
        assert_eq!(edit["sender"], table.customer.profile.to_string());
        assert_eq!(edit["cid"], asked["cid"]);
    }
    let again = customer.ask("chat.recall", asked).await.unwrap();
    assert_eq!((&again["off"], &again["dup"]), (&done["off"], &json!(true)));

    let at = off.as_u64().unwrap();
    for page in [json!({ "ch": channel }), json!({ "ch": channel, "after": at - 1 })] {
        let page = customer.ask("history", page).await.unwrap();
        let entries = page["entries"].as_array().unwrap();
        assert_tombstone(entries.iter().find(|it| it["off"] == *off).unwrap());
    }
    // Resumed, from before the message.
    let known = json!({ "ep": before["ep"], "off": at - 1 });
    let resume = json!({ channel.as_str(): known });
    let (mut back, answer) = table.node.resume(&table.merchant, resume).await;
    assert_eq!(answer["channels"][&channel]["recovered"], true, "{answer}");
    assert_tombstone(&back.push("msg").await);
    assert_eq!(back.push("edit").await["of"], *off);
}

#[actix_web::test]
async fn a_node_that_missed_the_message_repairs_with_the_tombstone() {
    let table = table().await;
    let (order, mut customer, _merchant) = table.accepted().await;
    let channel = format!("order:{order}");
    // No bus reaches this node: it reads everything from the journal, a while later.
    let other = table.city.lonely_node().await;
    let (mut merchant, _) = other.connect(&table.merchant).await;
    merchant.ask("history", json!({ "ch": channel })).await.unwrap();
    // It may read just between the two commands, but not every time.
    for attempt in 1.. {
        let sent = customer.ask("chat.send", say(&channel, "secret")).await.unwrap();
        customer.ask("chat.recall", take_back(&channel, &sent["off"])).await.unwrap();
        let msg = merchant.push("msg").await;
        assert_eq!(merchant.push("edit").await["of"], sent["off"]);
        if attempt == 3 || msg["recalled"] == true {
            return assert_tombstone(&msg);
        }
    }
}

#[actix_web::test]
async fn only_the_author_takes_back_and_only_at_once() {
    let clock = Arc::new(HandSetClock::at(SystemClock::machine_time()));
    let table: Table = table_in(City::with_clock(clock.clone()).await).await;
    let (order, mut customer, mut merchant) = table.accepted().await;
    let channel = format!("order:{order}");
    let sent = customer.ask("chat.send", say(&channel, "secret")).await.unwrap();
    let foreign = merchant.ask("chat.recall", take_back(&channel, &sent["off"])).await;
    assert_eq!(foreign.unwrap_err()["code"], 122);
    for nothing in [json!(1), json!(9_999)] {
        let refusal = customer.ask("chat.recall", take_back(&channel, &nothing)).await;
        let refusal = refusal.unwrap_err();
        assert_eq!(refusal["code"], 130, "{nothing}");
        assert_eq!(refusal["msg"], "there is no message at this offset");
    }
    clock.advance(table.node.live.platform.policy.chat_recall);
    customer.ask("chat.recall", take_back(&channel, &sent["off"])).await.unwrap();
    let twice = customer.ask("chat.recall", take_back(&channel, &sent["off"])).await.unwrap_err();
    assert_eq!((&twice["code"], &twice["state"]), (&json!(131), &json!("recalled")));

    let late = customer.ask("chat.send", say(&channel, "too late")).await.unwrap();
    clock.advance(table.node.live.platform.policy.chat_recall + Duration::from_millis(1));
    let refusal = customer.ask("chat.recall", take_back(&channel, &late["off"])).await.unwrap_err();
    assert_eq!((&refusal["code"], &refusal["state"]), (&json!(131), &json!("too_late")));
}
