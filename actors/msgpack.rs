//! MessagePack and JSON, each out of the other. JSON is what the rest of the hub knows: a socket
//! that speaks MessagePack is translated at its edge, so both formats have the same shapes.

use std::fmt;

use bytes::Bytes;
use rmp::{Marker, encode};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How deep a value may be nested; ours are three or four deep.
pub const DEPTH_MAX: usize = 32;

/// What is wrong with bytes that should be MessagePack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The value goes on behind the end of the message.
    #[error("it ends in the middle of a value")]
    Cut,
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("it is nested deeper than {DEPTH_MAX}")]
    Deep,
    /// A string that is not UTF-8.
    #[error("a string is not UTF-8")]
    NotUtf8,
    /// A key of a map that is no string.
    #[error("a key is not a string")]
    Key,
    /// Binary data, an extension or a number that JSON does not have.
    #[error("a value has no JSON form (binary, extension, or not a finite number)")]
    NoJson,
}

/// The MessagePack form of a JSON text; ours all are JSON.
pub fn of_json(json: &str) -> Bytes {
    let mut out = Vec::with_capacity(json.len());
    let mut source = serde_json::Deserializer::from_str(json);
    if Put(&mut out).deserialize(&mut source).is_err() {
        debug_assert!(false, "a frame of ours is not JSON: {json}");
        out.clear();
        out.push(Marker::Null.to_u8());
    }
    out.into()
}

/// Takes the first value off `bytes`, as JSON text.
///
/// # Errors
///
/// [`Malformed`]; where the next value begins is unknown then.
pub fn take_json(bytes: &mut &[u8]) -> Result<String, Malformed> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 2);
    put_json(bytes, &mut out, 0)?;
    String::from_utf8(out).map_err(|_| Malformed::NotUtf8)
}

fn put_json(from: &mut &[u8], out: &mut Vec<u8>, depth: usize) -> Result<(), Malformed> {
    let marker = Marker::from_u8(u8::from_be_bytes(take_array(from)?));
    match marker {
        Marker::Null => out.extend_from_slice(b"null"),
        Marker::True => out.extend_from_slice(b"true"),
        Marker::False => out.extend_from_slice(b"false"),
        Marker::FixPos(n) => put_number(out, n),
        Marker::FixNeg(n) => put_number(out, n),
        Marker::U8 => put_number(out, u8::from_be_bytes(take_array(from)?)),
        Marker::U16 => put_number(out, u16::from_be_bytes(take_array(from)?)),
        Marker::U32 => put_number(out, u32::from_be_bytes(take_array(from)?)),
        Marker::U64 => put_number(out, u64::from_be_bytes(take_array(from)?)),
        Marker::I8 => put_number(out, i8::from_be_bytes(take_array(from)?)),
        Marker::I16 => put_number(out, i16::from_be_bytes(take_array(from)?)),
        Marker::I32 => put_number(out, i32::from_be_bytes(take_array(from)?)),
        Marker::I64 => put_number(out, i64::from_be_bytes(take_array(from)?)),
        Marker::F32 => put_float(out, f64::from(f32::from_be_bytes(take_array(from)?)))?,
        Marker::F64 => put_float(out, f64::from_be_bytes(take_array(from)?))?,
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
            put_text(from, marker, out)?;
        }
        Marker::FixArray(n) => put_array(from, u32::from(n), out, depth)?,
        Marker::Array16 => {
            let n = u32::from(u16::from_be_bytes(take_array(from)?));
            put_array(from, n, out, depth)?;
        }
        Marker::Array32 => {
            let n = u32::from_be_bytes(take_array(from)?);
            put_array(from, n, out, depth)?;
        }
        Marker::FixMap(n) => put_map(from, u32::from(n), out, depth)?,
        Marker::Map16 => {
            let n = u32::from(u16::from_be_bytes(take_array(from)?));
            put_map(from, n, out, depth)?;
        }
        Marker::Map32 => {
            let n = u32::from_be_bytes(take_array(from)?);
            put_map(from, n, out, depth)?;
        }
        _ => return Err(Malformed::NoJson),
    }
    Ok(())
}

