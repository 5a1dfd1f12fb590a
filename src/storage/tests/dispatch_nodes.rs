//! The list of planning nodes on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use domain::ids::NodeId;
use storage::{
    db::Tx,
    dispatch_nodes::{self, DispatchNode},
    error::StoreError,
    store::Store,
    testing::each_engine,
};

async fn beat(store: &Store, node: NodeId) {
    let write = async move |tx: &mut Tx| dispatch_nodes::beat(tx, node).await;
    store.write::<_, _, StoreError>(write).await.unwrap();
}

#[tokio::test]
async fn a_node_counts_on_leaves_and_is_cleared_away_only_if_it_is_silent() {
    each_engine(async |store: Arc<Store>| {
        let (one, two) = (NodeId::generate(), NodeId::generate());
        for node in [one, two, one] {
            beat(&store, node).await;
        }
        let list = async || {
            let mut all = dispatch_nodes::list(&mut store.reader()).await.unwrap();
            all.sort_by_key(|it| it.n_beats);
            all
        };
        let (first, second) =
            (DispatchNode { node_id: two, n_beats: 1 }, DispatchNode { node_id: one, n_beats: 2 });
        assert_eq!(list().await, [first, second]);

        beat(&store, two).await;
        let clear = async move |tx: &mut Tx| dispatch_nodes::clear(tx, first).await;
        store.write::<_, _, StoreError>(clear).await.unwrap();
        assert_eq!(list().await.len(), 2, "it has counted on meanwhile");
        let leave = async move |tx: &mut Tx| dispatch_nodes::leave(tx, two).await;
        store.write::<_, _, StoreError>(leave).await.unwrap();
        let clear = async move |tx: &mut Tx| dispatch_nodes::clear(tx, second).await;
        store.write::<_, _, StoreError>(clear).await.unwrap();
        assert_eq!(list().await, []);
        beat(&store, one).await;
        assert_eq!(list().await, [DispatchNode { node_id: one, n_beats: 1 }]);
    })
    .await;
}
