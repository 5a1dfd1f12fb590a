//! The live side: who is connected, who listens to what, who is asked next.
//!
//! Every actor is a thin shell around a plain struct that can be tested without a runtime.

pub mod fleet;
