//! Copies of logged channels: complete, in order, nothing twice.
//!
//! Plain structs without a runtime. An entry is taken only if it is the next one; a lower one was
//! taken before and is compared; a higher one shows a hole, which the link closes from history.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use serde_json::{Map, Value};

/// Fields of a push that are not part of the entry's body.
const HEADER: [&str; 7] = ["push", "ch", "ep", "off", "ts", "sender", "cid"];

/// What names of logged channels begin with; the others hold newest values only.
const LOGGED: [&str; 4] = ["inbox:", "order:", "store:", "bench:log:"];

/// Whether a channel has a history.
pub fn is_logged(channel: &str) -> bool {
    LOGGED.iter().any(|it| channel.starts_with(it))
}

/// One entry of a logged channel, as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The channel.
    pub channel: String,
    /// Its number in the channel, from 1.
    pub off: u64,
    /// The numbering it belongs to.
    pub epoch: String,
    /// Name of the push.
    pub kind: String,
    /// Who caused it.
    pub sender: String,
    /// The sender's id of the command.
    pub cid: Option<String>,
    /// When it was written, by the server's clock.
    pub ts: i64,
    /// The other fields.
    pub body: Map<String, Value>,
}

/// What a copy keeps of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its number in the channel.
    pub off: u64,
    /// Name of the push.
    pub kind: String,
    /// Who caused it.
    pub sender: String,
    /// The sender's id of the command.
    pub cid: Option<String>,
    /// When it was written.
    pub ts: i64,
    /// Hash of the body; [`RECALLED`] for a message that its author took back.
    pub hash: u64,
}

/// What is kept of the body of a message that was taken back: nothing.
pub const RECALLED: u64 = 0;

/// What became of an entry that was offered to a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was the next one.
    Applied,
    /// It was there already, with the same content.
    Known,
    /// Entries are missing before it.
    Hole,
    /// It contradicts what is there: another content under a number already taken.
    Contradiction,
    /// The server has begun a new numbering; the copy was emptied.
    NewEpoch,
}

/// The copy of one logged channel.
#[derive(Debug, Clone, Default)]
pub struct ChannelLog {
    epoch: String,
    kept: VecDeque<Kept>,
    keep_max: Option<usize>,
    last: u64,
    seen_top: u64,
    contradictions: u64,
}

impl Entry {
    /// Reads a push frame; `None` if it is not an entry of a logged channel.
    pub fn from_push(frame: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| frame.get(name).and_then(Value::as_str).map(str::to_owned);
        let body = frame.iter().filter(|(name, _)| !HEADER.contains(&name.as_str()));
        Some(Self {
            channel: text("ch")?,
            off: frame.get("off")?.as_u64()?,
            epoch: text("ep")?,
            kind: text("push")?,
            sender: text("sender")?,
            cid: text("cid"),
            ts: frame.get("ts")?.as_i64()?,
            body: body.map(|(name, value)| (name.clone(), value.clone())).collect(),
        })
    }

    /// A text field of the body.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name)?.as_str()
    }

    /// What a copy keeps of it.
    pub fn keep(&self) -> Kept {
        Kept {
            off: self.off,
            kind: self.kind.clone(),
            sender: self.sender.clone(),
            cid: self.cid.clone(),
            ts: self.ts,
            hash: match self.is_tombstone() {
                true => RECALLED,
                false => hash_of(&Value::Object(self.body.clone())),
            },
        }
    }

    /// Whether it is a message that its author took back.
    pub fn is_tombstone(&self) -> bool {
        self.kind == "msg" && self.body.get("recalled") == Some(&Value::Bool(true))
    }

    /// The message that this entry takes back, if that is what it does.
    pub fn takes_back(&self) -> Option<u64> {
        (self.kind == "edit").then(|| self.body.get("of")?.as_u64())?
    }
}

/// A hash of a JSON value that does not depend on the order of fields.
pub fn hash_of(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    add(value, &mut hasher);
    hasher.finish()
}

fn add(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            (1_u8, sorted.len()).hash(hasher);
            for (name, value) in sorted {
                name.hash(hasher);
                add(value, hasher);
            }
        }
        Value::Array(values) => {
            (2_u8, values.len()).hash(hasher);
            values.iter().for_each(|it| add(it, hasher));
        }
        plain => (3_u8, plain.to_string()).hash(hasher),
    }
}

impl ChannelLog {
    /// An empty copy that keeps all entries, or only so many of the newest.
    pub fn keeping(keep_max: Option<usize>) -> Self {
        Self { keep_max, ..Self::default() }
    }

