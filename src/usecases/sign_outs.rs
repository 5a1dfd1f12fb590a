//! Signing out: on one device, everywhere, or by an operator.
//!
//! A sign-in that ends takes its refresh tokens with it at once. Its access tokens are refused by
//! every node as soon as it hears of it: by a nudge, or when it next asks the store.

use domain::{
    channel::Channel,
    clock::{SystemClock, Timestamp},
    ids::{AccountId, SessionId},
    role::Profile,
    session::SessionEnd,
};
use storage::{
    accounts as rows,
    db::Tx,
    error::StoreError,
    events::{self, SignedOut},
    push::Push,
    push_addresses,
    revocations::{self, Revocation},
    sign_ins::{self, SignInRow},
    tokens as token_rows,
};

use crate::{
    error::AskError,
    platform::{Changes, Nudge, Platform, RevokedSession},
    tokens::{ACCESS_SPAN, Identity},
};

/// A sign-in that ends.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    session_id: SessionId,
    account_id: AccountId,
    profile: Profile,
    device: Option<String>,
}

impl From<&SignInRow> for Ended {
    fn from(it: &SignInRow) -> Self {
        let SignInRow { session_id, account_id, profile, ref device, .. } = *it;
        Self { session_id, account_id, profile, device: device.clone() }
    }
}

/// Ends the sign-in that a token comes from.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved.
pub async fn here(platform: &Platform, identity: Identity) -> Result<(), AskError> {
    let Identity { profile, session_id, account_id, .. } = identity;
    let ended = Ended { session_id, account_id, profile, device: None };
    end(platform, ended, SessionEnd::SignedOut).await
}

/// Ends a sign-in of somebody, from another device. One that has ended stays as it is.
///
/// # Errors
///
/// [`AskError::NotFound`] if the account has no such sign-in.
pub async fn on_device(
    platform: &Platform,
    account_id: AccountId,
    session_id: SessionId,
) -> Result<(), AskError> {
    let row = sign_ins::find_of_account(&mut platform.reader(), account_id, session_id).await?;
    let row = row.ok_or(AskError::not_found("session"))?;
    if row.ended_at.is_some() {
        return Ok(());
    }
    end(platform, Ended::from(&row), SessionEnd::Removed).await
}

async fn end(platform: &Platform, ended: Ended, why: SessionEnd) -> Result<(), AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        rows::lock_account(tx, ended.account_id).await?;
        end_one(tx, changes, &ended, why, at).await
    };
    let gone = platform.command::<_, StoreError, _>(None, work).await?.value;
    tell(platform, vec![gone]);
    Ok(())
}

/// Ends every sign-in of a person, in all roles. Answers how many were open until now.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved.
pub async fn everywhere(platform: &Platform, account_id: AccountId) -> Result<usize, AskError> {
    let whose = Whose { account_id, profile: None, but: None };
    end_all(platform, whose, SessionEnd::Everywhere).await
}

/// Ends every sign-in of a profile. Answers how many were open until now.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such profile.
pub async fn of_profile(platform: &Platform, profile: Profile) -> Result<usize, AskError> {
    let card = rows::find_profile(&mut platform.reader(), profile)
        .await?
        .ok_or(AskError::not_found("profile"))?;
    let whose = Whose { account_id: card.account_id, profile: Some(profile), but: None };
    end_all(platform, whose, SessionEnd::Operator).await
}

/// Which sign-ins of an account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whose {
    /// Whose.
    pub(crate) account_id: AccountId,
    /// Of one profile only.
    pub(crate) profile: Option<Profile>,
    /// This one stays.
    pub(crate) but: Option<SessionId>,
}

async fn end_all(platform: &Platform, whose: Whose, why: SessionEnd) -> Result<usize, AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        end_all_of(tx, changes, whose, why, at).await
    };
    let gone = platform.command::<_, StoreError, _>(None, work).await?.value;
    Ok(tell(platform, gone))
}

/// Ends sign-ins in a transaction; [`tell`] follows after commit.
pub(crate) async fn end_all_of(
    tx: &mut Tx,
    changes: &mut Changes,
    whose: Whose,
    why: SessionEnd,
    at: Timestamp,
) -> Result<Vec<RevokedSession>, StoreError> {
    let Whose { account_id, profile, but } = whose;
    rows::lock_account(tx, account_id).await?;
    let mut gone = Vec::new();
    loop {
        let open = sign_ins::list_open(tx, account_id, at).await?;
        let is_meant = |it: &&SignInRow| {
            profile.is_none_or(|meant| meant == it.profile) && Some(it.session_id) != but
        };
        let meant: Vec<_> = open.iter().filter(is_meant).collect();
        for it in &meant {
            gone.push(end_one(tx, changes, &Ended::from(*it), why, at).await?);
        }
        // Others may stand behind a full page of those that end.
        if meant.is_empty() || open.len() < sign_ins::OPEN_MAX as usize {
            break;
        }
    }
    if but.is_none() {
        for card in rows::list_profiles_of_account(tx, account_id).await? {
            if profile.is_none_or(|meant| meant == card.profile) {
                push_addresses::remove_all(tx, card.profile).await?;
            }
        }
    }
    Ok(gone)
}

/// Ends one sign-in in a transaction that holds the account's lock; [`tell`] follows after commit.
pub(crate) async fn end_one(
    tx: &mut Tx,
    changes: &mut Changes,
    ended: &Ended,
    why: SessionEnd,
    at: Timestamp,
) -> Result<RevokedSession, StoreError> {
    let Ended { session_id, account_id, profile, .. } = *ended;
    let revoked = Revocation { session_id, profile, keep_until: at + ACCESS_SPAN };
    token_rows::revoke_session(tx, session_id, at).await?;
    push_addresses::remove_of_session(tx, profile, session_id).await?;
    revocations::insert(tx, &[revoked], SystemClock::machine_time()).await?;
    sign_ins::end(tx, session_id, why, at).await?;
    if why.is_told() {
        let said = SignedOut {
            session: session_id.to_string(),
            device: ended.device.clone(),
            role: profile.role().to_string(),
            why: why.to_string(),
            at: at.ms(),
        };
        for card in rows::list_profiles_of_account(tx, account_id).await? {
            let inbox = Channel::Inbox(card.profile);
            changes.entries.push(events::entry(inbox, Push::SignedOut, None, &said)?);
        }
    }
    Ok(RevokedSession::from(&revoked))
}

/// Refuses the tokens from now on, here and, by the live side, everywhere. Answers how many
/// sign-ins were not known as ended before.
pub(crate) fn tell(platform: &Platform, gone: Vec<RevokedSession>) -> usize {
    if gone.is_empty() {
        return 0;
    }
    let revoked: Vec<_> = gone.iter().filter_map(RevokedSession::read).collect();
    let n_new = platform.tokens.revoked().add(&revoked).len();
    platform.announcer.nudge(Nudge::Revoked { sessions: gone });
    n_new
}
