//! Devices ask to be told while they are away, and ask no longer.

use domain::{channel::Channel, clock::Timestamp, ids::PushAddressId, role::Profile};
use storage::{
    accounts,
    db::Tx,
    error::StoreError,
    inbox, notices,
    push_addresses::{self, PushAddress},
    revocations, stores,
};

use crate::{error::AskError, platform::Platform, tokens::Identity};

/// What a device asks for.
#[derive(Debug, Clone)]
pub struct NewAddress {
    /// Which of the profile's devices.
    pub device: String,
    /// Where to send; its form was checked by the caller.
    pub endpoint: String,
    /// The device's public key, in base64url.
    pub p256dh: String,
    /// The secret shared with the device, in base64url.
    pub auth: String,
}

/// Keeps the address of a device, in place of its old one, until its sign-in ends. From now on
/// everything that the profile is part of is watched.
///
/// # Errors
///
/// [`AskError::BadToken`] if the sign-in has ended meanwhile.
pub async fn put(
    platform: &Platform,
    identity: Identity,
    asked: NewAddress,
) -> Result<PushAddressId, AskError> {
    let Identity { profile, session_id, .. } = identity;
    let at = platform.now();
    let since = at - platform.policy.chat_after_end;
    let NewAddress { device, endpoint, p256dh, auth } = asked;
    let id = PushAddressId::generate();
    let session_id = Some(session_id);
    let address = PushAddress { id, profile, device, session_id, endpoint, p256dh, auth, at };
    let write = async move |tx: &mut Tx| {
        // Whoever signs out waits for us, or we see that he did.
        accounts::lock_account(tx, identity.account_id).await?;
        if revocations::has(tx, identity.session_id).await? {
            return Err(AskError::BadToken);
        }
        let id = push_addresses::put(tx, &address).await?;
        watch_all(tx, profile, since).await?;
        Ok::<_, AskError>(id)
    };
    platform.store.write(write).await
}

/// The own inbox first: whatever the profile joins is told there, so whoever has its lock knows all
/// that it is part of.
async fn watch_all(tx: &mut Tx, profile: Profile, since: Timestamp) -> Result<(), StoreError> {
    notices::watch(tx, &Channel::Inbox(profile)).await?;
    let orders = inbox::list_orders(tx, profile, since).await?;
    let mut channels: Vec<_> = orders.into_iter().map(Channel::Order).collect();
    if let Profile::Merchant(id) = profile {
        let stores = stores::list_ids_for_staff(tx, id).await?;
        channels.extend(stores.into_iter().map(Channel::Store));
    }
    channels.sort_by_cached_key(Channel::to_string);
    for channel in &channels {
        notices::watch(tx, channel).await?;
    }
    Ok(())
}

/// Forgets the address of a device; `false` if there was none.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn remove(
    platform: &Platform,
    profile: Profile,
    device: String,
) -> Result<bool, StoreError> {
    let write = async move |tx: &mut Tx| {
        let was_there = push_addresses::remove(tx, profile, &device).await?;
        if push_addresses::list(tx, &[profile]).await?.is_empty() {
            notices::unwatch(tx, &Channel::Inbox(profile)).await?;
        }
        Ok::<_, StoreError>(was_there)
    };
    platform.store.write(write).await
}
