//! Reads a recorded city day: a folder in the format of the Meal Delivery Routing Problem library.
//!
//! Tab-separated files with one header line; metres on a plane, whole minutes from the start of the day.

use std::{
    collections::HashMap,
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use domain::geo::Place;

/// Metres from the plane's origin within which everything lies; a quarter of the Earth.
const FROM_ORIGIN_MAX_M: f64 = 1e7;

/// A whole day.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Name of the folder.
    pub name: String,
    /// Speeds, service times, targets, pay.
    pub parameters: Parameters,
    /// Stores by their index.
    pub stores: Vec<Store>,
    /// Orders in the order in which they were placed.
    pub orders: Vec<Order>,
    /// Riders by their index ("couriers" in the files).
    pub riders: Vec<Rider>,
}

/// The day's constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Speed of every rider.
    pub metres_per_minute: f64,
    /// Minutes at a store, half of them before the pickup.
    pub pickup_service: i64,
    /// Minutes at a customer, half of them before the hand-over.
    pub drop_service: i64,
    /// Wanted minutes from placing to delivery.
    pub target: i64,
    /// Longest bearable minutes from placing to delivery.
    pub limit: i64,
    /// Pay for one order.
    pub pay_per_order: f64,
    /// Guaranteed pay for an hour on duty.
    pub pay_per_hour: f64,
}

/// A place that cooks.
#[derive(Debug, Clone, PartialEq)]
pub struct Store {
    /// As in the file.
    pub id: String,
    /// Metres on the plane.
    pub at: [f64; 2],
}

/// One order of the day.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// As in the file.
    pub id: String,
    /// Where the customer is, in metres on the plane.
    pub at: [f64; 2],
    /// Minute in which it becomes known.
    pub placed: i64,
    /// Index of its store.
    pub store: usize,
    /// Minute from which it can be picked up.
    pub ready: i64,
}

/// One rider of the day.
#[derive(Debug, Clone, PartialEq)]
pub struct Rider {
    /// As in the file.
    pub id: String,
    /// Where he starts, in metres on the plane.
    pub at: [f64; 2],
    /// Minute in which his shift starts.
    pub on: i64,
    /// Minute after which he picks nothing up.
    pub off: i64,
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// A file is missing or unreadable.
    #[error("cannot read {}: {source}; a day needs orders.txt, couriers.txt, restaurants.txt and instance_parameters.txt", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line is not as it should be.
    #[error("{}, line {line}: {fault}", .path.display())]
    BadLine {
        /// Which file.
        path: PathBuf,
        /// Counted from 1, the header included.
        line: usize,
        /// What to fix.
        fault: String,
    },
    /// A file holds nothing but its header.
    #[error("{} has no row under its header", .path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

impl Instance {
    /// Reads the four files of a folder.
    ///
    /// # Errors
    ///
    /// [`InstanceError`] names the file, the line and what is wrong.
    pub fn read(folder: &Path) -> Result<Self, InstanceError> {
        let parameters = read_rows(folder, "instance_parameters.txt", Parameters::parse)?[0];
        let stores = read_rows(folder, "restaurants.txt", Store::parse)?;
        let by_id: HashMap<&str, usize> =
            stores.iter().enumerate().map(|(i, it)| (it.id.as_str(), i)).collect();
        let mut orders = read_rows(folder, "orders.txt", |row| Order::parse(row, &by_id))?;
        orders.sort_by_key(|it| it.placed);
        let riders = read_rows(folder, "couriers.txt", Rider::parse)?;
        let name = folder.file_name().map(|it| it.to_string_lossy().into_owned());
        Ok(Self { name: name.unwrap_or_default(), parameters, stores, orders, riders })
    }

    /// Minutes that a ride takes: started minutes count whole.
    pub fn ride_minutes(&self, from: [f64; 2], to: [f64; 2]) -> i64 {
        let metres = (from[0] - to[0]).hypot(from[1] - to[1]);
        (metres / self.parameters.metres_per_minute - 1e-9).ceil() as i64
    }

    /// Whether any rider could ever pick an order up, had he nothing else to do.
    pub fn is_reachable(&self, order: &Order) -> bool {
        let earliest = order.ready.max(order.placed);
        self.riders.iter().any(|rider| {
            let leaves = rider.on.max(order.placed);
            let ride = self.ride_minutes(rider.at, self.stores[order.store].at);
            earliest.max(leaves + ride + self.parameters.pickup_service / 2) <= rider.off
        })
    }

    /// The middle of all stores, in metres on the plane.
    pub fn middle(&self) -> [f64; 2] {
        let n = self.stores.len().max(1) as f64;
        let sum = |axis: usize| self.stores.iter().map(|it| it.at[axis]).sum::<f64>() / n;
        [sum(0), sum(1)]
    }

