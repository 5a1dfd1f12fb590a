//! What was seen of kitchens: means of the times they took over the times they announced.

use domain::{
    ids::{OrderId, StoreId},
    kitchen::{Mean, Moment, REMEMBERED, Seen, SeenKind},
};

use crate::{
    args,
    columns::word,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

#[derive(sqlx::FromRow)]
struct SeenRow {
    kind: String,
    n: f64,
    sum_ratio: f64,
}

#[derive(sqlx::FromRow)]
struct CountRow {
    n: i64,
}

#[derive(sqlx::FromRow)]
struct LoadRow {
    kitchen_load: i32,
}

/// What was seen of a kitchen at moments like this one.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn seen(
    reader: &mut impl Reader,
    store_id: StoreId,
    moment: Moment,
) -> Result<Seen, StoreError> {
    let rows: Vec<SeenRow> = reader
        .all(
            "select kind, n, sum_ratio from kitchen_seen
              where store_id = ? and (kind = 'all' or (kind = 'hour' and bucket = ?)
                                                   or (kind = 'load' and bucket = ?))",
            args![store_id, moment.hour, moment.load],
        )
        .await?;
    let mut seen = Seen::default();
    for row in rows {
        let mean = Mean { n: row.n, sum: row.sum_ratio };
        match word("kitchen_seen.kind", &row.kind, SeenKind::from_text)? {
            SeenKind::All => seen.all = mean,
            SeenKind::Hour => seen.hour = mean,
            SeenKind::Load => seen.load = mean,
        }
    }
    Ok(seen)
}

/// Adds the ratio of one finished order to the means that it belongs to.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn learn(
    tx: &mut Tx,
    store_id: StoreId,
    moment: Moment,
    ratio: f64,
) -> Result<(), StoreError> {
    let verb = dialect::insert_or_keep(tx.is_mysql());
    let make = format!(
        "{verb} into kitchen_seen (store_id, kind, bucket, n, sum_ratio) values (?, ?, ?, 0, 0)"
    );
    let kept = 1.0 - 1.0 / REMEMBERED;
    for (kind, bucket) in moment.means() {
        tx.exec(&make, args![store_id, kind.as_str(), bucket]).await?;
        tx.exec(
            "update kitchen_seen set n = n * ? + 1, sum_ratio = sum_ratio * ? + ?
              where store_id = ? and kind = ? and bucket = ?",
            args![kept, kept, ratio, store_id, kind.as_str(), bucket],
        )
        .await?;
    }
    Ok(())
}

/// Accepted orders of a store that no rider has taken with him yet.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn n_open(
    reader: &mut impl Reader,
    store_id: StoreId,
    region: &str,
) -> Result<u32, StoreError> {
    let row: Option<CountRow> = reader
        .opt(
            "select count(*) as n from delivery
              where state in ('waiting', 'offering', 'pooled', 'assigned', 'arrived_pickup')
                and region = ? and store_id = ?",
            args![region, store_id],
        )
        .await?;
    Ok(row.map_or(0, |it| u32::try_from(it.n).unwrap_or(u32::MAX)))
}

/// Notes how much the kitchen had to do when it took an order.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save_load(tx: &mut Tx, order_id: OrderId, load: u32) -> Result<(), StoreError> {
    tx.exec("update delivery set kitchen_load = ? where order_id = ?", args![load, order_id])
        .await?;
    Ok(())
}

/// How much the kitchen had to do when it took an order.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn load_of(reader: &mut impl Reader, order_id: OrderId) -> Result<u32, StoreError> {
    let row: Option<LoadRow> =
        reader.opt("select kitchen_load from delivery where order_id = ?", args![order_id]).await?;
    Ok(row.and_then(|it| u32::try_from(it.kitchen_load).ok()).unwrap_or(0))
}
