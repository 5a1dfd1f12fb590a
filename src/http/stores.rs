//! Stores and what they sell.

use actix_web::web::{Data, Path, Query};
use domain::{
    checked_text::{Address, Description, ProductName, StoreName},
    geo::Place,
    ids::{ProductId, StoreId},
    money::Currency,
};
use serde::{Deserialize, Serialize};
use storage::{products::ProductRecord, stores::StoreRecord};
use usecases::{
    choices,
    error::AskError,
    stores::{self, NewProduct, NewStore, ProductPatch, StorePatch, StoreTerms},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::Answer,
    choices::ChoiceView,
    extract::{Body, IdPath, Merchant},
    page::PageLimit,
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

/// How far a search goes if nothing is said, in metres.
const SEARCH_RADIUS_M: u32 = 5_000;

/// A store that a merchant wants to open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreInput {
    /// What it is called.
    pub name: String,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
    /// Where it is, for people.
    pub address: Option<String>,
    /// ISO 4217: `CNY`, `EUR`, `USD`, `JPY` or `KWD`.
    pub currency: String,
    /// Usual kitchen time, in minutes (default 15).
    pub prep_min: Option<u32>,
    /// What the customer pays for the delivery, in minor units (default 0).
    pub delivery_fee_minor: Option<i64>,
    /// The least that the items of an order must cost, in minor units (default 0).
    pub min_order_minor: Option<i64>,
    /// How far away it delivers, in metres (default 5000).
    pub radius_m: Option<u32>,
    /// Whether it takes orders at once (default true).
    pub is_open: Option<bool>,
}

/// A change to a store; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StorePatchInput {
    /// What it is called.
    pub name: Option<String>,
    /// Where it is, for people.
    pub address: Option<String>,
    /// Usual kitchen time, in minutes.
    pub prep_min: Option<u32>,
    /// What the customer pays for the delivery, in minor units.
    pub delivery_fee_minor: Option<i64>,
    /// The least that the items of an order must cost, in minor units.
    pub min_order_minor: Option<i64>,
    /// How far away it delivers, in metres.
    pub radius_m: Option<u32>,
    /// Whether it takes orders.
    pub is_open: Option<bool>,
}

/// A store.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoreView {
    /// The store.
    pub store: String,
    /// What it is called.
    pub name: String,
    /// Where it is, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
    /// The region it belongs to.
    pub region: String,
    /// ISO 4217.
    pub currency: &'static str,
    /// Usual kitchen time, in minutes.
    pub prep_min: u32,
    /// What the customer pays for the delivery, in minor units.
    pub delivery_fee_minor: i64,
    /// The least that the items of an order must cost, in minor units.
    pub min_order_minor: i64,
    /// How far away it delivers, in metres.
    pub radius_m: u32,
    /// Whether it takes orders.
    pub is_open: bool,
    /// How far away it is, in metres; only in searches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_m: Option<u32>,
}

/// Several stores.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoresView {
    /// The stores.
    pub stores: Vec<StoreView>,
}

/// A product that a merchant wants to sell.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductInput {
    /// What it is called.
    pub name: String,
    /// What one piece costs, in minor units of the store's currency.
    pub price_minor: i64,
    /// How many there are.
    pub stock: i64,
    /// What it is.
    pub description: Option<String>,
}

/// A change to a product; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductPatchInput {
    /// What it is called.
    pub name: Option<String>,
    /// What one piece costs, in minor units.
    pub price_minor: Option<i64>,
    /// How many there are.
    pub stock: Option<i64>,
    /// What it is.
    pub description: Option<String>,
    /// Whether customers see it.
    pub is_listed: Option<bool>,
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductView {
    /// The product.
    pub product: String,
    /// Who sells it.
    pub store: String,
    /// What it is called.
    pub name: String,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What one piece costs, in minor units.
    pub price_minor: i64,
    /// ISO 4217.
    pub currency: &'static str,
    /// How many can be ordered; 1000000000 if there are always enough.
    pub stock: i64,
    /// `counted`, `daily` (so many each day) or `unlimited`.
    pub stock_mode: &'static str,
    /// Whether customers see it.
    pub is_listed: bool,
    /// What can be chosen with it, and what its packing costs; only on the menu, if there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<ChoiceView>,
}

/// What a store sells.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductsView {
    /// The products.
    pub products: Vec<ProductView>,
}

