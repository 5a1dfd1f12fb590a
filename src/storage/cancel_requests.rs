//! What customers asked for who wanted to call an order off after the free time.

use domain::{clock::Timestamp, ids::OrderId, money::Money, reason::Reason, text_enum::text_enum};

use crate::{
    args,
    columns::{money, word},
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

text_enum! {
    /// What came of a request.
    pub enum RequestState {
        /// The store has not answered.
        Open => "open",
        /// The store agreed, or was silent for too long.
        Agreed => "agreed",
        /// The store did not agree.
        Refused => "refused",
        /// The order moved on before anybody answered.
        Lapsed => "lapsed",
    }
}

/// A request as it is stored. An order has one at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelRequest {
    /// What came of it.
    pub state: RequestState,
    /// Why; `None` if the customer did not say.
    pub reason: Option<Reason>,
    /// What the customer pays all the same if the store agrees.
    pub fee: Money,
    /// When it was asked.
    pub requested_at: Timestamp,
    /// From when on silence is agreement.
    pub answer_by: Timestamp,
}

#[derive(sqlx::FromRow)]
struct RequestRow {
    state: String,
    reason: Option<String>,
    fee_minor: i64,
    currency: String,
    requested_at_ms: i64,
    answer_by_ms: i64,
}

/// The request about an order, if there is or was one.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<Option<CancelRequest>, StoreError> {
    let row: Option<RequestRow> = reader
        .opt(
            "select state, reason, fee_minor, currency, requested_at_ms, answer_by_ms
               from cancel_request where order_id = ?",
            args![order_id],
        )
        .await?;
    row.map(|row| {
        Ok(CancelRequest {
            state: word("cancel_request.state", &row.state, RequestState::from_text)?,
            reason: row.reason.as_deref().and_then(Reason::from_text),
            fee: money("cancel_request.currency", row.fee_minor, &row.currency)?,
            requested_at: Timestamp::from_ms(row.requested_at_ms),
            answer_by: Timestamp::from_ms(row.answer_by_ms),
        })
    })
    .transpose()
}

/// Writes a request, in the place of an earlier one. The order is locked by the caller.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save(
    tx: &mut Tx,
    order_id: OrderId,
    request: &CancelRequest,
) -> Result<(), StoreError> {
    let columns = ["state", "reason", "fee_minor", "requested_at_ms", "answer_by_ms"];
    let tail = dialect::or_update(tx.is_mysql(), "order_id", &columns);
    let sql = format!(
        "insert into cancel_request (order_id, state, reason, fee_minor, currency, requested_at_ms,
            answer_by_ms)
         values (?, ?, ?, ?, ?, ?, ?){tail}"
    );
    let values = args![
        order_id,
        request.state.as_str(),
        request.reason.map(Reason::as_str),
        request.fee.minor(),
        request.fee.currency().code(),
        request.requested_at,
        request.answer_by
    ];
    tx.exec(&sql, values).await?;
    Ok(())
}
