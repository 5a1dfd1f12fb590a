//! Which riders work now, with what, and where they were last known for certain.

use domain::{clock::Timestamp, geo::Place, ids::RiderId, text_enum::text_enum, travel::Vehicle};

use crate::{
    args,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

text_enum! {
    /// Whether a rider takes work.
    pub enum Duty {
        /// Not working.
        Off => "off",
        /// Takes work.
        On => "on",
        /// Finishes what he has, takes nothing new.
        Break => "break",
    }
}

/// A rider at work.
#[derive(Debug, Clone, PartialEq)]
pub struct RiderDuty {
    /// Who.
    pub rider_id: RiderId,
    /// Whether he takes work.
    pub duty: Duty,
    /// What he moves with.
    pub vehicle: Vehicle,
    /// Orders he can carry at once.
    pub capacity: u32,
    /// Where he was at the last certain moment: going on duty, or a stop.
    pub place: Place,
    /// Since when.
    pub since: Timestamp,
    /// Offers in a row that he left unanswered.
    pub n_timeouts: u32,
}

#[derive(sqlx::FromRow)]
struct DutyRow {
    rider_id: String,
    duty: String,
    vehicle: String,
    capacity: i32,
    lat: f64,
    lng: f64,
    since_ms: i64,
    n_timeouts: i32,
}

#[derive(sqlx::FromRow)]
struct CountRow {
    n: i64,
}

const COLUMNS: &str = "rider_id, duty, vehicle, capacity, lat, lng, since_ms, n_timeouts";

/// Writes how a rider works from now on.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save(tx: &mut Tx, it: &RiderDuty) -> Result<(), StoreError> {
    let columns = ["duty", "vehicle", "capacity", "lat", "lng", "since_ms", "n_timeouts"];
    let tail = dialect::or_update(tx.is_mysql(), "rider_id", &columns);
    tx.exec(
        &format!("insert into rider_duty ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?){tail}"),
        args![
            it.rider_id,
            it.duty.as_str(),
            it.vehicle.as_str(),
            it.capacity,
            it.place.lat(),
            it.place.lng(),
            it.since,
            it.n_timeouts
        ],
    )
    .await?;
    Ok(())
}

/// How a rider works; `None` if he never went on duty.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    rider_id: RiderId,
) -> Result<Option<RiderDuty>, StoreError> {
    let sql = format!("select {COLUMNS} from rider_duty where rider_id = ?");
    reader.opt::<DutyRow>(&sql, args![rider_id]).await?.map(DutyRow::read).transpose()
}

/// Like [`find`], and keeps the row until the transaction ends, so that two deliveries cannot take
/// the same last place in a rider's bag.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_locked(tx: &mut Tx, rider_id: RiderId) -> Result<Option<RiderDuty>, StoreError> {
    let sql = format!("select {COLUMNS} from rider_duty where rider_id = ?");
    tx.opt_locked::<DutyRow>(&sql, args![rider_id]).await?.map(DutyRow::read).transpose()
}

/// Every rider who is on duty or on a break.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_working(reader: &mut impl Reader) -> Result<Vec<RiderDuty>, StoreError> {
    let sql = format!("select {COLUMNS} from rider_duty where duty <> 'off'");
    reader.all::<DutyRow>(&sql, args![]).await?.into_iter().map(DutyRow::read).collect()
}

/// Riders on duty who were last seen for certain within so many metres east, west, north and south.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn count_near(
    reader: &mut impl Reader,
    place: Place,
    metres: f64,
) -> Result<u64, StoreError> {
    let (low, high) = (place.offset(-metres, -metres), place.offset(metres, metres));
    let row: Option<CountRow> = reader
        .opt(
            "select count(*) as n from rider_duty
              where duty = 'on' and lat between ? and ? and lng between ? and ?",
            args![low.lat(), high.lat(), low.lng(), high.lng()],
        )
        .await?;
    Ok(row.map_or(0, |it| u64::try_from(it.n).unwrap_or(0)))
}

/// Notes where a rider certainly is.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save_place(tx: &mut Tx, rider_id: RiderId, place: Place) -> Result<(), StoreError> {
    tx.exec(
        "update rider_duty set lat = ?, lng = ? where rider_id = ?",
        args![place.lat(), place.lng(), rider_id],
    )
    .await?;
    Ok(())
}

/// Counts offers left unanswered in a row; 0 starts afresh.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save_timeouts(
    tx: &mut Tx,
    rider_id: RiderId,
    n_timeouts: u32,
) -> Result<(), StoreError> {
    tx.exec("update rider_duty set n_timeouts = ? where rider_id = ?", args![n_timeouts, rider_id])
        .await?;
    Ok(())
}

impl DutyRow {
    fn read(self) -> Result<RiderDuty, StoreError> {
        let count = |column, n: i32| u32::try_from(n).map_err(|_| StoreError::corrupt(column, n));
        Ok(RiderDuty {
            rider_id: self
                .rider_id
                .parse()
                .map_err(|_| StoreError::corrupt("rider_duty.rider_id", &self.rider_id))?,
            duty: Duty::from_text(&self.duty)
                .ok_or_else(|| StoreError::corrupt("rider_duty.duty", &self.duty))?,
            vehicle: Vehicle::from_text(&self.vehicle)
                .ok_or_else(|| StoreError::corrupt("rider_duty.vehicle", &self.vehicle))?,
            capacity: count("rider_duty.capacity", self.capacity)?,
            place: Place::new(self.lat, self.lng)
                .map_err(|_| StoreError::corrupt("rider_duty.lat", self.lat))?,
            since: Timestamp::from_ms(self.since_ms),
            n_timeouts: count("rider_duty.n_timeouts", self.n_timeouts)?,
        })
    }
}
