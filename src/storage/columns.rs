//! Reads checked values out of columns: what our rules cannot read is reported, never believed.

use std::str::FromStr;

use domain::{
    clock::Timestamp,
    geo::Place,
    money::{Currency, Money},
};

use crate::{db::Val, error::StoreError};

/// An id, a profile or a channel.
pub(crate) fn parsed<T: FromStr>(column: &'static str, stored: &str) -> Result<T, StoreError> {
    stored.parse().map_err(|_| StoreError::corrupt(column, stored))
}

/// A text enum, by its own reader.
pub(crate) fn word<T>(
    column: &'static str,
    stored: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, StoreError> {
    read(stored).ok_or_else(|| StoreError::corrupt(column, stored))
}

/// A currency.
pub(crate) fn currency(column: &'static str, stored: &str) -> Result<Currency, StoreError> {
    word(column, stored.trim_end(), Currency::from_code)
}

/// An amount beside its currency.
pub(crate) fn money(column: &'static str, minor: i64, code: &str) -> Result<Money, StoreError> {
    Ok(Money::from_minor(minor, currency(column, code)?))
}

/// A place.
pub(crate) fn place(column: &'static str, lat: f64, lng: f64) -> Result<Place, StoreError> {
    Place::new(lat, lng).map_err(|_| StoreError::corrupt(column, format!("{lat}, {lng}")))
}

/// An instant that may be absent.
pub(crate) fn instant(stored: Option<i64>) -> Option<Timestamp> {
    stored.map(Timestamp::from_ms)
}

/// `?, ?, ?` and the values for it.
pub(crate) fn any_of<T: ToString>(ids: &[T]) -> (String, Vec<Val<'static>>) {
    let marks = vec!["?"; ids.len()].join(", ");
    (marks, ids.iter().map(|it| Val::Owned(it.to_string())).collect())
}
