//! Carts: one for each customer and store.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use domain::ids::{ProductId, StoreId};
use serde::{Deserialize, Serialize};
use usecases::carts::{self, Cart};
use utoipa::ToSchema;

use super::{
    answer::Answer,
    extract::{Body, Customer, IdPath},
    problem::{Problem, ProblemView},
    state::HttpState,
};

/// How many pieces of a product should be in the cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CartLineInput {
    /// 1 to 99; 0 takes the product out.
    pub quantity: i64,
}

/// A cart as it would be ordered now.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartView {
    /// Where from.
    pub store: String,
    /// What is in it.
    pub lines: Vec<CartLineView>,
    /// Products that were in it and are not sold any more.
    pub gone: Vec<String>,
    /// Sum of the lines, in minor units.
    pub items_minor: i64,
    /// What the delivery costs, in minor units.
    pub delivery_fee_minor: i64,
    /// Items and delivery, in minor units.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: &'static str,
}

/// Pieces of one product.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartLineView {
    /// Which product.
    pub product: String,
    /// What it is called.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// What one piece costs now, in minor units.
    pub unit_minor: i64,
    /// All pieces together, in minor units.
    pub total_minor: i64,
    /// How many are left.
    pub stock: i64,
}

impl From<Cart> for CartView {
    fn from(cart: Cart) -> Self {
        let line = |it: carts::CartItem| CartLineView {
            product: it.product.id.to_string(),
            name: it.product.name,
            quantity: it.quantity.get(),
            unit_minor: it.product.price.minor(),
            total_minor: it.total.minor(),
            stock: it.product.stock.available(),
        };
        Self {
            store: cart.store.id.to_string(),
            lines: cart.items.into_iter().map(line).collect(),
            gone: cart.gone.iter().map(ToString::to_string).collect(),
            items_minor: cart.items_total.minor(),
            delivery_fee_minor: cart.store.delivery_fee.minor(),
            total_minor: cart.total.minor(),
            currency: cart.total.currency().code(),
        }
    }
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
    Ok(Answer::ok(carts::show(&state.platform, by, store.0).await?.into()))
}

/// Sets how many pieces of a product are in the cart.
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
    carts::put(&state.platform, by, store_id, product_id, input.quantity).await?;
    Ok(Answer::ok(carts::show(&state.platform, by, store_id).await?.into()))
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
    carts::clear(&state.platform, by, store.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
