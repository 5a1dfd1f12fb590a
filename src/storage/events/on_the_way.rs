//! When an order is expected, and that it will be late.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A time as people are told it: a range, in UTC milliseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub struct EtaRange {
    /// The best guess.
    pub eta: i64,
    /// The earliest sensible guess.
    pub low: i64,
    /// The latest sensible guess.
    pub high: i64,
}

/// Push `eta`: when an order is expected at the door. At most one a minute for each order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Eta {
    /// The order.
    pub order: String,
    /// Always `dropoff`.
    #[schemars(extend("enum" = ["dropoff"]))]
    pub stop: String,
    /// At the door.
    #[serde(flatten)]
    pub range: EtaRange,
    /// The rider at the store; left out once he has been there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup: Option<EtaRange>,
    /// When it was reckoned, in UTC milliseconds.
    pub at: i64,
}

/// Push `order.delayed`: an order cannot be at the door any more when it was promised.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OrderDelayed {
    /// The order.
    pub order: String,
    /// When it was promised, in UTC milliseconds.
    pub promised: i64,
    /// The earliest sensible arrival, in UTC milliseconds.
    pub low: i64,
    /// The latest sensible arrival; left out while nobody is found to bring it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<i64>,
    /// How late it will be at least, in milliseconds.
    pub late_ms: i64,
    /// Whether this was told before, and has grown.
    pub again: bool,
}
