//! Where people order: recent orders by cell, old ones counting less and less.

use std::collections::HashMap;

use crate::clock::Timestamp;

/// After so long an order counts half, in milliseconds.
pub const HALF_LIFE_MS: i64 = 20 * 60_000;
/// Orders from before count nothing, in milliseconds.
pub const LOOK_BACK_MS: i64 = 2 * 3_600_000;
/// Cells that are told at most, the hottest.
pub const CELLS_MAX: usize = 500;

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Heat {
    /// Geohash.
    pub cell: String,
    /// Orders in the time that is looked at.
    pub n_orders: u32,
    /// The same with old ones counting less.
    pub heat: f64,
}

/// The demand of each cell, the hottest first, from the cell and time of each order.
pub fn heat_map(
    orders: impl IntoIterator<Item = (String, Timestamp)>,
    now: Timestamp,
) -> Vec<Heat> {
    let mut cells: HashMap<String, (u32, f64)> = HashMap::new();
    for (cell, at) in orders {
        let age = now.ms_since(at).max(0);
        if age > LOOK_BACK_MS {
            continue;
        }
        let (n_orders, heat) = cells.entry(cell).or_default();
        *n_orders += 1;
        *heat += 0.5_f64.powf(age as f64 / HALF_LIFE_MS as f64);
    }
    let mut map: Vec<Heat> =
        cells.into_iter().map(|(cell, (n_orders, heat))| Heat { cell, n_orders, heat }).collect();
    map.sort_by(|a, b| b.heat.total_cmp(&a.heat).then_with(|| a.cell.cmp(&b.cell)));
    map.truncate(CELLS_MAX);
    map
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    fn order(cell: &str, ago_ms: i64) -> (String, Timestamp) {
        (cell.to_owned(), Timestamp::from_ms(NOON.ms() - ago_ms))
    }

    #[test]
    fn old_orders_count_less_and_then_nothing() {
        let orders = [
            order("wtw3sj", HALF_LIFE_MS),
            order("wtw3sj", HALF_LIFE_MS),
            order("wtw3sm", 0),
            order("wtw3sm", 0),
            order("wtw3sq", LOOK_BACK_MS + 1),
        ];
        let map = heat_map(orders, NOON);
        let seen: Vec<_> = map.iter().map(|it| (it.cell.as_str(), it.n_orders, it.heat)).collect();
        assert_eq!(seen, [("wtw3sm", 2, 2.0), ("wtw3sj", 2, 1.0)]);
    }

    proptest! {
        #[test]
        fn the_map_is_sorted_bounded_and_loses_no_recent_order(
            ages in prop::collection::vec((0..40_u32, 0..LOOK_BACK_MS), 0..200),
        ) {
            let orders = ages.iter().map(|(cell, ago)| order(&format!("c{cell}"), *ago));
            let map = heat_map(orders, NOON);
            prop_assert!(map.len() <= CELLS_MAX);
            prop_assert!(map.windows(2).all(|it| it[0].heat >= it[1].heat));
            let n: u32 = map.iter().map(|it| it.n_orders).sum();
            prop_assert_eq!(n as usize, ages.len());
            prop_assert!(map.iter().all(|it| it.heat > 0.0 && it.heat <= f64::from(it.n_orders)));
        }
    }
}
