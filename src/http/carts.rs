//! Carts: one for each customer and store.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use domain::{
    cart::{CartLine, Quantity},
    channel::Channel,
    ids::{ProductId, StoreId},
    role::Profile,
};
use serde::{Deserialize, Serialize};
use usecases::{
    cart_moves::{self, LineWish, WantedItem},
    carts::{self, Cart, CartItem, CartSummary, Message},
    error::AskError,
};
use utoipa::ToSchema;

use super::{
    answer::Answer,
    extract::{AnyProfile, Body, Customer, IdPath, MaybeKey},
    order_inputs::{id, ids},
    order_views::AsOfView,
    price_views::{ChosenView, PriceView},
    problem::{Problem, ProblemView},
    state::HttpState,
};

/// How many pieces of a product should be in the cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CartLineInput {
    /// 1 to 99; 0 takes the line out.
    pub quantity: i64,
    /// What is chosen with it: ids of options of the menu.
    pub options: Option<Vec<String>>,
    /// Whether it is part of the next order (left out: as it was; true for a new line).
    pub selected: Option<bool>,
}

/// A line of a whole cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WholeLineInput {
    /// Which product.
    pub product: String,
    /// 1 to 99.
    pub quantity: i64,
    /// What is chosen with it: ids of options of the menu.
    pub options: Option<Vec<String>>,
    /// Whether it is part of the next order (default true).
    pub selected: Option<bool>,
}

/// A whole cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CartInput {
    /// All lines.
    pub lines: Vec<WholeLineInput>,
    /// The version that was read: the cart is only written if nobody has changed it since. Left out,
    /// the last writer wins.
    pub version: Option<i64>,
}

/// Lines from another device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CartMergeInput {
    /// What to put beside what is there. Of a line that both have, the larger number counts.
    pub lines: Vec<WholeLineInput>,
}

/// A cart as it would be ordered now.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartView {
    /// Where from.
    pub store: String,
    /// How often it has changed.
    pub version: i64,
    /// What is in it.
    pub lines: Vec<CartLineView>,
    /// Products that were in it and are not sold any more, or not so.
    pub gone: Vec<String>,
    /// What to know before ordering.
    pub messages: Vec<CartMessageView>,
    /// What the selected lines cost. The delivery fee is the store's base fee: the way to the door
    /// is counted in a quote.
    #[serde(flatten)]
    pub price: PriceView,
    /// From where on pushes of the inbox are news.
    pub as_of: AsOfView,
}

/// Something to know before ordering.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartMessageView {
    /// `price_changed`, `sold_out`, `few_left`, `not_sold`, `option_gone`, `store_closed` or
    /// `below_minimum`.
    pub code: &'static str,
    /// Which line; left out if it is about the whole cart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// What to do, for people.
    pub text: String,
    /// The price before, the pieces in the cart, or the store's minimum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<i64>,
    /// The price now, the pieces that are left, or what the items cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<i64>,
}

/// Pieces of one product.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartLineView {
    /// The line's name in this cart.
    pub line: String,
    /// Which product.
    pub product: String,
    /// What it is called.
    pub name: String,
    /// What is chosen with it.
    pub options: Vec<ChosenView>,
    /// Whether it is part of the next order.
    pub selected: bool,
    /// How many.
    pub quantity: u32,
    /// What one piece costs now, with its options, in minor units.
    pub unit_minor: i64,
    /// All pieces together, in minor units.
    pub total_minor: i64,
    /// How many are left.
    pub stock: i64,
}

/// The customer's carts.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartsView {
    /// The one that changed last first; at most 50.
    pub carts: Vec<CartSummaryView>,
}

/// A cart in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartSummaryView {
    /// At which store.
    pub store: String,
    /// What the store is called.
    pub name: String,
    /// Whether it takes orders.
    pub is_open: bool,
    /// How many lines it has.
    pub n_lines: u32,
    /// When it last changed, in UTC milliseconds.
    pub updated_at: i64,
}

impl From<CartItem> for CartLineView {
    fn from(it: CartItem) -> Self {
        Self {
            line: it.key,
            product: it.line.product_id.to_string(),
            name: it.line.name,
            options: it.line.options.into_iter().map(ChosenView::from).collect(),
            selected: it.is_selected,
            quantity: it.line.quantity.get(),
            unit_minor: it.line.unit.minor(),
            total_minor: it.line.total.minor(),
            stock: it.stock,
        }
    }
}

impl From<Message> for CartMessageView {
    fn from(it: Message) -> Self {
        Self { code: it.news.as_str(), line: it.key, text: it.said, was: it.was, now: it.now }
    }
}

impl From<CartSummary> for CartSummaryView {
    fn from(it: CartSummary) -> Self {
        Self {
            store: it.store.id.to_string(),
            name: it.store.name,
            is_open: it.store.is_open,
            n_lines: it.n_lines,
            updated_at: it.updated_at.ms(),
        }
    }
}

pub(super) fn view(cart: Cart, of: Profile) -> CartView {
    CartView {
        store: cart.store.id.to_string(),
        version: cart.version,
        lines: cart.items.into_iter().map(CartLineView::from).collect(),
        gone: cart.gone.iter().map(ToString::to_string).collect(),
        messages: cart.messages.into_iter().map(CartMessageView::from).collect(),
        price: PriceView::from(&cart.parts),
        as_of: AsOfView::new(&Channel::Inbox(of), cart.as_of),
    }
}

