//! The app under test: real nodes as processes of their own, and people with real sockets.

mod node;
mod people;
pub mod push_service;

pub use node::{Node, World, each_world};
pub use people::{Person, Shop, given_order, given_paid_order, given_shop, spot};
