//! What is promised over HTTP, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod accounts;
mod as_of;
mod attachments;
mod audit;
mod blobs;
mod cache;
mod carts;
mod inbox;
mod journal;
mod later;
mod limits;
mod notices;
mod orders;
mod payments;
mod people;
mod permissions;
mod pickups;
mod prices;
mod problems;
mod quick_replies;
mod recorder;
mod retention;
mod second_thoughts;
mod sessions;
mod stock;
mod stores;
mod support;
mod table;
