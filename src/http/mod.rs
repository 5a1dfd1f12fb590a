//! The doors: REST routes and the socket.

pub mod ws;
