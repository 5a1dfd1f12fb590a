//! Several devices of one profile: which one may be there, and which one publishes the position.

use domain::{
    clock::SystemClock,
    ids::{RiderId, SessionId},
    role::Profile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{
    commands::CommandKey,
    db::Tx,
    error::StoreError,
    publishers::{self, Publisher},
    seats::{self, Seat},
};

use crate::{
    error::AskError,
    platform::{Changes, Done, Nudge, Platform},
};

/// What `loc.claim` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claimed {
    /// Rises each time another device takes over.
    pub fence: u64,
}

/// Makes a device the one that publishes a rider's position.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved.
pub async fn claim_position(
    platform: &Platform,
    rider_id: RiderId,
    device: String,
    key: Option<CommandKey>,
) -> Result<Done<Claimed>, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, _| {
        let fence = take_over(tx, changes, rider_id, &device).await?.fence;
        Ok::<_, AskError>(Claimed { fence })
    };
    platform.command(key, work).await
}

/// Makes a device the publisher inside a command; every node hears of it after commit.
pub(crate) async fn take_over(
    tx: &mut Tx,
    changes: &mut Changes,
    rider_id: RiderId,
    device: &str,
) -> Result<Publisher, StoreError> {
    let publisher = publishers::claim(tx, rider_id, device, SystemClock::machine_time()).await?;
    let Publisher { device, fence } = publisher.clone();
    changes.nudges.push(Nudge::Publisher { rider: rider_id.to_string(), device, fence });
    Ok(publisher)
}

/// Takes the only seat of a profile for a device, unless another one has it by a later sign-in.
/// Answers who has it. The other devices are closed.
///
/// # Errors
///
/// [`StoreError`] if it cannot be saved.
pub async fn take_seat(
    platform: &Platform,
    profile: Profile,
    device: &str,
    session_id: SessionId,
) -> Result<Seat, StoreError> {
    let taker = device.to_owned();
    let write = async move |tx: &mut Tx| {
        seats::take(tx, profile, &taker, session_id, SystemClock::machine_time()).await
    };
    let seat: Seat = platform.store.write(write).await?;
    if seat.device == device {
        let (profile, device, fence) = (profile.to_string(), seat.device.clone(), seat.fence);
        platform.announcer.nudge(Nudge::Seat { profile, device, fence });
    }
    Ok(seat)
}
