//! The protocol as data: every command, push, channel, refusal and close code, with its shape.
//!
//! Shapes are schemas of the types that the code really reads and writes. The AsyncAPI document is
//! made of this; a command or push that is missing here does not compile.

use schemars::{JsonSchema, Schema, SchemaGenerator};

mod channels;
mod commands;
mod pushes;

pub use channels::{ChannelRow, Family, channel_rows};
pub use commands::{CommandRow, command};
pub use pushes::{Header, PushRow, pushes};

use crate::refusal;

/// Makes the schema of a type.
pub type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The schema of `T` itself; what it refers to goes to the generator's definitions.
fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

/// The shape of an error, behind `"err"`.
pub fn error(generator: &mut SchemaGenerator) -> Schema {
    shape::<refusal::View<'_>>(generator)
}

/// No fields at all.
fn nothing(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "object", "properties": {} })
}

/// Any fields.
fn anything(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "object", "properties": {}, "additionalProperties": true })
}

/// The fields of both in one object.
pub fn merge(mut into: Schema, other: Schema) -> Schema {
    for list in ["properties", "required"] {
        let Some(new) = other.get(list).cloned() else { continue };
        match (into.get_mut(list), new) {
            (Some(serde_json::Value::Object(old)), serde_json::Value::Object(new)) => {
                old.extend(new);
            }
            (Some(serde_json::Value::Array(old)), serde_json::Value::Array(new)) => old.extend(new),
            (_, new) => {
                into.insert(list.to_owned(), new);
            }
        }
    }
    if let Some(open) = other.get("additionalProperties") {
        into.insert("additionalProperties".to_owned(), open.clone());
    }
    into
}
