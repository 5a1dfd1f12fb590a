//! Who changed what: one row for each request that changed something.

use domain::{clock::Timestamp, ids::AccountId, role::Profile};

use crate::{
    args,
    columns::parsed,
    db::{Reader, Tx, Val},
    error::StoreError,
};

/// Rows of one statement at most.
const ROWS_MAX: usize = 200;
/// Rows removed at once, at most.
const REMOVED_MAX: u32 = 1_000;

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Sorts by time.
    pub id: String,
    /// When, in real time.
    pub at: Timestamp,
    /// Whose account.
    pub account_id: AccountId,
    /// In which role.
    pub profile: Profile,
    /// With which method.
    pub method: String,
    /// At which address, with its ids.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// The name of the request.
    pub request_id: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    audit_id: String,
    at_ms: i64,
    account_id: String,
    profile_id: String,
    method: String,
    path: String,
    status: i64,
    request_id: Option<String>,
}

impl Row {
    fn read(self) -> Result<AuditRow, StoreError> {
        Ok(AuditRow {
            id: self.audit_id,
            at: Timestamp::from_ms(self.at_ms),
            account_id: parsed("audit_entry.account_id", &self.account_id)?,
            profile: parsed("audit_entry.profile_id", &self.profile_id)?,
            method: self.method,
            path: self.path,
            status: u16::try_from(self.status)
                .map_err(|_| StoreError::corrupt("audit_entry.status", self.status))?,
            request_id: self.request_id,
        })
    }
}

/// Writes rows.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn insert(tx: &mut Tx, rows: &[AuditRow]) -> Result<(), StoreError> {
    for some in rows.chunks(ROWS_MAX) {
        let marks = vec!["(?, ?, ?, ?, ?, ?, ?, ?)"; some.len()].join(", ");
        let sql = format!(
            "insert into audit_entry (audit_id, at_ms, account_id, profile_id, method, path, status,
                    request_id) values {marks}"
        );
        let values: Vec<Val<'_>> = some
            .iter()
            .flat_map(|it| {
                [
                    Val::from(&it.id),
                    it.at.into(),
                    it.account_id.into(),
                    it.profile.to_string().into(),
                    Val::from(&it.method),
                    Val::from(&it.path),
                    u32::from(it.status).into(),
                    it.request_id.as_ref().into(),
                ]
            })
            .collect();
        tx.exec(&sql, &values).await?;
    }
    Ok(())
}

/// The newest rows before `before`, of one profile or of all.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list(
    reader: &mut impl Reader,
    profile: Option<Profile>,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<AuditRow>, StoreError> {
    const COLUMNS: &str =
        "audit_id, at_ms, account_id, profile_id, method, path, status, request_id";
    // Greater than every id.
    let before = before.unwrap_or("~");
    let rows: Vec<Row> = match profile {
        Some(profile) => {
            let sql = format!(
                "select {COLUMNS} from audit_entry where profile_id = ? and audit_id < ?
                  order by audit_id desc limit ?"
            );
            reader.all(&sql, args![profile.to_string(), before, limit]).await?
        }
        None => {
            let sql = format!(
                "select {COLUMNS} from audit_entry where audit_id < ?
                  order by audit_id desc limit ?"
            );
            reader.all(&sql, args![before, limit]).await?
        }
    };
    rows.into_iter().map(Row::read).collect()
}

#[derive(sqlx::FromRow)]
struct IdRow {
    audit_id: String,
}

/// Removes some rows of before `cutoff`; returns how many.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn remove_old(tx: &mut Tx, cutoff: Timestamp) -> Result<u64, StoreError> {
    let sql = "select audit_id from audit_entry where at_ms < ? order by audit_id limit ?";
    let old: Vec<IdRow> = tx.all(sql, args![cutoff, REMOVED_MAX]).await?;
    let Some(last) = old.last() else { return Ok(0) };
    let sql = "delete from audit_entry where audit_id <= ? and at_ms < ?";
    tx.exec(sql, args![&last.audit_id, cutoff]).await
}