    /// The newest offset in the copy; 0 if it is empty.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// The numbering; empty as long as nothing is known of the channel.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// What the copy holds: from offset 1 on, unless it keeps only the newest.
    pub fn kept(&self) -> Vec<Kept> {
        self.kept.iter().cloned().collect()
    }

    /// How often the server contradicted itself.
    pub const fn contradictions(&self) -> u64 {
        self.contradictions
    }

    /// Whether the channel is known to go on beyond the copy.
    pub fn is_behind(&self) -> bool {
        self.last() < self.seen_top
    }

    /// The server said that the channel stands at `top` of numbering `epoch`.
    ///
    /// Answers whether that is a new numbering, in which case the copy was emptied.
    ///
    /// Says nothing about entries that the copy has beyond `top`: a push may be older than they are.
    /// What is said of a channel when it is subscribed to is for [`stands_at`](Self::stands_at).
    pub fn heard_of(&mut self, epoch: &str, top: u64) -> bool {
        let is_new = !epoch.is_empty() && !self.epoch.is_empty() && self.epoch != epoch;
        if is_new {
            let contradictions = self.contradictions + 1;
            *self = Self { contradictions, ..Self::keeping(self.keep_max) };
        }
        if !epoch.is_empty() {
            epoch.clone_into(&mut self.epoch);
        }
        self.seen_top = self.seen_top.max(top);
        is_new
    }

    /// Like [`heard_of`](Self::heard_of), at the moment in which the channel is subscribed to.
    ///
    /// Who is ahead of that in the same numbering has entries that the server lost (it runs on an
    /// older backup), and others will take their offsets: the copy is emptied as for a new numbering.
    pub fn stands_at(&mut self, epoch: &str, top: u64) -> bool {
        let is_ahead = self.epoch == epoch && self.last > top;
        if is_ahead {
            let contradictions = self.contradictions + 1;
            *self = Self { contradictions, ..Self::keeping(self.keep_max) };
        }
        self.heard_of(epoch, top) || is_ahead
    }

    /// Takes an entry if it is the next one.
    pub fn take(&mut self, entry: &Entry) -> Taken {
        if self.heard_of(&entry.epoch, entry.off) {
            return Taken::NewEpoch;
        }
        match entry.off.checked_sub(self.last() + 1) {
            Some(0) => {
                self.kept.push_back(entry.keep());
                self.last = entry.off;
                self.bury(entry.takes_back());
                while self.keep_max.is_some_and(|it| self.kept.len() > it) {
                    self.kept.pop_front();
                }
                Taken::Applied
            }
            Some(_) => Taken::Hole,
            None => self.compare(entry),
        }
    }

    /// The kept entry of an offset, if it is one of those.
    fn kept_at(&mut self, off: u64) -> Option<&mut Kept> {
        let first = self.kept.front()?.off;
        self.kept.get_mut(usize::try_from(off.checked_sub(first)?).ok()?)
    }

    /// Forgets what a message said.
    fn bury(&mut self, off: Option<u64>) {
        if let Some(kept) = off.and_then(|off| self.kept_at(off)).filter(|it| it.kind == "msg") {
            kept.hash = RECALLED;
        }
    }

    fn compare(&mut self, entry: &Entry) -> Taken {
        // Read again between the recall and its `edit`.
        self.bury(Some(entry.off).filter(|_| entry.is_tombstone()));
        let Some(kept) = self.kept_at(entry.off) else {
            // It was taken once and is no longer kept: nothing to compare with.
            return Taken::Known;
        };
        if *kept == entry.keep() {
            return Taken::Known;
        }
        self.contradictions += 1;
        Taken::Contradiction
    }
}

