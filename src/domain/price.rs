//! What an order costs, and why: a breakdown that sums to the charged amount exactly.

use crate::{
    cart::Quantity,
    ids::ProductId,
    money::{Currency, Money, MoneyError},
};

/// Highest price of one piece and highest total of an order, in minor units.
pub const MINOR_MAX: i64 = 1_000_000_000_000;
/// Metres of a kilometre, by which the way to the door is charged.
const KM_M: u32 = 1_000;

/// Pieces of one product with what was chosen with it, as they are sold now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedLine {
    /// Which product.
    pub product_id: ProductId,
    /// What one piece costs, with its options.
    pub unit: Money,
    /// What the packing of one piece costs.
    pub packing: Money,
    /// How many.
    pub quantity: Quantity,
}

/// Pieces of one product at the price of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PricedLine {
    /// Which product.
    pub product_id: ProductId,
    /// What one piece costs, with its options.
    pub unit: Money,
    /// What the packing of one piece costs; it is not part of `total`.
    pub packing: Money,
    /// How many.
    pub quantity: Quantity,
    /// All of them together.
    pub total: Money,
}

/// What a store asks for beside its products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeRules {
    /// What the delivery costs at least.
    pub base: Money,
    /// Metres that the base fee covers.
    pub included_m: u32,
    /// For each further kilometre that was begun.
    pub per_km: Money,
    /// Items from this amount on are delivered without a fee; `None` for never.
    pub free_from: Option<Money>,
    /// For the packing of an order, beside that of its products.
    pub packing: Money,
}

/// All that the price of an order depends on.
#[derive(Debug, Clone, Copy)]
pub struct PriceAsk<'a> {
    /// What is asked for.
    pub lines: &'a [AskedLine],
    /// What the store asks for beside its products.
    pub rules: FeeRules,
    /// The least that the items must cost.
    pub min_order: Money,
    /// How far the door is from the store; `None` if the customer fetches it.
    pub way_m: Option<u32>,
    /// What the customer gives the rider.
    pub tip: Money,
}

/// The parts of a price. `total` is items, packing, delivery fee and tip, less the discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breakdown {
    /// Sum of the lines.
    pub items: Money,
    /// Packing of the pieces and of the order.
    pub packing: Money,
    /// What the customer pays for the delivery.
    pub delivery_fee: Money,
    /// What is taken off.
    pub discount: Money,
    /// What the customer gives the rider.
    pub tip: Money,
    /// What is charged.
    pub total: Money,
    /// What the rider's way is worth, also where the customer need not pay it. Not part of `total`.
    pub carriage: Money,
}

/// A whole price: each line, and the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// One row a product and choice.
    pub lines: Vec<PricedLine>,
    /// The sums.
    pub parts: Breakdown,
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

impl FeeRules {
    /// A flat fee, whatever the way and the items.
    pub const fn flat(base: Money) -> Self {
        let nothing = Money::from_minor(0, base.currency());
        Self { base, included_m: 0, per_km: nothing, free_from: None, packing: nothing }
    }

    /// What a way of `way_m` metres is worth.
    ///
    /// # Errors
    ///
    /// [`PriceError`] if a sum is too large.
    pub fn carriage(&self, way_m: u32) -> Result<Money, PriceError> {
        let beyond_km = way_m.saturating_sub(self.included_m).div_ceil(KM_M);
        in_range(self.base.checked_add(self.per_km.checked_mul(beyond_km)?)?)
    }

    fn is_free(&self, items: Money) -> bool {
        self.free_from.is_some_and(|from| items.minor() >= from.minor())
    }
}

impl Breakdown {
    /// Puts the parts together.
    ///
    /// # Errors
    ///
    /// [`PriceError`] if currencies differ, an amount is out of range, or more is taken off than
    /// there is.
    pub fn of(
        items: Money,
        packing: Money,
        delivery_fee: Money,
        discount: Money,
        tip: Money,
    ) -> Result<Self, PriceError> {
        for part in [items, packing, delivery_fee, discount, tip] {
            in_range(part)?;
        }
        let full = items.checked_add(packing)?.checked_add(delivery_fee)?.checked_add(tip)?;
        let total = in_range(full.checked_sub(discount)?)?;
        Ok(Self { items, packing, delivery_fee, discount, tip, total, carriage: delivery_fee })
    }

    /// The currency of all parts.
    pub const fn currency(&self) -> Currency {
        self.total.currency()
    }
}

impl Price {
    /// Prices products that are all sold in the currency of the store's fees.
    ///
    /// # Errors
    ///
    /// [`PriceError`] if currencies differ, a sum is too large or the minimum is not reached.
    pub fn of(ask: PriceAsk<'_>) -> Result<Self, PriceError> {
        let nothing = Money::from_minor(0, ask.rules.base.currency());
        let (mut items, mut packing) = (nothing, ask.rules.packing);
        let mut lines = Vec::with_capacity(ask.lines.len());
        for &AskedLine { product_id, unit, packing: of_piece, quantity } in ask.lines {
            in_range(unit)?;
            in_range(of_piece)?;
            let total = unit.checked_mul(quantity.get())?;
            items = items.checked_add(total)?;
            packing = packing.checked_add(of_piece.checked_mul(quantity.get())?)?;
            lines.push(PricedLine { product_id, unit, packing: of_piece, quantity, total });
        }
        let min = ask.min_order;
        if min.currency() == items.currency() && items.minor() < min.minor() {
            return Err(PriceError::BelowMinimum { min, items });
        }
        let carriage = ask.way_m.map_or(Ok(nothing), |way_m| ask.rules.carriage(way_m))?;
        let fee = if ask.rules.is_free(items) { nothing } else { carriage };
        let parts = Breakdown::of(items, packing, fee, nothing, ask.tip)?;
        Ok(Self { lines, parts: Breakdown { carriage, ..parts } })
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
#[path = "price_tests.rs"]
mod tests;
