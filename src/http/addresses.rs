//! The address book of a customer.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use domain::{
    checked_text::{Address, PersonName, PlaceLabel},
    contact::Phone,
    geo::Place,
    ids::AddressId,
    role::Profile,
};
use serde::{Deserialize, Serialize};
use storage::addresses::{AddressFacts, AddressRow};
use usecases::{addresses, error::AskError};
use utoipa::ToSchema;

use super::{
    answer::Answer,
    extract::{Body, Customer, IdPath, MaybeKey},
    problem::{Problem, ProblemView},
    state::HttpState,
};

/// An address that a customer keeps.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressInput {
    /// What the customer calls it, as `Home`.
    pub label: Option<String>,
    /// Who receives there.
    pub recipient: String,
    /// How to call the recipient, as `+8613800138000`.
    pub phone: Option<String>,
    /// As people write it, with floor and door.
    pub address: String,
    /// Degrees north of the door.
    pub lat: f64,
    /// Degrees east of the door.
    pub lng: f64,
    /// Offers it first from now on. The first address is the default anyway.
    #[serde(default)]
    pub default: bool,
}

/// An address of the book.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddressView {
    /// The entry.
    pub entry: String,
    /// What the customer calls it.
    pub label: Option<String>,
    /// Who receives there.
    pub recipient: String,
    /// How to call the recipient.
    pub phone: Option<String>,
    /// As people write it.
    pub address: String,
    /// Degrees north of the door.
    pub lat: f64,
    /// Degrees east of the door.
    pub lng: f64,
    /// Whether it is offered first.
    pub default: bool,
}

/// The address book.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddressesView {
    /// The default first, then the newest; 20 at most.
    pub addresses: Vec<AddressView>,
}

impl From<AddressRow> for AddressView {
    fn from(it: AddressRow) -> Self {
        Self {
            entry: it.id.to_string(),
            label: it.label,
            recipient: it.recipient,
            phone: it.phone,
            address: it.address,
            lat: it.place.lat(),
            lng: it.place.lng(),
            default: it.is_default,
        }
    }
}

fn facts(input: &AddressInput) -> Result<AddressFacts, AskError> {
    Ok(AddressFacts {
        label: input.label.as_deref().map(PlaceLabel::parse).transpose()?,
        recipient: PersonName::parse(&input.recipient)?,
        phone: input.phone.as_deref().map(Phone::parse).transpose()?,
        address: Address::parse(&input.address)?,
        place: Place::new(input.lat, input.lng)?,
    })
}

/// Lists the address book.
#[utoipa::path(get, path = "/v1/addresses", operation_id = "list_addresses", tag = "accounts",
    security(("bearer" = [])),
    responses((status = 200, body = AddressesView), (status = "4XX", body = ProblemView)))]
pub async fn list(
    Customer(by): Customer,
    state: Data<HttpState>,
) -> Result<Answer<AddressesView>, Problem> {
    let found = addresses::list(&state.platform, by).await?;
    Ok(Answer::ok(AddressesView { addresses: found.into_iter().map(AddressView::from).collect() }))
}

/// Adds an address.
#[utoipa::path(post, path = "/v1/addresses", operation_id = "create_address", tag = "accounts",
    security(("bearer" = [])), request_body = AddressInput,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = AddressView), (status = "4XX", body = ProblemView)))]
pub async fn create(
    Customer(by): Customer,
    key: MaybeKey,
    input: Body<AddressInput>,
    state: Data<HttpState>,
) -> Result<Answer<AddressView>, Problem> {
    let (facts, is_default) = (facts(&input)?, input.default);
    let key = key.command(Profile::Customer(by), &input);
    let done = addresses::add(&state.platform, by, facts, is_default, key).await?;
    let row = addresses::find(&state.platform, by, done.value).await?;
    Ok(Answer::created(AddressView::from(row)).replayed(done.dup))
}

/// Writes an address anew.
#[utoipa::path(put, path = "/v1/addresses/{entry}", operation_id = "put_address",
    tag = "accounts", security(("bearer" = [])), request_body = AddressInput,
    params(("entry" = String, Path, description = "The entry, `adr_…`.")),
    responses((status = 200, body = AddressView), (status = "4XX", body = ProblemView)))]
pub async fn put(
    Customer(by): Customer,
    path: Path<IdPath<AddressId>>,
    input: Body<AddressInput>,
    state: Data<HttpState>,
) -> Result<Answer<AddressView>, Problem> {
    let IdPath(id) = path.into_inner();
    addresses::replace(&state.platform, by, id, facts(&input)?, input.default).await?;
    let row = addresses::find(&state.platform, by, id).await?;
    Ok(Answer::ok(AddressView::from(row)))
}

/// Removes an address. If it was the default, the newest of the others is.
#[utoipa::path(delete, path = "/v1/addresses/{entry}", operation_id = "delete_address",
    tag = "accounts", security(("bearer" = [])),
    params(("entry" = String, Path, description = "The entry, `adr_…`.")),
    responses((status = 204), (status = "4XX", body = ProblemView)))]
pub async fn remove(
    Customer(by): Customer,
    path: Path<IdPath<AddressId>>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    addresses::remove(&state.platform, by, path.into_inner().0).await?;
    Ok(HttpResponse::NoContent().finish())
}
