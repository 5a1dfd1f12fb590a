//! Something runs out while an order is made: the money for it goes back, or the store offers
//! something else and the customer decides.

use domain::{
    cart::{CartLine, Quantity},
    clock::Timestamp,
    ids::{CustomerId, MerchantId, OrderId},
    money::Money,
    order_state::OrderState,
    reason::Reason,
    role::{Actor, Profile},
};
use storage::{
    commands::CommandKey,
    db::Tx,
    order_lines::{self, StoredLine},
    shortages::{self as rows, Shortage, ShortageState},
    timers::{self, TimerKind},
};

use crate::{
    endings,
    error::AskError,
    order_case::{Cause, Moved, OrderCase},
    payments,
    platform::{Changes, Done, Platform},
    pricing, stock,
};

/// What a store says has run out.
#[derive(Debug, Clone)]
pub struct Missing {
    /// Which line, from 1.
    pub line_no: u32,
    /// How many pieces.
    pub pieces: Quantity,
    /// What it offers instead.
    pub substitute: Option<CartLine>,
}

/// The store says that something has run out. Without a substitute the money goes back at once.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers and lines that are not there, [`AskError::NotInKitchen`] if
/// the order is not being made, [`AskError::NothingLeft`] if nothing of the order would be left.
pub async fn raise(
    platform: &Platform,
    by: MerchantId,
    order_id: OrderId,
    missing: Missing,
    key: Option<CommandKey>,
) -> Result<Done<Moved>, AskError> {
    let policy = platform.policy;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = OrderCase::lock(tx, order_id).await?;
        case.only_for(tx, Profile::Merchant(by)).await?;
        if !matches!(case.stored.order.state, OrderState::Accepted | OrderState::Preparing) {
            return Err(AskError::NotInKitchen);
        }
        let known = rows::list(tx, order_id).await?;
        let lines = order_lines::list(tx, order_id).await?;
        let line = check(&lines, &known, &missing)?;
        let worth = worth(line, missing.pieces.get())?;
        let cause = Cause { by: by.into(), reason: Some(Reason::SoldOut), at };
        let substitute = substitute(tx, &case, &missing).await?;
        let shortage = Shortage {
            no: known.len() as u32 + 1,
            line_no: missing.line_no,
            missing: missing.pieces.get(),
            state: match substitute {
                Some(_) => ShortageState::Open,
                None => ShortageState::Refunded,
            },
            refund: match &substitute {
                Some(instead) => difference(worth, instead)?,
                None => worth,
            },
            answer_by: substitute.as_ref().map(|_| at + policy.substitution),
            substitute,
            raised_at: at,
        };
        rows::insert(tx, order_id, &shortage).await?;
        tell(&mut case, tx, changes, &shortage, cause).await?;
        Ok(case.moved(at))
    };
    let done = platform.command(key, work).await?;
    Ok(payments::refunds_follow(platform, order_id, done).await)
}

async fn tell(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    shortage: &Shortage,
    cause: Cause,
) -> Result<(), AskError> {
    if let Some(answer_by) = shortage.answer_by {
        timers::set(tx, TimerKind::Substitution, &subject(case.id(), shortage.no), answer_by)
            .await?;
        return case.note(tx, changes, "substitution_proposed", cause).await;
    }
    case.note(tx, changes, "sold_out", cause).await?;
    endings::refund_part(case, tx, changes, shortage.refund, Reason::SoldOut, cause).await
}

/// The line, if so many pieces of it can be missing and something of the order is left.
fn check<'a>(
    lines: &'a [StoredLine],
    known: &[Shortage],
    missing: &Missing,
) -> Result<&'a StoredLine, AskError> {
    let at = (missing.line_no as usize).checked_sub(1).and_then(|it| lines.get(it));
    let line = at.ok_or(AskError::not_found("line"))?;
    let gone = |line_no| -> u32 {
        known.iter().filter(|it| it.line_no == line_no).map(|it| it.missing).sum()
    };
    if gone(missing.line_no) + missing.pieces.get() > line.quantity.get() {
        return Err(AskError::OutOfRange { what: "the line has not that many pieces left" });
    }
    let all: u32 = lines.iter().map(|it| it.quantity.get()).sum();
    let is_gone =
        |it: &&Shortage| it.state == ShortageState::Refunded || it.state == ShortageState::Open;
    let gone: u32 = known.iter().filter(is_gone).map(|it| it.missing).sum();
    if missing.substitute.is_none() && gone + missing.pieces.get() >= all {
        return Err(AskError::NothingLeft);
    }
    Ok(line)
}

/// What so many pieces of a line were paid with.
fn worth(line: &StoredLine, pieces: u32) -> Result<Money, AskError> {
    Ok(line.unit.checked_add(line.packing)?.checked_mul(pieces)?)
}

/// What goes back if the customer takes the substitute: nothing if it is dearer.
fn difference(worth: Money, instead: &StoredLine) -> Result<Money, AskError> {
    let left = worth.checked_sub(self::worth(instead, instead.quantity.get())?)?;
    Ok(if left.minor() < 0 { Money::from_minor(0, left.currency()) } else { left })
}

