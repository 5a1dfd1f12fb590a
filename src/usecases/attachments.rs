//! Files beside the words of a chat: announced, sent piece by piece, checked, shown to the parties.
//!
//! A piece is written under a name of its own before its row is, and the row is taken only if it
//! is the next one. So whatever is sent twice, at once or half, by whichever node: the rows tell
//! what has arrived, and what no row names is removed later.

use bytes::Bytes;
use domain::{
    attachment::{
        AttachmentState, BYTES_MAX, CHUNK_BYTES_MAX, Checksum, ContentRefusal, MediaType,
        PER_ORDER_MAX, SNIFF_BYTES, UPLOAD_WITHIN, check_start,
    },
    chat::{ChatRefusal, may_speak},
    checked_text::FileName,
    clock::Timestamp,
    ids::{AttachmentId, OrderId},
    role::Profile,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use storage::{
    attachments::{self, Attachment, Part},
    commands::CommandKey,
    db::Tx,
    error::{Failure, StoreError},
    timers::{self, TimerKind},
};
use tokio::sync::Semaphore;

use crate::{
    blob_place,
    channels::find_order_for,
    platform::{Changes, Done, Platform},
};

/// Files that are put together and checked at once on a node: each is held in memory.
const CHECKS_AT_ONCE: usize = 4;

static CHECKS: Semaphore = Semaphore::const_new(CHECKS_AT_ONCE);

/// Why something about an attachment was refused.
#[derive(Debug, thiserror::Error)]
pub enum AttachmentError {
    /// No such attachment, or none that the asker may see.
    #[error("there is no such attachment for you")]
    NotFound,
    /// No such order, or none of the asker's.
    #[error("there is no such order for you")]
    NoOrder,
    /// Nothing is in it.
    #[error("a file has 1 byte or more: `bytes` is 0")]
    Empty,
    /// The chat is not open.
    #[error(transparent)]
    Chat(#[from] ChatRefusal),
    /// Too large.
    #[error("a file has 1 to {BYTES_MAX} bytes")]
    Size,
    /// Too many of one party in one order.
    #[error("one party sends at most {PER_ORDER_MAX} files in one order")]
    TooMany,
    /// A piece too large, empty, or reaching beyond the end.
    #[error("a piece has 1 to {CHUNK_BYTES_MAX} bytes and ends with the file at the latest")]
    PieceSize,
    /// The piece is not the next one.
    #[error("{received} bytes have arrived; go on from there")]
    WrongOffset {
        /// So much has arrived.
        received: u64,
    },
    /// It is not whole yet.
    #[error("{received} of {bytes} bytes have arrived")]
    Unfinished {
        /// So much has arrived.
        received: u64,
        /// So much was announced.
        bytes: u64,
    },
    /// A message carries it already.
    #[error("a message carries this attachment already")]
    Used,
    /// The content is not what was announced.
    #[error(transparent)]
    Content(#[from] ContentRefusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for AttachmentError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(err) => Some(err),
            _ => None,
        }
    }
}

/// A file that somebody wants to send.
#[derive(Debug, Clone)]
pub struct Announced {
    /// In which order's chat.
    pub order_id: OrderId,
    /// What it is called.
    pub name: FileName,
    /// What it is.
    pub media_type: MediaType,
    /// How large it is.
    pub bytes: u64,
    /// What its content sums up to.
    pub sha256: Checksum,
}

/// An upload that may begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The attachment.
    pub attachment: String,
    /// When it is removed unless a message carries it, in UTC milliseconds.
    pub expires_at: i64,
}

/// Begins an upload, for somebody who may speak in the order's chat now.
///
/// # Errors
///
/// [`AttachmentError::NoOrder`] for strangers, else why it may not begin.
pub async fn begin(
    platform: &Platform,
    owner: Profile,
    announced: Announced,
    key: Option<CommandKey>,
) -> Result<Done<Begun>, AttachmentError> {
    let order_id = announced.order_id;
    let stored = find_order_for(&mut platform.reader(), owner, order_id).await?;
    let stored = stored.ok_or(AttachmentError::NoOrder)?;
    may_speak(&stored.order, owner.role(), platform.now(), &platform.policy)?;
    if announced.bytes == 0 {
        return Err(AttachmentError::Empty);
    }
    if announced.bytes > BYTES_MAX {
        return Err(AttachmentError::Size);
    }
    blob_place::check(platform).await?;
    let work = async move |tx: &mut Tx, _: &mut Changes, at: Timestamp| {
        if attachments::list_ids(tx, order_id, Some(owner)).await?.len() >= PER_ORDER_MAX {
            return Err(AttachmentError::TooMany);
        }
        let new = Attachment {
            id: AttachmentId::generate(),
            order_id,
            owner,
            name: announced.name.as_str().to_owned(),
            media_type: announced.media_type,
            bytes: announced.bytes,
            sha256: announced.sha256.clone(),
            state: AttachmentState::Open,
            received: 0,
            object: None,
            message_cid: None,
            created_at: at,
        };
        attachments::insert(tx, &new).await?;
        let expires_at = expires_at(&new);
        timers::set(tx, TimerKind::AttachmentExpiry, &new.id.to_string(), expires_at).await?;
        Ok(Begun { attachment: new.id.to_string(), expires_at: expires_at.ms() })
    };
    platform.command(key, work).await
}

