//! The ends of attachments: nobody used them, they were taken back, or their order is forgotten.

use domain::{
    attachment::AttachmentState,
    clock::Timestamp,
    ids::{AttachmentId, OrderId},
};
use storage::{
    attachments,
    db::Tx,
    error::StoreError,
    timers::{self, Due, TimerKind},
};

use crate::{
    attachments::{files_of, parts_of},
    error::AskError,
    platform::Platform,
};

/// Gives up what a message carried that is taken back, in the same transaction: from its commit on
/// nobody is shown it, and its content is removed a moment later.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn withdraw(tx: &mut Tx, id: &str, at: Timestamp) -> Result<(), StoreError> {
    let id: AttachmentId = id.parse().map_err(|_| StoreError::corrupt("journal.body", id))?;
    attachments::give_up(tx, id).await?;
    timers::set(tx, TimerKind::AttachmentExpiry, &id.to_string(), at).await
}

/// Gives up all files of an order, whose chat is forgotten.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn forget_order(tx: &mut Tx, order_id: OrderId, at: Timestamp) -> Result<(), StoreError> {
    for id in attachments::list_ids(tx, order_id, None).await? {
        attachments::give_up(tx, id).await?;
        timers::set(tx, TimerKind::AttachmentExpiry, &id.to_string(), at).await?;
    }
    Ok(())
}

/// Removes what is left of an upload that is over, and the file too unless a message carries it.
///
/// The timer goes last: whatever fails before is done again.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be removed; the timer stays and is tried again.
pub async fn expire(platform: &Platform, due: Due) -> Result<bool, AskError> {
    let id: AttachmentId =
        due.subject.parse().map_err(|_| StoreError::corrupt("timer.subject", &due.subject))?;
    let give_up = async move |tx: &mut Tx| {
        let Some(found) = attachments::lock(tx, id).await? else { return Ok(false) };
        let is_carried = found.state == AttachmentState::Done && found.message_cid.is_some();
        if !is_carried {
            attachments::give_up(tx, id).await?;
        }
        Ok::<_, StoreError>(!is_carried)
    };
    let is_gone = platform.store.write(give_up).await?;
    platform.blobs.remove_all(&parts_of(id)).await?;
    if is_gone {
        platform.blobs.remove_all(&files_of(id)).await?;
    }
    let done = async move |tx: &mut Tx| {
        if is_gone {
            attachments::delete(tx, id).await?;
        }
        timers::take(tx, &due).await
    };
    Ok(platform.store.write::<_, _, StoreError>(done).await?)
}
