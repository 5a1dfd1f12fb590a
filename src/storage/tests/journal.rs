//! The journal and the store of command results, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use domain::{
    channel::Channel,
    clock::Timestamp,
    ids::{OrderId, StoreId},
    role::{Profile, Role},
};
use futures_util::future::join_all;
use storage::{
    args,
    commands::{self, CommandKey, Seen},
    error::StoreError,
    journal::{self, NewEntry},
    push::Push,
    store::Store,
    testing::{Engine, each_engine, fresh_store, open},
    timers::{self, TimerKind},
};

const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

fn entry(channel: &Channel, body: &str) -> NewEntry {
    NewEntry {
        channel: channel.clone(),
        kind: Push::Msg,
        sender: "system".to_owned(),
        cid: None,
        body: body.to_owned(),
        joins: None,
    }
}

async fn append(store: &Store, channels: Vec<Channel>, body: String) -> Result<(), StoreError> {
    store
        .write(async move |tx| {
            let entries = channels.iter().map(|it| entry(it, &body)).collect();
            journal::append(tx, entries, NOON).await.map(|_| ())
        })
        .await
}

#[tokio::test]
async fn offsets_have_no_holes_however_many_write_at_once() {
    each_engine(async |store| {
        let channels: Vec<_> = (0..3).map(|_| Channel::Order(OrderId::generate())).collect();
        let writes = (0..120_usize).map(|n| {
            // Every write takes two channels, in differing order: a circle if heads were not sorted.
            let (a, b) = (channels[n % 3].clone(), channels[(n + 1 + n % 2) % 3].clone());
            append(&store, vec![a, b], format!("{{\"n\":{n}}}"))
        });
        for outcome in join_all(writes).await {
            outcome.unwrap();
        }
        let mut n_entries = 0;
        for channel in &channels {
            let entries = journal::read_after(&mut store.reader(), channel, 0, 500).await.unwrap();
            let offsets: Vec<_> = entries.iter().map(|it| it.off).collect();
            assert_eq!(offsets, (1..=entries.len() as u64).collect::<Vec<_>>());
            let head = journal::head(&mut store.reader(), channel).await.unwrap();
            assert_eq!(head.top, entries.len() as u64);
            n_entries += entries.len();
        }
        assert_eq!(n_entries, 240);
    })
    .await;
}

#[tokio::test]
async fn what_is_rolled_back_leaves_no_offset_behind() {
    each_engine(async |store| {
        let channel = Channel::Store(StoreId::generate());
        append(&store, vec![channel.clone()], "{}".to_owned()).await.unwrap();
        let its_channel = channel.clone();
        let refused: Result<(), StoreError> = store
            .write(async move |tx| {
                journal::append(tx, vec![entry(&its_channel, "{}")], NOON).await?;
                Err(StoreError::conflict("order", "1"))
            })
            .await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })));
        append(&store, vec![channel.clone()], "{}".to_owned()).await.unwrap();
        let head = journal::head(&mut store.reader(), &channel).await.unwrap();
        assert_eq!(head.top, 2);
    })
    .await;
}

#[tokio::test]
async fn a_panic_or_a_refusal_in_a_write_hurts_no_other_write_of_its_group() {
    each_engine(async |store| {
        let channel = Channel::Order(OrderId::generate());
        let writes = (0..30).map(|n| {
            let (store, channel) = (Arc::clone(&store), channel.clone());
            async move {
                let key = channel.to_string();
                store
                    .grouped(key, async move |tx| {
                        journal::append(tx, vec![entry(&channel, "{}")], NOON).await?;
                        assert!(n % 10 != 3, "a fault in the code of one write");
                        if n % 10 == 7 {
                            return Err(StoreError::conflict("order", n));
                        }
                        Ok(n)
                    })
                    .await
            }
        });
        let outcomes = join_all(writes).await;
        for (n, outcome) in outcomes.iter().enumerate() {
            match n % 10 {
                3 => assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}"),
                7 => assert!(matches!(outcome, Err(StoreError::Conflict { .. })), "{outcome:?}"),
                _ => assert_eq!(*outcome.as_ref().unwrap(), n),
            }
        }
        let entries = journal::read_after(&mut store.reader(), &channel, 0, 500).await.unwrap();
        assert_eq!(entries.len(), 24);
        assert_eq!(entries.last().unwrap().off, 24);
    })
    .await;
}

