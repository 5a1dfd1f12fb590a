//! Things that run out while an order is made, the kitchen's slip, and ordering the same again.

use actix_web::{
    HttpResponse,
    http::header::{CONTENT_TYPE, HeaderValue},
    web::{Data, Path, Query},
};
use domain::{
    cart::Quantity,
    ids::OrderId,
    ticket::{NARROW, WIDE},
};
use serde::{Deserialize, Serialize};
use usecases::{
    carts,
    error::AskError,
    reordering,
    shortages::{self, Missing},
    tickets,
};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::Answer,
    carts::{CartView, view},
    extract::{AnyProfile, Body, Customer, IdPath, MaybeKey, Merchant},
    order_inputs::OrderLineInput,
    order_views::MovedView,
    orders::moved,
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

/// Something that has run out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShortageInput {
    /// Which line of the order, from 1.
    pub line: u32,
    /// How many pieces, 1 to 99.
    pub quantity: i64,
    /// What the store offers instead; left out, the money goes back at once.
    pub substitute: Option<OrderLineInput>,
}

/// What the customer says to a substitute.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShortageAnswerInput {
    /// Whether the customer takes it; otherwise the money goes back.
    pub accept: bool,
}

/// How the slip shall look.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TicketQuery {
    /// `text` (default) or `escpos`: the bytes for a receipt printer, in UTF-8.
    pub format: Option<TicketFormat>,
    /// Columns of the paper: 32 (default) or 48.
    pub columns: Option<TicketColumns>,
}

/// What a slip is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TicketFormat {
    /// A screen.
    Text,
    /// A receipt printer.
    Escpos,
}

/// How wide a slip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub enum TicketColumns {
    /// 58 mm paper.
    #[serde(rename = "32")]
    Narrow,
    /// 80 mm paper.
    #[serde(rename = "48")]
    Wide,
}

/// What came of ordering the same again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReorderView {
    /// The cart with what is still sold.
    pub cart: CartView,
    /// What is not, and why.
    pub left_out: Vec<LeftOutView>,
}

/// Something that is not sold any more, or not so.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftOutView {
    /// Which product.
    pub product: String,
    /// What it was called.
    pub name: String,
    /// Why, for people.
    pub text: String,
}

/// The store says that something has run out.
#[utoipa::path(post, path = "/v1/orders/{order}/shortages", operation_id = "raise_shortage",
    tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = ShortageInput,
    responses((status = 200, body = MovedView), (status = "4XX", body = ProblemView)))]
pub async fn raise(
    AnyProfile(identity): AnyProfile,
    Merchant(by): Merchant,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    input: Body<ShortageInput>,
    state: Data<HttpState>,
) -> Result<Answer<MovedView>, Problem> {
    let pieces = Quantity::new(input.quantity).map_err(AskError::from)?;
    let substitute = input.substitute.as_ref().map(OrderLineInput::line).transpose()?;
    let missing = Missing { line_no: input.line, pieces, substitute };
    let key = key.command(identity.profile, &input);
    Ok(moved(shortages::raise(&state.platform, by, order.0, missing, key).await?))
}

/// The customer takes the substitute, or the money. Silence is the money.
#[utoipa::path(post, path = "/v1/orders/{order}/shortages/{number}/answer",
    operation_id = "answer_shortage", tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("number" = u32, Path),
        ("Idempotency-Key" = Option<String>, Header)),
    request_body = ShortageAnswerInput,
    responses((status = 200, body = MovedView), (status = "4XX", body = ProblemView)))]
pub async fn answer(
    AnyProfile(identity): AnyProfile,
    Customer(by): Customer,
    path: Path<(IdPath<OrderId>, u32)>,
    key: MaybeKey,
    input: Body<ShortageAnswerInput>,
    state: Data<HttpState>,
) -> Result<Answer<MovedView>, Problem> {
    let (IdPath(order_id), no) = path.into_inner();
    let key = key.command(identity.profile, &input);
    Ok(moved(shortages::answer(&state.platform, by, order_id, no, input.accept, key).await?))
}

/// Prints the slip of an order, as text or for a receipt printer.
#[utoipa::path(get, path = "/v1/orders/{order}/ticket", operation_id = "get_ticket",
    tag = "orders", security(("bearer" = [])), params(("order" = String, Path), TicketQuery),
    responses((status = 200, content((String = "text/plain"), (Vec<u8> = "application/octet-stream"))),
        (status = "4XX", body = ProblemView)))]
pub async fn ticket(
    AnyProfile(identity): AnyProfile,
    order: Path<IdPath<OrderId>>,
    query: Query<TicketQuery>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let slip = tickets::ticket(&state.platform, identity.profile, order.0).await?;
    let columns = match query.columns {
        None | Some(TicketColumns::Narrow) => NARROW,
        Some(TicketColumns::Wide) => WIDE,
    };
    let answer = |media: &'static str, bytes: Vec<u8>| {
        let media = HeaderValue::from_static(media);
        HttpResponse::Ok().insert_header((CONTENT_TYPE, media)).body(bytes)
    };
    Ok(match query.format {
        None | Some(TicketFormat::Text) => {
            answer("text/plain; charset=utf-8", slip.text(columns).into_bytes())
        }
        Some(TicketFormat::Escpos) => {
            let bytes = slip.esc_pos(columns, |text| text.as_bytes().to_vec());
            answer("application/octet-stream", bytes)
        }
    })
}

/// Puts what was ordered into the cart again, as far as it is still sold.
#[utoipa::path(post, path = "/v1/orders/{order}/reorder", operation_id = "reorder", tag = "orders",
    security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = ReorderView), (status = "4XX", body = ProblemView)))]
pub async fn reorder(
    AnyProfile(identity): AnyProfile,
    Customer(by): Customer,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    state: Data<HttpState>,
) -> Result<Answer<ReorderView>, Problem> {
    let key = key.bare(identity.profile);
    let done = reordering::reorder(&state.platform, by, order.0, key).await?;
    let (dup, again) = (done.dup, done.value);
    let store_id = again.store.parse().map_err(|_| {
        Problem::new(Kind::Internal, "Something is wrong on our side; it has been written down.")
    })?;
    let cart = carts::show(&state.platform, by, store_id).await?;
    let left_out = again.left_out.into_iter();
    let left_out = left_out
        .map(|it| LeftOutView { product: it.product, name: it.name, text: it.why })
        .collect();
    Ok(Answer::ok(ReorderView { cart: view(cart, identity.profile), left_out }).replayed(dup))
}
