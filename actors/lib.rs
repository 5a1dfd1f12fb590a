//! The live side of the service.

pub mod close;
pub mod outbox;
pub mod writer;
