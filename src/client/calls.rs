//! The REST calls of a life of an order, by name.
//!
//! Calls that must not happen twice carry a fresh idempotency key, so that they may be repeated.

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::{
    error::ClientError,
    link::new_cid,
    rest::{Call, Rest},
    session::Session,
};

/// A place as JSON wants it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, Deserialize)]
pub struct LatLng {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
}

/// A store to be opened.
#[derive(Debug, Clone)]
pub struct NewStore {
    /// Name to show.
    pub name: String,
    /// Where it is.
    pub place: LatLng,
    /// How long its kitchen needs, in minutes.
    pub prep_min: u32,
    /// How far it delivers, in metres.
    pub radius_m: u32,
}

/// What the server tells of a store.
#[derive(Debug, Clone, Deserialize)]
pub struct StoreView {
    /// Its id.
    #[serde(rename = "store")]
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Degrees north.
    #[serde(default)]
    pub lat: f64,
    /// Degrees east.
    #[serde(default)]
    pub lng: f64,
    /// Whether it takes orders now.
    #[serde(default)]
    pub is_open: bool,
}

/// What the server tells of a product.
#[derive(Debug, Clone, Deserialize)]
pub struct ProductView {
    /// Its id.
    #[serde(rename = "product")]
    pub id: String,
    /// Price in minor units.
    #[serde(default)]
    pub price_minor: i64,
    /// How many are left.
    #[serde(default)]
    pub stock: i64,
}

/// What the server tells of a payment that was begun.
#[derive(Debug, Clone, Deserialize)]
pub struct PaymentView {
    /// Its id.
    pub payment: String,
    /// Id at the provider.
    pub provider_ref: String,
}

/// An order as the server tells it: what the client needs, and everything.
#[derive(Debug, Clone)]
pub struct OrderView {
    /// Its id.
    pub id: String,
    /// State of the order.
    pub state: String,
    /// Everything.
    pub all: Value,
}

/// Something an order is made of.
#[derive(Debug, Clone)]
pub struct OrderAsk {
    /// From whom.
    pub store: String,
    /// Products and how many; none: what is in the cart.
    pub lines: Vec<(String, u32)>,
    /// Where to.
    pub dropoff: LatLng,
    /// The door.
    pub address: String,
    /// For the store.
    pub note: Option<String>,
    /// What proves that a rider handed it over; none: what the server's settings say.
    pub proof: Option<&'static str>,
}

impl OrderView {
    fn read(all: Value) -> Result<Self, ClientError> {
        let text = |name: &str| {
            all.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
                let why = format!("no `{name}` in {all}");
                ClientError::Unreadable { call: "order".to_owned(), why }
            })
        };
        Ok(Self { id: text("order")?, state: text("state")?, all })
    }
}

/// Opens a store of this merchant.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn open_store(merchant: &Session, store: &NewStore) -> Result<StoreView, ClientError> {
    let body = json!({
        "name": store.name, "lat": store.place.lat, "lng": store.place.lng, "address": store.name,
        "currency": "CNY", "prep_min": store.prep_min, "delivery_fee_minor": 600,
        "min_order_minor": 0, "radius_m": store.radius_m, "is_open": true,
    });
    merchant.ask(Call::post("/v1/stores", body)).await
}

/// Puts a product on the shelf.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn add_product(
    merchant: &Session,
    store: &str,
    name: &str,
    price_minor: i64,
    stock: u32,
) -> Result<ProductView, ClientError> {
    let body = json!({ "name": name, "price_minor": price_minor, "stock": stock });
    merchant.ask(Call::post(format!("/v1/stores/{store}/products"), body)).await
}

/// Places an order; asking again with the same `key` answers the same order.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn place(
    customer: &Session,
    ask: &OrderAsk,
    key: &str,
) -> Result<OrderView, ClientError> {
    let mut body = json!({
        "store": ask.store,
        "dropoff": { "lat": ask.dropoff.lat, "lng": ask.dropoff.lng, "address": ask.address },
    });
    if !ask.lines.is_empty() {
        let lines = ask.lines.iter();
        body["lines"] = lines.map(|(id, n)| json!({ "product": id, "quantity": n })).collect();
    }
    if let Some(proof) = ask.proof {
        body["handover"] = json!({ "mode": "delivery", "proof": proof });
    }
    if let Some(note) = &ask.note {
        body["note"] = json!(note);
    }
    OrderView::read(customer.call(Call::post("/v1/orders", body).key(key)).await?)
}

