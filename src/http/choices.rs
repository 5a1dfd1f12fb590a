//! Options of products, and fees of stores.

use actix_web::web::{Data, Path};
use domain::{
    checked_text::OptionName,
    ids::{ProductId, StoreId},
    options::OptionGroup,
    price::FeeRules,
};
use serde::{Deserialize, Deserializer, Serialize};
use storage::choices::Choice;
use usecases::{
    choices::{self, ChoiceWish, FeeWish, GroupWish, OptionWish},
    error::AskError,
};
use utoipa::ToSchema;

use super::{
    answer::Answer,
    extract::{Body, IdPath, Merchant},
    order_inputs::id,
    problem::{Problem, ProblemView},
    state::HttpState,
};

/// What can be chosen with a product; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoiceInput {
    /// What the packing of one piece costs, in minor units.
    pub packing_minor: Option<i64>,
    /// All groups, in the order of the menu.
    pub groups: Option<Vec<OptionGroupInput>>,
}

/// Several options of which some are chosen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionGroupInput {
    /// The group that it was; left out for a new one.
    pub group: Option<String>,
    /// What it is called.
    pub name: String,
    /// Fewest that are chosen (default 0).
    pub min: Option<u32>,
    /// Most that are chosen (default 1).
    pub max: Option<u32>,
    /// The options, 1 to 50.
    pub options: Vec<OptionInput>,
}

/// Something that can be chosen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionInput {
    /// The option that it was; left out for a new one.
    pub option: Option<String>,
    /// What it is called.
    pub name: String,
    /// What it adds to the price of one piece, in minor units (default 0).
    pub price_minor: Option<i64>,
    /// Whether it can be had now (default true).
    pub is_available: Option<bool>,
}

/// What can be chosen with a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChoiceView {
    /// What the packing of one piece costs, in minor units.
    pub packing_minor: i64,
    /// The groups, in the order of the menu.
    pub groups: Vec<OptionGroupView>,
}

/// Several options of which some are chosen.
#[derive(Debug, Serialize, ToSchema)]
pub struct OptionGroupView {
    /// The group.
    pub group: String,
    /// What it is called.
    pub name: String,
    /// Fewest that are chosen.
    pub min: u32,
    /// Most that are chosen.
    pub max: u32,
    /// The options.
    pub options: Vec<OptionView>,
}

/// Something that can be chosen.
#[derive(Debug, Serialize, ToSchema)]
pub struct OptionView {
    /// The option.
    pub option: String,
    /// What it is called.
    pub name: String,
    /// What it adds to the price of one piece, in minor units.
    pub price_minor: i64,
    /// Whether it can be had now.
    pub is_available: bool,
}

/// What a store asks for beside its base fee; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeesInput {
    /// Metres that the base fee covers.
    pub included_m: Option<u32>,
    /// For each further kilometre that was begun, in minor units.
    pub per_km_minor: Option<i64>,
    /// Items from this amount on are delivered without a fee; `null` for never.
    #[serde(default, deserialize_with = "said")]
    pub free_from_minor: Option<Option<i64>>,
    /// For the packing of an order, in minor units.
    pub packing_minor: Option<i64>,
}

/// What a store asks for beside its products.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeesView {
    /// What the delivery costs at least, in minor units: the store's `delivery_fee_minor`.
    pub base_minor: i64,
    /// Metres that the base fee covers.
    pub included_m: u32,
    /// For each further kilometre that was begun, in minor units.
    pub per_km_minor: i64,
    /// Items from this amount on are delivered without a fee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_from_minor: Option<i64>,
    /// For the packing of an order, in minor units.
    pub packing_minor: i64,
    /// ISO 4217.
    pub currency: &'static str,
}

/// Tells a field that is `null` from one that is left out.
fn said<'de, D: Deserializer<'de>>(it: D) -> Result<Option<Option<i64>>, D::Error> {
    Option::<i64>::deserialize(it).map(Some)
}

impl From<Choice> for ChoiceView {
    fn from(it: Choice) -> Self {
        let groups = it.groups.into_iter().map(OptionGroupView::from).collect();
        Self { packing_minor: it.packing_minor, groups }
    }
}

