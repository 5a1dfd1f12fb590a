//! Stores and what they sell.

use domain::{
    channel::Channel,
    checked_text::{Address, Description, ProductName, StoreName},
    clock::Timestamp,
    geo::Place,
    ids::{MerchantId, ProductId, StoreId},
    money::{Currency, Money},
    policy::PREP_MIN_MAX,
    price,
    role::Profile,
    stock::Stock,
};
use storage::{
    db::Tx,
    events::{self, StoreOpened},
    journal::NewEntry,
    products::{self, ProductRecord},
    push::Push,
    stores::{self as rows, RegionSummary, StoreRecord},
};

use crate::{
    error::AskError,
    ops,
    platform::{Changes, Platform},
    stock,
};

/// Farthest that a store may deliver and a customer may search, in metres.
pub const RADIUS_M_MAX: u32 = 50_000;
/// How far a store delivers if the merchant does not say.
pub const RADIUS_M_DEFAULT: u32 = 5_000;
/// Radius of the first circle of a search, in metres.
const SEARCH_FROM_M: f64 = 1_000.0;
/// Stores of one search at most.
pub const NEARBY_MAX: usize = 200;

/// A store that a merchant wants to open.
#[derive(Debug, Clone)]
pub struct NewStore {
    /// What it is called.
    pub name: StoreName,
    /// Where it is, for people.
    pub address: Option<Address>,
    /// Where it is.
    pub place: Place,
    /// The only currency it sells in.
    pub currency: Currency,
    /// What else was said.
    pub terms: StoreTerms,
}

/// What a merchant may change at any time; `None` leaves it.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreTerms {
    /// Usual kitchen time, in minutes.
    pub prep_min: Option<u32>,
    /// What the customer pays for the delivery, in minor units.
    pub delivery_fee_minor: Option<i64>,
    /// The least that the items of an order must cost, in minor units.
    pub min_order_minor: Option<i64>,
    /// How far away it delivers.
    pub radius_m: Option<u32>,
    /// Whether it takes orders.
    pub is_open: Option<bool>,
}

/// A change to a store; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct StorePatch {
    /// What it is called.
    pub name: Option<StoreName>,
    /// Where it is, for people.
    pub address: Option<Address>,
    /// The rest.
    pub terms: StoreTerms,
}

/// A product that a merchant wants to sell.
#[derive(Debug, Clone)]
pub struct NewProduct {
    /// What it is called.
    pub name: ProductName,
    /// What it is.
    pub description: Option<Description>,
    /// What one piece costs, in minor units of the store's currency.
    pub price_minor: i64,
    /// How many there are.
    pub stock: i64,
}

/// A change to a product; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct ProductPatch {
    /// What it is called.
    pub name: Option<ProductName>,
    /// What it is.
    pub description: Option<Description>,
    /// What one piece costs, in minor units.
    pub price_minor: Option<i64>,
    /// How many there are.
    pub stock: Option<i64>,
    /// Whether customers see it.
    pub is_listed: Option<bool>,
}

/// A store that was found near a place.
#[derive(Debug, Clone)]
pub struct Nearby {
    /// The store.
    pub store: StoreRecord,
    /// How far away, in metres.
    pub distance_m: u32,
}

impl StoreTerms {
    fn check(&self) -> Result<(), AskError> {
        let is_amount = |it: Option<i64>| it.is_none_or(|it| (0..=price::MINOR_MAX).contains(&it));
        let range = |is_fine: bool, what| {
            if is_fine { Ok(()) } else { Err(AskError::OutOfRange { what }) }
        };
        range(self.prep_min.is_none_or(|it| it <= PREP_MIN_MAX), "prep_min is from 0 to 240")?;
        range(is_amount(self.delivery_fee_minor), "delivery_fee_minor is from 0 to 10^12")?;
        range(is_amount(self.min_order_minor), "min_order_minor is from 0 to 10^12")?;
        let is_radius = self.radius_m.is_none_or(|it| (1..=RADIUS_M_MAX).contains(&it));
        range(is_radius, "radius_m is from 1 to 50000 metres")
    }

