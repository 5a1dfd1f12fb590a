//! A payment, what a provider says about it, and what may be paid back.

use crate::{
    clock::Timestamp,
    ids::{OrderId, PaymentId, RefundId},
    money::{Money, MoneyError},
    order_state::OrderState,
    payment_state::{PaymentEvent, PaymentState},
    reason::Reason,
    refund_state::{RefundEvent, RefundState},
    text_enum::text_enum,
};

text_enum! {
    /// What a provider can tell us.
    pub enum FactKind {
        /// The money is there.
        Paid => "paid",
        /// The attempt came to nothing.
        PaymentFailed => "payment_failed",
        /// The money went back.
        Refunded => "refunded",
        /// The money could not go back.
        RefundFailed => "refund_failed",
    }
}

/// One attempt to pay, as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment {
    /// Which attempt.
    pub id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// Where it stands.
    pub state: PaymentState,
    /// Counts accepted events; starts at 0.
    pub version: i64,
    /// How much.
    pub amount: Money,
}

/// Money on its way back, as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refund {
    /// Which refund. Made before the provider is asked, and used again when it is asked again.
    pub id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Of which order.
    pub order_id: OrderId,
    /// Where it stands.
    pub state: RefundState,
    /// Counts accepted events; starts at 0.
    pub version: i64,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: Reason,
    /// When it was asked for.
    pub requested_at: Timestamp,
}

/// What must be done after a provider has spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: we knew.
    Known,
    /// The payment takes this event, and the order goes on.
    Moves(PaymentEvent),
    /// The money is there, but the order has no use for it: give all of it back.
    PayBack(Reason),
    /// The refund takes this event.
    RefundMoves(RefundEvent),
}

/// The fact does not fit what we know: it is recorded and never applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Another amount or currency than we asked for.
    #[error("the provider speaks of {said}, we asked for {asked}")]
    Amount {
        /// What the provider says.
        said: Money,
        /// What we asked for.
        asked: Money,
    },
}

impl Payment {
    /// Judges what a provider says about this attempt.
    ///
    /// # Errors
    ///
    /// [`Mismatch`] if amount or currency are not the payment's.
    pub fn judge(
        &self,
        order: OrderState,
        is_paid: bool,
        said: Money,
    ) -> Result<Verdict, Mismatch> {
        if said != self.amount {
            return Err(Mismatch::Amount { said, asked: self.amount });
        }
        let event =
            if is_paid { PaymentEvent::ProviderConfirmed } else { PaymentEvent::ProviderRefused };
        if self.state.on(event).is_err() {
            return Ok(Verdict::Known);
        }
        match order {
            _ if !is_paid => Ok(Verdict::Moves(event)),
            OrderState::PendingPayment | OrderState::Paying => Ok(Verdict::Moves(event)),
            OrderState::Closed | OrderState::Cancelled | OrderState::Rejected => {
                Ok(Verdict::PayBack(Reason::LatePayment))
            }
            OrderState::Paid
            | OrderState::Accepted
            | OrderState::Preparing
            | OrderState::Ready
            | OrderState::PickedUp
            | OrderState::Delivered
            | OrderState::Completed => Ok(Verdict::PayBack(Reason::PaidTwice)),
        }
    }

    /// How much of this attempt may still be paid back.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] if a refund is in another currency.
    pub fn refundable(&self, refunds: &[Refund]) -> Result<Money, MoneyError> {
        let none = Money::from_minor(0, self.amount.currency());
        if self.state != PaymentState::Succeeded {
            return Ok(none);
        }
        let mut left = self.amount;
        for refund in refunds.iter().filter(|it| it.state.counts()) {
            let back = Money::from_minor(-refund.amount.minor(), refund.amount.currency());
            left = left.checked_add(back)?;
        }
        Ok(if left.minor() < 0 { none } else { left })
    }

