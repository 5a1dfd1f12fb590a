//! What the fleet costs under the load of a large city: 100,000 riders who report every three seconds,
//! and 5,000 questions a second for the ten nearest.
//!
//! Ends with an error if that takes more than a quarter of one core, if one question in a hundred takes a
//! millisecond, or if a single report is not found afterwards.

#![allow(missing_docs, reason = "a bench has no readers but its author")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it prints, and fails by panicking")]

use std::{
    fs,
    process::ExitCode,
    sync::Mutex,
    time::{Duration, Instant},
};

use actors::fleet::{Fix, Fleet, Stamp};
use domain::{clock::Timestamp, geo::Place, geofence::Fence, ids::RiderId};

const RIDERS: usize = 100_000;
const REPORTS_EVERY_S: usize = 3;
const QUESTIONS_PER_S: usize = 5_000;
const NEAREST: usize = 10;
const SECONDS: usize = 30;
/// Riders ride about in a square with sides of so many metres, most of them in its districts.
const SIDE_M: f64 = 30_000.0;
const SPEED_M_PER_S: f64 = 6.0;
/// One rider in so many stands.
const STANDING: usize = 5;

const SHARE_MAX: f64 = 0.25;
const P99_MAX: Duration = Duration::from_millis(1);

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn unit(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

struct Rider {
    id: RiderId,
    at: [f64; 2],
    heading: f64,
    seq: u64,
}

/// Nanoseconds that this thread has run, where the system says so; else what the clock shows.
fn ran(since: Instant) -> u64 {
    let said = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ns = said.as_deref().and_then(|it| it.split(' ').next()).and_then(|it| it.parse().ok());
    ns.unwrap_or_else(|| since.elapsed().as_nanos() as u64)
}

fn given_riders(numbers: &mut Numbers) -> Vec<Rider> {
    let districts: Vec<[f64; 2]> =
        (0..12).map(|_| [numbers.unit() * SIDE_M, numbers.unit() * SIDE_M]).collect();
    let rider = |i: usize| {
        let spread = if i.is_multiple_of(4) { SIDE_M } else { SIDE_M / 8.0 };
        let around = districts[i % districts.len()];
        let at = around.map(|it| it + (numbers.unit() - 0.5) * spread);
        Rider { id: RiderId::generate(), at, heading: numbers.unit() * 360.0, seq: 0 }
    };
    (0..RIDERS).map(rider).collect()
}

fn main() -> ExitCode {
    let (mut numbers, began) = (Numbers(20_261_121), Instant::now());
    let corner = Place::new(31.1, 121.3).unwrap();
    let mut riders = given_riders(&mut numbers);
    let fleet = Mutex::new(Fleet::new(Fence::default()));
    let stamp = Stamp { fence: 1, series: Timestamp::from_ms(0) };
    let (mut updates_ns, mut questions_ns, mut lost, mut n_updates) = (0, 0, 0_usize, 0_usize);
    let mut times: Vec<Duration> = Vec::with_capacity(SECONDS * QUESTIONS_PER_S);
    for second in 0..REPORTS_EVERY_S + SECONDS {
        let is_measured = second >= REPORTS_EVERY_S;
        let now = Timestamp::from_ms(1_790_000_000_000 + second as i64 * 1_000);
        let mut fixes: Vec<(RiderId, Fix)> = Vec::with_capacity(RIDERS / REPORTS_EVERY_S + 1);
        for i in (second % REPORTS_EVERY_S..RIDERS).step_by(REPORTS_EVERY_S) {
            let rider = &mut riders[i];
            rider.heading += (numbers.unit() - 0.5) * 60.0;
            let metres = if i.is_multiple_of(STANDING) {
                0.0
            } else {
                SPEED_M_PER_S * REPORTS_EVERY_S as f64
            };
            let (east, north) = rider.heading.to_radians().sin_cos();
            rider.at = [rider.at[0] + east * metres, rider.at[1] + north * metres];
            rider.seq += 1;
            let place = corner.offset(rider.at[0], rider.at[1]);
            let (lat, lng, t) = (place.lat(), place.lng(), now.ms());
            let fix = Fix { seq: rider.seq, lat, lng, hdg: None, spd: None, acc: Some(8.0), t };
            fixes.push((rider.id, fix));
        }
        let places: Vec<Place> = (0..QUESTIONS_PER_S)
            .map(|_| corner.offset(numbers.unit() * SIDE_M, numbers.unit() * SIDE_M))
            .collect();
        let mut questions = places.into_iter();
        // A hundred parts of a second: some reports, then some questions.
        for part in fixes.chunks(fixes.len().div_ceil(100)) {
            let before = ran(began);
            for (rider, fix) in part {
                let taken = fleet.lock().unwrap().put(*rider, stamp, *fix, now);
                lost += usize::from(taken.is_none());
            }
            let between = ran(began);
            for place in questions.by_ref().take(QUESTIONS_PER_S / 100) {
                let asked = Instant::now();
                let found = fleet.lock().unwrap().nearest(place, NEAREST);
                if is_measured {
                    times.push(asked.elapsed());
                }
                assert_eq!(found.len(), NEAREST);
            }
            if is_measured {
                (updates_ns, questions_ns) =
                    (updates_ns + between - before, questions_ns + ran(began) - between);
                n_updates += part.len();
            }
        }
    }
    let fleet = fleet.into_inner().unwrap();
    let not_found = n_not_found(&fleet, &riders, corner);
    check_some_questions(&fleet, &riders, corner, &mut numbers);
    report(updates_ns, questions_ns, n_updates, &mut times, lost + not_found)
}

/// Riders whose last report is not where the fleet has them.
fn n_not_found(fleet: &Fleet, riders: &[Rider], corner: Place) -> usize {
    let is_found = |it: &&Rider| {
        let place = corner.offset(it.at[0], it.at[1]);
        // Several may stand at one place.
        let there = fleet.nearest(place, NEAREST);
        there.iter().any(|(rider, metres)| *rider == it.id && *metres < 0.01)
    };
    riders.len() - riders.iter().filter(is_found).count()
}

/// Compares some answers with a look at everybody.
fn check_some_questions(fleet: &Fleet, riders: &[Rider], corner: Place, numbers: &mut Numbers) {
    for _ in 0..50 {
        let place = corner.offset(numbers.unit() * SIDE_M, numbers.unit() * SIDE_M);
        let mut all: Vec<f64> =
            riders.iter().map(|it| corner.offset(it.at[0], it.at[1]).metres_to(place)).collect();
        all.sort_by(f64::total_cmp);
        for ((_, metres), expected) in fleet.nearest(place, NEAREST).into_iter().zip(all) {
            assert!((metres - expected).abs() < 0.01, "{metres} instead of {expected}");
        }
    }
}

fn report(
    updates_ns: u64,
    questions_ns: u64,
    n_updates: usize,
    times: &mut [Duration],
    lost: usize,
) -> ExitCode {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let share = |ns: u64| ns as f64 / (SECONDS as f64 * 1e9);
    let (all, p99) = (share(updates_ns + questions_ns), at(0.99));
    println!(
        "{RIDERS} riders, {} reports/s, {QUESTIONS_PER_S} questions/s for the {NEAREST} nearest",
        n_updates / SECONDS
    );
    println!(
        "share of one core: {:.1} % ({:.1} % reports, {:.1} % questions)",
        100.0 * all,
        100.0 * share(updates_ns),
        100.0 * share(questions_ns)
    );
    println!(
        "a report: {:.2} µs; a question: p50 {:.1?}, p99 {p99:.1?}, longest {:.1?}",
        updates_ns as f64 / 1e3 / n_updates as f64,
        at(0.5),
        at(1.0)
    );
    println!("reports not found afterwards: {lost}");
    if all < SHARE_MAX && p99 < P99_MAX && lost == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
