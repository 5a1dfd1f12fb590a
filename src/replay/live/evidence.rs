//! What the judge needs, read from the journal as clients may read it: stories and inboxes.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::play::Day;
use crate::{
    client::{error::ClientError, link::Link, log::Entry},
    replay::judge::{Asking, Evidence, Line},
};

/// Reads everything; what cannot be read is named.
pub(super) async fn gather(day: &Day, until: i64, wrong: &mut Vec<String>) -> Evidence {
    let mut evidence = Evidence { diaries: day.diaries.clone(), until, ..Evidence::default() };
    let (mut told, mut asked) = (HashSet::new(), BTreeMap::new());
    for link in &day.links {
        let me = link.session().profile();
        let inbox = format!("inbox:{me}");
        for channel in link.channels() {
            // Stores hear every order of theirs to its end; riders may have left some.
            let is_story = me.starts_with("mer_") && channel.starts_with("order:");
            let is_rider = me.starts_with("rid_") && channel == inbox;
            let is_new = is_rider || (is_story && told.insert(channel.clone()));
            if !is_new {
                continue;
            }
            match read(link, &channel).await {
                Ok(entries) if is_story => evidence.lines.extend(entries.iter().filter_map(line)),
                Ok(entries) => entries.iter().for_each(|it| note(me, it, &mut asked)),
                Err(err) => wrong.push(format!("{channel}: cannot be judged: {err}")),
            }
        }
    }
    evidence.asked = asked.into_values().collect();
    evidence
}

async fn read(link: &Link, channel: &str) -> Result<Vec<Entry>, ClientError> {
    link.entries(channel).await
}

/// A line of an order's story.
fn line(entry: &Entry) -> Option<Line> {
    if entry.kind != "order" {
        return None;
    }
    let text = |name: &str| entry.text(name).map(str::to_owned);
    let number = |name: &str| entry.body.get(name).and_then(Value::as_i64);
    Some(Line {
        order: text("order")?,
        seq: number("seq")?,
        machine: text("machine")?,
        event: text("event")?,
        from: text("from"),
        to: text("to")?,
        by: entry.body.get("by").and_then(|it| it.get("id")?.as_str().map(str::to_owned)),
        ready_at: number("ready_at"),
        at: number("at")?,
    })
}

/// What a rider's inbox says of an offer; one push may name several.
fn note(rider: &str, entry: &Entry, asked: &mut BTreeMap<String, Asking>) {
    let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    let body = Value::Object(entry.body.clone());
    match entry.kind.as_str() {
        "offer" => {
            let expires = body.get("expires").and_then(Value::as_i64).unwrap_or(0);
            let also = body.get("also").and_then(Value::as_array).cloned().unwrap_or_default();
            for one in std::iter::once(&body).chain(&also) {
                let (Some(offer), Some(order)) = (text(one, "offer"), text(one, "order")) else {
                    continue;
                };
                let (at, closed) = (entry.ts, Vec::new());
                let rider = rider.to_owned();
                let asking = Asking { offer: offer.clone(), order, rider, at, expires, closed };
                asked.insert(offer, asking);
            }
        }
        "offer.closed" => {
            let (Some(offer), Some(state)) = (text(&body, "offer"), text(&body, "state")) else {
                return;
            };
            if let Some(asking) = asked.get_mut(&offer) {
                asking.closed.push((state, entry.ts));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(value: &Value) -> Entry {
        Entry::from_push(value.as_object().unwrap()).unwrap()
    }

    #[test]
    fn offers_and_what_became_of_them_are_read_from_an_inbox() {
        let mut asked = BTreeMap::new();
        let head = |kind: &str, off: u64, ts: i64| {
            json!({ "push": kind, "ch": "inbox:rid_1", "ep": "e", "off": off, "ts": ts,
                "sender": "system" })
        };
        let mut offer = head("offer", 1, 1_000);
        for (name, value) in [
            ("offer", json!("off_1")),
            ("order", json!("ord_1")),
            ("expires", json!(31_000)),
            ("also", json!([{ "offer": "off_2", "order": "ord_2" }])),
        ] {
            offer[name] = value;
        }
        note("rid_1", &entry(&offer), &mut asked);
        let mut closed = head("offer.closed", 2, 5_000);
        closed["offer"] = json!("off_2");
        closed["order"] = json!("ord_2");
        closed["state"] = json!("accepted");
        note("rid_1", &entry(&closed), &mut asked);
        assert_eq!(asked.len(), 2);
        assert_eq!((asked["off_1"].at, asked["off_1"].expires), (1_000, 31_000));
        assert!(asked["off_1"].closed.is_empty());
        assert_eq!(asked["off_2"].closed, [("accepted".to_owned(), 5_000)]);
        assert_eq!(asked["off_2"].order, "ord_2");
    }
}
