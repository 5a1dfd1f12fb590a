//! What of a channel is worth waking somebody for, and what a notice says about it.
//!
//! A notice says all that no device has acknowledged, so that one that replaces another loses
//! nothing. What people wrote is in it only if the settings say so.

use std::collections::HashSet;

use domain::{clock::Timestamp, notice::NoticeClass, role::Profile};
use serde::{Deserialize, Serialize};
use storage::{
    commands::fingerprint,
    error::StoreError,
    events::{self, Alarm, Offered, OrderDelayed, OrderMoved, Person},
    journal::Entry,
    notices::NoticeKey,
};

use crate::notifier::Notice;

/// Bytes of a notice's body at most: push services take 4096, with the encryption around it.
pub const BODY_BYTES_MAX: usize = 3_000;
/// Things named in one notice at most, the newest.
pub const ITEMS_MAX: usize = 10;
/// Characters of a message that are repeated in a notice at most.
const TEXT_CHARS_MAX: usize = 200;

/// One thing that a notice is about.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, Default)]
pub struct Item {
    /// The entry's offset.
    pub off: u64,
    /// When it was written, in UTC milliseconds.
    pub ts: i64,
    /// The order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// What to show of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// When the offer lapses, in UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// Why the store's bell rings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<String>,
    /// How late the order will be at least, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_ms: Option<i64>,
    /// The role of whoever said something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `text`, `image` or `location`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name of whoever said it. Only if the settings allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What was said. Only if the settings allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    v: u32,
    id: &'a str,
    class: &'a str,
    profile: String,
    ch: String,
    off: u64,
    n: usize,
    items: &'a [Item],
    ts: i64,
}

/// A message, also one that was taken back.
#[derive(Deserialize)]
struct SaidLine {
    from: Person,
    kind: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    recalled: bool,
}

#[derive(Deserialize)]
struct Recall {
    of: u64,
}

#[derive(Deserialize)]
struct OfferEnd {
    offer: String,
}

/// What matters of `entries` (newest first) to `profile` at `now`, oldest first.
pub fn items(
    entries: &[Entry],
    profile: Profile,
    class: NoticeClass,
    with_text: bool,
    now: Timestamp,
) -> Vec<Item> {
    let me = profile.to_string();
    // What later entries have made pointless: offers that ended, bells that stopped, orders that
    // moved on, messages that were taken back.
    let mut over: HashSet<String> = HashSet::new();
    let mut found = Vec::new();
    for entry in entries {
        let item = Item { off: entry.off, ts: entry.at.ms(), ..Item::default() };
        let body = entry.body.as_bytes();
        match (class, entry.kind.as_str()) {
            (NoticeClass::Offer, "offer.closed") => {
                over.extend(events::read_json::<OfferEnd>(body).map(|it| it.offer));
            }
            (NoticeClass::Offer, "offer") => {
                let Some(it) = events::read_json::<Offered>(body) else { continue };
                if it.expires > now.ms() && !over.contains(&it.offer) {
                    let (offer, expires) = (Some(it.offer), Some(it.expires));
                    found.push(Item { order: Some(it.order), offer, expires, ..item });
                }
            }
            (NoticeClass::Alarm, "alarm" | "alarm.clear") => {
                let Some(it) = events::read_json::<Alarm>(body) else { continue };
                if over.insert(it.order.clone()) && it.rings {
                    found.push(Item { order: Some(it.order), alarm: Some(it.alarm), ..item });
                }
            }
            (NoticeClass::Order, "order") => {
                let Some(it) = events::read_json::<OrderMoved>(body) else { continue };
                if entry.sender != me && wakes(&it, profile) && over.insert(it.order.clone()) {
                    found.push(Item { order: Some(it.order), status: Some(it.status), ..item });
                }
            }
            (NoticeClass::Delay, "order.delayed") => {
                let Some(it) = events::read_json::<OrderDelayed>(body) else { continue };
                if over.insert(it.order.clone()) {
                    found.push(Item { order: Some(it.order), late_ms: Some(it.late_ms), ..item });
                }
            }
            (NoticeClass::Chat, "edit") => {
                over.extend(events::read_json::<Recall>(body).map(|it| it.of.to_string()));
            }
            (NoticeClass::Chat, "msg") => {
                let Some(it) = events::read_json::<SaidLine>(body) else { continue };
                let is_news = entry.sender != me && entry.sender != events::SYSTEM;
                if is_news && !it.recalled && !over.contains(&entry.off.to_string()) {
                    let from = Some(it.from.role);
                    let name = with_text.then_some(it.from.name);
                    let text = with_text.then(|| it.body.chars().take(TEXT_CHARS_MAX).collect());
                    found.push(Item { from, kind: Some(it.kind), name, text, ..item });
                }
            }
            _ => {}
        }
    }
    found.reverse();
    found
}

