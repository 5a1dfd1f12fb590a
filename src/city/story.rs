//! What entries of logged channels mean to people.

use crate::client::log::Entry;

/// One machine of an order reached a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved<'a> {
    /// The order.
    pub order: &'a str,
    /// `order`, `payment`, `delivery`, `offer` or `refund`.
    pub machine: &'a str,
    /// The state.
    pub to: &'a str,
    /// Number of the line in the order's story; several channels tell the same line.
    pub seq: i64,
}

/// Reads a push `order`.
pub fn moved(entry: &Entry) -> Option<Moved<'_>> {
    if entry.kind != "order" {
        return None;
    }
    Some(Moved {
        order: entry.text("order")?,
        machine: entry.text("machine")?,
        to: entry.text("to")?,
        seq: entry.body.get("seq")?.as_i64()?,
    })
}

/// Whether an order in this state will not change any more.
pub fn is_over(state: &str) -> bool {
    matches!(state, "completed" | "rejected" | "cancelled" | "closed")
}

/// The order and the text of something said by somebody else.
pub fn said<'a>(entry: &'a Entry, me: &str) -> Option<(&'a str, &'a str)> {
    if entry.kind != "msg" || entry.sender == me || entry.text("kind") != Some("text") {
        return None;
    }
    Some((entry.channel.strip_prefix("order:")?, entry.text("body")?))
}
