//! What is promised of the tables of commerce, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use domain::{
    cart::Quantity,
    change::{Change, Machine},
    clock::Timestamp,
    geo::Place,
    handover::Mode,
    ids::{CustomerId, MerchantId, OptionId, OrderId, PaymentId, ProductId, RefundId, StoreId},
    money::{Currency, Money},
    options::Chosen,
    order::{Ask, Order},
    order_number::OrderNumber,
    order_state::{OrderEvent, OrderState},
    payment::{Payment, Refund},
    payment_state::PaymentState,
    policy::OrderPolicy,
    price::Breakdown,
    reason::Reason,
    refund_state::RefundState,
    role::Actor,
};
use futures_util::future::join_all;
use storage::{
    args,
    db::Tx,
    error::StoreError,
    order_lines::{self, StoredLine},
    orders::{self, StoredOrder},
    payments::{self, StoredPayment},
    store::Store,
    stories,
    testing::each_engine,
};

const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);
const CNY: Currency = Currency::Cny;

fn order(state: OrderState) -> StoredOrder {
    static NUMBERS: AtomicU32 = AtomicU32::new(1);
    let n = NUMBERS.fetch_add(1, Ordering::Relaxed);
    let money = |minor| Money::from_minor(minor, CNY);
    StoredOrder {
        order: Order {
            id: OrderId::generate(),
            customer_id: CustomerId::generate(),
            store_id: StoreId::generate(),
            state,
            version: 0,
            seq: 0,
            total: money(3_000),
            release_at: Some(NOON),
            placed_at: NOON,
            paid_at: None,
            accepted_at: None,
            ready_at: None,
            delivered_at: None,
            ended_at: None,
        },
        parts: Breakdown {
            items: money(2_500),
            packing: money(100),
            delivery_fee: money(300),
            discount: money(200),
            tip: money(300),
            total: money(3_000),
            carriage: money(500),
        },
        number: OrderNumber::new(n),
        day: Some("20261121".to_owned()),
        scheduled_for: Some(NOON),
        region: "wtw3".to_owned(),
        dropoff: Place::new(31.2, 121.5).unwrap(),
        dropoff_address: "Long Street 7".to_owned(),
        note: Some("ring twice\n请打电话 🥡".to_owned()),
        cutlery: Some(2),
        contact_name: Some("Ann".to_owned()),
        contact_phone: Some("+8613800138000".to_owned()),
    }
}

async fn given(store: &Store, stored: &StoredOrder) -> StoredLine {
    let line = StoredLine {
        product_id: ProductId::generate(),
        name: "Noodle soup".to_owned(),
        options: vec![Chosen {
            id: OptionId::generate(),
            group: "Size".to_owned(),
            name: "大 \"large\"".to_owned(),
            price: Money::from_minor(250, CNY),
        }],
        packing: Money::from_minor(50, CNY),
        unit: Money::from_minor(1_250, CNY),
        quantity: Quantity::new(2).unwrap(),
        total: Money::from_minor(2_500, CNY),
    };
    let (stored, written) = (stored.clone(), line.clone());
    store
        .write(async move |tx: &mut Tx| {
            orders::insert(tx, &stored, std::slice::from_ref(&written)).await
        })
        .await
        .unwrap();
    line
}

#[tokio::test]
async fn an_order_survives_being_written_and_read_back() {
    each_engine(async |store| {
        for state in OrderState::ALL {
            let stored = order(*state);
            let line = given(&store, &stored).await;
            let read = orders::find(&mut store.reader(), stored.order.id).await.unwrap();
            assert_eq!(read.as_ref(), Some(&stored), "the schema knows {state}");
            let lines = order_lines::list(&mut store.reader(), stored.order.id).await.unwrap();
            assert_eq!(lines, [line]);
        }
    })
    .await;
}

#[tokio::test]
async fn the_schema_refuses_states_that_are_not_ours_and_sums_that_are_wrong() {
    each_engine(async |store| {
        let stored = order(OrderState::Paid);
        given(&store, &stored).await;
        let id = stored.order.id.to_string();
        for assignment in ["state = 'lost'", "total_minor = 1", "items_minor = -1", "tip_minor = 1"]
        {
            let (sql, id) =
                (format!("update customer_order set {assignment} where order_id = ?"), id.clone());
            let outcome: Result<(), StoreError> = store
                .write(async move |tx: &mut Tx| tx.exec(&sql, args![&id]).await.map(|_| ()))
                .await;
            assert!(outcome.is_err(), "{assignment}");
        }
    })
    .await;
}

