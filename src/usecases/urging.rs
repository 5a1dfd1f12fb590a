//! A customer urges: store and rider hear it, but not too often.

use domain::{
    change::Machine,
    clock::Timestamp,
    ids::{CustomerId, OrderId},
    order::OrderRefusal,
    order_state::OrderState,
    role::Profile,
};
use storage::{
    commands::CommandKey,
    db::Tx,
    stories::{self, StoredChange},
};

use crate::{
    bells,
    error::AskError,
    order_case::{Cause, Moved, OrderCase},
    platform::{Changes, Done, Platform},
};

const URGED: &str = "urged";

/// The customer urges store and rider.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Order`] if the last time was a moment ago,
/// [`AskError::NothingToUrge`] if nobody can hurry, [`AskError::UrgedEnough`] after the last time.
pub async fn urge(
    platform: &Platform,
    by: CustomerId,
    order_id: OrderId,
    key: Option<CommandKey>,
) -> Result<Done<Moved>, AskError> {
    let policy = platform.policy;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = OrderCase::lock(tx, order_id).await?;
        case.only_for(tx, Profile::Customer(by)).await?;
        if !can_hurry(&case, at) {
            return Err(AskError::NothingToUrge);
        }
        let story = stories::list_changes(tx, order_id).await?;
        let is_urge = |it: &&StoredChange| it.machine == Machine::Order && it.event == URGED;
        let before: Vec<_> = story.iter().filter(is_urge).collect();
        if before.len() >= policy.urges_max as usize {
            return Err(AskError::UrgedEnough { max: policy.urges_max });
        }
        if let Some(last) = before.last() {
            let from = last.at + policy.urge_pause;
            if at < from {
                return Err(OrderRefusal::TooEarly { from }.into());
            }
        }
        let cause = Cause { by: by.into(), reason: None, at };
        case.note(tx, changes, URGED, cause).await?;
        bells::chime(&case, changes, bells::URGED)?;
        Ok(case.moved(at))
    };
    platform.command(key, work).await
}

fn can_hurry(case: &OrderCase, at: Timestamp) -> bool {
    let order = &case.stored.order;
    let is_under_way = matches!(
        order.state,
        OrderState::Paid
            | OrderState::Accepted
            | OrderState::Preparing
            | OrderState::Ready
            | OrderState::PickedUp
    );
    is_under_way && !order.is_upcoming(at)
}
