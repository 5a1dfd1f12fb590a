//! The dispatcher's board: what SQL and positions say, in the form that `domain::dispatch` plans on.
//!
//! Pure: rows and positions in, a snapshot out, and a plan's indices back to ids.

use std::collections::{HashMap, HashSet};

use domain::{
    clock::Timestamp,
    delivery_state::DeliveryState,
    dispatch::{
        scoring::{self, Record},
        snapshot::{Delivery, Rider, Rules, Service, Snapshot, Stage, Stop, Visit},
        tuning::Tuning,
    },
    geo::Place,
    ids::{DeliveryId, OrderId, RiderId, StoreId},
    offer_state::OfferState,
    roads::LiveTravel,
    travel::{Spot, TravelTimes},
};
use storage::{
    deliveries::StoredDelivery,
    duty::{Duty, RiderDuty},
    events::StopView,
    offers::Asked,
};

use crate::{deliveries::StopKind, dispatch::Look, spots::Spots};

/// Riders farther from a region's centre than this are not looked at, in metres.
pub const RIDER_RANGE_M: f64 = 60_000.0;
/// Somebody who declined or kept silent is not asked again for the same delivery for so long.
pub const ASK_AGAIN_MS: i64 = 5 * 60_000;
/// A delivery is looked at from this long before the kitchen is done.
pub const AHEAD_OF_READY_MS: i64 = 10 * 60_000;
/// What a customer is promised, counted from the store's acceptance.
pub const PROMISE_MS: i64 = 40 * 60_000;
/// What must not be passed, counted from the store's acceptance.
pub const LIMIT_MS: i64 = 90 * 60_000;
/// Time spent at stops.
pub const SERVICE: Service = Service {
    before_pickup_ms: 60_000,
    after_pickup_ms: 60_000,
    before_drop_ms: 60_000,
    after_drop_ms: 60_000,
};

/// A rider's planned stop.
pub type PlannedStop = (OrderId, StopKind);

/// Planned stops by rider.
pub type Routes = HashMap<RiderId, Vec<PlannedStop>>;

/// Everything the dispatcher knows about one region at one moment.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// Deliveries that still need work, the oldest first.
    pub deliveries: Vec<StoredDelivery>,
    /// Riders at work, each with his present place.
    pub riders: Vec<(RiderDuty, Place)>,
    /// Who was asked about what.
    pub asked: Vec<Asked>,
    /// The routes planned last time.
    pub routes: Routes,
    /// Where riders who move will be when they have read an offer.
    pub ahead: HashMap<RiderId, Place>,
    /// What is known of riders besides their places.
    pub records: HashMap<RiderId, Record>,
}

/// How to plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planning {
    /// How long before a rider has to act he must be asked, in milliseconds.
    pub lead_ms: i64,
    /// How hard to search.
    pub rounds: u32,
    /// Weights and thresholds.
    pub tuning: Tuning,
}

/// A snapshot together with the ids that its indices stand for.
#[derive(Debug)]
pub struct Numbered {
    /// What the policy plans on.
    pub snapshot: Snapshot<LiveTravel>,
    /// Riders by their index.
    pub riders: Vec<RiderId>,
    /// Deliveries by their index.
    pub deliveries: Vec<StoredDelivery>,
}

