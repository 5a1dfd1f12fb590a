//! What riders' use cases share: how they are refused, and the room in a rider's bag.

use domain::{
    delivery::DeliveryRefusal,
    ids::{OrderId, RiderId},
    offer::OfferRefusal,
    order::OrderRefusal,
};
use storage::{
    db::Tx,
    deliveries,
    duty::{self, Duty, RiderDuty},
    error::{Failure, StoreError},
    offers,
};

/// Why a rider's wish was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// No such thing, or none of the asker's.
    #[error("there is no such {what} for you")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
    },
    /// The offer or the pooled delivery went to somebody else, or its time is over.
    #[error("it is gone: {state}")]
    Gone {
        /// What became of it.
        state: &'static str,
    },
    /// The delivery is not at that point.
    #[error(transparent)]
    Delivery(#[from] DeliveryRefusal),
    /// The order is not at that point.
    #[error(transparent)]
    Order(#[from] OrderRefusal),
    /// The offer does not take that.
    #[error(transparent)]
    Offer(#[from] OfferRefusal),
    /// The rider does not work.
    #[error("go on duty first (`duty.on`)")]
    NotOnDuty,
    /// The rider's bag has no room.
    #[error("you carry {load} of at most {capacity} orders; deliver one first")]
    BagFull {
        /// What he carries.
        load: usize,
        /// What he can carry.
        capacity: u32,
    },
    /// The rider still carries something.
    #[error("you still carry {load} orders; deliver or hand them on first")]
    StillCarrying {
        /// What he carries.
        load: usize,
    },
    /// A value is out of range.
    #[error("{0}")]
    Input(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for WorkError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(err) => Some(err),
            Self::NotFound { .. }
            | Self::Gone { .. }
            | Self::Delivery(_)
            | Self::Order(_)
            | Self::Offer(_)
            | Self::NotOnDuty
            | Self::BagFull { .. }
            | Self::StillCarrying { .. }
            | Self::Input(_) => None,
        }
    }
}

/// Locks a rider's duty and checks that he works and has room for one more.
///
/// `except` is an order whose open offer does not count, because it is being answered.
pub(crate) async fn room_for_one(
    tx: &mut Tx,
    rider_id: RiderId,
    except: Option<OrderId>,
) -> Result<RiderDuty, WorkError> {
    let duty = duty::find_locked(tx, rider_id).await?.ok_or(WorkError::NotOnDuty)?;
    if duty.duty != Duty::On {
        return Err(WorkError::NotOnDuty);
    }
    let held = deliveries::list_for_rider(tx, rider_id).await?.len();
    let asked = offers::list_open_for_rider(tx, rider_id).await?;
    let promised = asked.iter().filter(|it| Some(it.order_id) != except).count();
    let load = held + promised;
    if load >= duty.capacity as usize {
        return Err(WorkError::BagFull { load, capacity: duty.capacity });
    }
    Ok(duty)
}
