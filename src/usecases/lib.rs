//! One function for each thing that somebody can ask for, by REST, by socket or by timer.
//!
//! A use case reads as a paragraph: load, decide (in `domain`), save, tell. [`platform`] is what
//! they are all given.

pub mod platform;
pub mod story;

pub mod work;

pub mod duty;
pub mod offers;

pub mod deliveries;

pub mod board;
pub mod dispatch;
