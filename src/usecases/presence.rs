//! Who of an order's parties is there.

use domain::ids::OrderId;
use schemars::JsonSchema;
use serde::Serialize;
use storage::{error::StoreError, presence};

use crate::{channels, platform::Platform};

/// Whether a party of an order is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Seen {
    /// Who.
    pub profile: String,
    /// In which role.
    pub role: &'static str,
    /// Whether any of its devices is connected.
    pub on: bool,
    /// Since when, in UTC milliseconds; `null` if it was never there.
    pub at: Option<i64>,
}

/// Who of an order's parties is there now.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn of_order(platform: &Platform, order_id: OrderId) -> Result<Vec<Seen>, StoreError> {
    let mut reader = platform.reader();
    let parties = channels::parties(&mut reader, order_id).await?;
    let states = presence::states(&mut reader, &parties).await?;
    let seen = |profile| {
        let state = states.iter().find(|it| it.profile == profile);
        Seen {
            profile: profile.to_string(),
            role: profile.role().as_str(),
            on: state.is_some_and(|it| it.is_on),
            at: state.map(|it| it.at.ms()),
        }
    };
    Ok(parties.into_iter().map(seen).collect())
}
