//! What an order's parties see of what ran out, and of a customer who wants to call it off.

use domain::clock::Timestamp;
use serde::Serialize;
use storage::{cancel_requests::CancelRequest, shortages::Shortage};
use utoipa::ToSchema;

use super::price_views::OrderLineView;

/// Missing pieces of a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShortageView {
    /// Number of the shortage, from 1.
    pub number: u32,
    /// Of which line, from 1.
    pub line: u32,
    /// How many pieces.
    pub quantity: u32,
    /// `open`, `substituted`, `refunded` or `lapsed`.
    pub state: &'static str,
    /// What the store offers instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub substitute: Option<OrderLineView>,
    /// What goes back, or goes back if the customer takes the substitute, in minor units.
    pub refund_minor: i64,
    /// Until when the customer may answer, in UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_by: Option<i64>,
}

/// A customer who wants to call the order off.
#[derive(Debug, Serialize, ToSchema)]
pub struct CancelRequestView {
    /// `open`, `agreed`, `refused` or `lapsed`.
    pub state: &'static str,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What the customer pays all the same, in minor units.
    pub fee_minor: i64,
    /// From when on silence is agreement, in UTC milliseconds.
    pub answer_by: i64,
}

impl From<Shortage> for ShortageView {
    fn from(it: Shortage) -> Self {
        Self {
            number: it.no,
            line: it.line_no,
            quantity: it.missing,
            state: it.state.as_str(),
            substitute: it.substitute.map(OrderLineView::from),
            refund_minor: it.refund.minor(),
            answer_by: it.answer_by.map(Timestamp::ms),
        }
    }
}

impl From<CancelRequest> for CancelRequestView {
    fn from(it: CancelRequest) -> Self {
        Self {
            state: it.state.as_str(),
            reason: it.reason.map(domain::reason::Reason::as_str),
            fee_minor: it.fee.minor(),
            answer_by: it.answer_by.ms(),
        }
    }
}
