//! Stocks of products: how they stand, what happened to them, and merchants' changes.

use actix_web::web::{Data, Path, Query};
use domain::{
    ids::ProductId,
    role::Profile,
    stock::{STOCK_MAX, StockReason},
};
use serde::{Deserialize, Serialize};
use storage::stock_log::{LOG_PAGE_MAX, StockLine};
use usecases::stock::{self, StockNow, StockWish};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::Answer,
    extract::{Body, IdPath, Merchant, RequiredKey},
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

/// Lines of the log if nothing is said.
const LINES_DEFAULT: u32 = 50;

/// A change to a stock: exactly one of `set`, `adjust`, `per_day` and `unlimited`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StockInput {
    /// So many are left now.
    pub set: Option<i64>,
    /// So many came, or are gone if below 0.
    pub adjust: Option<i64>,
    /// So many each day, beginning now; see `resets_at`.
    pub per_day: Option<i64>,
    /// With `per_day`: when the day begins, as `HH:MM` in UTC (default: midnight at the store, by
    /// the sun).
    pub resets_at: Option<String>,
    /// `true`: there are always enough.
    pub unlimited: Option<bool>,
    /// `delivery`, `stocktaking`, `spoiled`, `used_elsewhere`, `returned`, `correction` or `other`.
    pub reason: String,
}

/// How a stock stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct StockView {
    /// The product.
    pub product: String,
    /// `counted`, `daily` or `unlimited`.
    pub mode: String,
    /// How many can be ordered; left out if there are always enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<i64>,
    /// What orders hold that are not paid.
    pub reserved: i64,
    /// What orders hold that are paid.
    pub sold: i64,
    /// Available, reserved and sold together; left out if there are always enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// How many each day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<i64>,
    /// When the day begins, as `HH:MM` in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<String>,
    /// When the next day begins, in UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_reset: Option<i64>,
    /// Number of the last line of its log.
    pub version: i64,
}

/// A change of a stock: by how much each number moved.
#[derive(Debug, Serialize, ToSchema)]
pub struct StockLineView {
    /// Number of the line.
    pub version: i64,
    /// `opened`, `set`, `adjusted`, `reset`, `reserved`, `confirmed` or `released`.
    pub event: &'static str,
    /// What is available moved by so much.
    pub available: i64,
    /// What unpaid orders hold moved by so much.
    pub reserved: i64,
    /// What paid orders hold moved by so much.
    pub sold: i64,
    /// For which order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// A role, `system` or `provider`.
    pub by_role: &'static str,
    /// The profile, if it was a person of the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, if somebody said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// When, in UTC milliseconds.
    pub at: i64,
}

/// A stock and a page of its log, newest line first.
#[derive(Debug, Serialize, ToSchema)]
pub struct StockPageView {
    /// How it stands.
    pub stock: StockView,
    /// What happened to it.
    pub log: Vec<StockLineView>,
    /// Ask again with this as `before` for older lines; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// Which lines of a log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// Only lines of smaller numbers.
    pub before: Option<i64>,
    /// How many at most, up to 200 (default 50).
    pub limit: Option<u32>,
}

impl From<StockNow> for StockView {
    fn from(it: StockNow) -> Self {
        Self {
            product: it.product,
            mode: it.mode,
            available: it.available,
            reserved: it.reserved,
            sold: it.sold,
            total: it.total,
            per_day: it.per_day,
            resets_at: it.resets_min.map(|min| format!("{:02}:{:02}", min / 60, min % 60)),
            next_reset: it.next_reset,
            version: it.version,
        }
    }
}

impl From<StockLine> for StockLineView {
    fn from(it: StockLine) -> Self {
        // Who ordered is the order's business.
        let by = it.by_id.filter(|_| it.order_id.is_none());
        Self {
            version: it.version,
            event: it.change.event.as_str(),
            available: it.change.left,
            reserved: it.change.reserved,
            sold: it.change.sold,
            order: it.order_id.map(|id| id.to_string()),
            by_role: it.by_role.as_str(),
            by,
            reason: it.reason.map(|reason| reason.as_str()),
            at: it.at.ms(),
        }
    }
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::BadInput, detail.into())
}

