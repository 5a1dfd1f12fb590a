//! Nothing that is written after somebody asked to be told is forgotten, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use domain::{
    channel::Channel,
    clock::Timestamp,
    ids::OrderId,
    notice::NoticeClass,
    role::{Profile, Role},
};
use futures_util::future::join_all;
use storage::{
    error::StoreError,
    journal::{self, NewEntry},
    notices,
    push::Push,
    store::Store,
    testing::each_engine,
};

const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

fn entry(channel: &Channel, kind: Push, joins: Option<Channel>) -> NewEntry {
    let (sender, body) = ("system".to_owned(), "{}".to_owned());
    NewEntry { channel: channel.clone(), kind, sender, cid: None, body, joins }
}

async fn append(store: &Store, entries: Vec<NewEntry>) {
    let write =
        async move |tx: &mut _| journal::append(tx, entries.clone(), NOON).await.map(|_| ());
    store.write::<_, (), StoreError>(write).await.unwrap();
}

/// Marks a channel; the newest entry at that moment.
async fn watch(store: &Store, channel: &Channel) -> u64 {
    let channel = channel.clone();
    store
        .write(async move |tx| {
            notices::watch(tx, &channel).await?;
            Ok::<_, StoreError>(journal::head(tx, &channel).await?.top)
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_written_after_the_mark_leaves_a_source_and_what_was_before_does_not() {
    each_engine(async |store| {
        for round in 0..12_u64 {
            let channel = Channel::Order(OrderId::generate());
            let writes = (0..16).map(|_| append(&store, vec![entry(&channel, Push::Msg, None)]));
            let marking = async {
                tokio::time::sleep(std::time::Duration::from_millis(round % 6)).await;
                watch(&store, &channel).await
            };
            let (before, _) = tokio::join!(marking, join_all(writes));
            let mut sources = notices::sources(&mut store.reader()).await.unwrap();
            sources.retain(|it| it.channel == channel);
            if before == 16 {
                assert_eq!(sources, []);
                continue;
            }
            let [source] = &sources[..] else { panic!("{before} were before: {sources:?}") };
            assert_eq!((source.off, source.class), (before + 1, NoticeClass::Chat));
            let all = notices::news(&mut store.reader(), source).await.unwrap();
            assert_eq!(all.len() as u64, 16 - before);
        }
    })
    .await;
}

#[tokio::test]
async fn a_source_is_taken_once_and_what_comes_later_leaves_another() {
    each_engine(async |store| {
        let channel = Channel::Order(OrderId::generate());
        assert_eq!(watch(&store, &channel).await, 0, "it has no entries yet");
        assert_eq!(journal::head(&mut store.reader(), &channel).await.unwrap().top, 0);
        append(&store, vec![entry(&channel, Push::Msg, None), entry(&channel, Push::Member, None)])
            .await;
        append(&store, vec![entry(&channel, Push::Msg, None)]).await;
        let source = notices::sources(&mut store.reader()).await.unwrap().remove(0);
        assert_eq!(source.off, 1);
        let takes = (0..6).map(|_| {
            let source = source.clone();
            store.write(async move |tx: &mut _| notices::take_source(tx, &source).await)
        });
        let taken = join_all(takes).await;
        assert_eq!(taken.iter().filter(|it| *it.as_ref().unwrap()).count(), 1);
        append(&store, vec![entry(&channel, Push::Msg, None)]).await;
        let next = notices::sources(&mut store.reader()).await.unwrap();
        assert_eq!(next.iter().map(|it| it.off).collect::<Vec<_>>(), [4]);
    })
    .await;
}

#[tokio::test]
async fn what_a_watched_inbox_joins_is_watched_with_it() {
    each_engine(async |store| {
        let inbox = Channel::Inbox(Profile::generate(Role::Customer));
        let (order, quiet) =
            (Channel::Order(OrderId::generate()), Channel::Order(OrderId::generate()));
        let said = |it: &Channel| entry(it, Push::Msg, None);
        append(&store, vec![entry(&inbox, Push::Order, Some(quiet.clone())), said(&quiet)]).await;
        assert_eq!(notices::sources(&mut store.reader()).await.unwrap(), [], "nobody asked");
        watch(&store, &inbox).await;
        append(&store, vec![entry(&inbox, Push::Order, Some(order.clone())), said(&order)]).await;
        append(&store, vec![said(&quiet)]).await;
        let mut found = notices::sources(&mut store.reader()).await.unwrap();
        found.sort_by_key(|it| it.channel.to_string());
        let found: Vec<_> = found.into_iter().map(|it| (it.channel, it.off)).collect();
        assert_eq!(found, [(inbox, 2), (order, 1)]);
    })
    .await;
}
