//! An independent judge of replay logs: its own reader, its own arithmetic, nothing from the simulator.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use serde_json::Value;

/// Which rules the log must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// One store per trip.
    Strict,
    /// Any sequence, at most so many orders on board.
    Capacity(usize),
}

/// A day as the judge reads it: name to numbers.
pub(crate) struct Day {
    speed: f64,
    pickup_half: f64,
    drop_half: f64,
    stores: HashMap<String, (f64, f64)>,
    orders: BTreeMap<String, OrderRow>,
    riders: HashMap<String, RiderRow>,
}

struct OrderRow {
    at: (f64, f64),
    placed: f64,
    store: String,
    ready: f64,
}

struct RiderRow {
    at: (f64, f64),
    on: f64,
    off: f64,
}

/// What an accepted log was worth.
#[derive(Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) n_delivered: usize,
    pub(crate) click_to_door: f64,
    pub(crate) ready_to_pickup: f64,
    /// Orders that nobody delivered although a shift lasts beyond their ready time.
    pub(crate) forgotten: Vec<String>,
}

fn table(folder: &Path, file: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join(file)).unwrap();
    let cells = |line: &str| line.split('\t').map(|it| it.trim().to_owned()).collect();
    text.lines().skip(1).filter(|line| !line.trim().is_empty()).map(cells).collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

impl Day {
    pub(crate) fn read(folder: &Path) -> Self {
        let constants = table(folder, "instance_parameters.txt").remove(0);
        let place = |row: &[String]| (number(&row[1]), number(&row[2]));
        let order = |row: Vec<String>| {
            let (placed, ready) = (number(&row[3]), number(&row[5]));
            (row[0].clone(), OrderRow { at: place(&row), placed, store: row[4].clone(), ready })
        };
        let rider = |row: Vec<String>| {
            let (on, off) = (number(&row[3]), number(&row[4]));
            (row[0].clone(), RiderRow { at: place(&row), on, off })
        };
        Self {
            speed: number(&constants[0]),
            pickup_half: number(&constants[1]) / 2.0,
            drop_half: number(&constants[2]) / 2.0,
            stores: table(folder, "restaurants.txt")
                .into_iter()
                .map(|row| (row[0].clone(), place(&row)))
                .collect(),
            orders: table(folder, "orders.txt").into_iter().map(order).collect(),
            riders: table(folder, "couriers.txt").into_iter().map(rider).collect(),
        }
    }

    fn minutes(&self, a: (f64, f64), b: (f64, f64)) -> f64 {
        let metres = ((a.0 - b.0).powi(2) + (a.1 - b.1).powi(2)).sqrt();
        (metres / self.speed - 1e-9).ceil()
    }

    /// Judges a whole log; the error names the first broken rule.
    pub(crate) fn judge(&self, log: &str, rules: Rules) -> Result<Verdict, String> {
        let mut by_rider: BTreeMap<String, Vec<(f64, String, String)>> = BTreeMap::new();
        let mut before = f64::NEG_INFINITY;
        for line in log.lines() {
            let event: Value = serde_json::from_str(line).map_err(|err| err.to_string())?;
            let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
            let time = event["time"].as_f64().ok_or("no time")?;
            if time < before {
                return Err(format!("time goes back at {time}"));
            }
            before = time;
            let entry = (time, text("event"), text("order"));
            by_rider.entry(text("courier")).or_default().push(entry);
        }
        let mut lives: BTreeMap<String, Life> = BTreeMap::new();
        for (rider, events) in &by_rider {
            self.follow(rider, events, rules, &mut lives)?;
        }
        self.verdict(&lives)
    }