/// An order, for one of its parties.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn order(party: &Session, order: &str) -> Result<OrderView, ClientError> {
    OrderView::read(party.call(Call::get(format!("/v1/orders/{order}"))).await?)
}

/// Uploads a picture for an order; answers its id.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn upload(
    party: &Session,
    order: &str,
    picture: &'static [u8],
) -> Result<String, ClientError> {
    let sha256: String = Sha256::digest(picture).iter().map(|it| format!("{it:02x}")).collect();
    let body = json!({ "order": order, "name": "photo.png", "media_type": "image/png",
        "bytes": picture.len(), "sha256": sha256 });
    let begun = party.call(Call::post("/v1/attachments", body).key(new_cid())).await?;
    let id = begun.get("attachment").and_then(Value::as_str).unwrap_or_default().to_owned();
    party.call(Call::piece(format!("/v1/attachments/{id}"), 0, picture)).await?;
    Ok(id)
}

/// Begins to pay.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn begin_payment(customer: &Session, order: &str) -> Result<PaymentView, ClientError> {
    let call = Call::post(format!("/v1/orders/{order}/payments"), json!({ "provider": "sandbox" }));
    customer.ask(call.key(new_cid())).await
}

/// Pays at the sandbox provider, as the customer does in the provider's app.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn pay_at_sandbox(
    rest: &Rest,
    provider_ref: &str,
    succeeds: bool,
) -> Result<Value, ClientError> {
    let outcome = if succeeds { "succeeded" } else { "failed" };
    let path = format!("/v1/sandbox/{provider_ref}/pay");
    rest.call(&Call::post(path, json!({ "outcome": outcome })).key(new_cid()), None).await
}

/// Begins to pay and pays.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn pay(customer: &Session, order: &str) -> Result<(), ClientError> {
    let payment = begin_payment(customer, order).await?;
    pay_at_sandbox(customer.rest(), &payment.provider_ref, true).await.map(drop)
}

/// Moves an order: `accept`, `start`, `ready`, `reject`, `cancel` or `confirm`.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn step(
    party: &Session,
    order: &str,
    verb: &str,
    body: Value,
) -> Result<Value, ClientError> {
    party.call(Call::post(format!("/v1/orders/{order}/{verb}"), body).key(new_cid())).await
}

/// The customer's or rider's orders that are not over.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn open_orders(party: &Session) -> Result<Vec<Value>, ClientError> {
    let answer = party.call(Call::get("/v1/orders?open=true&limit=100")).await?;
    list("GET /v1/orders", answer, "orders")
}

/// A list in an answer, whether it stands alone or under a name.
fn list<T: serde::de::DeserializeOwned>(
    call: &str,
    mut answer: Value,
    name: &str,
) -> Result<Vec<T>, ClientError> {
    let list = answer.get_mut(name).map(Value::take).unwrap_or(answer);
    serde_json::from_value(list)
        .map_err(|err| ClientError::Unreadable { call: call.to_owned(), why: err.to_string() })
}

/// The merchant's own stores.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn my_stores(merchant: &Session) -> Result<Vec<StoreView>, ClientError> {
    let path = "/v1/stores/mine";
    list(path, merchant.call(Call::get(path)).await?, "stores")
}

/// Stores around a place, the nearest first.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn stores_nearby(
    customer: &Session,
    place: LatLng,
    limit: usize,
) -> Result<Vec<StoreView>, ClientError> {
    let path = format!("/v1/stores?lat={}&lng={}&limit={limit}", place.lat, place.lng);
    list("GET /v1/stores", customer.call(Call::get(path)).await?, "stores")
}

/// What a store sells.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn products(party: &Session, store: &str) -> Result<Vec<ProductView>, ClientError> {
    let path = format!("/v1/stores/{store}/products");
    list("products", party.call(Call::get(path)).await?, "products")
}

/// Puts so many of a product into the customer's cart; none takes it out.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn put_in_cart(
    customer: &Session,
    store: &str,
    product: &str,
    quantity: u32,
) -> Result<(), ClientError> {
    let path = format!("/v1/carts/{store}/lines/{product}");
    customer.call(Call::put(path, json!({ "quantity": quantity }))).await.map(drop)
}
