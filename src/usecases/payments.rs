//! Paying and paying back. What a provider says comes in by one door, [`notify`], whoever carries it.

use domain::{
    change::{Change, Machine},
    clock::Timestamp,
    ids::{CustomerId, OrderId, PaymentId, RefundId},
    money::{Currency, Money},
    order_state::{OrderEvent, OrderState},
    payment::{FactKind, Payment, Verdict},
    payment_state::{PaymentEvent, PaymentState},
    policy::OrderPolicy,
    refund_state::{RefundEvent, RefundState},
    role::{Actor, Profile},
};
use serde::{Deserialize, Serialize};
use storage::{
    commands::CommandKey,
    db::Tx,
    error::StoreError,
    events::PaymentPart,
    payments::{self as rows, FactOutcome, ProviderFact, StoredPayment},
    timers::{self, TimerKind},
};

use crate::{
    bells, endings,
    error::AskError,
    order_case::{Cause, OrderCase},
    platform::{Changes, Done, Platform},
    refunds,
    sandbox::{SANDBOX, SignedNotify},
    stock,
    tokens::random_hex,
};

/// An attempt to pay that the customer can now carry out at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The attempt.
    pub payment: String,
    /// Which provider.
    pub provider: String,
    /// The provider's name for it.
    pub provider_ref: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Until when it may be paid, in UTC milliseconds.
    pub expires_at: i64,
}

impl From<&StoredPayment> for Started {
    fn from(stored: &StoredPayment) -> Self {
        Self {
            payment: stored.payment.id.to_string(),
            provider: stored.provider.clone(),
            provider_ref: stored.provider_ref.clone(),
            amount_minor: stored.payment.amount.minor(),
            currency: stored.payment.amount.currency().code().to_owned(),
            expires_at: stored.expires_at.ms(),
        }
    }
}

/// Begins to pay an order. While an attempt is open, the same one is answered again.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Order`] if it is not to be paid now.
pub async fn start(
    platform: &Platform,
    by: CustomerId,
    order_id: OrderId,
    key: Option<CommandKey>,
) -> Result<Done<Started>, AskError> {
    let policy = platform.policy;
    platform
        .command(key, async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
            let mut case = OrderCase::lock(tx, order_id).await?;
            case.only_for(tx, Profile::Customer(by)).await?;
            if case.stored.order.state == OrderState::Paying {
                let open = rows::list_for_order(tx, order_id).await?;
                if let Some(open) = open.iter().find(|it| it.payment.state.is_open()) {
                    return Ok(Started::from(open));
                }
            }
            let cause = Cause { by: by.into(), reason: None, at };
            let event = OrderEvent::PaymentStarted;
            case.move_order(tx, changes, &policy, event, cause).await?;
            let stored = StoredPayment {
                payment: Payment {
                    id: PaymentId::generate(),
                    order_id,
                    state: PaymentState::Created,
                    version: 0,
                    amount: case.stored.order.total,
                },
                provider: SANDBOX.to_owned(),
                provider_ref: format!("sbx_{}", &random_hex()[..32]),
                expires_at: case.stored.order.pay_until(&policy),
            };
            rows::insert(tx, &stored, at).await?;
            let sent = PaymentEvent::SentToProvider;
            move_payment(&mut case, tx, changes, &stored, sent, cause).await?;
            Ok(Started::from(&stored))
        })
        .await
}

/// The door for what a provider says: checked on the raw bytes, then carried out in one
/// transaction, once for each event of the provider. Answer the provider only after this returns.
///
/// # Errors
///
/// [`AskError::BadNotify`] if the message is forged, stale or unreadable, [`AskError::Store`] if it
/// could not be carried out; the provider must then say it again.
pub async fn notify(
    platform: &Platform,
    signature: &str,
    body: &[u8],
) -> Result<FactOutcome, AskError> {
    let fact = platform.sandbox.verify(signature, body, platform.now())?;
    let order_id = order_of(platform, &fact).await?;
    let outcome = apply(platform, order_id, fact).await?;
    if let (FactOutcome::PaidBack, Some(order_id)) = (outcome, order_id) {
        send_refunds(platform, order_id).await;
    }
    Ok(outcome)
}

async fn order_of(platform: &Platform, fact: &ProviderFact) -> Result<Option<OrderId>, AskError> {
    let mut reader = platform.reader();
    if let Ok(payment_id) = fact.our_ref.parse::<PaymentId>() {
        let found = rows::find(&mut reader, payment_id).await?;
        let is_its = |it: &StoredPayment| it.provider_ref == fact.provider_ref;
        return Ok(found.filter(is_its).map(|it| it.payment.order_id));
    }
    match fact.our_ref.parse::<RefundId>() {
        Ok(refund_id) => Ok(rows::find_refund(&mut reader, refund_id).await?.map(|it| it.order_id)),
        Err(_) => Ok(None),
    }
}

