//! What was ordered, at the names and prices of that moment.

use domain::{
    cart::Quantity,
    ids::{OrderId, ProductId},
    money::Money,
    options::Chosen,
};

use crate::{
    args,
    choices::{read_chosen, write_chosen},
    columns::{currency, parsed},
    db::{Reader, Tx},
    error::StoreError,
};

/// Pieces of one product, at the name and price of the moment of ordering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLine {
    /// Which product.
    pub product_id: ProductId,
    /// What it was called.
    pub name: String,
    /// What was chosen with it.
    pub options: Vec<Chosen>,
    /// What one piece cost, with its options.
    pub unit: Money,
    /// What the packing of one piece cost; it is not part of `total`.
    pub packing: Money,
    /// How many.
    pub quantity: Quantity,
    /// All of them together.
    pub total: Money,
}

#[derive(sqlx::FromRow)]
struct LineRow {
    product_id: String,
    name: String,
    options: Option<String>,
    unit_minor: i64,
    packing_minor: i64,
    quantity: i64,
    total_minor: i64,
    currency: String,
}

impl LineRow {
    fn read(self) -> Result<StoredLine, StoreError> {
        let currency = currency("order_line.currency", &self.currency)?;
        Ok(StoredLine {
            product_id: parsed("order_line.product_id", &self.product_id)?,
            options: read_chosen(self.options.as_deref(), currency)?,
            unit: Money::from_minor(self.unit_minor, currency),
            packing: Money::from_minor(self.packing_minor, currency),
            total: Money::from_minor(self.total_minor, currency),
            quantity: Quantity::new(self.quantity)
                .map_err(|_| StoreError::corrupt("order_line.quantity", self.quantity))?,
            name: self.name,
        })
    }
}

/// Writes the lines of a new order, numbered from 1.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn insert(
    tx: &mut Tx,
    order_id: OrderId,
    lines: &[StoredLine],
) -> Result<(), StoreError> {
    for (at, line) in lines.iter().enumerate() {
        tx.exec(
            "insert into order_line (order_id, line_no, product_id, name, options, unit_minor,
                packing_minor, quantity, total_minor, currency)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            args![
                order_id,
                at + 1,
                line.product_id,
                &line.name,
                write_chosen(&line.options)?,
                line.unit.minor(),
                line.packing.minor(),
                line.quantity.get(),
                line.total.minor(),
                line.total.currency().code()
            ],
        )
        .await?;
    }
    Ok(())
}

/// The lines of an order, in the order of their numbers.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<Vec<StoredLine>, StoreError> {
    let rows: Vec<LineRow> = reader
        .all(
            "select product_id, name, options, unit_minor, packing_minor, quantity, total_minor,
                currency
               from order_line where order_id = ? order by line_no",
            args![order_id],
        )
        .await?;
    rows.into_iter().map(LineRow::read).collect()
}
