//! One line of the input of `riderhub plan`, read and checked.

use domain::{
    geo::Place,
    route::problem::{RouteError, RouteOrder, RouteProblem},
    travel::{Matrix, Spot, Stepped, Vehicle},
};
use serde::Deserialize;
use serde_json::Value;

/// Times are read in seconds and loads in units; both are kept in thousandths.
const MILLI: f64 = 1_000.0;
/// Larger numbers are mistakes, and sums of smaller ones always fit.
const NUMBER_MAX: f64 = 1e11;
/// Cost of a second of lateness in seconds of travel, unless given.
const LATENESS_WEIGHT: f64 = 10.0;

/// A problem and the names to answer it with.
#[derive(Debug)]
pub(super) struct PlanLine {
    /// The problem's id, as it was written.
    pub(super) id: Value,
    /// Ids of the orders by their index.
    pub(super) order_ids: Vec<String>,
    /// Cost of a second of lateness.
    pub(super) lateness_weight: f64,
    /// What to plan; times in milliseconds.
    pub(super) problem: RouteProblem,
}

#[derive(Deserialize)]
struct LineInput {
    id: Value,
    speed: Option<f64>,
    capacity: Option<f64>,
    lateness_weight: Option<f64>,
    rider: RiderInput,
    orders: Vec<OrderInput>,
    matrix: Option<Vec<Vec<f64>>>,
}

#[derive(Deserialize)]
struct RiderInput {
    x: Option<f64>,
    y: Option<f64>,
    lat: Option<f64>,
    lon: Option<f64>,
    t: Option<f64>,
    load: Option<f64>,
}

#[derive(Deserialize)]
struct OrderInput {
    id: Value,
    px: Option<f64>,
    py: Option<f64>,
    dx: Option<f64>,
    dy: Option<f64>,
    plat: Option<f64>,
    plon: Option<f64>,
    dlat: Option<f64>,
    dlon: Option<f64>,
    ready: Option<f64>,
    deadline: Option<f64>,
    load: Option<f64>,
    service_pickup: Option<f64>,
    service_drop: Option<f64>,
    #[serde(default)]
    picked: bool,
}

impl PlanLine {
    /// Reads one line; the error says what to fix.
    pub(super) fn read(line: &str) -> Result<Self, String> {
        let input: LineInput = serde_json::from_str(line)
            .map_err(|err| format!("not a problem: {err}; see the formats of `riderhub plan`"))?;
        let order_ids = order_ids(&input.orders)?;
        let lateness_weight = input.lateness_weight.unwrap_or(LATENESS_WEIGHT);
        if !(0.0..NUMBER_MAX).contains(&lateness_weight) {
            return Err("`lateness_weight` must not be negative".to_owned());
        }
        let orders: Vec<RouteOrder> = input
            .orders
            .iter()
            .zip(&order_ids)
            .map(|(order, id)| order.read().map_err(|fault| format!("order {id}: {fault}")))
            .collect::<Result<_, String>>()?;
        let on_board = orders.iter().filter(|it| it.is_on_board).map(|it| it.load).sum();
        let load = match input.rider.load {
            Some(load) => thousandths("the rider's `load`", load)?,
            None => on_board,
        };
        let capacity = match input.capacity {
            Some(capacity) => thousandths("`capacity`", capacity)?,
            None => i64::MAX / 2,
        };
        let start_at = thousandths("the rider's `t`", input.rider.t.unwrap_or(0.0))?;
        let legs = input.legs(&order_ids)?;
        let problem = RouteProblem { start_at, load, capacity, orders, legs };
        Ok(Self { id: input.id, order_ids, lateness_weight, problem })
    }

    /// Says in the words of the input why there is no plan.
    pub(super) fn explain(&self, err: RouteError) -> String {
        match err {
            RouteError::DoesNotFit { order } => {
                let id = &self.order_ids[order];
                format!("order {id} never fits; raise `capacity` or lower its `load`")
            }
            other @ (RouteError::TooManyOrders { .. } | RouteError::LegsMissing { .. }) => {
                other.to_string()
            }
        }
    }
}

impl LineInput {
    /// Travel times between rider, pickups and drop-offs.
    fn legs(&self, order_ids: &[String]) -> Result<Matrix, String> {
        let n_nodes = 2 * self.orders.len() + 1;
        if let Some(rows) = &self.matrix {
            return read_matrix(rows, n_nodes);
        }
        let speed = self.speed.filter(|speed| *speed > 0.0 && *speed < NUMBER_MAX);
        let speed = speed.ok_or("`speed` must be above zero (metres per second)")?;
        let is_round = self.rider.lat.is_some();
        let point = |xy: (Option<f64>, Option<f64>),
                     ll: (Option<f64>, Option<f64>),
                     whose: &str| {
            let (pair, names) = if is_round { (ll, "lat/lon") } else { (xy, "x/y") };
            match pair {
                (Some(a), Some(b)) if a.abs() < NUMBER_MAX && b.abs() < NUMBER_MAX => Ok([a, b]),
                _ => Err(format!("{whose} lacks its place ({names}), and there is no `matrix`")),
            }
        };
        let rider = &self.rider;
        let mut points = vec![point((rider.x, rider.y), (rider.lat, rider.lon), "the rider")?];
        for (order, id) in self.orders.iter().zip(order_ids) {
            points.push(if order.picked {
                // Never visited: any place will do.
                points[0]
            } else {
                let whose = format!("the pickup of order {id}");
                point((order.px, order.py), (order.plat, order.plon), &whose)?
            });
        }
        for (order, id) in self.orders.iter().zip(order_ids) {
            let whose = format!("the drop-off of order {id}");
            points.push(point((order.dx, order.dy), (order.dlat, order.dlon), &whose)?);
        }
        legs_between(&points, is_round, speed)
    }
}

