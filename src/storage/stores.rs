//! Stores and the merchants who work for them.

use domain::{
    clock::Timestamp,
    geo::Place,
    ids::{MerchantId, StoreId},
    money::{Currency, Money},
};

use crate::{
    args,
    columns::{currency, parsed, place},
    db::{Reader, Tx},
    error::StoreError,
};

/// Stores looked at in one search at most.
pub const NEARBY_SCAN_MAX: u32 = 2_000;

/// A store as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreRecord {
    /// Which store.
    pub id: StoreId,
    /// The merchant who opened it.
    pub owner_id: MerchantId,
    /// What it is called.
    pub name: String,
    /// Where it is, for people; `None` if the merchant gave no address.
    pub address: Option<String>,
    /// Where it is.
    pub place: Place,
    /// The only currency it sells in.
    pub currency: Currency,
    /// Usual kitchen time, in minutes.
    pub prep_min: u32,
    /// What the customer pays for the delivery.
    pub delivery_fee: Money,
    /// The least that the items of an order must cost.
    pub min_order: Money,
    /// How far away it delivers, in metres.
    pub radius_m: u32,
    /// Whether it takes orders now.
    pub is_open: bool,
}

#[derive(sqlx::FromRow)]
struct StoreRow {
    store_id: String,
    owner_id: String,
    name: String,
    address: Option<String>,
    lat: f64,
    lng: f64,
    currency: String,
    prep_min: i64,
    delivery_fee_minor: i64,
    min_order_minor: i64,
    radius_m: i64,
    is_open: bool,
}

#[derive(sqlx::FromRow)]
struct StaffRow {
    merchant_id: String,
    store_id: String,
}

#[derive(sqlx::FromRow)]
struct RegionRow {
    region: String,
    n_stores: i64,
    lat: f64,
    lng: f64,
}

/// A region with its stores counted.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionSummary {
    /// The geohash that names it.
    pub region: String,
    /// The middle of its stores.
    pub centre: Place,
    /// How many stores it has.
    pub n_stores: u64,
}

const COLUMNS: &str = "s.store_id, s.owner_id, s.name, s.address, s.lat, s.lng, s.currency,
    s.prep_min, s.delivery_fee_minor, s.min_order_minor, s.radius_m, s.is_open";

impl StoreRow {
    fn record(self) -> Result<StoreRecord, StoreError> {
        let currency = currency("store.currency", &self.currency)?;
        let small =
            |column, it: i64| u32::try_from(it).map_err(|_| StoreError::corrupt(column, it));
        Ok(StoreRecord {
            id: parsed("store.store_id", &self.store_id)?,
            owner_id: parsed("store.owner_id", &self.owner_id)?,
            place: place("store.lat", self.lat, self.lng)?,
            prep_min: small("store.prep_min", self.prep_min)?,
            radius_m: small("store.radius_m", self.radius_m)?,
            delivery_fee: Money::from_minor(self.delivery_fee_minor, currency),
            min_order: Money::from_minor(self.min_order_minor, currency),
            name: self.name,
            address: self.address,
            currency,
            is_open: self.is_open,
        })
    }
}

fn records(rows: Vec<StoreRow>) -> Result<Vec<StoreRecord>, StoreError> {
    rows.into_iter().map(StoreRow::record).collect()
}

/// Writes a new store; its owner is its first staff.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn insert(tx: &mut Tx, store: &StoreRecord, at: Timestamp) -> Result<(), StoreError> {
    tx.exec(
        "insert into store (store_id, owner_id, name, address, lat, lng, region, currency, prep_min,
            delivery_fee_minor, min_order_minor, radius_m, is_open, created_at_ms)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            store.id,
            store.owner_id,
            &store.name,
            store.address.as_ref(),
            store.place.lat(),
            store.place.lng(),
            store.place.region(),
            store.currency.code(),
            store.prep_min,
            store.delivery_fee.minor(),
            store.min_order.minor(),
            store.radius_m,
            store.is_open,
            at
        ],
    )
    .await?;
    tx.exec(
        "insert into store_staff (merchant_id, store_id) values (?, ?)",
        args![store.owner_id, store.id],
    )
    .await?;
    Ok(())
}

/// Overwrites what a merchant may change: all but place and currency.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save(tx: &mut Tx, store: &StoreRecord) -> Result<(), StoreError> {
    tx.exec(
        "update store set name = ?, address = ?, prep_min = ?, delivery_fee_minor = ?,
            min_order_minor = ?, radius_m = ?, is_open = ?
          where store_id = ?",
        args![
            &store.name,
            store.address.as_ref(),
            store.prep_min,
            store.delivery_fee.minor(),
            store.min_order.minor(),
            store.radius_m,
            store.is_open,
            store.id
        ],
    )
    .await?;
    Ok(())
}