/// Prices what is offered instead. It is taken from the stock when the customer takes it.
async fn substitute(
    tx: &mut Tx,
    case: &OrderCase,
    missing: &Missing,
) -> Result<Option<StoredLine>, AskError> {
    let Some(instead) = &missing.substitute else { return Ok(None) };
    let sold = pricing::sold(tx, &case.store, std::slice::from_ref(instead)).await?;
    let line = pricing::price_line(instead, &sold)?;
    let left = sold.first().map_or(0, |it| it.product.stock.available());
    if left < i64::from(line.quantity.get()) {
        return Err(AskError::OutOfStock { product_id: line.product_id, name: line.name, left });
    }
    Ok(Some(line))
}

/// Takes what the customer takes instead from the stock. Of a product that the order holds anyway,
/// the store has just said what is there.
async fn take(
    case: &OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    line: &StoredLine,
    cause: Cause,
) -> Result<(), AskError> {
    let lines = order_lines::list(tx, case.id()).await?;
    let known = rows::list(tx, case.id()).await?;
    let taken = known.iter().filter(|it| it.state == ShortageState::Substituted);
    let mut held = lines.iter().chain(taken.filter_map(|it| it.substitute.as_ref()));
    if held.any(|it| it.product_id == line.product_id) {
        return Ok(());
    }
    let wanted = [(line.product_id, line.quantity.get())];
    stock::reserve(tx, changes, case.id(), cause.by, wanted, cause.at).await?;
    stock::confirm(tx, changes, case.id(), cause.by, cause.at).await?;
    Ok(())
}

/// The customer takes what is offered instead, or the money.
///
/// # Errors
///
/// [`AskError::NotFound`] for strangers and if nobody asked, [`AskError::Order`] if it is too late.
pub async fn answer(
    platform: &Platform,
    by: CustomerId,
    order_id: OrderId,
    no: u32,
    takes: bool,
    key: Option<CommandKey>,
) -> Result<Done<Moved>, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let mut case = OrderCase::lock(tx, order_id).await?;
        case.only_for(tx, Profile::Customer(by)).await?;
        let cause = Cause { by: by.into(), reason: Some(Reason::SoldOut), at };
        if !settle(&mut case, tx, changes, no, takes, cause).await? {
            return Err(AskError::not_found("open substitution"));
        }
        Ok(case.moved(at))
    };
    let done = platform.command(key, work).await?;
    Ok(payments::refunds_follow(platform, order_id, done).await)
}

/// The customer said nothing in time: the money goes back.
pub(crate) async fn silence(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    no: u32,
    at: Timestamp,
) -> Result<bool, AskError> {
    let cause = Cause { by: Actor::System, reason: Some(Reason::SoldOut), at };
    settle(case, tx, changes, no, false, cause).await
}

/// Settles an open shortage; `false` if it is not open.
async fn settle(
    case: &mut OrderCase,
    tx: &mut Tx,
    changes: &mut Changes,
    no: u32,
    takes: bool,
    cause: Cause,
) -> Result<bool, AskError> {
    let known = rows::list(tx, case.id()).await?;
    let open = known.into_iter().find(|it| it.no == no && it.state == ShortageState::Open);
    let Some(open) = open else { return Ok(false) };
    timers::clear(tx, TimerKind::Substitution, &subject(case.id(), no)).await?;
    let (state, event, refund) = if takes {
        if let Some(line) = &open.substitute {
            take(case, tx, changes, line, cause).await?;
        }
        (ShortageState::Substituted, "substituted", open.refund)
    } else {
        let lines = order_lines::list(tx, case.id()).await?;
        let line = (open.line_no as usize).checked_sub(1).and_then(|it| lines.get(it));
        let line = line.ok_or(AskError::not_found("line"))?;
        (ShortageState::Refunded, "substitution_refused", worth(line, open.missing)?)
    };
    rows::close(tx, case.id(), no, state, refund).await?;
    case.note(tx, changes, event, cause).await?;
    endings::refund_part(case, tx, changes, refund, Reason::SoldOut, cause).await?;
    Ok(true)
}

/// The order ended: nobody is asked any more.
pub(crate) async fn lapse(tx: &mut Tx, order_id: OrderId) -> Result<(), AskError> {
    for it in rows::list(tx, order_id).await? {
        if it.state == ShortageState::Open {
            timers::clear(tx, TimerKind::Substitution, &subject(order_id, it.no)).await?;
            rows::close(tx, order_id, it.no, ShortageState::Lapsed, it.refund).await?;
        }
    }
    Ok(())
}

fn subject(order_id: OrderId, no: u32) -> String {
    format!("{order_id}:{no}")
}

/// Reads the subject of a timer.
pub(crate) fn of_subject(subject: &str) -> Option<(OrderId, u32)> {
    let (order_id, no) = subject.split_once(':')?;
    Some((order_id.parse().ok()?, no.parse().ok()?))
}
