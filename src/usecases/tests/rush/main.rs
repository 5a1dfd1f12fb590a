//! Many at once: buyers of the last pieces, the same request again and again, and everybody who may
//! end an order. On SQLite, on MariaDB, and on two nodes with MariaDB and Redis.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod buyers;
mod guard;
mod races;
mod support;
