//! What calling an order off costs its customer, and whether the store has to agree.

use crate::{
    clock::Timestamp,
    money::{Money, MoneyError},
    order::{Ask, Order, OrderRefusal},
    order_state::{OrderEvent, OrderState},
    policy::OrderPolicy,
};

/// What holds when a customer wants to call an order off now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelTerms {
    /// What the customer pays all the same.
    pub fee: Money,
    /// Whether the store has to agree, by a word or by silence.
    pub needs_consent: bool,
}

/// Works out what holds now. `items` is what the goods cost.
///
/// Free until a minute after the store accepted, before the kitchen is to work on it, and while no
/// rider is found; later the store has to agree, and part of the goods is paid for, unless the
/// kitchen is late.
///
/// # Errors
///
/// [`OrderRefusal`] if the order cannot be called off any more, or not by this customer.
pub fn terms(order: &Order, items: Money, ask: Ask<'_>) -> Result<CancelTerms, OrderRefusal> {
    let free = CancelTerms { fee: Money::from_minor(0, items.currency()), needs_consent: false };
    let refusal = match order.decide(Ask { event: OrderEvent::Cancelled, ..ask }) {
        Ok(_) => return Ok(free),
        Err(refusal) => refusal,
    };
    let percent = match (refusal, order.state) {
        (OrderRefusal::TooLate { .. }, _) if is_late(order, ask.at, ask.policy) => 0,
        (OrderRefusal::TooLate { .. }, OrderState::Accepted) => ask.policy.cancel_fee_accepted,
        (OrderRefusal::TooLate { .. }, _) => ask.policy.cancel_fee_preparing,
        (refusal, _) => return Err(refusal),
    };
    Ok(CancelTerms { fee: share(items, percent), needs_consent: true })
}

/// Whether the kitchen has said that it would be done long ago.
fn is_late(order: &Order, at: Timestamp, policy: &OrderPolicy) -> bool {
    order.ready_at.is_some_and(|ready| at >= ready + policy.cancel_free_when_late)
}

fn share(items: Money, percent: u32) -> Money {
    let minor =
        items.minor() / 100 * i64::from(percent) + items.minor() % 100 * i64::from(percent) / 100;
    Money::from_minor(minor, items.currency())
}

/// What goes back to the customer who paid `total`.
///
/// # Errors
///
/// [`MoneyError`] if the currencies differ.
pub fn refund(total: Money, fee: Money) -> Result<Money, MoneyError> {
    let left = total.checked_sub(fee)?;
    Ok(if left.minor() < 0 { Money::from_minor(0, total.currency()) } else { left })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        delivery::Delivery,
        delivery_state::DeliveryState,
        handover::Mode,
        ids::{CustomerId, OrderId, RiderId, StoreId},
        money::Currency,
    };

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);
    const POLICY: OrderPolicy = OrderPolicy::DEFAULT;

    fn order(state: OrderState) -> Order {
        Order {
            id: OrderId::generate(),
            customer_id: CustomerId::generate(),
            store_id: StoreId::generate(),
            state,
            version: 1,
            seq: 1,
            total: Money::from_minor(2_999, Currency::Cny),
            release_at: None,
            placed_at: NOON,
            paid_at: Some(NOON),
            accepted_at: Some(NOON),
            ready_at: Some(NOON + Duration::from_secs(20 * 60)),
            delivered_at: None,
            ended_at: None,
        }
    }

    fn fee(order: &Order, minutes: u64, delivery: Option<&Delivery>) -> Result<(i64, bool), ()> {
        let at = NOON + Duration::from_secs(minutes * 60);
        let (event, mode) = (OrderEvent::Cancelled, Mode::Delivery);
        let by = order.customer_id.into();
        let ask =
            Ask { event, by, reason: None, at, mode, delivery, policy: &POLICY, is_granted: false };
        let items = Money::from_minor(2_499, Currency::Cny);
        terms(order, items, ask).map(|it| (it.fee.minor(), it.needs_consent)).map_err(|_| ())
    }

    #[test]
    fn it_is_free_until_a_minute_after_acceptance_and_costs_a_share_of_the_goods_later() {
        use OrderState as S;
        for state in [S::PendingPayment, S::Paying, S::Paid] {
            assert_eq!(fee(&order(state), 9, None), Ok((0, false)), "{state}");
        }
        for (state, later) in [(S::Accepted, 249), (S::Preparing, 1_249)] {
            assert_eq!(fee(&order(state), 0, None), Ok((0, false)), "{state}");
            assert_eq!(fee(&order(state), 2, None), Ok((later, true)), "{state}");
            assert_eq!(fee(&order(state), 36, None), Ok((0, true)), "the kitchen is late");
        }
        for state in [S::PickedUp, S::Delivered, S::Completed, S::Cancelled] {
            assert_eq!(fee(&order(state), 2, None), Err(()), "{state}");
        }
    }

    #[test]
    fn an_order_that_nobody_fetches_is_free() {
        let order = order(OrderState::Ready);
        let delivery = |state, rider_id| Delivery { state, rider_id, ..Delivery::new(order.id) };
        let pooled = delivery(DeliveryState::Pooled, None);
        assert_eq!(fee(&order, 9, Some(&pooled)), Ok((0, false)));
        let held = delivery(DeliveryState::Assigned, Some(RiderId::generate()));
        assert_eq!(fee(&order, 9, Some(&held)), Err(()));
    }

    #[test]
    fn what_is_kept_and_what_goes_back_make_what_was_paid() {
        let cny = |minor| Money::from_minor(minor, Currency::Cny);
        for (total, fee) in [(3_000, 0), (3_000, 1_249), (1, 1)] {
            assert_eq!(refund(cny(total), cny(fee)), Ok(cny(total - fee)));
        }
        assert_eq!(refund(cny(10), cny(11)), Ok(cny(0)));
        assert_eq!(share(cny(i64::MAX), 100), cny(i64::MAX));
    }
}
