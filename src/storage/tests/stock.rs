//! What is promised of stocks, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use domain::{
    clock::Timestamp,
    ids::{OrderId, ProductId, StoreId},
    money::{Currency, Money},
    role::Actor,
    stock::{HoldState, Stock},
};
use futures_util::future::join_all;
use storage::{
    args,
    db::Tx,
    error::StoreError,
    products::{self, ProductRecord},
    stock::{self, Hold},
    stock_log::{self, StockLine},
    store::Store,
    testing::each_engine,
};

const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

async fn given(store: &Store, left: i64) -> ProductId {
    let product = ProductRecord {
        id: ProductId::generate(),
        store_id: StoreId::generate(),
        name: "Noodle soup".to_owned(),
        description: None,
        price: Money::from_minor(1_250, Currency::Cny),
        stock: Stock::counted(left),
        is_listed: true,
    };
    let id = product.id;
    let write = async move |tx: &mut Tx| products::insert(tx, &product, Actor::System, NOON).await;
    store.write(write).await.unwrap();
    id
}

/// Takes pieces if there are enough; `false` if not.
async fn take(store: &Store, id: ProductId, pieces: i64) -> Result<bool, StoreError> {
    let order_id = OrderId::generate();
    store
        .write(async move |tx: &mut Tx| {
            let shelf = stock::lock(tx, &[id]).await?.pop().unwrap();
            let Ok(change) = shelf.stock.reserve(pieces) else { return Ok(false) };
            let after = shelf.stock.after(&change);
            stock::save(tx, id, &after, shelf.stock.version).await?;
            let line = StockLine::new(id, &after, change, Actor::System, NOON);
            stock_log::insert(tx, &[StockLine { order_id: Some(order_id), ..line }]).await?;
            let (state, since) = (HoldState::Reserved, NOON);
            let hold = Hold { product_id: id, pieces, state, since };
            stock::insert_holds(tx, order_id, &[hold]).await?;
            Ok(true)
        })
        .await
}

#[tokio::test]
async fn stock_never_goes_below_nothing() {
    each_engine(async |store| {
        let id = given(&store, 7).await;
        let takes = (0..30).map(|_| {
            let store = Arc::clone(&store);
            async move { take(&store, id, 2).await }
        });
        let n_taken = join_all(takes).await.into_iter().filter(|it| *it.as_ref().unwrap()).count();
        assert_eq!(n_taken, 3);
        let shelf = stock::list(&mut store.reader(), &[id]).await.unwrap().pop().unwrap();
        assert_eq!((shelf.stock.left, shelf.stock.reserved, shelf.stock.version), (1, 6, 3));
        let log = stock_log::list(&mut store.reader(), id, None, 10).await.unwrap();
        let versions: Vec<_> = log.iter().map(|it| it.version).collect();
        assert_eq!(versions, [3, 2, 1, 0], "no line is missing");
        assert_eq!(stock_log::list_wrong(&mut store.reader()).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn what_was_written_past_the_log_is_found() {
    each_engine(async |store| {
        let (good, bad) = (given(&store, 7).await, given(&store, 7).await);
        take(&store, good, 2).await.unwrap();
        take(&store, bad, 2).await.unwrap();
        store
            .write(async move |tx: &mut Tx| {
                tx.exec("update product set stock = 4 where product_id = ?", args![bad]).await
            })
            .await
            .unwrap();
        assert_eq!(stock_log::list_wrong(&mut store.reader()).await.unwrap(), [bad]);
    })
    .await;
}

#[tokio::test]
async fn a_stock_is_saved_only_over_what_was_read() {
    each_engine(async |store| {
        let id = given(&store, 7).await;
        let stale = async move |tx: &mut Tx| {
            let stock = Stock::counted(9);
            stock::save(tx, id, &Stock { version: 6, ..stock }, 5).await
        };
        let outcome = store.write(stale).await;
        assert!(matches!(outcome, Err(StoreError::Conflict { .. })), "{outcome:?}");
    })
    .await;
}