    /// Lays a point of the plane on the ground so that the middle of all stores is at `centre`.
    pub fn on_the_ground(&self, at: [f64; 2], centre: Place) -> Place {
        let middle = self.middle();
        centre.offset(at[0] - middle[0], at[1] - middle[1])
    }
}

impl Parameters {
    fn parse(row: &Row<'_>) -> Result<Self, String> {
        let metres_per_minute: f64 = row.number(0, "meters_per_minute")?;
        if metres_per_minute <= 0.0 {
            return Err("meters_per_minute must be above zero".to_owned());
        }
        Ok(Self {
            metres_per_minute,
            pickup_service: row.minutes(1, "pickup service minutes")?,
            drop_service: row.minutes(2, "dropoff service minutes")?,
            target: row.minutes(3, "target click-to-door")?,
            limit: row.minutes(4, "maximum click-to-door")?,
            pay_per_order: row.number(5, "pay per order")?,
            pay_per_hour: row.number(6, "guaranteed pay per hour")?,
        })
    }
}

impl Store {
    fn parse(row: &Row<'_>) -> Result<Self, String> {
        Ok(Self { id: row.text(0, "restaurant")?, at: row.point()? })
    }
}

impl Order {
    fn parse(row: &Row<'_>, stores: &HashMap<&str, usize>) -> Result<Self, String> {
        let store = row.text(4, "restaurant")?;
        let store = stores
            .get(store.as_str())
            .ok_or_else(|| format!("restaurant {store} is not in restaurants.txt"))?;
        Ok(Self {
            id: row.text(0, "order")?,
            at: row.point()?,
            placed: row.minutes(3, "placement_time")?,
            store: *store,
            ready: row.minutes(5, "ready_time")?,
        })
    }
}

impl Rider {
    fn parse(row: &Row<'_>) -> Result<Self, String> {
        Ok(Self {
            id: row.text(0, "courier")?,
            at: row.point()?,
            on: row.minutes(3, "on_time")?,
            off: row.minutes(4, "off_time")?,
        })
    }
}

/// The fields of one line.
struct Row<'a>(Vec<&'a str>);

impl Row<'_> {
    fn text(&self, at: usize, name: &str) -> Result<String, String> {
        match self.0.get(at) {
            Some(text) if !text.is_empty() => Ok((*text).to_owned()),
            _ => Err(format!("column {} ({name}) is missing", at + 1)),
        }
    }

    fn number<N: FromStr<Err: Display>>(&self, at: usize, name: &str) -> Result<N, String> {
        let text = self.text(at, name)?;
        text.parse().map_err(|err| format!("column {} ({name}), `{text}`: {err}", at + 1))
    }

    /// A whole number of minutes; files also write `4.0`.
    fn minutes(&self, at: usize, name: &str) -> Result<i64, String> {
        let value: f64 = self.number(at, name)?;
        if value.fract() == 0.0 && value.abs() < 1e7 {
            Ok(value as i64)
        } else {
            Err(format!("column {} ({name}) must be a whole number of minutes", at + 1))
        }
    }

    fn point(&self) -> Result<[f64; 2], String> {
        let at: [f64; 2] = [self.number(1, "x")?, self.number(2, "y")?];
        // Also false for what is not a number.
        if at.iter().all(|it| it.abs() <= FROM_ORIGIN_MAX_M) {
            Ok(at)
        } else {
            Err(format!("x and y must be metres within {FROM_ORIGIN_MAX_M} of the origin"))
        }
    }
}

/// Reads every line under the header; the ids in the first column must differ.
fn read_rows<R>(
    folder: &Path,
    file: &str,
    parse: impl Fn(&Row<'_>) -> Result<R, String>,
) -> Result<Vec<R>, InstanceError> {
    let path = folder.join(file);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(InstanceError::Unreadable { path, source }),
    };
    let mut rows = Vec::new();
    let mut seen = HashMap::new();
    for (i, line) in text.lines().enumerate().skip(1).filter(|(_, it)| !it.trim().is_empty()) {
        let row = Row(line.split('\t').map(str::trim).collect());
        let fault = match seen.insert(row.0[0], i + 1) {
            Some(before) => Err(format!("{} is also in line {before}", row.0[0])),
            None => parse(&row),
        };
        match fault {
            Ok(row) => rows.push(row),
            Err(fault) => return Err(InstanceError::BadLine { path, line: i + 1, fault }),
        }
    }
    if rows.is_empty() { Err(InstanceError::Empty { path }) } else { Ok(rows) }
}