    fn put_into(&self, store: &mut StoreRecord) {
        let amount = |minor| Money::from_minor(minor, store.currency);
        let (fee, min) = (self.delivery_fee_minor.map(amount), self.min_order_minor.map(amount));
        store.prep_min = self.prep_min.unwrap_or(store.prep_min);
        store.delivery_fee = fee.unwrap_or(store.delivery_fee);
        store.min_order = min.unwrap_or(store.min_order);
        store.radius_m = self.radius_m.unwrap_or(store.radius_m);
        store.is_open = self.is_open.unwrap_or(store.is_open);
    }
}

/// Opens a store.
///
/// # Errors
///
/// [`AskError::OutOfRange`] if one of the terms is not acceptable.
pub async fn create(
    platform: &Platform,
    by: MerchantId,
    new: NewStore,
) -> Result<StoreRecord, AskError> {
    new.terms.check()?;
    let nothing = Money::from_minor(0, new.currency);
    let mut store = StoreRecord {
        id: StoreId::generate(),
        owner_id: by,
        name: new.name.as_str().to_owned(),
        address: new.address.map(|it| it.as_str().to_owned()),
        place: new.place,
        currency: new.currency,
        prep_min: platform.policy.prep_default_min,
        delivery_fee: nothing,
        min_order: nothing,
        radius_m: RADIUS_M_DEFAULT,
        is_open: true,
    };
    new.terms.put_into(&mut store);
    let stored = store.clone();
    let write = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        rows::insert(tx, &stored, at).await?;
        ops::tell_store(changes, &stored, at)?;
        let owner = Profile::Merchant(stored.owner_id);
        let opened = StoreOpened { store: stored.id.to_string(), name: stored.name.clone() };
        let told = events::entry(Channel::Inbox(owner), Push::Store, Some(owner), &opened)?;
        // Whoever is connected hears the new store's channel from now on.
        changes.entries.push(NewEntry { joins: Some(Channel::Store(stored.id)), ..told });
        Ok::<_, AskError>(())
    };
    platform.command(None, write).await?;
    Ok(store)
}

/// Changes a store.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::OutOfRange`] if a term is not acceptable.
pub async fn change(
    platform: &Platform,
    by: MerchantId,
    store_id: StoreId,
    patch: StorePatch,
) -> Result<StoreRecord, AskError> {
    patch.terms.check()?;
    let write = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut store = rows::find_for_staff_locked(tx, store_id, by)
            .await?
            .ok_or(AskError::not_found("store"))?;
        if let Some(name) = &patch.name {
            store.name = name.as_str().to_owned();
        }
        if let Some(address) = &patch.address {
            store.address = Some(address.as_str().to_owned());
        }
        patch.terms.put_into(&mut store);
        rows::save(tx, &store).await?;
        ops::tell_store(changes, &store, at)?;
        Ok::<_, AskError>(())
    };
    platform.command(None, write).await?;
    show(platform, store_id).await
}

/// One store.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is none.
pub async fn show(platform: &Platform, store_id: StoreId) -> Result<StoreRecord, AskError> {
    rows::find(&mut platform.reader(), store_id).await?.ok_or(AskError::not_found("store"))
}

/// Stores near a place, the nearest first.
///
/// # Errors
///
/// [`AskError::OutOfRange`] if the radius is not acceptable.
pub async fn near(
    platform: &Platform,
    centre: Place,
    radius_m: u32,
    limit: usize,
) -> Result<Vec<Nearby>, AskError> {
    if !(1..=RADIUS_M_MAX).contains(&radius_m) {
        return Err(AskError::OutOfRange { what: "radius_m is from 1 to 50000 metres" });
    }
    let (far, limit) = (f64::from(radius_m), limit.min(NEARBY_MAX));
    let mut reader = platform.reader();
    let mut near: Vec<(f64, StoreRecord)> = Vec::new();
    let mut radius = SEARCH_FROM_M.min(far);
    // A small circle first: in a city it is enough, and it never scans more than it must.
    loop {
        let found = rows::list_near(&mut reader, centre, radius).await?;
        near.clear();
        near.extend(
            found
                .into_iter()
                .map(|it| (it.place.metres_to(centre), it))
                .filter(|(distance, _)| *distance <= radius),
        );
        if near.len() >= limit || radius >= far {
            break;
        }
        radius = (radius * 2.0).min(far);
    }
    near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.id.cmp(&b.1.id)));
    near.truncate(limit);
    let nearby = |(distance, store)| Nearby { store, distance_m: f64::round(distance) as u32 };
    Ok(near.into_iter().map(nearby).collect())
}

