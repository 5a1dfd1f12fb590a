//! From journal entries to addresses: what is new, who is to be told when, and who is at it.
//!
//! An entry of a watched channel leaves a row in `notice_source` in its own transaction, so a crash
//! forgets nobody. Sharing out turns it into one row of `notice_due` for each address.

use domain::{
    channel::Channel,
    clock::Timestamp,
    ids::PushAddressId,
    notice::{NoticeClass, Watch},
    role::Profile,
};

use crate::{
    args,
    columns::{parsed, word},
    db::{Reader, Tx},
    dialect,
    error::StoreError,
    push::Push,
};

/// Rows taken in one round at most.
pub const ROUND_MAX: u32 = 200;
/// Entries of one channel and class that are looked at in one sharing at most; later ones belong to
/// the same notice anyway.
pub const ENTRIES_MAX: u32 = 500;
/// How the operator's webhook is called among addresses.
const WEBHOOK: &str = "webhook";

/// Which class of notices an entry belongs to; `None` if nobody is woken for it.
pub fn class_of(channel: &Channel, kind: Push) -> Option<NoticeClass> {
    match (channel, kind) {
        (Channel::Inbox(Profile::Rider(_)), Push::Offer) => Some(NoticeClass::Offer),
        // Staff are told by the store's channel.
        (Channel::Inbox(Profile::Customer(_) | Profile::Rider(_)), Push::Order)
        | (Channel::Store(_), Push::Order) => Some(NoticeClass::Order),
        (Channel::Inbox(Profile::Customer(_)), Push::OrderDelayed) => Some(NoticeClass::Delay),
        (Channel::Store(_), Push::Alarm) => Some(NoticeClass::Alarm),
        (Channel::Order(_), Push::Msg) => Some(NoticeClass::Chat),
        _ => None,
    }
}

/// The name of the entries of a class.
const fn kind_of(class: NoticeClass) -> Push {
    match class {
        NoticeClass::Offer => Push::Offer,
        NoticeClass::Alarm => Push::Alarm,
        NoticeClass::Order => Push::Order,
        NoticeClass::Delay => Push::OrderDelayed,
        NoticeClass::Chat => Push::Msg,
    }
}

/// Where a notice goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// To a device.
    Push(PushAddressId),
    /// To the operator's own service.
    Webhook,
}

impl Via {
    fn text(self) -> String {
        match self {
            Self::Push(id) => id.to_string(),
            Self::Webhook => WEBHOOK.to_owned(),
        }
    }

    fn read(text: &str) -> Result<Self, StoreError> {
        if text == WEBHOOK {
            return Ok(Self::Webhook);
        }
        parsed("notice_due.address", text).map(Self::Push)
    }
}

/// News in a channel that were not shared out yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where.
    pub channel: Channel,
    /// Of which class.
    pub class: NoticeClass,
    /// The first of them.
    pub off: u64,
}

/// An entry, as far as sharing out needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Its offset.
    pub off: u64,
    /// Who caused it.
    pub sender: String,
    /// When it was written.
    pub at: Timestamp,
}

/// Which row of `notice_due`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeKey {
    /// Who is told.
    pub profile: Profile,
    /// Where.
    pub via: Via,
    /// About which channel.
    pub channel: Channel,
    /// And what in it.
    pub class: NoticeClass,
}

/// A row that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNotice {
    /// Which.
    pub key: NoticeKey,
    /// What was told, and what is to be told.
    pub watch: Watch,
}

#[derive(sqlx::FromRow)]
struct SourceRow {
    channel: String,
    class: String,
    off: i64,
}

#[derive(sqlx::FromRow)]
struct NewsRow {
    off: i64,
    sender: String,
    at_ms: i64,
}

#[derive(sqlx::FromRow)]
struct WatchRow {
    told_off: i64,
    upto_off: i64,
    due_ms: i64,
    attempt: i64,
}

#[derive(sqlx::FromRow)]
struct DueRow {
    profile_id: String,
    address: String,
    channel: String,
    class: String,
    #[sqlx(flatten)]
    watch: WatchRow,
}

