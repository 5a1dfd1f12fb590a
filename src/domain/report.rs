//! A position as a device reports it: which values can be true.

use crate::geo::{Place, PlaceError};

/// Numbers and times above this are not whole numbers on every device: 2^53.
pub const EXACT_MAX: u64 = 1 << 53;
/// Radius of uncertainty that says anything at all, in metres.
pub const ACC_MAX_M: f64 = 1_000_000.0;
/// Nothing that delivers is faster, not even a drone, in metres a second.
pub const SPD_MAX_M_PER_S: f64 = 1_000.0;

/// What a device reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// Its number in the connection.
    pub seq: u64,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lng: f64,
    /// Heading in degrees from north.
    pub hdg: Option<f64>,
    /// Speed in metres a second.
    pub spd: Option<f64>,
    /// Radius of uncertainty in metres.
    pub acc: Option<f64>,
    /// When the device measured it, in UTC milliseconds by its own clock.
    pub t: i64,
}

/// A value that cannot be true.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ReportError {
    /// Not on earth.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The heading.
    #[error("`hdg` must be 0 to 360 degrees; leave it out if it is not known")]
    Heading,
    /// The speed.
    #[error("`spd` must be 0 to 1000 m/s; leave it out if it is not known")]
    Speed,
    /// The uncertainty.
    #[error("`acc` must be 0 to 1000000 m; leave it out if it is not known")]
    Accuracy,
    /// The time.
    #[error("`t` must be UTC milliseconds, 0 to 2^53")]
    Time,
    /// The number.
    #[error("`seq` must be at most 2^53")]
    Number,
}

impl Report {
    /// The place, if every value can be true.
    ///
    /// # Errors
    ///
    /// [`ReportError`] for the first that cannot.
    pub fn check(&self) -> Result<Place, ReportError> {
        let place = Place::new(self.lat, self.lng)?;
        let within =
            |value: Option<f64>, max: f64| value.is_none_or(|it| (0.0..=max).contains(&it));
        if !within(self.hdg, 360.0) {
            return Err(ReportError::Heading);
        }
        if !within(self.spd, SPD_MAX_M_PER_S) {
            return Err(ReportError::Speed);
        }
        if !within(self.acc, ACC_MAX_M) {
            return Err(ReportError::Accuracy);
        }
        if u64::try_from(self.t).map_or(true, |it| it > EXACT_MAX) {
            return Err(ReportError::Time);
        }
        if self.seq > EXACT_MAX {
            return Err(ReportError::Number);
        }
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Report = Report {
        seq: 1,
        lat: 31.2,
        lng: 121.5,
        hdg: Some(360.0),
        spd: Some(0.0),
        acc: None,
        t: 1_790_000_000_000,
    };

    #[test]
    fn values_that_cannot_be_true_are_refused_by_name() {
        assert!(GOOD.check().is_ok());
        assert!(
            Report { hdg: None, spd: None, acc: Some(0.0), t: 0, seq: 0, ..GOOD }.check().is_ok()
        );
        for (bad, expected) in [
            (Report { hdg: Some(-1.0), ..GOOD }, ReportError::Heading),
            (Report { hdg: Some(f64::NAN), ..GOOD }, ReportError::Heading),
            (Report { spd: Some(-1.0), ..GOOD }, ReportError::Speed),
            (Report { spd: Some(1e300), ..GOOD }, ReportError::Speed),
            (Report { acc: Some(f64::INFINITY), ..GOOD }, ReportError::Accuracy),
            (Report { t: -1, ..GOOD }, ReportError::Time),
            (Report { t: i64::MAX, ..GOOD }, ReportError::Time),
            (Report { seq: u64::MAX, ..GOOD }, ReportError::Number),
        ] {
            assert_eq!(bad.check(), Err(expected), "{bad:?}");
        }
        assert!(Report { lat: 91.0, ..GOOD }.check().is_err());
    }
}
