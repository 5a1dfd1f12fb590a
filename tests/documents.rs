//! The documents of the socket: the examples of the AsyncAPI file fit their schemas, and all is there.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use riderhub::asyncapi;
use serde_json::{Value, json};

#[path = "shapes/mod.rs"]
mod shapes;

use shapes::shapes;

#[test]
fn the_committed_asyncapi_document_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/asyncapi.yaml");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == asyncapi::document(),
        "docs/asyncapi.yaml is old; write it with `riderhub asyncapi > docs/asyncapi.yaml`"
    );
}

#[test]
fn every_reference_leads_somewhere() {
    let document = asyncapi::value();
    let mut refs = BTreeSet::new();
    collect(&document, &mut refs);
    assert!(refs.len() > 100);
    for pointer in refs {
        let pointer = pointer.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer} leads nowhere");
    }
}

fn collect(value: &Value, refs: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|it| collect(it, refs)),
        Value::Object(fields) => {
            if let Some(Value::String(to)) = fields.get("$ref") {
                refs.insert(to.clone());
            }
            fields.values().for_each(|it| collect(it, refs));
        }
        _ => {}
    }
}

#[test]
fn every_example_fits_its_schema_without_a_field_too_many() {
    let document = asyncapi::value();
    let messages = document["components"]["messages"].as_object().unwrap();
    let wrong: Vec<String> = messages
        .iter()
        .filter_map(|(name, it)| shapes().check(name, &it["examples"][0]["payload"]).err())
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_wrong_frame_does_not_fit() {
    for (name, frame) in [
        ("push.ping", json!({ "push": "pong" })),
        ("push.ping", json!({ "push": "ping", "more": 1 })),
        (
            "push.cur",
            json!({ "push": "cur", "ch": "order:o", "profile": "p", "delivered": -1, "read": 0 }),
        ),
        ("command.grab", json!({ "id": 1, "m": "grab", "p": { "order": "o" } })),
        ("reply.chat.send", json!({ "id": 1, "ok": { "off": 1, "ts": 2 } })),
    ] {
        assert!(shapes().check(name, &frame).is_err(), "{name} took {frame}");
    }
}

#[test]
fn no_push_is_written_past_the_list_of_pushes() {
    let known: BTreeSet<&str> = storage::push::Push::names().into_iter().collect();
    let mut found = 0;
    for folder in ["actors", "src/storage", "src/usecases", "src/http"] {
        for path in rust_files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            let text = std::fs::read_to_string(&path).unwrap();
            for part in text.split("\\\"push\\\":\\\"").skip(1) {
                let name = part.split(['\\', '"']).next().unwrap();
                found += 1;
                assert!(name.is_empty() || known.contains(name), "{}: `{name}`", path.display());
            }
        }
    }
    assert!(found > 0, "is the test still right?");
}

fn rust_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
    files
}

/// The JSON lines of the page for app developers, with the number of each line.
fn examples() -> Vec<(usize, Value)> {
    let page = include_str!("../docs/protocol.md");
    let mut inside = false;
    let mut found = Vec::new();
    for (at, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```json";
        } else if inside {
            let frame = serde_json::from_str(line);
            found.push((at + 1, frame.unwrap_or_else(|err| panic!("line {}: {err}", at + 1))));
        }
    }
    found
}

#[test]
fn every_example_of_the_page_for_developers_is_a_frame_of_the_document() {
    let examples = examples();
    assert!(examples.len() > 40, "is the test still right?");
    let mut asked = std::collections::HashMap::new();
    let mut wrong = Vec::new();
    for (at, frame) in examples {
        let checked = if let Some(method) = frame["m"].as_str() {
            asked.extend(frame["id"].as_u64().map(|id| (id, method.to_owned())));
            shapes().check_asked(&frame)
        } else {
            shapes().check_sent(&frame, |id| asked.get(&id).cloned())
        };
        wrong.extend(checked.err().map(|err| format!("line {at}: {err}")));
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_page_for_developers_names_every_command_push_error_and_close_code() {
    let page = include_str!("../docs/protocol.md");
    let document = asyncapi::value();
    let names = actors::method::Method::names().into_iter().chain(storage::push::Push::names());
    for name in names {
        let is_named = page.contains(&format!("`{name}`")) || page.contains(&format!("\"{name}\""));
        assert!(is_named, "`{name}` is missing");
    }
    for table in ["x-errors", "x-close-codes"] {
        for row in document["info"][table].as_array().unwrap() {
            assert!(page.contains(&row["code"].to_string()), "{row} is missing");
        }
    }
}
