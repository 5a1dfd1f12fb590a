//! What is kept long enough goes, a step at a time, and whoever needed it is told.

use std::time::Duration;

use domain::{
    channel::Channel,
    role::{Profile, Role},
};
use serde_json::json;
use storage::{journal, retention::ROWS_MAX};
use usecases::{
    chat::{self, ChatError, Part},
    retention::{self, Retention, Round},
};

use crate::support::{Person, World, each_world};

const KEEP: Retention = Retention::of_days(90, 30, 7);

fn days(n: u64) -> Duration {
    Duration::from_secs(n * 24 * 3_600)
}

async fn clean_up(world: &World) -> u64 {
    let mut round = Round::default();
    loop {
        let (next, is_last) = retention::step(&world.platform, &KEEP, round).await.unwrap();
        if is_last {
            return next.n_removed;
        }
        round = next;
    }
}

async fn offs(world: &World, channel: &Channel) -> Vec<u64> {
    let mut reader = world.platform.reader();
    let entries = journal::read_after(&mut reader, channel, 0, 500).await.unwrap();
    entries.iter().map(|it| it.off).collect()
}

#[actix_web::test]
async fn an_order_is_kept_for_its_time_after_its_end_and_no_longer() {
    each_world(async |world| {
        let (shop, customer) = (world.shop(9).await, world.person(Role::Customer).await);
        let open = world.paid_order(&shop, &customer).await;
        world.act(&open, &shop.merchant, "accept", json!({})).await.expect(200);
        let ended = world.paid_order(&shop, &customer).await;
        world.act(&ended, &customer, "cancel", json!({})).await.expect(200);
        let (open, ended): (Channel, Channel) =
            (Channel::Order(open.parse().unwrap()), Channel::Order(ended.parse().unwrap()));
        let (n_open, n_ended) = (offs(world, &open).await.len(), offs(world, &ended).await.len());

        world.clock.advance(days(89));
        clean_up(world).await;
        assert_eq!(offs(world, &ended).await.len(), n_ended);
        world.clock.advance(days(2));
        clean_up(world).await;
        assert!(offs(world, &ended).await.is_empty());
        assert_eq!(offs(world, &open).await.len(), n_open, "it has not ended");
        assert_eq!(clean_up(world).await, 0, "nothing is looked at twice");

        let head = journal::head(&mut world.platform.reader(), &ended).await.unwrap();
        assert_eq!((head.top, head.removed), (n_ended as u64, n_ended as u64));
        let page = chat::history(&world.platform, &ended, Part::After(1), 10).await;
        assert!(
            matches!(page, Err(ChatError::PositionTooOld { removed }) if removed == head.top),
            "{page:?}"
        );
        let page = chat::history(&world.platform, &ended, Part::After(0), 10).await.unwrap();
        assert_eq!((page.entries, page.more), (Vec::new(), false));
        assert!(chat::history(&world.platform, &ended, Part::After(head.top), 10).await.is_ok());
    })
    .await;
}

#[actix_web::test]
async fn old_entries_go_and_young_ones_stay_with_their_numbers() {
    each_world(async |world| {
        let customer = world.person(Role::Customer).await;
        let channel: Channel = "bench:log:attic".parse().unwrap();
        let n_old = ROWS_MAX + 100;
        for n in 0..n_old {
            say(world, &customer, &channel, &format!("old-{n:08}")).await;
        }
        world.clock.advance(days(31));
        say(world, &customer, &channel, "young-00").await;
        assert!(clean_up(world).await >= n_old);
        assert_eq!(offs(world, &channel).await, [n_old + 1]);
        say(world, &customer, &channel, "young-01").await;
        assert_eq!(offs(world, &channel).await, [n_old + 1, n_old + 2]);
    })
    .await;
}

#[actix_web::test]
async fn a_command_is_known_for_a_week() {
    each_world(async |world| {
        let customer = world.person(Role::Customer).await;
        let channel: Channel = "bench:log:week".parse().unwrap();
        say(world, &customer, &channel, "command-1").await;
        world.clock.advance(days(6));
        while retention::forget_commands(&world.platform, &KEEP).await.unwrap() > 0 {}
        assert!(say(world, &customer, &channel, "command-1").await, "known");
        world.clock.advance(days(2));
        let mut n_forgotten = 0;
        loop {
            match retention::forget_commands(&world.platform, &KEEP).await.unwrap() {
                0 => break,
                n => n_forgotten += n,
            }
        }
        assert_eq!(n_forgotten, 1);
        assert!(!say(world, &customer, &channel, "command-1").await, "a new one");
    })
    .await;
}

/// Whether it was said before.
async fn say(world: &World, by: &Person, channel: &Channel, cid: &str) -> bool {
    let Profile::Customer(_) = by.profile else { panic!("a customer says it") };
    let (cid, body) = (Some(cid.to_owned()), "{\"n\":1}".to_owned());
    let said = chat::send_bench(&world.platform, by.profile, channel.clone(), cid, body).await;
    said.unwrap().dup
}
