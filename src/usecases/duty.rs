//! Riders coming and going: on duty, on a break, off.

use domain::{channel::Channel, geo::Place, ids::RiderId, role::Profile, travel::Vehicle};
use serde::{Deserialize, Serialize};
use storage::{
    commands::CommandKey,
    db::Tx,
    deliveries,
    duty::{self, Duty, RiderDuty},
    events::{self, Latest, OpsRider, OpsValue},
    push::Push,
};

use crate::{
    devices,
    error::AskError,
    offers::turn_down_all,
    people::people,
    platform::{Changes, Done, Nudge, Platform},
};

/// Orders that anybody may carry at once at most.
pub const CAPACITY_MAX: u32 = 50;

/// What a rider says when going on duty.
#[derive(Debug, Clone, Copy)]
pub struct DutyOn {
    /// What he moves with.
    pub vehicle: Vehicle,
    /// Orders he can carry at once.
    pub capacity: u32,
    /// Where he is.
    pub place: Place,
}

/// How a rider works now.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq, schemars::JsonSchema)]
pub struct DutyView {
    /// `on`, `break` or `off`.
    pub duty: String,
    /// Orders he holds, which wait for him.
    pub orders: Vec<String>,
}

/// Puts a rider on duty; what he holds from before is his again. From now on `device` publishes
/// his position.
///
/// # Errors
///
/// [`AskError::OutOfRange`] if the capacity is out of range.
pub async fn on(
    platform: &Platform,
    rider_id: RiderId,
    ask: DutyOn,
    device: Option<String>,
    key: Option<CommandKey>,
) -> Result<Done<DutyView>, AskError> {
    if !(1..=CAPACITY_MAX).contains(&ask.capacity) {
        return Err(AskError::OutOfRange { what: "capacity must be 1 to 50" });
    }
    let work = async move |tx: &mut Tx, changes: &mut Changes, at| {
        let state = RiderDuty {
            rider_id,
            duty: Duty::On,
            vehicle: ask.vehicle,
            capacity: ask.capacity,
            place: ask.place,
            since: at,
            n_timeouts: 0,
        };
        if let Some(device) = &device {
            devices::take_over(tx, changes, rider_id, device).await?;
        }
        change(tx, changes, state).await
    };
    platform.command(key, work).await
}

/// Lets a rider finish what he holds and gives him nothing new.
///
/// # Errors
///
/// [`AskError::NotOnDuty`] if he does not work.
pub async fn pause(
    platform: &Platform,
    rider_id: RiderId,
    key: Option<CommandKey>,
) -> Result<Done<DutyView>, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at| {
        turn_down_all(tx, changes, rider_id, at).await?;
        let before = duty::find_locked(tx, rider_id).await?.ok_or(AskError::NotOnDuty)?;
        if before.duty == Duty::Off {
            return Err(AskError::NotOnDuty);
        }
        change(tx, changes, RiderDuty { duty: Duty::Break, since: at, ..before }).await
    };
    platform.command(key, work).await
}

/// Takes a rider off duty. Safe to repeat.
///
/// # Errors
///
/// [`AskError::StillCarrying`] if he holds orders.
pub async fn off(
    platform: &Platform,
    rider_id: RiderId,
    key: Option<CommandKey>,
) -> Result<Done<DutyView>, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at| {
        turn_down_all(tx, changes, rider_id, at).await?;
        let Some(before) = duty::find_locked(tx, rider_id).await? else {
            return Ok(DutyView { duty: Duty::Off.as_str().to_owned(), orders: Vec::new() });
        };
        let load = deliveries::list_for_rider(tx, rider_id).await?.len();
        if load > 0 {
            return Err(AskError::StillCarrying { load });
        }
        change(tx, changes, RiderDuty { duty: Duty::Off, since: at, ..before }).await
    };
    platform.command(key, work).await
}

/// Saves how a rider works and shows it to the operators.
pub(crate) async fn change(
    tx: &mut Tx,
    changes: &mut Changes,
    state: RiderDuty,
) -> Result<DutyView, AskError> {
    duty::save(tx, &state).await?;
    let held = deliveries::list_for_rider(tx, state.rider_id).await?;
    let orders: Vec<_> = held.iter().map(|it| it.delivery.order_id.to_string()).collect();
    let name = people(tx, &[Profile::Rider(state.rider_id)])
        .await?
        .pop()
        .map_or_else(String::new, |it| it.name);
    let key = format!("rider:{}", state.rider_id);
    let shown = (state.duty != Duty::Off).then(|| OpsRider {
        name,
        lat: state.place.lat(),
        lng: state.place.lng(),
        hdg: None,
        duty: state.duty.as_str().to_owned(),
        load: orders.len(),
        capacity: state.capacity,
        stops: Vec::new(),
    });
    let region = state.place.region();
    changes.latest.push(Latest {
        channel: Channel::Ops(region.clone()),
        key: key.clone(),
        push: Push::Ops,
        body: events::json(&OpsValue { key, v: shown })?,
        at: state.since,
    });
    changes.nudges.push(Nudge::Dispatch { region });
    Ok(DutyView { duty: state.duty.as_str().to_owned(), orders })
}
