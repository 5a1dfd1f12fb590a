//! The parts of stores and riders in a live replay.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use domain::geo::Place;
use tokio::task::JoinSet;

use super::{LiveArgs, LiveError, cast::Shop, play::Stage};
use crate::{
    city::{
        merchant::{self, Kitchen},
        rider::{self, Temper},
        road::Manner,
    },
    client::{
        link::{self, Link},
        session::Session,
    },
    replay::{
        gps::{self, Noise, Track},
        instance::Instance,
        judge::Diary,
    },
};

/// Orders that a rider carries at once.
const CAPACITY: u32 = 8;
/// The same for unruly riders: so few that it matters.
const CAPACITY_UNRULY: u32 = 3;

/// How somebody ended.
pub(super) struct Person {
    /// The socket, if it is not in the list already.
    pub(super) link: Option<Link>,
    pub(super) fault: Option<String>,
    /// What he knows himself, if he is a rider.
    pub(super) diary: Option<Diary>,
}

/// Opens a store's socket and runs it until the day is over.
pub(super) fn keep_store(
    shop: &Shop,
    index: usize,
    stage: &Stage,
    people: &mut JoinSet<Person>,
) -> Link {
    let (link, mut events) = link::open(shop.merchant.clone(), stage.own_settings());
    let ready = Arc::clone(&stage.ready);
    let kitchen: Kitchen = Arc::new(move |order, now| {
        let ready = ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.get(order).copied().unwrap_or(now).max(now)
    });
    let plan = merchant::Plan {
        store: shop.store.clone(),
        kitchen,
        accepts_within: (Duration::ZERO, Duration::from_secs(5)),
        talks: 1.0,
        seed: index as u64,
    };
    let (own, tally, stop) = (link.clone(), Arc::clone(&stage.tally), stage.stop.clone());
    people.spawn(async move {
        let name = own.session().name().to_owned();
        let worked = merchant::work(own, &mut events, plan, tally, stop).await;
        let fault = worked.err().map(|err| format!("{name}: {err}"));
        Person { link: None, fault, diary: None }
    });
    link
}

/// What all riders have in common.
#[derive(Clone)]
pub(super) struct Riding {
    pub(super) centre: Place,
    manner: Manner,
    reports_every: Duration,
    unruly: f64,
    seed: u64,
    /// One after the other for the riders; empty if their receivers are perfect.
    noises: Arc<[Noise]>,
}

impl Riding {
    pub(super) fn new(instance: &Instance, args: &LiveArgs) -> Result<Self, LiveError> {
        let parameters = &instance.parameters;
        let half = |minutes: i64| Duration::from_secs_f64((minutes.max(0) as f64) * 60.0 / 2.0);
        let tracks = args.gps.as_deref().map(gps::read).transpose()?.unwrap_or_default();
        let (store, door) = (half(parameters.pickup_service), half(parameters.drop_service));
        Ok(Self {
            centre: args.centre()?,
            manner: Manner {
                speed_m_per_s: parameters.metres_per_minute / 60.0,
                by_streets: false,
                at_store: (store, store),
                at_door: (door, door),
            },
            reports_every: Duration::from_millis(args.report_ms),
            unruly: args.unruly,
            seed: args.seed,
            noises: tracks.iter().map(Track::noise).collect(),
        })
    }

    /// Waits for the shift, works, and stays in the socket until the day is over.
    pub(super) fn ride(
        self,
        index: usize,
        session: Session,
        instance: &Instance,
        stage: Stage,
    ) -> impl Future<Output = Person> + Send + use<> {
        let rider = &instance.riders[index];
        let start = instance.on_the_ground(rider.at, self.centre);
        let (on, off_at) = (rider.on, stage.at_minute(rider.off));
        let plan = rider::Plan {
            vehicle: "car",
            capacity: if self.unruly > 0.0 { CAPACITY_UNRULY } else { CAPACITY },
            start,
            manner: self.manner,
            temper: Temper {
                declines: 0.0,
                ignores: 0.0,
                grabs: 1.0,
                talks: 0.5,
                unruly: self.unruly,
                thinks: (Duration::ZERO, Duration::ZERO),
            },
            reports_every: self.reports_every,
            off_at: Some(off_at),
            noise: self.noises.iter().cycle().nth(index).cloned(),
            seed: self.seed.wrapping_mul(1_000_003).wrapping_add(index as u64),
        };
        let mut stop = stage.stop.clone();
        async move {
            tokio::select! {
                () = stage.wait_for(on) => {}
                _ = stop.changed() => return Person { link: None, fault: None, diary: None },
            }
            let (link, mut events) = link::open(session, stage.own_settings());
            let name = link.session().name().to_owned();
            let (diary, worked) =
                rider::work(link.clone(), &mut events, plan, stage.tally, stage.stop).await;
            let fault = worked.err().map(|err| format!("{name}: {err}"));
            Person { link: Some(link), fault, diary: Some(diary) }
        }
    }
}
