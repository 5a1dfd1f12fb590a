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

/// Ends an actor that works by itself, before what it works on is closed.
///
/// Sent by the program when it stops. Safe to send twice.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Stop;

/// Reply of the relay to [`Observe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, MessageResponse)]
pub struct RelayState {
    /// Comparisons with the journal that were started.
    pub n_audits: u64,
    /// Questions for the journal's heads, each about many channels.
    pub n_head_queries: u64,
    /// Pages read to fill holes.
    pub n_repairs: u64,
    /// Reads that failed.
    pub n_failures: u64,
    /// Whether the bus is down, so that the journal is asked every second.
    pub is_degraded: bool,
}

/// Reply of a connection to [`Observe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, MessageResponse)]
pub struct ConnectionState {
    /// Whether somebody has signed in on it.
    pub is_signed_in: bool,
    /// Channels that it hears.
    pub n_channels: usize,
    /// Bytes that wait for the socket.
    pub n_bytes_waiting: usize,
}

/// Reply of the dispatcher to [`Observe`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, MessageResponse)]
pub struct DispatcherState {
    /// Cycles since the start.
    pub n_cycles: u64,
    /// Offers made by this node.
    pub n_offers: u64,
    /// Deliveries put into the pool by this node.
    pub n_pooled: u64,
    /// Changes that somebody else had made first.
    pub n_beaten: u64,
    /// Nodes that plan, this one included.
    pub n_nodes: usize,
    /// Regions with work that this node plans.
    pub n_regions: usize,
}

/// Reply of the herald to [`Observe`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, MessageResponse)]
pub struct HeraldState {
    /// Notices that this node got rid of.
    pub n_sent: u64,
    /// Steps that failed and come again.
    pub n_failures: u64,
}

/// Reply of the timekeeper to [`Observe`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, MessageResponse)]
pub struct TimekeeperState {
    /// Deadlines carried out by this node.
    pub n_carried_out: u64,
    /// Tries that failed and come again.
    pub n_failures: u64,
}
