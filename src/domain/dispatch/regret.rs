//! Regret insertion: first place the delivery that would suffer most from waiting for its turn.

use super::tours::{Insertion, Tours};
use crate::travel::TravelTimes;

/// One delivery and its best place in the tour of each candidate.
struct Open {
    delivery: u32,
    places: Vec<(u32, Option<Insertion>)>,
}

impl Open {
    /// (regret, cost, rider, place): regret is what the second-best rider would cost more.
    fn best(&self, unplanned: f64) -> Option<(f64, u32, Insertion)> {
        let mut best: Option<(u32, Insertion)> = None;
        let mut second = unplanned;
        for (rider, place) in &self.places {
            let Some(place) = place else { continue };
            match best {
                Some((_, it)) if it.added <= place.added => second = second.min(place.added),
                other => {
                    second = other.map_or(second, |(_, it)| it.added);
                    best = Some((*rider, *place));
                }
            }
        }
        best.map(|(rider, place)| (second - place.added, rider, place))
    }
}

/// Inserts `deliveries`, each into the tour of one of its `candidates`; what finds no place stays out.
///
/// `noise` is added to each regret, so that repeated calls try different sequences.
pub(super) fn insert_all<T: TravelTimes>(
    tours: &mut Tours<'_, T>,
    deliveries: &[u32],
    candidates: &[Vec<u32>],
    mut noise: impl FnMut() -> f64,
) {
    let mut open: Vec<Open> = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        let riders = candidates[*delivery as usize].iter();
        let place = |rider: &u32| (*rider, tours.best_insertion(*rider, *delivery, f64::INFINITY));
        open.push(Open { delivery: *delivery, places: riders.map(place).collect() });
    }
    while !open.is_empty() {
        let unplanned = tours.cost_unplanned();
        let mut chosen: Option<(f64, usize, u32, Insertion)> = None;
        for (i, it) in open.iter().enumerate() {
            let Some((regret, rider, place)) = it.best(unplanned) else { continue };
            let regret = regret + noise();
            if chosen.is_none_or(|(most, ..)| regret > most) {
                chosen = Some((regret, i, rider, place));
            }
        }
        let Some((_, i, rider, place)) = chosen else { return };
        let delivery = open.swap_remove(i).delivery;
        tours.insert(rider, delivery, place);
        for it in &mut open {
            for entry in it.places.iter_mut().filter(|entry| entry.0 == rider) {
                entry.1 = tours.best_insertion(rider, it.delivery, f64::INFINITY);
            }
        }
    }
}
