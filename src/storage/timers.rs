//! Deadlines as rows: any node may take one that is due, and exactly one carries it out.

use domain::{clock::Timestamp, text_enum::text_enum};

use crate::{
    args,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

/// Timers taken in one round at most.
pub const DUE_MAX: u32 = 200;

text_enum! {
    /// What happens when a timer is due.
    pub enum TimerKind {
        /// Nobody paid the order in time. Subject: the order.
        OrderUnpaid => "order_unpaid",
        /// The store did not answer a paid order. Subject: the order.
        OrderUnaccepted => "order_unaccepted",
        /// The kitchen is to begin with an order for later. Subject: the order.
        OrderRelease => "order_release",
        /// The store has not acted; its bell rings again. Subject: the order.
        StoreReminder => "store_reminder",
        /// The store did not answer a customer who wants to call the order off. Subject: the order.
        CancelConsent => "cancel_consent",
        /// The customer did not answer about a substitute. Subject: the order and a number.
        Substitution => "substitution",
        /// Nobody confirmed the receipt. Subject: the order.
        OrderAutoComplete => "order_auto_complete",
        /// Still no rider is found. Subject: the order.
        RiderSearch => "rider_search",
        /// The rider did not answer an offer. Subject: the offer.
        OfferExpiry => "offer_expiry",
        /// Nobody used a file, or it was taken back. Subject: the attachment.
        AttachmentExpiry => "attachment_expiry",
        /// Money must be given back, or asked for again. Subject: the refund.
        RefundRetry => "refund_retry",
        /// A stock is counted anew each day. Subject: the product.
        StockReset => "stock_reset",
    }
}

/// A deadline that has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// What is to happen.
    pub kind: TimerKind,
    /// The id of what it happens to.
    pub subject: String,
    /// When it was due.
    pub due: Timestamp,
}

#[derive(sqlx::FromRow)]
struct DueRow {
    kind: String,
    subject: String,
    due_ms: i64,
}

/// Sets a timer, or moves it if it is set.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn set(
    tx: &mut Tx,
    kind: TimerKind,
    subject: &str,
    due: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(dialect::set_timer(tx.is_mysql()), args![kind.as_str(), subject, due]).await?;
    Ok(())
}

/// Clears a timer; nothing happens if it is not set. `true` if it was.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn clear(tx: &mut Tx, kind: TimerKind, subject: &str) -> Result<bool, StoreError> {
    let n = tx
        .exec("delete from timer where kind = ? and subject = ?", args![kind.as_str(), subject])
        .await?;
    Ok(n > 0)
}

/// Takes one due timer out, in the transaction that carries it out. `false` if another node was
/// faster or the timer was moved meanwhile.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn take(tx: &mut Tx, due: &Due) -> Result<bool, StoreError> {
    let n = tx
        .exec(
            "delete from timer where kind = ? and subject = ? and due_ms = ?",
            args![due.kind.as_str(), &due.subject, due.due],
        )
        .await?;
    Ok(n > 0)
}

/// Timers that are due, the oldest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn due(reader: &mut impl Reader, now: Timestamp) -> Result<Vec<Due>, StoreError> {
    let rows: Vec<DueRow> = reader
        .all(
            "select kind, subject, due_ms from timer where due_ms <= ? order by due_ms limit ?",
            args![now, DUE_MAX],
        )
        .await?;
    let known = rows.into_iter().filter_map(|row| {
        let Some(kind) = TimerKind::from_text(&row.kind) else {
            // A newer node set it and will carry it out; the others' deadlines must not wait.
            tracing::warn!(kind = %row.kind, "a timer of a kind that this version does not know");
            return None;
        };
        Some(Due { kind, subject: row.subject, due: Timestamp::from_ms(row.due_ms) })
    });
    Ok(known.collect())
}