/// When a file is removed unless a message carries it.
pub fn expires_at(attachment: &Attachment) -> Timestamp {
    attachment.created_at + UPLOAD_WITHIN
}

/// How far an upload of one's own has come.
///
/// # Errors
///
/// [`AttachmentError::NotFound`] if it is somebody else's, [`AttachmentError::Content`] if its
/// content was refused.
pub async fn progress(
    platform: &Platform,
    owner: Profile,
    id: AttachmentId,
) -> Result<Attachment, AttachmentError> {
    let found = attachments::find(&mut platform.reader(), id).await?;
    let found = found.filter(|it| it.owner == owner).ok_or(AttachmentError::NotFound)?;
    match found.state {
        AttachmentState::Open | AttachmentState::Done => Ok(found),
        AttachmentState::Gone => Err(AttachmentError::NotFound),
        AttachmentState::Refused => Err(ContentRefusal::Checksum.into()),
    }
}

/// Takes in the next piece; the last one makes the file whole. An empty piece at the end tries
/// again what an earlier last piece left undone.
///
/// # Errors
///
/// [`AttachmentError::WrongOffset`] if it is not the next one, [`AttachmentError::Content`] if the
/// file is not what was announced.
pub async fn append(
    platform: &Platform,
    owner: Profile,
    id: AttachmentId,
    off: u64,
    piece: Bytes,
) -> Result<Attachment, AttachmentError> {
    let upload = progress(platform, owner, id).await?;
    if off != upload.received {
        return Err(AttachmentError::WrongOffset { received: upload.received });
    }
    let is_end = off == upload.bytes;
    let fits = piece.len() <= CHUNK_BYTES_MAX && off + piece.len() as u64 <= upload.bytes;
    if !fits || (piece.is_empty() && !is_end) {
        return Err(AttachmentError::PieceSize);
    }
    if off == 0 && piece.len() >= SNIFF_BYTES {
        // Nobody sends ten megabytes to learn at the end that they are no picture.
        refuse_wrong(platform, id, check_start(&piece, upload.media_type)).await?;
    }
    if !piece.is_empty() {
        blob_place::check(platform).await?;
        take(platform, &upload, piece).await?;
    }
    let upload = progress(platform, owner, id).await?;
    if upload.state == AttachmentState::Open && upload.received == upload.bytes {
        finish(platform, &upload).await?;
    }
    progress(platform, owner, id).await
}

async fn take(
    platform: &Platform,
    upload: &Attachment,
    piece: Bytes,
) -> Result<(), AttachmentError> {
    let (id, off, bytes) = (upload.id, upload.received, piece.len() as u64);
    let object = format!("{}/{off:012}-{}", parts_of(id), fresh_name());
    platform.blobs.put(&object, vec![piece]).await?;
    let part = Part { off, bytes, object: object.clone() };
    let write = async move |tx: &mut Tx| attachments::take_part(tx, id, &part).await;
    if platform.store.write::<_, _, StoreError>(write).await? {
        return Ok(());
    }
    // Another piece was faster.
    platform.blobs.remove(&object).await?;
    let now = attachments::find(&mut platform.reader(), id).await?;
    let received = now.ok_or(AttachmentError::NotFound)?.received;
    Err(AttachmentError::WrongOffset { received })
}

