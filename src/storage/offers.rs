//! Offers: exclusive, timed proposals to riders.

use domain::{
    clock::Timestamp,
    ids::{DeliveryId, OfferId, RiderId},
    offer::{Offer, OfferChange},
    offer_state::OfferState,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    args,
    columns::{parsed, word},
    db::{Reader, Tx},
    error::StoreError,
    leaves,
};

/// One more delivery of a bundle, as push `offer` names it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Bundled {
    /// Its own offer.
    pub offer: String,
    /// The order.
    pub order: String,
    /// Geohash of six characters around the door.
    pub dropoff_area: String,
    /// What the rider earns by it, in minor units of the same currency.
    pub pay_minor: i64,
    /// Metres from the store to the door.
    pub trip_m: i64,
}

#[derive(sqlx::FromRow)]
struct OfferRow {
    offer_id: String,
    delivery_id: String,
    order_id: String,
    rider_id: String,
    state: String,
    expires_at_ms: i64,
}

#[derive(sqlx::FromRow)]
struct AskedRow {
    offer_id: String,
    delivery_id: String,
    rider_id: String,
    state: String,
    last_ms: i64,
}

/// A rider who was asked about a delivery before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// Who was asked.
    pub rider_id: RiderId,
    /// How it ended, or `Open`.
    pub state: OfferState,
    /// The offer, while it is open.
    pub open: Option<OfferId>,
    /// When it ended, or was made if it is open.
    pub at: Timestamp,
}

const COLUMNS: &str = "offer_id, delivery_id, order_id, rider_id, state, expires_at_ms";

/// Writes a new offer.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert(tx: &mut Tx, offer: &Offer, at: Timestamp) -> Result<(), StoreError> {
    tx.exec(
        "insert into offer (offer_id, delivery_id, order_id, rider_id, state, expires_at_ms,
                            created_at_ms, closed_at_ms)
         values (?, ?, ?, ?, ?, ?, ?, null)",
        args![
            offer.id,
            offer.delivery_id,
            offer.order_id,
            offer.rider_id,
            offer.state.as_str(),
            offer.expires_at,
            at
        ],
    )
    .await?;
    Ok(())
}

/// Reads an offer; `None` if there is none.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    offer_id: OfferId,
) -> Result<Option<Offer>, StoreError> {
    let sql = format!("select {COLUMNS} from offer where offer_id = ?");
    reader.opt::<OfferRow>(&sql, args![offer_id]).await?.map(OfferRow::read).transpose()
}

/// Notes that offers were made together and will be answered together.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn bundle(tx: &mut Tx, offers: &[OfferId]) -> Result<(), StoreError> {
    let Some(first) = offers.first() else { return Ok(()) };
    for offer_id in offers {
        let sql = "insert into offer_bundle (offer_id, bundle_id) values (?, ?)";
        tx.exec(sql, args![*offer_id, *first]).await?;
    }
    Ok(())
}

/// An offer and those that were made together with it, whatever became of them, in the order of their
/// orders' ids; empty if there is no such offer.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_together(
    reader: &mut impl Reader,
    offer_id: OfferId,
) -> Result<Vec<Offer>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from offer
          where offer_id = ?
             or offer_id in (select o.offer_id from offer_bundle b
                               join offer_bundle o on o.bundle_id = b.bundle_id
                              where b.offer_id = ?)
          order by order_id"
    );
    let rows: Vec<OfferRow> = reader.all(&sql, args![offer_id, offer_id]).await?;
    rows.into_iter().map(OfferRow::read).collect()
}

/// The open offer of a delivery, if somebody is being asked.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_open(
    reader: &mut impl Reader,
    delivery_id: DeliveryId,
) -> Result<Option<Offer>, StoreError> {
    let sql = format!("select {COLUMNS} from offer where delivery_id = ? and state = 'open'");
    reader.opt::<OfferRow>(&sql, args![delivery_id]).await?.map(OfferRow::read).transpose()
}