/// Whether somebody is woken for a line of an order's story that somebody else caused.
fn wakes(it: &OrderMoved, profile: Profile) -> bool {
    match profile {
        // The kitchen is told what ends an order without its doing.
        Profile::Merchant(_) => {
            let by_staff = it.by.as_ref().is_some_and(|by| by.role == "merchant");
            it.machine == "order" && !by_staff && matches!(&*it.to, "cancelled" | "rejected")
        }
        Profile::Customer(_) | Profile::Rider(_) => match &*it.machine {
            "order" => true,
            // He need not go there any more.
            "delivery" if it.event == "rider_left" => matches!(profile, Profile::Rider(_)),
            // The customer may want to call it off.
            "delivery" if it.event == "no_rider" => true,
            // Looking for a rider is not news.
            "delivery" => !matches!(&*it.to, "waiting" | "offering" | "pooled"),
            "refund" => it.to == "succeeded",
            _ => false,
        },
        Profile::Operator(_) => false,
    }
}

/// Puts a notice together. The same news has the same id, however often it is told.
///
/// # Errors
///
/// [`StoreError::Refused`] if it has no JSON form, which it has.
pub fn notice(key: &NoticeKey, all: &[Item], now: Timestamp) -> Result<Notice, StoreError> {
    let (profile, ch) = (key.profile.to_string(), key.channel.to_string());
    let class = key.class.as_str();
    let off = all.last().map_or(0, |it| it.off);
    let id = format!("ntc_{}", fingerprint(&[&profile, &ch, class, &off.to_string()]));
    let mut items = &all[all.len().saturating_sub(ITEMS_MAX)..];
    let body = loop {
        let (profile, ch) = (profile.clone(), ch.clone());
        let n = all.len();
        let body = Body { v: 1, id: &id, class, profile, ch, off, n, items, ts: now.ms() };
        let text = events::json(&body)?;
        match items {
            [_, rest @ ..] if text.len() > BODY_BYTES_MAX => items = rest,
            _ => break text,
        }
    };
    let rules = key.class.rules();
    let ends = all.iter().filter_map(|it| it.expires).max().map(|it| (it - now.ms()).max(0));
    let ttl = ends.and_then(|ms| u64::try_from(ms).ok()).map(std::time::Duration::from_millis);
    Ok(Notice {
        topic: fingerprint(&["topic", &ch, class]),
        class: key.class,
        urgency: rules.urgency,
        ttl: ttl.unwrap_or(rules.ttl).min(rules.ttl),
        at: now,
        body,
        id,
    })
}

#[cfg(test)]
mod tests {
    use domain::{channel::Channel, ids::OrderId, role::Role};
    use storage::notices::Via;

    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    fn entry(off: u64, kind: &str, sender: &str, body: &str) -> Entry {
        Entry {
            channel: Channel::Order(OrderId::generate()),
            off,
            epoch: "e".to_owned(),
            kind: kind.to_owned(),
            sender: sender.to_owned(),
            cid: None,
            body: body.to_owned(),
            at: NOON,
            joins: None,
        }
    }

    fn said(words: &str) -> String {
        format!(
            r#"{{"from":{{"profile":"mer_1","role":"merchant","name":"Mei"}},"kind":"text","body":"{words}"}}"#
        )
    }

