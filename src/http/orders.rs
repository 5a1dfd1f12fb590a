//! Orders: placing, reading, and what stores and customers do with them.

use actix_web::web::{Data, Path, Query};
use domain::{
    ids::{OrderId, StoreId},
    reason::Reason,
};
use serde::Deserialize;
use usecases::{
    order_book,
    order_case::Moved,
    orders::{self, Acceptance},
    placing,
    platform::Done,
    returns,
};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::Answer,
    extract::{AnyProfile, Body, Customer, IdPath, MaybeBody, MaybeKey, Merchant, RequiredKey},
    order_inputs::{OrderInput, id},
    order_views::{MovedView, OrderRowView, OrderView, OrdersView},
    page::PageLimit,
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

/// How a store takes an order.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInput {
    /// Kitchen time in minutes; left out for the store's usual time.
    pub prep_min: Option<u32>,
    /// Whether the kitchen starts at once (default true).
    pub start: Option<bool>,
}

/// Why a store does not take an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectInput {
    /// `closing_early`, `busy`, `ingredient_unavailable`, `sold_out` or `other`.
    pub reason: String,
}

/// Why an order is called off.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelInput {
    /// For customers `changed_mind`, `ordered_by_mistake`, `too_slow`, `no_rider_found` or `other`;
    /// a store must give one of its reasons, or `not_collected` two hours after it was ready.
    pub reason: Option<String>,
    /// For customers: the quote of `cancel/quote` whose fee is to be charged.
    pub quote: Option<String>,
}

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrdersQuery {
    /// Only those that have not ended (`true`) or have (`false`).
    pub open: Option<bool>,
    /// How many at most, up to 100 (default 50).
    #[param(value_type = Option<u32>)]
    pub limit: Option<PageLimit>,
    /// Only those placed before this order.
    #[param(value_type = Option<String>)]
    pub before: Option<IdPath<OrderId>>,
}

pub(super) fn reason(text: &str) -> Result<Reason, Problem> {
    let given = || {
        let all = Reason::OF_STORE.iter().chain(Reason::OF_CUSTOMER);
        all.chain(Reason::OF_COUNTER)
    };
    given().copied().find(|it| it.as_str() == text).ok_or_else(|| {
        let mut known: Vec<_> = given().map(|it| it.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        Problem::new(Kind::BadInput, format!("A reason is one of {}.", known.join(", ")))
    })
}

pub(super) fn moved(done: Done<Moved>) -> Answer<MovedView> {
    Answer::ok(MovedView::from(done.value)).replayed(done.dup)
}

/// Places an order; it waits for payment.
#[utoipa::path(post, path = "/v1/orders", operation_id = "create_order", tag = "orders",
    security(("bearer" = [])), params(("Idempotency-Key" = String, Header)),
    request_body = OrderInput,
    responses((status = 201, body = OrderView), (status = "4XX", body = ProblemView)))]
pub async fn create(
    AnyProfile(identity): AnyProfile,
    Customer(by): Customer,
    RequiredKey(key): RequiredKey,
    input: Body<OrderInput>,
    state: Data<HttpState>,
) -> Result<Answer<OrderView>, Problem> {
    let key = key.command(identity.profile, &input);
    let done = placing::place(&state.platform, by, input.wish()?, key).await?;
    let order_id = id(&done.value.order)?;
    let page = order_book::show(&state.platform, identity.profile, order_id).await?;
    Ok(Answer::created(OrderView::from(page)).replayed(done.dup))
}

/// Lists the orders of which the profile is a party, newest first.
#[utoipa::path(get, path = "/v1/orders", operation_id = "list_orders", tag = "orders",
    security(("bearer" = [])), params(OrdersQuery),
    responses((status = 200, body = OrdersView), (status = "4XX", body = ProblemView)))]
pub async fn list(
    AnyProfile(identity): AnyProfile,
    query: Query<OrdersQuery>,
    state: Data<HttpState>,
) -> Result<Answer<OrdersView>, Problem> {
    let OrdersQuery { open, limit, before } = query.into_inner();
    let (before, limit) = (before.map(|it| it.0), limit.unwrap_or_default().get());
    let now = state.platform.now();
    let row = |it| OrderRowView::new(it, now);
    let found =
        order_book::list_for(&state.platform, identity.profile, open, before, limit).await?;
    Ok(Answer::ok(OrdersView { orders: found.into_iter().map(row).collect() }))
}

/// Lists a store's orders for its staff, newest first.
#[utoipa::path(get, path = "/v1/stores/{store}/orders", operation_id = "list_store_orders",
    tag = "orders", security(("bearer" = [])), params(("store" = String, Path), OrdersQuery),
    responses((status = 200, body = OrdersView), (status = "4XX", body = ProblemView)))]
pub async fn list_for_store(
    Merchant(by): Merchant,
    store: Path<IdPath<StoreId>>,
    query: Query<OrdersQuery>,
    state: Data<HttpState>,
) -> Result<Answer<OrdersView>, Problem> {
    let OrdersQuery { open, limit, before } = query.into_inner();
    let (before, limit) = (before.map(|it| it.0), limit.unwrap_or_default().get());
    let now = state.platform.now();
    let row = |it| OrderRowView::new(it, now);
    let found =
        order_book::list_for_store(&state.platform, by, store.0, open, before, limit).await?;
    Ok(Answer::ok(OrdersView { orders: found.into_iter().map(row).collect() }))
}

