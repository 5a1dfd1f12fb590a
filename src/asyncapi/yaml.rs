//! JSON values as YAML in block style. Keys have one order, whatever map they came from.

use serde_json::Value;

/// Keys that come first, in this order; the others follow by name.
const FIRST: [&str; 14] = [
    "asyncapi",
    "info",
    "defaultContentType",
    "servers",
    "channels",
    "operations",
    "components",
    "name",
    "title",
    "address",
    "action",
    "type",
    "description",
    "properties",
];
/// Texts longer than this are folded.
const LINE_CHARS: usize = 110;

/// The YAML text of a value.
pub(super) fn text(value: &Value) -> String {
    let mut out = String::new();
    block(&mut out, value, 0);
    out
}

fn block(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by_key(|it| (rank(it), it.as_str()));
            for key in keys {
                indent(out, depth);
                out.push_str(&plain_or_quoted(key));
                out.push(':');
                member(out, &map[key], depth + 1);
            }
        }
        Value::Array(items) => {
            for item in items {
                indent(out, depth);
                out.push('-');
                item_of_list(out, item, depth + 1);
            }
        }
        leaf => {
            indent(out, depth);
            out.push_str(&leaf_text(leaf));
            out.push('\n');
        }
    }
}

fn member(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if map.is_empty() => out.push_str(" {}\n"),
        Value::Array(items) if items.is_empty() => out.push_str(" []\n"),
        Value::Array(items) if items.iter().all(|it| !it.is_object() && !it.is_array()) => {
            out.push_str(&format!(" {}\n", flow(items)));
        }
        Value::Object(_) | Value::Array(_) => {
            out.push('\n');
            block(out, value, depth);
        }
        Value::String(text) if text.chars().count() > LINE_CHARS || text.contains('\n') => {
            folded(out, text, depth);
        }
        leaf => out.push_str(&format!(" {}\n", leaf_text(leaf))),
    }
}

/// The first line of an object stands behind the dash.
fn item_of_list(out: &mut String, item: &Value, depth: usize) {
    let mut inner = String::new();
    block(&mut inner, item, depth);
    if (item.is_object() || item.is_array()) && !inner.is_empty() {
        out.push(' ');
        out.push_str(inner.trim_start());
    } else {
        member(out, item, depth);
    }
}

fn flow(items: &[Value]) -> String {
    let items: Vec<String> = items.iter().map(leaf_text).collect();
    format!("[{}]", items.join(", "))
}

/// Long texts as a folded block: single line breaks of the block are spaces.
fn folded(out: &mut String, text: &str, depth: usize) {
    out.push_str(" >-\n");
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + word.chars().count() >= LINE_CHARS {
                indent(out, depth);
                out.push_str(&line);
                out.push('\n');
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if line.is_empty() {
            out.push('\n');
        } else {
            indent(out, depth);
            out.push_str(&line);
            out.push('\n');
        }
    }
}

fn leaf_text(value: &Value) -> String {
    match value {
        Value::String(text) => plain_or_quoted(text),
        other => other.to_string(),
    }
}

/// Words stand as they are; whatever YAML could take for something else is quoted as in JSON.
fn plain_or_quoted(text: &str) -> String {
    let is_word = text.bytes().all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it))
        && text.starts_with(|it: char| it.is_ascii_alphabetic());
    let is_other = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        .contains(&text.to_ascii_lowercase().as_str());
    if is_word && !is_other { text.to_owned() } else { Value::from(text).to_string() }
}

fn rank(key: &str) -> usize {
    FIRST.iter().position(|it| *it == key).unwrap_or(FIRST.len())
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_becomes_a_block() {
        let value =
            json!({ "b": [], "type": "on", "a": { "x": [1, "two"], "y": [{ "k": 1, "l": {} }] } });
        let expected =
            "type: \"on\"\na:\n  x: [1, two]\n  \"y\":\n    - k: 1\n      l: {}\nb: []\n";
        assert_eq!(text(&value), expected);
    }

    #[test]
    fn a_long_text_is_folded() {
        let long = "word ".repeat(40);
        let text = text(&json!({ "a": long.trim() }));
        assert!(text.starts_with("a: >-\n  word word"), "{text}");
        assert!(text.lines().all(|it| it.chars().count() <= LINE_CHARS + 2), "{text}");
    }
}