/// Puts the pieces together and checks what they are. Safe to repeat, and at once.
async fn finish(platform: &Platform, upload: &Attachment) -> Result<(), AttachmentError> {
    let _turn = CHECKS.acquire().await.map_err(StoreError::refused)?;
    let content = match read_parts(platform, upload).await {
        // Somebody else has finished it and removed the pieces.
        Err(StoreError::NotFound { .. }) => return Ok(()),
        content => content?,
    };
    let mut hash = Sha256::new();
    content.iter().for_each(|it| hash.update(it));
    let right = Checksum::of_hash(&hash.finalize()) == upload.sha256;
    let start: Vec<u8> = content.iter().flatten().take(SNIFF_BYTES).copied().collect();
    let checked =
        if right { check_start(&start, upload.media_type) } else { Err(ContentRefusal::Checksum) };
    refuse_wrong(platform, upload.id, checked).await?;

    let (id, object) = (upload.id, format!("{}/{}", files_of(upload.id), fresh_name()));
    platform.blobs.put(&object, content).await?;
    let kept = object.clone();
    let write = async move |tx: &mut Tx| {
        let is_first = attachments::end_upload(tx, id, AttachmentState::Done, Some(&kept)).await?;
        if is_first {
            attachments::delete_parts(tx, id).await?;
        }
        Ok::<_, StoreError>(is_first)
    };
    if !platform.store.write(write).await? {
        platform.blobs.remove(&object).await?;
    }
    remove_soon(platform, &parts_of(id)).await;
    Ok(())
}

async fn read_parts(platform: &Platform, upload: &Attachment) -> Result<Vec<Bytes>, StoreError> {
    let parts = attachments::list_parts(&mut platform.reader(), upload.id).await?;
    let mut content = Vec::with_capacity(parts.len());
    for part in &parts {
        content.push(platform.blobs.read(&part.object).await?);
    }
    if parts.is_empty() {
        return Err(StoreError::not_found("file", upload.id));
    }
    Ok(content)
}

/// Ends an upload whose content is not what was announced.
async fn refuse_wrong(
    platform: &Platform,
    id: AttachmentId,
    checked: Result<(), ContentRefusal>,
) -> Result<(), AttachmentError> {
    let Err(refusal) = checked else { return Ok(()) };
    let write = async move |tx: &mut Tx| {
        attachments::end_upload(tx, id, AttachmentState::Refused, None).await?;
        attachments::delete_parts(tx, id).await
    };
    platform.store.write::<_, _, StoreError>(write).await?;
    remove_soon(platform, &parts_of(id)).await;
    Err(refusal.into())
}

/// What cannot be removed now is removed when the attachment expires.
async fn remove_soon(platform: &Platform, folder: &str) {
    if let Err(err) = platform.blobs.remove_all(folder).await {
        tracing::warn!(error = ?err, folder, "pieces of a file cannot be removed yet");
    }
}

fn fresh_name() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// The folder of a file's pieces.
pub(crate) fn parts_of(id: AttachmentId) -> String {
    format!("parts/{id}")
}

/// The folder of a file's content.
pub(crate) fn files_of(id: AttachmentId) -> String {
    format!("files/{id}")
}

/// A file to be shown: to its owner, and to the parties of the order once a message carries it.
///
/// # Errors
///
/// [`AttachmentError::NotFound`] for strangers, [`AttachmentError::Unfinished`] for the owner while
/// it is not whole.
pub async fn show(
    platform: &Platform,
    by: Profile,
    id: AttachmentId,
) -> Result<Attachment, AttachmentError> {
    let mut reader = platform.reader();
    let found = attachments::find(&mut reader, id).await?.ok_or(AttachmentError::NotFound)?;
    let may = match found.message_cid {
        None => found.owner == by,
        Some(_) => find_order_for(&mut reader, by, found.order_id).await?.is_some(),
    };
    match found.state {
        _ if !may => Err(AttachmentError::NotFound),
        AttachmentState::Done => Ok(found),
        AttachmentState::Open => {
            Err(AttachmentError::Unfinished { received: found.received, bytes: found.bytes })
        }
        AttachmentState::Refused | AttachmentState::Gone => Err(AttachmentError::NotFound),
    }
}

/// Lets a message carry a file, in the transaction that writes the message.
///
/// # Errors
///
/// [`AttachmentError`] unless it is whole, the speaker's own, of this order, and not used yet.
pub async fn claim(
    tx: &mut Tx,
    id: AttachmentId,
    order_id: OrderId,
    owner: Profile,
    cid: &str,
) -> Result<(), AttachmentError> {
    if attachments::claim(tx, id, order_id, owner, cid).await? {
        return Ok(());
    }
    let found = attachments::find(tx, id).await?;
    let found = found.filter(|it| it.owner == owner && it.order_id == order_id);
    match found {
        Some(it) if it.state == AttachmentState::Open => {
            Err(AttachmentError::Unfinished { received: it.received, bytes: it.bytes })
        }
        Some(it) if it.state == AttachmentState::Done => Err(AttachmentError::Used),
        _ => Err(AttachmentError::NotFound),
    }
}
