//! Real receivers' tracks, laid so that they pass near stops and end at stops: no false arrival, no
//! flapping estimate, no jump.

use std::{
    env,
    path::{Path, PathBuf},
};

use domain::{
    clock::Timestamp,
    eta::{EtaFeed, Guess, TOLD_EVERY_MS},
    geo::Place,
    geofence::{Approach, Fence},
    sighting::{Sighting, Trail},
    travel::Vehicle,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use riderhub::replay::gps::{self, Noise, Point, Track};

const NOON_MS: i64 = 1_790_000_000_000;
/// How far a track passes a stop that it is not at, in metres.
const PASSES_AT_M: [f64; 3] = [75.0, 100.0, 150.0];
/// Who is slower than this for a while may be thought to have stopped, in metres a second.
const DRIVES_M_PER_S: f64 = 4.0;
/// How long an arrival may take after the rider has come to rest at the stop.
const ARRIVES_WITHIN_MS: i64 = 60_000;

fn centre() -> Place {
    Place::new(31.2, 121.465).unwrap()
}

fn spot([east, north]: [f64; 2]) -> Place {
    centre().offset(east, north)
}

fn metres([a, b]: [f64; 2], [c, d]: [f64; 2]) -> f64 {
    (a - c).hypot(b - d)
}

fn sighting(point: &Point) -> Sighting {
    let at = Timestamp::from_ms(NOON_MS + point.t_ms);
    Sighting::new(spot(point.at), Some(10.0), at, at)
}

/// Recorded tracks, if they are here at all, and our own.
fn tracks() -> Vec<Track> {
    let shared = env::var_os("RIDERHUB_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let path = shared.join("gps/trajectories.csv");
    let mut tracks: Vec<Track> = (0..60).map(own_track).collect();
    if path.is_file() {
        tracks.extend(gps::read(&path).unwrap());
    } else {
        eprintln!("no recorded tracks at {}; set RIDERHUB_DATA to test with them", path.display());
    }
    tracks
}

/// A rider who drives, waits and drives on: with noise, a drift while he stands, gaps and jumps.
fn own_track(seed: u64) -> Track {
    let mut dice = StdRng::seed_from_u64(seed);
    let (mut at, mut drift, mut t_ms) = ([0.0, 0.0], [0.0_f64, 0.0], 0);
    let mut points = Vec::new();
    for _ in 0..12 {
        let heading = dice.random_range(0.0..std::f64::consts::TAU);
        let speed = if dice.random_bool(0.4) { 0.0 } else { dice.random_range(1.0..14.0) };
        for _ in 0..dice.random_range(4..14) {
            let step = if dice.random_bool(0.03) { 60_000 } else { 5_000 };
            t_ms += step;
            let way = speed * step as f64 / 1_000.0;
            at = [at[0] + way * heading.cos(), at[1] + way * heading.sin()];
            drift = drift.map(|it| it * 0.8 + dice.random_range(-6.0..6.0));
            points.push(Point { t_ms, at: [at[0] + drift[0], at[1] + drift[1]] });
        }
    }
    Track { points }
}

/// The same with a jump of the receiver now and then.
fn with_jumps(track: &Track, seed: u64) -> Track {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut before = None;
    let jumped = track.points.iter().map(|point| {
        // What comes first, or after a silence, may be anywhere within reach.
        let is_heard = before.is_some_and(|it| point.t_ms - it <= 10_000);
        before = Some(point.t_ms);
        let is_jump = is_heard && dice.random_bool(0.04);
        let by = if is_jump { dice.random_range(1_500.0..6_000.0) } else { 0.0 };
        Point { at: [point.at[0] + by, point.at[1]], ..*point }
    });
    Track { points: jumped.collect() }
}

/// When the rider is thought to have arrived at `stop`, as the fleet does it.
fn arrival(track: &Track, stop: [f64; 2]) -> Option<i64> {
    let (mut trail, mut approach) = (Trail::default(), Approach::default());
    let found = track.points.iter().find(|point| {
        let seen = sighting(point);
        trail.believes(seen) && approach.has_arrived(&Fence::default(), spot(stop), seen)
    });
    found.map(|it| it.t_ms)
}

/// Distance of a stop from the line through all positions.
fn metres_from_line(track: &Track, stop: [f64; 2]) -> f64 {
    let of_leg = |leg: &[Point]| {
        let (a, b) = (leg[0].at, leg[1].at);
        let along = [b[0] - a[0], b[1] - a[1]];
        let length = along[0].hypot(along[1]).max(1e-9);
        let to = [stop[0] - a[0], stop[1] - a[1]];
        let part = ((to[0] * along[0] + to[1] * along[1]) / (length * length)).clamp(0.0, 1.0);
        metres(stop, [a[0] + along[0] * part, a[1] + along[1] * part])
    };
    track.points.windows(2).map(of_leg).fold(f64::INFINITY, f64::min)
}

#[test]
fn who_passes_near_a_stop_has_not_arrived() {
    let mut n_passes = 0;
    for (index, track) in tracks().iter().enumerate() {
        for (n, metres) in (0..24).zip(PASSES_AT_M.iter().cycle()) {
            let at = track.points[track.points.len() * n / 24].at;
            let turn = n as f64 * 1.3;
            let stop = [at[0] + metres * turn.cos(), at[1] + metres * turn.sin()];
            if metres_from_line(track, stop) < PASSES_AT_M[0] - 1.0 {
                continue;
            }
            n_passes += 1;
            let shaken = with_jumps(track, index as u64);
            for ridden in [track, &shaken] {
                assert_eq!(arrival(ridden, stop), None, "track {index} at {metres} m");
            }
        }
    }
    assert!(n_passes > 300, "{n_passes} passes");
}

#[test]
fn who_drives_right_past_a_stop_has_not_arrived() {
    let mut n_passes = 0;
    for (index, track) in tracks().iter().enumerate() {
        for around in track.points.windows(9) {
            let speeds = around.windows(2).map(|leg| {
                metres(leg[0].at, leg[1].at) / ((leg[1].t_ms - leg[0].t_ms) as f64 / 1_000.0)
            });
            let here = around[4];
            let stop = [here.at[0] + 15.0, here.at[1] + 10.0];
            let is_elsewhere = |it: &Point| {
                (around[0].t_ms..=around[8].t_ms).contains(&it.t_ms) || metres(it.at, stop) > 90.0
            };
            let is_drive = speeds.into_iter().all(|it| it >= DRIVES_M_PER_S);
            if !is_drive || !track.points.iter().all(is_elsewhere) {
                continue;
            }
            n_passes += 1;
            assert_eq!(arrival(track, stop), None, "track {index} at {} ms", here.t_ms);
        }
    }
    assert!(n_passes > 20, "{n_passes} passes");
}

#[test]
fn who_comes_to_rest_at_a_stop_arrives_soon_and_not_before() {
    let all = tracks();
    let noises: Vec<Noise> = all.iter().map(Track::noise).collect();
    let mut late = Vec::new();
    for (index, track) in all.iter().enumerate() {
        let Some(end) = track.points.last().copied() else { continue };
        let mut ridden = track.clone();
        // He stands there, with the noise of another receiver.
        let noise = &noises[(index + 7) % noises.len()];
        for n in 1..=60 {
            let [east, north] = noise.at(n * 5_000).unwrap_or_default();
            let at = [end.at[0] + east, end.at[1] + north];
            ridden.points.push(Point { t_ms: end.t_ms + n * 5_000, at });
        }
        let Some(t_ms) = arrival(&ridden, end.at) else {
            panic!("track {index} never arrives");
        };
        late.push(t_ms - end.t_ms);
        let near = ridden.points.iter().find(|it| metres(it.at, end.at) <= 50.0).unwrap();
        assert!(t_ms - near.t_ms >= 20_000, "track {index} arrives without a stay");
    }
    let n_late = late.iter().filter(|it| **it > ARRIVES_WITHIN_MS).count();
    assert!(n_late * 100 <= late.len(), "{n_late} of {} come late", late.len());
}

#[test]
fn viewers_see_no_jump_and_no_rider_is_frozen() {
    for (index, track) in tracks().iter().enumerate() {
        let mut trail = Trail::default();
        let doubted = track.points.iter().filter(|it| !trail.believes(sighting(it))).count();
        assert_eq!(doubted, 0, "track {index}: what was measured is possible");
        let (mut trail, shaken) = (Trail::default(), with_jumps(track, index as u64));
        let mut shown: Option<Sighting> = None;
        let mut n_shown = 0;
        for (point, jumped) in track.points.iter().zip(&shaken.points) {
            let seen = sighting(jumped);
            if !trail.believes(seen) {
                continue;
            }
            n_shown += 1;
            assert!(shown.is_none_or(|it| seen.is_reachable_from(&it)), "track {index} jumps");
            let is_true = metres(point.at, jumped.at) < 1.0;
            let passed = shown.map_or(0, |it| seen.ms_since(&it));
            assert!(is_true || passed > 20_000, "track {index}: a jump is shown");
            shown = Some(seen);
        }
        assert!(n_shown * 10 >= track.points.len() * 8, "track {index}: {n_shown} shown");
    }
}

/// What a ride's estimates came to.
#[derive(Default)]
struct Told {
    at: Vec<i64>,
    n_right: usize,
    n_turns: usize,
}

/// A ride of three kilometres whose positions have the noise and the gaps of a receiver, a little
/// faster or slower than usual, with a long red light now and then.
fn ride(noise: &Noise, seed: u64) -> Told {
    let mut dice = StdRng::seed_from_u64(seed);
    let (mut left, mut red_until, mut now) = (3_000.0, 0, NOON_MS);
    let (mut feed, mut ranges, mut told) = (EtaFeed::new(0), Vec::new(), Told::default());
    let usual = Vehicle::Scooter.speed_m_per_s() / Vehicle::Scooter.detour();
    let speed = usual * dice.random_range(0.88..1.2);
    let mut guess = None;
    while left > 0.0 {
        now += 3_000;
        if dice.random_bool(0.007) {
            red_until = now + dice.random_range(20_000..60_000);
        }
        if now >= red_until {
            left -= 3.0 * speed;
        }
        // In a gap the last position counts on.
        if let Some([east, north]) = noise.at(now - NOON_MS) {
            guess = Some(Vehicle::Scooter.ride_ms((left + east).hypot(north)));
        }
        let Some(ahead) = guess else { continue };
        let guess = Guess { at: now + ahead, n_before: 0, waits_for_kitchen: false };
        let (held, is_told) = feed.follow(guess, None, now);
        if is_told {
            told.at.push(now);
            ranges.push(held.door);
        }
    }
    let is_right = |it: &&domain::eta::Expected| (it.low..=it.high).contains(&now);
    told.n_right = ranges.iter().filter(is_right).count();
    let signs: Vec<bool> = ranges.windows(2).map(|it| it[1].at > it[0].at).collect();
    told.n_turns = signs.windows(2).filter(|it| it[0] != it[1]).count();
    told
}

#[test]
fn estimates_do_not_flap_with_the_noise_of_a_receiver_and_their_ranges_hold() {
    let (mut n_told, mut n_right, mut n_turns, mut n_rides) = (0, 0, 0, 0);
    for (index, track) in tracks().iter().enumerate() {
        let told = ride(&track.noise(), index as u64);
        let is_too_often = told.at.windows(2).any(|it| it[1] - it[0] < TOLD_EVERY_MS);
        assert!(!is_too_often, "track {index}: {:?}", told.at);
        n_rides += 1;
        n_told += told.at.len();
        n_right += told.n_right;
        n_turns += told.n_turns;
    }
    assert!(n_told <= 5 * n_rides, "{n_told} told on {n_rides} rides");
    assert!(n_right * 100 >= 85 * n_told, "{n_right} of {n_told} ranges held");
    assert!(n_turns * 5 <= n_rides, "{n_turns} times back and forth on {n_rides} rides");
}