    #[test]
    fn messages_of_others_count_but_not_their_words() {
        let me = Profile::generate(Role::Customer);
        let entries = [
            entry(5, "edit", "mer_1", r#"{"of":2,"recalled":true}"#),
            entry(4, "msg", &me.to_string(), &said("mine")),
            entry(3, "msg", "mer_1", &said("it is hot")),
            entry(2, "msg", "mer_1", &said("a mistake")),
            entry(1, "msg", events::SYSTEM, &said("the order was accepted")),
        ];
        let found = items(&entries, me, NoticeClass::Chat, false, NOON);
        assert_eq!(found.iter().map(|it| it.off).collect::<Vec<_>>(), [3]);
        let key = NoticeKey {
            profile: me,
            via: Via::Webhook,
            channel: entries[0].channel.clone(),
            class: NoticeClass::Chat,
        };
        let told = notice(&key, &found, NOON).expect("JSON");
        assert!(!told.body.contains("hot") && !told.body.contains("Mei"), "{}", told.body);
        assert_eq!(told.id, notice(&key, &found, NOON).expect("JSON").id);
        let open = items(&entries, me, NoticeClass::Chat, true, NOON);
        assert!(notice(&key, &open, NOON).expect("JSON").body.contains("it is hot"));
    }

    #[test]
    fn a_notice_fits_whatever_was_written() {
        let me = Profile::generate(Role::Customer);
        let long = said(&"长".repeat(1_000));
        let entries: Vec<_> = (1..=60).rev().map(|off| entry(off, "msg", "mer_1", &long)).collect();
        let found = items(&entries, me, NoticeClass::Chat, true, NOON);
        let channel = entries[0].channel.clone();
        let key = NoticeKey { profile: me, via: Via::Webhook, channel, class: NoticeClass::Chat };
        let told = notice(&key, &found, NOON).expect("JSON");
        assert!(told.body.len() <= BODY_BYTES_MAX, "{}", told.body.len());
        assert!(
            told.body.contains("\"n\":60") && told.body.contains("\"off\":60"),
            "{}",
            told.body
        );
        assert_eq!(told.topic.len(), 32);
    }

    #[test]
    fn what_is_over_wakes_nobody() {
        let rider = Profile::generate(Role::Rider);
        let offer = |id: &str, expires: i64| {
            format!(
                r#"{{"offer":"{id}","order":"ord_1","store":{{"id":"s","name":"n","lat":1.0,"lng":1.0}},
                "dropoff_area":"wtw3sj","pay_minor":1,"currency":"CNY","pickup_m":1,"trip_m":1,
                "adds_s":1,"route":[],"expires":{expires}}}"#
            )
        };
        let entries = [
            entry(4, "offer", "system", &offer("off_c", NOON.ms() + 20_000)),
            entry(
                3,
                "offer.closed",
                "system",
                r#"{"offer":"off_b","order":"o","state":"expired"}"#,
            ),
            entry(2, "offer", "system", &offer("off_b", NOON.ms() + 20_000)),
            entry(1, "offer", "system", &offer("off_a", NOON.ms() - 1)),
        ];
        let found = items(&entries, rider, NoticeClass::Offer, false, NOON);
        let names: Vec<_> = found.iter().filter_map(|it| it.offer.clone()).collect();
        assert_eq!(names, ["off_c"]);
        let staff = Profile::generate(Role::Merchant);
        let bell = |rings: bool, order: &str| {
            format!(r#"{{"order":"{order}","alarm":"new_order","rings":{rings}}}"#)
        };
        let entries = [
            entry(3, "alarm.clear", "system", &bell(false, "ord_1")),
            entry(2, "alarm", "system", &bell(true, "ord_2")),
            entry(1, "alarm", "system", &bell(true, "ord_1")),
        ];
        let found = items(&entries, staff, NoticeClass::Alarm, false, NOON);
        assert_eq!(found.iter().map(|it| it.off).collect::<Vec<_>>(), [2]);
    }
}
