//! The rules of the business, and nothing else.
//!
//! Nothing in this crate waits, logs, reads a database or knows a wire format.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod ids;
pub mod text_enum;

pub mod clock;
pub mod geo;
pub mod money;

pub mod travel;

mod dice;

pub mod route;

pub mod dispatch;
