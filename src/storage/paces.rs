//! What was seen of legs: means of the times they took over the times estimated.

use std::collections::BTreeMap;

use domain::{
    pace::{Basis, Paces, REMEMBERED, Seen},
    travel::Vehicle,
};

use crate::{
    args,
    columns::word,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

/// Stands for all hours of the day.
const WHOLE_DAY: i32 = -1;

/// What is known of one region: by what estimates came from, and by vehicle.
pub type RegionPaces = BTreeMap<(Basis, Vehicle), Paces>;

/// One more leg.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLeg {
    /// In which region.
    pub region: String,
    /// What its estimate came from.
    pub basis: Basis,
    /// With what it was ridden.
    pub vehicle: Vehicle,
    /// In which hour (UTC) it began.
    pub hour: usize,
    /// What it adds to the sums.
    pub ln: f64,
}

#[derive(sqlx::FromRow)]
struct PaceRow {
    basis: String,
    vehicle: String,
    at_hour: i32,
    n: f64,
    sum_ln: f64,
}

/// Adds finished legs to the means that they belong to.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn learn(tx: &mut Tx, legs: &[NewLeg]) -> Result<(), StoreError> {
    let verb = dialect::insert_or_keep(tx.is_mysql());
    let make = format!(
        "{verb} into travel_seen (region, basis, vehicle, at_hour, n, sum_ln) values (?, ?, ?, ?, 0, 0)"
    );
    let kept = 1.0 - 1.0 / REMEMBERED;
    for leg in legs {
        let NewLeg { region, basis, vehicle, hour, ln } = leg;
        for at_hour in [WHOLE_DAY, *hour as i32] {
            let (basis, vehicle) = (basis.as_str(), vehicle.as_str());
            tx.exec(&make, args![region.as_str(), basis, vehicle, at_hour]).await?;
            tx.exec(
                "update travel_seen set n = n * ? + 1, sum_ln = sum_ln * ? + ?
                  where region = ? and basis = ? and vehicle = ? and at_hour = ?",
                args![kept, kept, *ln, region.as_str(), basis, vehicle, at_hour],
            )
            .await?;
        }
    }
    Ok(())
}

/// What is known of a region.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn of_region(reader: &mut impl Reader, region: &str) -> Result<RegionPaces, StoreError> {
    let rows: Vec<PaceRow> = reader
        .all(
            "select basis, vehicle, at_hour, n, sum_ln from travel_seen where region = ?",
            args![region],
        )
        .await?;
    let mut found = RegionPaces::new();
    for row in rows {
        let basis = word("travel_seen.basis", &row.basis, Basis::from_text)?;
        let vehicle = word("travel_seen.vehicle", &row.vehicle, Vehicle::from_text)?;
        let paces = found.entry((basis, vehicle)).or_default();
        let seen = Seen { n: row.n, sum_ln: row.sum_ln };
        match usize::try_from(row.at_hour) {
            Err(_) => paces.day = seen,
            Ok(hour) => paces.hours.get_mut(hour).into_iter().for_each(|it| *it = seen),
        }
    }
    Ok(found)
}
