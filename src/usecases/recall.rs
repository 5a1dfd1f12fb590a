//! Taking back what was said.
//!
//! In one transaction the message becomes a tombstone and an entry `edit` follows in its channel.
//! So whoever reads the journal later (history, resume, repair) never sees what it said, and who
//! has it already is told to forget it.

use domain::{
    channel::Channel,
    chat::{RecallRefusal, may_recall},
    clock::Timestamp,
    role::Profile,
};
use storage::{
    commands::{CommandKey, fingerprint},
    db::Tx,
    entries,
    events::{self, Edited, Said, Tombstone},
    journal,
    push::Push,
};

use crate::{
    attachment_ends,
    channels::find_order_for,
    chat::{ChatError, Sent},
    platform::{Changes, Done, Platform},
};

/// Takes back the message at `off`. The offset of the `edit` is in the positions of [`Done`].
///
/// # Errors
///
/// [`ChatError::NotFound`] for strangers, [`ChatError::NoMessage`] if none stands there,
/// [`ChatError::Recall`] if it is somebody else's, too old, or was taken back before.
pub async fn recall(
    platform: &Platform,
    by: Profile,
    channel: Channel,
    cid: String,
    off: u64,
) -> Result<Done<Sent>, ChatError> {
    let Channel::Order(order_id) = channel else { return Err(ChatError::NotFound) };
    if find_order_for(&mut platform.reader(), by, order_id).await?.is_none() {
        return Err(ChatError::NotFound);
    }
    let body_hash = fingerprint(&["chat.recall", &channel.to_string(), &off.to_string()]);
    let key = CommandKey { sender: by.to_string(), cid: cid.clone(), body_hash };
    let (into, policy) = (channel.clone(), platform.policy);
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let entry = entries::lock(tx, &into, off).await?;
        let entry = entry.filter(|it| it.kind == Push::Msg.as_str()).ok_or(ChatError::NoMessage)?;
        may_recall(entry.author, entry.at, by, at, &policy)?;
        // A tombstone lacks what a message has.
        let said: Said = events::read_json(entry.body.as_bytes()).ok_or(RecallRefusal::Recalled)?;
        let Said { from, kind, reply_to, att, .. } = said;
        if let Some(att) = att {
            attachment_ends::withdraw(tx, &att, at).await?;
        }
        let tombstone = Tombstone { from, kind, reply_to, recalled: true };
        entries::bury(tx, &into, off, &events::json(&tombstone)?).await?;
        changes.entries.push(journal::NewEntry {
            cid: Some(cid.clone()),
            ..events::entry(
                into.clone(),
                Push::Edit,
                Some(by),
                &Edited { of: off, recalled: true },
            )?
        });
        Ok::<_, ChatError>(Sent { ts: at.ms() })
    };
    platform.grouped_command(&channel, Some(key), work).await
}
