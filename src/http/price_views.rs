//! What orders, quotes and carts cost, line by line and part by part.

use domain::{options::Chosen, price::Breakdown};
use serde::Serialize;
use storage::order_lines::StoredLine;
use utoipa::ToSchema;

/// Pieces of one product, at the name and price of the moment of ordering.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderLineView {
    /// Which product.
    pub product: String,
    /// What it was called.
    pub name: String,
    /// What was chosen with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<ChosenView>,
    /// How many.
    pub quantity: u32,
    /// What one piece cost, with its options, in minor units.
    pub unit_minor: i64,
    /// What the packing of one piece cost, in minor units; it is not part of the line's total.
    pub packing_minor: i64,
    /// All pieces together, in minor units.
    pub total_minor: i64,
}

/// An option that was chosen.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChosenView {
    /// The option.
    pub option: String,
    /// What its group is called.
    pub group: String,
    /// What it is called.
    pub name: String,
    /// What it adds to the price of one piece, in minor units.
    pub price_minor: i64,
}

/// What it costs and why: `total_minor` is items, packing, delivery fee and tip, less the discount.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceView {
    /// Sum of the lines, in minor units.
    pub items_minor: i64,
    /// Packing of the pieces and of the order, in minor units.
    pub packing_minor: i64,
    /// What the delivery costs, in minor units.
    pub delivery_fee_minor: i64,
    /// What is taken off, in minor units.
    pub discount_minor: i64,
    /// What the customer gives the rider, in minor units.
    pub tip_minor: i64,
    /// What is charged, in minor units.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: &'static str,
}

impl From<&Breakdown> for PriceView {
    fn from(it: &Breakdown) -> Self {
        Self {
            items_minor: it.items.minor(),
            packing_minor: it.packing.minor(),
            delivery_fee_minor: it.delivery_fee.minor(),
            discount_minor: it.discount.minor(),
            tip_minor: it.tip.minor(),
            total_minor: it.total.minor(),
            currency: it.currency().code(),
        }
    }
}

impl From<Chosen> for ChosenView {
    fn from(it: Chosen) -> Self {
        let (option, price_minor) = (it.id.to_string(), it.price.minor());
        Self { option, group: it.group, name: it.name, price_minor }
    }
}

impl From<StoredLine> for OrderLineView {
    fn from(it: StoredLine) -> Self {
        Self {
            product: it.product_id.to_string(),
            name: it.name,
            options: it.options.into_iter().map(ChosenView::from).collect(),
            quantity: it.quantity.get(),
            unit_minor: it.unit.minor(),
            packing_minor: it.packing.minor(),
            total_minor: it.total.minor(),
        }
    }
}
