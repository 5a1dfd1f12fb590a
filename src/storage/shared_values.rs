//! A few values that all nodes of one store share: the first one written stays.

use crate::{
    args,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

#[derive(sqlx::FromRow)]
struct ValueRow {
    value: String,
}

/// Reads a shared value.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(reader: &mut impl Reader, name: &str) -> Result<Option<String>, StoreError> {
    let row: Option<ValueRow> =
        reader.opt("select value from shared_value where name = ?", args![name]).await?;
    Ok(row.map(|it| it.value))
}

/// Writes a shared value if there is none, and reads the one that stands.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn find_or_insert(tx: &mut Tx, name: &str, value: &str) -> Result<String, StoreError> {
    let verb = dialect::insert_or_keep(tx.is_mysql());
    tx.exec(&format!("{verb} into shared_value (name, value) values (?, ?)"), args![name, value])
        .await?;
    find(tx, name).await?.ok_or_else(|| StoreError::not_found("shared value", name))
}

/// Overwrites a shared value.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn overwrite(tx: &mut Tx, name: &str, value: &str) -> Result<(), StoreError> {
    find_or_insert(tx, name, value).await?;
    tx.exec("update shared_value set value = ? where name = ?", args![value, name]).await?;
    Ok(())
}
