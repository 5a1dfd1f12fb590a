//! Who may speak in an order's chat, when, and who may take back what was said.

use crate::{
    clock::Timestamp,
    order::Order,
    order_state::OrderState,
    policy::OrderPolicy,
    role::{Profile, Role},
    text_enum::text_enum,
};

text_enum! {
    /// What a message is.
    pub enum MessageKind {
        /// Words.
        Text => "text",
        /// A picture that was uploaded before, maybe with words.
        Image => "image",
        /// A place, maybe with words.
        Location => "location",
    }
}

text_enum! {
    /// Whether an order's chat takes messages.
    pub enum ChatState {
        /// Not before the store has accepted.
        NotOpen => "not_open",
        /// Yes.
        Open => "open",
        /// Not any more, but for operators.
        Closed => "closed",
    }
}

/// Whether an order's chat takes messages, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatHours {
    /// Whether it does.
    pub state: ChatState,
    /// When it closes or has closed; `None` while nobody can know.
    pub closes_at: Option<Timestamp>,
}

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

/// When the chat of `order` takes messages, seen at `at`.
pub fn hours(order: &Order, at: Timestamp, policy: &OrderPolicy) -> ChatHours {
    let (state, closes_at) = match order.state {
        OrderState::PendingPayment | OrderState::Paying | OrderState::Paid => {
            (ChatState::NotOpen, None)
        }
        OrderState::Accepted
        | OrderState::Preparing
        | OrderState::Ready
        | OrderState::PickedUp
        | OrderState::Delivered => (ChatState::Open, None),
        OrderState::Completed
        | OrderState::Rejected
        | OrderState::Cancelled
        | OrderState::Closed => match (order.accepted_at, order.ended_at) {
            (Some(_), Some(ended_at)) => {
                let closes_at = ended_at + policy.chat_after_end;
                let state = if at < closes_at { ChatState::Open } else { ChatState::Closed };
                (state, Some(closes_at))
            }
            // It never was open.
            (None, _) | (_, None) => (ChatState::Closed, order.ended_at),
        },
    };
    ChatHours { state, closes_at }
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
    match hours(order, at, policy).state {
        ChatState::NotOpen => Err(ChatRefusal::NotOpenYet),
        ChatState::Open => Ok(()),
        ChatState::Closed if role == Role::Operator && order.accepted_at.is_some() => Ok(()),
        ChatState::Closed => Err(ChatRefusal::Closed),
    }
}

/// A message stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecallRefusal {
    /// Somebody else said it.
    #[error("only its author takes a message back")]
    NotTheAuthor,
    /// It was said too long ago.
    #[error("a message can be taken back for {} minutes", .within.as_secs() / 60)]
    TooLate {
        /// For how long it could have been.
        within: std::time::Duration,
    },
    /// It was taken back before.
    #[error("the message was taken back before")]
    Recalled,
}

/// Whether `by` may take back at `at` what `author` said at `said_at`.
///
/// # Errors
///
/// [`RecallRefusal`] for everybody else, and when it is too late.
pub fn may_recall(
    author: Option<Profile>,
    said_at: Timestamp,
    by: Profile,
    at: Timestamp,
    policy: &OrderPolicy,
) -> Result<(), RecallRefusal> {
    if author != Some(by) {
        return Err(RecallRefusal::NotTheAuthor);
    }
    if at > said_at + policy.chat_recall {
        return Err(RecallRefusal::TooLate { within: policy.chat_recall });
    }
    Ok(())
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
            release_at: None,
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

    #[test]
    fn the_parties_know_until_when_they_may_speak() {
        let policy = OrderPolicy::DEFAULT;
        let of = |order: &Order, at| {
            let hours = hours(order, at, &policy);
            (hours.state, hours.closes_at)
        };
        let end = NOON + policy.chat_after_end;
        assert_eq!(of(&order(OrderState::Paid, None), NOON), (ChatState::NotOpen, None));
        let open = order(OrderState::Ready, Some(NOON));
        assert_eq!(of(&open, NOON), (ChatState::Open, None));
        let ended = order(OrderState::Completed, Some(NOON));
        assert_eq!(of(&ended, NOON), (ChatState::Open, Some(end)));
        assert_eq!(of(&ended, end), (ChatState::Closed, Some(end)));
        let never = order(OrderState::Rejected, None);
        assert_eq!(of(&never, NOON), (ChatState::Closed, Some(NOON)));
    }

    #[test]
    fn the_author_takes_back_what_was_said_just_now() {
        let policy = OrderPolicy::DEFAULT;
        let [ann, mo] = [Role::Customer, Role::Merchant].map(Profile::generate);
        let last = NOON + policy.chat_recall;
        assert_eq!(may_recall(Some(ann), NOON, ann, last, &policy), Ok(()));
        let late = may_recall(Some(ann), NOON, ann, last + Duration::from_millis(1), &policy);
        assert_eq!(late, Err(RecallRefusal::TooLate { within: policy.chat_recall }));
        for author in [Some(mo), None] {
            let foreign = may_recall(author, NOON, ann, NOON, &policy);
            assert_eq!(foreign, Err(RecallRefusal::NotTheAuthor));
        }
    }
}
