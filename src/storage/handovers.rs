//! How orders change hands: PINs, pickup codes, proofs, and the tries of stores.

use domain::{
    clock::Timestamp,
    handover::{Handover, Mode, Pin, Proof, ProvenBy},
    ids::{AttachmentId, OrderId, StoreId},
    pickup_code::{PickupCode, Tries},
    reason::Reason,
    role::Profile,
};

use crate::{
    args,
    columns::{instant, parsed, word},
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

/// How an order changes hands, and what has happened so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHandover {
    /// What the rules see.
    pub handover: Handover,
    /// The pickup code; `None` before the store accepts.
    pub code: Option<PickupCode>,
    /// When the store compared the code; `None` if it has not.
    pub checked_at: Option<Timestamp>,
    /// What proved that it was handed over; `None` before.
    pub proven_by: Option<ProvenBy>,
    /// A photo of the handover.
    pub photo: Option<AttachmentId>,
    /// Who does without a proof, and why.
    pub waived: Option<Waived>,
}

/// An operator does without a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waived {
    /// Who.
    pub by: Profile,
    /// Why.
    pub reason: Reason,
    /// When.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct HandoverRow {
    mode: String,
    proof: String,
    pin: Option<String>,
    n_wrong: i32,
    code: Option<String>,
    checked_ms: Option<i64>,
    proven_by: Option<String>,
    photo: Option<String>,
    waived_by: Option<String>,
    waived_reason: Option<String>,
    waived_ms: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct OrderRow {
    order_id: String,
}

#[derive(sqlx::FromRow)]
struct TriesRow {
    since_ms: i64,
    n_wrong: i32,
}

fn count(column: &'static str, stored: i32) -> Result<u32, StoreError> {
    u32::try_from(stored).map_err(|_| StoreError::corrupt(column, stored))
}

impl HandoverRow {
    fn read(self) -> Result<StoredHandover, StoreError> {
        let waived = match (self.waived_by, self.waived_reason, self.waived_ms) {
            (Some(by), Some(reason), Some(ms)) => Some(Waived {
                by: parsed("handover.waived_by", &by)?,
                reason: word("handover.waived_reason", &reason, Reason::from_text)?,
                at: Timestamp::from_ms(ms),
            }),
            _ => None,
        };
        // What cannot be read is not repeated: it is secret.
        let pin = self.pin.map(|it| Pin::parse(&it)).transpose();
        let code = self.code.map(|it| PickupCode::parse(&it)).transpose();
        let photo = self.photo.map(|it| parsed("handover.photo", &it)).transpose()?;
        let proven_by = self.proven_by;
        Ok(StoredHandover {
            handover: Handover {
                mode: word("handover.mode", &self.mode, Mode::from_text)?,
                proof: word("handover.proof", &self.proof, Proof::from_text)?,
                pin: pin.map_err(|_| StoreError::corrupt("handover.pin", "…"))?,
                n_wrong: count("handover.n_wrong", self.n_wrong)?,
                is_waived: waived.is_some(),
            },
            code: code.map_err(|_| StoreError::corrupt("handover.code", "…"))?,
            checked_at: instant(self.checked_ms),
            proven_by: proven_by
                .map(|it| word("handover.proven_by", &it, ProvenBy::from_text))
                .transpose()?,
            photo,
            waived,
        })
    }
}

/// Writes how a new order will change hands.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert(
    tx: &mut Tx,
    order_id: OrderId,
    store_id: StoreId,
    new: &Handover,
) -> Result<(), StoreError> {
    tx.exec(
        "insert into handover (order_id, store_id, mode, proof, pin, n_wrong)
         values (?, ?, ?, ?, ?, ?)",
        args![
            order_id,
            store_id,
            new.mode.as_str(),
            new.proof.as_str(),
            new.pin.as_ref().map(Pin::as_str),
            new.n_wrong
        ],
    )
    .await?;
    Ok(())
}

/// How an order changes hands. Orders from before there was a choice are delivered without proof.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn get(
    reader: &mut impl Reader,
    order_id: OrderId,
) -> Result<StoredHandover, StoreError> {
    let row: Option<HandoverRow> = reader
        .opt(
            "select mode, proof, pin, n_wrong, code, checked_ms, proven_by, photo, waived_by,
                waived_reason, waived_ms
               from handover where order_id = ?",
            args![order_id],
        )
        .await?;
    let bare = || StoredHandover {
        handover: Handover::delivered(Proof::None, 0),
        code: None,
        checked_at: None,
        proven_by: None,
        photo: None,
        waived: None,
    };
    row.map_or_else(|| Ok(bare()), HandoverRow::read)
}