pub(crate) async fn apply(
    platform: &Platform,
    order_id: Option<OrderId>,
    fact: ProviderFact,
) -> Result<FactOutcome, AskError> {
    let policy = platform.policy;
    let (provider, provider_event_id) = (fact.provider, fact.provider_event_id.clone());
    let write = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        // The lock comes before the look: of two that say the same, the second sees the first.
        let mut case = match order_id {
            Some(order_id) => Some(OrderCase::lock(tx, order_id).await?),
            None => None,
        };
        if rows::find_outcome(tx, fact.provider, &fact.provider_event_id).await?.is_some() {
            return Ok(FactOutcome::Known.as_str().to_owned());
        }
        let outcome = match &mut case {
            None => FactOutcome::Unknown,
            Some(case) => judge(case, tx, changes, &policy, &fact, at).await?,
        };
        rows::insert_fact(tx, &fact, outcome, at).await?;
        Ok::<_, AskError>(outcome.as_str().to_owned())
    };
    match platform.command(None, write).await {
        Ok(done) => Ok(FactOutcome::from_text(&done.value).unwrap_or(FactOutcome::Known)),
        Err(AskError::Store(err @ StoreError::Duplicate(_))) => {
            // Two of the same at once: the other one was kept. Anything else must come again.
            let mut reader = platform.reader();
            match rows::find_outcome(&mut reader, provider, &provider_event_id).await? {
                Some(_) => Ok(FactOutcome::Known),
                None => Err(err.into()),
            }
        }
        Err(err) => Err(err),
    }
}

async fn judge(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    policy: &OrderPolicy,
    fact: &ProviderFact,
    at: Timestamp,
) -> Result<FactOutcome, AskError> {
    let Some(currency) = Currency::from_code(&fact.currency) else {
        return Ok(FactOutcome::Mismatch);
    };
    let said = Money::from_minor(fact.amount_minor, currency);
    let cause = Cause { by: Actor::Provider, reason: None, at };
    match fact.kind {
        FactKind::Paid | FactKind::PaymentFailed => {
            let id = fact.our_ref.parse::<PaymentId>().map_err(StoreError::refused)?;
            let Some(stored) = rows::find(tx, id).await? else { return Ok(FactOutcome::Unknown) };
            let is_paid = fact.kind == FactKind::Paid;
            match stored.payment.judge(case.stored.order.state, is_paid, said) {
                Err(mismatch) => {
                    tracing::error!(order.id = %case.id(), error = %mismatch, "a payment notify does not fit");
                    Ok(FactOutcome::Mismatch)
                }
                Ok(verdict) => {
                    payment_verdict(case, tx, changes, policy, &stored, verdict, cause).await
                }
            }
        }
        FactKind::Refunded | FactKind::RefundFailed => {
            let id = fact.our_ref.parse::<RefundId>().map_err(StoreError::refused)?;
            let Some(refund) = rows::find_refund(tx, id).await? else {
                return Ok(FactOutcome::Unknown);
            };
            let is_refunded = fact.kind == FactKind::Refunded;
            match refund.judge(is_refunded, said) {
                Err(mismatch) => {
                    tracing::error!(order.id = %case.id(), error = %mismatch, "a refund notify does not fit");
                    Ok(FactOutcome::Mismatch)
                }
                Ok(Verdict::RefundMoves(event)) => {
                    endings::move_refund(case, tx, changes, &refund, event, cause).await?;
                    if event == RefundEvent::ProviderConfirmed {
                        timers::clear(tx, TimerKind::RefundRetry, &id.to_string()).await?;
                    }
                    Ok(FactOutcome::Applied)
                }
                Ok(_) => Ok(FactOutcome::Known),
            }
        }
    }
}

