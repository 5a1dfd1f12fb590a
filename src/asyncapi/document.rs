//! Puts the document together: one socket, its commands and replies, and the channels with their pushes.

use actors::{
    catalogue::{self, Family, Header, PushRow, channel_rows, command, pushes},
    close::Close,
    hearing::OWN_CHANNELS_MAX,
    method::Method,
    outbox::{OUTBOX_BYTES_MAX, STALL_MAX},
    protocol::{CHANNELS_MAX, CID_BYTES, FRAME_BYTES_MAX, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK},
    rate::{COMMANDS_MAX, WINDOW},
    refusal::Kind,
    registry::{TOKEN_GRACE, TOKEN_WARNING},
    session::GAP_MAX,
};
use domain::checked_text::MessageText;
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use storage::push::Push;
use usecases::chat::HISTORY_MAX;

const INFO: &str = "The live side of RiderHub: one WebSocket, three shapes of frames. \
    A command `{\"id\",\"m\",\"p\"}` is answered by `{\"id\",\"ok\"}` or `{\"id\",\"err\"}`; a push `{\"push\",…}` comes by itself. \
    Frames of one message are joined by a line break. Unknown fields and unknown pushes are to be ignored. \
    Money is an integer of the smallest unit plus a currency, time is UTC milliseconds, ids are opaque. \
    How it all works together is told in docs/protocol.md.";
const SOCKET: &str = "The one connection of a client. Commands go up, replies and pushes come down; the channels below are \
    carried by it and named in the field `ch`.";
/// What the examples call by a short name.
const NAMES: [(&str, &str); 6] = [
    ("$ORD", "ord_01990c1de0f07a3b8c4d5e6f70819203"),
    ("$RID", "rid_01990c1db2a17c4e9f20314253647586"),
    ("$CUS", "cus_01990c1da1b27d5f8091a2b3c4d5e6f7"),
    ("$MER", "mer_01990c1d90c37e608192a3b4c5d6e7f8"),
    ("$STO", "sto_01990c1d81d47f718293a4b5c6d7e8f9"),
    ("$OFR", "off_01990c1ef3047b4c5d6e7f8091a2b3c4"),
];

/// Collects the parts of the document.
struct Parts {
    /// For what clients send.
    incoming: SchemaGenerator,
    /// For what the hub sends.
    outgoing: SchemaGenerator,
    schemas: Map<String, Value>,
    messages: Map<String, Value>,
    channels: Map<String, Value>,
    operations: Map<String, Value>,
}

/// The document as a value.
pub fn value() -> Value {
    let settings =
        || SchemaSettings::draft07().with(|it| it.definitions_path = "/components/schemas".into());
    let mut parts = Parts {
        incoming: settings().for_deserialize().into_generator(),
        outgoing: settings().for_serialize().into_generator(),
        schemas: Map::new(),
        messages: Map::new(),
        channels: Map::new(),
        operations: Map::new(),
    };
    parts.add_socket();
    parts.add_errors();
    for method in Method::ALL {
        parts.add_command(*method);
    }
    for push in Push::ALL {
        for row in pushes(*push) {
            parts.add_push(*push, &row);
        }
    }
    parts.add_channels();
    let incoming = parts.incoming.take_definitions(true);
    for (name, schema) in incoming.into_iter().chain(parts.outgoing.take_definitions(true)) {
        parts.schemas.insert(name, tidied(schema));
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "RiderHub",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INFO,
            "license": { "name": "Apache-2.0" },
            "x-limits": limits(),
            "x-errors": errors(),
            "x-close-codes": close_codes(),
        },
        "defaultContentType": "application/json",
        "servers": { "local": {
            "host": "localhost:8080",
            "protocol": "ws",
            "description": "`riderhub serve` as it comes; `wss` behind a proxy.",
        } },
        "channels": parts.channels,
        "operations": parts.operations,
        "components": { "messages": parts.messages, "schemas": parts.schemas },
    })
}

impl Parts {
    fn add_socket(&mut self) {
        self.channels.insert(
            "socket".to_owned(),
            json!({
                "address": "/v1/ws",
                "title": "The socket",
                "description": SOCKET,
                "messages": {},
                "bindings": { "ws": {
                    "method": "GET",
                    "headers": { "type": "object", "properties": { "Sec-WebSocket-Protocol": {
                        "type": "string", "enum": [SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK],
                    } } },
                } },
            }),
        );
    }

