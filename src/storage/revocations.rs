//! Sign-ins that ended before their tokens did.

use domain::{clock::Timestamp, ids::SessionId, role::Profile};

use crate::{
    args,
    columns::parsed,
    db::{Reader, Tx, Val},
    dialect,
    error::StoreError,
};

/// Rows of one statement at most.
const ROWS_MAX: usize = 200;

/// A sign-in whose tokens are worthless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// Which sign-in.
    pub session_id: SessionId,
    /// Of which profile.
    pub profile: Profile,
    /// From when on its tokens have run out anyway.
    pub keep_until: Timestamp,
}

#[derive(sqlx::FromRow)]
struct RevocationRow {
    session_id: String,
    profile_id: String,
    keep_until_ms: i64,
}

/// Writes what was revoked; what is there stays as it is. `now` is real time.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn insert(tx: &mut Tx, revoked: &[Revocation], now: Timestamp) -> Result<(), StoreError> {
    let verb = dialect::insert_or_keep(tx.is_mysql());
    for some in revoked.chunks(ROWS_MAX) {
        let marks = vec!["(?, ?, ?, ?)"; some.len()].join(", ");
        let sql = format!(
            "{verb} into revocation (session_id, profile_id, revoked_at_ms, keep_until_ms)
             values {marks}"
        );
        let values: Vec<Val<'_>> = some
            .iter()
            .flat_map(|it| {
                let (session_id, profile) = (it.session_id.to_string(), it.profile.to_string());
                [session_id.into(), profile.into(), now.into(), it.keep_until.into()]
            })
            .collect();
        tx.exec(&sql, &values).await?;
    }
    Ok(())
}

/// Whether a sign-in has ended, as far as its tokens may still live.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn has(reader: &mut impl Reader, session_id: SessionId) -> Result<bool, StoreError> {
    let sql = "select session_id, profile_id, keep_until_ms from revocation where session_id = ?";
    Ok(reader.opt::<RevocationRow>(sql, args![session_id]).await?.is_some())
}

/// What was revoked since `since` in real time.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn since(
    reader: &mut impl Reader,
    since: Timestamp,
) -> Result<Vec<Revocation>, StoreError> {
    let sql = "select session_id, profile_id, keep_until_ms from revocation
                where revoked_at_ms >= ?";
    let rows: Vec<RevocationRow> = reader.all(sql, args![since]).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Revocation {
                session_id: parsed("revocation.session_id", &row.session_id)?,
                profile: parsed("revocation.profile_id", &row.profile_id)?,
                keep_until: Timestamp::from_ms(row.keep_until_ms),
            })
        })
        .collect()
}

/// Forgets sign-ins whose tokens have run out.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn remove_old(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    tx.exec("delete from revocation where keep_until_ms < ?", args![now]).await?;
    Ok(())
}
