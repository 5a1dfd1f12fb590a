//! What people are told so that an order can change hands.

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
