//! Calling an order off after the store has accepted: what it costs is said before, and the store
//! agrees, by a word or by silence.

use domain::{
    cancelling::{self, CancelTerms},
    clock::Timestamp,
    ids::{CustomerId, MerchantId, OrderId, QuoteId},
    money::Money,
    order::{Ask, OrderRefusal},
    order_state::OrderEvent,
    policy::OrderPolicy,
    reason::Reason,
    role::{Actor, Profile},
};
use serde::{Deserialize, Serialize};
use storage::{
    cancel_requests::{self as rows, CancelRequest, RequestState},
    commands::CommandKey,
    db::Tx,
    error::StoreError,
    events,
    quotes::{self, QuoteKind, StoredQuote},
    timers::{self, TimerKind},
};

use crate::{
    bells, endings,
    error::AskError,
    order_case::{Cause, OrderCase},
    payments,
    platform::{Changes, Done, Platform},
};

/// What calling an order off costs, promised for some minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelQuote {
    /// By this the customer names it.
    pub quote: String,
    /// What the customer pays all the same, in minor units.
    pub fee_minor: i64,
    /// What goes back, in minor units.
    pub refund_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Whether the store has to agree.
    pub needs_consent: bool,
    /// Until when it holds, in UTC milliseconds.
    pub expires_at: i64,
}

/// What came of asking the store to agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelAnswer {
    /// The order.
    pub order: String,
    /// Where the order stands.
    pub state: String,
    /// `open`, `agreed`, `refused` or `lapsed`; `agreed` also if nobody had to be asked.
    pub request: String,
    /// What the customer pays all the same, in minor units.
    pub fee_minor: i64,
    /// What goes back, in minor units.
    pub refund_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// From when on silence is agreement, in UTC milliseconds; `None` if nobody is asked.
    pub answer_by: Option<i64>,
}

fn now(
    case: &OrderCase,
    by: CustomerId,
    policy: &OrderPolicy,
    reason: Option<Reason>,
    at: Timestamp,
) -> Result<CancelTerms, AskError> {
    let delivery = case.delivery.as_ref().map(|it| &it.delivery);
    let (event, mode) = (OrderEvent::Cancelled, case.mode());
    let ask = Ask { event, by: by.into(), reason, at, mode, delivery, policy, is_granted: false };
    Ok(cancelling::terms(&case.stored.order, case.stored.parts.items, ask)?)
}

/// Says what calling the order off would cost now, and promises it for some minutes.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Order`] if it cannot be called off any more.
pub async fn quote(
    platform: &Platform,
    by: CustomerId,
    order_id: OrderId,
    key: Option<CommandKey>,
) -> Result<Done<CancelQuote>, AskError> {
    let policy = platform.policy;
    let work = async move |tx: &mut Tx, _: &mut Changes, at: Timestamp| {
        let case = OrderCase::lock(tx, order_id).await?;
        case.only_for(tx, Profile::Customer(by)).await?;
        let terms = now(&case, by, &policy, None, at)?;
        let (id, expires_at) = (QuoteId::generate(), at + policy.cancel_quote);
        let promised = CancelQuote {
            quote: id.to_string(),
            fee_minor: terms.fee.minor(),
            refund_minor: goes_back(&case, terms.fee)?,
            currency: terms.fee.currency().code().to_owned(),
            needs_consent: terms.needs_consent,
            expires_at: expires_at.ms(),
        };
        let stored = StoredQuote {
            id,
            customer_id: by,
            kind: QuoteKind::Cancel,
            subject: order_id.to_string(),
            asked: String::new(),
            promised: events::json(&promised)?,
            expires_at,
            used_for: None,
        };
        quotes::insert(tx, &stored, at).await?;
        Ok::<_, AskError>(promised)
    };
    platform.command(key, work).await
}

/// What goes back: nothing was paid, nothing does.
fn goes_back(case: &OrderCase, fee: Money) -> Result<i64, AskError> {
    let order = &case.stored.order;
    if order.paid_at.is_none() {
        return Ok(0);
    }
    Ok(cancelling::refund(order.total, fee)?.minor())
}

