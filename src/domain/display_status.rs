//! The one word that a customer sees, out of four machines.

use crate::{
    delivery_state::DeliveryState, order_state::OrderState, refund_state::RefundState,
    text_enum::text_enum,
};

text_enum! {
    /// How much of what was paid goes back.
    pub enum RefundSummary {
        /// Nothing.
        None => "none",
        /// Some of it is on its way.
        Refunding => "refunding",
        /// Some of it went back.
        Partial => "partial",
        /// All of it went back.
        Full => "full",
    }
}

text_enum! {
    /// What a customer reads about an order.
    pub enum DisplayStatus {
        /// Waits for payment.
        PendingPayment => "pending_payment",
        /// The customer is at the provider.
        Paying => "paying",
        /// Waits for the store.
        Paid => "paid",
        /// The store will make it.
        Accepted => "accepted",
        /// The kitchen is at work.
        Preparing => "preparing",
        /// Waits for the rider.
        Ready => "ready",
        /// A rider will fetch it.
        RiderAssigned => "rider_assigned",
        /// On its way.
        PickedUp => "picked_up",
        /// At the customer's.
        Delivered => "delivered",
        /// All is well.
        Completed => "completed",
        /// The store said no.
        Rejected => "rejected",
        /// Called off.
        Cancelled => "cancelled",
        /// Never paid.
        Closed => "closed",
        /// Money is on its way back.
        Refunding => "refunding",
        /// All the money went back.
        Refunded => "refunded",
    }
}

/// Sums up the refunds of an order of which `paid_minor` was paid.
pub fn refund_summary(
    paid_minor: i64,
    refunds: impl IntoIterator<Item = (RefundState, i64)>,
) -> RefundSummary {
    let (mut under_way, mut back_minor) = (false, 0_i64);
    for (state, minor) in refunds {
        under_way |= state.is_under_way();
        if state == RefundState::Succeeded {
            back_minor = back_minor.saturating_add(minor);
        }
    }
    match back_minor {
        _ if under_way => RefundSummary::Refunding,
        0 => RefundSummary::None,
        back if back < paid_minor => RefundSummary::Partial,
        _ => RefundSummary::Full,
    }
}

/// Derives the one word.
pub const fn display_status(
    order: OrderState,
    delivery: Option<DeliveryState>,
    refund: RefundSummary,
) -> DisplayStatus {
    match refund {
        RefundSummary::Refunding => return DisplayStatus::Refunding,
        RefundSummary::Full => return DisplayStatus::Refunded,
        RefundSummary::None | RefundSummary::Partial => {}
    }
    let has_rider =
        matches!(delivery, Some(DeliveryState::Assigned | DeliveryState::ArrivedPickup));
    match order {
        OrderState::Accepted | OrderState::Preparing | OrderState::Ready if has_rider => {
            DisplayStatus::RiderAssigned
        }
        OrderState::PendingPayment => DisplayStatus::PendingPayment,
        OrderState::Paying => DisplayStatus::Paying,
        OrderState::Paid => DisplayStatus::Paid,
        OrderState::Accepted => DisplayStatus::Accepted,
        OrderState::Preparing => DisplayStatus::Preparing,
        OrderState::Ready => DisplayStatus::Ready,
        OrderState::PickedUp => DisplayStatus::PickedUp,
        OrderState::Delivered => DisplayStatus::Delivered,
        OrderState::Completed => DisplayStatus::Completed,
        OrderState::Rejected => DisplayStatus::Rejected,
        OrderState::Cancelled => DisplayStatus::Cancelled,
        OrderState::Closed => DisplayStatus::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_rider_or_refund_the_word_is_the_orders_own() {
        for state in OrderState::ALL.iter().copied() {
            let shown = display_status(state, None, RefundSummary::None);
            assert_eq!(shown.as_str(), state.as_str());
        }
    }

    #[test]
    fn a_rider_is_announced_while_the_store_still_has_the_goods() {
        for state in OrderState::ALL.iter().copied() {
            let shown = display_status(state, Some(DeliveryState::Assigned), RefundSummary::None);
            let in_kitchen =
                matches!(state, OrderState::Accepted | OrderState::Preparing | OrderState::Ready);
            assert_eq!(shown == DisplayStatus::RiderAssigned, in_kitchen, "{state}");
        }
    }

    #[test]
    fn refunds_add_up() {
        use RefundState as R;
        let cases: [(&[(RefundState, i64)], RefundSummary); 6] = [
            (&[], RefundSummary::None),
            (&[(R::Rejected, 900)], RefundSummary::None),
            (&[(R::Processing, 900)], RefundSummary::Refunding),
            (&[(R::Succeeded, 300), (R::Failed, 100)], RefundSummary::Refunding),
            (&[(R::Succeeded, 300)], RefundSummary::Partial),
            (&[(R::Succeeded, 300), (R::Succeeded, 600)], RefundSummary::Full),
        ];
        for (refunds, expected) in cases {
            assert_eq!(refund_summary(900, refunds.iter().copied()), expected, "{refunds:?}");
        }
    }
}
