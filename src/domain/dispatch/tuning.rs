//! All that an operator may set about dispatch, by name.

use super::{scoring::Scoring, snapshot::Rules, weights::Weights};

/// Every weight, and every threshold in minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// What plans minimise.
    pub weights: Weights,
    /// What speaks for or against a rider.
    pub scoring: Scoring,
    /// An open offer is withdrawn if another rider would cost so much less by now, in minutes.
    pub withdraw_gain: f64,
    /// A rider's route changes its order only if that gains so much, in minutes.
    pub reroute_gain: f64,
}

impl Default for Tuning {
    /// The live side plans by its own rules.
    fn default() -> Self {
        Self {
            weights: Weights::of(Rules::Own),
            scoring: Scoring::default(),
            withdraw_gain: 8.0,
            reroute_gain: 2.0,
        }
    }
}

/// Largest value of a weight that is set by name.
pub const WEIGHT_MAX: f64 = 1_000.0;

/// A weight that cannot be set.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TuningError {
    /// Not `name=number`.
    #[error("`{0}` is not name=number")]
    Malformed(String),
    /// No such weight.
    #[error("there is no weight `{0}`; there are {names}", names = Tuning::NAMES.join(", "))]
    Unknown(String),
    /// Outside of what makes sense.
    #[error("`{0}` must be 0 to 1000")]
    OutOfRange(String),
}

impl Tuning {
    /// The names that can be set.
    pub const NAMES: [&str; 14] = [
        "click-to-door",
        "past-promise",
        "past-limit",
        "food-waiting",
        "rider-busy",
        "driving",
        "outlook",
        "declining",
        "silence",
        "silence-in-a-row",
        "idle",
        "fairness",
        "withdraw-gain",
        "reroute-gain",
    ];

    /// The defaults with some weights set: `name=number`, each.
    ///
    /// # Errors
    ///
    /// [`TuningError`] for the first that cannot be set.
    pub fn read<'a>(given: impl IntoIterator<Item = &'a str>) -> Result<Self, TuningError> {
        let mut tuning = Self::default();
        for it in given {
            let malformed = || TuningError::Malformed(it.to_owned());
            let (name, number) = it.split_once('=').ok_or_else(malformed)?;
            let number: f64 = number.trim().parse().map_err(|_| malformed())?;
            let name = name.trim();
            if !(0.0..=WEIGHT_MAX).contains(&number) {
                return Err(TuningError::OutOfRange(name.to_owned()));
            }
            *tuning.named(name).ok_or_else(|| TuningError::Unknown(name.to_owned()))? = number;
        }
        Ok(tuning)
    }

    fn named(&mut self, name: &str) -> Option<&mut f64> {
        let (weights, scoring) = (&mut self.weights, &mut self.scoring);
        Some(match name {
            "click-to-door" => &mut weights.click_to_door,
            "past-promise" => &mut weights.past_promise,
            "past-limit" => &mut weights.past_limit,
            "food-waiting" => &mut weights.food_waiting,
            "rider-busy" => &mut weights.rider_busy,
            "driving" => &mut weights.driving,
            "outlook" => &mut weights.outlook,
            "declining" => &mut scoring.declining,
            "silence" => &mut scoring.silence,
            "silence-in-a-row" => &mut scoring.silence_in_a_row,
            "idle" => &mut scoring.idle,
            "fairness" => &mut scoring.fairness,
            "withdraw-gain" => &mut self.withdraw_gain,
            "reroute-gain" => &mut self.reroute_gain,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_sets_a_weight_of_its_own() {
        let mut seen = Vec::new();
        for name in Tuning::NAMES {
            let set = Tuning::read([format!("{name}=77").as_str()]).unwrap();
            assert!(set != Tuning::default() && !seen.contains(&set), "{name}");
            seen.push(set);
        }
    }

    #[test]
    fn what_cannot_be_set_says_why() {
        let fault = |text: &str| Tuning::read([text]).unwrap_err().to_string();
        assert!(fault("fairness").contains("name=number"));
        assert!(fault("fairness=much").contains("name=number"));
        assert!(fault("speed=1").contains("there are click-to-door"));
        for bad in ["-1", "1001", "NaN"] {
            assert!(fault(&format!("idle={bad}")).contains("0 to 1000"), "{bad}");
        }
        assert_eq!(Tuning::read([]), Ok(Tuning::default()));
    }
}
