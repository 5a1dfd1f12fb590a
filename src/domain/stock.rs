//! How many pieces of a product there are: left, held by orders that are not paid, and sold.

use std::time::Duration;

use crate::{clock::Timestamp, geo::Place, text_enum::text_enum};

/// Most pieces of a product.
pub const STOCK_MAX: i64 = 1_000_000_000;

/// Minutes of a day.
pub const DAY_MIN: u32 = 24 * 60;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = DAY_MIN as i64 * MINUTE_MS;
const DAY: Duration = Duration::from_secs(DAY_MIN as u64 * 60);

text_enum! {
    /// How a stock is kept.
    pub enum StockMode {
        /// So many, until somebody brings more.
        Counted => "counted",
        /// There are always enough.
        Unlimited => "unlimited",
        /// So many each day, counted anew when the day begins.
        Daily => "daily",
    }
}

text_enum! {
    /// What happened to a stock.
    pub enum StockEvent {
        /// The product is new.
        Opened => "opened",
        /// Somebody said how many are left, or how they are counted.
        Set => "set",
        /// Somebody added or took away some.
        Adjusted => "adjusted",
        /// A new day began.
        Reset => "reset",
        /// An order holds some.
        Reserved => "reserved",
        /// The order was paid.
        Confirmed => "confirmed",
        /// The order ended before pickup and gave them back.
        Released => "released",
    }
}

text_enum! {
    /// Why somebody changes a stock.
    pub enum StockReason {
        /// New goods came.
        Delivery => "delivery",
        /// They were counted.
        Stocktaking => "stocktaking",
        /// They cannot be sold any more.
        Spoiled => "spoiled",
        /// They were used or sold elsewhere.
        UsedElsewhere => "used_elsewhere",
        /// Sold goods came back and are as good as new.
        Returned => "returned",
        /// The number was wrong.
        Correction => "correction",
        /// Something else.
        Other => "other",
    }
}

text_enum! {
    /// What became of the pieces that an order holds.
    pub enum HoldState {
        /// The order is not paid.
        Reserved => "reserved",
        /// It is paid.
        Sold => "sold",
        /// It ended; they are back on the shelf.
        Released => "released",
    }
}

/// So many each day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Daily {
    /// How many.
    pub per_day: i64,
    /// When the day begins, in minutes after midnight UTC.
    pub resets_min: u32,
}

/// A stock as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stock {
    /// How it is kept.
    pub mode: StockMode,
    /// What nobody holds. Means nothing while there are always enough.
    pub left: i64,
    /// What orders hold that are not paid.
    pub reserved: i64,
    /// What orders hold that are paid.
    pub sold: i64,
    /// How many each day; `None` unless counted anew each day.
    pub daily: Option<Daily>,
    /// Since when `left` is counted: what was held before does not come back into it.
    pub since: Timestamp,
    /// Counts the changes.
    pub version: i64,
}

/// One change: by how much each number moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockChange {
    /// What happened.
    pub event: StockEvent,
    /// What is left moves by so much.
    pub left: i64,
    /// What unpaid orders hold moves by so much.
    pub reserved: i64,
    /// What paid orders hold moves by so much.
    pub sold: i64,
}

/// The stock does not take the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StockError {
    /// Fewer are left than are wanted.
    #[error("only {left} are left")]
    Short {
        /// How many are left.
        left: i64,
    },
    /// Below 0 or above [`STOCK_MAX`].
    #[error("a stock is from 0 to 10^9 pieces; this would be {wanted}")]
    OutOfRange {
        /// What it would be.
        wanted: i64,
    },
}

impl Daily {
    /// When the day began that `now` belongs to.
    pub const fn began(self, now: Timestamp) -> Timestamp {
        let shift = self.resets_min as i64 * MINUTE_MS;
        Timestamp::from_ms((now.ms() - shift).div_euclid(DAY_MS) * DAY_MS + shift)
    }

    /// When the next day begins.
    pub fn next(self, now: Timestamp) -> Timestamp {
        self.began(now) + DAY
    }
}

/// Midnight at a place by the sun, in minutes after midnight UTC: what a store's day begins with
/// unless it says otherwise.
pub fn midnight_min(place: Place) -> u32 {
    let hours_ahead = (place.lng() / 15.0).round() as i64;
    u32::try_from((-hours_ahead * 60).rem_euclid(i64::from(DAY_MIN))).unwrap_or(0)
}

