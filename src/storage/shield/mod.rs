//! Keeps buyers of what is sold out away from SQL: of a thousand who want the last hundred, about a
//! hundred go on.
//!
//! A shield decides nothing. What SQL has committed is told to it with a version; orders on their way
//! to SQL hold their pieces for a moment. What it does not know, or knows wrongly, costs time: SQL has
//! the last word, and a wrong number is found and overwritten (`usecases::stock_guard`). Two
//! implementations, one contract (`contract.rs`, run on both).

use std::time::Duration;

use domain::{
    ids::{OrderId, ProductId},
    text_enum::text_enum,
};
use futures_util::future::BoxFuture;

pub mod in_process;
pub mod redis;

#[cfg(test)]
mod contract;

/// How long an order on its way to SQL holds its pieces at most, in real time: longer than a write
/// may take. Nearly always it is told before what became of it.
pub const PENDING_HOLDS: Duration = Duration::from_secs(40);

/// How long what SQL said is remembered, in real time.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(600);

text_enum! {
    /// Whether an order may go on to SQL.
    pub enum Shielded {
        /// It may, and holds its pieces here.
        Reserved => "reserved",
        /// It was let through before.
        AlreadyYours => "already_yours",
        /// SQL said that so many are not left.
        SoldOut => "sold_out",
        /// Others who are on their way would take them: ask again in a moment.
        Held => "held",
        /// Nothing is known of the product; SQL decides.
        Unknown => "unknown",
        /// Nobody answers; SQL decides.
        Away => "away",
    }
}

/// What SQL says about a stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How many can be ordered.
    pub left: i64,
    /// Counts the changes of the stock.
    pub version: i64,
}

/// What a shield says it knows of a stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// This.
    Knows(Seen),
    /// Nothing.
    Nothing,
    /// It does not answer.
    Away,
}

/// Who may go on to SQL.
pub trait StockShield: Send + Sync {
    /// Asks for pieces of a product for an order. Safe to repeat.
    fn reserve(&self, product: ProductId, order: OrderId, pieces: i64) -> BoxFuture<'_, Shielded>;

    /// Tells what SQL committed; if an order caused it, it holds nothing here any more. What is older
    /// than what is known changes nothing. Safe to repeat.
    fn confirm(&self, product: ProductId, order: Option<OrderId>, seen: Seen) -> BoxFuture<'_, ()>;

    /// An order did not get through: it holds nothing here any more. Safe to repeat.
    fn release(&self, product: ProductId, order: OrderId) -> BoxFuture<'_, ()>;

    /// Forgets all that is known of a product and remembers this.
    fn fill(&self, product: ProductId, seen: Seen) -> BoxFuture<'_, ()>;

    /// What is known of a product.
    fn look(&self, product: ProductId) -> BoxFuture<'_, Look>;
}
