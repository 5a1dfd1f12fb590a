//! What is said is said once, however often it is sent.

use std::time::Duration;

use riderhub::client::{
    link::new_cid,
    log::{Kept, RECALLED},
};
use serde_json::json;

use crate::support::{Person, Shop, World, each_world, given_paid_order, given_shop, spot};

/// An order that the store has accepted, so that its chat is open.
pub async fn given_chat(world: &World) -> (Person, Shop, String) {
    let shop = given_shop(world, 0, spot(0.0, 0.0), 100).await;
    let mut customer = Person::join(world, world.nodes.len() - 1, "customer", "Cleo").await;
    let order = given_paid_order(&customer.session, &shop, spot(0.0, 900.0)).await;
    let accept = json!({ "order": order, "cid": new_cid(), "prep_min": 5 });
    shop.merchant.call("order.accept", accept).await;
    customer.until_state(&order, "order", "accepted").await;
    (customer, shop, order)
}

#[tokio::test]
async fn a_message_sent_twice_stands_once() {
    each_world(&[], async |world| {
        let (customer, _shop, order) = given_chat(world).await;
        let (channel, cid) = (format!("order:{order}"), new_cid());
        let first = customer.link.say(&channel, &cid, "hello").await.unwrap();
        let second = customer.link.say(&channel, &cid, "hello").await.unwrap();
        assert!(!first.1, "the first is no repetition");
        assert_eq!(second, (first.0, true), "the second gets the first's offset");

        let refused = customer.link.say(&channel, &cid, "something else").await.unwrap_err();
        assert_eq!(refused.code(), Some(131), "the cid belongs to another text: {refused}");
        let said = world.journal(&channel).await;
        assert_eq!(said.iter().filter(|it| it.cid.as_ref() == Some(&cid)).count(), 1);
    })
    .await;
}

#[tokio::test]
async fn many_messages_sent_at_once_stand_in_one_order_for_all() {
    each_world(&[], async |world| {
        let (customer, shop, order) = given_chat(world).await;
        let channel = format!("order:{order}");
        let talk = async |person: &Person, name: &str| {
            let all = (0..50).map(|n| {
                let (link, channel) = (person.link.clone(), channel.clone());
                let text = format!("{name} {n}");
                async move { link.say(&channel, &new_cid(), &text).await.unwrap().0 }
            });
            futures_util::future::join_all(all).await
        };
        let (mut offsets, more) =
            tokio::join!(talk(&customer, "customer"), talk(&shop.merchant, "merchant"));
        offsets.extend(more);
        offsets.sort_unstable();
        offsets.dedup();
        assert_eq!(offsets.len(), 100, "each message has its own place");
        customer.check_copy(world, &channel).await;
        shop.merchant.check_copy(world, &channel).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_taken_back_is_gone_from_the_journal_and_every_copy() {
    each_world(&[], async |world| {
        let (customer, mut shop, order) = given_chat(world).await;
        let channel = format!("order:{order}");
        let off = customer.say(&order, "a secret").await;
        shop.merchant.until_said(&order, "a secret").await;
        let before = world.journal(&channel).await;
        let asked = json!({ "ch": channel, "cid": new_cid(), "off": off });
        // From two devices at once, or twice because the answer was lost.
        let (one, two) = tokio::join!(
            customer.link.call("chat.recall", asked.clone()),
            customer.link.call("chat.recall", asked)
        );
        assert_eq!(one.unwrap()["off"], two.unwrap()["off"]);
        let after = world.journal(&channel).await;
        let place = off as usize - 1;
        assert_ne!(before[place].hash, RECALLED);
        assert_eq!(after[place], Kept { hash: RECALLED, ..before[place].clone() });
        assert_eq!((after.len(), after[place + 1].kind.as_str()), (before.len() + 1, "edit"));
        customer.check_copy(world, &channel).await;
        shop.merchant.check_copy(world, &channel).await;
        let page = json!({ "ch": channel, "limit": 5 });
        let page = shop.merchant.call("history", page).await.to_string();
        assert!(page.contains("\"recalled\":true") && !page.contains("secret"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn who_has_read_what_is_told_to_the_others() {
    each_world(&[], async |world| {
        let (mut customer, shop, order) = given_chat(world).await;
        let channel = format!("order:{order}");
        let off = customer.say(&order, "are you there?").await;
        shop.merchant.call("read", json!({ "ch": channel, "off": off })).await;
        let reader = shop.merchant.profile().to_owned();
        customer
            .until_push("the merchant's cursor", |it| {
                let fits = it.get("push")? == "cur"
                    && it.get("profile")? == &json!(reader)
                    && it.get("read")? == &json!(off);
                fits.then_some(())
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn history_is_read_page_by_page_from_either_end() {
    each_world(&[], async |world| {
        let (customer, _shop, order) = given_chat(world).await;
        let channel = format!("order:{order}");
        for n in 0..7 {
            customer.say(&order, &format!("message {n}")).await;
        }
        let journal = world.journal(&channel).await;
        let top = journal.len() as u64;
        let newest =
            customer.call("history", json!({ "ch": channel, "before": top + 1, "limit": 3 })).await;
        let oldest =
            customer.call("history", json!({ "ch": channel, "after": 0, "limit": 3 })).await;
        let offs = |page: &serde_json::Value| -> Vec<u64> {
            page["entries"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["off"].as_u64().unwrap())
                .collect()
        };
        assert_eq!(offs(&newest), [top, top - 1, top - 2], "newest first");
        assert_eq!(offs(&oldest), [1, 2, 3], "oldest first");
        let wait = Duration::from_secs(5);
        assert_eq!(customer.link.compare(&channel, wait).await.unwrap(), Vec::<String>::new());
    })
    .await;
}
