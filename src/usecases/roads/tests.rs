//! Asked in tables, remembered, and done without.

use std::sync::atomic::{AtomicUsize, Ordering};

use domain::roads::LiveTravel;
use domain::travel::{Spot, TravelTimes as _};

use super::*;

/// What the stand-in does.
#[derive(Clone, Copy)]
enum Mood {
    Well,
    Silent,
    Wrong,
    Zero,
    Failing,
}

struct StandIn {
    mood: Mutex<Mood>,
    n_questions: AtomicUsize,
    n_legs: AtomicUsize,
}

impl StandIn {
    fn new(mood: Mood) -> Arc<Self> {
        let (n_questions, n_legs) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { mood: Mutex::new(mood), n_questions, n_legs })
    }

    fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn n_questions(&self) -> usize {
        self.n_questions.load(Ordering::Relaxed)
    }
}

impl RoadSource for StandIn {
    fn profile(&self, vehicle: Vehicle) -> u8 {
        u8::from(vehicle == Vehicle::Walk)
    }

    fn table<'a>(&'a self, question: &'a TableQuestion) -> Asking<'a> {
        assert!(question.from.len() <= SIDE_MAX && question.to.len() <= SIDE_MAX);
        let n = question.from.len() * question.to.len();
        self.n_questions.fetch_add(1, Ordering::Relaxed);
        self.n_legs.fetch_add(n, Ordering::Relaxed);
        let mood = *self.mood.lock().unwrap();
        Box::pin(async move {
            match mood {
                // Twenty minutes for everything.
                Mood::Well => Ok(vec![Some(1_200_000); n]),
                Mood::Zero => Ok(vec![Some(0); n]),
                Mood::Wrong => Ok(vec![Some(1_200_000); n + 1]),
                Mood::Failing => Err(RoadTrouble::NoAnswer("500".to_owned())),
                Mood::Silent => std::future::pending().await,
            }
        })
    }
}

const PATIENCE: Duration = Duration::from_millis(300);

fn roads(source: &Arc<StandIn>) -> Roads {
    Roads::new(Some(Arc::clone(source) as Arc<dyn RoadSource>), PATIENCE)
}

/// Just far enough to be measured.
const APART_M: f64 = NEAR_M + 10.0;

/// Stops in a row to the east, riders in a row to the north.
fn wanted(n_stops: usize, n_riders: usize) -> Wanted {
    let centre = Place::new(31.2, 121.5).unwrap();
    let stops = (0..n_stops).map(|n| centre.offset(APART_M * n as f64, 0.0));
    let riders = (1..=n_riders).map(|n| centre.offset(0.0, APART_M * n as f64));
    Wanted { places: stops.chain(riders).collect(), n_stops, vehicles: vec![Vehicle::Car] }
}

fn time(tables: Tables, wanted: &Wanted, from: usize, to: usize) -> i64 {
    let travel = LiveTravel { tables, ..LiveTravel::default() };
    let spot =
        |i: usize| Spot { index: i as u32, at: wanted.places[i].flat_from(wanted.places[0]) };
    travel.time(spot(from), spot(to), Vehicle::Car)
}

#[tokio::test]
async fn what_is_known_is_not_asked_again() {
    let source = StandIn::new(Mood::Well);
    let (roads, wanted) = (roads(&source), wanted(4, 3));
    for _ in 0..5 {
        assert_eq!(time(roads.measure(&wanted).await, &wanted, 6, 1), 1_200_000);
    }
    assert_eq!(source.n_questions(), 1);
    let mut more = wanted.clone();
    more.places.push(wanted.places[0].offset(-3_000.0, 0.0));
    roads.measure(&more).await;
    assert_eq!(source.n_legs.load(Ordering::Relaxed), 7 * 4 + 4, "only the new rider's legs");
    let walk = Wanted { vehicles: vec![Vehicle::Walk, Vehicle::Bike], ..wanted };
    let tables = roads.measure(&walk).await;
    assert_eq!(source.n_questions(), 3, "walkers have roads of their own, bikes those of cars");
    assert!(tables[Vehicle::Walk as usize].is_some() && tables[Vehicle::Car as usize].is_none());
}

#[tokio::test]
async fn one_look_asks_few_questions_and_the_rest_comes_next_time() {
    let source = StandIn::new(Mood::Well);
    let (roads, wanted) = (roads(&source), wanted(STOPS_MAX, PLACES_MAX - STOPS_MAX));
    roads.measure(&wanted).await;
    assert_eq!(source.n_questions(), QUESTIONS_MAX);
    for _ in 0..10 {
        roads.measure(&wanted).await;
    }
    let last = PLACES_MAX - 1;
    assert_eq!(time(roads.measure(&wanted).await, &wanted, last, STOPS_MAX - 1), 1_200_000);
    assert!(source.n_questions() <= PLACES_MAX / SIDE_MAX * STOPS_MAX / SIDE_MAX + 4);
}

#[tokio::test(start_paused = true)]
async fn who_fails_is_left_alone_and_costs_no_more_time() {
    for mood in [Mood::Silent, Mood::Wrong, Mood::Zero, Mood::Failing] {
        let source = StandIn::new(mood);
        let (roads, wanted) = (roads(&source), wanted(3, 3));
        let straight = Vehicle::Car.ride_ms(wanted.places[4].metres_to(wanted.places[1]));
        let began = Instant::now();
        for _ in 0..100 {
            let got = time(roads.measure(&wanted).await, &wanted, 4, 1);
            assert!((got - straight).abs() < straight / 100, "{got}, straight {straight}");
        }
        assert_eq!((source.n_questions(), roads.state().is_resting), (3, true));
        assert!(began.elapsed() <= PATIENCE * 4, "{:?}", began.elapsed());
        source.be(Mood::Well);
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(time(roads.measure(&wanted).await, &wanted, 4, 1), 1_200_000);
        assert!(!roads.state().is_resting);
    }
}

#[tokio::test]
async fn nobody_is_asked_where_there_is_nobody() {
    let roads = Roads::default();
    assert!(roads.measure(&wanted(3, 3)).await.iter().all(Option::is_none));
    assert_eq!(roads.state(), RoadsState { is_on: false, is_resting: false, n_known: 0 });
}