/// The stores that a merchant works for.
///
/// # Errors
///
/// [`AskError::Store`] if they cannot be read.
pub async fn mine(platform: &Platform, by: MerchantId) -> Result<Vec<StoreRecord>, AskError> {
    Ok(rows::list_for_staff(&mut platform.reader(), by).await?)
}

/// Every region that has a store, the largest first.
///
/// # Errors
///
/// [`AskError::Store`] if they cannot be read.
pub async fn regions(platform: &Platform) -> Result<Vec<RegionSummary>, AskError> {
    Ok(rows::list_regions(&mut platform.reader()).await?)
}

/// Puts a product on the menu.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::OutOfRange`] for impossible numbers.
pub async fn add_product(
    platform: &Platform,
    by: MerchantId,
    store_id: StoreId,
    new: NewProduct,
) -> Result<ProductRecord, AskError> {
    stock::check(Some(new.stock))?;
    let product_id = ProductId::generate();
    let write = async move |tx: &mut Tx, _: &mut Changes, at: Timestamp| {
        let store = rows::find_for_staff_locked(tx, store_id, by)
            .await?
            .ok_or(AskError::not_found("store"))?;
        let product = ProductRecord {
            id: product_id,
            store_id,
            name: new.name.as_str().to_owned(),
            description: new.description.as_ref().map(|it| it.as_str().to_owned()),
            price: price::in_range(Money::from_minor(new.price_minor, store.currency))?,
            stock: Stock { since: at, ..Stock::counted(new.stock) },
            is_listed: true,
        };
        products::insert(tx, &product, by.into(), at).await?;
        Ok::<_, AskError>(())
    };
    platform.command(None, write).await?;
    show_product(platform, product_id).await
}

/// Changes a product.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::OutOfRange`] for impossible numbers.
pub async fn change_product(
    platform: &Platform,
    by: MerchantId,
    product_id: ProductId,
    patch: ProductPatch,
) -> Result<ProductRecord, AskError> {
    stock::check(patch.stock)?;
    let write = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut product = products::find_for_staff_locked(tx, product_id, by)
            .await?
            .ok_or(AskError::not_found("product"))?;
        if let Some(name) = &patch.name {
            product.name = name.as_str().to_owned();
        }
        if let Some(description) = &patch.description {
            product.description = Some(description.as_str().to_owned());
        }
        if let Some(minor) = patch.price_minor {
            product.price = price::in_range(Money::from_minor(minor, product.price.currency()))?;
        }
        product.is_listed = patch.is_listed.unwrap_or(product.is_listed);
        products::save(tx, &product).await?;
        if let Some(left) = patch.stock {
            stock::put(tx, changes, &product, left, by.into(), at).await?;
        }
        Ok::<_, AskError>(())
    };
    platform.command(None, write).await?;
    show_product(platform, product_id).await
}

/// What a store sells.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such store.
pub async fn menu(platform: &Platform, store_id: StoreId) -> Result<Vec<ProductRecord>, AskError> {
    show(platform, store_id).await?;
    Ok(products::list_for_store(&mut platform.reader(), store_id, true).await?)
}

async fn show_product(
    platform: &Platform,
    product_id: ProductId,
) -> Result<ProductRecord, AskError> {
    products::find(&mut platform.reader(), product_id).await?.ok_or(AskError::not_found("product"))
}