/// Checks a number of pieces.
///
/// # Errors
///
/// [`StockError::OutOfRange`] if it is below 0 or above [`STOCK_MAX`].
pub fn in_range(pieces: i64) -> Result<i64, StockError> {
    if (0..=STOCK_MAX).contains(&pieces) {
        Ok(pieces)
    } else {
        Err(StockError::OutOfRange { wanted: pieces })
    }
}

impl Stock {
    /// So many, until somebody brings more.
    pub const fn counted(left: i64) -> Self {
        Self {
            mode: StockMode::Counted,
            left,
            reserved: 0,
            sold: 0,
            daily: None,
            since: Timestamp::from_ms(0),
            version: 0,
        }
    }

    /// How many can be ordered: [`STOCK_MAX`] if there are always enough.
    pub const fn available(&self) -> i64 {
        match self.mode {
            StockMode::Unlimited => STOCK_MAX,
            StockMode::Counted | StockMode::Daily => self.left,
        }
    }

    /// All that was ever put on the shelf since it is counted; `None` if there are always enough.
    pub const fn total(&self) -> Option<i64> {
        match self.mode {
            StockMode::Unlimited => None,
            StockMode::Counted | StockMode::Daily => Some(self.left + self.reserved + self.sold),
        }
    }

    /// An order wants some.
    ///
    /// # Errors
    ///
    /// [`StockError::Short`] if fewer are left.
    pub const fn reserve(&self, pieces: i64) -> Result<StockChange, StockError> {
        if self.available() < pieces {
            return Err(StockError::Short { left: self.available() });
        }
        let left = if matches!(self.mode, StockMode::Unlimited) { 0 } else { -pieces };
        Ok(StockChange { event: StockEvent::Reserved, left, reserved: pieces, sold: 0 })
    }

    /// The order that holds some was paid.
    pub const fn confirm(pieces: i64) -> StockChange {
        StockChange { event: StockEvent::Confirmed, left: 0, reserved: -pieces, sold: pieces }
    }

    /// An order gives back what it has held as `held` since `since`.
    pub fn release(&self, pieces: i64, held: HoldState, since: Timestamp) -> StockChange {
        let comes_back = self.mode != StockMode::Unlimited && since >= self.since;
        let (reserved, sold) = match held {
            HoldState::Reserved => (-pieces, 0),
            HoldState::Sold => (0, -pieces),
            HoldState::Released => (0, 0),
        };
        let comes_back = comes_back && held != HoldState::Released;
        let left = if comes_back { pieces } else { 0 };
        StockChange { event: StockEvent::Released, left, reserved, sold }
    }

    /// Somebody says how many are left.
    ///
    /// # Errors
    ///
    /// [`StockError::OutOfRange`] if there cannot be so many.
    pub fn set(&self, left: i64) -> Result<StockChange, StockError> {
        let left = in_range(left)? - self.left;
        Ok(StockChange { event: StockEvent::Set, left, reserved: 0, sold: 0 })
    }

    /// Somebody brings some, or takes some away.
    ///
    /// # Errors
    ///
    /// [`StockError::OutOfRange`] if there cannot be so many.
    pub fn adjust(&self, by: i64) -> Result<StockChange, StockError> {
        in_range(self.left.saturating_add(by))?;
        Ok(StockChange { event: StockEvent::Adjusted, left: by, reserved: 0, sold: 0 })
    }

    /// From now on it is kept in another way; with `daily`, the day has all its pieces now.
    pub const fn keep(&self, mode: StockMode, daily: Option<Daily>, at: Timestamp) -> Self {
        Self { mode, daily, since: at, ..*self }
    }

    /// A new day began at `began`. `None` if it is not counted by days, or this day has begun.
    pub fn reset(&self, began: Timestamp) -> Option<(Self, StockChange)> {
        let daily = self.daily.filter(|_| self.mode == StockMode::Daily && self.since < began)?;
        let left = daily.per_day - self.left;
        let change = StockChange { event: StockEvent::Reset, left, reserved: 0, sold: 0 };
        Some((Self { since: began, ..*self }, change))
    }

    /// This stock after a change.
    pub const fn after(&self, change: &StockChange) -> Self {
        Self {
            left: self.left + change.left,
            reserved: self.reserved + change.reserved,
            sold: self.sold + change.sold,
            version: self.version + 1,
            ..*self
        }
    }
}

#[cfg(test)]
#[path = "stock_tests.rs"]
mod tests;
