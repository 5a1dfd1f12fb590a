//! One line in the story of an order: which machine moved, who moved it, and why.
//!
//! Every machine (order, payment, delivery, offer, refund) writes into the same story, and its
//! lines are numbered 1, 2, 3 … without holes, so that a reader can tell whether it missed one.

use crate::{clock::Timestamp, ids::OrderId, reason::Reason, role::Actor, text_enum::text_enum};

text_enum! {
    /// Which of the linked machines moved.
    pub enum Machine {
        /// The commercial and kitchen side.
        Order => "order",
        /// One attempt to pay.
        Payment => "payment",
        /// The rider's side.
        Delivery => "delivery",
        /// One proposal to one rider.
        Offer => "offer",
        /// Money on its way back.
        Refund => "refund",
    }
}

/// A change of any machine, as it is stored and told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Whose story.
    pub order_id: OrderId,
    /// Number of the line: 1 for the first.
    pub seq: i64,
    /// Which machine.
    pub machine: Machine,
    /// Text form of the event.
    pub event: &'static str,
    /// Text form of the state before; `None` when the thing was created.
    pub from: Option<&'static str>,
    /// Text form of the state after.
    pub to: &'static str,
    /// Who caused it.
    pub by: Actor,
    /// Why, if a reason was given.
    pub reason: Option<Reason>,
    /// When.
    pub at: Timestamp,
}