#[tokio::test]
async fn a_command_that_arrives_twenty_times_at_once_is_carried_out_once() {
    each_engine(async |store| {
        let channel = Channel::Order(OrderId::generate());
        let sender = Profile::generate(Role::Customer).to_string();
        let key = |body: &str| CommandKey {
            sender: sender.clone(),
            cid: "c-1".to_owned(),
            body_hash: commands::fingerprint(&[body]),
        };
        let send = |key: CommandKey| {
            let (store, channel) = (Arc::clone(&store), channel.clone());
            async move {
                store
                    .write(async move |tx| {
                        if let Seen::Before(off) = commands::begin::<u64>(tx, &key, NOON).await? {
                            return Ok((off, true));
                        }
                        let written =
                            journal::append(tx, vec![entry(&channel, "{}")], NOON).await?;
                        commands::finish(tx, &key, &written[0].off, NOON).await?;
                        Ok::<_, StoreError>((written[0].off, false))
                    })
                    .await
            }
        };
        let outcomes = join_all((0..20).map(|_| send(key("hello")))).await;
        let n_first = outcomes.iter().filter(|it| *it.as_ref().unwrap() == (1, false)).count();
        assert_eq!(n_first, 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|it| it.as_ref().unwrap().0 == 1));

        let other = send(key("goodbye")).await;
        assert!(matches!(other, Err(StoreError::KeyReused { .. })), "{other:?}");
    })
    .await;
}

#[tokio::test]
async fn two_nodes_of_one_database_agree_about_everything() {
    let fresh = fresh_store(Engine::MariaDb).await;
    let other = open(&fresh.url).await;
    let channel = Channel::Order(OrderId::generate());
    let writes = (0..100).map(|n| {
        let node = if n % 2 == 0 { &fresh.store } else { &other };
        append(node, vec![channel.clone()], format!("{{\"n\":{n}}}"))
    });
    for outcome in join_all(writes).await {
        outcome.unwrap();
    }
    let here = journal::read_after(&mut fresh.store.reader(), &channel, 0, 500).await.unwrap();
    let there = journal::read_after(&mut other.reader(), &channel, 0, 500).await.unwrap();
    assert_eq!(here.len(), 100);
    assert_eq!(here, there);
}

#[tokio::test]
async fn a_due_timer_is_taken_by_exactly_one() {
    each_engine(async |store| {
        store
            .write(async |tx| timers::set(tx, TimerKind::OfferExpiry, "off_1", NOON).await)
            .await
            .unwrap();
        let due = timers::due(&mut store.reader(), NOON).await.unwrap();
        assert_eq!(due.len(), 1);
        let takes = (0..10).map(|_| {
            let (store, due) = (Arc::clone(&store), due[0].clone());
            async move { store.write(async move |tx| timers::take(tx, &due).await).await.unwrap() }
        });
        let n_taken = join_all(takes).await.into_iter().filter(|taken| *taken).count();
        assert_eq!(n_taken, 1);
        assert!(timers::due(&mut store.reader(), NOON).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_page_of_history_reads_both_ways() {
    each_engine(async |store| {
        let channel = Channel::Order(OrderId::generate());
        for n in 1..=9 {
            append(&store, vec![channel.clone()], format!("{{\"n\":{n}}}")).await.unwrap();
        }
        let offsets = |entries: Vec<journal::Entry>| -> Vec<u64> {
            entries.into_iter().map(|it| it.off).collect()
        };
        let mut reader = store.reader();
        let older = journal::read_before(&mut reader, &channel, 5, 3).await.unwrap();
        assert_eq!(offsets(older), [4, 3, 2]);
        let newer = journal::read_after(&mut reader, &channel, 7, 100).await.unwrap();
        assert_eq!(offsets(newer), [8, 9]);
        let unknown = Channel::Order(OrderId::generate());
        let heads = journal::heads(&mut reader, &[channel.clone(), unknown]).await.unwrap();
        assert_eq!(heads.len(), 1);
        assert_eq!((heads[0].0.clone(), heads[0].1.top), (channel, 9));
    })
    .await;
}

#[tokio::test]
async fn the_writer_goes_on_after_the_engine_gave_a_transaction_up_by_itself() {
    each_engine(async |store| {
        let channel = Channel::Order(OrderId::generate());
        append(&store, vec![channel.clone()], "1".to_owned()).await.unwrap();
        for _ in 0..3 {
            // What SQLite does when the disk is full.
            let given_up: Result<(), StoreError> = store
                .write(async move |tx| {
                    tx.exec("rollback", args![]).await?;
                    Err(StoreError::refused("the disk is full"))
                })
                .await;
            assert!(given_up.is_err());
            append(&store, vec![channel.clone()], "2".to_owned()).await.unwrap();
            assert!(store.takes_writes());
        }
        let read = journal::read_after(&mut store.reader(), &channel, 0, 10).await.unwrap();
        assert_eq!(read.iter().map(|it| it.off).collect::<Vec<_>>(), [1, 2, 3, 4]);
    })
    .await;
}
