//! What people change about themselves: name, roles, password, and whether they are here at all.

use domain::{
    account::Standing,
    checked_text::PersonName,
    clock::Timestamp,
    contact::{CodePurpose, Contact},
    ids::AccountId,
    role::{Profile, Role},
    session::SessionEnd,
};
use storage::{
    accounts::{self as rows, AccountFacts},
    addresses, contacts,
    db::Tx,
    erasure,
    error::StoreError,
};

use crate::{
    codes,
    error::AskError,
    passwords,
    platform::{Changes, Platform},
    sign_outs::{self, Whose},
    tokens::Identity,
};

/// What an account says of its person.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such account.
pub async fn facts(platform: &Platform, account_id: AccountId) -> Result<AccountFacts, AskError> {
    let found = rows::find_facts(&mut platform.reader(), account_id).await?;
    found.ok_or(AskError::not_found("account"))
}

/// Gives all profiles of an account another name. Others see it from the next token on.
///
/// # Errors
///
/// [`AskError::Store`] if it cannot be saved.
pub async fn rename(
    platform: &Platform,
    account_id: AccountId,
    name: PersonName,
) -> Result<(), AskError> {
    let write = async move |tx: &mut Tx| rows::rename(tx, account_id, &name).await;
    Ok(platform.store.write::<_, _, StoreError>(write).await?)
}

/// Gives an account one more role; what it has already stays. Sign in in that role to use it.
///
/// # Errors
///
/// [`AskError::OutOfRange`] for roles that nobody can give themselves.
pub async fn take_role(
    platform: &Platform,
    identity: Identity,
    role: Role,
) -> Result<(Profile, bool), AskError> {
    if !matches!(role, Role::Customer | Role::Merchant | Role::Rider) {
        let what = "people can become customer, merchant or rider by themselves";
        return Err(AskError::OutOfRange { what });
    }
    let account_id = identity.account_id;
    let card = crate::accounts::card(platform, identity.profile).await?;
    let name = PersonName::parse(&card.name)?;
    let at = platform.now();
    let write = async move |tx: &mut Tx| {
        rows::lock_account(tx, account_id).await?;
        if let Some(known) = rows::find_profile_in_role(tx, account_id, role).await? {
            return Ok((known.profile, false));
        }
        let profile = Profile::generate(role);
        rows::insert_profile(tx, account_id, profile, &name, at).await?;
        Ok::<_, StoreError>((profile, true))
    };
    Ok(platform.store.write(write).await?)
}

/// How somebody proves once more who it is.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The password.
    Password(String),
    /// A code that was sent to a contact of the account, to verify it.
    Code(Contact, String),
}

async fn check(platform: &Platform, account_id: AccountId, proof: Proof) -> Result<(), AskError> {
    match proof {
        Proof::Password(password) => {
            let facts = facts(platform, account_id).await?;
            let is_right = passwords::verify(password, Some(facts.password_hash)).await?;
            if is_right { Ok(()) } else { Err(AskError::WrongPassword) }
        }
        Proof::Code(to, code) => {
            let at = platform.now();
            let write = async move |tx: &mut Tx| {
                let is_right = codes::take(tx, &to, CodePurpose::Verify, &code, at).await?;
                let whose = contacts::find_account(tx, &to).await?;
                Ok::<_, StoreError>(is_right && whose == Some(account_id))
            };
            if platform.store.write(write).await? { Ok(()) } else { Err(AskError::WrongCode) }
        }
    }
}

/// Chooses another password. Every sign-in but this one ends; answers how many.
///
/// # Errors
///
/// [`AskError::WrongPassword`] or [`AskError::WrongCode`] if the proof is not right;
/// [`AskError::OutOfRange`] if the new password is not acceptable.
pub async fn change_password(
    platform: &Platform,
    identity: Identity,
    proof: Proof,
    password: String,
) -> Result<usize, AskError> {
    passwords::check(&password)?;
    let Identity { account_id, session_id, .. } = identity;
    check(platform, account_id, proof).await?;
    let hash = passwords::hash(password).await?;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let whose = Whose { account_id, profile: None, but: Some(session_id) };
        let gone =
            sign_outs::end_all_of(tx, changes, whose, SessionEnd::PasswordChanged, at).await?;
        rows::set_password(tx, account_id, &hash).await?;
        Ok::<_, AskError>(gone)
    };
    let gone = platform.command(None, work).await?.value;
    Ok(sign_outs::tell(platform, gone))
}

/// Closes an account: nobody signs in any more until an operator opens it again.
///
/// # Errors
///
/// [`AskError::WrongPassword`] or [`AskError::WrongCode`] if the proof is not right;
/// [`AskError::StillBusy`] while something is under way.
pub async fn close(platform: &Platform, identity: Identity, proof: Proof) -> Result<(), AskError> {
    check(platform, identity.account_id, proof).await?;
    end(platform, identity.account_id, Standing::Closed).await
}

/// Erases a person: name, login, contacts, addresses, and what of them stands in orders and chats.
/// Orders and money stay as they are, without a name.
///
/// # Errors
///
/// As [`close`].
pub async fn erase(platform: &Platform, identity: Identity, proof: Proof) -> Result<(), AskError> {
    let account_id = identity.account_id;
    check(platform, account_id, proof).await?;
    let avatar = facts(platform, account_id).await?.avatar;
    end(platform, account_id, Standing::Erased).await?;
    let cards = crate::accounts::profiles(platform, account_id).await?;
    for card in cards {
        // Steps of their own: a busy person's chats are long, and other writes wait for none of it.
        let mut after = None;
        loop {
            let write =
                async move |tx: &mut Tx| erasure::forget_in_orders(tx, card.profile, after).await;
            after = platform.store.write(write).await?;
            if after.is_none() {
                break;
            }
        }
    }
    if let Some(name) = avatar {
        platform.blobs.remove(&name).await?;
    }
    tracing::info!(account.id = %account_id, "an account was erased");
    Ok(())
}

async fn end(platform: &Platform, account_id: AccountId, as_: Standing) -> Result<(), AskError> {
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let whose = Whose { account_id, profile: None, but: None };
        let cards = rows::list_profiles_of_account(tx, account_id).await?;
        for card in &cards {
            if erasure::is_busy(tx, card.profile).await? {
                return Err(AskError::StillBusy { role: card.profile.role() });
            }
        }
        let gone = sign_outs::end_all_of(tx, changes, whose, SessionEnd::AccountClosed, at).await?;
        rows::set_standing(tx, account_id, as_).await?;
        if as_ == Standing::Erased {
            erasure::forget_account(tx, account_id).await?;
            for card in &cards {
                if let Profile::Customer(id) = card.profile {
                    addresses::remove_all(tx, id).await?;
                }
            }
        }
        Ok(gone)
    };
    let gone = platform.command(None, work).await?.value;
    sign_outs::tell(platform, gone);
    Ok(())
}

/// Opens a closed account again, for an operator.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such account, or it was erased.
pub async fn reopen(platform: &Platform, profile: Profile) -> Result<(), AskError> {
    let account_id = crate::accounts::card(platform, profile).await?.account_id;
    if facts(platform, account_id).await?.standing == Standing::Erased {
        return Err(AskError::not_found("account"));
    }
    let write = async move |tx: &mut Tx| rows::set_standing(tx, account_id, Standing::Active).await;
    Ok(platform.store.write::<_, _, StoreError>(write).await?)
}
