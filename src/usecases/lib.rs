//! One function for each thing that somebody can ask for, by REST, by socket or by timer.
//!
//! A use case reads as a paragraph: load, decide (in `domain`), save, tell. [`platform`] is what
//! they are all given.

pub mod error;
pub mod platform;

pub mod accounts;
pub mod passwords;
pub mod tokens;

pub mod stores;

pub mod carts;

pub mod order_case;

pub mod placing;

pub mod payments;
pub mod sandbox;

pub mod orders;

mod endings;

pub mod deadlines;

pub mod order_book;

pub mod ops;
