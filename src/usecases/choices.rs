//! What merchants say beside name and price: options of products, packing, and fees.

use std::collections::HashMap;

use domain::{
    checked_text::OptionName,
    clock::Timestamp,
    ids::{MerchantId, OptionGroupId, OptionId, ProductId, StoreId},
    money::Money,
    options::{self, OptionGroup, ProductOption},
    price::{self, FeeRules},
};
use storage::{
    choices as rows,
    choices::Choice,
    db::Tx,
    products::{self, ProductRecord},
    store_fees, stores,
};

use crate::{
    error::AskError,
    platform::{Changes, Platform},
    stores::RADIUS_M_MAX,
};

/// A group of options as a merchant wants it.
#[derive(Debug, Clone)]
pub struct GroupWish {
    /// The group that it was; `None` for a new one.
    pub id: Option<OptionGroupId>,
    /// What it is called.
    pub name: OptionName,
    /// Fewest that are chosen.
    pub min: u32,
    /// Most that are chosen.
    pub max: u32,
    /// The options.
    pub options: Vec<OptionWish>,
}

/// An option as a merchant wants it.
#[derive(Debug, Clone)]
pub struct OptionWish {
    /// The option that it was; `None` for a new one.
    pub id: Option<OptionId>,
    /// What it is called.
    pub name: OptionName,
    /// What it adds to the price of one piece, in minor units.
    pub price_minor: i64,
    /// Whether it can be had now.
    pub is_available: bool,
}

/// What a merchant says about a product's options and packing.
#[derive(Debug, Clone)]
pub struct ChoiceWish {
    /// What the packing of one piece costs, in minor units; `None` leaves it.
    pub packing_minor: Option<i64>,
    /// All groups, in the order of the menu; `None` leaves them.
    pub groups: Option<Vec<GroupWish>>,
}

/// A change to a store's fees; `None` leaves it.
#[derive(Debug, Clone, Copy, Default)]
pub struct FeeWish {
    /// Metres that the base fee covers.
    pub included_m: Option<u32>,
    /// For each further kilometre that was begun, in minor units.
    pub per_km_minor: Option<i64>,
    /// Items from this amount on are delivered without a fee; `Some(None)` for never.
    pub free_from_minor: Option<Option<i64>>,
    /// For the packing of an order, in minor units.
    pub packing_minor: Option<i64>,
}

/// Says what can be chosen with a product, and what its packing costs. Options that are named by
/// their ids stay the same options, also in carts.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Options`] if the groups are not acceptable.
pub async fn change(
    platform: &Platform,
    by: MerchantId,
    product_id: ProductId,
    wish: ChoiceWish,
) -> Result<Choice, AskError> {
    let work = async move |tx: &mut Tx, _: &mut Changes, _: Timestamp| {
        let product = products::find_for_staff_locked(tx, product_id, by)
            .await?
            .ok_or(AskError::not_found("product"))?;
        let mut known = rows::list(tx, &[product_id], product.price.currency()).await?;
        let mut choice = known.remove(&product_id).unwrap_or_default();
        if let Some(groups) = &wish.groups {
            choice.groups = new_groups(&product, &choice.groups, groups)?;
        }
        if let Some(minor) = wish.packing_minor {
            price::in_range(Money::from_minor(minor, product.price.currency()))?;
            choice.packing_minor = minor;
        }
        rows::save(tx, product_id, &choice).await?;
        Ok::<_, AskError>(())
    };
    platform.command(None, work).await?;
    show(platform, product_id).await
}

fn new_groups(
    product: &ProductRecord,
    known: &[OptionGroup],
    wishes: &[GroupWish],
) -> Result<Vec<OptionGroup>, AskError> {
    let option = |wish: &OptionWish| {
        let is_known = |id: OptionId| known.iter().any(|it| it.options.iter().any(|o| o.id == id));
        let id = match wish.id {
            None => OptionId::generate(),
            Some(id) if is_known(id) => id,
            Some(_) => return Err(AskError::not_found("option")),
        };
        let price = Money::from_minor(wish.price_minor, product.price.currency());
        let (price, is_available) = (price::in_range(price)?, wish.is_available);
        Ok(ProductOption { id, name: wish.name.as_str().to_owned(), price, is_available })
    };
    let group = |wish: &GroupWish| {
        let id = match wish.id {
            None => OptionGroupId::generate(),
            Some(id) if known.iter().any(|it| it.id == id) => id,
            Some(_) => return Err(AskError::not_found("option group")),
        };
        let options = wish.options.iter().map(option).collect::<Result<_, AskError>>()?;
        let name = wish.name.as_str().to_owned();
        Ok(OptionGroup { id, name, min: wish.min, max: wish.max, options })
    };
    let groups: Vec<_> = wishes.iter().map(group).collect::<Result<_, AskError>>()?;
    let refused = |why| AskError::Options { product_id: product.id, why };
    options::check_groups(&groups).map_err(refused)?;
    Ok(groups)
}

/// What can be chosen with a product, and what its packing costs.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such product.
pub async fn show(platform: &Platform, product_id: ProductId) -> Result<Choice, AskError> {
    let mut reader = platform.reader();
    let product = products::find(&mut reader, product_id).await?;
    let product = product.ok_or(AskError::not_found("product"))?;
    let mut found = rows::list(&mut reader, &[product_id], product.price.currency()).await?;
    Ok(found.remove(&product_id).unwrap_or_default())
}

/// What can be chosen with each of `products`, which are of one store.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be read.
pub async fn of_menu(
    platform: &Platform,
    products: &[ProductRecord],
) -> Result<HashMap<ProductId, Choice>, AskError> {
    let Some(first) = products.first() else { return Ok(HashMap::new()) };
    let ids: Vec<_> = products.iter().map(|it| it.id).collect();
    Ok(rows::list(&mut platform.reader(), &ids, first.price.currency()).await?)
}

/// What a store asks for beside its products.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such store.
pub async fn fees(platform: &Platform, store_id: StoreId) -> Result<FeeRules, AskError> {
    let mut reader = platform.reader();
    let store = stores::find(&mut reader, store_id).await?.ok_or(AskError::not_found("store"))?;
    Ok(store_fees::of(&mut reader, &store).await?)
}

/// Changes what a store asks for beside its base fee.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::OutOfRange`] for impossible numbers.
pub async fn change_fees(
    platform: &Platform,
    by: MerchantId,
    store_id: StoreId,
    wish: FeeWish,
) -> Result<FeeRules, AskError> {
    if wish.included_m.is_some_and(|it| it > RADIUS_M_MAX) {
        return Err(AskError::OutOfRange { what: "included_m is from 0 to 50000 metres" });
    }
    let work = async move |tx: &mut Tx, _: &mut Changes, _: Timestamp| {
        let store = stores::find_for_staff_locked(tx, store_id, by)
            .await?
            .ok_or(AskError::not_found("store"))?;
        let amount = |minor| price::in_range(Money::from_minor(minor, store.currency));
        let mut rules = store_fees::of(tx, &store).await?;
        rules.included_m = wish.included_m.unwrap_or(rules.included_m);
        rules.per_km = wish.per_km_minor.map_or(Ok(rules.per_km), amount)?;
        rules.packing = wish.packing_minor.map_or(Ok(rules.packing), amount)?;
        if let Some(free_from) = wish.free_from_minor {
            rules.free_from = free_from.map(amount).transpose()?;
        }
        store_fees::save(tx, &store, &rules).await?;
        Ok::<_, AskError>(())
    };
    platform.command(None, work).await?;
    fees(platform, store_id).await
}
