//! Two of cancel, pay, expire and accept at once, a hundred times each: one legal result, and every
//! piece is where it belongs.

use std::time::Duration;

use domain::{
    ids::{CustomerId, OrderId},
    order_state::OrderState,
    payment_state::PaymentState,
    refund_state::RefundState,
    role::Profile,
};
use futures_util::future::join_all;
use storage::{orders, payments as rows, timers, timers::TimerKind};
use usecases::{
    deadlines,
    error::AskError,
    orders::{self as doors, Acceptance},
    payments,
    platform::Platform,
};

use crate::support::{Ground, UNPAID, World, on_every_ground, start_paying};

on_every_ground!(
    cancel_and_pay,
    cancel_and_expire,
    cancel_and_accept,
    pay_and_expire,
    pay_and_accept,
    expire_and_accept,
);

/// Races of each pair; several orders race at once.
const RACES: usize = 100;
const AT_ONCE: usize = 10;

/// What may happen to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Cancel,
    Pay,
    Expire,
    Accept,
}

async fn cancel_and_pay(ground: Ground) {
    race(ground, [Act::Cancel, Act::Pay]).await;
}
async fn cancel_and_expire(ground: Ground) {
    race(ground, [Act::Cancel, Act::Expire]).await;
}
async fn cancel_and_accept(ground: Ground) {
    race(ground, [Act::Cancel, Act::Accept]).await;
}
async fn pay_and_expire(ground: Ground) {
    race(ground, [Act::Pay, Act::Expire]).await;
}
async fn pay_and_accept(ground: Ground) {
    race(ground, [Act::Pay, Act::Accept]).await;
}
async fn expire_and_accept(ground: Ground) {
    race(ground, [Act::Expire, Act::Accept]).await;
}

/// An order that is about to be raced for.
struct Case {
    order: OrderId,
    buyer: CustomerId,
    reference: String,
}

async fn race(ground: Ground, pair: [Act; 2]) {
    let world = World::new(ground, RACES as i64).await;
    let buyers = world.customers(RACES).await;
    // A store accepts what is paid: in pairs with `accept` but without `pay`, it is paid before.
    let is_paid = pair.contains(&Act::Accept) && !pair.contains(&Act::Pay);
    let mut cases = Vec::with_capacity(RACES);
    for buyer in buyers {
        let order = world.order(buyer).await;
        let reference = start_paying(world.node(0), buyer, order).await;
        if is_paid {
            payments::play_customer(world.node(0), &reference, true).await.unwrap();
        }
        cases.push(Case { order, buyer, reference });
    }
    if pair.contains(&Act::Expire) {
        world.clock.advance(UNPAID + Duration::from_secs(1));
    }
    for some in cases.chunks(AT_ONCE) {
        let racing = some.iter().enumerate().map(|(n, case)| {
            let (one, two) = (world.node(n), world.node(n + 1));
            // Whoever is named first must not always be first.
            let [first, second] = if n % 2 == 0 { pair } else { [pair[1], pair[0]] };
            let world = &world;
            async move {
                tokio::join!(act(world, one, case, first), act(world, two, case, second));
            }
        });
        join_all(racing).await;
    }
    settle(&world, &cases).await;
}

async fn act(world: &World, node: &Platform, case: &Case, act: Act) {
    let outcome = match act {
        Act::Cancel => {
            let by = Profile::Customer(case.buyer);
            doors::cancel(node, by, case.order, None, None).await.map(drop)
        }
        Act::Pay => payments::play_customer(node, &case.reference, true).await.map(drop),
        Act::Accept => {
            let how = Acceptance { prep_min: None, start: true };
            doors::accept(node, world.merchant, case.order, None, how).await.map(drop)
        }
        Act::Expire => expire(node, case.order).await,
    };
    match outcome {
        Ok(()) | Err(AskError::Order(_) | AskError::NotFound { .. }) => {}
        Err(other) => panic!("{act:?} is neither done nor refused: {other:?}"),
    }
}

/// Carries out what is due of one order, as any node's timekeeper does.
async fn expire(node: &Platform, order: OrderId) -> Result<(), AskError> {
    let due = timers::due(&mut node.reader(), node.now()).await?;
    let kinds = [TimerKind::OrderUnpaid, TimerKind::OrderUnaccepted];
    let its = |it: &&timers::Due| it.subject == order.to_string() && kinds.contains(&it.kind);
    for it in due.iter().filter(its) {
        deadlines::carry_out(node, it).await?;
    }
    Ok(())
}

/// Looks at every order: its story is legal, its money fits its state, and the stock is the sum.
async fn settle(world: &World, cases: &[Case]) {
    let (mut reserved, mut sold) = (0, 0);
    for case in cases {
        let story = world.story(case.order).await;
        let n = |what: &str| story.iter().filter(|it| *it == what).count();
        let mut reader = world.nodes[0].reader();
        let state = orders::find(&mut reader, case.order).await.unwrap().unwrap().order.state;
        let n_ends = ["order.cancelled", "order.payment_expired", "order.store_rejected"]
            .map(n)
            .into_iter()
            .sum::<usize>();
        let is_over =
            matches!(state, OrderState::Cancelled | OrderState::Closed | OrderState::Rejected);
        assert_eq!(n_ends, usize::from(is_over), "{state}: {story:?}");
        assert!(n("order.payment_confirmed") <= 1 && n("order.store_accepted") <= 1, "{story:?}");
        if n("order.store_accepted") == 1 {
            assert_eq!(n("order.payment_confirmed"), 1, "{story:?}");
        }
        match state {
            OrderState::PendingPayment | OrderState::Paying => reserved += 1,
            _ if !is_over => sold += 1,
            _ => {}
        }
        let paid = rows::list_for_order(&mut reader, case.order).await.unwrap();
        let is_paid = |it: &&rows::StoredPayment| it.payment.state == PaymentState::Succeeded;
        let paid: i64 = paid.iter().filter(is_paid).map(|it| it.payment.amount.minor()).sum();
        let refunds = rows::list_refunds(&mut reader, case.order).await.unwrap();
        let back = |it: &&domain::payment::Refund| it.state == RefundState::Succeeded;
        let back: i64 = refunds.iter().filter(back).map(|it| it.amount.minor()).sum();
        assert_eq!(back, if is_over { paid } else { 0 }, "{state}: {story:?}");
    }
    let numbers = world.numbers().await;
    assert_eq!(numbers, [cases.len() as i64 - reserved - sold, reserved, sold]);
}