/// A search for stores.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NearQuery {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
    /// How far away, in metres (default 5000).
    pub radius_m: Option<u32>,
    /// How many at most, up to 100 (default 50).
    #[param(value_type = Option<u32>)]
    pub limit: Option<PageLimit>,
}

impl From<StoreRecord> for StoreView {
    fn from(it: StoreRecord) -> Self {
        Self {
            store: it.id.to_string(),
            name: it.name,
            address: it.address,
            lat: it.place.lat(),
            lng: it.place.lng(),
            region: it.place.region(),
            currency: it.currency.code(),
            prep_min: it.prep_min,
            delivery_fee_minor: it.delivery_fee.minor(),
            min_order_minor: it.min_order.minor(),
            radius_m: it.radius_m,
            is_open: it.is_open,
            distance_m: None,
        }
    }
}

impl From<ProductRecord> for ProductView {
    fn from(it: ProductRecord) -> Self {
        Self {
            product: it.id.to_string(),
            store: it.store_id.to_string(),
            name: it.name,
            description: it.description,
            price_minor: it.price.minor(),
            currency: it.price.currency().code(),
            stock: it.stock.available(),
            stock_mode: it.stock.mode.as_str(),
            is_listed: it.is_listed,
            choice: None,
        }
    }
}

/// Reads a text that may be absent.
fn optional<T, E>(
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Problem>
where
    AskError: From<E>,
{
    Ok(text.map(parse).transpose().map_err(AskError::from)?)
}

fn currency(code: &str) -> Result<Currency, Problem> {
    Currency::from_code(code).ok_or_else(|| {
        let known: Vec<_> = Currency::ALL.iter().map(|it| it.code()).collect();
        Problem::new(Kind::BadInput, format!("A currency is one of {}.", known.join(", ")))
    })
}

/// Opens a store.
#[utoipa::path(post, path = "/v1/stores", operation_id = "create_store", tag = "stores",
    security(("bearer" = [])), request_body = StoreInput,
    responses((status = 201, body = StoreView), (status = "4XX", body = ProblemView)))]
pub async fn create(
    Merchant(by): Merchant,
    input: Body<StoreInput>,
    state: Data<HttpState>,
) -> Result<Answer<StoreView>, Problem> {
    let new = NewStore {
        name: StoreName::parse(&input.name).map_err(AskError::from)?,
        address: optional(input.address.as_deref(), Address::parse)?,
        place: Place::new(input.lat, input.lng).map_err(AskError::from)?,
        currency: currency(&input.currency)?,
        terms: StoreTerms {
            prep_min: input.prep_min,
            delivery_fee_minor: input.delivery_fee_minor,
            min_order_minor: input.min_order_minor,
            radius_m: input.radius_m,
            is_open: input.is_open,
        },
    };
    Ok(Answer::created(stores::create(&state.platform, by, new).await?.into()))
}

/// Changes a store.
#[utoipa::path(patch, path = "/v1/stores/{store}", operation_id = "change_store", tag = "stores",
    security(("bearer" = [])), params(("store" = String, Path)), request_body = StorePatchInput,
    responses((status = 200, body = StoreView), (status = "4XX", body = ProblemView)))]
pub async fn change(
    Merchant(by): Merchant,
    store: Path<IdPath<StoreId>>,
    input: Body<StorePatchInput>,
    state: Data<HttpState>,
) -> Result<Answer<StoreView>, Problem> {
    let patch = StorePatch {
        name: optional(input.name.as_deref(), StoreName::parse)?,
        address: optional(input.address.as_deref(), Address::parse)?,
        terms: StoreTerms {
            prep_min: input.prep_min,
            delivery_fee_minor: input.delivery_fee_minor,
            min_order_minor: input.min_order_minor,
            radius_m: input.radius_m,
            is_open: input.is_open,
        },
    };
    let IdPath(store_id) = store.into_inner();
    Ok(Answer::ok(stores::change(&state.platform, by, store_id, patch).await?.into()))
}

/// Shows a store.
#[utoipa::path(get, path = "/v1/stores/{store}", operation_id = "get_store", tag = "stores",
    params(("store" = String, Path)),
    responses((status = 200, body = StoreView), (status = "4XX", body = ProblemView)))]
pub async fn show(
    store: Path<IdPath<StoreId>>,
    state: Data<HttpState>,
) -> Result<Answer<StoreView>, Problem> {
    Ok(Answer::ok(stores::show(&state.platform, store.0).await?.into()))
}

