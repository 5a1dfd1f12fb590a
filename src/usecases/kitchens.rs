//! When a kitchen will be done, and what is learnt when it is. "Ready" itself stays a human act.

use domain::{
    clock::Timestamp,
    kitchen::{Moment, ratio_of},
};
use storage::{db::Tx, error::StoreError, kitchens};

use crate::order_case::OrderCase;

/// When the order that is being accepted will be done, and how much the kitchen has to do.
pub(crate) async fn expect(
    tx: &mut Tx,
    case: &OrderCase,
    announced_ms: i64,
    at: Timestamp,
) -> Result<(Timestamp, u32), StoreError> {
    let store_id = case.stored.order.store_id;
    let n_open = kitchens::n_open(tx, store_id, &case.stored.region).await?;
    let seen = kitchens::seen(tx, store_id, Moment::of(at, n_open)).await?;
    Ok((Timestamp::from_ms(at.ms() + seen.expected_ms(announced_ms)), n_open))
}

/// Learns from an order that is done now; `announced` is what the store had said.
pub(crate) async fn learn(
    tx: &mut Tx,
    case: &OrderCase,
    announced: Option<Timestamp>,
    at: Timestamp,
) -> Result<(), StoreError> {
    if case.stored.scheduled_for.is_some() {
        // It waited for its slot, which says nothing about the kitchen.
        return Ok(());
    }
    let Some((stored, announced)) = case.delivery.as_ref().zip(announced) else { return Ok(()) };
    let accepted = stored.created_at;
    let ratio = ratio_of(announced.ms_since(accepted), at.ms_since(accepted));
    let Some(ratio) = ratio else { return Ok(()) };
    let load = kitchens::load_of(tx, case.id()).await?;
    let moment = Moment::of(accepted, load);
    kitchens::learn(tx, case.stored.order.store_id, moment, ratio).await
}
