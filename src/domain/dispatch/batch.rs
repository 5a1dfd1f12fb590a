//! The batch policy: every cycle, everything that nobody is bound to may move.
//!
//! New deliveries are placed by regret insertion; then a few related ones are taken out and put back, as
//! often as the snapshot grants, and a change stays if the whole gets cheaper.

use super::{candidates::Candidates, regret, snapshot::Stage, tours::Tours, weights::MINUTE_MS};
use crate::{dice::Dice, travel::TravelTimes};

/// So many riders are tried for one delivery in every round.
const RIDERS_TRIED: usize = 24;
/// At most so many deliveries are taken out in one round.
const RUIN_MAX: usize = 6;
/// So many times the usual rounds are spent on deliveries without a rider.
const RESCUE_FACTOR: u32 = 4;
/// Less is no gain but rounding.
const GAIN_MIN_MS: f64 = 1.0;

/// Improves the tours of a snapshot.
pub(super) fn improve<T: TravelTimes>(tours: &mut Tours<'_, T>) {
    let candidates = candidates(tours);
    let is_open = |it: &u32| tours.rider_of[*it as usize].is_none();
    let open: Vec<u32> = (0..tours.rider_of.len() as u32).filter(is_open).collect();
    regret::insert_all(tours, &open, &candidates, || 0.0);

    let snapshot = tours.timeline.snapshot;
    let is_movable = |it: &u32| snapshot.deliveries[*it as usize].stage == Stage::Movable;
    let movable: Vec<u32> = (0..tours.rider_of.len() as u32).filter(is_movable).collect();
    if movable.is_empty() {
        return;
    }
    let mut dice = Dice::new(tours.timeline.now as u64);
    for _ in 0..snapshot.rounds {
        let seed = movable[dice.below(movable.len())];
        let out = related(tours, &movable, seed, &mut dice);
        try_elsewhere(tours, &out, &candidates, &mut dice);
    }
    rescue(tours, &movable, &candidates, &mut dice);
}

/// Searches on for deliveries that found no place although some rider could take them.
fn rescue<T: TravelTimes>(
    tours: &mut Tours<'_, T>,
    movable: &[u32],
    candidates: &[Vec<u32>],
    dice: &mut Dice,
) {
    for _ in 0..tours.timeline.snapshot.rounds.saturating_mul(RESCUE_FACTOR) {
        let is_lost = |it: &u32| {
            tours.rider_of[*it as usize].is_none() && !candidates[*it as usize].is_empty()
        };
        let lost: Vec<u32> = movable.iter().copied().filter(is_lost).collect();
        if lost.is_empty() {
            return;
        }
        let out = related(tours, movable, lost[dice.below(lost.len())], dice);
        try_elsewhere(tours, &out, candidates, dice);
    }
}

/// Per delivery: the riders to try. Judged by what it would add if riders had only what they are bound to,
/// because everything else may still move away.
fn candidates<T: TravelTimes>(tours: &mut Tours<'_, T>) -> Vec<Vec<u32>> {
    let snapshot = tours.timeline.snapshot;
    let is_movable = |it: u32| snapshot.deliveries[it as usize].stage == Stage::Movable;
    tours.mark();
    for rider in 0..tours.tours.len() as u32 {
        if tours.tours[rider as usize].stops.iter().any(|stop| is_movable(stop.delivery())) {
            tours.remove(rider, is_movable);
        }
    }
    let tree = Candidates::new(tours);
    let riders = (0_u32..).zip(&snapshot.deliveries).map(|(delivery, it)| match it.stage {
        Stage::Movable => {
            let found = tree.for_delivery(tours, delivery, RIDERS_TRIED);
            found.into_iter().map(|(rider, _)| rider).collect()
        }
        Stage::Committed(rider) | Stage::OnBoard(rider) => vec![rider],
    });
    let riders = riders.collect();
    tours.undo();
    riders
}

/// Deliveries that might change places with `seed`: near in place and time, with some chance.
fn related<T: TravelTimes>(
    tours: &Tours<'_, T>,
    movable: &[u32],
    seed: u32,
    dice: &mut Dice,
) -> Vec<u32> {
    let n_out = (1 + dice.below(RUIN_MAX)).min(movable.len());
    let it = tours.delivery(seed);
    let mut by_distance: Vec<(f64, u32)> = movable
        .iter()
        .map(|other| {
            let that = tours.delivery(*other);
            let apart =
                it.pickup.metres_to(that.pickup) + 0.5 * it.drop_off.metres_to(that.drop_off);
            let minutes = (it.ready_at - that.ready_at).abs() as f64 / MINUTE_MS as f64;
            let same_tour = tours.rider_of[*other as usize] == tours.rider_of[seed as usize];
            let near = if same_tour { 0.3 } else { 1.0 };
            ((apart / 300.0 + minutes) * near * (0.3 + dice.unit()), *other)
        })
        .collect();
    by_distance.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut out = vec![seed];
    out.extend(by_distance.into_iter().map(|(_, other)| other).filter(|other| *other != seed));
    out.truncate(n_out);
    out
}

/// Takes deliveries out and puts them back by regret; undone unless the whole gets cheaper.
fn try_elsewhere<T: TravelTimes>(
    tours: &mut Tours<'_, T>,
    out: &[u32],
    candidates: &[Vec<u32>],
    dice: &mut Dice,
) {
    let before = tours.cost;
    let mut riders: Vec<u32> = out.iter().filter_map(|it| tours.rider_of[*it as usize]).collect();
    riders.sort_unstable();
    riders.dedup();
    tours.mark();
    for rider in riders {
        tours.remove(rider, |it| out.contains(&it));
    }
    let strength = MINUTE_MS as f64;
    regret::insert_all(tours, out, candidates, || strength * dice.unit());
    if tours.cost >= before - GAIN_MIN_MS {
        tours.undo();
    }
}
