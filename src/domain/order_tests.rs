//! What is promised about orders: tables of who may do what, and properties of any history.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    delivery_state::DeliveryState,
    handover::Mode,
    ids::{MerchantId, OperatorId, RiderId},
    money::Currency,
};

const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);
const POLICY: OrderPolicy = OrderPolicy::DEFAULT;
const SECOND: Duration = Duration::from_secs(1);

fn order(state: OrderState) -> Order {
    Order {
        id: OrderId::generate(),
        customer_id: CustomerId::generate(),
        store_id: StoreId::generate(),
        state,
        version: 3,
        seq: 7,
        total: Money::from_minor(2_500, Currency::Cny),
        release_at: None,
        placed_at: NOON,
        paid_at: Some(NOON),
        accepted_at: Some(NOON),
        ready_at: None,
        delivered_at: Some(NOON),
        ended_at: None,
    }
}

fn ask(event: OrderEvent, by: impl Into<Actor>, at: Timestamp) -> Ask<'static> {
    let (mode, delivery) = (Mode::Delivery, None);
    Ask {
        event,
        by: by.into(),
        reason: None,
        at,
        mode,
        delivery,
        policy: &POLICY,
        is_granted: false,
    }
}

fn delivery(order_id: OrderId, state: DeliveryState, rider_id: Option<RiderId>) -> Delivery {
    Delivery { state, rider_id, ..Delivery::new(order_id) }
}

#[test]
fn a_change_says_all_that_an_audit_needs() {
    let order = order(S::Paid);
    let merchant = Actor::from(MerchantId::generate());
    let change = order.decide(ask(E::StoreAccepted, merchant, NOON)).expect("it is paid");
    assert_eq!((change.from, change.to, change.by), (S::Paid, S::Accepted, merchant));
    assert_eq!((change.based_on, change.seq, change.at), (3, 8, NOON));
    assert_eq!(change.told().machine, Machine::Order);
    let after = order.after(&change);
    assert_eq!((after.version, after.seq, after.accepted_at), (4, 8, Some(NOON)));
}

#[test]
fn only_the_provider_says_that_money_is_there() {
    for state in [S::PendingPayment, S::Paying] {
        let order = order(state);
        let actors: [Actor; 5] = [
            order.customer_id.into(),
            MerchantId::generate().into(),
            RiderId::generate().into(),
            OperatorId::generate().into(),
            Actor::System,
        ];
        for by in actors {
            let refused = order.decide(ask(E::PaymentConfirmed, by, NOON));
            assert!(matches!(refused, Err(OrderRefusal::WrongActor { .. })), "{by:?}");
        }
        assert!(order.decide(ask(E::PaymentConfirmed, Actor::Provider, NOON)).is_ok());
    }
}

#[test]
fn a_customer_cancels_freely_until_a_minute_after_the_store_accepted() {
    let late = NOON + Duration::from_secs(3_600);
    for state in S::ALL.iter().copied() {
        let order = order(state);
        let at_once = order.decide(ask(E::Cancelled, order.customer_id, NOON + 59 * SECOND));
        let much_later = order.decide(ask(E::Cancelled, order.customer_id, late));
        match state {
            S::PendingPayment | S::Paying => {
                assert_eq!(much_later.map(|it| it.to), Ok(S::Closed), "{state}");
            }
            S::Paid => assert_eq!(much_later.map(|it| it.to), Ok(S::Cancelled)),
            S::Accepted | S::Preparing => {
                assert!(at_once.is_ok(), "{state}");
                let until = NOON + POLICY.cancel_free;
                assert_eq!(much_later, Err(OrderRefusal::TooLate { until }), "{state}");
            }
            _ => assert!(at_once.is_err(), "{state}"),
        }
    }
}

#[test]
fn somebody_elses_order_is_not_cancelled() {
    for state in S::ALL.iter().copied() {
        let stranger = CustomerId::generate();
        assert!(order(state).decide(ask(E::Cancelled, stranger, NOON)).is_err(), "{state}");
        let rider = RiderId::generate();
        assert!(order(state).decide(ask(E::Cancelled, rider, NOON)).is_err(), "{state}");
    }
}

#[test]
fn an_order_that_is_ready_is_cancelled_only_while_no_rider_was_found() {
    let order = order(S::Ready);
    for state in DeliveryState::ALL.iter().copied() {
        let delivery = delivery(order.id, state, None);
        for by in [order.customer_id.into(), OperatorId::generate().into(), Actor::System] {
            let asked = Ask { delivery: Some(&delivery), ..ask(E::Cancelled, by, NOON) };
            let is_free = matches!(state, DeliveryState::Waiting | DeliveryState::Pooled);
            assert_eq!(order.decide(asked).is_ok(), is_free, "{state}, {by:?}");
        }
        let store = Ask {
            delivery: Some(&delivery),
            reason: Some(Reason::Busy),
            ..ask(E::Cancelled, MerchantId::generate(), NOON)
        };
        assert!(order.decide(store).is_err(), "the store made it");
    }
}

