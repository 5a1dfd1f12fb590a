//! What dispatch minimises, in minutes of one customer's waiting.

use super::snapshot::Rules;

/// The price of things. Each is what one unit is worth in minutes of one customer's waiting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// A minute from placing an order to its delivery (click to door).
    pub click_to_door: f64,
    /// A minute of delivery after the promised time, on top.
    pub past_promise: f64,
    /// A minute of delivery after the time that must not be passed, on top.
    pub past_limit: f64,
    /// A minute that food waits after it is ready.
    pub food_waiting: f64,
    /// A minute until a rider is free again, counted from when he could start, within his shift.
    ///
    /// It is dearer where riders are scarce: times the square of open deliveries per rider over 2/3.
    pub rider_busy: f64,
    /// A minute of driving.
    pub driving: f64,
    /// A minute that a rider would need, from where his route ends, to the stores of the next orders.
    pub outlook: f64,
    /// A delivery for which no rider can be planned; must exceed any sensible plan.
    pub unplanned: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            click_to_door: 1.0,
            past_promise: 1.0,
            past_limit: 20.0,
            food_waiting: 0.2,
            rider_busy: 0.07,
            driving: 0.0,
            outlook: 0.15,
            unplanned: 100_000.0,
        }
    }
}

impl Weights {
    /// The defaults for these rules. Whoever may get more on the way is less taken up by what he has, and
    /// where several routes serve customers equally well, the shorter one is ridden.
    pub fn of(rules: Rules) -> Self {
        match rules {
            Rules::Strict => Self::default(),
            Rules::Own => Self { rider_busy: 0.06, driving: 0.01, ..Self::default() },
        }
    }
}

/// A minute in the unit of all times here.
pub const MINUTE_MS: i64 = 60_000;
/// A plan that breaks a hard limit (capacity, end of shift) costs this much more, in milliseconds.
pub(super) const BROKEN: f64 = 1e12;