impl WatchRow {
    fn read(self) -> Watch {
        Watch {
            told: u64::try_from(self.told_off).unwrap_or(0),
            upto: u64::try_from(self.upto_off).unwrap_or(0),
            due: Timestamp::from_ms(self.due_ms),
            attempt: u32::try_from(self.attempt).unwrap_or(u32::MAX),
        }
    }
}

impl DueRow {
    fn read(self) -> Result<DueNotice, StoreError> {
        let key = NoticeKey {
            profile: parsed("notice_due.profile_id", &self.profile_id)?,
            via: Via::read(&self.address)?,
            channel: parsed("notice_due.channel", &self.channel)?,
            class: word("notice_due.class", &self.class, NoticeClass::from_text)?,
        };
        Ok(DueNotice { key, watch: self.watch.read() })
    }
}

/// From now on entries of this channel leave sources.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn watch(tx: &mut Tx, channel: &Channel) -> Result<(), StoreError> {
    let epoch = format!("{:08x}", rand::random::<u32>());
    let sql = dialect::watch_channel(tx.is_mysql());
    tx.exec(sql, args![channel.to_string(), &epoch]).await?;
    Ok(())
}

/// Ends [`watch`].
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn unwatch(tx: &mut Tx, channel: &Channel) -> Result<(), StoreError> {
    let sql = "update channel_head set watched = false where channel = ?";
    tx.exec(sql, args![channel.to_string()]).await?;
    Ok(())
}

/// Leaves a source, unless an older one stands.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn leave_source(tx: &mut Tx, it: &Source) -> Result<(), StoreError> {
    let verb = dialect::insert_or_keep(tx.is_mysql());
    let sql = format!("{verb} into notice_source (channel, class, off) values (?, ?, ?)");
    tx.exec(&sql, args![it.channel.to_string(), it.class.as_str(), it.off]).await?;
    Ok(())
}

/// What is to be shared out.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn sources(reader: &mut impl Reader) -> Result<Vec<Source>, StoreError> {
    let sql = "select channel, class, off from notice_source limit ?";
    let rows: Vec<SourceRow> = reader.all(sql, args![ROUND_MAX]).await?;
    let read = |row: SourceRow| {
        Ok(Source {
            channel: parsed("notice_source.channel", &row.channel)?,
            class: word("notice_source.class", &row.class, NoticeClass::from_text)?,
            off: u64::try_from(row.off).unwrap_or(1),
        })
    };
    Ok(rows.into_iter().map(read).filter_map(known).collect())
}

/// What a newer node left is its business; ours must not wait for it.
fn known<T>(row: Result<T, StoreError>) -> Option<T> {
    row.inspect_err(|err| tracing::warn!(error = %err, "a notice that this version cannot read"))
        .ok()
}

/// Takes a source out, in the transaction that shares it out; `false` if another node was faster.
/// What is written to the channel from now on leaves a source of its own.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn take_source(tx: &mut Tx, it: &Source) -> Result<bool, StoreError> {
    let sql = "delete from notice_source where channel = ? and class = ? and off = ?";
    Ok(tx.exec(sql, args![it.channel.to_string(), it.class.as_str(), it.off]).await? > 0)
}

/// The entries of a source, oldest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn news(reader: &mut impl Reader, it: &Source) -> Result<Vec<News>, StoreError> {
    let sql = "select off, sender, at_ms from journal
                where channel = ? and off >= ? and kind = ? order by off limit ?";
    let kind = kind_of(it.class).as_str();
    let rows: Vec<NewsRow> =
        reader.all(sql, args![it.channel.to_string(), it.off, kind, ENTRIES_MAX]).await?;
    let read = |row: NewsRow| News {
        off: u64::try_from(row.off).unwrap_or(0),
        sender: row.sender,
        at: Timestamp::from_ms(row.at_ms),
    };
    Ok(rows.into_iter().map(read).collect())
}

