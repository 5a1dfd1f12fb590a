//! Files beside the words of a chat, as rows. Their content is in [`crate::blobs`].

use domain::{
    attachment::{AttachmentState, Checksum, MediaType},
    clock::Timestamp,
    ids::{AttachmentId, OrderId},
    role::Profile,
};

use crate::{
    args,
    columns::{parsed, word},
    db::{Reader, Tx},
    error::StoreError,
};

/// A file, as it was announced and as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// The order in whose chat it may be used.
    pub order_id: OrderId,
    /// Who sends it.
    pub owner: Profile,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub media_type: MediaType,
    /// How large it is.
    pub bytes: u64,
    /// What its content sums up to.
    pub sha256: Checksum,
    /// Where it stands.
    pub state: AttachmentState,
    /// How much of it has arrived.
    pub received: u64,
    /// Where its content is kept, once it is whole.
    pub object: Option<String>,
    /// The command that said the message which carries it.
    pub message_cid: Option<String>,
    /// When it was announced.
    pub created_at: Timestamp,
}

/// A piece that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it begins.
    pub off: u64,
    /// How large it is.
    pub bytes: u64,
    /// Where its content is kept.
    pub object: String,
}

#[derive(sqlx::FromRow)]
struct AttachmentRow {
    attachment_id: String,
    order_id: String,
    owner_id: String,
    name: String,
    media_type: String,
    bytes: i64,
    sha256: String,
    state: String,
    received: i64,
    object: Option<String>,
    message_cid: Option<String>,
    created_ms: i64,
}

#[derive(sqlx::FromRow)]
struct PartRow {
    off: i64,
    bytes: i64,
    object: String,
}

#[derive(sqlx::FromRow)]
struct IdRow {
    attachment_id: String,
}

const COLUMNS: &str = "attachment_id, order_id, owner_id, name, media_type, bytes, sha256, state, \
                       received, object, message_cid, created_ms";

impl AttachmentRow {
    fn attachment(self) -> Result<Attachment, StoreError> {
        Ok(Attachment {
            id: parsed("attachment.attachment_id", &self.attachment_id)?,
            order_id: parsed("attachment.order_id", &self.order_id)?,
            owner: parsed("attachment.owner_id", &self.owner_id)?,
            name: self.name,
            media_type: word("attachment.media_type", &self.media_type, MediaType::from_text)?,
            bytes: size("attachment.bytes", self.bytes)?,
            sha256: Checksum::parse(&self.sha256)
                .map_err(|_| StoreError::corrupt("attachment.sha256", &self.sha256))?,
            state: word("attachment.state", &self.state, AttachmentState::from_text)?,
            received: size("attachment.received", self.received)?,
            object: self.object,
            message_cid: self.message_cid,
            created_at: Timestamp::from_ms(self.created_ms),
        })
    }
}

fn size(column: &'static str, stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(|_| StoreError::corrupt(column, stored))
}

/// Announces a file.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert(tx: &mut Tx, new: &Attachment) -> Result<(), StoreError> {
    tx.exec(
        "insert into attachment (attachment_id, order_id, owner_id, name, media_type, bytes, sha256,
            state, received, created_ms)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            new.id,
            new.order_id,
            new.owner.to_string(),
            &new.name,
            new.media_type.as_str(),
            new.bytes,
            new.sha256.as_str(),
            new.state.as_str(),
            new.received,
            new.created_at
        ],
    )
    .await?;
    Ok(())
}

/// A file by its id.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    id: AttachmentId,
) -> Result<Option<Attachment>, StoreError> {
    let sql = format!("select {COLUMNS} from attachment where attachment_id = ?");
    let row: Option<AttachmentRow> = reader.opt(&sql, args![id]).await?;
    row.map(AttachmentRow::attachment).transpose()
}

/// Like [`find`], and keeps it as it is until the transaction ends.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn lock(tx: &mut Tx, id: AttachmentId) -> Result<Option<Attachment>, StoreError> {
    let sql = format!("select {COLUMNS} from attachment where attachment_id = ?");
    let row: Option<AttachmentRow> = tx.opt_locked(&sql, args![id]).await?;
    row.map(AttachmentRow::attachment).transpose()
}