    fn add_errors(&mut self) {
        let error = tidied(catalogue::error(&mut self.outgoing).to_value());
        self.schemas.insert("Error".to_owned(), error);
        self.schemas.insert(
            "reply.error".to_owned(),
            json!({
                "type": "object",
                "properties": {
                    "id": {
                        "type": ["integer", "null"], "minimum": 0, "maximum": u32::MAX,
                        "description": "That of the command; `null` if it could not be read that far.",
                    },
                    "err": { "$ref": "#/components/schemas/Error" },
                },
                "required": ["id", "err"],
            }),
        );
        let example = json!({ "id": 3, "err": {
            "code": 113, "name": "rate_limited", "retry": true, "after_ms": 1500, "msg": "120 commands / 10 s",
        } });
        let about = "A command was refused. The connection stays open.";
        self.add_message("socket", "reply.error", "Refusal", about, &example);
    }

    fn add_command(&mut self, method: Method) {
        let row = command(method);
        let (name, params) = (method.as_str(), tidied((row.params)(&mut self.incoming).to_value()));
        let id = json!({
            "type": "integer", "minimum": 0, "maximum": u32::MAX,
            "description": "Chosen by the client; comes back in the reply. Without it there is no reply to success.",
        });
        let properties = json!({ "id": id, "m": { "const": name }, "p": params });
        let command = json!({ "type": "object", "properties": properties, "required": ["m", "p"] });
        self.schemas.insert(format!("command.{name}"), command);
        let ok = tidied((row.ok)(&mut self.outgoing).to_value());
        let reply = json!({
            "type": "object",
            "properties": { "id": { "type": "integer", "minimum": 0, "maximum": u32::MAX }, "ok": ok },
            "required": ["id", "ok"],
        });
        self.schemas.insert(format!("reply.{name}"), reply);
        let about = format!("{} By: {}.", row.does, row.by);
        let asks = json!({ "id": 7, "m": name, "p": example(row.example) });
        self.add_message("socket", &format!("command.{name}"), name, &about, &asks);
        let answers = json!({ "id": 7, "ok": example(row.example_ok) });
        let title = format!("Answer to {name}");
        self.add_message("socket", &format!("reply.{name}"), &title, method.about(), &answers);
        let on_socket =
            |name: String| json!({ "$ref": format!("#/channels/socket/messages/{name}") });
        self.operations.insert(
            name.to_owned(),
            json!({
                "action": "receive",
                "title": name,
                "description": about,
                "channel": { "$ref": "#/channels/socket" },
                "messages": [on_socket(format!("command.{name}"))],
                "reply": {
                    "channel": { "$ref": "#/channels/socket" },
                    "messages": [on_socket(format!("reply.{name}")), on_socket("reply.error".to_owned())],
                },
            }),
        );
    }

    fn add_push(&mut self, push: Push, row: &PushRow) {
        let name = format!("push.{}", row.name);
        self.schemas.insert(name.clone(), tidied(row.shape(push, &mut self.outgoing).to_value()));
        let families =
            row.on.iter().map(|it| if *it == Family::Connection { "socket" } else { it.as_str() });
        let (families, shown): (Vec<_>, _) = (families.collect(), example(row.example));
        for family in families {
            self.add_message(family, &name, push.as_str(), row.does, &shown);
        }
        if row.header == Header::Entry {
            let entries = self.schemas.entry("Entry").or_insert_with(|| {
                json!({ "description": "An entry of a logged channel, as it is pushed.", "anyOf": [] })
            });
            if let Some(list) = entries["anyOf"].as_array_mut() {
                list.push(json!({ "$ref": format!("#/components/schemas/{name}") }));
            }
        }
    }

    /// A message, on a channel that may not be there yet.
    fn add_message(
        &mut self,
        channel: &str,
        name: &str,
        title: &str,
        about: &str,
        example: &Value,
    ) {
        self.messages.insert(
            name.to_owned(),
            json!({
                "name": name,
                "title": title,
                "description": about,
                "payload": { "$ref": format!("#/components/schemas/{name}") },
                "examples": [{ "name": name, "payload": example }],
            }),
        );
        let channel = self.channels.entry(channel).or_insert_with(|| json!({ "messages": {} }));
        channel["messages"][name] = json!({ "$ref": format!("#/components/messages/{name}") });
    }