/// The open offers of a rider.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_open_for_rider(
    reader: &mut impl Reader,
    rider_id: RiderId,
) -> Result<Vec<Offer>, StoreError> {
    let sql = format!("select {COLUMNS} from offer where rider_id = ? and state = 'open'");
    reader.all::<OfferRow>(&sql, args![rider_id]).await?.into_iter().map(OfferRow::read).collect()
}

/// Who was asked about the deliveries that still have no rider, or has left them; the oldest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_asked(reader: &mut impl Reader) -> Result<Vec<Asked>, StoreError> {
    let rows: Vec<AskedRow> = reader
        .all(
            "select o.offer_id, o.delivery_id, o.rider_id, o.state,
                    coalesce(o.closed_at_ms, o.created_at_ms) as last_ms
               from offer o join delivery d on d.delivery_id = o.delivery_id
              where d.state in ('waiting', 'offering', 'pooled')",
            args![],
        )
        .await?;
    let mut asked: Vec<Asked> = leaves::list(reader).await?;
    for row in rows {
        asked.push(row.read()?);
    }
    asked.sort_by_key(|it| it.at);
    Ok(asked)
}

/// When a rider last said no to a delivery, in whatever way; `None` if he never did.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn last_no(
    reader: &mut impl Reader,
    delivery_id: DeliveryId,
    rider_id: RiderId,
) -> Result<Option<Timestamp>, StoreError> {
    let rows: Vec<(Option<i64>,)> = reader
        .all(
            "select max(closed_at_ms) from offer
              where delivery_id = ? and rider_id = ? and state <> 'accepted'
             union all
             select max(left_at_ms) from delivery_left where delivery_id = ? and rider_id = ?",
            args![delivery_id, rider_id, delivery_id, rider_id],
        )
        .await?;
    Ok(rows.into_iter().filter_map(|it| it.0).max().map(Timestamp::from_ms))
}

/// Writes a decided change, if the offer is still as it was read.
///
/// # Errors
///
/// [`StoreError::Conflict`] if the offer is not in `change.from` any more.
pub async fn save_change(tx: &mut Tx, change: &OfferChange) -> Result<(), StoreError> {
    let updated = tx
        .exec(
            "update offer set state = ?, closed_at_ms = ? where offer_id = ? and state = ?",
            args![change.to.as_str(), change.at, change.offer_id, change.from.as_str()],
        )
        .await?;
    if updated == 0 {
        return Err(StoreError::conflict("offer", change.offer_id));
    }
    Ok(())
}

impl OfferRow {
    fn read(self) -> Result<Offer, StoreError> {
        let id = |column, text: &str| StoreError::corrupt(column, text);
        Ok(Offer {
            id: self.offer_id.parse().map_err(|_| id("offer.offer_id", &self.offer_id))?,
            delivery_id: self
                .delivery_id
                .parse()
                .map_err(|_| id("offer.delivery_id", &self.delivery_id))?,
            order_id: self.order_id.parse().map_err(|_| id("offer.order_id", &self.order_id))?,
            rider_id: self.rider_id.parse().map_err(|_| id("offer.rider_id", &self.rider_id))?,
            state: OfferState::from_text(&self.state)
                .ok_or_else(|| StoreError::corrupt("offer.state", &self.state))?,
            expires_at: Timestamp::from_ms(self.expires_at_ms),
        })
    }
}

impl AskedRow {
    fn read(self) -> Result<Asked, StoreError> {
        let state = word("offer.state", &self.state, OfferState::from_text)?;
        let open = (state == OfferState::Open).then(|| parsed("offer.offer_id", &self.offer_id));
        Ok(Asked {
            delivery_id: parsed("offer.delivery_id", &self.delivery_id)?,
            rider_id: parsed("offer.rider_id", &self.rider_id)?,
            state,
            open: open.transpose()?,
            at: Timestamp::from_ms(self.last_ms),
        })
    }
}