#[test]
fn a_store_that_says_no_says_why() {
    let order = order(S::Paid);
    let merchant = MerchantId::generate();
    let mute = ask(E::StoreRejected, merchant, NOON);
    assert!(matches!(order.decide(mute), Err(OrderRefusal::ReasonNeeded { .. })));
    let odd = Ask { reason: Some(Reason::ChangedMind), ..mute };
    assert!(matches!(order.decide(odd), Err(OrderRefusal::ReasonNeeded { .. })));
    for reason in Reason::OF_STORE {
        assert!(order.decide(Ask { reason: Some(*reason), ..mute }).is_ok(), "{reason}");
    }
}

#[test]
fn a_customer_need_not_say_why_but_cannot_speak_for_the_store() {
    let order = order(S::Paid);
    let mute = ask(E::Cancelled, order.customer_id, NOON);
    assert!(order.decide(mute).is_ok());
    assert!(order.decide(Ask { reason: Some(Reason::ChangedMind), ..mute }).is_ok());
    let odd = order.decide(Ask { reason: Some(Reason::Busy), ..mute });
    assert!(matches!(odd, Err(OrderRefusal::ReasonNeeded { .. })));
}

#[test]
fn deadlines_do_not_come_early() {
    let cases = [
        (S::PendingPayment, E::PaymentExpired, POLICY.unpaid),
        (S::Paying, E::PaymentExpired, POLICY.unpaid),
        (S::Paid, E::StoreRejected, POLICY.unaccepted),
        (S::Delivered, E::Settled, POLICY.auto_complete),
    ];
    for (state, event, span) in cases {
        let (order, due) = (order(state), NOON + span);
        let early = order.decide(ask(event, Actor::System, due - SECOND));
        assert_eq!(early, Err(OrderRefusal::TooEarly { from: due }), "{state}");
        assert!(order.decide(ask(event, Actor::System, due)).is_ok(), "{state}");
    }
}

#[test]
fn an_order_for_later_is_not_cooked_before_its_time_and_may_be_called_off_until_then() {
    let release_at = NOON + 3_600 * SECOND;
    for state in [S::Paid, S::Accepted] {
        let order = Order { release_at: Some(release_at), ..order(state) };
        let before = release_at.ms() - 1;
        let before = Timestamp::from_ms(before);
        assert!(order.is_upcoming(before) && !order.is_upcoming(release_at));
        let cancel = |at| order.decide(ask(E::Cancelled, order.customer_id, at));
        assert!(cancel(before).is_ok(), "{state}");
        let until = release_at + POLICY.unaccepted;
        assert_eq!(order.accept_until(&POLICY), Some(until));
        if state == S::Accepted {
            let merchant = MerchantId::generate();
            let early = order.decide(ask(E::KitchenStarted, merchant, before));
            assert_eq!(early, Err(OrderRefusal::TooEarly { from: release_at }));
            assert!(order.decide(ask(E::KitchenStarted, merchant, release_at)).is_ok());
            assert!(cancel(release_at).is_err(), "the free minute is long over");
        }
    }
}

#[test]
fn only_the_rider_who_holds_it_takes_it_and_hands_it_over() {
    let (ann, bob) = (RiderId::generate(), RiderId::generate());
    for (state, event) in [(S::Ready, E::RiderTookIt), (S::PickedUp, E::HandedOver)] {
        let order = order(state);
        let held = delivery(order.id, DeliveryState::Assigned, Some(ann));
        let by_bob = Ask { delivery: Some(&held), ..ask(event, bob, NOON) };
        assert_eq!(order.decide(by_bob), Err(OrderRefusal::NotTheRider));
        let by_ann = Ask { delivery: Some(&held), ..ask(event, ann, NOON) };
        assert!(order.decide(by_ann).is_ok());
        assert!(order.decide(ask(event, ann, NOON)).is_err(), "without a delivery");
    }
}

#[test]
fn who_collects_gets_it_from_the_store_and_nobody_else_may_say_so() {
    let (store, ann) = (MerchantId::generate(), RiderId::generate());
    for (state, event) in
        [(S::Preparing, E::StoreGaveIt), (S::Ready, E::StoreGaveIt), (S::PickedUp, E::HandedOver)]
    {
        let order = order(state);
        let collected = |by: Actor| Ask { mode: Mode::Pickup, ..ask(event, by, NOON) };
        assert!(order.decide(collected(store.into())).is_ok(), "{state}");
        assert!(order.decide(ask(event, store, NOON)).is_err(), "a rider's order: {state}");
        let held = delivery(order.id, DeliveryState::Assigned, Some(ann));
        for by in [order.customer_id.into(), Actor::System, OperatorId::generate().into()] {
            assert!(order.decide(collected(by)).is_err(), "{by:?} in {state}");
        }
        let by_rider = Ask { delivery: Some(&held), ..collected(ann.into()) };
        assert!(order.decide(by_rider).is_err(), "{state}");
    }
}

