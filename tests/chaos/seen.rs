//! What one client has seen and done.

use std::collections::BTreeMap;

use riderhub::client::log::Entry;

use crate::book::Book;

/// What somebody has seen and done.
#[derive(Default)]
pub struct Shared {
    pub book: Book,
    /// Messages that the server said it has.
    pub said: Vec<Said>,
    /// Offers that came and nobody has looked at.
    pub offers: Vec<String>,
    pub counts: Counts,
    /// How connections ended, by close code.
    pub ends: BTreeMap<u16, u64>,
}

impl Shared {
    pub fn pushed(&mut self, entry: &Entry) -> bool {
        self.offers.extend(offer(entry));
        self.book.pushed(entry)
    }

    pub fn read(&mut self, entry: &Entry) {
        self.offers.extend(offer(entry));
        self.book.read(entry);
    }
}

fn offer(entry: &Entry) -> Option<String> {
    (entry.kind == "offer").then(|| entry.text("offer").unwrap().to_owned())
}

/// A message that was acknowledged.
#[derive(Debug, Clone)]
pub struct Said {
    pub channel: String,
    pub cid: String,
    pub body: String,
    pub off: u64,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub n_connections: u64,
    pub n_slow: u64,
    pub n_lags: u64,
    pub n_pages: u64,
    pub n_repeated: u64,
    pub n_degraded: u64,
    pub n_offers_won: u64,
}

impl Counts {
    /// Adds somebody else's.
    pub const fn add(&mut self, other: &Self) {
        self.n_connections += other.n_connections;
        self.n_slow += other.n_slow;
        self.n_lags += other.n_lags;
        self.n_pages += other.n_pages;
        self.n_repeated += other.n_repeated;
        self.n_degraded += other.n_degraded;
        self.n_offers_won += other.n_offers_won;
    }
}
