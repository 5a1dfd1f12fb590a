//! Payments, what providers said about them, and refunds.

use domain::{
    clock::Timestamp,
    ids::{OrderId, PaymentId, RefundId},
    money::Money,
    payment::{FactKind, Payment, Refund},
    payment_state::PaymentState,
    reason::Reason,
    refund_state::RefundState,
    text_enum::text_enum,
};

use crate::{
    args,
    columns::{money, parsed, word},
    db::{Reader, Tx},
    error::StoreError,
};

text_enum! {
    /// What became of something a provider told us.
    pub enum FactOutcome {
        /// It moved a payment or a refund.
        Applied => "applied",
        /// The money was of no use any more and goes back.
        PaidBack => "paid_back",
        /// We knew.
        Known => "known",
        /// Amount or currency are not what we asked for: not applied, for people to look at.
        Mismatch => "mismatch",
        /// It speaks of nothing of ours.
        Unknown => "unknown",
    }
}

/// A payment with what its provider calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPayment {
    /// What the rules see.
    pub payment: Payment,
    /// Which provider.
    pub provider: String,
    /// The provider's name for it.
    pub provider_ref: String,
    /// Until when it may be paid.
    pub expires_at: Timestamp,
}

/// Something a provider told us, verified and in our words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderFact {
    /// Which provider.
    pub provider: &'static str,
    /// The provider's own id of this event, the same each time it is sent.
    pub provider_event_id: String,
    /// What happened.
    pub kind: FactKind,
    /// The payment or refund it speaks of, as we named it to the provider.
    pub our_ref: String,
    /// The provider's name for it.
    pub provider_ref: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// ISO 4217, as the provider says.
    pub currency: String,
    /// When it happened, as the provider says.
    pub occurred_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct PaymentRow {
    payment_id: String,
    order_id: String,
    provider: String,
    provider_ref: String,
    state: String,
    version: i64,
    amount_minor: i64,
    currency: String,
    expires_at_ms: i64,
}

const COLUMNS: &str = "payment_id, order_id, provider, provider_ref, state, version, amount_minor,
    currency, expires_at_ms";

impl PaymentRow {
    fn read(self) -> Result<StoredPayment, StoreError> {
        let payment = Payment {
            id: parsed("payment.payment_id", &self.payment_id)?,
            order_id: parsed("payment.order_id", &self.order_id)?,
            state: word("payment.state", &self.state, PaymentState::from_text)?,
            version: self.version,
            amount: money("payment.currency", self.amount_minor, &self.currency)?,
        };
        Ok(StoredPayment {
            payment,
            provider: self.provider,
            provider_ref: self.provider_ref,
            expires_at: Timestamp::from_ms(self.expires_at_ms),
        })
    }
}

/// Writes a new attempt to pay.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert(tx: &mut Tx, stored: &StoredPayment, at: Timestamp) -> Result<(), StoreError> {
    let payment = &stored.payment;
    let sql = format!(
        "insert into payment ({COLUMNS}, created_at_ms) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    let values = args![
        payment.id,
        payment.order_id,
        &stored.provider,
        &stored.provider_ref,
        payment.state.as_str(),
        payment.version,
        payment.amount.minor(),
        payment.amount.currency().code(),
        stored.expires_at,
        at
    ];
    tx.exec(&sql, values).await?;
    Ok(())
}

/// One payment by our own id.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    payment_id: PaymentId,
) -> Result<Option<StoredPayment>, StoreError> {
    let sql = format!("select {COLUMNS} from payment where payment_id = ?");
    let row: Option<PaymentRow> = reader.opt(&sql, args![payment_id]).await?;
    row.map(PaymentRow::read).transpose()
}

/// One payment by its provider's name for it.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_by_provider_ref(
    reader: &mut impl Reader,
    provider: &str,
    provider_ref: &str,
) -> Result<Option<StoredPayment>, StoreError> {
    let sql = format!("select {COLUMNS} from payment where provider = ? and provider_ref = ?");
    let row: Option<PaymentRow> = reader.opt(&sql, args![provider, provider_ref]).await?;
    row.map(PaymentRow::read).transpose()
}

/// All attempts to pay an order, oldest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_for_order(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<Vec<StoredPayment>, StoreError> {
    let sql = format!("select {COLUMNS} from payment where order_id = ? order by payment_id");
    let rows: Vec<PaymentRow> = reader.all(&sql, args![order_id]).await?;
    rows.into_iter().map(PaymentRow::read).collect()
}

/// Moves a payment on.
///
/// # Errors
///
/// [`StoreError::Conflict`] if it is no longer as `before`.
pub async fn save_state(
    tx: &mut Tx,
    before: &Payment,
    to: PaymentState,
) -> Result<Payment, StoreError> {
    let updated = tx
        .exec(
            "update payment set state = ?, version = version + 1
              where payment_id = ? and version = ?",
            args![to.as_str(), before.id, before.version],
        )
        .await?;
    if updated != 1 {
        return Err(StoreError::conflict("payment", before.id));
    }
    Ok(Payment { state: to, version: before.version + 1, ..*before })
}

