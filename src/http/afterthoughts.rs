//! What happens to an order besides its usual way: slots of orders for later, urging, and calling off
//! with the store's consent.

use actix_web::web::{Data, Path, Query};
use domain::{
    clock::Timestamp,
    ids::{OrderId, StoreId},
    slots::SlotRules,
};
use serde::{Deserialize, Serialize};
use usecases::{
    cancelling::{self, CancelAnswer, CancelQuote},
    slots::{self, SlotPage},
    urging,
};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::Answer,
    extract::{AnyProfile, Body, Customer, IdPath, MaybeBody, MaybeKey, Merchant},
    order_inputs::id,
    order_views::MovedView,
    orders::{moved, reason},
    page::PageLimit,
    problem::{Problem, ProblemView},
    state::HttpState,
};

/// How a store takes orders for later.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlotRulesInput {
    /// How long a slot is, in minutes: 5 to 240, a divisor of a day.
    pub minutes: u32,
    /// How many orders fit into a slot; 0 takes no orders for later.
    pub capacity: u32,
    /// How many days ahead may be ordered, 1 to 30 (default 7).
    pub days_ahead: Option<u32>,
}

/// Which slots.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SlotsQuery {
    /// From when on, in UTC milliseconds (default: the first that can be made).
    pub from: Option<i64>,
    /// How many at most, 1 to 100 (default 50).
    #[param(value_type = Option<u32>)]
    pub limit: Option<PageLimit>,
}

/// Slots that can be ordered for.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotsView {
    /// How long a slot is, in minutes.
    pub minutes: u32,
    /// How many orders fit into a slot; 0 if the store takes no orders for later.
    pub capacity: u32,
    /// How many days ahead may be ordered.
    pub days_ahead: u32,
    /// The slots, in the order of time.
    pub slots: Vec<SlotView>,
}

/// A slot that can be ordered for.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotView {
    /// When it begins, in UTC milliseconds: `scheduled_for` of an order.
    pub begins: i64,
    /// How many orders still fit.
    pub left: u32,
}

/// Asking the store to let an order go.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelRequestInput {
    /// `changed_mind`, `ordered_by_mistake`, `too_slow`, `no_rider_found` or `other`.
    pub reason: Option<String>,
    /// The quote whose fee is to be charged; left out for the fee of now.
    pub quote: Option<String>,
}

/// What calling an order off costs, promised for some minutes.
#[derive(Debug, Serialize, ToSchema)]
pub struct CancelQuoteView {
    /// By this the customer names it.
    pub quote: String,
    /// What the customer pays all the same, in minor units.
    pub fee_minor: i64,
    /// What goes back, in minor units.
    pub refund_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Whether the store has to agree: then ask with `cancel/request`, or else use `cancel`.
    pub needs_consent: bool,
    /// Until when it holds, in UTC milliseconds.
    pub expires_at: i64,
}

/// What came of asking the store to let an order go.
#[derive(Debug, Serialize, ToSchema)]
pub struct CancelAnswerView {
    /// The order.
    pub order: String,
    /// Where the order stands.
    pub state: String,
    /// `open`, `agreed`, `refused` or `lapsed`; `agreed` also if nobody had to be asked.
    pub request: String,
    /// What the customer pays all the same, in minor units.
    pub fee_minor: i64,
    /// What goes back, in minor units.
    pub refund_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// From when on silence is agreement, in UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_by: Option<i64>,
}

impl From<SlotPage> for SlotsView {
    fn from(it: SlotPage) -> Self {
        let slot = |it: slots::Slot| SlotView { begins: it.begins.ms(), left: it.left };
        let SlotRules { minutes, capacity, days_ahead } = it.rules;
        Self { minutes, capacity, days_ahead, slots: it.slots.into_iter().map(slot).collect() }
    }
}

impl From<CancelQuote> for CancelQuoteView {
    fn from(it: CancelQuote) -> Self {
        let CancelQuote { quote, fee_minor, refund_minor, currency, needs_consent, expires_at } =
            it;
        Self { quote, fee_minor, refund_minor, currency, needs_consent, expires_at }
    }
}

impl From<CancelAnswer> for CancelAnswerView {
    fn from(it: CancelAnswer) -> Self {
        let CancelAnswer { order, state, request, fee_minor, refund_minor, currency, answer_by } =
            it;
        Self { order, state, request, fee_minor, refund_minor, currency, answer_by }
    }
}

/// Says how a store takes orders for later.
#[utoipa::path(put, path = "/v1/stores/{store}/slots", operation_id = "put_store_slots",
    tag = "stores", security(("bearer" = [])), params(("store" = String, Path)),
    request_body = SlotRulesInput,
    responses((status = 200, body = SlotsView), (status = "4XX", body = ProblemView)))]
