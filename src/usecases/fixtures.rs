//! People, stores and open orders by the thousand, for load tests. Never in production.
//!
//! Everybody of one call has the same password, hashed once, and an access token that lives for as
//! long as the test. Orders go through the use cases that real ones go through.

use std::time::Duration;

use domain::{
    cart::{CartLine, Quantity},
    checked_text::{Address, Login, PersonName},
    clock::Timestamp,
    geo::Place,
    ids::{AccountId, CustomerId, OrderId, ProductId, SessionId, StoreId},
    money::{Currency, Money},
    policy::PREP_MIN_MAX,
    role::{Profile, Role},
    stock::Stock,
};
use storage::{
    accounts as rows,
    db::Tx,
    error::StoreError,
    products::{self, ProductRecord},
    stores::{self, StoreRecord},
};

use crate::{
    error::AskError,
    orders::{self, Acceptance},
    passwords, payments,
    placing::{self, HandoverWish, OrderTerms, OrderWish},
    platform::Platform,
    tokens::Subject,
};

/// People of one call at most.
pub const PEOPLE_MAX: u32 = 50_000;
/// Longest life of an access token, in hours.
pub const TOKEN_HOURS_MAX: u32 = 168;
/// People written in one transaction: other writes wait for it.
const PEOPLE_PER_WRITE: usize = 250;
/// Pieces of the one product of each store.
const STOCK: i64 = 1_000_000;
/// Its price, in minor units.
const PRICE_MINOR: i64 = 2_000;
/// How far the stores deliver, in metres.
const RADIUS_M: u32 = 20_000;
/// Distance between neighbouring stores, in metres, and how many stand in a row.
const GRID: (f64, u32) = (250.0, 40);
/// Where the first store stands.
const CENTRE: (f64, f64) = (31.23, 121.47);
/// How far the door of an order is from its store, in metres.
const DOOR_M: f64 = 800.0;

/// How many people of which role.
#[derive(Debug, Clone)]
pub struct Crowd {
    /// Begins every login; nobody may have used it before.
    pub run: String,
    /// Everybody's password.
    pub password: String,
    /// How many customers.
    pub n_customers: u32,
    /// How many merchants, each with a store that sells one product.
    pub n_merchants: u32,
    /// How many riders.
    pub n_riders: u32,
    /// How long the access tokens are good for, in hours.
    pub token_hours: u32,
}

/// Somebody who was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// What to sign in with.
    pub login: String,
    /// The name that others see.
    pub name: String,
    /// The account.
    pub account_id: AccountId,
    /// The profile.
    pub profile: Profile,
    /// Good until [`Self::expires_at`].
    pub access_token: String,
    /// When the token runs out.
    pub expires_at: Timestamp,
    /// A merchant's store.
    pub store: Option<StoreRecord>,
    /// What the store sells.
    pub product_id: Option<ProductId>,
}

/// Makes a crowd.
///
/// # Errors
///
/// [`AskError::OutOfRange`] for too many or too long-lived, [`AskError::LoginTaken`] if the run's
/// name was used before.
pub async fn people(platform: &Platform, crowd: Crowd) -> Result<Vec<Made>, AskError> {
    let n_all = [crowd.n_customers, crowd.n_merchants, crowd.n_riders]
        .into_iter()
        .fold(0, u32::saturating_add);
    if n_all > PEOPLE_MAX {
        return Err(AskError::OutOfRange { what: "one call makes at most 50000 people" });
    }
    if !(1..=TOKEN_HOURS_MAX).contains(&crowd.token_hours) {
        return Err(AskError::OutOfRange { what: "token_hours is from 1 to 168" });
    }
    passwords::check(&crowd.password)?;
    let password_hash = passwords::hash(crowd.password.clone()).await?;
    let everybody = [
        (Role::Customer, crowd.n_customers),
        (Role::Merchant, crowd.n_merchants),
        (Role::Rider, crowd.n_riders),
    ];
    let mut made = Vec::with_capacity(n_all as usize);
    for (role, n) in everybody {
        for number in 1..=n {
            made.push(make(platform, &crowd, role, number)?);
        }
    }
    for some in made.chunks(PEOPLE_PER_WRITE) {
        let (some, password_hash) = (some.to_vec(), password_hash.clone());
        let at = platform.now();
        let write = async move |tx: &mut Tx| insert(tx, &some, &password_hash, at).await;
        match platform.store.write(write).await {
            Err(StoreError::Duplicate(_)) => return Err(AskError::LoginTaken),
            outcome => outcome?,
        }
    }
    Ok(made)
}