/// Started seconds between points, in milliseconds.
fn legs_between(points: &[[f64; 2]], is_round: bool, speed: f64) -> Result<Matrix, String> {
    let second = Stepped { metres_per_step: speed, step: MILLI as i64 };
    if !is_round {
        let spots: Vec<Spot> = points.iter().map(|at| Spot { index: 0, at: *at }).collect();
        return Ok(Matrix::between(&spots, &second, Vehicle::Bike));
    }
    let place = |at: &[f64; 2]| Place::new(at[0], at[1]).map_err(|err| err.to_string());
    let places: Vec<Place> = points.iter().map(place).collect::<Result<_, String>>()?;
    let row = |from: &Place| {
        let from = *from;
        places.iter().map(move |to| second.for_metres(from.metres_to(*to)))
    };
    let times = places.iter().flat_map(row).collect();
    Matrix::new(places.len(), times).map_err(|err| err.to_string())
}

fn read_matrix(rows: &[Vec<f64>], n_nodes: usize) -> Result<Matrix, String> {
    if rows.len() != n_nodes || rows.iter().any(|row| row.len() != n_nodes) {
        return Err(format!(
            "`matrix` must have {n_nodes} rows of {n_nodes} numbers: rider, pickups, drop-offs"
        ));
    }
    let times = rows.iter().flatten().map(|time| thousandths("`matrix`", time.trunc()));
    let times = times.collect::<Result<_, String>>()?;
    Matrix::new(n_nodes, times).map_err(|err| format!("`matrix`: {err}"))
}

impl OrderInput {
    fn read(&self) -> Result<RouteOrder, String> {
        let optional =
            |name, value: Option<f64>, default| thousandths(name, value.unwrap_or(default));
        let load = optional("`load`", self.load, 1.0)?;
        if load < 0 {
            return Err("`load` must not be negative".to_owned());
        }
        Ok(RouteOrder {
            load,
            ready_at: optional("`ready`", self.ready, 0.0)?,
            deadline: self.deadline.map(|value| thousandths("`deadline`", value)).transpose()?,
            pickup_service: optional("`service_pickup`", self.service_pickup, 0.0)?,
            drop_service: optional("`service_drop`", self.service_drop, 0.0)?,
            is_on_board: self.picked,
        })
    }
}

/// The orders' ids as text; each must be there once.
fn order_ids(orders: &[OrderInput]) -> Result<Vec<String>, String> {
    let mut ids: Vec<String> = Vec::with_capacity(orders.len());
    for order in orders {
        let id = match &order.id {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                return Err("an order's `id` must be a number or a text".to_owned());
            }
        };
        if ids.contains(&id) {
            return Err(format!("order {id} is there twice; ids must differ"));
        }
        ids.push(id);
    }
    Ok(ids)
}

/// Reads a number in thousandths.
fn thousandths(name: &str, value: f64) -> Result<i64, String> {
    if value.is_finite() && value.abs() < NUMBER_MAX {
        Ok((value * MILLI).round() as i64)
    } else {
        Err(format!("{name} is out of range"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_gets_a_sensible_default() {
        let line = r#"{"id":7,"speed":5,"rider":{"x":0,"y":0},
            "orders":[{"id":1,"px":10,"py":0,"dx":20,"dy":0},{"id":"b","dx":1,"dy":1,"picked":true,"load":2}]}"#;
        let line = PlanLine::read(line).unwrap();
        assert_eq!((line.lateness_weight, line.problem.load), (10.0, 2_000));
        assert_eq!(line.order_ids, ["1", "b"]);
        assert_eq!(line.problem.orders[0].deadline, None);
        assert_eq!(line.problem.legs.get(0, 1), 2_000);
    }

    #[test]
    fn a_faulty_line_is_told_what_to_fix() {
        let cases = [
            ("{", "not a problem"),
            (r#"{"id":1,"rider":{"x":0,"y":0},"orders":[]}"#, "`speed`"),
            (r#"{"id":1,"speed":5,"rider":{"x":0},"orders":[]}"#, "the rider lacks its place"),
            (
                r#"{"id":1,"speed":5,"rider":{"x":0,"y":0},"orders":[{"id":4,"px":1,"py":1,"dx":1}]}"#,
                "the drop-off of order 4 lacks its place",
            ),
            (
                r#"{"id":1,"rider":{},"orders":[{"id":4}],"matrix":[[0,1],[1,0]]}"#,
                "3 rows of 3 numbers",
            ),
            (
                r#"{"id":1,"rider":{},"orders":[{"id":4},{"id":4}],"matrix":[]}"#,
                "order 4 is there twice",
            ),
        ];
        for (line, expected) in cases {
            let fault = PlanLine::read(line).unwrap_err();
            assert!(fault.contains(expected), "{line}: {fault}");
        }
    }
}
