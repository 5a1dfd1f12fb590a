//! One function for each thing that somebody can ask for, by REST, by socket or by timer.
//!
//! A use case reads as a paragraph: load, decide (in `domain`), save, tell. [`platform`] is what
//! they are all given.

pub mod error;
pub mod platform;

pub mod channels;
pub mod chat;
pub mod story;

pub mod work;

pub mod duty;
pub mod offers;

pub mod deliveries;

pub mod accounts;
pub mod passwords;
pub mod sandbox;
pub mod tokens;
