//! What operators are alarmed about: told in their channel, listed until resolved.

use domain::{
    alarm::AlarmKind,
    channel::Channel,
    clock::Timestamp,
    ids::{OperatorId, OrderId},
    role::Profile,
};
use storage::{
    alarms::{self, OpenAlarm},
    commands::CommandKey,
    db::Tx,
    error::StoreError,
    events::{self, Latest, OpsAlarm, OpsValue},
    push::Push,
};

use crate::{
    error::AskError,
    order_case::OrderCase,
    platform::{Changes, Done, Platform},
};

/// The key of an alarm on the operators' map.
pub(crate) fn key(order_id: OrderId, kind: AlarmKind) -> String {
    format!("alarm:{order_id}:{kind}")
}

/// An alarm in the words of the wire.
pub(crate) fn value(alarm: &OpenAlarm) -> OpsAlarm {
    OpsAlarm {
        order: alarm.order_id.to_string(),
        alarm: alarm.kind.to_string(),
        since: alarm.raised_at.ms(),
    }
}

/// Raises an alarm about an order in hand.
pub(crate) async fn raise(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &OrderCase,
    kind: AlarmKind,
    at: Timestamp,
) -> Result<(), StoreError> {
    let region = case.stored.region.clone();
    let alarm = OpenAlarm { order_id: case.id(), kind, region, raised_at: at };
    alarms::raise(tx, &alarm).await?;
    tell(changes, case, kind, Some(value(&alarm)), at)
}

/// Resolves an alarm about an order in hand; nothing happens if it is not open. `true` if it was.
pub(crate) async fn resolve(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &OrderCase,
    kind: AlarmKind,
    by: Option<Profile>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let was_open = alarms::resolve(tx, case.id(), kind, by, at).await?;
    if was_open {
        tell(changes, case, kind, None, at)?;
    }
    Ok(was_open)
}

fn tell(
    changes: &mut Changes,
    case: &OrderCase,
    kind: AlarmKind,
    v: Option<OpsAlarm>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let key = key(case.id(), kind);
    changes.latest.push(Latest {
        channel: Channel::Ops(case.stored.region.clone()),
        key: key.clone(),
        push: Push::Ops,
        body: events::json(&OpsValue { key, v })?,
        at,
    });
    Ok(())
}

/// An operator has looked after it.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such alarm open.
pub async fn settle(
    platform: &Platform,
    by: OperatorId,
    order_id: OrderId,
    kind: AlarmKind,
    key: Option<CommandKey>,
) -> Result<Done<()>, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let case = OrderCase::lock(tx, order_id).await?;
        let by = Some(Profile::Operator(by));
        if !resolve(tx, changes, &case, kind, by, at).await? {
            return Err(AskError::not_found("alarm"));
        }
        Ok(())
    };
    platform.command(key, work).await
}

/// The open alarms, the oldest first; of one region or of all.
///
/// # Errors
///
/// [`AskError::Store`] if they cannot be read.
pub async fn list(platform: &Platform, region: Option<&str>) -> Result<Vec<OpenAlarm>, AskError> {
    Ok(alarms::list_open(&mut platform.reader(), region).await?)
}
