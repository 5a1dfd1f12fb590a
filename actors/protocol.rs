//! The three shapes of frames: command in, reply and push out. Version 1. Here they
//! are JSON; a socket that speaks MessagePack is translated by [`crate::msgpack`].

use std::borrow::Cow;

use bytestring::ByteString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};
use storage::commands::{CommandKey, fingerprint};

use crate::{frame::Frame, msgpack, objects, refusal::Refusal};

/// The subprotocol of JSON text frames.
pub const SUBPROTOCOL_JSON: &str = "riderhub.v1.json";
/// The subprotocol of MessagePack binary frames.
pub const SUBPROTOCOL_MSGPACK: &str = "riderhub.v1.msgpack";
/// Bytes of one frame, or of one WebSocket message of several.
pub const FRAME_BYTES_MAX: usize = 65_536;
/// Channels that one connection may hear.
pub const CHANNELS_MAX: usize = 256;
/// Shortest and longest `cid`, in bytes.
pub const CID_BYTES: std::ops::RangeInclusive<usize> = 8..=64;

/// What makes a command happen once, however often it is sent.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Cid {
    /// A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`.
    #[schemars(length(min = 8, max = 64))]
    pub cid: String,
}

/// Like [`Cid`] where repeating does no harm.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct MaybeCid {
    /// A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`.
    #[serde(default)]
    #[schemars(length(min = 8, max = 64))]
    pub cid: Option<String>,
}

/// A command as it arrives; its parameters are read by the command itself.
#[derive(Debug, Deserialize)]
pub struct Command<'a> {
    /// Chosen by the client; comes back in the reply. Without it there is no reply.
    #[serde(default)]
    pub id: Option<u32>,
    /// The command's name.
    #[serde(borrow)]
    pub m: Cow<'a, str>,
    /// Its parameters.
    #[serde(borrow, default)]
    pub p: Option<&'a RawValue>,
}

/// Takes the frames out of one MessagePack message, as JSON. What follows a malformed one is lost
/// with it: nobody knows where it begins.
pub fn msgpack_frames(message: &[u8]) -> Vec<Result<ByteString, Refusal>> {
    let (mut rest, mut frames) = (message, Vec::new());
    while !rest.is_empty() {
        let taken = msgpack::take_json(&mut rest);
        let is_malformed = taken.is_err();
        let refusal = |err| Refusal::bad(format!("not a command in MessagePack: {err}"));
        frames.push(taken.map(ByteString::from).map_err(refusal));
        if is_malformed {
            break;
        }
    }
    frames
}

/// Reads one frame.
///
/// # Errors
///
/// [`Refusal`] that says what is wrong with it, and where.
pub fn decode(frame: &str) -> Result<Command<'_>, Refusal> {
    objects::from_str(frame)
        .map_err(|err| Refusal::bad(format!("not a command {{\"id\",\"m\",\"p\"}}: {err}")))
}

/// Reads the parameters of a command. Unknown fields are ignored.
///
/// # Errors
///
/// [`Refusal`] that names the field.
pub fn params<T: DeserializeOwned>(p: Option<&RawValue>) -> Result<T, Refusal> {
    objects::from_str(p.map_or("{}", RawValue::get))
        .map_err(|err| Refusal::bad(format!("bad parameters: {err}")))
}

/// A reply that says yes; `ok` is JSON.
pub fn ok(id: u32, ok: &str) -> Frame {
    Frame::json(format!("{{\"id\":{id},\"ok\":{ok}}}"))
}

/// A reply that says no; without an id if the command could not be read that far.
pub fn err(id: Option<u32>, refusal: &Refusal) -> Frame {
    let id = id.map_or_else(|| "null".to_owned(), |it| it.to_string());
    Frame::json(format!("{{\"id\":{id},\"err\":{}}}", refusal.json()))
}

/// The JSON text of an answer; ours all have one.
pub fn answer<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

/// Adds `"dup":true|false` to an answer that is a JSON object.
pub fn with_dup(answer: &str, dup: bool) -> String {
    let fields = answer.strip_suffix('}').unwrap_or("{");
    let comma = if fields == "{" { "" } else { "," };
    format!("{fields}{comma}\"dup\":{dup}}}")
}

