//! What was seen of legs adds up as the rules say, on both engines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use domain::{
    pace::{Basis, Paces},
    travel::Vehicle,
};
use storage::{
    db::Tx,
    error::StoreError,
    paces::{self, NewLeg},
    testing::each_engine,
};

fn leg(n: usize) -> NewLeg {
    let basis = if n.is_multiple_of(3) { Basis::Road } else { Basis::Straight };
    let vehicle = if n.is_multiple_of(2) { Vehicle::Bike } else { Vehicle::Car };
    NewLeg { region: "wtw3".to_owned(), basis, vehicle, hour: n % 24, ln: 0.01 * (n % 7) as f64 }
}

fn is_near(a: &Paces, b: &Paces) -> bool {
    let pairs = [(a.day, b.day)].into_iter().chain(a.hours.into_iter().zip(b.hours));
    pairs.into_iter().all(|(a, b)| (a.n - b.n).abs() < 1e-9 && (a.sum_ln - b.sum_ln).abs() < 1e-9)
}

#[tokio::test]
async fn legs_add_up_as_the_rules_say() {
    each_engine(async |store| {
        let legs: Vec<NewLeg> = (0..60).map(leg).collect();
        for part in legs.chunks(25) {
            let mut part = part.to_vec();
            part.push(NewLeg { region: "u0yj".to_owned(), ..leg(5) });
            let write = async move |tx: &mut Tx| paces::learn(tx, &part).await;
            store.write::<_, _, StoreError>(write).await.unwrap();
        }
        let found = paces::of_region(&mut store.reader(), "wtw3").await.unwrap();
        assert_eq!(found.len(), 4);
        for ((basis, vehicle), paces) in &found {
            let his = legs.iter().filter(|it| it.basis == *basis && it.vehicle == *vehicle);
            let expected = his.fold(Paces::default(), |all, it| all.with(it.hour, it.ln));
            assert!(is_near(paces, &expected), "{basis} {vehicle}: {paces:?}, not {expected:?}");
        }
        let other = paces::of_region(&mut store.reader(), "u0yj").await.unwrap();
        assert!(other.len() == 1 && other[&(Basis::Straight, Vehicle::Car)].day.n > 2.9);
        assert!(paces::of_region(&mut store.reader(), "dr5r").await.unwrap().is_empty());
    })
    .await;
}
