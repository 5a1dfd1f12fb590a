//! Says what has arrived, so that nobody is woken for what a device of his has.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::link_core::Copies;

/// Channels acknowledged in one go at most: commands must have room beside them.
const AT_ONCE: usize = 5;

/// Up to where each channel was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    said: BTreeMap<String, u64>,
}

impl Receipts {
    /// Parameters of the `ack` commands that are to be sent. What is lost with a connection is said
    /// with the next entry: acknowledgements are cumulative.
    pub(super) fn due(&mut self, copies: &Copies) -> Vec<Value> {
        let mut due = Vec::new();
        for (ch, log) in &copies.logs {
            let said = self.said.get(ch).copied().unwrap_or(0);
            if log.last() > said && due.len() < AT_ONCE {
                self.said.insert(ch.clone(), log.last());
                due.push(json!({ "ch": ch, "off": log.last() }));
            }
        }
        self.said.retain(|ch, _| copies.logs.contains_key(ch));
        due
    }

    /// Another connection: what was said on the last one may not have arrived.
    pub(super) fn say_again(&mut self) {
        self.said.clear();
    }
}
