//! Where the riders of orders were: written many at once, shown to the parties afterwards.

use domain::{ids::OrderId, role::Profile};
use storage::{
    db::Tx,
    error::StoreError,
    tracks::{self, TrackPoint},
};

use crate::{error::AskError, order_case::OrderCase, platform::Platform};

/// Writes positions in one transaction.
///
/// # Errors
///
/// [`StoreError`] if the store fails; they may be written again.
pub async fn keep(platform: &Platform, points: Vec<TrackPoint>) -> Result<(), StoreError> {
    let write = async move |tx: &mut Tx| tracks::insert(tx, &points).await;
    platform.store.write(write).await
}

/// The track of an order, for its parties.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such order, or the reader is not one of its parties.
pub async fn show(
    platform: &Platform,
    by: Profile,
    order_id: OrderId,
) -> Result<Vec<TrackPoint>, AskError> {
    let mut reader = platform.reader();
    OrderCase::read(&mut reader, order_id).await?.only_for(&mut reader, by).await?;
    Ok(tracks::list(&mut reader, order_id).await?)
}
