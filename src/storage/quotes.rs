//! Prices that were promised for some minutes.

use domain::{
    clock::Timestamp,
    ids::{CustomerId, QuoteId},
    text_enum::text_enum,
};

use crate::{
    args,
    columns::parsed,
    db::{Reader, Tx},
    error::StoreError,
};

/// Quotes removed by one placement at most: the old ones go as new ones come.
const SWEPT_MAX: u32 = 20;
/// A quote that ran out is kept for so long, so that whoever comes late is told why it does not hold.
const KEPT_MS: i64 = 24 * 3_600_000;

text_enum! {
    /// What a quote is about.
    pub enum QuoteKind {
        /// An order that may be placed. Subject: the store.
        Order => "order",
        /// Calling an order off. Subject: the order.
        Cancel => "cancel",
    }
}

/// A quote as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredQuote {
    /// Which quote.
    pub id: QuoteId,
    /// To whom it was promised.
    pub customer_id: CustomerId,
    /// What it is about.
    pub kind: QuoteKind,
    /// The store, or the order.
    pub subject: String,
    /// What was asked for, in a fixed spelling.
    pub asked: String,
    /// What was promised, as JSON.
    pub promised: String,
    /// Until when it holds.
    pub expires_at: Timestamp,
    /// What it was used for; `None` if it was not.
    pub used_for: Option<String>,
}

#[derive(sqlx::FromRow)]
struct QuoteRow {
    quote_id: String,
    customer_id: String,
    subject: String,
    asked: String,
    promised: String,
    expires_at_ms: i64,
    used_for: Option<String>,
}

#[derive(sqlx::FromRow)]
struct IdRow {
    quote_id: String,
}

/// Writes a new quote, and removes some that nobody can use any more.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn insert(tx: &mut Tx, quote: &StoredQuote, at: Timestamp) -> Result<(), StoreError> {
    let old: Vec<IdRow> = tx
        .all(
            "select quote_id from quote where expires_at_ms < ? order by expires_at_ms limit ?",
            args![Timestamp::from_ms(at.ms() - KEPT_MS), SWEPT_MAX],
        )
        .await?;
    for row in old {
        tx.exec("delete from quote where quote_id = ?", args![row.quote_id]).await?;
    }
    tx.exec(
        "insert into quote (quote_id, customer_id, kind, subject, asked, promised, expires_at_ms)
         values (?, ?, ?, ?, ?, ?, ?)",
        args![
            quote.id,
            quote.customer_id,
            quote.kind.as_str(),
            &quote.subject,
            &quote.asked,
            &quote.promised,
            quote.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// A quote that was promised to this customer.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    quote_id: QuoteId,
    customer_id: CustomerId,
    kind: QuoteKind,
) -> Result<Option<StoredQuote>, StoreError> {
    let row: Option<QuoteRow> = reader
        .opt(
            "select quote_id, customer_id, subject, asked, promised, expires_at_ms, used_for
               from quote where quote_id = ? and customer_id = ? and kind = ?",
            args![quote_id, customer_id, kind.as_str()],
        )
        .await?;
    row.map(|row| {
        Ok(StoredQuote {
            id: parsed("quote.quote_id", &row.quote_id)?,
            customer_id: parsed("quote.customer_id", &row.customer_id)?,
            kind,
            subject: row.subject,
            asked: row.asked,
            promised: row.promised,
            expires_at: Timestamp::from_ms(row.expires_at_ms),
            used_for: row.used_for,
        })
    })
    .transpose()
}

/// Uses a quote up; `false` if it was used before.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn use_up(tx: &mut Tx, quote_id: QuoteId, used_for: &str) -> Result<bool, StoreError> {
    let n = tx
        .exec(
            "update quote set used_for = ? where quote_id = ? and used_for is null",
            args![used_for, quote_id],
        )
        .await?;
    Ok(n == 1)
}
