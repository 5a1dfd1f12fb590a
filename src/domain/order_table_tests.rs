//! The whole table of an order's life: who may cause what in which state, and nobody else anything.

use std::time::Duration;

use super::*;
use crate::{
    delivery_state::DeliveryState,
    ids::{MerchantId, OperatorId, RiderId},
    money::Currency,
};

use ActorRole as A;

const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);
const POLICY: OrderPolicy = OrderPolicy::DEFAULT;

/// State, event, who may cause it when everything else fits, state after.
#[rustfmt::skip]
const TABLE: &[(OrderState, OrderEvent, &[ActorRole], OrderState)] = &[
    (S::PendingPayment, E::PaymentStarted,   &[A::Customer],                                      S::Paying),
    (S::PendingPayment, E::PaymentConfirmed, &[A::Provider],                                      S::Paid),
    (S::PendingPayment, E::PaymentExpired,   &[A::System],                                        S::Closed),
    (S::PendingPayment, E::Cancelled,        &[A::Customer],                                      S::Closed),
    (S::Paying,         E::PaymentFailed,    &[A::System, A::Provider],                           S::PendingPayment),
    (S::Paying,         E::PaymentConfirmed, &[A::Provider],                                      S::Paid),
    (S::Paying,         E::PaymentExpired,   &[A::System],                                        S::Closed),
    (S::Paying,         E::Cancelled,        &[A::Customer],                                      S::Closed),
    (S::Paid,           E::StoreAccepted,    &[A::Merchant],                                      S::Accepted),
    (S::Paid,           E::StoreRejected,    &[A::Merchant, A::System],                           S::Rejected),
    (S::Paid,           E::Cancelled,        &[A::Customer, A::Operator, A::System],              S::Cancelled),
    (S::Accepted,       E::KitchenStarted,   &[A::Merchant],                                      S::Preparing),
    (S::Accepted,       E::Cancelled,        &[A::Customer, A::Merchant, A::Operator, A::System], S::Cancelled),
    (S::Preparing,      E::KitchenDone,      &[A::Merchant],                                      S::Ready),
    (S::Preparing,      E::RiderTookIt,      &[A::Rider],                                         S::PickedUp),
    (S::Preparing,      E::StoreGaveIt,      &[A::Merchant],                                      S::PickedUp),
    (S::Preparing,      E::Cancelled,        &[A::Customer, A::Merchant, A::Operator, A::System], S::Cancelled),
    (S::Ready,          E::RiderTookIt,      &[A::Rider],                                         S::PickedUp),
    (S::Ready,          E::StoreGaveIt,      &[A::Merchant],                                      S::PickedUp),
    (S::Ready,          E::Cancelled,        &[A::Customer, A::Merchant, A::Operator, A::System], S::Cancelled),
    (S::PickedUp,       E::HandedOver,       &[A::Merchant, A::Rider],                            S::Delivered),
    (S::PickedUp,       E::BroughtBack,      &[A::Merchant, A::Operator],                         S::Cancelled),
    (S::PickedUp,       E::GoodsLost,        &[A::Rider],                                         S::Cancelled),
    (S::Delivered,      E::Settled,          &[A::Customer, A::System],                           S::Completed),
];

fn order(state: OrderState) -> Order {
    Order {
        id: OrderId::generate(),
        customer_id: CustomerId::generate(),
        store_id: StoreId::generate(),
        state,
        version: 0,
        seq: 1,
        total: Money::from_minor(2_500, Currency::Cny),
        release_at: None,
        placed_at: NOON,
        paid_at: Some(NOON),
        accepted_at: Some(NOON),
        ready_at: Some(NOON),
        delivered_at: Some(NOON),
        ended_at: None,
    }
}

/// What comes of the most favourable circumstances that there are: early or late, with a rider or
/// without, brought or collected, with any reason, granted or not.
fn best(order: &Order, event: OrderEvent, by: Actor) -> Option<OrderState> {
    let rider = match by.profile() {
        Some(Profile::Rider(id)) => Some(id),
        _ => None,
    };
    let held =
        Delivery { state: DeliveryState::Assigned, rider_id: rider, ..Delivery::new(order.id) };
    let reasons = Reason::ALL.iter().copied().map(Some).chain([None]);
    let mut found = None;
    for reason in reasons {
        for (days, mode, is_granted) in [
            (0, Mode::Delivery, false),
            (2, Mode::Delivery, false),
            (2, Mode::Delivery, true),
            (0, Mode::Pickup, false),
            (2, Mode::Pickup, false),
        ] {
            let at = NOON + Duration::from_secs(days * 24 * 3_600);
            let (delivery, policy) = (Some(&held), &POLICY);
            let ask = Ask { event, by, reason, at, mode, delivery, policy, is_granted };
            found = found.or(order.decide(ask).ok().map(|it| it.to));
        }
    }
    found
}

#[test]
fn nobody_causes_anything_that_is_not_in_the_table() {
    for state in S::ALL.iter().copied() {
        let order = order(state);
        let actors: [Actor; 6] = [
            order.customer_id.into(),
            MerchantId::generate().into(),
            RiderId::generate().into(),
            OperatorId::generate().into(),
            Actor::System,
            Actor::Provider,
        ];
        for event in E::ALL.iter().copied() {
            let row = TABLE.iter().find(|it| it.0 == state && it.1 == event);
            for by in actors {
                let expected = row.filter(|it| it.2.contains(&by.role())).map(|it| it.3);
                let said = best(&order, event, by);
                assert_eq!(said, expected, "{state}, {event}, by {}", by.role());
            }
        }
    }
}

#[test]
fn the_table_has_every_move_of_the_machine_and_no_other() {
    let moves: Vec<_> = TABLE.iter().map(|it| (it.0, it.1, it.3)).collect();
    for row in crate::order_state::TRANSITIONS {
        assert!(moves.contains(row), "{row:?} is missing");
    }
    assert_eq!(moves.len(), crate::order_state::TRANSITIONS.len());
}

#[test]
fn what_was_granted_is_called_off_by_those_who_granted_it_and_nobody_else() {
    let late = NOON + Duration::from_secs(3_600);
    let riders = Delivery {
        state: DeliveryState::Assigned,
        rider_id: Some(RiderId::generate()),
        ..Delivery::new(OrderId::generate())
    };
    for state in [S::Accepted, S::Preparing, S::Ready] {
        let order = order(state);
        let ask = |by: Actor, is_granted| Ask {
            event: E::Cancelled,
            by,
            reason: Some(Reason::TooSlow),
            at: late,
            mode: Mode::Delivery,
            delivery: Some(&riders),
            policy: &POLICY,
            is_granted,
        };
        let customer = Actor::from(order.customer_id);
        assert!(order.decide(ask(customer, false)).is_err(), "{state}");
        for by in [customer, MerchantId::generate().into(), Actor::System] {
            assert!(order.decide(ask(by, true)).is_ok(), "{state}, {by:?}");
        }
        for by in [CustomerId::generate().into(), RiderId::generate().into()] {
            assert!(order.decide(ask(by, true)).is_err(), "{state}, {by:?}");
        }
    }
}
