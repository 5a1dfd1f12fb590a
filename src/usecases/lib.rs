//! One function for each thing that somebody can ask for, by REST, by socket or by timer.
//!
//! A use case reads as a paragraph: load, decide (in `domain`), save, tell. [`platform`] is what
//! they are all given.

pub mod accounts;
pub mod demo;
pub mod error;
pub mod fixtures;
mod nudge;
pub mod passwords;
pub mod platform;
pub mod revoked;
pub mod sessions;
pub mod sign_outs;
pub mod token_keys;
pub mod tokens;
pub mod tries;

pub mod attachment_ends;
pub mod attachments;
pub mod blob_place;
pub mod channels;
pub mod chat;
pub mod devices;
pub mod inbox;
pub mod presence;
pub mod recall;
pub mod receipts;
pub mod saying;

pub mod notice_content;
pub mod notices;
pub mod notifier;
pub mod push_addresses;
pub mod vapid;

pub mod stock;
pub mod stores;

pub mod cart_moves;
pub mod carts;
pub mod choices;

pub mod order_case;
mod people;

pub mod placing;
pub mod pricing;
pub mod quotes;

pub mod payments;
pub mod sandbox;

mod kitchens;
pub mod orders;

mod endings;
mod searching;

pub mod order_book;

pub mod alarms;
pub mod ops;

pub mod retention;
mod room;

pub mod duty;
pub mod offers;

pub mod deliveries;
pub mod handing_on;
pub mod handovers;
pub mod proofs;
pub mod returns;
pub mod watch;

pub mod board;
pub mod delays;
pub mod demand;
pub mod dispatch;
pub mod dispatch_news;
mod expected;
mod legs;
mod offering;
pub mod paces;
mod rider_scores;
pub mod roads;
pub mod spots;

pub mod tracks;

pub mod deadlines;
