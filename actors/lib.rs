//! The live side of the service.

pub mod close;
pub mod outbox;
pub mod writer;

pub mod channel_log;
pub mod members;