const THIS_ROW: &str = "profile_id = ? and address = ? and channel = ? and class = ?";

macro_rules! key_args {
    ($key:expr $(, $before:expr)* ; $($after:expr),*) => {
        args![
            $($before,)* $key.profile.to_string(), $key.via.text(), $key.channel.to_string(),
            $key.class.as_str() $(, $after)*
        ]
    };
}

/// What an address was told so far, locked; `None` if nothing is watched for it.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_locked(tx: &mut Tx, key: &NoticeKey) -> Result<Option<Watch>, StoreError> {
    let sql =
        format!("select told_off, upto_off, due_ms, attempt from notice_due where {THIS_ROW}");
    let row: Option<WatchRow> = tx.opt_locked(&sql, key_args![key;]).await?;
    Ok(row.map(WatchRow::read))
}

/// Begins a watch or goes on with one; whoever is at it keeps his claim.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn save(tx: &mut Tx, key: &NoticeKey, it: Watch) -> Result<(), StoreError> {
    let tail = dialect::or_update(
        tx.is_mysql(),
        "profile_id, address, channel, class",
        &["told_off", "upto_off", "due_ms", "attempt"],
    );
    let sql = format!(
        "insert into notice_due
            (profile_id, address, channel, class, told_off, upto_off, due_ms, attempt)
         values (?, ?, ?, ?, ?, ?, ?, ?){tail}"
    );
    tx.exec(&sql, key_args![key; it.told, it.upto, it.due, it.attempt]).await?;
    Ok(())
}

/// Rows that are due, the oldest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn due(reader: &mut impl Reader, now: Timestamp) -> Result<Vec<DueNotice>, StoreError> {
    let sql = "select profile_id, address, channel, class, told_off, upto_off, due_ms, attempt
                 from notice_due where due_ms <= ? order by due_ms limit ?";
    let rows: Vec<DueRow> = reader.all(sql, args![now, ROUND_MAX]).await?;
    Ok(rows.into_iter().map(DueRow::read).filter_map(known).collect())
}

/// Takes a row that is due until `until`; `false` if another node was faster. Whoever does not come
/// back in time has crashed, and the row is due again.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn claim(
    tx: &mut Tx,
    it: &DueNotice,
    claim: &str,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let sql = format!(
        "update notice_due set claim = ?, due_ms = ?, attempt = attempt + 1
          where {THIS_ROW} and due_ms = ?"
    );
    Ok(tx.exec(&sql, key_args![it.key, claim, until; it.watch.due]).await? > 0)
}

/// The row as it stands now, locked; `None` if the claim was lost.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn claimed(
    tx: &mut Tx,
    key: &NoticeKey,
    claim: &str,
) -> Result<Option<Watch>, StoreError> {
    let sql = format!(
        "select told_off, upto_off, due_ms, attempt from notice_due where {THIS_ROW} and claim = ?"
    );
    let row: Option<WatchRow> = tx.opt_locked(&sql, key_args![key; claim]).await?;
    Ok(row.map(WatchRow::read))
}

/// Gives a claimed row back with what is to be done next; `None` forgets it.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn release(tx: &mut Tx, key: &NoticeKey, next: Option<Watch>) -> Result<(), StoreError> {
    let Some(it) = next else {
        tx.exec(&format!("delete from notice_due where {THIS_ROW}"), key_args![key;]).await?;
        return Ok(());
    };
    let sql = format!(
        "update notice_due set claim = null, told_off = ?, upto_off = ?, due_ms = ?, attempt = ?
          where {THIS_ROW}"
    );
    tx.exec(&sql, key_args![key, it.told, it.upto, it.due, it.attempt;]).await?;
    Ok(())
}

/// Forgets everything that one address was to be told.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn forget_address(
    tx: &mut Tx,
    profile: Profile,
    id: PushAddressId,
) -> Result<(), StoreError> {
    let sql = "delete from notice_due where profile_id = ? and address = ?";
    tx.exec(sql, args![profile.to_string(), id]).await?;
    Ok(())
}
