//! Deliveries: the transport of orders.

use domain::{
    clock::Timestamp,
    delivery::{Delivery, DeliveryChange},
    delivery_state::DeliveryState,
    geo::Place,
    ids::{OrderId, RiderId, StoreId},
    money::{Currency, Money},
};

use crate::{
    args,
    columns::any_of,
    db::{Reader, Tx},
    error::StoreError,
};

/// Deliveries that one look of the dispatcher takes in at most.
pub const OPEN_MAX: u32 = 20_000;

/// What is done beyond the usual to find a rider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outreach {
    /// Rings of cells around the store's own that the pool shows it in.
    pub rings: u32,
    /// What the rider earns on top of the pay.
    pub bonus: Money,
}

/// A delivery with everything that stands beside its state.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDelivery {
    /// What the rules see.
    pub delivery: Delivery,
    /// Where the goods are made.
    pub store_id: StoreId,
    /// The region whose dispatcher looks after it.
    pub region: String,
    /// The cell of the grab pool that shows it.
    pub pool_cell: String,
    /// Where to fetch the goods.
    pub pickup: Place,
    /// Where to bring them.
    pub dropoff: Place,
    /// Riders asked so far.
    pub n_offers: u32,
    /// What the rider earns, without the bonus.
    pub pay: Money,
    /// What is done beyond the usual to find a rider.
    pub outreach: Outreach,
    /// When the kitchen means to be done, or was done.
    pub ready_at: Timestamp,
    /// When the store accepted the order.
    pub created_at: Timestamp,
    /// When the present rider took it.
    pub assigned_at: Option<Timestamp>,
}

impl StoredDelivery {
    /// Where the goods go: to the door, or back to the store.
    pub fn goal(&self) -> Place {
        if self.delivery.state == DeliveryState::Returning { self.pickup } else { self.dropoff }
    }
}

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    delivery_id: String,
    order_id: String,
    store_id: String,
    state: String,
    version: i64,
    rider_id: Option<String>,
    region: String,
    pool_cell: String,
    pickup_lat: f64,
    pickup_lng: f64,
    dropoff_lat: f64,
    dropoff_lng: f64,
    n_offers: i32,
    pay_minor: i64,
    currency: String,
    ready_at_ms: i64,
    created_at_ms: i64,
    assigned_at_ms: Option<i64>,
    bonus_minor: i64,
    reach: i32,
    no_rider_ms: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct CellRow {
    pool_cell: String,
    created_at_ms: i64,
}

const COLUMNS: &str =
    "delivery_id, order_id, store_id, state, version, rider_id, region, pool_cell,
    pickup_lat, pickup_lng, dropoff_lat, dropoff_lng, n_offers, pay_minor, currency, ready_at_ms,
    created_at_ms, assigned_at_ms, bonus_minor, reach, no_rider_ms";

/// States in which a delivery still needs somebody's work, as SQL text.
const OPEN_STATES: &str = "('waiting', 'offering', 'pooled', 'assigned', 'arrived_pickup',
    'picked_up', 'arrived_dropoff', 'returning')";
/// States in which a rider holds it, as SQL text.
pub(crate) const HELD_STATES: &str =
    "('assigned', 'arrived_pickup', 'picked_up', 'arrived_dropoff', 'returning')";

/// Writes a new delivery.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert(tx: &mut Tx, it: &StoredDelivery) -> Result<(), StoreError> {
    let sql = format!(
        "insert into delivery ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
            ?, ?, ?)"
    );
    tx.exec(
        &sql,
        args![
            it.delivery.id,
            it.delivery.order_id,
            it.store_id,
            it.delivery.state.as_str(),
            it.delivery.version,
            it.delivery.rider_id,
            &it.region,
            &it.pool_cell,
            it.pickup.lat(),
            it.pickup.lng(),
            it.dropoff.lat(),
            it.dropoff.lng(),
            it.n_offers,
            it.pay.minor(),
            it.pay.currency().code(),
            it.ready_at,
            it.created_at,
            it.assigned_at,
            it.outreach.bonus.minor(),
            it.outreach.rings,
            it.delivery.no_rider_since
        ],
    )
    .await?;
    Ok(())
}

/// The delivery of an order, if the store has accepted it.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_for_order(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<Option<StoredDelivery>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from delivery where order_id = ? order by created_at_ms desc limit 1"
    );
    reader.opt::<DeliveryRow>(&sql, args![order_id]).await?.map(DeliveryRow::read).transpose()
}

/// Writes a decided change, if nobody moved the delivery since it was read.
///
/// # Errors
///
/// [`StoreError::Conflict`] if the delivery is no longer at `change.based_on`.
pub async fn save_change(tx: &mut Tx, change: &DeliveryChange) -> Result<(), StoreError> {
    let assigned = change.to == DeliveryState::Assigned;
    let asked = change.to == DeliveryState::Offering;
    let updated = tx
        .exec(
            "update delivery
                set state = ?, version = version + 1, rider_id = ?,
                    n_offers = n_offers + ?,
                    assigned_at_ms = case when ? = 1 then ? else assigned_at_ms end
              where delivery_id = ? and version = ?",
            args![
                change.to.as_str(),
                change.rider_id,
                i32::from(asked),
                i32::from(assigned),
                change.at,
                change.delivery_id,
                change.based_on
            ],
        )
        .await?;
    if updated == 0 {
        return Err(StoreError::conflict("delivery", change.delivery_id));
    }
    Ok(())
}

