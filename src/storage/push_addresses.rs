//! Where notices for people who are away go.

use domain::{
    clock::Timestamp,
    ids::{PushAddressId, SessionId},
    role::Profile,
};

use crate::{
    args,
    columns::{any_of, parsed},
    commands::fingerprint,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

/// Addresses of one profile at most; the oldest makes room.
pub const ADDRESSES_MAX: usize = 10;

/// One device's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushAddress {
    /// Its id.
    pub id: PushAddressId,
    /// Who is told there.
    pub profile: Profile,
    /// Which of the profile's devices it is.
    pub device: String,
    /// The sign-in that gave it; it ends with it. `None` for addresses of older versions.
    pub session_id: Option<SessionId>,
    /// Where to send.
    pub endpoint: String,
    /// The device's public key, in base64url.
    pub p256dh: String,
    /// The secret shared with the device, in base64url.
    pub auth: String,
    /// When it was given.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct AddressRow {
    address_id: String,
    profile_id: String,
    device: String,
    session_id: String,
    endpoint: String,
    p256dh: String,
    auth: String,
    at_ms: i64,
}

const COLUMNS: &str = "address_id, profile_id, device, session_id, endpoint, p256dh, auth, at_ms";

impl AddressRow {
    fn read(self) -> Result<PushAddress, StoreError> {
        Ok(PushAddress {
            id: parsed("push_address.address_id", &self.address_id)?,
            profile: parsed("push_address.profile_id", &self.profile_id)?,
            device: self.device,
            session_id: self.session_id.parse().ok(),
            endpoint: self.endpoint,
            p256dh: self.p256dh,
            auth: self.auth,
            at: Timestamp::from_ms(self.at_ms),
        })
    }
}

/// Keeps an address, in place of the device's old one and of whoever had the same endpoint.
/// Answers the id that it has from now on.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn put(tx: &mut Tx, it: &PushAddress) -> Result<PushAddressId, StoreError> {
    let hash = fingerprint(&[&it.endpoint]);
    let profile = it.profile.to_string();
    tx.exec(
        "delete from push_address
          where endpoint_hash = ? and not (profile_id = ? and device = ?)",
        args![&hash, &profile, &it.device],
    )
    .await?;
    let tail = dialect::or_update(
        tx.is_mysql(),
        "profile_id, device",
        &["session_id", "endpoint", "endpoint_hash", "p256dh", "auth", "at_ms"],
    );
    let sql = format!(
        "insert into push_address
            (address_id, profile_id, device, session_id, endpoint, endpoint_hash, p256dh, auth,
             at_ms)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?){tail}"
    );
    let (endpoint, p256dh, auth) = (&it.endpoint, &it.p256dh, &it.auth);
    let session = it.session_id.map(|it| it.to_string()).unwrap_or_default();
    tx.exec(
        &sql,
        args![it.id, &profile, &it.device, session, endpoint, &hash, p256dh, auth, it.at],
    )
    .await?;
    let all = list(tx, &[it.profile]).await?;
    for old in all.iter().skip(ADDRESSES_MAX) {
        remove_id(tx, old.id).await?;
    }
    let kept = all.iter().find(|kept| kept.device == it.device).map(|kept| kept.id);
    kept.ok_or_else(|| StoreError::not_found("push address", it.id))
}

/// Removes a device's address; `false` if there was none.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn remove(tx: &mut Tx, profile: Profile, device: &str) -> Result<bool, StoreError> {
    let sql = "delete from push_address where profile_id = ? and device = ?";
    Ok(tx.exec(sql, args![profile.to_string(), device]).await? > 0)
}

/// Removes all addresses of a profile: whoever is signed out everywhere is told nowhere.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn remove_all(tx: &mut Tx, profile: Profile) -> Result<(), StoreError> {
    let sql = "delete from push_address where profile_id = ?";
    tx.exec(sql, args![profile.to_string()]).await?;
    Ok(())
}

/// Removes the addresses that came from one sign-in.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn remove_of_session(
    tx: &mut Tx,
    profile: Profile,
    session_id: SessionId,
) -> Result<(), StoreError> {
    let sql = "delete from push_address where profile_id = ? and session_id = ?";
    tx.exec(sql, args![profile.to_string(), session_id]).await?;
    Ok(())
}

/// Removes an address that nobody answers at.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn remove_id(tx: &mut Tx, id: PushAddressId) -> Result<(), StoreError> {
    tx.exec("delete from push_address where address_id = ?", args![id]).await?;
    Ok(())
}

/// An address; `None` if it was removed.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find(
    reader: &mut impl Reader,
    id: PushAddressId,
) -> Result<Option<PushAddress>, StoreError> {
    let sql = format!("select {COLUMNS} from push_address where address_id = ?");
    let row: Option<AddressRow> = reader.opt(&sql, args![id]).await?;
    row.map(AddressRow::read).transpose()
}

/// The addresses of some profiles, the newest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list(
    reader: &mut impl Reader,
    profiles: &[Profile],
) -> Result<Vec<PushAddress>, StoreError> {
    if profiles.is_empty() {
        return Ok(Vec::new());
    }
    let (marks, values) = any_of(profiles);
    let sql = format!(
        "select {COLUMNS} from push_address where profile_id in ({marks})
          order by at_ms desc, address_id desc"
    );
    let rows: Vec<AddressRow> = reader.all(&sql, &values).await?;
    rows.into_iter().map(AddressRow::read).collect()
}