/// Gives an order its pickup code. `false` if another order that waits in the store has it.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn give_code(
    tx: &mut Tx,
    order_id: OrderId,
    code: &PickupCode,
) -> Result<bool, StoreError> {
    let given = tx
        .exec(
            "update handover set code = ?, open_code = ? where order_id = ?",
            args![code.as_str(), code.as_str(), order_id],
        )
        .await;
    match given {
        Ok(_) => Ok(true),
        Err(StoreError::Duplicate(_)) => Ok(false),
        Err(err) => Err(err),
    }
}

/// The goods have left the store: another order may get the code.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn free_code(tx: &mut Tx, order_id: OrderId) -> Result<(), StoreError> {
    tx.exec("update handover set open_code = null where order_id = ?", args![order_id]).await?;
    Ok(())
}

/// The order that waits in a store with this code.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_by_code(
    reader: &mut impl Reader,
    store_id: StoreId,
    code: &PickupCode,
) -> Result<Option<OrderId>, StoreError> {
    let row: Option<OrderRow> = reader
        .opt(
            "select order_id from handover where store_id = ? and open_code = ?",
            args![store_id, code.as_str()],
        )
        .await?;
    row.map(|it| parsed("handover.order_id", &it.order_id)).transpose()
}

/// Notes that the store has compared the code of an order.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save_check(tx: &mut Tx, order_id: OrderId, at: Timestamp) -> Result<(), StoreError> {
    tx.exec("update handover set checked_ms = ? where order_id = ?", args![at, order_id]).await?;
    Ok(())
}

/// Counts a PIN that was wrong. Whoever does so holds the order's lock.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn count_wrong_pin(tx: &mut Tx, order_id: OrderId) -> Result<(), StoreError> {
    tx.exec("update handover set n_wrong = n_wrong + 1 where order_id = ?", args![order_id])
        .await?;
    Ok(())
}

/// Notes what proved that an order was handed over.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save_proof(
    tx: &mut Tx,
    order_id: OrderId,
    proven_by: ProvenBy,
    photo: Option<AttachmentId>,
) -> Result<(), StoreError> {
    tx.exec(
        "update handover set proven_by = ?, photo = ? where order_id = ?",
        args![proven_by.as_str(), photo, order_id],
    )
    .await?;
    Ok(())
}

/// Notes that an operator does without a proof.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn waive(tx: &mut Tx, order_id: OrderId, waived: &Waived) -> Result<(), StoreError> {
    tx.exec(
        "update handover set waived_by = ?, waived_reason = ?, waived_ms = ? where order_id = ?",
        args![waived.by.to_string(), waived.reason.as_str(), waived.at, order_id],
    )
    .await?;
    Ok(())
}

/// The wrong codes of a store; nobody else changes them until the transaction ends.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn lock_tries(
    tx: &mut Tx,
    store_id: StoreId,
    at: Timestamp,
) -> Result<Tries, StoreError> {
    let verb = dialect::insert_or_keep(tx.is_mysql());
    let make = format!("{verb} into pickup_try (store_id, since_ms, n_wrong) values (?, ?, 0)");
    tx.exec(&make, args![store_id, at]).await?;
    let sql = "select since_ms, n_wrong from pickup_try where store_id = ?";
    let row: Option<TriesRow> = tx.opt_locked(sql, args![store_id]).await?;
    let Some(row) = row else { return Ok(Tries::none(at)) };
    let n_wrong = count("pickup_try.n_wrong", row.n_wrong)?;
    Ok(Tries { since: Timestamp::from_ms(row.since_ms), n_wrong })
}

/// Writes the wrong codes of a store.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save_tries(tx: &mut Tx, store_id: StoreId, tries: Tries) -> Result<(), StoreError> {
    tx.exec(
        "update pickup_try set since_ms = ?, n_wrong = ? where store_id = ?",
        args![tries.since, tries.n_wrong, store_id],
    )
    .await?;
    Ok(())
}
