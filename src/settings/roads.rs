//! The settings of times on roads.

use std::ops::RangeInclusive;

use domain::travel::Vehicle;
use reqwest::Url;

use super::Settings;

/// Milliseconds of patience that make sense: a cycle of the dispatcher is seconds.
const TIMEOUT_MS: RangeInclusive<u64> = 20..=5_000;
/// Stands for the name of a profile in the address.
pub(crate) const PROFILE_MARK: &str = "{profile}";
/// The profile of each vehicle unless told otherwise.
const PROFILES: [(Vehicle, &str); Vehicle::ALL.len()] = [
    (Vehicle::Walk, "foot"),
    (Vehicle::Bike, "bike"),
    (Vehicle::Scooter, "car"),
    (Vehicle::Car, "car"),
];

impl Settings {
    /// The name of each vehicle's profile, by vehicle; `None` if they are not well given.
    pub fn road_profiles(&self) -> Option<[String; Vehicle::ALL.len()]> {
        let mut names = PROFILES.map(|(_, name)| name.to_owned());
        for pair in &self.osrm_profiles {
            let (vehicle, name) = pair.split_once('=')?;
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_name) {
                return None;
            }
            name.clone_into(&mut names[Vehicle::from_text(vehicle)? as usize]);
        }
        Some(names)
    }

    pub(super) fn road_faults(&self, must: &mut impl FnMut(bool, &str)) {
        let is_address = |it: &String| {
            let url = Url::parse(&it.replace(PROFILE_MARK, "profile"));
            url.is_ok_and(|it| {
                matches!(it.scheme(), "http" | "https")
                    && it.has_host()
                    && it.query().is_none()
                    && it.fragment().is_none()
            })
        };
        must(
            self.osrm.as_ref().is_none_or(is_address),
            "osrm must be http://host:port or https://…, without ? and #",
        );
        must(
            self.road_profiles().is_some(),
            "osrm-profiles must be vehicle=profile with commas between; vehicles are walk, bike, \
             scooter and car",
        );
        must(TIMEOUT_MS.contains(&self.osrm_timeout_ms), "osrm-timeout-ms must be 20 to 5000");
    }
}