impl Board {
    /// The board of one region and where its map is centred; `None` if nothing is open there.
    ///
    /// It also holds what riders near the region have taken on, or are asked about, elsewhere:
    /// their bags and routes are planned whole.
    pub fn of_region(
        look: &Look,
        region: &str,
        riders: &[(RiderDuty, Place)],
        routes: Routes,
    ) -> Option<(Place, Self)> {
        let centre = look.deliveries.iter().find(|it| it.region == region)?.pickup;
        let near: HashSet<RiderId> = riders
            .iter()
            .filter(|(_, place)| place.metres_to(centre) <= RIDER_RANGE_M)
            .map(|(duty, _)| duty.rider_id)
            .collect();
        let open = look.asked.iter().filter(|it| it.state == OfferState::Open);
        let open: HashMap<DeliveryId, RiderId> =
            open.map(|it| (it.delivery_id, it.rider_id)).collect();
        let is_bound_here = |it: &StoredDelivery| {
            let rider = it.delivery.rider_id.or_else(|| open.get(&it.delivery.id).copied());
            rider.is_some_and(|rider| near.contains(&rider))
        };
        let deliveries = look.deliveries.iter();
        let deliveries = deliveries.filter(|it| it.region == region || is_bound_here(it));
        let board = Self {
            deliveries: deliveries.cloned().collect(),
            riders: riders.to_vec(),
            asked: look.asked.clone(),
            routes,
            ahead: look.ahead.clone(),
            records: HashMap::new(),
        };
        Some((centre, board))
    }

    /// Riders who may be planned, each with the place where he stands.
    fn riders_near(&self, centre: Place) -> Vec<&(RiderDuty, Place)> {
        let is_near = |it: &&(RiderDuty, Place)| it.1.metres_to(centre) <= RIDER_RANGE_M;
        self.riders.iter().filter(is_near).collect()
    }

    /// What is planned: what these riders hold, and what nobody holds and is wanted soon.
    fn planned(
        &self,
        rider_index: &HashMap<RiderId, u32>,
        now: Timestamp,
    ) -> impl Iterator<Item = &StoredDelivery> {
        // What somebody holds who is not here is not ours to plan.
        let is_ours = move |it: &&StoredDelivery| match it.delivery.rider_id {
            Some(rider) => rider_index.contains_key(&rider),
            None => is_in_time(it, now),
        };
        self.deliveries.iter().filter(is_ours)
    }

    /// The places between which travel times are worth measuring, and the vehicles that go there.
    pub fn spots(&self, centre: Place, now: Timestamp) -> Spots {
        let riders = self.riders_near(centre);
        let ids = riders.iter().map(|(duty, _)| duty.rider_id);
        let rider_index: HashMap<RiderId, u32> = ids.zip(0..).collect();
        let stops = self.planned(&rider_index, now).flat_map(|it| [it.pickup, it.goal()]);
        let at = |(duty, place): &&(RiderDuty, Place)| {
            (duty.vehicle, *self.ahead.get(&duty.rider_id).unwrap_or(place))
        };
        Spots::new(centre, stops, riders.iter().map(at))
    }

    /// Numbers everything for the policy, on a flat map around `centre`; `travel` is by `spots`.
    pub fn number(
        &self,
        centre: Place,
        planning: &Planning,
        (spots, travel): (&Spots, LiveTravel),
        now: Timestamp,
    ) -> Numbered {
        let riders = self.riders_near(centre);
        let ids: Vec<RiderId> = riders.iter().map(|(duty, _)| duty.rider_id).collect();
        let rider_index: HashMap<RiderId, u32> = ids.iter().copied().zip(0..).collect();
        let deliveries: Vec<StoredDelivery> = self.planned(&rider_index, now).cloned().collect();
        let order_index: HashMap<OrderId, u32> =
            deliveries.iter().map(|it| it.delivery.order_id).zip(0..).collect();
        let spot = |place: Place| Spot { index: spots.row(place), at: place.flat_from(centre) };
        let asked = Offered::new(&self.asked, now);
        let store_numbers = number_stores(&deliveries);
        let numbered = deliveries
            .iter()
            .map(|it| Delivery {
                store: store_numbers[&it.store_id],
                pickup: spot(it.pickup),
                drop_off: spot(it.goal()),
                placed_at: it.created_at.ms(),
                ready_at: it.ready_at.ms(),
                promised_at: it.created_at.ms() + PROMISE_MS,
                limit_at: it.created_at.ms() + LIMIT_MS,
                load: 1,
                stage: stage(it, &asked, &rider_index),
                excluded: asked.excluded(it.delivery.id, &rider_index),
            })
            .collect();
        let record = |it: &RiderId| self.records.get(it).copied().unwrap_or_default();
        let records: Vec<Record> = ids.iter().map(record).collect();
        let handicaps = scoring::handicaps(&planning.tuning.scoring, &records);
        let snapshot_riders = riders
            .iter()
            .zip(handicaps)
            .map(|((duty, place), handicap)| {
                let visit = visit(&deliveries, duty.rider_id, &store_numbers, now);
                let place = self.ahead.get(&duty.rider_id).unwrap_or(place);
                let rider = self.rider(duty, spot(*place), &order_index, &deliveries, now);
                Rider { visit, handicap, ..rider }
            })
            .collect();
        Numbered {
            snapshot: Snapshot {
                rules: Rules::Own,
                service: SERVICE,
                weights: planning.tuning.weights,
                lead_ms: planning.lead_ms,
                rounds: planning.rounds,
                reroute_gain: Some(planning.tuning.reroute_gain),
                riders: snapshot_riders,
                deliveries: numbered,
                demand: Vec::new(),
                travel,
            },
            riders: ids,
            deliveries,
        }
    }

