//! Pictures of people: one small file for each account.

use bytes::Bytes;
use domain::{
    attachment::MediaType,
    ids::{AccountId, SessionId},
    role::Profile,
};
use storage::{accounts as rows, db::Tx, error::StoreError};

use crate::{accounts::card, blob_place, error::AskError, me, platform::Platform};

/// Most bytes of a picture.
pub const PICTURE_BYTES_MAX: usize = 512 * 1_024;

/// Gives an account a picture; `false` if it is none.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be kept.
pub async fn put(
    platform: &Platform,
    account_id: AccountId,
    content: Bytes,
) -> Result<bool, AskError> {
    if MediaType::sniff(&content).is_none() {
        return Ok(false);
    }
    blob_place::check(platform).await?;
    let before = me::facts(platform, account_id).await?.avatar;
    // A name of its own each time: what is being read stays as it is.
    let name = format!("pictures/{account_id}/{}", SessionId::generate().uuid().simple());
    platform.blobs.put(&name, vec![content]).await?;
    set(platform, account_id, Some(name)).await?;
    if let Some(before) = before {
        platform.blobs.remove(&before).await?;
    }
    Ok(true)
}

/// Takes the picture of an account away.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be removed.
pub async fn remove(platform: &Platform, account_id: AccountId) -> Result<(), AskError> {
    let before = me::facts(platform, account_id).await?.avatar;
    set(platform, account_id, None).await?;
    if let Some(before) = before {
        platform.blobs.remove(&before).await?;
    }
    Ok(())
}

async fn set(
    platform: &Platform,
    account_id: AccountId,
    name: Option<String>,
) -> Result<(), StoreError> {
    let write = async move |tx: &mut Tx| rows::set_avatar(tx, account_id, name.as_deref()).await;
    platform.store.write(write).await
}

/// The picture of a profile.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such profile, or it has none.
pub async fn find(platform: &Platform, profile: Profile) -> Result<(Bytes, MediaType), AskError> {
    const NONE: AskError = AskError::not_found("picture");
    let account_id = card(platform, profile).await.map_err(|_| NONE)?.account_id;
    let name = me::facts(platform, account_id).await?.avatar.ok_or(NONE)?;
    let content = platform.blobs.read(&name).await?;
    let media_type = MediaType::sniff(&content).ok_or(NONE)?;
    Ok((content, media_type))
}
