//! What one client has of every logged channel, and what its connection still owes. Plain data.
//!
//! Stricter than an app has to be: an app repairs what it misses, here every offset that comes out
//! of order, twice or unannounced is a fault of the server.

use std::collections::BTreeMap;

use riderhub::client::log::{Entry, Kept};
use serde_json::Value;

/// Every channel of one client.
#[derive(Debug, Default)]
pub struct Book {
    pub logs: BTreeMap<String, Log>,
    /// What the server must not have done.
    pub violations: Vec<String>,
}

/// One channel.
#[derive(Debug, Default)]
pub struct Log {
    pub epoch: String,
    /// From offset 1 on, without holes.
    pub kept: Vec<Kept>,
    /// The offset that the connection must bring next; `None` while it owes nothing.
    owed: Option<u64>,
    /// The last one that it brings before it rests: it was told that we read too slowly.
    rests_at: Option<u64>,
    /// Live entries that came while older ones were still being read from history.
    ahead: BTreeMap<u64, Kept>,
}

impl Log {
    pub fn last(&self) -> u64 {
        self.kept.len() as u64
    }

    /// Whether older entries have to be read from history before the live ones.
    pub fn must_page(&self) -> bool {
        self.owed.is_some_and(|owed| owed - self.ahead.len() as u64 > self.last() + 1)
    }

    /// Whether the server sends nothing of it at present.
    pub const fn is_at_rest(&self) -> bool {
        self.owed.is_none()
    }

    fn rest(&mut self) {
        (self.owed, self.rests_at) = (None, None);
        self.ahead.clear();
    }

    fn take(&mut self, entry: Kept) -> Result<(), String> {
        match entry.off.checked_sub(self.last() + 1) {
            Some(0) => self.kept.push(entry),
            Some(_) => drop(self.ahead.insert(entry.off, entry)),
            None if self.kept[entry.off as usize - 1] == entry => {}
            None => return Err(format!("offset {} has two contents", entry.off)),
        }
        while let Some(next) = self.ahead.remove(&(self.last() + 1)) {
            self.kept.push(next);
        }
        Ok(())
    }
}

impl Book {
    fn fault(&mut self, channel: &str, what: &str) {
        self.violations.push(format!("{channel}: {what}"));
    }

    /// A new connection: nothing is owed before it says where things stand.
    pub fn connection_begins(&mut self) {
        for log in self.logs.values_mut() {
            log.rest();
        }
    }

    /// What `connect` is told.
    pub fn resume(&self) -> Value {
        let known = self.logs.iter().filter(|(_, log)| !log.epoch.is_empty());
        known
            .map(|(channel, log)| {
                (channel.clone(), serde_json::json!({ "ep": log.epoch, "off": log.last() }))
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// The server says that it will send everything from `from` on.
    pub fn stands(&mut self, channel: &str, epoch: &str, from: u64, recovered: bool) {
        let log = self.logs.entry(channel.to_owned()).or_default();
        let was_known = !log.epoch.is_empty();
        let (last, old) = (log.last(), log.epoch.clone());
        (log.owed, log.rests_at) = (Some(from), None);
        if !epoch.is_empty() {
            epoch.clone_into(&mut log.epoch);
        }
        if was_known && old != epoch {
            self.fault(channel, &format!("numbering {old} became {epoch}"));
        }
        if was_known && recovered && from != last + 1 {
            self.fault(channel, &format!("resumed at {last}, told it goes on from {from}"));
        }
    }

    /// The server sends nothing more of a channel, and said so.
    pub fn left(&mut self, channel: &str) {
        if let Some(log) = self.logs.get_mut(channel) {
            log.rest();
        }
    }

    /// The server sends a channel up to `off` and then nothing more. `true` if that is now.
    pub fn rests_after(&mut self, channel: &str, off: u64) -> bool {
        let log = self.logs.entry(channel.to_owned()).or_default();
        if log.owed.is_some_and(|owed| owed <= off) {
            log.rests_at = Some(off);
            return false;
        }
        log.rest();
        true
    }

    /// An entry was pushed. `true` if it was the last before the channel rests.
    pub fn pushed(&mut self, entry: &Entry) -> bool {
        let log = self.logs.entry(entry.channel.clone()).or_default();
        let owed = log.owed;
        let is_last = log.rests_at == Some(entry.off);
        log.owed = Some(entry.off + 1);
        if log.epoch.is_empty() {
            log.epoch.clone_from(&entry.epoch);
        }
        let epoch = log.epoch.clone();
        let taken = log.take(entry.keep());
        if is_last {
            log.rest();
        }
        if owed != Some(entry.off) {
            self.fault(&entry.channel, &format!("{owed:?} was due, {} came", entry.off));
        }
        if epoch != entry.epoch {
            self.fault(&entry.channel, &format!("epoch {epoch}, entry of {}", entry.epoch));
        }
        if let Err(what) = taken {
            self.fault(&entry.channel, &what);
        }
        is_last
    }

    /// An entry was read from history.
    pub fn read(&mut self, entry: &Entry) {
        let log = self.logs.entry(entry.channel.clone()).or_default();
        if let Err(what) = log.take(entry.keep()) {
            self.fault(&entry.channel, &what);
        }
    }
}
