//! PINs that are tried at once.

use domain::{
    handover::{Pin, Proof, ProofRefusal, WRONG_PINS_MAX},
    role::Profile,
};
use futures_util::future::join_all;
use storage::{commands::CommandKey, handovers, testing::each_engine};
use usecases::{
    deliveries::{self, StopKind},
    error::AskError,
    orders,
    proofs::Evidence,
};

use crate::support::City;

#[tokio::test]
async fn of_many_wrong_pins_at_once_five_are_counted_and_each_answer_stays() {
    each_engine(async |store| {
        let mut city = City::new(store).await;
        let rider = city.rider("remy", 3, 300.0).await;
        let order = city.accepted_order_with(Some(Proof::Pin)).await;
        city.take(rider, order).await;
        orders::ready(&city.platform, city.merchant, order, None).await.unwrap();
        let nothing = Evidence::default();
        let pickup = StopKind::Pickup;
        deliveries::finish_stop(&city.platform, rider, order, pickup, nothing, None).await.unwrap();
        let stored = handovers::get(&mut city.platform.reader(), order).await.unwrap();
        let right = stored.handover.pin.unwrap();
        let wrong = if right.as_str() == "0000" { "0001" } else { "0000" };
        let tell = async |cid: String, pin: &str| {
            let sender = Profile::Rider(rider).to_string();
            let key = CommandKey { sender, cid, body_hash: pin.to_owned() };
            let evidence = Evidence { pin: Some(Pin::parse(pin).unwrap()), photo: None };
            let (platform, stop) = (&city.platform, StopKind::Dropoff);
            let told = deliveries::finish_stop(platform, rider, order, stop, evidence, Some(key));
            match told.await.unwrap_err() {
                AskError::Proof(ProofRefusal::WrongPin { left }) => Some(left),
                AskError::Proof(ProofRefusal::Locked) => None,
                err => panic!("{err}"),
            }
        };
        // Each one comes twice, as from a client that does not hear an answer.
        let answers = join_all((0..16).map(|n| tell(format!("cid-{}", n / 2), wrong))).await;
        let mut left: Vec<_> = answers.chunks(2).filter_map(|it| it[0].or(it[1])).collect();
        left.sort_unstable();
        assert_eq!(left, (0..WRONG_PINS_MAX).collect::<Vec<_>>());
        let counted = handovers::get(&mut city.platform.reader(), order).await.unwrap();
        assert_eq!(counted.handover.n_wrong, WRONG_PINS_MAX);
        assert_eq!(tell("right".to_owned(), right.as_str()).await, None, "too late");
        assert_eq!(city.delivery(order).await.0, "picked_up");
    })
    .await;
}
