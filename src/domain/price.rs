//! What an order costs, and why: a breakdown that sums to the charged amount exactly.

use crate::{
    cart::Quantity,
    ids::ProductId,
    money::{Money, MoneyError},
};

/// Highest price of one piece and highest total of an order, in minor units.
pub const MINOR_MAX: i64 = 1_000_000_000_000;

/// Pieces of one product at the price of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PricedLine {
    /// Which product.
    pub product_id: ProductId,
    /// What one piece costs.
    pub unit: Money,
    /// How many.
    pub quantity: Quantity,
    /// All of them together.
    pub total: Money,
}

/// The whole breakdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// One row a product.
    pub lines: Vec<PricedLine>,
    /// Sum of the lines.
    pub items: Money,
    /// What the delivery costs.
    pub delivery_fee: Money,
    /// What is charged: items and delivery.
    pub total: Money,
}

/// The order cannot be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// The numbers do not go together.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A price below zero, or above [`MINOR_MAX`].
    #[error("an amount is from 0 to {MINOR_MAX} minor units")]
    OutOfRange,
    /// Less than the store delivers for.
    #[error("the store delivers from {min} on; the items cost {items}")]
    BelowMinimum {
        /// The least the items must cost.
        min: Money,
        /// What they cost.
        items: Money,
    },
}

impl Price {
    /// Prices products that are all sold in the currency of `delivery_fee`.
    ///
    /// # Errors
    ///
    /// [`PriceError`] if currencies differ, a sum is too large or the minimum is not reached.
    pub fn of(
        asked: &[(ProductId, Money, Quantity)],
        delivery_fee: Money,
        min_order: Money,
    ) -> Result<Self, PriceError> {
        let mut items = Money::from_minor(0, delivery_fee.currency());
        let mut lines = Vec::with_capacity(asked.len());
        for &(product_id, unit, quantity) in asked {
            in_range(unit)?;
            let total = unit.checked_mul(quantity.get())?;
            items = items.checked_add(total)?;
            lines.push(PricedLine { product_id, unit, quantity, total });
        }
        if min_order.currency() == items.currency() && items.minor() < min_order.minor() {
            return Err(PriceError::BelowMinimum { min: min_order, items });
        }
        in_range(delivery_fee)?;
        let total = in_range(items.checked_add(delivery_fee)?)?;
        Ok(Self { lines, items, delivery_fee, total })
    }
}

/// Checks that an amount is from 0 to [`MINOR_MAX`].
///
/// # Errors
///
/// [`PriceError::OutOfRange`] if it is not.
pub fn in_range(amount: Money) -> Result<Money, PriceError> {
    if (0..=MINOR_MAX).contains(&amount.minor()) { Ok(amount) } else { Err(PriceError::OutOfRange) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    fn cny(minor: i64) -> Money {
        Money::from_minor(minor, Currency::Cny)
    }

    fn asked(unit: Money, quantity: i64) -> (ProductId, Money, Quantity) {
        (ProductId::generate(), unit, Quantity::new(quantity).expect("in range"))
    }

    #[test]
    fn negative_prices_and_foreign_currencies_are_refused() {
        let price = |unit| Price::of(&[asked(unit, 1)], cny(300), cny(0));
        assert_eq!(price(cny(-1)), Err(PriceError::OutOfRange));
        assert_eq!(price(cny(i64::MAX)), Err(PriceError::OutOfRange));
        let usd = Money::from_minor(100, Currency::Usd);
        assert!(matches!(price(usd), Err(PriceError::Money(_))));
    }

    #[test]
    fn the_minimum_counts_items_only() {
        let below = Price::of(&[asked(cny(999), 2)], cny(500), cny(2_000));
        assert!(matches!(below, Err(PriceError::BelowMinimum { .. })));
        assert!(Price::of(&[asked(cny(1_000), 2)], cny(500), cny(2_000)).is_ok());
    }

    proptest! {
        #[test]
        fn the_breakdown_sums_to_the_total(
            lines in prop::collection::vec((0_i64..1_000_000, 1_i64..=99), 1..50),
            fee in 0_i64..10_000,
        ) {
            let asked: Vec<_> = lines.iter().map(|&(unit, n)| asked(cny(unit), n)).collect();
            let price = Price::of(&asked, cny(fee), cny(0)).expect("all in range");
            let by_hand: i64 = lines.iter().map(|(unit, n)| unit * n).sum();
            let by_line: i64 = price.lines.iter().map(|it| it.total.minor()).sum();
            prop_assert_eq!(price.items.minor(), by_hand);
            prop_assert_eq!(by_line, by_hand);
            prop_assert_eq!(price.total.minor(), by_hand + price.delivery_fee.minor());
        }
    }
}
