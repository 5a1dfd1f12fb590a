//! The settings that rule how riders work and how long they are looked for.

use std::time::Duration;

use domain::{
    escalation::SearchPolicy,
    handover::{HandoverPolicy, Proof},
    policy::OrderPolicy,
};

use super::Settings;

/// Longest span of the business that can be set, in minutes: a year.
const MINUTES_MAX: u32 = 525_600;
/// Highest bonus that can be set, in percent of the pay.
const PERCENT_MAX: u32 = 1_000;

const fn minutes(n: u32) -> Duration {
    Duration::from_secs(n as u64 * 60)
}

impl Settings {
    /// Deadlines and limits of the business.
    pub fn order_policy(&self) -> OrderPolicy {
        let search = SearchPolicy {
            bonus_percent: self.bonus_percent,
            bonus_percent_max: self.bonus_percent_max,
            alarm_after: minutes(self.no_rider_alarm_min),
            stop_after: minutes(self.no_rider_stop_min),
            ..SearchPolicy::DEFAULT
        };
        let handover = HandoverPolicy {
            default_proof: Proof::from_text(&self.handover_proof)
                .unwrap_or(HandoverPolicy::DEFAULT.default_proof),
            is_door_photo_needed: self.door_photo,
        };
        OrderPolicy {
            search,
            handover,
            rider_silent: minutes(self.rider_silent_min),
            rider_standing: minutes(self.rider_standing_min),
            ..OrderPolicy::DEFAULT
        }
    }

    pub(super) fn work_faults(&self, must: &mut impl FnMut(bool, &str)) {
        let spans = [
            self.no_rider_alarm_min,
            self.no_rider_stop_min,
            self.rider_silent_min,
            self.rider_standing_min,
        ];
        must(
            spans.iter().all(|it| (1..=MINUTES_MAX).contains(it)),
            "no-rider-alarm-min, no-rider-stop-min, rider-silent-min and rider-standing-min must be \
             1 to 525600",
        );
        must(
            Proof::from_text(&self.handover_proof).is_some(),
            "handover-proof must be none, pin, photo or leave_at_door",
        );
        must(
            self.bonus_percent.max(self.bonus_percent_max) <= PERCENT_MAX,
            "bonus-percent and bonus-percent-max must be at most 1000",
        );
    }
}
