//! The rules of the business, and nothing else.
//!
//! Nothing in this crate waits, logs, reads a database or knows a wire format.
//! Reading order: the words, then one machine after the other with the decisions about it.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod ids;
pub mod text_enum;
mod transitions;

pub mod clock;
pub mod geo;
pub mod money;

pub mod checked_text;
pub mod policy;
pub mod rate;
pub mod reason;
pub mod role;
pub mod session;

pub mod change;
pub mod order_state;

pub mod order;

pub mod delivery_state;
pub mod offer_state;
pub mod payment_state;
pub mod refund_state;

pub mod delivery;
pub mod offer;
pub mod payment;

pub mod progress;
pub mod report;

pub mod handover;
pub mod pickup_code;

pub mod alarm;
pub mod escalation;

pub mod display_status;

pub mod cart;
pub mod options;
pub mod order_number;
pub mod price;
pub mod stock;

pub mod attachment;
pub mod chat;
pub mod quick_replies;

pub mod notice;

pub mod channel;

pub mod pace;
pub mod roads;
pub mod travel;

pub mod demand;
pub mod eta;
pub mod geofence;
pub mod regions;
pub mod sighting;

pub mod kitchen;

mod dice;

pub mod route;

pub mod dispatch;