/// One store.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    store_id: StoreId,
) -> Result<Option<StoreRecord>, StoreError> {
    let sql = format!("select {COLUMNS} from store s where s.store_id = ?");
    let row: Option<StoreRow> = reader.opt(&sql, args![store_id]).await?;
    row.map(StoreRow::record).transpose()
}

/// One store, locked, if the merchant works for it.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_for_staff_locked(
    tx: &mut Tx,
    store_id: StoreId,
    merchant_id: MerchantId,
) -> Result<Option<StoreRecord>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from store s where s.store_id = ? and exists (select 1 from store_staff t
            where t.store_id = s.store_id and t.merchant_id = ?)"
    );
    let row: Option<StoreRow> = tx.opt_locked(&sql, args![store_id, merchant_id]).await?;
    row.map(StoreRow::record).transpose()
}

/// Whether the merchant works for the store.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn is_staff(
    reader: &mut impl Reader,
    store_id: StoreId,
    merchant_id: MerchantId,
) -> Result<bool, StoreError> {
    let row: Option<StaffRow> = reader
        .opt(
            "select merchant_id, store_id from store_staff where merchant_id = ? and store_id = ?",
            args![merchant_id, store_id],
        )
        .await?;
    Ok(row.is_some())
}

/// Everybody who works for a store.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_staff(
    reader: &mut impl Reader,
    store_id: StoreId,
) -> Result<Vec<MerchantId>, StoreError> {
    let rows: Vec<StaffRow> = reader
        .all(
            "select merchant_id, store_id from store_staff where store_id = ? order by merchant_id",
            args![store_id],
        )
        .await?;
    rows.iter().map(|row| parsed("store_staff.merchant_id", &row.merchant_id)).collect()
}

/// The ids of the stores that a merchant works for.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_ids_for_staff(
    reader: &mut impl Reader,
    merchant_id: MerchantId,
) -> Result<Vec<StoreId>, StoreError> {
    let rows: Vec<StaffRow> = reader
        .all(
            "select merchant_id, store_id from store_staff where merchant_id = ? order by store_id",
            args![merchant_id],
        )
        .await?;
    rows.iter().map(|row| parsed("store_staff.store_id", &row.store_id)).collect()
}

/// The stores that a merchant works for.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_for_staff(
    reader: &mut impl Reader,
    merchant_id: MerchantId,
) -> Result<Vec<StoreRecord>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from store s join store_staff t on t.store_id = s.store_id
          where t.merchant_id = ? order by s.store_id"
    );
    records(reader.all(&sql, args![merchant_id]).await?)
}

/// Stores within a box around `centre`, in no order, at most [`NEARBY_SCAN_MAX`].
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_near(
    reader: &mut impl Reader,
    centre: Place,
    radius_m: f64,
) -> Result<Vec<StoreRecord>, StoreError> {
    let (low, high) = (centre.offset(-radius_m, -radius_m), centre.offset(radius_m, radius_m));
    let is_all_around = 2.0 * radius_m >= centre.metres_around();
    let (west, east) = if is_all_around { (-180.0, 180.0) } else { (low.lng(), high.lng()) };
    // A box that crosses the date line begins in the west of it and ends in the east.
    let both = if west <= east { "and" } else { "or" };
    let sql = format!(
        "select {COLUMNS} from store s
          where s.lat between ? and ? and (s.lng >= ? {both} s.lng <= ?) limit ?"
    );
    let values = args![low.lat(), high.lat(), west, east, NEARBY_SCAN_MAX];
    records(reader.all(&sql, values).await?)
}

/// All stores of a region.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_by_region(
    reader: &mut impl Reader,
    region: &str,
) -> Result<Vec<StoreRecord>, StoreError> {
    let sql = format!("select {COLUMNS} from store s where s.region = ? order by s.store_id");
    records(reader.all(&sql, args![region]).await?)
}

/// Every region that has a store.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_regions(reader: &mut impl Reader) -> Result<Vec<RegionSummary>, StoreError> {
    let rows: Vec<RegionRow> = reader
        .all(
            "select region, count(*) as n_stores, avg(lat) as lat, avg(lng) as lng from store
              group by region order by n_stores desc, region",
            &[],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(RegionSummary {
                centre: place("store.lat", row.lat, row.lng)?,
                n_stores: u64::try_from(row.n_stores).unwrap_or(0),
                region: row.region,
            })
        })
        .collect()
}
