//! The socket, from outside: a real server and real clients.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod abuse;
mod catching_up;
mod chat;
mod client;
mod echo;
mod formats;
mod joining;
mod limits;
mod recall;
mod receipts;
mod slow;
mod support;
