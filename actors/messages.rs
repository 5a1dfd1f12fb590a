//! Every message between actors. One struct each; the docs say who sends it.

use std::marker::PhantomData;

use actix::{Message, MessageResponse};

/// Asks an actor what it holds; `S` is that actor's reply. Sent by tests, readiness and metrics.
#[derive(Debug, Clone, Copy, Default)]
pub struct Observe<S>(PhantomData<S>);

impl<S> Observe<S> {
    /// The question.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S: 'static> Message for Observe<S> {
    type Result = S;
}

/// Reply of the relay to [`Observe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, MessageResponse)]
pub struct RelayState {
    /// Comparisons with the journal that were started.
    pub n_audits: u64,
    /// Pages read to fill holes.
    pub n_repairs: u64,
    /// Reads that failed.
    pub n_failures: u64,
    /// Whether the bus is down, so that the journal is asked every second.
    pub is_degraded: bool,
}
