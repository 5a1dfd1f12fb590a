//! Buyers: no more get something than there is, and one request is one order.

use futures_util::future::join_all;
use storage::commands::{CommandKey, fingerprint};
use usecases::{error::AskError, payments};

use crate::support::{Ground, World, on_every_ground, place, start_paying};

on_every_ground!(
    of_a_thousand_buyers_a_hundred_get_the_hundred_pieces,
    one_request_sent_fifty_times_is_one_order,
    several_pieces_of_several_buyers_never_sum_to_more,
);

const BUYERS: usize = 1_000;
const PIECES: i64 = 100;

async fn of_a_thousand_buyers_a_hundred_get_the_hundred_pieces(ground: Ground) {
    let world = World::new(ground, PIECES).await;
    let buyers = world.customers(BUYERS).await;
    let asked = buyers.iter().enumerate().map(|(n, buyer)| {
        let (node, wish, buyer) = (world.node(n).clone(), world.wish(1), *buyer);
        async move { (buyer, place(&node, buyer, wish, None).await) }
    });
    let mut placed = Vec::new();
    for answer in join_all(asked).await {
        match answer {
            (buyer, Ok(done)) => placed.push((buyer, done.value.order.parse().unwrap())),
            (_, Err(AskError::OutOfStock { left: 0, .. })) => {}
            (_, Err(other)) => panic!("neither an order nor sold out: {other:?}"),
        }
    }
    assert_eq!(placed.len(), PIECES as usize);
    assert_eq!(world.numbers().await, [0, PIECES, 0]);

    // Every second one pays, all at once, and the provider says it twice.
    let paying = placed.iter().step_by(2).enumerate().map(|(n, (buyer, order))| {
        let (node, other) = (world.node(n), world.node(n + 1));
        async move {
            let reference = start_paying(node, *buyer, *order).await;
            let (one, two) = tokio::join!(
                payments::play_customer(node, &reference, true),
                payments::play_customer(other, &reference, true)
            );
            (one.unwrap(), two.unwrap())
        }
    });
    join_all(paying).await;
    assert_eq!(world.numbers().await, [0, PIECES / 2, PIECES / 2], "paid once each");
}

async fn one_request_sent_fifty_times_is_one_order(ground: Ground) {
    // Also when the first of them takes the last piece.
    for pieces in [9, 1] {
        let world = World::new(ground, pieces).await;
        let buyer = world.customers(1).await[0];
        let key = CommandKey {
            sender: buyer.to_string(),
            cid: "the same".to_owned(),
            body_hash: fingerprint(&["one soup"]),
        };
        let asked = (0..50).map(|n| {
            let (node, wish, key) = (world.node(n).clone(), world.wish(1), key.clone());
            async move { place(&node, buyer, wish, Some(key)).await }
        });
        let answers: Vec<_> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers.iter().filter(|it| !it.dup).count(), 1);
        assert!(answers.iter().all(|it| it.value == answers[0].value), "one answer for all");
        assert!(answers.iter().all(|it| it.positions == answers[0].positions));
        assert_eq!(world.numbers().await, [pieces - 1, 1, 0]);

        let other = CommandKey { body_hash: fingerprint(&["two soups"]), ..key };
        let refused = place(world.node(0), buyer, world.wish(2), Some(other)).await;
        let text = format!("{refused:?}");
        assert!(text.contains("KeyReused"), "{text}");
    }
}

async fn several_pieces_of_several_buyers_never_sum_to_more(ground: Ground) {
    let world = World::new(ground, 50).await;
    let buyers = world.customers(60).await;
    let asked = buyers.iter().enumerate().map(|(n, buyer)| {
        let pieces = 1 + (n % 4) as i64;
        let (node, wish, buyer) = (world.node(n).clone(), world.wish(pieces), *buyer);
        async move { place(&node, buyer, wish, None).await.map(|_| pieces) }
    });
    let answers = join_all(asked).await;
    let got: i64 = answers.into_iter().filter_map(Result::ok).sum();
    let [left, reserved, sold] = world.numbers().await;
    assert_eq!((left + reserved, reserved, sold), (50, got, 0));
    assert!(left < 4, "whoever was refused wanted more than {left}");
}