/// What holds: what was promised, if a quote is named, or else what holds now.
pub(crate) async fn settled(
    tx: &mut Tx,
    case: &OrderCase,
    by: CustomerId,
    policy: &OrderPolicy,
    quote_id: Option<QuoteId>,
    reason: Option<Reason>,
    at: Timestamp,
) -> Result<CancelTerms, AskError> {
    let current = now(case, by, policy, reason, at);
    let Some(quote_id) = quote_id else { return current };
    let stored = quotes::find(tx, quote_id, by, QuoteKind::Cancel).await?;
    let stored = stored.ok_or(AskError::not_found("quote"))?;
    if stored.subject != case.id().to_string() {
        return Err(AskError::QuoteDiffers);
    }
    if stored.used_for.is_some() {
        return Err(AskError::QuoteUsed);
    }
    let current = current?;
    if at >= stored.expires_at {
        let expired_at = stored.expires_at;
        return Err(AskError::QuoteExpired { expired_at, now: current.fee });
    }
    let promised: CancelQuote = events::read_json(stored.promised.as_bytes())
        .ok_or_else(|| StoreError::corrupt("quote.promised", &stored.promised))?;
    quotes::use_up(tx, quote_id, &stored.subject).await?;
    let fee = Money::from_minor(promised.fee_minor, current.fee.currency());
    Ok(CancelTerms { fee, needs_consent: promised.needs_consent && current.needs_consent })
}

/// A customer calls an order off by the terms of a quote that needs no consent.
pub(crate) async fn cancel_as_quoted(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    policy: &OrderPolicy,
    quote_id: QuoteId,
    cause: Cause,
) -> Result<(), AskError> {
    let Some(Profile::Customer(by)) = cause.by.profile() else {
        return Err(AskError::OutOfRange { what: "only the customer of an order names a quote" });
    };
    let terms = settled(tx, case, by, policy, Some(quote_id), cause.reason, cause.at).await?;
    if terms.needs_consent {
        return Err(AskError::NeedsConsent { fee: terms.fee });
    }
    case.is_granted = true;
    let event = OrderEvent::Cancelled;
    endings::end_keeping(case, tx, changes, policy, event, cause, terms.fee).await
}

/// A customer asks the store to let the order go. If the store need not be asked, it ends at once.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers, [`AskError::Order`] if it cannot be called off any more,
/// [`AskError::AskedBefore`] while the store has not answered.
pub async fn request(
    platform: &Platform,
    by: CustomerId,
    order_id: OrderId,
    key: Option<CommandKey>,
    reason: Option<Reason>,
    quote_id: Option<QuoteId>,
) -> Result<Done<CancelAnswer>, AskError> {
    let policy = platform.policy;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = OrderCase::lock(tx, order_id).await?;
        case.only_for(tx, Profile::Customer(by)).await?;
        let before = rows::find(tx, order_id).await?;
        if let Some(open) = before.filter(|it| it.state == RequestState::Open) {
            return Err(AskError::AskedBefore { answer_by: open.answer_by });
        }
        let terms = settled(tx, &case, by, &policy, quote_id, reason, at).await?;
        let cause = Cause { by: by.into(), reason, at };
        if !terms.needs_consent {
            case.is_granted = true;
            let event = OrderEvent::Cancelled;
            endings::end_keeping(&mut case, tx, changes, &policy, event, cause, terms.fee).await?;
            return answer(&case, RequestState::Agreed, terms.fee, None);
        }
        let answer_by = at + policy.cancel_consent;
        let state = RequestState::Open;
        let request = CancelRequest { state, reason, fee: terms.fee, requested_at: at, answer_by };
        rows::save(tx, order_id, &request).await?;
        timers::set(tx, TimerKind::CancelConsent, &order_id.to_string(), answer_by).await?;
        case.note(tx, changes, "cancel_requested", cause).await?;
        bells::ring(&case, changes, bells::CANCEL_REQUEST)?;
        answer(&case, state, terms.fee, Some(answer_by))
    };
    let done = platform.command(key, work).await?;
    Ok(payments::refunds_follow(platform, order_id, done).await)
}

