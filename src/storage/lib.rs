//! Crate under construction.

pub mod bus;