impl From<OptionGroup> for OptionGroupView {
    fn from(it: OptionGroup) -> Self {
        let option = |it: domain::options::ProductOption| OptionView {
            option: it.id.to_string(),
            name: it.name,
            price_minor: it.price.minor(),
            is_available: it.is_available,
        };
        let options = it.options.into_iter().map(option).collect();
        Self { group: it.id.to_string(), name: it.name, min: it.min, max: it.max, options }
    }
}

impl From<FeeRules> for FeesView {
    fn from(it: FeeRules) -> Self {
        Self {
            base_minor: it.base.minor(),
            included_m: it.included_m,
            per_km_minor: it.per_km.minor(),
            free_from_minor: it.free_from.map(domain::money::Money::minor),
            packing_minor: it.packing.minor(),
            currency: it.base.currency().code(),
        }
    }
}

fn option(input: &OptionInput) -> Result<OptionWish, Problem> {
    Ok(OptionWish {
        id: input.option.as_deref().map(id).transpose()?,
        name: OptionName::parse(&input.name).map_err(AskError::from)?,
        price_minor: input.price_minor.unwrap_or(0),
        is_available: input.is_available.unwrap_or(true),
    })
}

fn group(input: &OptionGroupInput) -> Result<GroupWish, Problem> {
    Ok(GroupWish {
        id: input.group.as_deref().map(id).transpose()?,
        name: OptionName::parse(&input.name).map_err(AskError::from)?,
        min: input.min.unwrap_or(0),
        max: input.max.unwrap_or(1),
        options: input.options.iter().map(option).collect::<Result<_, _>>()?,
    })
}

/// Says what can be chosen with a product. Name groups and options by their ids to keep them.
#[utoipa::path(put, path = "/v1/products/{product}/options", operation_id = "put_product_options",
    tag = "stores", security(("bearer" = [])), params(("product" = String, Path)),
    request_body = ChoiceInput,
    responses((status = 200, body = ChoiceView), (status = "4XX", body = ProblemView)))]
pub async fn put(
    Merchant(by): Merchant,
    product: Path<IdPath<ProductId>>,
    input: Body<ChoiceInput>,
    state: Data<HttpState>,
) -> Result<Answer<ChoiceView>, Problem> {
    let groups = input.groups.as_ref();
    let groups = groups.map(|it| it.iter().map(group).collect()).transpose()?;
    let wish = ChoiceWish { packing_minor: input.packing_minor, groups };
    Ok(Answer::ok(choices::change(&state.platform, by, product.0, wish).await?.into()))
}

/// Shows what can be chosen with a product.
#[utoipa::path(get, path = "/v1/products/{product}/options", operation_id = "get_product_options",
    tag = "stores", params(("product" = String, Path)),
    responses((status = 200, body = ChoiceView), (status = "4XX", body = ProblemView)))]
pub async fn show(
    product: Path<IdPath<ProductId>>,
    state: Data<HttpState>,
) -> Result<Answer<ChoiceView>, Problem> {
    Ok(Answer::ok(choices::show(&state.platform, product.0).await?.into()))
}

/// Says what a store asks for beside its base fee.
#[utoipa::path(put, path = "/v1/stores/{store}/fees", operation_id = "put_store_fees",
    tag = "stores", security(("bearer" = [])), params(("store" = String, Path)),
    request_body = FeesInput,
    responses((status = 200, body = FeesView), (status = "4XX", body = ProblemView)))]
pub async fn put_fees(
    Merchant(by): Merchant,
    store: Path<IdPath<StoreId>>,
    input: Body<FeesInput>,
    state: Data<HttpState>,
) -> Result<Answer<FeesView>, Problem> {
    let FeesInput { included_m, per_km_minor, free_from_minor, packing_minor } = *input;
    let wish = FeeWish { included_m, per_km_minor, free_from_minor, packing_minor };
    Ok(Answer::ok(choices::change_fees(&state.platform, by, store.0, wish).await?.into()))
}

/// Shows what a store asks for beside its products.
#[utoipa::path(get, path = "/v1/stores/{store}/fees", operation_id = "get_store_fees",
    tag = "stores", params(("store" = String, Path)),
    responses((status = 200, body = FeesView), (status = "4XX", body = ProblemView)))]
pub async fn fees(
    store: Path<IdPath<StoreId>>,
    state: Data<HttpState>,
) -> Result<Answer<FeesView>, Problem> {
    Ok(Answer::ok(choices::fees(&state.platform, store.0).await?.into()))
}