    fn rider(
        &self,
        duty: &RiderDuty,
        at: Spot,
        order_index: &HashMap<OrderId, u32>,
        deliveries: &[StoredDelivery],
        now: Timestamp,
    ) -> Rider {
        let n_held =
            deliveries.iter().filter(|it| it.delivery.rider_id == Some(duty.rider_id)).count();
        let planned = self.routes.get(&duty.rider_id).map(Vec::as_slice).unwrap_or_default();
        let stops = planned
            .iter()
            .filter_map(|(order, kind)| {
                let index = *order_index.get(order)?;
                let is_on_board = deliveries[index as usize].delivery.state.is_on_board();
                match kind {
                    StopKind::Pickup if is_on_board => None,
                    StopKind::Pickup => Some(Stop::Pickup(index)),
                    StopKind::Dropoff => Some(Stop::DropOff(index)),
                }
            })
            .collect();
        // On a break he finishes what he holds.
        let capacity = if duty.duty == Duty::On { duty.capacity } else { n_held as u32 };
        Rider {
            vehicle: duty.vehicle,
            reach_m: duty.vehicle.reach_m(),
            capacity,
            at,
            free_at: now.ms(),
            visit: None,
            shift_ends_at: None,
            handicap: 0.0,
            stops,
        }
    }
}

/// Stores numbered in the order in which they are first seen.
fn number_stores(deliveries: &[StoredDelivery]) -> HashMap<StoreId, u32> {
    let mut numbers = HashMap::new();
    for it in deliveries {
        let next = numbers.len() as u32;
        numbers.entry(it.store_id).or_insert(next);
    }
    numbers
}

/// The visit to a store that a rider is at.
fn visit(
    deliveries: &[StoredDelivery],
    rider_id: RiderId,
    store_numbers: &HashMap<StoreId, u32>,
    now: Timestamp,
) -> Option<Visit> {
    let here = deliveries.iter().find(|it| {
        it.delivery.rider_id == Some(rider_id) && it.delivery.state == DeliveryState::ArrivedPickup
    })?;
    let store = *store_numbers.get(&here.store_id)?;
    Some(Visit { store, pickup_from: now.ms() })
}

fn is_in_time(stored: &StoredDelivery, now: Timestamp) -> bool {
    stored.ready_at.ms_since(now) <= AHEAD_OF_READY_MS
}

fn stage(stored: &StoredDelivery, asked: &Offered, rider_index: &HashMap<RiderId, u32>) -> Stage {
    let index = |rider: Option<RiderId>| rider.and_then(|it| rider_index.get(&it)).copied();
    match stored.delivery.state {
        DeliveryState::Offering => match index(asked.open.get(&stored.delivery.id).copied()) {
            Some(rider) => Stage::Committed(rider),
            None => Stage::Movable,
        },
        DeliveryState::Assigned | DeliveryState::ArrivedPickup => {
            index(stored.delivery.rider_id).map_or(Stage::Movable, Stage::Committed)
        }
        DeliveryState::PickedUp | DeliveryState::ArrivedDropoff | DeliveryState::Returning => {
            index(stored.delivery.rider_id).map_or(Stage::Movable, Stage::OnBoard)
        }
        DeliveryState::Waiting
        | DeliveryState::Pooled
        | DeliveryState::Delivered
        | DeliveryState::Returned
        | DeliveryState::Failed
        | DeliveryState::Cancelled => Stage::Movable,
    }
}