/// The files of an order, all or those of one party.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_ids(
    reader: &mut impl Reader,
    order_id: OrderId,
    owner: Option<Profile>,
) -> Result<Vec<AttachmentId>, StoreError> {
    let rows: Vec<IdRow> = match owner {
        None => {
            let sql = "select attachment_id from attachment where order_id = ?";
            reader.all(sql, args![order_id]).await?
        }
        Some(owner) => {
            let sql = "select attachment_id from attachment where order_id = ? and owner_id = ?";
            reader.all(sql, args![order_id, owner.to_string()]).await?
        }
    };
    rows.iter().map(|it| parsed("attachment.attachment_id", &it.attachment_id)).collect()
}

/// Takes in a piece, if it is the next one. `false` if another one was, or the upload is over.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn take_part(tx: &mut Tx, id: AttachmentId, part: &Part) -> Result<bool, StoreError> {
    let n_rows = tx
        .exec(
            "update attachment set received = received + ?
              where attachment_id = ? and state = 'open' and received = ? and received + ? <= bytes",
            args![part.bytes, id, part.off, part.bytes],
        )
        .await?;
    if n_rows == 0 {
        return Ok(false);
    }
    tx.exec(
        "insert into attachment_part (attachment_id, off, bytes, object) values (?, ?, ?, ?)",
        args![id, part.off, part.bytes, &part.object],
    )
    .await?;
    Ok(true)
}

/// What has arrived, in order.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_parts(
    reader: &mut impl Reader,
    id: AttachmentId,
) -> Result<Vec<Part>, StoreError> {
    let rows: Vec<PartRow> = reader
        .all(
            "select off, bytes, object from attachment_part where attachment_id = ? order by off",
            args![id],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Part {
                off: size("attachment_part.off", row.off)?,
                bytes: size("attachment_part.bytes", row.bytes)?,
                object: row.object,
            })
        })
        .collect()
}

/// Ends an upload: with the place of the whole content, or refused. `false` if it was over before.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn end_upload(
    tx: &mut Tx,
    id: AttachmentId,
    state: AttachmentState,
    object: Option<&str>,
) -> Result<bool, StoreError> {
    let n_rows = tx
        .exec(
            "update attachment set state = ?, object = ? where attachment_id = ? and state = 'open'",
            args![state.as_str(), object, id],
        )
        .await?;
    Ok(n_rows > 0)
}

/// Lets a message carry a file. `false` unless it is whole, the speaker's own, of this order, and
/// carried by no message yet.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn claim(
    tx: &mut Tx,
    id: AttachmentId,
    order_id: OrderId,
    owner: Profile,
    message_cid: &str,
) -> Result<bool, StoreError> {
    let n_rows = tx
        .exec(
            "update attachment set message_cid = ?
              where attachment_id = ? and order_id = ? and owner_id = ? and state = 'done'
                and message_cid is null",
            args![message_cid, id, order_id, owner.to_string()],
        )
        .await?;
    Ok(n_rows > 0)
}

/// Gives a file up: nobody is shown it any more.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn give_up(tx: &mut Tx, id: AttachmentId) -> Result<(), StoreError> {
    tx.exec("update attachment set state = 'gone' where attachment_id = ?", args![id]).await?;
    Ok(())
}

/// Forgets a file that was given up, once its content is removed.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn delete(tx: &mut Tx, id: AttachmentId) -> Result<(), StoreError> {
    delete_parts(tx, id).await?;
    tx.exec("delete from attachment where attachment_id = ? and state = 'gone'", args![id]).await?;
    Ok(())
}

/// Forgets the pieces of a file.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn delete_parts(tx: &mut Tx, id: AttachmentId) -> Result<(), StoreError> {
    tx.exec("delete from attachment_part where attachment_id = ?", args![id]).await?;
    Ok(())
}