/// The key that makes a command happen once. Its parameters are the body, however they are spelt.
///
/// # Errors
///
/// [`Refusal`] if the `cid` is missing or not of the form that is asked for.
pub fn key(sender: &str, m: &str, p: Option<&RawValue>) -> Result<CommandKey, Refusal> {
    let mut body: Map<String, Value> = params(p)?;
    let Some(Value::String(cid)) = body.remove("cid") else {
        return Err(Refusal::bad("`cid` is missing: make a UUIDv7 for every new command"));
    };
    check_cid(&cid)?;
    // A map is written with its keys sorted, so that a client may spell it anew.
    let body_hash = fingerprint(&[m, &answer(&body)]);
    Ok(CommandKey { sender: sender.to_owned(), cid, body_hash })
}

/// Checks the form of a `cid`: it goes out again as it is.
///
/// # Errors
///
/// [`Refusal`] if it is too short, too long or holds other characters.
pub fn check_cid(cid: &str) -> Result<(), Refusal> {
    let plain = cid.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_');
    if plain && CID_BYTES.contains(&cid.len()) {
        return Ok(());
    }
    Err(Refusal::bad("`cid` must be a UUIDv7: 8 to 64 letters, digits, `-` and `_`"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::refusal::Kind;

    #[test]
    fn a_command_is_read_and_unknown_fields_are_ignored() {
        let command = decode(r#"{"id":7,"m":"chat.send","p":{"ch":"x"},"later":[1]}"#).unwrap();
        assert_eq!((command.id, &*command.m), (Some(7), "chat.send"));
        assert_eq!(command.p.unwrap().get(), r#"{"ch":"x"}"#);
    }

    #[test]
    fn what_is_no_command_is_refused_with_a_place() {
        let bad = ["", "{", "[]", "7", r#"{"id":7}"#, r#"{"id":-1,"m":"x"}"#, r#"{"m":1}"#];
        for text in bad.into_iter().chain([r#"[7,"ack",{}]"#]) {
            let refusal = decode(text).unwrap_err();
            assert_eq!(refusal.kind, Kind::BadRequest);
            assert!(refusal.msg.contains("column"), "{text}: {}", refusal.msg);
        }
    }

    #[test]
    fn replies_carry_the_id() {
        assert_eq!(ok(7, "{}").text(), r#"{"id":7,"ok":{}}"#);
        let text = err(None, &Refusal::bad("no")).text().to_owned();
        assert!(text.starts_with(r#"{"id":null,"err":{"code":110"#), "{text}");
        assert_eq!(with_dup(r#"{"off":1}"#, true), r#"{"off":1,"dup":true}"#);
        assert_eq!(with_dup("{}", false), r#"{"dup":false}"#);
    }

    #[test]
    fn a_cid_with_another_body_has_another_hash() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let one = raw(r#"{"cid":"01890000-aaaa","order":"1"}"#);
        let two = raw(r#"{"cid":"01890000-aaaa","order":"2"}"#);
        let hash = |p: &RawValue| key("rid_1", "grab", Some(p)).unwrap().body_hash;
        let same = raw(r#"{ "order": "1", "cid": "01890000-aaaa" }"#);
        assert_ne!(hash(&one), hash(&two));
        assert_eq!(hash(&one), hash(&same));
        for bad in [r"{}", r#"{"cid":"short"}"#, r#"{"cid":"0189\"0000-aaaa"}"#] {
            assert!(key("rid_1", "grab", Some(&raw(bad))).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_read_is_read_again(
            text in prop_oneof![
                any::<String>(),
                r#"\{"id":[0-9]{1,12},"m":"[a-z\\\\.]{0,8}","p":[\{\}\[\]",:a-z0-9.e-]{0,30}\}"#,
            ],
        ) {
            let Ok(command) = decode(&text) else { return Ok(()) };
            let again = serde_json::json!({ "id": command.id, "m": command.m, "p": command.p });
            let again = again.to_string();
            let same = decode(&again).unwrap();
            prop_assert_eq!((command.id, &command.m), (same.id, &same.m));
            let hash = |p| key("cus_1", "x", p).map(|it| it.body_hash).ok();
            prop_assert_eq!(hash(command.p), hash(same.p));
        }
    }
}
