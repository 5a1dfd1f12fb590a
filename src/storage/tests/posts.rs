//! Messages that share statements and commits, on both engines: the promises of the journal and of
//! the command results hold as if each were written alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{collections::HashMap, sync::Arc};

use domain::{
    channel::Channel,
    clock::{HandSetClock, Timestamp},
    ids::OrderId,
};
use futures_util::future::join_all;
use storage::{
    commands::{self, CommandKey},
    db::Db,
    error::StoreError,
    gaps::{self, Gap},
    journal::{self, NewEntry, Watched},
    posts::{Post, Posted},
    push::Push,
    store::Store,
    testing::{Engine, each_engine, fresh_store, open},
};

const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

fn order() -> Channel {
    Channel::Order(OrderId::generate())
}

fn key(cid: &str, body: &str) -> CommandKey {
    let body_hash = commands::fingerprint(&[body]);
    CommandKey { sender: "cus_1".to_owned(), cid: cid.to_owned(), body_hash }
}

fn post(channel: &Channel, cid: &str, body: &str) -> Post {
    Post {
        key: Some(key(cid, &format!("{channel} {body}"))),
        entry: NewEntry {
            channel: channel.clone(),
            kind: Push::Msg,
            sender: "cus_1".to_owned(),
            cid: Some(cid.to_owned()),
            body: format!("{{\"body\":\"{body}\"}}"),
            joins: None,
        },
        watched: Watched::Marked,
        result: Box::new(|entry| commands::text(&(entry.channel.to_string(), entry.off))),
        clock: Arc::new(HandSetClock::at(NOON)),
    }
}

async fn offsets(store: &Store, channel: &Channel) -> Vec<u64> {
    let entries = journal::read_after(&mut store.reader(), channel, 0, 500).await.unwrap();
    entries.iter().map(|it| it.off).collect()
}

