//! The service: HTTP and WebSocket in front, actors behind, stores below.
//!
//! Layers, each a crate, each using only the ones before it:
//! `domain` < `storage` < `usecases` < `actors` < `http` (here) < `main`.

pub mod city;
pub mod cli;
pub mod client;
pub mod replay;
