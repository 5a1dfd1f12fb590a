//! What people are told so that an order can change hands.

use domain::handover::{Mode, Needed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StorePoint;

/// Push `pickup.ready`: an order waits at the store for the customer who collects it.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct PickupReady {
    /// The order.
    pub order: String,
    /// Where it waits.
    pub store: StorePoint,
    /// What the customer says at the counter.
    pub code: String,
    /// The text of the QR code that the store scans instead.
    pub qr: String,
}

/// Push `handover`: what is needed so that an order can change hands has changed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct HandoverNews {
    /// The order.
    pub order: String,
    /// Who carries it from the store.
    #[schemars(extend("enum" = Mode::names()))]
    pub mode: String,
    /// What the rider must give at the door as things stand.
    #[schemars(extend("enum" = Needed::names()))]
    pub needs: String,
    /// Whether the PIN was wrong too often.
    pub is_locked: bool,
    /// Why an operator does without a proof, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<String>,
}
