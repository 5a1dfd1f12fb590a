//! The room in a rider's bag.

use domain::ids::{OrderId, RiderId};
use storage::{
    db::Tx,
    deliveries,
    duty::{self, Duty, RiderDuty},
    offers,
};

use crate::error::AskError;

/// Locks a rider's duty and checks that he works and has room for one more.
///
/// `except` is an order whose open offer does not count, because it is being answered.
pub(crate) async fn room_for_one(
    tx: &mut Tx,
    rider_id: RiderId,
    except: Option<OrderId>,
) -> Result<RiderDuty, AskError> {
    let duty = duty::find_locked(tx, rider_id).await?.ok_or(AskError::NotOnDuty)?;
    if duty.duty != Duty::On {
        return Err(AskError::NotOnDuty);
    }
    let held = deliveries::list_for_rider(tx, rider_id).await?.len();
    let asked = offers::list_open_for_rider(tx, rider_id).await?;
    let promised = asked.iter().filter(|it| Some(it.order_id) != except).count();
    let load = held + promised;
    if load >= duty.capacity as usize {
        return Err(AskError::BagFull { load, capacity: duty.capacity });
    }
    Ok(duty)
}