fn reason(text: &str) -> Result<StockReason, Problem> {
    StockReason::from_text(text)
        .ok_or_else(|| bad(format!("A reason is one of {}.", StockReason::names().join(", "))))
}

/// Minutes after midnight of `HH:MM`.
fn minutes(text: &str) -> Result<u32, Problem> {
    let read = |part: &str, end: u32| {
        let is_two = part.len() == 2 && part.bytes().all(|it| it.is_ascii_digit());
        part.parse::<u32>().ok().filter(|it| is_two && *it < end)
    };
    let parts = text.split_once(':');
    let minutes = parts.and_then(|(hour, min)| Some(read(hour, 24)? * 60 + read(min, 60)?));
    minutes.ok_or_else(|| bad("`resets_at` is a time of day in UTC, like `16:00`."))
}

fn wish(input: &StockInput) -> Result<StockWish, Problem> {
    if input.resets_at.is_some() && input.per_day.is_none() {
        return Err(bad("`resets_at` goes with `per_day` only."));
    }
    let is_unlimited = input.unlimited.unwrap_or(false);
    match (input.set, input.adjust, input.per_day, is_unlimited) {
        (Some(left), None, None, false) => Ok(StockWish::Set(left)),
        (None, Some(by), None, false) => Ok(StockWish::Adjust(by.clamp(-STOCK_MAX, STOCK_MAX))),
        (None, None, Some(per_day), false) => {
            let resets_min = input.resets_at.as_deref().map(minutes).transpose()?;
            Ok(StockWish::Daily { per_day, resets_min })
        }
        (None, None, None, true) => Ok(StockWish::Unlimited),
        _ => Err(bad("Send exactly one of `set`, `adjust`, `per_day` and `unlimited: true`.")),
    }
}

/// Shows a stock and what happened to it.
#[utoipa::path(get, path = "/v1/products/{product}/stock", operation_id = "get_stock",
    tag = "stores", security(("bearer" = [])), params(("product" = String, Path), LogQuery),
    responses((status = 200, body = StockPageView), (status = "4XX", body = ProblemView)))]
pub async fn show(
    Merchant(by): Merchant,
    product: Path<IdPath<ProductId>>,
    query: Query<LogQuery>,
    state: Data<HttpState>,
) -> Result<Answer<StockPageView>, Problem> {
    let limit = query.limit.unwrap_or(LINES_DEFAULT).clamp(1, LOG_PAGE_MAX);
    let page = stock::show(&state.platform, by, product.0, query.before, limit).await?;
    let is_full = page.lines.len() >= limit as usize;
    let next = page.lines.last().map(|it| it.version).filter(|it| is_full && *it > 0);
    let log = page.lines.into_iter().map(StockLineView::from).collect();
    Ok(Answer::ok(StockPageView { stock: page.now.into(), log, next }))
}

/// Changes a stock, and writes down who did and why.
#[utoipa::path(post, path = "/v1/products/{product}/stock", operation_id = "change_stock",
    tag = "stores", security(("bearer" = [])),
    params(("product" = String, Path), ("Idempotency-Key" = String, Header)),
    request_body = StockInput,
    responses((status = 201, body = StockView), (status = "4XX", body = ProblemView)))]
pub async fn change(
    Merchant(by): Merchant,
    product: Path<IdPath<ProductId>>,
    RequiredKey(key): RequiredKey,
    input: Body<StockInput>,
    state: Data<HttpState>,
) -> Result<Answer<StockView>, Problem> {
    let (wish, reason) = (wish(&input)?, reason(&input.reason)?);
    let key = key.command(Profile::Merchant(by), &input);
    let done = stock::change(&state.platform, by, product.0, wish, reason, key).await?;
    Ok(Answer::created(done.value.into()).replayed(done.dup))
}