#[tokio::test]
async fn payments_and_refunds_in_every_state_survive_being_written_and_read_back() {
    each_engine(async |store| {
        let order_id = OrderId::generate();
        let amount = Money::from_minor(3_000, CNY);
        for (n, state) in PaymentState::ALL.iter().copied().enumerate() {
            let stored = StoredPayment {
                payment: Payment { id: PaymentId::generate(), order_id, state, version: 1, amount },
                provider: "sandbox".to_owned(),
                provider_ref: format!("sbx_{n}"),
                expires_at: NOON,
            };
            let written = stored.clone();
            store
                .write(async move |tx: &mut Tx| payments::insert(tx, &written, NOON).await)
                .await
                .unwrap();
            let id = stored.payment.id;
            assert_eq!(payments::find(&mut store.reader(), id).await.unwrap(), Some(stored));
        }
        for state in RefundState::ALL.iter().copied() {
            let refund = Refund {
                id: RefundId::generate(),
                payment_id: PaymentId::generate(),
                order_id,
                state,
                version: 2,
                amount,
                reason: Reason::LatePayment,
                requested_at: NOON,
            };
            store
                .write(async move |tx: &mut Tx| payments::insert_refund(tx, &refund).await)
                .await
                .unwrap();
            let read = payments::find_refund(&mut store.reader(), refund.id).await.unwrap();
            assert_eq!(read, Some(refund));
        }
        let (paid, refunds) = payments::money_back(&mut store.reader(), order_id).await.unwrap();
        assert_eq!((paid, refunds.len()), (3_000, RefundState::ALL.len()));
    })
    .await;
}

#[tokio::test]
async fn a_stale_decision_is_not_saved() {
    each_engine(async |store| {
        let stored = order(OrderState::Paid);
        given(&store, &stored).await;
        let policy = OrderPolicy::DEFAULT;
        let change = stored
            .order
            .decide(Ask {
                event: OrderEvent::StoreAccepted,
                by: MerchantId::generate().into(),
                reason: None,
                at: NOON,
                mode: Mode::Delivery,
                delivery: None,
                policy: &policy,
                is_granted: false,
            })
            .unwrap();
        let after = stored.order.after(&change);
        let save = || {
            let after = after.clone();
            store.write(async move |tx: &mut Tx| orders::save_change(tx, &change, &after).await)
        };
        save().await.unwrap();
        assert!(matches!(save().await, Err(StoreError::Conflict { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_story_has_no_holes_however_many_write_it_at_once() {
    each_engine(async |store| {
        let stored = order(OrderState::Paid);
        given(&store, &stored).await;
        let order_id = stored.order.id;
        let line = move |seq| Change {
            order_id,
            seq,
            machine: Machine::Delivery,
            event: "offered",
            from: Some("waiting"),
            to: "offering",
            by: Actor::System,
            reason: Some(Reason::Other),
            at: NOON,
        };
        let skip: Result<(), StoreError> =
            store.write(async move |tx: &mut Tx| stories::insert_change(tx, &line(2)).await).await;
        assert!(matches!(skip, Err(StoreError::Conflict { .. })), "line 1 comes first");
        let writes = (0..30).map(|_| {
            let store = Arc::clone(&store);
            async move {
                store
                    .write(async move |tx: &mut Tx| {
                        let locked = orders::lock(tx, order_id).await?.expect("it is there");
                        stories::insert_change(tx, &line(locked.order.seq + 1)).await
                    })
                    .await
            }
        });
        for outcome in join_all(writes).await {
            outcome.unwrap();
        }
        let story = stories::list_changes(&mut store.reader(), order_id).await.unwrap();
        let seqs: Vec<_> = story.iter().map(|it| it.seq).collect();
        assert_eq!(seqs, (1..=30).collect::<Vec<_>>());
    })
    .await;
}