// Nothing is allocated for a length that is only claimed: each value must be there.
fn put_array(from: &mut &[u8], n: u32, out: &mut Vec<u8>, depth: usize) -> Result<(), Malformed> {
    if depth >= DEPTH_MAX {
        return Err(Malformed::Deep);
    }
    out.push(b'[');
    for index in 0..n {
        if index > 0 {
            out.push(b',');
        }
        put_json(from, out, depth + 1)?;
    }
    out.push(b']');
    Ok(())
}

fn put_map(from: &mut &[u8], n: u32, out: &mut Vec<u8>, depth: usize) -> Result<(), Malformed> {
    if depth >= DEPTH_MAX {
        return Err(Malformed::Deep);
    }
    out.push(b'{');
    for index in 0..n {
        if index > 0 {
            out.push(b',');
        }
        let key = Marker::from_u8(u8::from_be_bytes(take_array(from)?));
        put_text(from, key, out)?;
        out.push(b':');
        put_json(from, out, depth + 1)?;
    }
    out.push(b'}');
    Ok(())
}

fn put_text(from: &mut &[u8], marker: Marker, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let len = match marker {
        Marker::FixStr(n) => usize::from(n),
        Marker::Str8 => usize::from(u8::from_be_bytes(take_array(from)?)),
        Marker::Str16 => usize::from(u16::from_be_bytes(take_array(from)?)),
        Marker::Str32 => u32::from_be_bytes(take_array(from)?) as usize,
        _ => return Err(Malformed::Key),
    };
    let (text, rest) = from.split_at_checked(len).ok_or(Malformed::Cut)?;
    *from = rest;
    let text = std::str::from_utf8(text).map_err(|_| Malformed::NotUtf8)?;
    serde_json::to_writer(out, text).map_err(|_| Malformed::NotUtf8)
}

fn put_number(out: &mut Vec<u8>, number: impl fmt::Display) {
    out.extend_from_slice(number.to_string().as_bytes());
}

fn put_float(out: &mut Vec<u8>, number: f64) -> Result<(), Malformed> {
    if !number.is_finite() {
        return Err(Malformed::NoJson);
    }
    serde_json::to_writer(out, &number).map_err(|_| Malformed::NoJson)
}

fn take_array<const N: usize>(from: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (first, rest) = from.split_first_chunk::<N>().ok_or(Malformed::Cut)?;
    *from = rest;
    Ok(*first)
}

/// Writes whatever JSON value comes. Lengths are filled in when they are known.
struct Put<'a>(&'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Put<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Put<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        encode::write_nil(self.0).map_err(E::custom)
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<(), E> {
        encode::write_bool(self.0, yes).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        encode::write_sint(self.0, number).map(drop).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        encode::write_uint(self.0, number).map(drop).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        encode::write_f64(self.0, number).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        encode::write_str(self.0, text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let (start, mut n_items) = (self.0.len(), 0);
        while items.next_element_seed(Put(self.0))?.is_some() {
            n_items += 1;
        }
        let mut head = Vec::with_capacity(5);
        encode::write_array_len(&mut head, n_items).map_err(A::Error::custom)?;
        self.0.splice(start..start, head);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let (start, mut n_fields) = (self.0.len(), 0);
        while fields.next_key_seed(Put(self.0))?.is_some() {
            fields.next_value_seed(Put(self.0))?;
            n_fields += 1;
        }
        let mut head = Vec::with_capacity(5);
        encode::write_map_len(&mut head, n_fields).map_err(A::Error::custom)?;
        self.0.splice(start..start, head);
        Ok(())
    }
}

#[cfg(test)]
#[path = "msgpack_tests.rs"]
mod tests;
