//! Riders' work through the use cases and the dispatcher's cycle, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod bundles;
mod kitchens;
mod leaving;
mod offers;
mod pool;
mod proofs;
mod regions;
mod returns;
mod searching;
mod support;
mod travel;