async fn payment_verdict(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    policy: &OrderPolicy,
    payment: &StoredPayment,
    verdict: Verdict,
    cause: Cause,
) -> Result<FactOutcome, AskError> {
    match verdict {
        Verdict::Moves(event @ PaymentEvent::ProviderConfirmed) => {
            move_payment(case, tx, changes, payment, event, cause).await?;
            confirm_order(case, tx, changes, policy, cause).await?;
            Ok(FactOutcome::Applied)
        }
        Verdict::Moves(event) => {
            move_payment(case, tx, changes, payment, event, cause).await?;
            if case.stored.order.state == OrderState::Paying {
                let failed = OrderEvent::PaymentFailed;
                case.move_order(tx, changes, policy, failed, cause).await?;
            }
            Ok(FactOutcome::Applied)
        }
        Verdict::PayBack(reason) => {
            let event = PaymentEvent::ProviderConfirmed;
            move_payment(case, tx, changes, payment, event, cause).await?;
            tracing::warn!(order.id = %case.id(), %reason, "money that is of no use goes back");
            let is_this = |id| id == payment.payment.id;
            endings::refund_payments(case, tx, changes, reason, cause, is_this).await?;
            Ok(FactOutcome::PaidBack)
        }
        Verdict::Known | Verdict::RefundMoves(_) => Ok(FactOutcome::Known),
    }
}

async fn confirm_order(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    policy: &OrderPolicy,
    cause: Cause,
) -> Result<(), AskError> {
    case.move_order(tx, changes, policy, OrderEvent::PaymentConfirmed, cause).await?;
    stock::confirm(tx, changes, case.id(), cause.by, cause.at).await?;
    let order = &case.stored.order;
    let (order_id, subject) = (order.id, order.id.to_string());
    timers::clear(tx, TimerKind::OrderUnpaid, &subject).await?;
    if let Some(due) = order.accept_until(policy) {
        timers::set(tx, TimerKind::OrderUnaccepted, &subject, due).await?;
    }
    match order.release_at.filter(|_| order.is_upcoming(cause.at)) {
        Some(release_at) => {
            timers::set(tx, TimerKind::OrderRelease, &subject, release_at).await?;
            bells::chime(case, changes, bells::UPCOMING)?;
        }
        None => {
            bells::ring(case, changes, bells::NEW_ORDER)?;
            bells::remind(tx, order_id, cause.at + policy.remind).await?;
        }
    }
    Ok(())
}

/// Moves a payment and tells it.
pub(crate) async fn move_payment(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    stored: &StoredPayment,
    event: PaymentEvent,
    cause: Cause,
) -> Result<(), AskError> {
    let payment = &stored.payment;
    let to = payment.state.on(event).map_err(StoreError::refused)?;
    rows::save_state(tx, payment, to).await?;
    let change = Change {
        order_id: case.id(),
        seq: case.stored.order.seq + 1,
        machine: Machine::Payment,
        event: event.as_str(),
        from: Some(payment.state.as_str()),
        to: to.as_str(),
        by: cause.by,
        reason: cause.reason,
        at: cause.at,
    };
    let told = PaymentPart {
        payment: payment.id.to_string(),
        state: to.to_string(),
        provider: stored.provider.clone(),
        amount_minor: payment.amount.minor(),
    };
    case.tell_payment(tx, changes, change, told).await
}

/// Plays the customer at the sandbox: the sandbox says what came of it, through the door.
///
/// # Errors
///
/// [`AskError::NotFound`] if the sandbox knows no such payment.
pub async fn play_customer(
    platform: &Platform,
    provider_ref: &str,
    succeeds: bool,
) -> Result<FactOutcome, AskError> {
    let stored = rows::find_by_provider_ref(&mut platform.reader(), SANDBOX, provider_ref)
        .await?
        .ok_or(AskError::not_found("payment"))?;
    let kind = if succeeds { FactKind::Paid } else { FactKind::PaymentFailed };
    let reference = stored.payment.id.to_string();
    let SignedNotify { signature, body } = platform.sandbox.say(
        kind,
        &reference,
        provider_ref,
        stored.payment.amount,
        platform.now(),
    )?;
    notify(platform, &signature, &body).await
}

/// Sends the refunds that a command has just made; its repetition sends nothing.
pub(crate) async fn refunds_follow<T>(
    platform: &Platform,
    order_id: OrderId,
    done: Done<T>,
) -> Done<T> {
    if !done.dup {
        send_refunds(platform, order_id).await;
    }
    done
}

/// Sends the refunds of an order that the provider does not know of yet. What fails here is tried
/// again by a timer, under the same number.
pub(crate) async fn send_refunds(platform: &Platform, order_id: OrderId) {
    let refunds = match rows::list_refunds(&mut platform.reader(), order_id).await {
        Ok(refunds) => refunds,
        Err(err) => {
            tracing::warn!(order.id = %order_id, error = ?err, "refunds wait for their timer");
            return;
        }
    };
    for refund in refunds.into_iter().filter(|it| it.state == RefundState::Approved) {
        if let Err(err) = refunds::send(platform, refund.id).await {
            tracing::warn!(order.id = %order_id, error = ?err, "a refund waits for its timer");
        }
    }
}