#[tokio::test]
async fn messages_of_many_channels_get_offsets_without_holes_and_keep_their_results() {
    each_engine(async |store| {
        let channels: Vec<_> = (0..7).map(|_| order()).collect();
        let posts = (0..300).map(|n| {
            let (store, channel) = (Arc::clone(&store), channels[n % 7].clone());
            async move {
                let posted = store.post(post(&channel, &format!("c{n}"), "hello")).await.unwrap();
                let Posted::New(entry) = posted else { panic!("a dup: {posted:?}") };
                assert_eq!((&entry.channel, entry.at), (&channel, NOON));
                entry
            }
        });
        let mut by_channel: HashMap<Channel, Vec<u64>> = HashMap::new();
        for (n, entry) in join_all(posts).await.into_iter().enumerate() {
            let kept: Option<(String, u64)> = commands::find(
                &mut store.reader(),
                &key(&format!("c{n}"), &format!("{} hello", entry.channel)),
            )
            .await
            .unwrap();
            assert_eq!(kept, Some((entry.channel.to_string(), entry.off)));
            let (before, mut reader) = (entry.off - 1, store.reader());
            let stands = journal::read_after(&mut reader, &entry.channel, before, 1).await.unwrap();
            assert_eq!(stands, vec![entry.clone()]);
            by_channel.entry(entry.channel).or_default().push(entry.off);
        }
        for (channel, mut told) in by_channel {
            // Messages of one sender to one channel keep the order in which they were given.
            assert!(told.is_sorted(), "{told:?}");
            told.sort_unstable();
            assert_eq!(told, (1..=told.len() as u64).collect::<Vec<_>>());
            assert_eq!(offsets(&store, &channel).await, told);
            let head = journal::head(&mut store.reader(), &channel).await.unwrap();
            assert_eq!(head.top, told.len() as u64);
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_that_cannot_come_again_leaves_no_result() {
    each_engine(async |store| {
        let channel = order();
        let posts = (0..20).map(|n| {
            let mut it = post(&channel, &format!("c{n}"), "hello");
            if n % 2 == 0 {
                it.key = None;
            }
            store.post(it)
        });
        for posted in join_all(posts).await {
            assert!(matches!(posted, Ok(Posted::New(_))), "{posted:?}");
        }
        assert_eq!(offsets(&store, &channel).await, (1..=20).collect::<Vec<_>>());
        for n in 0..20 {
            let key = key(&format!("c{n}"), &format!("{channel} hello"));
            let kept: Option<(String, u64)> =
                commands::find(&mut store.reader(), &key).await.unwrap();
            assert_eq!(kept.is_some(), n % 2 == 1, "{n}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_that_comes_twice_is_written_once_also_within_one_commit() {
    each_engine(async |store| {
        let channel = order();
        let first = store.post(post(&channel, "again", "x")).await.unwrap();
        let Posted::New(first) = first else { panic!("{first:?}") };
        let posts = (0..60).map(|n| {
            let (store, channel) = (Arc::clone(&store), channel.clone());
            async move {
                match n % 3 {
                    // Seen before this group.
                    0 => store.post(post(&channel, "again", "x")).await,
                    // Twenty times in this group.
                    1 => store.post(post(&channel, "twin", "y")).await,
                    _ => store.post(post(&channel, &format!("c{n}"), "z")).await,
                }
            }
        });
        let outcomes = join_all(posts).await;
        let mut n_new_twins = 0;
        for (n, outcome) in outcomes.into_iter().enumerate() {
            match (n % 3, outcome.unwrap()) {
                (0, Posted::Before(text)) => {
                    let told: (String, u64) = commands::read(text).unwrap();
                    assert_eq!(told, (channel.to_string(), first.off));
                }
                (1, Posted::New(_)) => n_new_twins += 1,
                (1, Posted::Before(_)) | (2, Posted::New(_)) => {}
                (_, other) => panic!("{n}: {other:?}"),
            }
        }
        assert_eq!(n_new_twins, 1);
        assert_eq!(offsets(&store, &channel).await, (1..=22).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn a_message_that_is_refused_hurts_no_other_of_its_commit() {
    each_engine(async |store| {
        let channel = order();
        store.post(post(&channel, "taken", "one text")).await.unwrap();
        let posts = (0..40).map(|n| {
            let (store, channel) = (Arc::clone(&store), channel.clone());
            async move {
                if n == 17 {
                    return store.post(post(&channel, "taken", "another text")).await;
                }
                store.post(post(&channel, &format!("c{n}"), "x")).await
            }
        });
        for (n, outcome) in join_all(posts).await.into_iter().enumerate() {
            match (n, outcome) {
                (17, Err(StoreError::KeyReused { cid })) => assert_eq!(cid, "taken"),
                (17, other) => panic!("{other:?}"),
                (_, outcome) => assert!(matches!(outcome, Ok(Posted::New(_))), "{outcome:?}"),
            }
        }
        assert_eq!(offsets(&store, &channel).await, (1..=40).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn messages_and_other_writes_share_a_channel_and_a_commit() {
    each_engine(async |store| {
        let channel = order();
        let both = (0..80).map(|n| {
            let (store, channel) = (Arc::clone(&store), channel.clone());
            async move {
                if n % 2 == 0 {
                    store.post(post(&channel, &format!("c{n}"), "x")).await.map(|_| ())
                } else {
                    let entry = post(&channel, "", "written").entry;
                    let write = async move |tx: &mut storage::db::Tx| {
                        journal::append(tx, vec![entry.clone()], NOON).await.map(|_| ())
                    };
                    store.grouped(channel.to_string(), write).await
                }
            }
        });
        for outcome in join_all(both).await {
            outcome.unwrap();
        }
        assert_eq!(offsets(&store, &channel).await, (1..=80).collect::<Vec<_>>());
    })
    .await;
}

/// Two nodes write to the same channels at once, and both get some of the same messages.
#[tokio::test]
async fn two_nodes_give_one_numbering_and_one_result() {
    let fresh = fresh_store(Engine::MariaDb).await;
    let other = open(&fresh.url).await;
    let stores = [Arc::clone(&fresh.store), other];
    let channels: Vec<_> = (0..5).map(|_| order()).collect();
    let posts = (0..400).map(|n| {
        // Every message goes to both nodes.
        let (store, channel) = (Arc::clone(&stores[n % 2]), channels[(n / 2) % 5].clone());
        async move { store.post(post(&channel, &format!("c{}", n / 2), "x")).await.unwrap() }
    });
    let outcomes = join_all(posts).await;
    let n_new = outcomes.iter().filter(|it| matches!(it, Posted::New(_))).count();
    assert_eq!(n_new, 200);
    for channel in &channels {
        assert_eq!(offsets(&stores[0], channel).await, (1..=40).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_is_committed_goes_from_the_log_into_the_database_beside_the_writer() {
    let fresh = fresh_store(Engine::Sqlite).await;
    let channel = order();
    for n in 0..20 {
        fresh.store.post(post(&channel, &format!("c{n}"), "x")).await.unwrap();
    }
    let file = std::path::PathBuf::from(fresh.url.trim_start_matches("sqlite:"));
    let copy = file.with_extension("copy");
    let began = std::time::Instant::now();
    loop {
        // The database alone, without its log.
        std::fs::copy(&file, &copy).unwrap();
        let alone = Db::look(&format!("sqlite:{}", copy.display())).await.unwrap().unwrap();
        let there = journal::head(&mut alone.clone(), &channel).await.map(|it| it.top);
        alone.close().await;
        if there.is_ok_and(|top| top == 20) {
            return;
        }
        assert!(began.elapsed().as_secs() < 20, "the log was not copied");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn many_gaps_in_one_statement_are_what_each_gap_is_alone() {
    each_engine(async |store| {
        let channels: Vec<_> = (0..5).map(|_| order()).collect();
        for n in 0..60 {
            let channel = &channels[n % 4];
            store.post(post(channel, &format!("c{n}"), "x")).await.unwrap();
        }
        // More than one statement has room for; some twice, some empty, one of a channel without
        // entries.
        let wanted: Vec<Gap> = (0..150)
            .map(|n| Gap { channel: channels[n % 5].clone(), after: (n as u64 * 7) % 17 })
            .collect();
        let found = gaps::read(&mut store.reader(), &wanted, 6).await.unwrap();
        assert_eq!(found.len(), wanted.len());
        let mut n_entries = 0;
        for (gap, found) in wanted.iter().zip(found) {
            let mut reader = store.reader();
            let alone = journal::read_after(&mut reader, &gap.channel, gap.after, 6).await.unwrap();
            assert_eq!(found, alone, "{gap:?}");
            n_entries += found.len();
        }
        assert!(n_entries > 100, "{n_entries}");
    })
    .await;
}
