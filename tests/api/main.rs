//! What RiderHub promises to apps, shown with real servers, sockets and databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::large_futures,
    unreachable_pub,
    reason = "a test fails by panicking, and this crate has no users"
)]

mod attachments;
mod bad_input;
mod chat;
mod commands;
mod demo;
mod devices;
mod drain;
mod every_frame;
mod fixtures;
mod grab;
mod handover;
mod life;
mod metrics;
mod notices;
mod on_the_way;
mod pool;
mod presence;
mod regions;
mod replay;
mod resume;
mod roads;
#[path = "../shapes/mod.rs"]
mod shapes;
mod support;
mod tokens;
mod trouble;
mod unruly;
mod without_redis;