/// How a copy differs from the journal; nothing if it does not.
pub fn differences(channel: &str, copy: &[Kept], journal: &[Kept]) -> Vec<String> {
    let mut found = Vec::new();
    for (off, kept) in (1..).zip(copy) {
        if kept.off != off {
            found.push(format!("{channel}: offset {} stands in place {off}", kept.off));
            break;
        }
    }
    for (ours, theirs) in copy.iter().zip(journal) {
        if ours != theirs {
            found.push(format!("{channel}: offset {} differs: {ours:?} / {theirs:?}", ours.off));
        }
    }
    if copy.len() != journal.len() {
        let (ours, theirs) = (copy.len(), journal.len());
        found.push(format!("{channel}: the copy has {ours} entries, the journal {theirs}"));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(off: u64, text: &str) -> Entry {
        let frame = json!({ "push": "msg", "ch": "order:o", "ep": "a1", "off": off, "ts": 5,
            "sender": "cus_1", "cid": "c", "body": text });
        Entry::from_push(frame.as_object().unwrap()).unwrap()
    }

    #[test]
    fn only_the_next_entry_is_taken() {
        let mut log = ChannelLog::default();
        assert_eq!(log.take(&entry(1, "a")), Taken::Applied);
        assert_eq!(log.take(&entry(3, "c")), Taken::Hole);
        assert!(log.is_behind());
        assert_eq!(log.take(&entry(1, "a")), Taken::Known);
        assert_eq!(log.take(&entry(2, "b")), Taken::Applied);
        assert_eq!(log.take(&entry(3, "c")), Taken::Applied);
        assert!(!log.is_behind());
        assert_eq!(log.kept().len(), 3);
        assert_eq!(log.contradictions(), 0);
    }

    #[test]
    fn a_message_that_was_taken_back_is_forgotten_however_that_is_learnt() {
        let with = |off, push: &str, fields: Value| {
            let mut frame = json!({ "push": push, "ch": "order:o", "ep": "a1", "off": off, "ts": 5,
                "sender": "cus_1" });
            frame.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            Entry::from_push(frame.as_object().unwrap()).unwrap()
        };
        let said = with(1, "msg", json!({ "body": "secret" }));
        let tombstone = with(1, "msg", json!({ "recalled": true }));
        let edit = with(2, "edit", json!({ "of": 1, "recalled": true }));
        let [mut told, mut read, mut late] = [(); 3].map(|()| ChannelLog::default());
        for (log, entries) in [
            (&mut told, vec![&said, &edit]),
            (&mut read, vec![&said, &tombstone, &edit]),
            (&mut late, vec![&tombstone, &edit]),
        ] {
            for entry in entries {
                assert_ne!(log.take(entry), Taken::Contradiction);
            }
        }
        assert_eq!(told.kept()[0].hash, RECALLED);
        assert!(told.kept() == read.kept() && read.kept() == late.kept());
    }

    #[test]
    fn a_number_that_is_given_twice_is_noticed() {
        let mut log = ChannelLog::default();
        log.take(&entry(1, "a"));
        assert_eq!(log.take(&entry(1, "other")), Taken::Contradiction);
        assert_eq!(log.contradictions(), 1);
    }

    #[test]
    fn a_new_numbering_empties_the_copy() {
        let mut log = ChannelLog::default();
        log.take(&entry(1, "a"));
        let renumbered = Entry { epoch: "b2".to_owned(), ..entry(1, "a") };
        assert_eq!(log.take(&renumbered), Taken::NewEpoch);
        assert_eq!(log.last(), 0);
        assert_eq!(log.take(&renumbered), Taken::Applied);
    }

    #[test]
    fn a_copy_may_keep_only_the_newest() {
        let mut log = ChannelLog::keeping(Some(2));
        for off in 1..=5 {
            assert_eq!(log.take(&entry(off, "x")), Taken::Applied);
        }
        assert_eq!(log.kept().iter().map(|it| it.off).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(log.take(&entry(1, "long gone")), Taken::Known);
        assert_eq!(log.take(&entry(5, "other")), Taken::Contradiction);
        assert_eq!(log.last(), 5);
    }

    #[test]
    fn differences_are_named() {
        let journal: Vec<_> = (1..=3).map(|off| entry(off, "x").keep()).collect();
        assert_eq!(differences("c", &journal, &journal), Vec::<String>::new());
        assert_eq!(differences("c", &journal[..2], &journal).len(), 1);
        let doubled = [journal[0].clone(), journal[0].clone(), journal[1].clone()];
        assert!(!differences("c", &doubled, &journal).is_empty());
        let mut other = journal.clone();
        other[1] = entry(2, "y").keep();
        assert_eq!(differences("c", &other, &journal).len(), 1);
    }

    #[test]
    fn the_order_of_fields_does_not_matter_to_the_hash() {
        let one: Value = serde_json::from_str(r#"{"a":1,"b":[1,2]}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"b":[1,2],"a":1}"#).unwrap();
        let three: Value = serde_json::from_str(r#"{"b":[2,1],"a":1}"#).unwrap();
        assert_eq!(hash_of(&one), hash_of(&two));
        assert_ne!(hash_of(&one), hash_of(&three));
    }
}
