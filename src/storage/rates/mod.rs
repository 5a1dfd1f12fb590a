//! Rates: how often an address, an account or a login does something.
//!
//! Two implementations, one contract (`contract.rs`, run on both). Without Redis each node counts for
//! itself: a limit is then one for each node, and nobody is kept waiting.

use domain::rate::{Quota, Taken};
use futures_util::future::BoxFuture;

pub mod in_process;
pub mod redis;

#[cfg(test)]
mod contract;

/// Who may do something how often.
pub trait Rates: Send + Sync {
    /// Takes one of `key`'s quota.
    fn take(&self, key: String, quota: Quota) -> BoxFuture<'_, Taken>;

    /// The same counted by this node alone, for what is asked so often that asking others would cost
    /// more than it is worth.
    fn take_here(&self, key: String, quota: Quota) -> Taken;

    /// Gives one back.
    fn give(&self, key: String, quota: Quota) -> BoxFuture<'_, ()>;

    /// Gives everything back that was taken of `key`.
    fn forget(&self, key: String) -> BoxFuture<'_, ()>;
}
