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
    /// The token that it was exchanged for, sealed with this one; `None` until then.
    pub successor: Option<String>,
}

/// A key that signs access tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Name of the key, told in each token.
    pub kid: String,
    /// The secret itself, as hex digits.
    pub secret: String,
    /// From when on it signs, in real time.
    pub signs_from: Timestamp,
}

#[derive(sqlx::FromRow)]
struct RefreshRow {
    token_hash: String,
    family_id: String,
    profile_id: String,
    device: Option<String>,
    expires_at_ms: i64,
    used_at_ms: Option<i64>,
    successor: Option<String>,
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    family_id: String,
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    kid: String,
    secret: String,
    signs_from_ms: i64,
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
            "select token_hash, family_id, profile_id, device, expires_at_ms, used_at_ms,
                    successor
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
            successor: row.successor,
        })
    })
    .transpose()
}

/// Uses a token up and keeps the one that takes its place, sealed; `false` if it was used before.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn use_refresh(
    tx: &mut Tx,
    token_hash: &str,
    successor: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let n = tx
        .exec(
            "update refresh_token set used_at_ms = ?, successor = ?
              where token_hash = ? and used_at_ms is null",
            args![at, successor, token_hash],
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

/// Writes a signing key unless one of that name exists; `false` if one does.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn insert_key_if_new(
    tx: &mut Tx,
    key: &SigningKey,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let verb = dialect::insert_or_keep(tx.is_mysql());
    let n = tx
        .exec(
            &format!(
                "{verb} into signing_key (kid, secret, created_at_ms, signs_from_ms)
                 values (?, ?, ?, ?)"
            ),
            args![&key.kid, &key.secret, at, key.signs_from],
        )
        .await?;
    Ok(n == 1)
}

/// All signing keys, the newest last.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_keys(reader: &mut impl Reader) -> Result<Vec<SigningKey>, StoreError> {
    let sql = "select kid, secret, signs_from_ms from signing_key
                order by signs_from_ms, created_at_ms, kid";
    let rows: Vec<KeyRow> = reader.all(sql, &[]).await?;
    let read = |row: KeyRow| SigningKey {
        kid: row.kid,
        secret: row.secret,
        signs_from: Timestamp::from_ms(row.signs_from_ms),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Forgets a signing key: tokens that it signed are refused from then on.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn remove_key(tx: &mut Tx, kid: &str) -> Result<(), StoreError> {
    tx.exec("delete from signing_key where kid = ?", args![kid]).await?;
    Ok(())
}
