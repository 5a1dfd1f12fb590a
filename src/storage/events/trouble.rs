//! What is told when a delivery does not go as planned.

use domain::{reason::Reason, role::ActorRole};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Push `unassigned`: a delivery is not this rider's any more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Unassigned {
    /// The order.
    pub order: String,
    /// Why.
    #[schemars(extend("enum" = Reason::names()))]
    pub reason: String,
    /// Who decided it: the rider himself, an operator or the system.
    #[schemars(extend("enum" = ActorRole::names()))]
    pub by: String,
}
