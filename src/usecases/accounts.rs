//! Accounts and their profiles.

use std::net::IpAddr;

use domain::{
    checked_text::{Login, PersonName},
    ids::AccountId,
    role::{Profile, Role},
};
use storage::{
    accounts::{self as rows, ProfileCard},
    db::Tx,
    error::StoreError,
};

use crate::{error::AskError, passwords, platform::Platform, tries};

/// Somebody who wants an account.
#[derive(Debug, Clone)]
pub struct Registration {
    /// What to sign in with.
    pub login: Login,
    /// The password itself.
    pub password: String,
    /// The name that others see.
    pub name: PersonName,
    /// One profile is made for each.
    pub roles: Vec<Role>,
    /// Whose logins that were taken are counted together.
    pub address: Option<IpAddr>,
}

/// A new account.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The account.
    pub account_id: AccountId,
    /// Its profiles, in the order of the roles.
    pub profiles: Vec<Profile>,
}

/// Makes an account with a profile for each role. Operators are not made this way.
///
/// # Errors
///
/// [`AskError::LoginTaken`], or [`AskError::OutOfRange`] if password or roles are not acceptable;
/// [`AskError::TooOften`] for whoever asks for one taken login after the other.
pub async fn register(platform: &Platform, asked: Registration) -> Result<Registered, AskError> {
    let public = [Role::Customer, Role::Merchant, Role::Rider];
    if asked.roles.is_empty() || asked.roles.iter().any(|it| !public.contains(it)) {
        let what = "roles are one or more of customer, merchant and rider";
        return Err(AskError::OutOfRange { what });
    }
    let address = asked.address;
    let made = create(platform, asked).await;
    if matches!(made, Err(AskError::LoginTaken)) {
        // Who asks for one login after the other learns which ones there are.
        tries::note_failure(platform, address).await?;
    }
    made
}

/// Makes an account for an operator, from the command line; the login is the name too.
///
/// # Errors
///
/// [`AskError::LoginTaken`], [`AskError::Text`] or [`AskError::OutOfRange`] if login or password
/// are not acceptable.
pub async fn create_operator(
    platform: &Platform,
    login: &str,
    password: &str,
) -> Result<Profile, AskError> {
    let (login, name) = (Login::parse(login)?, PersonName::parse(login)?);
    let (password, roles) = (password.to_owned(), vec![Role::Operator]);
    let made =
        create(platform, Registration { login, password, name, roles, address: None }).await?;
    made.profiles.first().copied().ok_or(AskError::not_found("profile"))
}

async fn create(platform: &Platform, asked: Registration) -> Result<Registered, AskError> {
    passwords::check(&asked.password)?;
    let Registration { login, password, name, mut roles, .. } = asked;
    let password_hash = passwords::hash(password).await?;
    roles.sort_unstable();
    roles.dedup();
    let account_id = AccountId::generate();
    let profiles: Vec<Profile> = roles.into_iter().map(Profile::generate).collect();
    let at = platform.now();
    let its_profiles = profiles.clone();
    let write = async move |tx: &mut Tx| {
        rows::insert_account(tx, account_id, &login, &password_hash, at).await?;
        for profile in &its_profiles {
            rows::insert_profile(tx, account_id, *profile, &name, at).await?;
        }
        Ok(())
    };
    match platform.store.write(write).await {
        Ok(()) => Ok(Registered { account_id, profiles }),
        Err(StoreError::Duplicate(_)) => Err(AskError::LoginTaken),
        Err(err) => Err(err.into()),
    }
}

/// What others may see of a profile.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such profile.
pub async fn card(platform: &Platform, profile: Profile) -> Result<ProfileCard, AskError> {
    rows::find_profile(&mut platform.reader(), profile).await?.ok_or(AskError::not_found("profile"))
}

/// All profiles of one account.
///
/// # Errors
///
/// [`AskError::Store`] if they cannot be read.
pub async fn profiles(
    platform: &Platform,
    account_id: AccountId,
) -> Result<Vec<ProfileCard>, AskError> {
    Ok(rows::list_profiles_of_account(&mut platform.reader(), account_id).await?)
}