/// Who is being asked, and who was asked too recently to be asked again.
struct Offered {
    open: HashMap<DeliveryId, RiderId>,
    recent: HashMap<DeliveryId, Vec<RiderId>>,
}

impl Offered {
    fn new(asked: &[Asked], now: Timestamp) -> Self {
        let mut it = Self { open: HashMap::new(), recent: HashMap::new() };
        for asked in asked {
            if asked.state == OfferState::Open {
                it.open.insert(asked.delivery_id, asked.rider_id);
            } else if now.ms_since(asked.at) < ASK_AGAIN_MS {
                it.recent.entry(asked.delivery_id).or_default().push(asked.rider_id);
            }
        }
        it
    }

    fn excluded(&self, delivery: DeliveryId, rider_index: &HashMap<RiderId, u32>) -> Vec<u32> {
        let recent = self.recent.get(&delivery).map(Vec::as_slice).unwrap_or_default();
        recent.iter().filter_map(|it| rider_index.get(it)).copied().collect()
    }
}

/// A route with the expected arrival at each stop.
#[derive(Debug, Clone, Default)]
pub struct TimedRoute {
    /// The stops in order.
    pub stops: Vec<StopView>,
    /// When the last one is done, in UTC milliseconds; the present if there is none.
    pub done_at: i64,
}

impl Numbered {
    /// Walks a rider's stops, leaving now.
    pub fn timed(&self, rider: u32, stops: &[Stop], now: Timestamp) -> TimedRoute {
        let who = &self.snapshot.riders[rider as usize];
        let (mut at, mut t) = (who.at, now.ms());
        let mut timed = TimedRoute { stops: Vec::with_capacity(stops.len()), done_at: t };
        for stop in stops {
            let stored = &self.deliveries[stop.delivery() as usize];
            let numbered = &self.snapshot.deliveries[stop.delivery() as usize];
            let (kind, place, spot) = match stop {
                Stop::Pickup(_) => (StopKind::Pickup, stored.pickup, numbered.pickup),
                Stop::DropOff(_) => (StopKind::Dropoff, stored.goal(), numbered.drop_off),
            };
            t += self.snapshot.travel.time(at, spot, who.vehicle);
            timed.stops.push(StopView {
                order: stored.delivery.order_id.to_string(),
                stop: kind.as_str().to_owned(),
                lat: place.lat(),
                lng: place.lng(),
                eta: t,
            });
            t = match kind {
                StopKind::Pickup => {
                    (t + SERVICE.before_pickup_ms).max(stored.ready_at.ms())
                        + SERVICE.after_pickup_ms
                }
                StopKind::Dropoff => t + SERVICE.before_drop_ms + SERVICE.after_drop_ms,
            };
            at = spot;
        }
        timed.done_at = t;
        timed
    }

    /// The stops in the caller's words.
    pub fn named(&self, stops: &[Stop]) -> Vec<PlannedStop> {
        let name = |stop: &Stop| {
            let kind = match stop {
                Stop::Pickup(_) => StopKind::Pickup,
                Stop::DropOff(_) => StopKind::Dropoff,
            };
            (self.deliveries[stop.delivery() as usize].delivery.order_id, kind)
        };
        stops.iter().map(name).collect()
    }

    /// Those stops of a route that are certain: of deliveries that the rider holds or is asked about.
    pub fn certain(&self, stops: &[Stop]) -> Vec<Stop> {
        let is_certain =
            |it: &&Stop| self.snapshot.deliveries[it.delivery() as usize].stage != Stage::Movable;
        stops.iter().filter(is_certain).copied().collect()
    }
}
