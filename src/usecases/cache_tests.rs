//! What is promised of everything that is read through a cache.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::AtomicU32;

use futures_util::future::join_all;
use tokio::sync::Notify;

use super::*;

type Numbers = ReadThrough<u32, u32>;

async fn read(cache: &Numbers, key: u32, value: Option<u32>) -> Option<u32> {
    cache.get(key, LIFETIME, async || Ok::<_, ()>(value)).await.unwrap()
}

#[tokio::test]
async fn of_many_who_miss_the_same_thing_one_reads_it() {
    let (cache, n_reads) = (Numbers::new("test"), AtomicU32::new(0));
    let load = async || {
        n_reads.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        Ok::<_, ()>(Some(7))
    };
    let all = join_all((0..50).map(|_| cache.get(1, LIFETIME, load))).await;
    assert!(all.iter().all(|it| *it == Ok(Some(7))));
    assert_eq!(n_reads.load(Ordering::Relaxed), 1);
    assert_eq!(cache.counts(), (49, 1));
    assert_eq!(read(&cache, 1, Some(8)).await, Some(7), "it is known");
    assert_eq!(read(&cache, 2, Some(8)).await, Some(8), "another one");
}

#[tokio::test]
async fn what_is_forgotten_while_it_is_read_is_read_again() {
    let (cache, began, go) = (Numbers::new("test"), Notify::new(), Notify::new());
    let slow = cache.get(1, LIFETIME, async || {
        began.notify_one();
        go.notified().await;
        Ok::<_, ()>(Some(1))
    });
    let writer = async {
        began.notified().await;
        cache.forget(1);
        let after = read(&cache, 1, Some(2)).await;
        go.notify_one();
        after
    };
    let (slow, after) = tokio::join!(slow, writer);
    assert_eq!((slow, after), (Ok(Some(1)), Some(2)));
    assert_eq!(read(&cache, 1, Some(3)).await, Some(2), "the old value was not kept");
}

#[tokio::test]
async fn that_there_is_nothing_is_known_for_a_while_and_failures_are_not() {
    let cache = Numbers::new("test");
    assert_eq!(cache.get(1, LIFETIME, async || Err(())).await, Err(()));
    assert_eq!(read(&cache, 1, None).await, None);
    assert_eq!(read(&cache, 1, Some(5)).await, None, "it is known that there is nothing");
    cache.forget(1);
    assert_eq!(read(&cache, 1, Some(5)).await, Some(5));
    cache.clear();
    assert_eq!(read(&cache, 1, Some(6)).await, Some(6));
}

#[tokio::test]
async fn nothing_is_believed_for_ever() {
    let cache = Numbers::new("test");
    let short = Duration::from_millis(20);
    let load = async |value| cache.get(1, short, async move || Ok::<_, ()>(Some(value))).await;
    assert_eq!(load(1).await, Ok(Some(1)));
    tokio::time::sleep(short).await;
    assert_eq!(load(2).await, Ok(Some(2)));
}

#[tokio::test]
async fn it_does_not_grow_without_end() {
    let cache = Numbers::new("test");
    for key in 0..THINGS_MAX as u32 + 50 {
        read(&cache, key, Some(key)).await;
    }
    assert!(cache.entries().len() <= THINGS_MAX);
}

#[test]
fn names_of_what_is_old_survive_being_written_and_read_back() {
    for stale in [Stale::Store(StoreId::generate()), Stale::Menu(StoreId::generate())] {
        assert_eq!(stale.to_string().parse(), Ok(stale));
    }
    assert_eq!("price:1".parse::<Stale>(), Err(UnknownStale));
}