pub async fn put_slots(
    Merchant(by): Merchant,
    store: Path<IdPath<StoreId>>,
    input: Body<SlotRulesInput>,
    state: Data<HttpState>,
) -> Result<Answer<SlotsView>, Problem> {
    let days_ahead = input.days_ahead.unwrap_or(SlotRules::NONE.days_ahead);
    let rules = SlotRules { minutes: input.minutes, capacity: input.capacity, days_ahead };
    slots::change(&state.platform, by, store.0, rules).await?;
    Ok(Answer::ok(
        slots::list(&state.platform, store.0, None, PageLimit::default().get()).await?.into(),
    ))
}

/// Shows the next slots that can be ordered for.
#[utoipa::path(get, path = "/v1/stores/{store}/slots", operation_id = "list_store_slots",
    tag = "stores", params(("store" = String, Path), SlotsQuery),
    responses((status = 200, body = SlotsView), (status = "4XX", body = ProblemView)))]
pub async fn list_slots(
    store: Path<IdPath<StoreId>>,
    query: Query<SlotsQuery>,
    state: Data<HttpState>,
) -> Result<Answer<SlotsView>, Problem> {
    // What lies before now is not offered anyway; what lies far ahead neither.
    let now = state.platform.now().ms();
    let from = query.from.map(|it| Timestamp::from_ms(it.clamp(now, now + FAR_MS)));
    let limit = query.limit.unwrap_or_default().get();
    Ok(Answer::ok(slots::list(&state.platform, store.0, from, limit).await?.into()))
}

/// Further ahead than any store plans, in milliseconds.
const FAR_MS: i64 = 366 * 24 * 3_600_000;

/// The customer urges store and rider.
#[utoipa::path(post, path = "/v1/orders/{order}/urge", operation_id = "urge_order", tag = "orders",
    security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = MovedView), (status = "4XX", body = ProblemView)))]
pub async fn urge(
    AnyProfile(identity): AnyProfile,
    Customer(by): Customer,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    state: Data<HttpState>,
) -> Result<Answer<MovedView>, Problem> {
    let key = key.bare(identity.profile);
    Ok(moved(urging::urge(&state.platform, by, order.0, key).await?))
}

/// Says what calling the order off would cost now, and promises it for some minutes.
#[utoipa::path(post, path = "/v1/orders/{order}/cancel/quote", operation_id = "quote_cancel",
    tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = CancelQuoteView), (status = "4XX", body = ProblemView)))]
pub async fn quote_cancel(
    AnyProfile(identity): AnyProfile,
    Customer(by): Customer,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    state: Data<HttpState>,
) -> Result<Answer<CancelQuoteView>, Problem> {
    let key = key.bare(identity.profile);
    let done = cancelling::quote(&state.platform, by, order.0, key).await?;
    Ok(Answer::created(CancelQuoteView::from(done.value)).replayed(done.dup))
}

/// Asks the store to let the order go; after 15 minutes silence is agreement.
#[utoipa::path(post, path = "/v1/orders/{order}/cancel/request", operation_id = "request_cancel",
    tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = Option<CancelRequestInput>,
    responses((status = 200, body = CancelAnswerView), (status = "4XX", body = ProblemView)))]
pub async fn request_cancel(
    AnyProfile(identity): AnyProfile,
    Customer(by): Customer,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    MaybeBody(input): MaybeBody<CancelRequestInput>,
    state: Data<HttpState>,
) -> Result<Answer<CancelAnswerView>, Problem> {
    let why = input.reason.as_deref().map(reason).transpose()?;
    let quote_id = input.quote.as_deref().map(id).transpose()?;
    let key = key.command(identity.profile, &input);
    let done = cancelling::request(&state.platform, by, order.0, key, why, quote_id).await?;
    Ok(Answer::ok(CancelAnswerView::from(done.value)).replayed(done.dup))
}

/// The store lets the order go.
#[utoipa::path(post, path = "/v1/orders/{order}/cancel/agree", operation_id = "agree_cancel",
    tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = CancelAnswerView), (status = "4XX", body = ProblemView)))]
pub async fn agree_cancel(
    AnyProfile(identity): AnyProfile,
    Merchant(by): Merchant,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    state: Data<HttpState>,
) -> Result<Answer<CancelAnswerView>, Problem> {
    let key = key.bare(identity.profile);
    let done = cancelling::answer_request(&state.platform, by, order.0, true, key).await?;
    Ok(Answer::ok(CancelAnswerView::from(done.value)).replayed(done.dup))
}

/// The store goes on with the order.
#[utoipa::path(post, path = "/v1/orders/{order}/cancel/refuse", operation_id = "refuse_cancel",
    tag = "orders", security(("bearer" = [])),
    params(("order" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = CancelAnswerView), (status = "4XX", body = ProblemView)))]
pub async fn refuse_cancel(
    AnyProfile(identity): AnyProfile,
    Merchant(by): Merchant,
    order: Path<IdPath<OrderId>>,
    key: MaybeKey,
    state: Data<HttpState>,
) -> Result<Answer<CancelAnswerView>, Problem> {
    let key = key.bare(identity.profile);
    let done = cancelling::answer_request(&state.platform, by, order.0, false, key).await?;
    Ok(Answer::ok(CancelAnswerView::from(done.value)).replayed(done.dup))
}
