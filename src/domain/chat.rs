//! Who may speak in an order's chat, and when.

use crate::{
    clock::Timestamp, order::Order, order_state::OrderState, policy::OrderPolicy, role::Role,
};

/// The chat does not take the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChatRefusal {
    /// The store has not accepted the order yet.
    #[error("the chat of an order opens when the store accepts it")]
    NotOpenYet,
    /// The order ended too long ago, or the store never accepted it.
    #[error("the chat of this order is closed")]
    Closed,
}

/// Whether a party of `order` in `role` may speak at `at`.
///
/// That the speaker is a party (the customer, staff of the store, the rider who holds the
/// delivery, an operator) was checked when the order was loaded.
///
/// # Errors
///
/// [`ChatRefusal`] if the chat is not open.
pub fn may_speak(
    order: &Order,
    role: Role,
    at: Timestamp,
    policy: &OrderPolicy,
) -> Result<(), ChatRefusal> {
    match order.state {
        OrderState::PendingPayment | OrderState::Paying | OrderState::Paid => {
            Err(ChatRefusal::NotOpenYet)
        }
        OrderState::Accepted
        | OrderState::Preparing
        | OrderState::Ready
        | OrderState::PickedUp
        | OrderState::Delivered => Ok(()),
        OrderState::Completed
        | OrderState::Rejected
        | OrderState::Cancelled
        | OrderState::Closed => {
            let was_open = order.accepted_at.is_some();
            let is_recent = order.ended_at.is_some_and(|it| at < it + policy.chat_after_end);
            let may = was_open && (is_recent || role == Role::Operator);
            if may { Ok(()) } else { Err(ChatRefusal::Closed) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        ids::{CustomerId, OrderId, StoreId},
        money::{Currency, Money},
    };

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    fn order(state: OrderState, accepted_at: Option<Timestamp>) -> Order {
        Order {
            id: OrderId::generate(),
            customer_id: CustomerId::generate(),
            store_id: StoreId::generate(),
            state,
            version: 1,
            seq: 1,
            total: Money::from_minor(1, Currency::Eur),
            placed_at: NOON,
            paid_at: None,
            accepted_at,
            ready_at: None,
            delivered_at: None,
            ended_at: Some(NOON),
        }
    }

    #[test]
    fn the_chat_opens_at_acceptance_and_closes_a_while_after_the_end() {
        let policy = OrderPolicy::DEFAULT;
        let speak = |order: &Order, at| may_speak(order, Role::Customer, at, &policy);
        assert_eq!(speak(&order(OrderState::Paid, None), NOON), Err(ChatRefusal::NotOpenYet));
        assert_eq!(speak(&order(OrderState::Accepted, Some(NOON)), NOON), Ok(()));
        let ended = order(OrderState::Completed, Some(NOON));
        assert_eq!(speak(&ended, NOON + Duration::from_secs(3_600)), Ok(()));
        let late = NOON + policy.chat_after_end;
        assert_eq!(speak(&ended, late), Err(ChatRefusal::Closed));
        assert_eq!(may_speak(&ended, Role::Operator, late, &policy), Ok(()));
        assert_eq!(speak(&order(OrderState::Rejected, None), NOON), Err(ChatRefusal::Closed));
    }
}