fn make(platform: &Platform, crowd: &Crowd, role: Role, number: u32) -> Result<Made, AskError> {
    let login = Login::parse(&format!("{}-{role}-{number}", crowd.run))?;
    let name = PersonName::parse(&format!("{role} {number}"))?;
    let (account_id, profile) = (AccountId::generate(), Profile::generate(role));
    let span = Duration::from_secs(u64::from(crowd.token_hours) * 3_600);
    let session_id = SessionId::generate();
    let subject = Subject { profile, account_id, name: name.as_str(), session_id };
    let (access_token, expires_at) = platform.tokens.issue_for(subject, platform.now(), span)?;
    let (store, product_id) = match profile {
        Profile::Merchant(owner_id) => {
            let nothing = Money::from_minor(0, Currency::Cny);
            let store = StoreRecord {
                id: StoreId::generate(),
                owner_id,
                name: format!("Store {number}"),
                address: None,
                place: stand(number)?,
                currency: Currency::Cny,
                prep_min: platform.policy.prep_default_min,
                delivery_fee: nothing,
                min_order: nothing,
                radius_m: RADIUS_M,
                is_open: true,
            };
            (Some(store), Some(ProductId::generate()))
        }
        Profile::Customer(_) | Profile::Rider(_) | Profile::Operator(_) => (None, None),
    };
    let (login, name) = (login.as_str().to_owned(), name.as_str().to_owned());
    Ok(Made { login, name, account_id, profile, access_token, expires_at, store, product_id })
}

/// Where the store of this number stands.
fn stand(number: u32) -> Result<Place, AskError> {
    let (step_m, in_a_row) = GRID;
    let (row, column) = ((number - 1) / in_a_row, (number - 1) % in_a_row);
    let centre = Place::new(CENTRE.0, CENTRE.1)?;
    Ok(centre.offset(f64::from(column) * step_m, f64::from(row) * step_m))
}

async fn insert(
    tx: &mut Tx,
    some: &[Made],
    password_hash: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    for one in some {
        let login = Login::parse(&one.login).map_err(StoreError::refused)?;
        let name = PersonName::parse(&one.name).map_err(StoreError::refused)?;
        rows::insert_account(tx, one.account_id, &login, password_hash, at).await?;
        rows::insert_profile(tx, one.account_id, one.profile, &name, at).await?;
        if let (Some(store), Some(product_id)) = (&one.store, one.product_id) {
            stores::insert(tx, store, at).await?;
            let product = ProductRecord {
                id: product_id,
                store_id: store.id,
                name: "Dish".to_owned(),
                description: None,
                price: Money::from_minor(PRICE_MINOR, store.currency),
                stock: Stock::counted(STOCK),
                is_listed: true,
            };
            products::insert(tx, &product, one.profile.into(), at).await?;
        }
    }
    Ok(())
}

/// Places, pays and accepts an order: its chat is open from then on. The kitchen takes as long as a
/// kitchen may, so that nothing happens to the order during a test.
///
/// # Errors
///
/// What the use cases say.
pub async fn open_order(
    platform: &Platform,
    by: CustomerId,
    store_id: StoreId,
) -> Result<OrderId, AskError> {
    let store = crate::stores::show(platform, store_id).await?;
    let menu = crate::stores::menu(platform, store_id).await?;
    let product_id = menu.first().ok_or(AskError::not_found("product"))?.id;
    let quantity = Quantity::new(1)?;
    let wish = OrderWish {
        store_id,
        lines: Some(vec![CartLine::plain(product_id, quantity)]),
        handover: HandoverWish::delivered(
            store.place.offset(DOOR_M, 0.0),
            Address::parse("Test Street 1")?,
        ),
        note: None,
        terms: OrderTerms::default(),
    };
    let placed = placing::place(platform, by, wish, None).await?.value;
    let order_id = placed.order.parse().map_err(|_| AskError::not_found("order"))?;
    let payment = payments::start(platform, by, order_id, None).await?.value;
    payments::play_customer(platform, &payment.provider_ref, true).await?;
    let how = Acceptance { prep_min: Some(PREP_MIN_MAX), start: false };
    orders::accept(platform, store.owner_id, order_id, None, how).await?;
    Ok(order_id)
}