/// Shows an order to one of its parties.
#[utoipa::path(get, path = "/v1/orders/{order}", operation_id = "get_order", tag = "orders",
    security(("bearer" = [])), params(("order" = String, Path)),
    responses((status = 200, body = OrderView), (status = "4XX", body = ProblemView)))]
pub async fn show(
    AnyProfile(identity): AnyProfile,
    order: Path<IdPath<OrderId>>,
    state: Data<HttpState>,
) -> Result<Answer<OrderView>, Problem> {
    let page = order_book::show(&state.platform, identity.profile, order.0).await?;
    Ok(Answer::ok(page.into()))
}

/// The store takes the order: its chat opens, riders are looked for.
#[utoipa::path(post, path = "/v1/orders/{order}/accept", operation_id = "accept_order",
    tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = Option<AcceptInput>,
    responses((status = 200, body = MovedView), (status = "4XX", body = ProblemView)))]
pub async fn accept(
    AnyProfile(identity): AnyProfile,
    Merchant(by): Merchant,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    MaybeBody(input): MaybeBody<AcceptInput>,
    state: Data<HttpState>,
) -> Result<Answer<MovedView>, Problem> {
    let how = Acceptance { prep_min: input.prep_min, start: input.start.unwrap_or(true) };
    let key = key.command(identity.profile, &input);
    Ok(moved(orders::accept(&state.platform, by, order.0, key, how).await?))
}

/// The kitchen begins.
#[utoipa::path(post, path = "/v1/orders/{order}/start", operation_id = "start_order",
    tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = MovedView), (status = "4XX", body = ProblemView)))]
pub async fn start(
    AnyProfile(identity): AnyProfile,
    Merchant(by): Merchant,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    state: Data<HttpState>,
) -> Result<Answer<MovedView>, Problem> {
    let key = key.bare(identity.profile);
    Ok(moved(orders::start(&state.platform, by, order.0, key).await?))
}

/// The kitchen is done; the rider may take it.
#[utoipa::path(post, path = "/v1/orders/{order}/ready", operation_id = "ready_order",
    tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = MovedView), (status = "4XX", body = ProblemView)))]
pub async fn ready(
    AnyProfile(identity): AnyProfile,
    Merchant(by): Merchant,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    state: Data<HttpState>,
) -> Result<Answer<MovedView>, Problem> {
    let key = key.bare(identity.profile);
    Ok(moved(orders::ready(&state.platform, by, order.0, key).await?))
}

/// The store does not take the order; all the money goes back.
#[utoipa::path(post, path = "/v1/orders/{order}/reject", operation_id = "reject_order",
    tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = RejectInput,
    responses((status = 200, body = MovedView), (status = "4XX", body = ProblemView)))]
pub async fn reject(
    AnyProfile(identity): AnyProfile,
    Merchant(by): Merchant,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    input: Body<RejectInput>,
    state: Data<HttpState>,
) -> Result<Answer<MovedView>, Problem> {
    let why = reason(&input.reason)?;
    let key = key.command(identity.profile, &input);
    Ok(moved(orders::reject(&state.platform, by, order.0, key, why).await?))
}

/// Somebody with the right to do so calls the order off; all the money goes back.
#[utoipa::path(post, path = "/v1/orders/{order}/cancel", operation_id = "cancel_order",
    tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = Option<CancelInput>,
    responses((status = 200, body = MovedView), (status = "4XX", body = ProblemView)))]
pub async fn cancel(
    AnyProfile(identity): AnyProfile,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    MaybeBody(input): MaybeBody<CancelInput>,
    state: Data<HttpState>,
) -> Result<Answer<MovedView>, Problem> {
    let why = input.reason.as_deref().map(reason).transpose()?;
    let quote_id = input.quote.as_deref().map(id).transpose()?;
    let (by, key) = (identity.profile, key.command(identity.profile, &input));
    Ok(moved(orders::cancel_quoted(&state.platform, by, order.0, key, why, quote_id).await?))
}

/// The customer confirms the receipt.
#[utoipa::path(post, path = "/v1/orders/{order}/confirm", operation_id = "confirm_order",
    tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = MovedView), (status = "4XX", body = ProblemView)))]
pub async fn confirm(
    AnyProfile(identity): AnyProfile,
    Customer(by): Customer,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    state: Data<HttpState>,
) -> Result<Answer<MovedView>, Problem> {
    let key = key.bare(identity.profile);
    Ok(moved(orders::confirm(&state.platform, by, order.0, key).await?))
}

/// The store has goods again that could not be handed over; the order ends.
#[utoipa::path(post, path = "/v1/orders/{order}/returned", operation_id = "returned_order",
    tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = MovedView), (status = "4XX", body = ProblemView)))]
pub async fn returned(
    AnyProfile(identity): AnyProfile,
    Merchant(by): Merchant,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    state: Data<HttpState>,
) -> Result<Answer<MovedView>, Problem> {
    let key = key.bare(identity.profile);
    Ok(moved(returns::brought_back(&state.platform, by, order.0, key).await?))
}
