//! The service.

pub mod cli;
pub mod replay;
