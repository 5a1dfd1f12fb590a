//! Address books of customers.

use domain::{
    checked_text::{Address, PersonName, PlaceLabel},
    clock::Timestamp,
    contact::Phone,
    geo::Place,
    ids::{AddressId, CustomerId},
};

use crate::{
    args,
    columns::{parsed, place},
    db::{Reader, Tx},
    error::StoreError,
};

/// Addresses of one customer at most.
pub const ADDRESSES_MAX: u32 = 20;

/// What stands in an address book.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressFacts {
    /// What the customer calls it.
    pub label: Option<PlaceLabel>,
    /// Who receives there.
    pub recipient: PersonName,
    /// How to call the recipient.
    pub phone: Option<Phone>,
    /// As people write it.
    pub address: Address,
    /// Where the door is.
    pub place: Place,
}

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressRow {
    /// The entry.
    pub id: AddressId,
    /// What the customer calls it.
    pub label: Option<String>,
    /// Who receives there.
    pub recipient: String,
    /// How to call the recipient.
    pub phone: Option<String>,
    /// As people write it.
    pub address: String,
    /// Where the door is.
    pub place: Place,
    /// Whether it is offered first.
    pub is_default: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    address_id: String,
    label: Option<String>,
    recipient: String,
    phone: Option<String>,
    address: String,
    lat: f64,
    lng: f64,
    is_default: bool,
}

#[derive(sqlx::FromRow)]
struct CountRow {
    n: i64,
}

impl Row {
    fn read(self) -> Result<AddressRow, StoreError> {
        Ok(AddressRow {
            id: parsed("address_entry.address_id", &self.address_id)?,
            label: self.label,
            recipient: self.recipient,
            phone: self.phone,
            address: self.address,
            place: place("address_entry.lat, lng", self.lat, self.lng)?,
            is_default: self.is_default,
        })
    }
}

/// The addresses of a customer: the default first, then the newest.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list(
    reader: &mut impl Reader,
    customer_id: CustomerId,
) -> Result<Vec<AddressRow>, StoreError> {
    let sql = "select address_id, label, recipient, phone, address, lat, lng, is_default
                 from address_entry where customer_id = ?
                order by is_default desc, created_at_ms desc, address_id desc limit ?";
    let rows: Vec<Row> = reader.all(sql, args![customer_id, ADDRESSES_MAX]).await?;
    rows.into_iter().map(Row::read).collect()
}

/// One address of a customer.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    customer_id: CustomerId,
    id: AddressId,
) -> Result<Option<AddressRow>, StoreError> {
    let sql = "select address_id, label, recipient, phone, address, lat, lng, is_default
                 from address_entry where customer_id = ? and address_id = ?";
    reader.opt::<Row>(sql, args![customer_id, id]).await?.map(Row::read).transpose()
}

/// How many addresses a customer has.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn count(reader: &mut impl Reader, customer_id: CustomerId) -> Result<i64, StoreError> {
    let sql = "select count(*) as n from address_entry where customer_id = ?";
    Ok(reader.opt::<CountRow>(sql, args![customer_id]).await?.map_or(0, |it| it.n))
}

/// Writes a new address.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert(
    tx: &mut Tx,
    customer_id: CustomerId,
    id: AddressId,
    facts: &AddressFacts,
    is_default: bool,
    at: Timestamp,
) -> Result<(), StoreError> {
    let AddressFacts { label, recipient, phone, address, place } = facts;
    tx.exec(
        "insert into address_entry (address_id, customer_id, label, recipient, phone, address, lat,
                lng, is_default, created_at_ms)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            id,
            customer_id,
            label.as_ref().map(PlaceLabel::as_str),
            recipient.as_str(),
            phone.as_ref().map(Phone::as_str),
            address.as_str(),
            place.lat(),
            place.lng(),
            is_default,
            at
        ],
    )
    .await?;
    Ok(())
}

/// Writes an address anew; `false` if the customer has no such one.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn replace(
    tx: &mut Tx,
    customer_id: CustomerId,
    id: AddressId,
    facts: &AddressFacts,
) -> Result<bool, StoreError> {
    if find(tx, customer_id, id).await?.is_none() {
        return Ok(false);
    }
    let AddressFacts { label, recipient, phone, address, place } = facts;
    tx.exec(
        "update address_entry set label = ?, recipient = ?, phone = ?, address = ?, lat = ?, lng = ?
          where customer_id = ? and address_id = ?",
        args![
            label.as_ref().map(PlaceLabel::as_str),
            recipient.as_str(),
            phone.as_ref().map(Phone::as_str),
            address.as_str(),
            place.lat(),
            place.lng(),
            customer_id,
            id
        ],
    )
    .await?;
    Ok(true)
}

/// Makes one address the default, and the others not.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn make_default(
    tx: &mut Tx,
    customer_id: CustomerId,
    id: AddressId,
) -> Result<(), StoreError> {
    let sql = "update address_entry set is_default = (address_id = ?) where customer_id = ?";
    tx.exec(sql, args![id, customer_id]).await?;
    Ok(())
}

/// Removes an address; `false` if the customer has no such one.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn remove(
    tx: &mut Tx,
    customer_id: CustomerId,
    id: AddressId,
) -> Result<bool, StoreError> {
    let sql = "delete from address_entry where customer_id = ? and address_id = ?";
    Ok(tx.exec(sql, args![customer_id, id]).await? == 1)
}

/// Removes all addresses of a customer.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn remove_all(tx: &mut Tx, customer_id: CustomerId) -> Result<(), StoreError> {
    tx.exec("delete from address_entry where customer_id = ?", args![customer_id]).await?;
    Ok(())
}
