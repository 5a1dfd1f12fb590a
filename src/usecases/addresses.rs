//! The address book of a customer.

use domain::{
    clock::Timestamp,
    ids::{AddressId, CustomerId},
};
use storage::{
    addresses::{self as rows, ADDRESSES_MAX, AddressFacts, AddressRow},
    commands::CommandKey,
    db::Tx,
};

use crate::{
    error::AskError,
    platform::{Changes, Done, Platform},
};

const NONE: AskError = AskError::not_found("address");

/// The addresses of a customer: the default first, then the newest.
///
/// # Errors
///
/// [`AskError::Store`] if they cannot be read.
pub async fn list(platform: &Platform, by: CustomerId) -> Result<Vec<AddressRow>, AskError> {
    Ok(rows::list(&mut platform.reader(), by).await?)
}

/// One address of a customer.
///
/// # Errors
///
/// [`AskError::NotFound`] if the customer has no such one.
pub async fn find(
    platform: &Platform,
    by: CustomerId,
    id: AddressId,
) -> Result<AddressRow, AskError> {
    rows::find(&mut platform.reader(), by, id).await?.ok_or(NONE)
}

/// Adds an address; the first one is the default.
///
/// # Errors
///
/// [`AskError::OutOfRange`] if the book is full.
pub async fn add(
    platform: &Platform,
    by: CustomerId,
    facts: AddressFacts,
    is_default: bool,
    key: Option<CommandKey>,
) -> Result<Done<AddressId>, AskError> {
    let work = async move |tx: &mut Tx, _: &mut Changes, at: Timestamp| {
        let n = rows::count(tx, by).await?;
        if n >= i64::from(ADDRESSES_MAX) {
            let what = "an address book has at most 20 addresses; remove one first";
            return Err(AskError::OutOfRange { what });
        }
        let id = AddressId::generate();
        rows::insert(tx, by, id, &facts, false, at).await?;
        if is_default || n == 0 {
            rows::make_default(tx, by, id).await?;
        }
        Ok(id.to_string())
    };
    let Done { value, positions, dup } = platform.command(key, work).await?;
    Ok(Done { value: value.parse().map_err(|_| NONE)?, positions, dup })
}

/// Writes an address anew.
///
/// # Errors
///
/// [`AskError::NotFound`] if the customer has no such one.
pub async fn replace(
    platform: &Platform,
    by: CustomerId,
    id: AddressId,
    facts: AddressFacts,
    is_default: bool,
) -> Result<(), AskError> {
    let write = async move |tx: &mut Tx| {
        if !rows::replace(tx, by, id, &facts).await? {
            return Err(NONE);
        }
        if is_default {
            rows::make_default(tx, by, id).await?;
        }
        Ok(())
    };
    platform.store.write(write).await
}

/// Removes an address; if it was the default, the newest of the others is.
///
/// # Errors
///
/// [`AskError::NotFound`] if the customer has no such one.
pub async fn remove(platform: &Platform, by: CustomerId, id: AddressId) -> Result<(), AskError> {
    let write = async move |tx: &mut Tx| {
        if !rows::remove(tx, by, id).await? {
            return Err(NONE);
        }
        let left = rows::list(tx, by).await?;
        if let Some(first) = left.first().filter(|it| !it.is_default) {
            rows::make_default(tx, by, first.id).await?;
        }
        Ok(())
    };
    platform.store.write(write).await
}
