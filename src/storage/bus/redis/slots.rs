//! Hash slots of a Redis Cluster: which server a topic is placed on.

use std::sync::Arc;

use redis::Value;

/// Slots of every cluster.
pub(super) const SLOTS: u16 = 16_384;

/// The slot of a key: CRC16 (XMODEM) of it, or of the part in its first pair of braces.
pub(super) fn slot_of(key: &str) -> u16 {
    crc16(tag(key).as_bytes()) % SLOTS
}

fn tag(key: &str) -> &str {
    let Some((_, rest)) = key.split_once('{') else { return key };
    match rest.split_once('}') {
        Some((tag, _)) if !tag.is_empty() => tag,
        _ => key,
    }
}

fn crc16(bytes: &[u8]) -> u16 {
    let mut crc = 0_u16;
    for byte in bytes {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
        }
    }
    crc
}

/// Which server has which slots. One server alone has them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SlotMap {
    /// First and last slot, and the server's address; in the order of the slots.
    ranges: Vec<(u16, u16, Arc<str>)>,
}

impl SlotMap {
    /// Everything on one server.
    pub(super) fn one(server: &str) -> Self {
        Self { ranges: vec![(0, SLOTS - 1, server.into())] }
    }

    /// Reads the answer to `CLUSTER SLOTS` of the server at `asked_host`; `None` if it is none.
    pub(super) fn read(answer: &Value, asked_host: &str) -> Option<Self> {
        let Value::Array(rows) = answer else { return None };
        let mut ranges = Vec::with_capacity(rows.len());
        for row in rows {
            let Value::Array(row) = row else { return None };
            let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &row[..] else {
                return None;
            };
            let [host, Value::Int(port), ..] = &master[..] else { return None };
            // Without a name it means: where you asked.
            let host = text(host).filter(|it| !it.is_empty() && *it != "?").unwrap_or(asked_host);
            let (first, last) = (u16::try_from(*first).ok()?, u16::try_from(*last).ok()?);
            ranges.push((first, last, format!("{host}:{port}").into()));
        }
        ranges.sort_unstable();
        Some(Self { ranges })
    }

    /// The first slot that no server has.
    pub(super) fn gap(&self) -> Option<u16> {
        let mut next = 0;
        for (first, last, _) in &self.ranges {
            if *first > next {
                return Some(next);
            }
            next = next.max(last + 1);
        }
        (next < SLOTS).then_some(next)
    }

    /// The server that a key is placed on.
    pub(super) fn server_of(&self, key: &str) -> Option<&Arc<str>> {
        if let [(0, last, only)] = &self.ranges[..]
            && *last == SLOTS - 1
        {
            return Some(only);
        }
        let slot = slot_of(key);
        let index = self.ranges.partition_point(|(first, ..)| *first <= slot);
        let (_, last, server) = self.ranges.get(index.checked_sub(1)?)?;
        (slot <= *last).then_some(server)
    }

    /// All servers, each once.
    pub(super) fn servers(&self) -> Vec<Arc<str>> {
        let mut servers: Vec<_> = self.ranges.iter().map(|(.., server)| server.clone()).collect();
        servers.sort_unstable();
        servers.dedup();
        servers
    }

    /// A name that begins with `stem` and is placed on `server`.
    pub(super) fn name_on(&self, server: &str, stem: &str) -> Option<String> {
        // A server with one slot is found by one name of 16,384; a hundredfold is certainty.
        let mut names = (0..100 * u32::from(SLOTS)).map(|n| format!("{stem}{n}"));
        names.find(|name| self.server_of(name).is_some_and(|it| **it == *server))
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(first: i64, last: i64, host: &str, port: i64) -> Value {
        let name = |it: &str| Value::BulkString(it.as_bytes().to_vec());
        let server = |port| Value::Array(vec![name(host), Value::Int(port), name("id")]);
        Value::Array(vec![Value::Int(first), Value::Int(last), server(port), server(port + 9)])
    }

    #[test]
    fn slots_are_those_of_redis() {
        // Values from the cluster's specification and from `CLUSTER KEYSLOT` of a real server.
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot_of("foo"), 12_182);
        assert_eq!(slot_of("{foo}.bar"), 12_182);
        assert_eq!(slot_of("x{foo}{bar}"), 12_182);
        assert_eq!(slot_of("{}foo"), crc16(b"{}foo") % SLOTS);
    }

    #[test]
    fn a_map_knows_where_a_key_is() {
        let rows = vec![row(8_000, 16_383, "b", 2), row(0, 7_999, "", 1)];
        let map = SlotMap::read(&Value::Array(rows), "here").unwrap();
        assert_eq!(map.gap(), None);
        assert_eq!(&**map.server_of("foo").unwrap(), "b:2");
        assert_eq!(map.servers(), ["b:2", "here:1"].map(Arc::<str>::from));
        let name = map.name_on("here:1", "probe:").unwrap();
        assert_eq!(&**map.server_of(&name).unwrap(), "here:1");
        assert_eq!(map.name_on("c:3", "probe:"), None);
    }

    #[test]
    fn a_hole_in_a_map_is_found() {
        let map = |rows| SlotMap::read(&Value::Array(rows), "x").unwrap();
        assert_eq!(map(vec![row(0, 99, "a", 1), row(101, 16_383, "b", 2)]).gap(), Some(100));
        assert_eq!(map(vec![row(0, 99, "a", 1)]).gap(), Some(100));
        assert_eq!(map(Vec::new()).gap(), Some(0));
        assert_eq!(map(Vec::new()).server_of("foo"), None);
        assert_eq!(SlotMap::read(&Value::Nil, "x"), None);
        assert_eq!(SlotMap::one("a:1").gap(), None);
    }
}
