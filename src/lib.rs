//! The service: HTTP and WebSocket in front, actors behind, stores below.
//!
//! Layers, each a crate, each using only the ones before it:
//! `domain` < `storage` < `usecases` < `actors` < `http` (here) < `main`.
//!
//! Reading order: [`http`] (what can be asked), [`startup`] (how it is put together), [`settings`],
//! then [`client`] and the cities that live through it: [`demo`] and [`replay`].

pub mod settings;
pub mod telemetry;

pub mod asyncapi;
pub mod http;
pub mod http_client;
pub mod notify;
pub mod osrm;

pub mod opening;
pub mod shared_clock;
pub mod shutdown;
pub mod startup;

pub mod client;

pub mod city;
pub mod demo;
pub mod replay;

pub mod cli;