    /// A refund of `amount`, or `None` if that is nothing or more than is left.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] if the currencies differ.
    pub fn refund(
        &self,
        refunds: &[Refund],
        amount: Money,
        reason: Reason,
        at: Timestamp,
    ) -> Result<Option<Refund>, MoneyError> {
        let left = self.refundable(refunds)?;
        if amount.currency() != left.currency() {
            let (left, right) = (left.currency(), amount.currency());
            return Err(MoneyError::CurrencyMismatch { left, right });
        }
        let fits = amount.minor() > 0 && amount.minor() <= left.minor();
        Ok(fits.then(|| Refund {
            id: RefundId::generate(),
            payment_id: self.id,
            order_id: self.order_id,
            state: RefundState::Requested,
            version: 0,
            amount,
            reason,
            requested_at: at,
        }))
    }
}

impl Refund {
    /// Judges what a provider says about this refund.
    ///
    /// # Errors
    ///
    /// [`Mismatch`] if amount or currency are not the refund's.
    pub fn judge(&self, is_refunded: bool, said: Money) -> Result<Verdict, Mismatch> {
        if said != self.amount {
            return Err(Mismatch::Amount { said, asked: self.amount });
        }
        let event =
            if is_refunded { RefundEvent::ProviderConfirmed } else { RefundEvent::ProviderRefused };
        Ok(self.state.on(event).map_or(Verdict::Known, |_| Verdict::RefundMoves(event)))
    }
}

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a table with a default is readable")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    fn payment(state: PaymentState) -> Payment {
        Payment {
            id: PaymentId::generate(),
            order_id: OrderId::generate(),
            state,
            version: 1,
            amount: Money::from_minor(2_500, Currency::Cny),
        }
    }

    #[test]
    fn another_amount_or_currency_is_never_applied() {
        let payment = payment(PaymentState::Processing);
        for said in
            [Money::from_minor(2_499, Currency::Cny), Money::from_minor(2_500, Currency::Usd)]
        {
            let judged = payment.judge(OrderState::Paying, true, said);
            assert_eq!(judged, Err(Mismatch::Amount { said, asked: payment.amount }));
        }
    }

    #[test]
    fn money_for_an_order_that_has_ended_goes_back() {
        for state in OrderState::ALL.iter().copied() {
            let payment = payment(PaymentState::Processing);
            let judged = payment.judge(state, true, payment.amount);
            let expected = match state {
                OrderState::PendingPayment | OrderState::Paying => {
                    Verdict::Moves(PaymentEvent::ProviderConfirmed)
                }
                OrderState::Closed | OrderState::Cancelled | OrderState::Rejected => {
                    Verdict::PayBack(Reason::LatePayment)
                }
                _ => Verdict::PayBack(Reason::PaidTwice),
            };
            assert_eq!(judged, Ok(expected), "{state}");
        }
    }

    #[test]
    fn the_same_fact_again_changes_nothing() {
        let payment = payment(PaymentState::Succeeded);
        for said_paid in [true, false] {
            let judged = payment.judge(OrderState::Paid, said_paid, payment.amount);
            assert_eq!(judged, Ok(Verdict::Known));
        }
    }

    #[test]
    fn what_was_not_paid_is_not_paid_back() {
        let payment = payment(PaymentState::Processing);
        let asked = payment.refund(&[], payment.amount, Reason::OrderEnded, NOON);
        assert_eq!(asked, Ok(None));
    }

    proptest! {
        #[test]
        fn refunds_never_exceed_what_was_paid(
            asks in prop::collection::vec((-5_i64..3_000, 0..RefundState::ALL.len()), 0..40),
        ) {
            let payment = payment(PaymentState::Succeeded);
            let mut refunds = Vec::new();
            for (minor, state) in asks {
                let amount = Money::from_minor(minor, Currency::Cny);
                let made = payment.refund(&refunds, amount, Reason::Other, NOON).expect("CNY");
                refunds.extend(made.map(|it| Refund { state: RefundState::ALL[state], ..it }));
            }
            let sum: i64 = refunds.iter().filter(|it| it.state.counts())
                .map(|it| it.amount.minor()).sum();
            prop_assert!(sum <= payment.amount.minor());
            let left = payment.refundable(&refunds).expect("CNY").minor();
            prop_assert_eq!(left, payment.amount.minor() - sum);
        }
    }
}