/// Notes when the kitchen is, or means to be, done.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save_ready_at(
    tx: &mut Tx,
    order_id: OrderId,
    ready_at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec("update delivery set ready_at_ms = ? where order_id = ?", args![ready_at, order_id])
        .await?;
    Ok(())
}

/// Notes what is done beyond the usual to find a rider. Whoever does so holds the order's lock.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save_search(tx: &mut Tx, it: &StoredDelivery) -> Result<(), StoreError> {
    tx.exec(
        "update delivery set bonus_minor = ?, reach = ?, no_rider_ms = ? where delivery_id = ?",
        args![
            it.outreach.bonus.minor(),
            it.outreach.rings,
            it.delivery.no_rider_since,
            it.delivery.id
        ],
    )
    .await?;
    Ok(())
}

/// Every delivery that still needs work, the oldest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_open(reader: &mut impl Reader) -> Result<Vec<StoredDelivery>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from delivery where state in {OPEN_STATES}
          order by created_at_ms, delivery_id limit {OPEN_MAX}"
    );
    reader.all::<DeliveryRow>(&sql, args![]).await?.into_iter().map(DeliveryRow::read).collect()
}

/// The cell and the time of each delivery of a region since `since`, the newest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_recent_cells(
    reader: &mut impl Reader,
    region: &str,
    since: Timestamp,
) -> Result<Vec<(String, Timestamp)>, StoreError> {
    let sql = format!(
        "select pool_cell, created_at_ms from delivery where region = ? and created_at_ms >= ?
          order by created_at_ms desc limit {OPEN_MAX}"
    );
    let rows: Vec<CellRow> = reader.all(&sql, args![region, since]).await?;
    Ok(rows.into_iter().map(|it| (it.pool_cell, Timestamp::from_ms(it.created_at_ms))).collect())
}

/// What one rider holds, in the order it was taken.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_for_rider(
    reader: &mut impl Reader,
    rider_id: RiderId,
) -> Result<Vec<StoredDelivery>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from delivery where rider_id = ? and state in {HELD_STATES}
          order by assigned_at_ms, delivery_id"
    );
    reader
        .all::<DeliveryRow>(&sql, args![rider_id])
        .await?
        .into_iter()
        .map(DeliveryRow::read)
        .collect()
}

/// What is in the grab pool with its store in one of these cells.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_pooled(
    reader: &mut impl Reader,
    pool_cells: &[String],
) -> Result<Vec<StoredDelivery>, StoreError> {
    let (marks, cells) = any_of(pool_cells);
    let sql = format!(
        "select {COLUMNS} from delivery where state = 'pooled' and pool_cell in ({marks})
          order by created_at_ms limit 200"
    );
    reader.all::<DeliveryRow>(&sql, &cells).await?.into_iter().map(DeliveryRow::read).collect()
}

impl DeliveryRow {
    fn read(self) -> Result<StoredDelivery, StoreError> {
        let id = |column, text: &str| StoreError::corrupt(column, text);
        let currency = Currency::from_code(&self.currency)
            .ok_or_else(|| StoreError::corrupt("delivery.currency", &self.currency))?;
        let place =
            |lat, lng| Place::new(lat, lng).map_err(|_| StoreError::corrupt("delivery.place", lat));
        let rider_id = match &self.rider_id {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| id("delivery.rider_id", text))?),
        };
        let delivery = Delivery {
            id: self
                .delivery_id
                .parse()
                .map_err(|_| id("delivery.delivery_id", &self.delivery_id))?,
            order_id: self.order_id.parse().map_err(|_| id("delivery.order_id", &self.order_id))?,
            state: DeliveryState::from_text(&self.state)
                .ok_or_else(|| StoreError::corrupt("delivery.state", &self.state))?,
            version: self.version,
            rider_id,
            no_rider_since: self.no_rider_ms.map(Timestamp::from_ms),
        };
        Ok(StoredDelivery {
            delivery,
            store_id: self.store_id.parse().map_err(|_| id("delivery.store_id", &self.store_id))?,
            region: self.region,
            pool_cell: self.pool_cell,
            pickup: place(self.pickup_lat, self.pickup_lng)?,
            dropoff: place(self.dropoff_lat, self.dropoff_lng)?,
            n_offers: u32::try_from(self.n_offers)
                .map_err(|_| StoreError::corrupt("delivery.n_offers", self.n_offers))?,
            pay: Money::from_minor(self.pay_minor, currency),
            outreach: Outreach {
                rings: u32::try_from(self.reach)
                    .map_err(|_| StoreError::corrupt("delivery.reach", self.reach))?,
                bonus: Money::from_minor(self.bonus_minor, currency),
            },
            ready_at: Timestamp::from_ms(self.ready_at_ms),
            created_at: Timestamp::from_ms(self.created_at_ms),
            assigned_at: self.assigned_at_ms.map(Timestamp::from_ms),
        })
    }
}
