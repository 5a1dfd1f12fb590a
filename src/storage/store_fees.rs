//! What stores ask for beside their base fee.

use domain::{money::Money, price::FeeRules};

use crate::{
    args,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
    stores::StoreRecord,
};

#[derive(sqlx::FromRow)]
struct FeeRow {
    included_m: i64,
    per_km_minor: i64,
    free_from_minor: Option<i64>,
    packing_minor: i64,
}

/// The fees of a store: its base fee, and what was said about the rest.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn of(reader: &mut impl Reader, store: &StoreRecord) -> Result<FeeRules, StoreError> {
    let row: Option<FeeRow> = reader
        .opt(
            "select included_m, per_km_minor, free_from_minor, packing_minor from store_fee
              where store_id = ?",
            args![store.id],
        )
        .await?;
    let flat = FeeRules::flat(store.delivery_fee);
    let Some(row) = row else { return Ok(flat) };
    let amount = |minor| Money::from_minor(minor, store.currency);
    Ok(FeeRules {
        included_m: u32::try_from(row.included_m)
            .map_err(|_| StoreError::corrupt("store_fee.included_m", row.included_m))?,
        per_km: amount(row.per_km_minor),
        free_from: row.free_from_minor.map(amount),
        packing: amount(row.packing_minor),
        ..flat
    })
}

/// Says what a store asks for beside its base fee, which is not touched.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save(tx: &mut Tx, store: &StoreRecord, rules: &FeeRules) -> Result<(), StoreError> {
    let columns = ["included_m", "per_km_minor", "free_from_minor", "packing_minor"];
    let tail = dialect::or_update(tx.is_mysql(), "store_id", &columns);
    let sql = format!(
        "insert into store_fee (store_id, included_m, per_km_minor, free_from_minor, packing_minor)
         values (?, ?, ?, ?, ?){tail}"
    );
    let values = args![
        store.id,
        rules.included_m,
        rules.per_km.minor(),
        rules.free_from.map(Money::minor),
        rules.packing.minor()
    ];
    tx.exec(&sql, values).await?;
    Ok(())
}
