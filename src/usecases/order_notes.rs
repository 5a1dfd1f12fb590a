//! What is said about an order without moving it; and asking the rules without doing it.

use domain::{
    change::{Change, Machine},
    order::Ask,
    order_state::OrderEvent,
    policy::OrderPolicy,
};
use storage::db::Tx;

use crate::{
    error::AskError,
    order_case::{Cause, OrderCase},
    platform::Changes,
};

impl OrderCase {
    /// Writes a line of the story that moves nothing, and tells everybody whom the order concerns.
    ///
    /// # Errors
    ///
    /// [`AskError::Store`] if it cannot be saved.
    pub(crate) async fn note(
        &mut self,
        tx: &mut Tx,
        changes: &mut Changes,
        event: &'static str,
        cause: Cause,
    ) -> Result<(), AskError> {
        let order = &self.stored.order;
        let state = order.state.as_str();
        let change = Change {
            order_id: order.id,
            seq: order.seq + 1,
            machine: Machine::Order,
            event,
            from: Some(state),
            to: state,
            by: cause.by,
            reason: cause.reason,
            at: cause.at,
        };
        self.tell(tx, changes, change).await
    }

    /// Whether the rules would let the order's own machine move.
    ///
    /// # Errors
    ///
    /// [`AskError::Order`] if they refuse.
    pub(crate) fn check(
        &self,
        policy: &OrderPolicy,
        event: OrderEvent,
        cause: Cause,
    ) -> Result<(), AskError> {
        let Cause { by, reason, at } = cause;
        let delivery = self.delivery.as_ref().map(|it| &it.delivery);
        let (mode, is_granted) = (self.mode(), self.is_granted);
        self.stored.order.decide(Ask {
            event,
            by,
            reason,
            at,
            mode,
            delivery,
            policy,
            is_granted,
        })?;
        Ok(())
    }
}
