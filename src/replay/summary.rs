//! What a replayed day was worth: the figures that a dispatcher by trade asks for.

use std::{fmt, time::Duration};

use super::{instance::Instance, log::Happening, simulator::Played};

/// The figures of one day; times in minutes.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Name of the day.
    pub day: String,
    /// Orders of the day.
    pub n_orders: usize,
    /// Orders that reached their customers.
    pub n_delivered: usize,
    /// Orders that did not, though some rider could have picked them up.
    pub n_missed: usize,
    /// From placing to delivery.
    pub click_to_door: Spread,
    /// From ready to pickup.
    pub ready_to_pickup: Spread,
    /// Mean of what click-to-door was over the target.
    pub overage: f64,
    /// Delivered orders per hour on duty.
    pub orders_per_rider_hour: f64,
    /// Sum over riders of the larger of pay per order and guaranteed pay.
    pub cost: f64,
    /// Deliveries given to riders.
    pub n_decisions: usize,
    /// Policy time per decision.
    pub ms_per_decision: f64,
    /// The longest call of the policy.
    pub slowest_cycle: Duration,
    /// The whole replay.
    pub wall: Duration,
}

/// Mean, median and 90th percentile.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
}

impl Spread {
    /// Of some values; zero of none.
    pub fn of(mut values: Vec<f64>) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (values.len() - 1) as f64;
            let (low, part) = (place.floor() as usize, place.fract());
            let high = (low + 1).min(values.len() - 1);
            values[low] + (values[high] - values[low]) * part
        };
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Self { mean, p50: at(0.5), p90: at(0.9) }
    }
}

impl Summary {
    /// Works the figures out.
    pub fn new(instance: &Instance, played: &Played, wall: Duration) -> Self {
        let parameters = &instance.parameters;
        let mut is_delivered = vec![false; instance.orders.len()];
        let mut n_served = vec![0_usize; instance.riders.len()];
        let (mut click_to_door, mut ready_to_pickup) = (Vec::new(), Vec::new());
        for event in &played.events {
            let order = &instance.orders[event.order];
            match event.happening {
                Happening::Assigned => {}
                Happening::PickedUp => ready_to_pickup.push(event.minutes() - order.ready as f64),
                Happening::Delivered => {
                    is_delivered[event.order] = true;
                    n_served[event.rider] += 1;
                    click_to_door.push(event.minutes() - order.placed as f64);
                }
            }
        }
        let n_delivered = click_to_door.len();
        let missed = instance.orders.iter().zip(&is_delivered);
        let n_missed = missed.filter(|(it, done)| !**done && instance.is_reachable(it)).count();
        let over = |it: &f64| (it - parameters.target as f64).max(0.0);
        let overage = click_to_door.iter().map(over).sum::<f64>() / n_delivered.max(1) as f64;
        let hours = |rider: usize| {
            let rider = &instance.riders[rider];
            (rider.off - rider.on) as f64 / 60.0
        };
        let all_hours: f64 = (0..instance.riders.len()).map(hours).sum();
        let pay = |(rider, n): (usize, &usize)| {
            (parameters.pay_per_order * *n as f64).max(parameters.pay_per_hour * hours(rider))
        };
        let deciding_ms = played.deciding.as_secs_f64() * 1e3;
        Self {
            day: instance.name.clone(),
            n_orders: instance.orders.len(),
            n_delivered,
            n_missed,
            click_to_door: Spread::of(click_to_door),
            ready_to_pickup: Spread::of(ready_to_pickup),
            overage,
            orders_per_rider_hour: if all_hours > 0.0 {
                n_delivered as f64 / all_hours
            } else {
                0.0
            },
            cost: n_served.iter().enumerate().map(pay).sum(),
            n_decisions: played.n_decisions,
            ms_per_decision: deciding_ms / played.n_decisions.max(1) as f64,
            slowest_cycle: played.slowest_cycle,
            wall,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spread = |it: &Spread| format!("{:>9.3} {:>9.3} {:>9.3}", it.mean, it.p50, it.p90);
        writeln!(f, "{:<28} {:>9} {:>9} {:>9}", self.day, "mean", "p50", "p90")?;
        writeln!(f, "{:<28} {}", "click to door, min", spread(&self.click_to_door))?;
        writeln!(f, "{:<28} {}", "ready to pickup, min", spread(&self.ready_to_pickup))?;
        writeln!(f, "{:<28} {:>9.3}", "over the target, min", self.overage)?;
        writeln!(f, "{:<28} {:>9}", "orders", self.n_orders)?;
        writeln!(f, "{:<28} {:>9}", "delivered", self.n_delivered)?;
        writeln!(f, "{:<28} {:>9}", "missed though reachable", self.n_missed)?;
        writeln!(f, "{:<28} {:>9.3}", "orders per rider hour", self.orders_per_rider_hour)?;
        writeln!(f, "{:<28} {:>9.2}", "pay of riders", self.cost)?;
        writeln!(f, "{:<28} {:>9}", "decisions", self.n_decisions)?;
        writeln!(f, "{:<28} {:>9.3}", "ms per decision", self.ms_per_decision)?;
        let slowest_ms = self.slowest_cycle.as_secs_f64() * 1e3;
        writeln!(f, "{:<28} {:>9.3}", "ms of the slowest cycle", slowest_ms)?;
        write!(f, "{:<28} {:>9.2}", "wall time, s", self.wall.as_secs_f64())
    }
}