    /// Follows one rider through his day.
    fn follow(
        &self,
        rider: &str,
        events: &[(f64, String, String)],
        rules: Rules,
        lives: &mut BTreeMap<String, Life>,
    ) -> Result<(), String> {
        let row = self.riders.get(rider).ok_or(format!("unknown rider {rider}"))?;
        let mut walk = Walk { at: row.at, free: row.on, store: None, board: Vec::new() };
        for (i, (time, event, order)) in events.iter().enumerate() {
            let it = self.orders.get(order).ok_or(format!("unknown order {order}"))?;
            let life = lives.entry(order.clone()).or_default();
            let refuse = |why: &str| Err(format!("minute {time}, {rider}, {order}: {why}"));
            match event.as_str() {
                "assigned" if life.assigned.is_some() => return refuse("assigned twice"),
                "assigned" if *time < it.placed => return refuse("assigned before it was placed"),
                "assigned" => life.assigned = Some((*time, rider.to_owned())),
                "picked_up" => {
                    let is_mine = life.assigned.as_ref().is_some_and(|(_, whose)| whose == rider);
                    if !is_mine || life.picked.is_some() {
                        return refuse("picked up by the wrong rider or twice");
                    }
                    if *time < it.ready || *time > row.off {
                        return refuse("picked up before ready or after the shift");
                    }
                    life.picked = Some(*time);
                    self.pick_up(&mut walk, *time, order, &events[i..], lives, rules)
                        .or_else(|why| refuse(&why))?;
                }
                "delivered" => {
                    let Some(place) = walk.board.iter().position(|it| it == order) else {
                        return refuse("delivered but not on board");
                    };
                    walk.board.remove(place);
                    if *time < walk.free + self.minutes(walk.at, it.at) + self.drop_half {
                        return refuse("delivered faster than anybody can ride");
                    }
                    life.delivered = Some(*time);
                    walk = Walk { at: it.at, free: time + self.drop_half, store: None, ..walk };
                }
                other => return refuse(&format!("unknown event {other}")),
            }
        }
        if walk.board.is_empty() { Ok(()) } else { Err(format!("{rider} keeps {:?}", walk.board)) }
    }

    /// One pickup: the ride there, the visit, the rules of the trip.
    fn pick_up(
        &self,
        walk: &mut Walk,
        time: f64,
        order: &str,
        ahead: &[(f64, String, String)],
        lives: &BTreeMap<String, Life>,
        rules: Rules,
    ) -> Result<(), String> {
        let store = &self.orders[order].store;
        if walk.store.as_ref() != Some(store) {
            if rules == Rules::Strict && !walk.board.is_empty() {
                return Err("a second store on one trip".to_owned());
            }
            // Nobody sets out before the first assignment of this visit.
            let visit = ahead.iter().filter(|it| it.1 != "assigned");
            let visit =
                visit.take_while(|it| it.1 == "picked_up" && self.orders[&it.2].store == *store);
            let assigned = |it: &(f64, String, String)| {
                let known = lives.get(&it.2).and_then(|life| life.assigned.as_ref());
                known.map_or(f64::INFINITY, |(time, _)| *time)
            };
            let told = visit.map(assigned).fold(f64::INFINITY, f64::min);
            let to = self.stores[store];
            let earliest = walk.free.max(told) + self.minutes(walk.at, to) + self.pickup_half;
            if time < earliest {
                return Err(format!("picked up before {earliest}, faster than anybody can ride"));
            }
            (walk.at, walk.store) = (to, Some(store.clone()));
        }
        walk.free = walk.free.max(time + self.pickup_half);
        walk.board.push(order.to_owned());
        match rules {
            Rules::Capacity(most) if walk.board.len() > most => Err("too much on board".to_owned()),
            Rules::Capacity(_) | Rules::Strict => Ok(()),
        }
    }

    fn verdict(&self, lives: &BTreeMap<String, Life>) -> Result<Verdict, String> {
        let (mut click_to_door, mut ready_to_pickup, mut forgotten) = (0.0, 0.0, Vec::new());
        let mut n_delivered = 0;
        for (id, it) in &self.orders {
            let life = lives.get(id);
            match life.and_then(|life| life.picked.zip(life.delivered)) {
                Some((picked, delivered)) => {
                    n_delivered += 1;
                    click_to_door += delivered - it.placed;
                    ready_to_pickup += picked - it.ready;
                }
                None if self.riders.values().any(|rider| rider.off >= it.ready.max(it.placed)) => {
                    forgotten.push(id.clone());
                }
                None => {}
            }
        }
        let n = n_delivered.max(1) as f64;
        let (click_to_door, ready_to_pickup) = (click_to_door / n, ready_to_pickup / n);
        Ok(Verdict { n_delivered, click_to_door, ready_to_pickup, forgotten })
    }
}

/// What the log says of one order.
#[derive(Default)]
struct Life {
    assigned: Option<(f64, String)>,
    picked: Option<f64>,
    delivered: Option<f64>,
}

/// A rider on his way.
struct Walk {
    at: (f64, f64),
    free: f64,
    store: Option<String>,
    board: Vec<String>,
}
