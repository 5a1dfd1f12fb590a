//! Pieces that ran out while an order was made, and what came of them.

use domain::{
    cart::Quantity,
    clock::Timestamp,
    ids::OrderId,
    money::{Currency, Money},
    text_enum::text_enum,
};
use serde::{Deserialize, Serialize};

use crate::{
    args,
    choices::{read_chosen, write_chosen},
    columns::{currency, instant, parsed, word},
    db::{Reader, Tx},
    error::StoreError,
    events,
    order_lines::StoredLine,
};

text_enum! {
    /// What came of missing pieces.
    pub enum ShortageState {
        /// The customer is asked.
        Open => "open",
        /// The customer takes the substitute.
        Substituted => "substituted",
        /// The money went back.
        Refunded => "refunded",
        /// The order ended before anybody answered.
        Lapsed => "lapsed",
    }
}

/// Missing pieces of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// Number of the shortage within its order, from 1.
    pub no: u32,
    /// Of which line, from 1.
    pub line_no: u32,
    /// How many pieces.
    pub missing: u32,
    /// What came of it.
    pub state: ShortageState,
    /// What the store offers instead; `None` for money only.
    pub substitute: Option<StoredLine>,
    /// What goes back, or goes back if the customer takes the substitute.
    pub refund: Money,
    /// When the store said so.
    pub raised_at: Timestamp,
    /// Until when the customer may answer; `None` if nobody is asked.
    pub answer_by: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct SubstituteText {
    product: String,
    name: String,
    options: Option<String>,
    unit: i64,
    packing: i64,
    quantity: i64,
}

#[derive(sqlx::FromRow)]
struct ShortageRow {
    shortage_no: i64,
    line_no: i64,
    missing: i64,
    state: String,
    substitute: Option<String>,
    refund_minor: i64,
    currency: String,
    raised_at_ms: i64,
    answer_by_ms: Option<i64>,
}

const SUBSTITUTE: &str = "order_shortage.substitute";

fn write_substitute(line: &StoredLine) -> Result<String, StoreError> {
    events::json(&SubstituteText {
        product: line.product_id.to_string(),
        name: line.name.clone(),
        options: write_chosen(&line.options)?,
        unit: line.unit.minor(),
        packing: line.packing.minor(),
        quantity: i64::from(line.quantity.get()),
    })
}

fn read_substitute(stored: &str, currency: Currency) -> Result<StoredLine, StoreError> {
    let corrupt = || StoreError::corrupt(SUBSTITUTE, stored);
    let text: SubstituteText = events::read_json(stored.as_bytes()).ok_or_else(corrupt)?;
    let unit = Money::from_minor(text.unit, currency);
    let quantity = Quantity::new(text.quantity).map_err(|_| corrupt())?;
    Ok(StoredLine {
        product_id: parsed(SUBSTITUTE, &text.product)?,
        name: text.name,
        options: read_chosen(text.options.as_deref(), currency)?,
        unit,
        packing: Money::from_minor(text.packing, currency),
        quantity,
        total: unit.checked_mul(quantity.get()).map_err(|_| corrupt())?,
    })
}

impl ShortageRow {
    fn read(self) -> Result<Shortage, StoreError> {
        let currency = currency("order_shortage.currency", &self.currency)?;
        let small = |it: i64| u32::try_from(it).map_err(|_| StoreError::corrupt("shortage", it));
        let substitute = self.substitute.as_deref();
        Ok(Shortage {
            no: small(self.shortage_no)?,
            line_no: small(self.line_no)?,
            missing: small(self.missing)?,
            state: word("order_shortage.state", &self.state, ShortageState::from_text)?,
            substitute: substitute.map(|it| read_substitute(it, currency)).transpose()?,
            refund: Money::from_minor(self.refund_minor, currency),
            raised_at: Timestamp::from_ms(self.raised_at_ms),
            answer_by: instant(self.answer_by_ms),
        })
    }
}

/// What ran out of an order, in the order in which it was said.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<Vec<Shortage>, StoreError> {
    let rows: Vec<ShortageRow> = reader
        .all(
            "select shortage_no, line_no, missing, state, substitute, refund_minor, currency,
                raised_at_ms, answer_by_ms
               from order_shortage where order_id = ? order by shortage_no",
            args![order_id],
        )
        .await?;
    rows.into_iter().map(ShortageRow::read).collect()
}

/// Writes a new shortage. The order is locked by the caller.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert(tx: &mut Tx, order_id: OrderId, shortage: &Shortage) -> Result<(), StoreError> {
    tx.exec(
        "insert into order_shortage (order_id, shortage_no, line_no, missing, state, substitute,
            refund_minor, currency, raised_at_ms, answer_by_ms)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            order_id,
            shortage.no,
            shortage.line_no,
            shortage.missing,
            shortage.state.as_str(),
            shortage.substitute.as_ref().map(write_substitute).transpose()?,
            shortage.refund.minor(),
            shortage.refund.currency().code(),
            shortage.raised_at,
            shortage.answer_by
        ],
    )
    .await?;
    Ok(())
}

/// Says what came of a shortage, and what went back.
///
/// # Errors
///
/// [`StoreError::Conflict`] if it is not open any more.
pub async fn close(
    tx: &mut Tx,
    order_id: OrderId,
    no: u32,
    state: ShortageState,
    refund: Money,
) -> Result<(), StoreError> {
    let n = tx
        .exec(
            "update order_shortage set state = ?, refund_minor = ?
              where order_id = ? and shortage_no = ? and state = 'open'",
            args![state.as_str(), refund.minor(), order_id, no],
        )
        .await?;
    if n == 1 { Ok(()) } else { Err(StoreError::conflict("shortage", no)) }
}