#[test]
fn what_waits_at_the_counter_is_called_off_by_the_store_and_by_no_show_only_after_long() {
    let made = Order { ready_at: Some(NOON), ..order(S::Ready) };
    let (store, operator) = (MerchantId::generate(), OperatorId::generate());
    let cancel =
        |by: Actor, reason, at| Ask { mode: Mode::Pickup, reason, ..ask(E::Cancelled, by, at) };
    let customer = made.decide(cancel(made.customer_id.into(), None, NOON));
    assert_eq!(customer, Err(OrderRefusal::WaitsAtCounter));
    assert!(made.decide(cancel(store.into(), None, NOON)).is_err(), "a store says why");
    assert!(made.decide(cancel(store.into(), Some(Reason::SoldOut), NOON)).is_ok());
    assert!(made.decide(cancel(operator.into(), None, NOON)).is_ok());
    let (no_show, due) = (Some(Reason::NotCollected), NOON + COLLECT_WAIT);
    for by in [Actor::from(store), operator.into()] {
        let early = made.decide(cancel(by, no_show, due - SECOND));
        assert_eq!(early, Err(OrderRefusal::TooEarly { from: due }));
        assert!(made.decide(cancel(by, no_show, due)).is_ok());
        let by_rider = Ask { mode: Mode::Delivery, ..cancel(by, no_show, due) };
        assert!(made.decide(by_rider).is_err(), "a rider's order");
    }
    assert!(made.decide(cancel(made.customer_id.into(), no_show, due)).is_err());
}

/// Index of the actor who usually causes the event, so that long histories are found.
fn natural(event: OrderEvent) -> usize {
    match event {
        E::PaymentStarted | E::Cancelled => 0,
        E::StoreAccepted
        | E::StoreRejected
        | E::KitchenStarted
        | E::KitchenDone
        | E::StoreGaveIt => 1,
        E::RiderTookIt | E::HandedOver | E::GoodsLost => 2,
        E::BroughtBack => 3,
        E::PaymentExpired | E::Settled => 4,
        E::PaymentFailed | E::PaymentConfirmed => 5,
    }
}

proptest! {
    #[test]
    fn any_sequence_of_events_keeps_an_order_legal(
        mode in prop::sample::select(Mode::ALL),
        asks in prop::collection::vec((0..E::ALL.len(), 0..18_usize, 0..400_u64, 0..4_usize), 0..200),
    ) {
        let mut order = Order { state: S::PendingPayment, version: 0, seq: 1, paid_at: None,
            accepted_at: None, delivered_at: None, ..order(S::PendingPayment) };
        let rider = RiderId::generate();
        let held = delivery(order.id, DeliveryState::Assigned, Some(rider));
        let free = delivery(order.id, DeliveryState::Pooled, None);
        let actors: [Actor; 6] = [order.customer_id.into(), MerchantId::generate().into(),
            rider.into(), OperatorId::generate().into(), Actor::System, Actor::Provider];
        let (mut at, mut seen, mut seqs) = (NOON, vec![order.state], vec![order.seq]);
        for (event, actor, wait_s, delivery) in asks {
            at = at + Duration::from_secs(wait_s);
            let asked = Ask {
                event: E::ALL[event],
                by: actors[if actor < 6 { actor } else { natural(E::ALL[event]) }],
                reason: Some(Reason::Other),
                at,
                mode,
                delivery: [None, Some(&held), Some(&free), Some(&held)][delivery],
                policy: &POLICY,
                is_granted: false,
            };
            if let Ok(change) = order.decide(asked) {
                prop_assert_eq!(order.state.on(change.event), Ok(change.to));
                order = order.after(&change);
                seen.push(order.state);
                seqs.push(order.seq);
            }
        }
        let first = |state| seen.iter().position(|it| *it == state);
        for (earlier, later) in [(S::Paid, S::Accepted), (S::Accepted, S::PickedUp),
            (S::PickedUp, S::Delivered), (S::Delivered, S::Completed), (S::Paid, S::Rejected)] {
            let holds = first(later).is_none_or(|b| first(earlier).is_some_and(|a| a < b));
            prop_assert!(holds, "{} without {} before: {:?}", later, earlier, seen);
        }
        prop_assert!(seqs.windows(2).all(|it| it[1] == it[0] + 1), "seq has holes");
        prop_assert_eq!(order.ended_at.is_some(), order.state.is_terminal());
        prop_assert_eq!(order.paid_at.is_some(), seen.contains(&S::Paid));
    }
}
