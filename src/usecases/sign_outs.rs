//! Signing out: on one device, everywhere, or by an operator.
//!
//! A sign-in that ends takes its refresh tokens with it at once. Its access tokens are refused by
//! every node as soon as it hears of it: by a nudge, or when it next asks the store.

use domain::{
    clock::{SystemClock, Timestamp},
    ids::AccountId,
    role::Profile,
};
use storage::{
    accounts as rows,
    db::Tx,
    error::StoreError,
    push_addresses,
    revocations::{self, Revocation},
    tokens as token_rows,
};

use crate::{
    error::AskError,
    platform::{Nudge, Platform, RevokedSession},
    tokens::{ACCESS_SPAN, Identity},
};

/// Ends the sign-in that a token comes from.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved.
pub async fn here(platform: &Platform, identity: Identity) -> Result<(), AskError> {
    let Identity { profile, session_id, .. } = identity;
    let at = platform.now();
    let write = async move |tx: &mut Tx| {
        rows::lock_profile(tx, profile).await?;
        end_one(tx, profile, session_id, at).await
    };
    let revoked: Revocation = platform.store.write::<_, _, StoreError>(write).await?;
    tell(platform, &[revoked]);
    Ok(())
}

/// Ends every sign-in of a person, in all roles. Answers how many were open until now.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved.
pub async fn everywhere(platform: &Platform, account_id: AccountId) -> Result<usize, AskError> {
    let cards = rows::list_profiles_of_account(&mut platform.reader(), account_id).await?;
    end_all(platform, cards.into_iter().map(|it| it.profile).collect()).await
}

/// Ends every sign-in of a profile. Answers how many were open until now.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such profile.
pub async fn of_profile(platform: &Platform, profile: Profile) -> Result<usize, AskError> {
    rows::find_profile(&mut platform.reader(), profile)
        .await?
        .ok_or(AskError::not_found("profile"))?;
    end_all(platform, vec![profile]).await
}

async fn end_all(platform: &Platform, mut profiles: Vec<Profile>) -> Result<usize, AskError> {
    profiles.sort_unstable();
    let at = platform.now();
    // Older tokens have run out, also on sockets.
    let keep_until = at + ACCESS_SPAN;
    let since = Timestamp::from_ms(at.ms() - ACCESS_SPAN.as_millis() as i64 * 2);
    let write = async move |tx: &mut Tx| {
        let mut ended = Vec::new();
        for profile in &profiles {
            rows::lock_profile(tx, *profile).await?;
            let sessions = token_rows::list_sessions(tx, *profile, since).await?;
            token_rows::revoke_profile(tx, *profile, at).await?;
            push_addresses::remove_all(tx, *profile).await?;
            let row = |session_id| Revocation { session_id, profile: *profile, keep_until };
            ended.extend(sessions.into_iter().map(row));
        }
        revocations::insert(tx, &ended, SystemClock::machine_time()).await?;
        Ok::<_, StoreError>(ended)
    };
    let ended = platform.store.write(write).await?;
    Ok(tell(platform, &ended))
}

/// Ends one sign-in in a transaction; [`tell`] follows after commit.
pub(crate) async fn end_one(
    tx: &mut Tx,
    profile: Profile,
    session_id: domain::ids::SessionId,
    at: Timestamp,
) -> Result<Revocation, StoreError> {
    let revoked = Revocation { session_id, profile, keep_until: at + ACCESS_SPAN };
    token_rows::revoke_session(tx, session_id, at).await?;
    push_addresses::remove_of_session(tx, profile, session_id).await?;
    revocations::insert(tx, &[revoked], SystemClock::machine_time()).await?;
    Ok(revoked)
}

/// Refuses the tokens from now on, here and, by the live side, everywhere. Answers how many
/// sign-ins were not known as ended before.
pub(crate) fn tell(platform: &Platform, revoked: &[Revocation]) -> usize {
    let n_new = platform.tokens.revoked().add(revoked).len();
    let sessions = revoked.iter().map(RevokedSession::from).collect();
    platform.announcer.nudge(Nudge::Revoked { sessions });
    n_new
}
