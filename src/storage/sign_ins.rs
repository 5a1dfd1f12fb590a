//! Sign-ins: one row for each device that somebody is signed in on.

use domain::{
    clock::Timestamp,
    ids::{AccountId, SessionId},
    role::Profile,
    session::SessionEnd,
};

use crate::{
    args,
    columns::{instant, parsed},
    db::{Reader, Tx},
    error::StoreError,
};

/// Open sign-ins of one account that are looked at, at most.
pub const OPEN_MAX: u32 = 200;
/// Rows removed at once, at most.
const REMOVED_MAX: u32 = 500;

/// A sign-in as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRow {
    /// The sign-in.
    pub session_id: SessionId,
    /// Whose.
    pub account_id: AccountId,
    /// In which role.
    pub profile: Profile,
    /// What the device is called.
    pub device: Option<String>,
    /// The program, as it named itself.
    pub client: Option<String>,
    /// Hash of the device's id.
    pub device_hash: Option<String>,
    /// Hash of what the program calls itself; `None` until it is known.
    pub fingerprint: Option<String>,
    /// Whether it lasts longer without being used.
    pub stays: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its tokens were renewed last.
    pub used_at: Timestamp,
    /// When it runs out unless it is used.
    pub expires_at: Timestamp,
    /// When it ended before that.
    pub ended_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    session_id: String,
    account_id: String,
    profile_id: String,
    device: Option<String>,
    client: Option<String>,
    device_hash: Option<String>,
    fingerprint: Option<String>,
    stays: bool,
    created_at_ms: i64,
    used_at_ms: i64,
    expires_at_ms: i64,
    ended_at_ms: Option<i64>,
}

const COLUMNS: &str = "session_id, account_id, profile_id, device, client, device_hash, fingerprint, \
                       stays, created_at_ms, used_at_ms, expires_at_ms, ended_at_ms";

impl Row {
    fn read(self) -> Result<SignInRow, StoreError> {
        Ok(SignInRow {
            session_id: parsed("sign_in.session_id", &self.session_id)?,
            account_id: parsed("sign_in.account_id", &self.account_id)?,
            profile: parsed("sign_in.profile_id", &self.profile_id)?,
            device: self.device,
            client: self.client,
            device_hash: self.device_hash,
            fingerprint: self.fingerprint,
            stays: self.stays,
            created_at: Timestamp::from_ms(self.created_at_ms),
            used_at: Timestamp::from_ms(self.used_at_ms),
            expires_at: Timestamp::from_ms(self.expires_at_ms),
            ended_at: instant(self.ended_at_ms),
        })
    }
}

/// Writes a new sign-in.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert(tx: &mut Tx, row: &SignInRow) -> Result<(), StoreError> {
    let sql =
        "insert into sign_in (session_id, account_id, profile_id, device, client, device_hash,
                      fingerprint, stays, created_at_ms, used_at_ms, expires_at_ms)
               values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    tx.exec(
        sql,
        args![
            row.session_id,
            row.account_id,
            row.profile.to_string(),
            row.device.as_ref(),
            row.client.as_ref(),
            row.device_hash.as_ref(),
            row.fingerprint.as_ref(),
            row.stays,
            row.created_at,
            row.used_at,
            row.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// A sign-in, open or not.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    session_id: SessionId,
) -> Result<Option<SignInRow>, StoreError> {
    let sql = format!("select {COLUMNS} from sign_in where session_id = ?");
    reader.opt::<Row>(&sql, args![session_id]).await?.map(Row::read).transpose()
}

/// A sign-in of somebody, open or not.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_of_account(
    reader: &mut impl Reader,
    account_id: AccountId,
    session_id: SessionId,
) -> Result<Option<SignInRow>, StoreError> {
    let sql = format!("select {COLUMNS} from sign_in where account_id = ? and session_id = ?");
    reader.opt::<Row>(&sql, args![account_id, session_id]).await?.map(Row::read).transpose()
}

/// The open sign-ins of an account, the newest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_open(
    reader: &mut impl Reader,
    account_id: AccountId,
    now: Timestamp,
) -> Result<Vec<SignInRow>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from sign_in
          where account_id = ? and ended_at_ms is null and expires_at_ms > ?
          order by created_at_ms desc, session_id desc limit ?"
    );
    let rows: Vec<Row> = reader.all(&sql, args![account_id, now, OPEN_MAX]).await?;
    rows.into_iter().map(Row::read).collect()
}

/// Notes that a sign-in was used, and by which program.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn note_use(
    tx: &mut Tx,
    session_id: SessionId,
    fingerprint: &str,
    at: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "update sign_in set fingerprint = ?, used_at_ms = ?, expires_at_ms = ? where session_id = ?",
        args![fingerprint, at, expires_at, session_id],
    )
    .await?;
    Ok(())
}

/// Ends a sign-in; what has ended stays as it is.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn end(
    tx: &mut Tx,
    session_id: SessionId,
    why: SessionEnd,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "update sign_in set ended_at_ms = ?, ended_why = ?
          where session_id = ? and ended_at_ms is null",
        args![at, why.as_str(), session_id],
    )
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    id: String,
}

/// Removes some sign-ins and refresh tokens that ran out before `cutoff`; returns how many.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn remove_old(tx: &mut Tx, cutoff: Timestamp) -> Result<u64, StoreError> {
    let mut n_removed = 0;
    for (table, key) in [("refresh_token", "token_hash"), ("sign_in", "session_id")] {
        let sql = format!(
            "select {key} as id from {table} where expires_at_ms < ? order by expires_at_ms limit ?"
        );
        let old: Vec<KeyRow> = tx.all(&sql, args![cutoff, REMOVED_MAX]).await?;
        if old.is_empty() {
            continue;
        }
        let ids: Vec<String> = old.into_iter().map(|it| it.id).collect();
        let (marks, values) = crate::columns::any_of(&ids);
        let sql = format!("delete from {table} where {key} in ({marks})");
        n_removed += tx.exec(&sql, &values).await?;
    }
    Ok(n_removed)
}
