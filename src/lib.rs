//! The service.

pub mod client;
