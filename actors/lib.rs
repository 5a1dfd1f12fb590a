//! The live side: who is connected, who listens to what, who is asked next.
//!
//! Every actor is a thin shell around a plain struct that can be tested without a runtime.
//!
//! ```text
//!  socket ─> Reader ─> Connection ─ commands ─> use cases ─ commit ─> Bridge (the Announcer)
//!    ^                     │ Session: attach, catch up, open              │          │
//!    └── Writer <─ Outbox <┴──────────────── Hub (shards) <───────────────┤         bus
//!          one queue a socket                 ^   fan-out                 └──────────┤
//!                                             │ what is missing           other nodes┘
//!                                    Relay ───┴── reads the journal
//!                    Dispatcher, Timekeeper: rows that are due ─> use cases
//! ```
//!
//! Started in this order: bus link, `Hub`, `Bridge`, platform, `Relay`, then the rest; a
//! `Connection` for every socket. Reading order: [`outbox`], [`channel_log`] (the promise),
//! [`hub`], [`relay`], [`session`], [`connection`], [`commands`].

pub mod admission;
pub mod close;
pub mod drain;
pub mod frame;
pub mod msgpack;
pub mod objects;
pub mod outbox;
pub mod reader;
pub mod writer;

mod queue;
mod wire;

pub mod channel_log;
pub mod fan_out;
pub mod hearing;
pub mod hub;
pub mod interest;
pub mod lanes;
pub mod link;
pub mod members;
pub mod registry;

pub mod bridge;
pub mod envelope;
pub mod frames;
pub mod messages;
pub mod relay;

pub mod catalogue;
pub mod catch_up;
pub mod commands;
pub mod connection;
pub mod echo;
pub mod live;
pub mod method;
pub mod protocol;
pub mod rate;
pub mod receipts;
pub mod refusal;
pub mod session;
mod standing;

mod for_ever;

pub mod arrivals;
pub mod fleet;
pub mod positions;
pub mod publishers;
pub mod tracks;

pub mod dispatcher;
pub mod herald;
pub mod housekeeper;
pub mod presence;
pub mod presence_book;
pub mod roll;
pub mod timekeeper;
pub mod warden;

#[cfg(test)]
mod live_tests;
