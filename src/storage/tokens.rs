//! Refresh tokens (hashed, good for one use) and the keys that sign access tokens.

use domain::{clock::Timestamp, ids::SessionId, role::Profile};

use crate::{
    args,
    columns::{instant, parsed},
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

/// A refresh token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Hash of the token; the token itself is nowhere.
    pub token_hash: String,
    /// The sign-in that it descends from: its family.
    pub session_id: SessionId,
    /// Who may sign in with it.
    pub profile: Profile,
    /// Which device it was given to, if the client said so.
    pub device: Option<String>,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// When it was used or revoked; `None` while it is good.
    pub used_at: Option<Timestamp>,
}

/// A key that signs access tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Name of the key, told in each token.
    pub kid: String,
    /// The secret itself, as hex digits.
    pub secret: String,
}

#[derive(sqlx::FromRow)]
struct RefreshRow {
    token_hash: String,
    family_id: String,
    profile_id: String,
    device: Option<String>,
    expires_at_ms: i64,
    used_at_ms: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    family_id: String,
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    kid: String,
    secret: String,
}

/// Writes a new refresh token.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert_refresh(
    tx: &mut Tx,
    token: &RefreshToken,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "insert into refresh_token
            (token_hash, family_id, profile_id, device, created_at_ms, expires_at_ms)
         values (?, ?, ?, ?, ?, ?)",
        args![
            &token.token_hash,
            token.session_id,
            token.profile.to_string(),
            token.device.as_ref(),
            at,
            token.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// A refresh token by its hash.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_refresh(
    reader: &mut impl Reader,
    token_hash: &str,
) -> Result<Option<RefreshToken>, StoreError> {
    let row: Option<RefreshRow> = reader
        .opt(
            "select token_hash, family_id, profile_id, device, expires_at_ms, used_at_ms
               from refresh_token where token_hash = ?",
            args![token_hash],
        )
        .await?;
    row.map(|row| {
        Ok(RefreshToken {
            profile: parsed("refresh_token.profile_id", &row.profile_id)?,
            token_hash: row.token_hash,
            session_id: parsed("refresh_token.family_id", &row.family_id)?,
            device: row.device,
            expires_at: Timestamp::from_ms(row.expires_at_ms),
            used_at: instant(row.used_at_ms),
        })
    })
    .transpose()
}

/// Uses a token up; `false` if it was used before.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn use_refresh(tx: &mut Tx, token_hash: &str, at: Timestamp) -> Result<bool, StoreError> {
    let n = tx
        .exec(
            "update refresh_token set used_at_ms = ? where token_hash = ? and used_at_ms is null",
            args![at, token_hash],
        )
        .await?;
    Ok(n == 1)
}

/// Makes every refresh token of a sign-in worthless.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn revoke_session(
    tx: &mut Tx,
    session_id: SessionId,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "update refresh_token set used_at_ms = ? where family_id = ? and used_at_ms is null",
        args![at, session_id],
    )
    .await?;
    Ok(())
}

/// Makes every refresh token of a profile worthless.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn revoke_profile(
    tx: &mut Tx,
    profile: Profile,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "update refresh_token set used_at_ms = ? where profile_id = ? and used_at_ms is null",
        args![at, profile.to_string()],
    )
    .await?;
    Ok(())
}

/// The sign-ins of a profile that were given a token at `since` or later.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_sessions(
    reader: &mut impl Reader,
    profile: Profile,
    since: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let sql = "select distinct family_id from refresh_token
                where profile_id = ? and created_at_ms >= ?";
    let rows: Vec<SessionRow> = reader.all(sql, args![profile.to_string(), since]).await?;
    rows.iter().map(|row| parsed("refresh_token.family_id", &row.family_id)).collect()
}

/// Writes a signing key unless one of that name exists.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert_key_if_new(
    tx: &mut Tx,
    key: &SigningKey,
    at: Timestamp,
) -> Result<(), StoreError> {
    let verb = dialect::insert_or_keep(tx.is_mysql());
    tx.exec(
        &format!("{verb} into signing_key (kid, secret, created_at_ms) values (?, ?, ?)"),
        args![&key.kid, &key.secret, at],
    )
    .await?;
    Ok(())
}

/// All signing keys, the newest last.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_keys(reader: &mut impl Reader) -> Result<Vec<SigningKey>, StoreError> {
    let rows: Vec<KeyRow> =
        reader.all("select kid, secret from signing_key order by created_at_ms, kid", &[]).await?;
    Ok(rows.into_iter().map(|row| SigningKey { kid: row.kid, secret: row.secret }).collect())
}
