//! Tests of the link's mind: what it keeps, repeats and repairs.

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::*;

fn core() -> (Core, Arc<Mutex<Copies>>) {
    let copies = Arc::new(Mutex::new(Copies::default()));
    (Core::new(Arc::clone(&copies)), copies)
}

fn object(value: Value) -> Frame {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other} is not an object"),
    }
}

fn push(off: u64) -> Value {
    json!({ "push": "msg", "ch": "order:o", "ep": "a1", "off": off, "ts": 5, "sender": "cus_1",
        "body": format!("text {off}") })
}

fn sent(steps: &[Step]) -> Vec<Value> {
    let texts = steps.iter().filter_map(|it| match it {
        Step::Send(text) => Some(serde_json::from_str(text).unwrap()),
        _ => None,
    });
    texts.collect()
}

fn told(steps: &[Step]) -> Vec<u64> {
    let entries = steps.iter().filter_map(|it| match it {
        Step::Tell(Event::Entry(entry)) => Some(entry.off),
        _ => None,
    });
    entries.collect()
}

#[test]
fn a_hole_is_closed_from_history_and_told_in_order() {
    let (mut core, copies) = core();
    assert_eq!(told(&core.on_frame(object(push(1)))), [1]);
    let asked = sent(&core.on_frame(object(push(4))));
    assert_eq!(asked.len(), 1, "one question for one hole");
    assert_eq!(asked[0]["m"], "history");
    assert_eq!(asked[0]["p"]["after"], 1);
    assert!(core.on_frame(object(push(5))).is_empty(), "a repair is under way");

    let page = json!({ "id": asked[0]["id"], "ok": { "entries": [push(2), push(3), push(4)] } });
    let steps = core.on_frame(object(page));
    assert_eq!(told(&steps), [2, 3, 4]);
    let asked = sent(&steps);
    assert_eq!(asked[0]["p"]["after"], 4, "5 was heard of and is missing still");
    let page = json!({ "id": asked[0]["id"], "ok": { "entries": [push(5)] } });
    assert_eq!(told(&core.on_frame(object(page))), [5]);
    assert_eq!(lock(&copies).logs["order:o"].kept().len(), 5);
    assert_eq!(lock(&copies).counts.repairs, 2);
}

#[test]
fn what_came_twice_is_told_once() {
    let (mut core, copies) = core();
    core.on_frame(object(push(1)));
    assert!(core.on_frame(object(push(1))).is_empty());
    assert_eq!(lock(&copies).counts.contradictions, 0);
}

#[test]
fn an_unanswered_command_goes_out_again_with_the_same_cid() {
    let (mut core, _) = core();
    let (to, mut answer) = oneshot::channel();
    let params = json!({ "ch": "order:o", "cid": "c-1", "body": "hi" });
    let ask = Ask { method: "chat.send".to_owned(), params, purpose: Purpose::Asked(to) };
    let first = sent(&[core.ask(ask)]);
    core.lost();
    let again = sent(&core.connected(None));
    assert_eq!(again[0]["p"], first[0]["p"]);
    assert_ne!(again[0]["id"], first[0]["id"]);
    assert!(answer.try_recv().is_err(), "nothing answered yet");

    core.on_frame(object(json!({ "id": again[0]["id"], "ok": { "off": 7, "dup": true } })));
    assert_eq!(answer.try_recv().unwrap().unwrap()["off"], 7);
    assert!(sent(&core.connected(None)).is_empty(), "answered is answered");
}

#[test]
fn a_resume_names_every_open_channel_and_its_position() {
    let (mut core, copies) = core();
    lock(&copies).keep_max = Some(100);
    core.on_frame(object(push(1)));
    let mut over = push(1);
    over["ch"] = json!("order:over");
    core.on_frame(object(over.clone()));
    assert!(lock(&copies).put_away("order:over"));
    assert!(core.on_frame(object(over)).is_empty(), "what is put away is not heard");

    let (_, text) = core.connect("token", "d-1");
    let frame: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(frame["p"]["resume"], json!({ "order:o": { "ep": "a1", "off": 1 } }));
}

#[test]
fn a_channel_that_was_not_recovered_is_read_from_history() {
    let (mut core, _) = core();
    core.on_frame(object(push(1)));
    let hello = object(json!({
        "order:o": { "ep": "a1", "from": 2, "to": 900, "recovered": false },
        "inbox:cus_1": { "ep": "b1", "from": 1, "to": 3, "recovered": true },
        "pool:wtw3sj": { "ep": "c1", "from": 1, "to": 3, "recovered": false },
    }));
    let asked = sent(&core.connected(Some(&hello)));
    assert_eq!(asked.len(), 1, "the recovered one comes by itself, the pool has no history");
    assert_eq!(asked[0]["p"]["ch"], "order:o");
}

#[test]
fn who_is_ahead_of_the_server_begins_anew() {
    let (mut core, copies) = core();
    for off in 1..=3 {
        core.on_frame(object(push(off)));
    }
    // It came back from a backup, in the same numbering, and gives offset 3 to something else.
    core.lost();
    let hello =
        object(json!({ "order:o": { "ep": "a1", "from": 3, "to": 2, "recovered": false } }));
    let asked = sent(&core.connected(Some(&hello)));
    assert_eq!((&asked[0]["m"], &asked[0]["p"]["after"]), (&json!("history"), &json!(0)));
    assert_eq!(lock(&copies).counts.contradictions, 1);
    let mut other = push(3);
    other["body"] = json!("another text");
    let page = json!({ "id": asked[0]["id"], "ok": { "entries": [push(1), push(2), other] } });
    assert_eq!(told(&core.on_frame(object(page))), [1, 2, 3]);
    assert_eq!(lock(&copies).counts.contradictions, 1, "the copy is the journal's");

    // Nothing of that kind if what is missing comes by itself.
    core.lost();
    let hello = object(json!({ "order:o": { "ep": "a1", "from": 4, "to": 5, "recovered": true } }));
    assert!(core.connected(Some(&hello)).is_empty());
    assert_eq!(lock(&copies).logs["order:o"].last(), 3);
}

#[test]
fn a_copy_that_stays_behind_is_repaired_at_the_second_look() {
    let (mut core, _) = core();
    let hello = object(json!({ "order:o": { "ep": "a1", "from": 1, "to": 3, "recovered": true } }));
    assert!(core.connected(Some(&hello)).is_empty());
    assert!(core.look_around().is_empty(), "it may be on its way");
    assert_eq!(sent(&core.look_around())[0]["p"]["ch"], "order:o");
}

#[test]
fn an_error_carries_what_the_server_said() {
    let err = json!({ "code": 132, "name": "offer_gone", "retry": false, "msg": "too late",
        "state": "expired" });
    let refused = refusal("offer.reply", err);
    assert_eq!(refused.to_string(), "offer.reply: error 132 offer_gone: too late");
    assert!(refused.is_refusal());
    let ClientError::Command { rest, .. } = refused else { panic!("not a command's error") };
    assert_eq!(rest["state"], "expired");
}