/// Finds stores near a place, the nearest first.
#[utoipa::path(get, path = "/v1/stores", operation_id = "find_stores", tag = "stores",
    params(NearQuery),
    responses((status = 200, body = StoresView), (status = "4XX", body = ProblemView)))]
pub async fn near(
    query: Query<NearQuery>,
    state: Data<HttpState>,
) -> Result<Answer<StoresView>, Problem> {
    let centre = Place::new(query.lat, query.lng).map_err(AskError::from)?;
    let radius_m = query.radius_m.unwrap_or(SEARCH_RADIUS_M);
    let limit = query.limit.unwrap_or_default().get() as usize;
    let found = stores::near(&state.platform, centre, radius_m, limit).await?;
    let view = |it: stores::Nearby| StoreView {
        distance_m: Some(it.distance_m),
        ..StoreView::from(it.store)
    };
    Ok(Answer::ok(StoresView { stores: found.into_iter().map(view).collect() }))
}

/// Lists the stores that the merchant works for.
#[utoipa::path(get, path = "/v1/stores/mine", operation_id = "list_my_stores", tag = "stores",
    security(("bearer" = [])),
    responses((status = 200, body = StoresView), (status = "4XX", body = ProblemView)))]
pub async fn mine(
    Merchant(by): Merchant,
    state: Data<HttpState>,
) -> Result<Answer<StoresView>, Problem> {
    let found = stores::mine(&state.platform, by).await?;
    Ok(Answer::ok(StoresView { stores: found.into_iter().map(StoreView::from).collect() }))
}

/// Puts a product on the menu.
#[utoipa::path(post, path = "/v1/stores/{store}/products", operation_id = "create_product",
    tag = "stores", security(("bearer" = [])), params(("store" = String, Path)),
    request_body = ProductInput,
    responses((status = 201, body = ProductView), (status = "4XX", body = ProblemView)))]
pub async fn add_product(
    Merchant(by): Merchant,
    store: Path<IdPath<StoreId>>,
    input: Body<ProductInput>,
    state: Data<HttpState>,
) -> Result<Answer<ProductView>, Problem> {
    let new = NewProduct {
        name: ProductName::parse(&input.name).map_err(AskError::from)?,
        description: optional(input.description.as_deref(), Description::parse)?,
        price_minor: input.price_minor,
        stock: input.stock,
    };
    let made = stores::add_product(&state.platform, by, store.0, new).await?;
    Ok(Answer::created(made.into()))
}

/// Changes a product.
#[utoipa::path(patch, path = "/v1/products/{product}", operation_id = "change_product",
    tag = "stores", security(("bearer" = [])), params(("product" = String, Path)),
    request_body = ProductPatchInput,
    responses((status = 200, body = ProductView), (status = "4XX", body = ProblemView)))]
pub async fn change_product(
    Merchant(by): Merchant,
    product: Path<IdPath<ProductId>>,
    input: Body<ProductPatchInput>,
    state: Data<HttpState>,
) -> Result<Answer<ProductView>, Problem> {
    let patch = ProductPatch {
        name: optional(input.name.as_deref(), ProductName::parse)?,
        description: optional(input.description.as_deref(), Description::parse)?,
        price_minor: input.price_minor,
        stock: input.stock,
        is_listed: input.is_listed,
    };
    let changed = stores::change_product(&state.platform, by, product.0, patch).await?;
    Ok(Answer::ok(changed.into()))
}

/// Shows what a store sells.
#[utoipa::path(get, path = "/v1/stores/{store}/products", operation_id = "list_products",
    tag = "stores", params(("store" = String, Path)),
    responses((status = 200, body = ProductsView), (status = "4XX", body = ProblemView)))]
pub async fn menu(
    store: Path<IdPath<StoreId>>,
    state: Data<HttpState>,
) -> Result<Answer<ProductsView>, Problem> {
    let found = stores::menu(&state.platform, store.0).await?;
    let mut choices = choices::of_menu(&state.platform, &found).await?;
    let view = |it: ProductRecord| {
        let choice = choices.remove(&it.id).map(ChoiceView::from);
        ProductView { choice, ..ProductView::from(it) }
    };
    Ok(Answer::ok(ProductsView { products: found.into_iter().map(view).collect() }))
}
