//! The life of an order, on one screen.
//!
//! This is the commercial and kitchen side only. The rider's side is
//! [`crate::delivery_state`], the money's side [`crate::payment_state`] and
//! [`crate::refund_state`].

use crate::{text_enum::text_enum, transitions};

text_enum! {
    /// Where an order stands.
    pub enum OrderState {
        /// Placed; nobody sees it but the customer.
        PendingPayment => "pending_payment",
        /// The customer is at the payment provider.
        Paying => "paying",
        /// The provider has confirmed the money.
        Paid => "paid",
        /// The store will make it.
        Accepted => "accepted",
        /// The kitchen is at work.
        Preparing => "preparing",
        /// Packed and waiting for the rider, or for the customer who collects it.
        Ready => "ready",
        /// The rider has it, or the customer who collects it.
        PickedUp => "picked_up",
        /// The customer has it.
        Delivered => "delivered",
        /// Closed for good. Final.
        Completed => "completed",
        /// The store said no. Final.
        Rejected => "rejected",
        /// Called off after payment. Final.
        Cancelled => "cancelled",
        /// Ended without ever being paid. Final.
        Closed => "closed",
    }
}

text_enum! {
    /// What can happen to an order.
    pub enum OrderEvent {
        /// The customer went to the payment provider.
        PaymentStarted => "payment_started",
        /// That attempt came to nothing.
        PaymentFailed => "payment_failed",
        /// The provider says that the money is there. Only the provider can say so.
        PaymentConfirmed => "payment_confirmed",
        /// Nobody paid in time.
        PaymentExpired => "payment_expired",
        /// The store takes the order.
        StoreAccepted => "store_accepted",
        /// The store does not.
        StoreRejected => "store_rejected",
        /// The kitchen has begun.
        KitchenStarted => "kitchen_started",
        /// The kitchen is done. Only the store can say so.
        KitchenDone => "kitchen_done",
        /// The rider took it from the counter.
        RiderTookIt => "rider_took_it",
        /// The store gave it out at its counter, to the customer who collects it.
        StoreGaveIt => "store_gave_it",
        /// The customer has it.
        HandedOver => "handed_over",
        /// The rider brought it back.
        BroughtBack => "brought_back",
        /// The goods are gone, or cannot be handed over and never come back.
        GoodsLost => "goods_lost",
        /// The customer, or time, says that all is well.
        Settled => "settled",
        /// Somebody with the right to do so called it off.
        Cancelled => "cancelled",
    }
}

/// The event is not allowed in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} cannot take `{event}`")]
pub struct IllegalTransition {
    /// State the order was in.
    pub from: OrderState,
    /// Event that was refused.
    pub event: OrderEvent,
}

use OrderEvent as E;
use OrderState as S;

/// Every legal move. A pair that is not here is refused.
///
/// Who may cause it, and within which time, is decided in [`crate::order::Order::decide`]:
/// for example, an order that is ready is only called off while no rider was found for it.
#[rustfmt::skip]
pub const TRANSITIONS: &[(OrderState, OrderEvent, OrderState)] = &[
    (S::PendingPayment, E::PaymentStarted,   S::Paying),
    (S::Paying,         E::PaymentFailed,    S::PendingPayment),
    (S::PendingPayment, E::PaymentConfirmed, S::Paid),
    (S::Paying,         E::PaymentConfirmed, S::Paid),
    (S::PendingPayment, E::PaymentExpired,   S::Closed),
    (S::Paying,         E::PaymentExpired,   S::Closed),
    (S::PendingPayment, E::Cancelled,        S::Closed),
    (S::Paying,         E::Cancelled,        S::Closed),
    (S::Paid,           E::StoreAccepted,    S::Accepted),
    (S::Paid,           E::StoreRejected,    S::Rejected),
    (S::Paid,           E::Cancelled,        S::Cancelled),
    (S::Accepted,       E::KitchenStarted,   S::Preparing),
    (S::Accepted,       E::Cancelled,        S::Cancelled),
    (S::Preparing,      E::KitchenDone,      S::Ready),
    (S::Preparing,      E::RiderTookIt,      S::PickedUp),
    (S::Preparing,      E::Cancelled,        S::Cancelled),
    (S::Preparing,      E::StoreGaveIt,      S::PickedUp),
    (S::Ready,          E::RiderTookIt,      S::PickedUp),
    (S::Ready,          E::StoreGaveIt,      S::PickedUp),
    (S::Ready,          E::Cancelled,        S::Cancelled),
    (S::PickedUp,       E::HandedOver,       S::Delivered),
    (S::PickedUp,       E::BroughtBack,      S::Cancelled),
    (S::PickedUp,       E::GoodsLost,        S::Cancelled),
    (S::Delivered,      E::Settled,          S::Completed),
];

impl OrderState {
    /// The state after `event`.
    ///
    /// # Errors
    ///
    /// [`IllegalTransition`] if [`TRANSITIONS`] has no row for the pair.
    pub fn on(self, event: OrderEvent) -> Result<Self, IllegalTransition> {
        transitions::next(TRANSITIONS, self, &event).ok_or(IllegalTransition { from: self, event })
    }

    /// No event leads out of a terminal state.
    pub fn is_terminal(self) -> bool {
        transitions::is_terminal(TRANSITIONS, &self)
    }

    /// The store and the riders may know of an order from the moment it is paid, not before.
    pub fn is_visible_to_store(self) -> bool {
        !matches!(self, Self::PendingPayment | Self::Paying | Self::Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transitions::assert_sound;

    #[test]
    fn the_table_is_sound() {
        assert_sound(TRANSITIONS, S::ALL, E::ALL, S::PendingPayment);
    }

    #[test]
    fn exactly_four_states_are_final() {
        let found: Vec<_> = S::ALL.iter().copied().filter(|it| it.is_terminal()).collect();
        assert_eq!(found, [S::Completed, S::Rejected, S::Cancelled, S::Closed]);
    }

    #[test]
    fn nothing_is_picked_up_that_the_store_has_not_begun() {
        for taken in [E::RiderTookIt, E::StoreGaveIt] {
            let before: Vec<_> = S::ALL.iter().copied().filter(|it| it.on(taken).is_ok()).collect();
            assert_eq!(before, [S::Preparing, S::Ready]);
        }
    }

    #[test]
    fn a_late_payment_does_not_reopen_a_closed_order() {
        let refused = IllegalTransition { from: S::Closed, event: E::PaymentConfirmed };
        assert_eq!(S::Closed.on(E::PaymentConfirmed), Err(refused));
    }
}
