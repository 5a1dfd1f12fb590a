//! Where people order, for riders and operators.

use std::time::Duration;

use domain::{
    clock::Timestamp,
    demand::{Heat, LOOK_BACK_MS, heat_map},
    role::{Profile, Role},
};
use storage::deliveries;

use crate::{error::AskError, platform::Platform};

/// The demand of a region now.
#[derive(Debug, Clone)]
pub struct Demand {
    /// The hottest cells first.
    pub cells: Vec<Heat>,
    /// When it was reckoned.
    pub at: Timestamp,
}

/// The demand in a region, by the cells of the stores of its recent orders.
///
/// # Errors
///
/// [`AskError::WrongRole`] for customers and merchants.
pub async fn of_region(platform: &Platform, by: Profile, region: &str) -> Result<Demand, AskError> {
    match by {
        Profile::Rider(_) | Profile::Operator(_) => {}
        Profile::Customer(_) | Profile::Merchant(_) => {
            return Err(AskError::WrongRole { needed: Role::Rider });
        }
    }
    let at = platform.now();
    let since = at - Duration::from_millis(LOOK_BACK_MS.unsigned_abs());
    let orders = deliveries::list_recent_cells(&mut platform.reader(), region, since).await?;
    Ok(Demand { cells: heat_map(orders, at), at })
}
