//! Against a server that really listens: well, slow, gone, failing, and answering nonsense.

use std::sync::Mutex;

use domain::{
    roads::LiveTravel,
    travel::{Spot, TravelTimes as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use usecases::roads::Wanted;

use super::*;

/// Answers to questions about `n_from` starts and `n_to` goals: a status and a body, or silence.
type Script = fn(n_from: usize, n_to: usize) -> Option<(u16, String)>;

struct StandIn {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let its_asked = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, script, Arc::clone(&its_asked)));
            }
        });
        Self { base, asked }
    }

    fn n_asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

async fn serve(mut socket: TcpStream, script: Script, asked: Arc<Mutex<Vec<String>>>) {
    let mut bytes = Vec::new();
    loop {
        let mut some = [0; 4_096];
        match socket.read(&mut some).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&some[..n]),
            _ => return,
        }
        let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes.drain(..end + 4).collect()).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let n = |name: &str| {
            let part = path.split(['?', '&']).find_map(|it| it.strip_prefix(name)).unwrap();
            part.split(';').count()
        };
        let answer = script(n("sources="), n("destinations="));
        asked.lock().unwrap().push(path.clone());
        let Some((status, body)) = answer else {
            std::future::pending::<()>().await;
            return;
        };
        let text =
            format!("HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if socket.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A table with the same words everywhere.
fn table(n_from: usize, n_to: usize, each: &str) -> String {
    let row = format!("[{}]", vec![each; n_to].join(","));
    format!(r#"{{"code":"Ok","durations":[{}],"sources":[]}}"#, vec![row; n_from].join(","))
}

fn well(n_from: usize, n_to: usize) -> Option<(u16, String)> {
    Some((200, table(n_from, n_to, "901.5")))
}

fn wanted() -> Wanted {
    let centre = Place::new(31.2, 121.5).unwrap();
    let places = [0.0, 2_000.0, 4_000.0].map(|east| centre.offset(east, 0.0));
    let vehicles = vec![Vehicle::Bike, Vehicle::Scooter, Vehicle::Car];
    Wanted { places: places.to_vec(), n_stops: 2, vehicles }
}

fn profiles() -> [String; 4] {
    ["foot", "bike", "car", "car"].map(str::to_owned)
}

fn given(base: &str, patience_ms: u64) -> Roads {
    let source = Osrm::new(base.to_owned(), profiles()).unwrap();
    Roads::new(Some(Arc::new(source)), Duration::from_millis(patience_ms))
}

/// The time from the last place to the first, and what it would be in a straight line.
async fn time(roads: &Roads, vehicle: Vehicle) -> (i64, i64) {
    let wanted = wanted();
    let tables = roads.measure(&wanted).await;
    let travel = LiveTravel { tables, ..LiveTravel::default() };
    let spot =
        |i: usize| Spot { index: i as u32, at: wanted.places[i].flat_from(wanted.places[0]) };
    let straight = LiveTravel::default().time(spot(2), spot(0), vehicle);
    (travel.time(spot(2), spot(0), vehicle), straight)
}

/// Long enough for a loaded machine.
const PATIENT_MS: u64 = 5_000;

#[tokio::test]
async fn a_table_is_asked_for_as_osrm_wants_it() {
    let server = StandIn::start(well).await;
    let roads = given(&format!("{}/", server.base), PATIENT_MS);
    assert_eq!(time(&roads, Vehicle::Car).await.0, 901_500);
    assert_eq!(time(&roads, Vehicle::Bike).await.0, 901_500);
    let asked = server.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 2, "scooters are on the roads of cars, and nothing is asked twice");
    let mut asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    asked.sort_unstable();
    let [bike, car] = asked[..] else { panic!("{asked:?}") };
    let rest = car.strip_prefix("/table/v1/car/121.50000,31.20000;121.52100,31.20000;").unwrap();
    let end = "?annotations=duration&sources=0;1;2&destinations=3;4";
    assert!(rest.ends_with(end) && bike.starts_with("/table/v1/bike/"), "{car} {bike}");
}

#[tokio::test]
async fn each_profile_may_have_a_server_of_its_own() {
    let server = StandIn::start(well).await;
    let roads = given(&format!("{}/routed-{{profile}}", server.base), PATIENT_MS);
    time(&roads, Vehicle::Car).await;
    let mut asked = server.asked.lock().unwrap().clone();
    asked.sort();
    assert!(asked[0].starts_with("/routed-bike/table/v1/driving/"), "{asked:?}");
    assert!(asked[1].starts_with("/routed-car/table/v1/driving/"), "{asked:?}");
}

#[tokio::test]
async fn ways_without_a_road_are_straight_and_the_others_are_not() {
    fn partial(_: usize, _: usize) -> Option<(u16, String)> {
        let rows = "[0,600.4],[700,0],[null,800]";
        Some((200, format!(r#"{{"code":"Ok","durations":[{rows}]}}"#)))
    }
    let server = StandIn::start(partial).await;
    let roads = given(&server.base, PATIENT_MS);
    let (got, straight) = time(&roads, Vehicle::Car).await;
    assert_eq!(got, straight);
    let tables = roads.measure(&wanted()).await;
    let travel = LiveTravel { tables, ..LiveTravel::default() };
    let spot = |index: u32| Spot { index, at: [2_000.0 * f64::from(index), 0.0] };
    assert_eq!(travel.time(spot(0), spot(1), Vehicle::Car), 600_400);
    assert_eq!(travel.time(spot(2), spot(1), Vehicle::Car), 800_000);
    assert_eq!(server.n_asked(), 2, "that there is no road is remembered as well");
}

#[tokio::test]
async fn nonsense_is_not_believed_and_its_author_is_left_alone() {
    let scripts: [Script; 9] = [
        |a, b| Some((500, table(a, b, "901"))),
        |a, b| Some((404, table(a, b, "901"))),
        |_, _| Some((200, "busy".to_owned())),
        |_, _| Some((200, r#"{"code":"Ok"}"#.to_owned())),
        |_, _| Some((400, r#"{"code":"NoSegment","message":"nowhere near"}"#.to_owned())),
        |a, b| Some((200, table(a + 1, b, "901"))),
        |a, b| Some((200, table(a, b - 1, "901"))),
        |a, b| Some((200, table(a, b, "-3"))),
        |a, b| Some((200, table(a, b, "0"))),
    ];
    for (i, script) in scripts.into_iter().enumerate() {
        let server = StandIn::start(script).await;
        let roads = given(&server.base, PATIENT_MS);
        for _ in 0..10 {
            let (got, straight) = time(&roads, Vehicle::Car).await;
            assert_eq!(got, straight, "script {i}");
        }
        // Two profiles at a time, three times.
        assert_eq!((server.n_asked(), roads.state().is_resting), (6, true), "script {i}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let server = StandIn::start(|_, _| Some((200, " ".repeat(2 * ANSWER_BYTES_MAX)))).await;
    let (got, straight) = time(&given(&server.base, PATIENT_MS), Vehicle::Car).await;
    assert_eq!(got, straight);
}

#[tokio::test]
async fn slow_or_gone_costs_a_few_waits_and_then_none() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone_at = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let silent = StandIn::start(|_, _| None).await;
    for base in [&silent.base, &gone_at] {
        let roads = given(base, 50);
        for _ in 0..50 {
            let (got, straight) = time(&roads, Vehicle::Car).await;
            assert_eq!(got, straight);
        }
        assert!(roads.state().is_resting, "{base}");
    }
    assert!(silent.n_asked() <= 6, "two profiles, three times: {}", silent.n_asked());
}