fn wanted(input: &WholeLineInput) -> Result<WantedItem, Problem> {
    let quantity = Quantity::new(input.quantity).map_err(AskError::from)?;
    let line = CartLine::with(id(&input.product)?, quantity, ids(input.options.as_ref())?);
    Ok(WantedItem { line, is_selected: input.selected })
}

/// Lists the customer's carts.
#[utoipa::path(get, path = "/v1/carts", operation_id = "list_carts", tag = "carts",
    security(("bearer" = [])),
    responses((status = 200, body = CartsView), (status = "4XX", body = ProblemView)))]
pub async fn list(
    Customer(by): Customer,
    state: Data<HttpState>,
) -> Result<Answer<CartsView>, Problem> {
    let found = carts::list(&state.platform, by).await?;
    Ok(Answer::ok(CartsView { carts: found.into_iter().map(CartSummaryView::from).collect() }))
}

/// Shows the customer's cart at a store.
#[utoipa::path(get, path = "/v1/carts/{store}", operation_id = "get_cart", tag = "carts",
    security(("bearer" = [])), params(("store" = String, Path)),
    responses((status = 200, body = CartView), (status = "4XX", body = ProblemView)))]
pub async fn show(
    Customer(by): Customer,
    store: Path<IdPath<StoreId>>,
    state: Data<HttpState>,
) -> Result<Answer<CartView>, Problem> {
    Ok(Answer::ok(view(carts::show(&state.platform, by, store.0).await?, Profile::Customer(by))))
}

/// Puts a whole cart in the place of what was there.
#[utoipa::path(put, path = "/v1/carts/{store}", operation_id = "put_cart", tag = "carts",
    security(("bearer" = [])),
    params(("store" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = CartInput,
    responses((status = 200, body = CartView), (status = "4XX", body = ProblemView)))]
pub async fn replace(
    AnyProfile(identity): AnyProfile,
    Customer(by): Customer,
    store: Path<IdPath<StoreId>>,
    key: MaybeKey,
    input: Body<CartInput>,
    state: Data<HttpState>,
) -> Result<Answer<CartView>, Problem> {
    let items = input.lines.iter().map(wanted).collect::<Result<_, _>>()?;
    let (key, version) = (key.command(identity.profile, &input), input.version);
    cart_moves::replace(&state.platform, by, store.0, items, version, key).await?;
    Ok(Answer::ok(view(carts::show(&state.platform, by, store.0).await?, Profile::Customer(by))))
}

/// Puts the lines of another device beside what is there. Doing it twice changes nothing.
#[utoipa::path(post, path = "/v1/carts/{store}/merge", operation_id = "merge_cart", tag = "carts",
    security(("bearer" = [])),
    params(("store" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = CartMergeInput,
    responses((status = 200, body = CartView), (status = "4XX", body = ProblemView)))]
pub async fn merge(
    AnyProfile(identity): AnyProfile,
    Customer(by): Customer,
    store: Path<IdPath<StoreId>>,
    key: MaybeKey,
    input: Body<CartMergeInput>,
    state: Data<HttpState>,
) -> Result<Answer<CartView>, Problem> {
    let items = input.lines.iter().map(wanted).collect::<Result<_, _>>()?;
    let key = key.command(identity.profile, &input);
    cart_moves::merge(&state.platform, by, store.0, items, key).await?;
    Ok(Answer::ok(view(carts::show(&state.platform, by, store.0).await?, Profile::Customer(by))))
}

/// Sets how many pieces of a product, with the same options, are in the cart.
#[utoipa::path(put, path = "/v1/carts/{store}/lines/{product}", operation_id = "put_cart_line",
    tag = "carts", security(("bearer" = [])),
    params(("store" = String, Path), ("product" = String, Path)), request_body = CartLineInput,
    responses((status = 200, body = CartView), (status = "4XX", body = ProblemView)))]
pub async fn put(
    Customer(by): Customer,
    path: Path<(IdPath<StoreId>, IdPath<ProductId>)>,
    input: Body<CartLineInput>,
    state: Data<HttpState>,
) -> Result<Answer<CartView>, Problem> {
    let (IdPath(store_id), IdPath(product_id)) = path.into_inner();
    let options = ids(input.options.as_ref())?;
    let one = Quantity::new(1).map_err(AskError::from)?;
    let wish = match cart_moves::pieces(input.quantity).map_err(AskError::from)? {
        None => LineWish::Without(CartLine::with(product_id, one, options)),
        Some(quantity) => {
            let line = CartLine::with(product_id, quantity, options);
            LineWish::Have(WantedItem { line, is_selected: input.selected })
        }
    };
    cart_moves::put(&state.platform, by, store_id, wish).await?;
    Ok(Answer::ok(view(carts::show(&state.platform, by, store_id).await?, Profile::Customer(by))))
}

/// Empties the cart.
#[utoipa::path(delete, path = "/v1/carts/{store}", operation_id = "clear_cart", tag = "carts",
    security(("bearer" = [])), params(("store" = String, Path)),
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn clear(
    Customer(by): Customer,
    store: Path<IdPath<StoreId>>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    cart_moves::clear(&state.platform, by, store.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
