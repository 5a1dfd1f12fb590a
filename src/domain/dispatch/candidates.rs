//! Which riders are worth trying for a delivery.
//!
//! A rider may be far away now and still be the best, because his route ends next to the store. So the tree
//! holds every stop of every route, is asked nearest first, and is asked on until the straight line alone
//! costs more than what was found.

use rstar::{RTree, primitives::GeomWithData};

use super::{tours::Tours, weights::MINUTE_MS};
use crate::travel::TravelTimes;

/// A rider whose straight line costs this much more than the best found is not looked at.
const MARGIN_MS: f64 = 20.0 * MINUTE_MS as f64;
/// So many riders are looked at in any case.
const RIDERS_MIN: usize = 12;

type Point = GeomWithData<[f64; 2], u32>;

/// Where riders are and will be.
pub(super) struct Candidates {
    tree: RTree<Point>,
}

impl Candidates {
    /// The places of all tours as they are now.
    pub(super) fn new<T: TravelTimes>(tours: &Tours<'_, T>) -> Self {
        let mut points = Vec::new();
        for (rider, tour) in (0_u32..).zip(&tours.tours) {
            let mut last = None;
            for at in tour.progress.iter().map(|it| it.at.at) {
                if last != Some(at) {
                    points.push(Point::new(at, rider));
                    last = Some(at);
                }
            }
        }
        Self { tree: RTree::bulk_load(points) }
    }

    /// Riders for a delivery with what it would add to their tours now, the cheapest first.
    pub(super) fn for_delivery<T: TravelTimes>(
        &self,
        tours: &mut Tours<'_, T>,
        delivery: u32,
        max: usize,
    ) -> Vec<(u32, f64)> {
        let it = tours.delivery(delivery);
        let snapshot = tours.timeline.snapshot;
        let now = tours.timeline.now;
        let service = snapshot.service;
        let mut found: Vec<(u32, f64)> = Vec::new();
        let mut best = f64::INFINITY;
        let mut seen = vec![false; tours.tours.len()];
        for (point, square) in self.tree.nearest_neighbor_iter_with_distance_2(it.pickup.at) {
            let rider = point.data;
            if std::mem::replace(&mut seen[rider as usize], true)
                || !tours.timeline.is_suitable(rider, it)
            {
                continue;
            }
            let vehicle = tours.moves[rider as usize].vehicle;
            if found.len() >= RIDERS_MIN {
                let to_store = snapshot.travel.time_at_least(square.sqrt(), vehicle);
                let pickup = it.ready_at.max(now + to_store + service.before_pickup_ms);
                let ride = snapshot.travel.time(it.pickup, it.drop_off, vehicle);
                let drop = pickup + service.after_pickup_ms + ride + service.before_drop_ms;
                if tours.timeline.cost_of_delivery(it, drop) > best + MARGIN_MS {
                    break;
                }
            }
            if let Some(place) = tours.best_insertion(rider, delivery, f64::INFINITY) {
                best = best.min(place.added);
                found.push((rider, place.added));
            }
        }
        found.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        found.truncate(max);
        found
    }
}
