//! What a customer wants, as it comes in: the same for orders and for quotes.

use std::{fmt, str::FromStr};

use domain::{
    cart::{CartLine, Quantity},
    checked_text::{Note, PersonName, Phone},
    clock::Timestamp,
    ids::StoreId,
};
use serde::Deserialize;
use usecases::{
    error::AskError,
    placing::{OrderTerms, OrderWish},
};
use utoipa::ToSchema;

use super::{
    handovers::{HandoverInput, handover_wish},
    problem::{Kind, Problem},
};

/// What a customer wants. The server knows what it costs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderInput {
    /// Where from.
    pub store: String,
    /// What; left out for what is selected in the cart.
    pub lines: Option<Vec<OrderLineInput>>,
    /// How it changes hands; left out for what a rider brings.
    pub handover: Option<HandoverInput>,
    /// Where to; only what the customer collects needs none.
    pub dropoff: Option<DropoffInput>,
    /// What to ask the store or the rider for.
    pub note: Option<String>,
    /// What the customer gives the rider, in minor units (default 0).
    pub tip_minor: Option<i64>,
    /// For how many people cutlery is wanted, 0 to 99.
    pub cutlery: Option<u32>,
    /// Whom to ask for at the door.
    pub contact: Option<ContactInput>,
    /// For when it is, in UTC milliseconds: one of the store's slots. Left out for as soon as possible.
    pub scheduled_for: Option<i64>,
    /// The quote whose price is to be charged. Everything else must be as it was quoted.
    pub quote: Option<String>,
}

/// Pieces of one product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderLineInput {
    /// Which product.
    pub product: String,
    /// 1 to 99.
    pub quantity: i64,
    /// What is chosen with it: ids of options of the menu.
    pub options: Option<Vec<String>>,
}

/// Where an order goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DropoffInput {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
    /// For people.
    pub address: String,
}

/// Whom to ask for at the door.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactInput {
    /// What the person is called.
    pub name: Option<String>,
    /// Where to call, as people write it.
    pub phone: Option<String>,
}

/// Reads an id out of a body.
pub(super) fn id<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|err| Problem::new(Kind::BadInput, format!("`{text}`: {err}.")))
}

/// Reads the ids of options.
pub(super) fn ids<T: FromStr<Err: fmt::Display>>(
    texts: Option<&Vec<String>>,
) -> Result<Vec<T>, Problem> {
    texts.into_iter().flatten().map(|it| id(it)).collect()
}

impl OrderLineInput {
    /// The line in the words of the rules.
    pub(super) fn line(&self) -> Result<CartLine, Problem> {
        let quantity = Quantity::new(self.quantity).map_err(AskError::from)?;
        Ok(CartLine::with(id(&self.product)?, quantity, ids(self.options.as_ref())?))
    }
}

impl OrderInput {
    /// The wish in the words of the rules.
    pub(super) fn wish(&self) -> Result<OrderWish, Problem> {
        let lines = self.lines.as_ref();
        let lines = lines.map(|it| it.iter().map(OrderLineInput::line).collect()).transpose()?;
        let contact = self.contact.as_ref();
        let name = contact.and_then(|it| it.name.as_deref()).map(PersonName::parse).transpose();
        let phone = contact.and_then(|it| it.phone.as_deref()).map(Phone::parse).transpose();
        Ok(OrderWish {
            store_id: id::<StoreId>(&self.store)?,
            lines,
            handover: handover_wish(self.handover.as_ref(), self.dropoff.as_ref())?,
            note: self.note.as_deref().map(Note::parse).transpose().map_err(AskError::from)?,
            terms: OrderTerms {
                tip_minor: self.tip_minor.unwrap_or(0),
                cutlery: self.cutlery,
                contact_name: name.map_err(AskError::from)?,
                contact_phone: phone.map_err(AskError::from)?,
                scheduled_for: self.scheduled_for.map(Timestamp::from_ms),
                quote_id: self.quote.as_deref().map(id).transpose()?,
            },
        })
    }
}
