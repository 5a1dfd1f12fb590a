//! SQL and Redis: facts in, facts out. Nothing is decided here.
//!
//! Reading order: [`db`] (two engines, one SQL text), [`store`] (transactions), [`journal`] and
//! [`commands`] (what makes everything exactly once), then one module for each table family.

#[cfg(test)]
#[macro_use]
mod on_all;

pub mod error;

mod checkpoint;
mod columns;
pub mod connect;
pub mod db;
pub mod dialect;
pub mod migrations;
pub mod store;

pub mod bus;
pub mod claims;
pub mod rates;

pub mod attachments;
pub mod blobs;
pub mod commands;
pub mod cursors;
pub mod entries;
pub mod events;
pub mod explanations;
pub mod gaps;
pub mod inbox;
pub mod journal;
pub mod notices;
pub mod posts;
pub mod push;
pub mod push_addresses;
pub mod retention;
pub mod shared_values;
pub mod timers;

pub mod health;

pub mod accounts;
pub mod arrival;
pub mod presence;
pub mod publishers;
pub mod revocations;
pub mod seats;
pub mod sign_ins;
pub mod tokens;

pub mod carts;
pub mod choices;
pub mod handovers;
pub mod order_lines;
pub mod order_numbers;
pub mod orders;
pub mod payments;
pub mod products;
pub mod quotes;
pub mod stock;
pub mod stock_log;
pub mod store_fees;
pub mod stores;
pub mod stories;

pub mod alarms;
pub mod delays;
pub mod deliveries;
pub mod dispatch_nodes;
pub mod duty;
pub mod kitchens;
pub mod leases;
pub mod leaves;
pub mod offers;
pub mod paces;
pub mod rider_records;
pub mod tracks;

#[cfg(feature = "testing")]
pub mod testing;
