//! Claims on pooled deliveries: of many who grab one, one goes on to SQL.
//!
//! A claim shields SQL; it decides nothing. It ends by itself, and whoever went on is judged by SQL. Without
//! an answer everybody goes on. Two implementations, one contract (`contract.rs`, run on both).

use std::time::Duration;

use domain::{
    ids::{OrderId, RiderId},
    text_enum::text_enum,
};
use futures_util::future::BoxFuture;

pub mod in_process;
pub mod redis;

#[cfg(test)]
mod contract;

/// How long a claim holds, in real time: longer than a transaction takes, shorter than anybody would wait
/// for a delivery that its winner could not take after all.
pub const CLAIM_HOLDS: Duration = Duration::from_secs(3);

text_enum! {
    /// What a claim came to.
    pub enum Claimed {
        /// The caller holds it now.
        Won => "won",
        /// The caller held it before.
        AlreadyYours => "already_yours",
        /// Somebody else holds it.
        Lost => "lost",
        /// Nobody knows; SQL decides.
        Unknown => "unknown",
    }
}

/// Who may go on to SQL.
pub trait Claims: Send + Sync {
    /// Claims a delivery for a rider, for [`CLAIM_HOLDS`].
    fn take(&self, order: OrderId, rider: RiderId) -> BoxFuture<'_, Claimed>;

    /// Gives back a claim that the rider could not use, so that others need not wait for its end. Nothing
    /// happens to somebody else's.
    fn free(&self, order: OrderId, rider: RiderId) -> BoxFuture<'_, ()>;
}
