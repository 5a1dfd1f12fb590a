//! Presence on both engines: the union of nodes, and each change told by exactly one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use domain::{
    clock::Timestamp,
    ids::NodeId,
    role::{Profile, Role},
};
use storage::{
    db::Tx,
    error::StoreError,
    presence::{self, Told},
    store::Store,
    testing::each_engine,
};

const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

async fn arrive(store: &Store, node: NodeId, profiles: &[Profile]) -> Vec<Told> {
    let those = profiles.to_vec();
    let write = async move |tx: &mut Tx| presence::arrive(tx, node, &those, NOON, NOON).await;
    store.write::<_, _, StoreError>(write).await.unwrap()
}

async fn leave(store: &Store, node: NodeId, profiles: &[Profile]) -> Vec<Told> {
    let those = profiles.to_vec();
    let write = async move |tx: &mut Tx| presence::leave(tx, node, &those, NOON, NOON).await;
    store.write::<_, _, StoreError>(write).await.unwrap()
}

#[tokio::test]
async fn whoever_is_on_two_nodes_has_left_when_he_left_both() {
    each_engine(async |store: Arc<Store>| {
        let (one, two) = (NodeId::generate(), NodeId::generate());
        let (ann, bob) = (Profile::generate(Role::Customer), Profile::generate(Role::Rider));
        let told = arrive(&store, one, &[ann, bob]).await;
        assert_eq!(told.len(), 2);
        assert!(told.iter().all(|it| it.is_on && it.version == 1), "{told:?}");
        assert_eq!(arrive(&store, two, &[ann]).await, [], "she was there");
        assert_eq!(arrive(&store, one, &[ann]).await, [], "twice is once");
        let told = leave(&store, one, &[ann, bob]).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].profile, told[0].is_on, told[0].version), (bob, false, 2));
        assert_eq!(leave(&store, one, &[ann, bob]).await, [], "he has left already");
        assert_eq!(leave(&store, two, &[ann]).await.len(), 1);
        let told = arrive(&store, two, &[ann]).await;
        assert_eq!((told.len(), told[0].version), (1, 3));
        let states = presence::states(&mut store.reader(), &[ann, bob]).await.unwrap();
        assert_eq!(states.iter().filter(|it| it.is_on).count(), 1);
        let since = presence::since(&mut store.reader(), NOON).await.unwrap();
        assert_eq!(since.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn of_many_that_clear_up_at_once_each_departure_is_told_by_one() {
    each_engine(async |store: Arc<Store>| {
        let (dead, alive) = (NodeId::generate(), NodeId::generate());
        let people: Vec<_> = (0..40).map(|_| Profile::generate(Role::Customer)).collect();
        arrive(&store, dead, &people).await;
        let comes_back = people[..10].to_vec();
        let sweeps = (0..4).map(|_| {
            let (store, people) = (Arc::clone(&store), people.clone());
            tokio::spawn(async move { leave(&store, dead, &people).await })
        });
        let sweeps: Vec<_> = sweeps.collect();
        let back = arrive(&store, alive, &comes_back).await;
        let mut told = Vec::new();
        for sweep in sweeps {
            told.extend(sweep.await.unwrap());
        }
        // Whoever came back was either never told as gone, or told as gone and as back.
        let n_back = back.len();
        assert_eq!(told.len(), 30 + n_back, "{n_back} had left for a moment");
        let states = presence::states(&mut store.reader(), &people).await.unwrap();
        let on: Vec<_> = states.iter().filter(|it| it.is_on).map(|it| it.profile).collect();
        assert_eq!(on.len(), 10);
        assert!(on.iter().all(|it| comes_back.contains(it)));
        assert!(presence::of_node(&mut store.reader(), dead).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_node_that_was_declared_dead_may_not_go_on_under_its_name() {
    each_engine(async |store: Arc<Store>| {
        let node = NodeId::generate();
        let beat = async || {
            let write = async move |tx: &mut Tx| presence::beat(tx, node).await;
            store.write::<_, bool, StoreError>(write).await.unwrap()
        };
        assert!(beat().await && beat().await);
        let seen = presence::beats(&mut store.reader()).await.unwrap()[0];
        assert_eq!((seen.n_beats, seen.is_dead), (2, false));
        assert!(beat().await);
        let declare = async |beat| {
            let write = async move |tx: &mut Tx| presence::declare_dead(tx, beat).await;
            store.write::<_, bool, StoreError>(write).await.unwrap()
        };
        assert!(!declare(seen).await, "it has counted on");
        let seen = presence::beats(&mut store.reader()).await.unwrap()[0];
        assert!(declare(seen).await && !declare(seen).await, "by one");
        assert!(!beat().await, "it must take another name");
        let forget = async move |tx: &mut Tx| presence::forget_node(tx, node).await;
        store.write::<_, (), StoreError>(forget).await.unwrap();
        assert!(presence::beats(&mut store.reader()).await.unwrap().is_empty());
    })
    .await;
}