/// Keeps what a provider told us, once.
///
/// # Errors
///
/// [`StoreError::Duplicate`] if this event of the provider was kept before.
pub async fn insert_fact(
    tx: &mut Tx,
    fact: &ProviderFact,
    outcome: FactOutcome,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "insert into provider_fact (provider, provider_event_id, kind, our_ref, provider_ref,
            amount_minor, currency, occurred_at_ms, received_at_ms, outcome)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            fact.provider,
            &fact.provider_event_id,
            fact.kind.as_str(),
            &fact.our_ref,
            &fact.provider_ref,
            fact.amount_minor,
            &fact.currency,
            fact.occurred_at,
            at,
            outcome.as_str()
        ],
    )
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct OutcomeRow {
    outcome: String,
}

/// What became of an event of a provider; `None` if it was never seen.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_outcome(
    reader: &mut impl Reader,
    provider: &str,
    provider_event_id: &str,
) -> Result<Option<FactOutcome>, StoreError> {
    let row: Option<OutcomeRow> = reader
        .opt(
            "select outcome from provider_fact where provider = ? and provider_event_id = ?",
            args![provider, provider_event_id],
        )
        .await?;
    row.map(|row| word("provider_fact.outcome", &row.outcome, FactOutcome::from_text)).transpose()
}

#[derive(sqlx::FromRow)]
struct RefundRow {
    refund_id: String,
    payment_id: String,
    order_id: String,
    state: String,
    version: i64,
    amount_minor: i64,
    currency: String,
    reason: String,
    requested_at_ms: i64,
}

const REFUND_COLUMNS: &str = "refund_id, payment_id, order_id, state, version, amount_minor,
    currency, reason, requested_at_ms";

impl RefundRow {
    fn read(self) -> Result<Refund, StoreError> {
        Ok(Refund {
            id: parsed("refund.refund_id", &self.refund_id)?,
            payment_id: parsed("refund.payment_id", &self.payment_id)?,
            order_id: parsed("refund.order_id", &self.order_id)?,
            state: word("refund.state", &self.state, RefundState::from_text)?,
            version: self.version,
            amount: money("refund.currency", self.amount_minor, &self.currency)?,
            reason: word("refund.reason", &self.reason, Reason::from_text)?,
            requested_at: Timestamp::from_ms(self.requested_at_ms),
        })
    }
}

/// Writes a new refund.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert_refund(tx: &mut Tx, refund: &Refund) -> Result<(), StoreError> {
    let sql = format!("insert into refund ({REFUND_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    let values = args![
        refund.id,
        refund.payment_id,
        refund.order_id,
        refund.state.as_str(),
        refund.version,
        refund.amount.minor(),
        refund.amount.currency().code(),
        refund.reason.as_str(),
        refund.requested_at
    ];
    tx.exec(&sql, values).await?;
    Ok(())
}

/// One refund.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_refund(
    reader: &mut impl Reader,
    refund_id: RefundId,
) -> Result<Option<Refund>, StoreError> {
    let sql = format!("select {REFUND_COLUMNS} from refund where refund_id = ?");
    let row: Option<RefundRow> = reader.opt(&sql, args![refund_id]).await?;
    row.map(RefundRow::read).transpose()
}

/// All refunds of an order, oldest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_refunds(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<Vec<Refund>, StoreError> {
    let sql = format!("select {REFUND_COLUMNS} from refund where order_id = ? order by refund_id");
    let rows: Vec<RefundRow> = reader.all(&sql, args![order_id]).await?;
    rows.into_iter().map(RefundRow::read).collect()
}

/// Moves a refund on.
///
/// # Errors
///
/// [`StoreError::Conflict`] if it is no longer as `before`.
pub async fn save_refund_state(
    tx: &mut Tx,
    before: &Refund,
    to: RefundState,
) -> Result<Refund, StoreError> {
    let updated = tx
        .exec(
            "update refund set state = ?, version = version + 1
              where refund_id = ? and version = ?",
            args![to.as_str(), before.id, before.version],
        )
        .await?;
    if updated != 1 {
        return Err(StoreError::conflict("refund", before.id));
    }
    Ok(Refund { state: to, version: before.version + 1, ..*before })
}

/// What was really paid for an order, and what became of each refund.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn money_back(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<(i64, Vec<(RefundState, i64)>), StoreError> {
    let paid = list_for_order(reader, order_id).await?;
    let paid_minor = paid
        .iter()
        .filter(|it| it.payment.state == PaymentState::Succeeded)
        .map(|it| Money::minor(it.payment.amount))
        .sum();
    let refunds = list_refunds(reader, order_id).await?;
    Ok((paid_minor, refunds.iter().map(|it| (it.state, it.amount.minor())).collect()))
}
