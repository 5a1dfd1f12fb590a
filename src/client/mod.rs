//! An app's side of RiderHub: REST and the socket, as a Rust client.
//!
//! The demo city, the live replay and the end-to-end tests use it; it knows nothing of the server's
//! inside. Reading order: [`session`] (sign in and ask), [`link`] (the socket that comes back by
//! itself), [`log`] (what was received, complete and in order).

pub mod calls;
pub mod error;
pub mod link;
pub mod log;
pub mod pace;
pub mod rest;
pub mod session;
pub mod socket;

mod link_core;
mod link_task;
mod receipts;
