//! One function for each thing that somebody can ask for, by REST, by socket or by timer.
//!
//! A use case reads as a paragraph: load, decide (in `domain`), save, tell. [`platform`] is what
//! they are all given.

pub mod accounts;
pub mod addresses;
pub mod audit;
pub mod codes;
pub mod demo;
pub mod error;
pub mod fixtures;
pub mod me;
pub mod messenger;
mod nudge;
pub mod passwords;
pub mod pictures;
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

pub mod cache;
pub mod stock;
pub mod stock_guard;
pub mod stores;

pub mod cart_moves;
pub mod carts;
pub mod choices;

pub mod order_case;
mod people;

pub mod placing;
pub mod pricing;
pub mod quotes;
pub mod slots;

pub mod payments;
pub mod refunds;
pub mod sandbox;

mod kitchens;
pub mod orders;

mod bells;
pub mod cancelling;
mod endings;
mod order_notes;
pub mod reordering;
mod searching;
pub mod shortages;
pub mod tickets;
pub mod urging;

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