    fn add_channels(&mut self) {
        for row in channel_rows() {
            let name = row.family.as_str();
            if row.family != Family::Connection
                && let Some(channel) = self.channels.get_mut(name)
            {
                let kind = if row.is_logged() { "logged" } else { "latest" };
                channel["address"] = row.address.into();
                channel["title"] = format!("{} ({kind})", row.address).into();
                channel["description"] = row.about.into();
                channel["x-kind"] = kind.into();
                if let Some((parameter, about)) = row.parameter {
                    channel["parameters"] = json!({ parameter: { "description": about } });
                }
            }
            let name = if row.family == Family::Connection { "socket" } else { name };
            let pushes = self.channels[name]["messages"].as_object().into_iter().flatten();
            let pushes = pushes.filter(|(name, _)| name.starts_with("push."));
            let refs = pushes
                .map(|(it, _)| json!({ "$ref": format!("#/channels/{name}/messages/{it}") }))
                .collect::<Vec<_>>();
            self.operations.insert(
                format!("push.{name}"),
                json!({
                    "action": "send",
                    "title": format!("Pushes on {}", row.address),
                    "description": row.about,
                    "channel": { "$ref": format!("#/channels/{name}") },
                    "messages": refs,
                }),
            );
        }
    }
}

/// The value of an example, with its short names spelt out.
fn example(text: &str) -> Value {
    let text = NAMES.iter().fold(text.to_owned(), |text, (short, long)| text.replace(short, long));
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// A field that may be left out is never `null`; what only tools of Rust know is left out.
fn tidied(mut schema: Value) -> Value {
    tidy(&mut schema);
    schema
}

fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(fields) => {
            fields.remove("$schema");
            if fields.get("properties").is_some_and(Value::is_object) {
                fields.remove("title");
                drop_optional_nulls(fields);
            }
            let is_rust = |it: &str| it.starts_with("uint") || it == "int32" || it == "double";
            if fields.get("format").and_then(Value::as_str).is_some_and(is_rust) {
                fields.remove("format");
            }
            fields.values_mut().for_each(tidy);
        }
        _ => {}
    }
}

fn drop_optional_nulls(fields: &mut Map<String, Value>) {
    let required = fields.get("required").cloned().unwrap_or_default();
    let is_required =
        |name: &str| required.as_array().is_some_and(|it| it.iter().any(|it| it == name));
    let Some(Value::Object(properties)) = fields.get_mut("properties") else { return };
    for (name, property) in properties {
        if is_required(name) {
            continue;
        }
        let kinds = property.get("type").and_then(Value::as_array).cloned();
        if let Some([kind, _]) = kinds.as_deref() {
            property["type"] = kind.clone();
        }
        let choices = property.get("anyOf").and_then(Value::as_array).cloned();
        if let (Some([choice, null]), Some(fields)) = (choices.as_deref(), property.as_object_mut())
            && *null == json!({ "type": "null" })
        {
            fields.remove("anyOf");
            fields.insert("allOf".to_owned(), json!([choice]));
        }
        if property.get("default").is_some_and(Value::is_null)
            && let Some(fields) = property.as_object_mut()
        {
            fields.remove("default");
        }
    }
}

fn limits() -> Value {
    json!({
        "frame_bytes": FRAME_BYTES_MAX,
        "text_chars": MessageText::CHARS_MAX,
        "cid_bytes": [CID_BYTES.start(), CID_BYTES.end()],
        "commands": COMMANDS_MAX,
        "commands_window_ms": ms(WINDOW),
        "channels_chosen": CHANNELS_MAX,
        "channels_joined": OWN_CHANNELS_MAX,
        "queue_bytes": OUTBOX_BYTES_MAX,
        "stall_ms": ms(STALL_MAX),
        "resume_gap_entries": GAP_MAX,
        "history_page_entries": HISTORY_MAX,
        "token_warning_ms": ms(TOKEN_WARNING),
        "token_grace_ms": ms(TOKEN_GRACE),
    })
}

fn ms(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn errors() -> Value {
    let row = |kind: &Kind| {
        let (code, retry) = kind.row();
        json!({ "code": code, "name": kind.as_str(), "retry": retry, "description": kind.about() })
    };
    Kind::ALL.iter().map(row).collect()
}

fn close_codes() -> Value {
    let row = |close: &Close| {
        json!({
            "code": close.code(), "name": close.name(), "reconnect": close.reconnect(), "description": close.about(),
        })
    };
    Close::ALL.iter().map(row).collect()
}
