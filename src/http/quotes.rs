//! Quotes: prices that hold for some minutes.

use actix_web::web::Data;
use serde::Serialize;
use usecases::quotes::{self, Quote};
use utoipa::ToSchema;

use super::{
    answer::Answer,
    extract::{AnyProfile, Body, Customer, MaybeKey},
    order_inputs::OrderInput,
    price_views::{OrderLineView, PriceView},
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

/// A price that holds for some minutes.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuoteView {
    /// By this an order names it.
    pub quote: String,
    /// Until when it holds, in UTC milliseconds.
    pub expires_at: i64,
    /// What would be ordered.
    pub lines: Vec<OrderLineView>,
    /// What it costs and why.
    pub price: PriceView,
}

impl From<Quote> for QuoteView {
    fn from(it: Quote) -> Self {
        Self {
            quote: it.id.to_string(),
            expires_at: it.expires_at.ms(),
            lines: it.priced.lines.into_iter().map(OrderLineView::from).collect(),
            price: PriceView::from(&it.priced.parts),
        }
    }
}

/// Prices an order and promises the price for some minutes. Send the same with `quote` to order.
#[utoipa::path(post, path = "/v1/quotes", operation_id = "create_quote", tag = "orders",
    security(("bearer" = [])), params(("Idempotency-Key" = Option<String>, Header)),
    request_body = OrderInput,
    responses((status = 201, body = QuoteView), (status = "4XX", body = ProblemView)))]
pub async fn create(
    AnyProfile(identity): AnyProfile,
    Customer(by): Customer,
    key: MaybeKey,
    input: Body<OrderInput>,
    state: Data<HttpState>,
) -> Result<Answer<QuoteView>, Problem> {
    if input.quote.is_some() {
        let detail = "Leave `quote` out to ask for a new one.";
        return Err(Problem::new(Kind::BadInput, detail));
    }
    let key = key.command(identity.profile, &input);
    let done = quotes::quote(&state.platform, by, input.wish()?, key).await?;
    Ok(Answer::created(QuoteView::from(done.value)).replayed(done.dup))
}