fn answer(
    case: &OrderCase,
    state: RequestState,
    fee: Money,
    answer_by: Option<Timestamp>,
) -> Result<CancelAnswer, AskError> {
    Ok(CancelAnswer {
        order: case.id().to_string(),
        state: case.stored.order.state.to_string(),
        request: state.to_string(),
        fee_minor: fee.minor(),
        refund_minor: goes_back(case, fee)?,
        currency: fee.currency().code().to_owned(),
        answer_by: answer_by.map(Timestamp::ms),
    })
}

/// The store answers a request: it lets the order go, or goes on with it.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers and if nobody asked, [`AskError::Order`] if the order cannot
/// be called off any more.
pub async fn answer_request(
    platform: &Platform,
    by: MerchantId,
    order_id: OrderId,
    agrees: bool,
    key: Option<CommandKey>,
) -> Result<Done<CancelAnswer>, AskError> {
    let policy = platform.policy;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = OrderCase::lock(tx, order_id).await?;
        case.only_for(tx, Profile::Merchant(by)).await?;
        let open = open_request(tx, order_id).await?;
        let open = open.ok_or(AskError::not_found("open request to cancel"))?;
        let cause = Cause { by: by.into(), reason: open.reason, at };
        if agrees {
            grant(&mut case, tx, changes, &policy, &open, cause).await?;
            return answer(&case, RequestState::Agreed, open.fee, None);
        }
        close(tx, changes, &case, &open, RequestState::Refused).await?;
        case.note(tx, changes, "cancel_refused", cause).await?;
        answer(&case, RequestState::Refused, open.fee, None)
    };
    let done = platform.command(key, work).await?;
    Ok(payments::refunds_follow(platform, order_id, done).await)
}

/// The store said nothing for too long: the order is let go, if nobody has fetched it yet.
pub(crate) async fn silence(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    policy: &OrderPolicy,
    at: Timestamp,
) -> Result<bool, AskError> {
    let Some(open) = open_request(tx, case.id()).await? else { return Ok(false) };
    let cause = Cause { by: Actor::System, reason: open.reason, at };
    match grant(case, tx, changes, policy, &open, cause).await {
        Ok(()) => Ok(true),
        Err(AskError::Order(OrderRefusal::Illegal(_))) => {
            close(tx, changes, case, &open, RequestState::Lapsed).await?;
            Ok(false)
        }
        Err(err) => Err(err),
    }
}

async fn grant(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    policy: &OrderPolicy,
    open: &CancelRequest,
    cause: Cause,
) -> Result<(), AskError> {
    case.is_granted = true;
    let event = OrderEvent::Cancelled;
    // Asked before anything is written: a refusal leaves the request as it is.
    case.check(policy, event, cause)?;
    close(tx, changes, case, open, RequestState::Agreed).await?;
    endings::end_keeping(case, tx, changes, policy, event, cause, open.fee).await
}

async fn open_request(tx: &mut Tx, order_id: OrderId) -> Result<Option<CancelRequest>, AskError> {
    let found = rows::find(tx, order_id).await?;
    Ok(found.filter(|it| it.state == RequestState::Open))
}

async fn close(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &OrderCase,
    open: &CancelRequest,
    state: RequestState,
) -> Result<(), AskError> {
    rows::save(tx, case.id(), &CancelRequest { state, ..*open }).await?;
    timers::clear(tx, TimerKind::CancelConsent, &case.id().to_string()).await?;
    bells::silence(case, changes, bells::CANCEL_REQUEST)?;
    Ok(())
}

/// The order ended in another way, or was fetched: nobody need answer any more.
pub(crate) async fn lapse(
    tx: &mut Tx,
    changes: &mut Changes,
    case: &OrderCase,
) -> Result<(), AskError> {
    match open_request(tx, case.id()).await? {
        Some(open) => close(tx, changes, case, &open, RequestState::Lapsed).await,
        None => Ok(()),
    }
}
