//! Registering, signing in, staying signed in.

use domain::{
    checked_text::{Login, PersonName},
    clock::Timestamp,
    ids::{AccountId, SessionId},
    role::{Profile, Role},
};
use storage::{
    accounts::{self as rows, ProfileCard},
    db::Tx,
    error::StoreError,
    revocations::Revocation,
    tokens as token_rows,
};

use crate::{
    error::AskError,
    passwords,
    platform::Platform,
    sign_outs,
    tokens::{self, Identity, Subject},
};

/// Longest name of a device, in characters.
pub const DEVICE_CHARS_MAX: usize = 120;

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
}

/// A new account.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The account.
    pub account_id: AccountId,
    /// Its profiles, in the order of the roles.
    pub profiles: Vec<Profile>,
}

/// Somebody who wants to sign in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// As typed.
    pub login: String,
    /// As typed.
    pub password: String,
    /// In which role.
    pub role: Role,
    /// Which device, if the client says so.
    pub device: Option<String>,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// Signed; for every request and for the socket.
    pub access_token: String,
    /// Until when.
    pub access_expires_at: Timestamp,
    /// Good for one new session.
    pub refresh_token: String,
    /// Until when.
    pub refresh_expires_at: Timestamp,
    /// Who.
    pub profile: Profile,
    /// The name that others see.
    pub name: String,
}

/// Makes an account with a profile for each role. Operators are not made this way.
///
/// # Errors
///
/// [`AskError::LoginTaken`], or [`AskError::OutOfRange`] if password or roles are not acceptable.
pub async fn register(platform: &Platform, asked: Registration) -> Result<Registered, AskError> {
    let public = [Role::Customer, Role::Merchant, Role::Rider];
    if asked.roles.is_empty() || asked.roles.iter().any(|it| !public.contains(it)) {
        let what = "roles are one or more of customer, merchant and rider";
        return Err(AskError::OutOfRange { what });
    }
    create(platform, asked).await
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
    let made = create(platform, Registration { login, password, name, roles }).await?;
    made.profiles.first().copied().ok_or(AskError::not_found("profile"))
}

async fn create(platform: &Platform, asked: Registration) -> Result<Registered, AskError> {
    passwords::check(&asked.password)?;
    let Registration { login, password, name, mut roles } = asked;
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

/// Signs somebody in with login and password.
///
/// # Errors
///
/// [`AskError::WrongLogin`], whatever of login, password and role is wrong.
pub async fn sign_in(platform: &Platform, asked: SignIn) -> Result<Session, AskError> {
    let mut reader = platform.reader();
    let stored = match Login::parse(&asked.login) {
        Ok(login) => rows::find_credentials(&mut reader, &login).await?,
        Err(_) => None,
    };
    let hash = stored.as_ref().map(|it| it.password_hash.clone());
    let is_right = passwords::verify(asked.password, hash).await?;
    let account = stored.filter(|_| is_right).ok_or(AskError::WrongLogin)?;
    let card = rows::find_profile_in_role(&mut reader, account.account_id, asked.role)
        .await?
        .ok_or(AskError::WrongLogin)?;
    let device = asked.device.map(|it| it.chars().take(DEVICE_CHARS_MAX).collect());
    open_session(platform, card, device).await
}

/// Signs a profile in without a password: for the demo, which runs in this process.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such profile.
pub async fn sign_in_as(platform: &Platform, profile: Profile) -> Result<Session, AskError> {
    let card = card(platform, profile).await?;
    open_session(platform, card, None).await
}

async fn open_session(
    platform: &Platform,
    card: ProfileCard,
    device: Option<String>,
) -> Result<Session, AskError> {
    let (at, profile, session_id) = (platform.now(), card.profile, SessionId::generate());
    let write = async move |tx: &mut Tx| {
        tokens::issue_refresh(tx, session_id, profile, device.clone(), at).await
    };
    let refresh = platform.store.write(write).await?;
    session(platform, card, session_id, refresh, at)
}

fn session(
    platform: &Platform,
    card: ProfileCard,
    session_id: SessionId,
    (refresh_token, refresh_expires_at): (String, Timestamp),
    at: Timestamp,
) -> Result<Session, AskError> {
    let ProfileCard { profile, account_id, name } = card;
    let subject = Subject { profile, account_id, name: &name, session_id };
    let (access_token, access_expires_at) = platform.tokens.issue(subject, at)?;
    Ok(Session {
        access_token,
        access_expires_at,
        refresh_token,
        refresh_expires_at,
        profile,
        name,
    })
}

/// What became of a refresh token inside the transaction.
enum Rotation {
    Fresh(Profile, SessionId, (String, Timestamp)),
    /// Somebody has a copy of it: the sign-in is over.
    Stolen(Revocation),
    Worthless,
}

/// Exchanges a refresh token for a new session. One that was used before ends its sign-in, with
/// every token of it: somebody has a copy.
///
/// # Errors
///
/// [`AskError::BadToken`] if it is unknown, used or too old.
pub async fn refresh(platform: &Platform, token: &str) -> Result<Session, AskError> {
    let (hash, at) = (tokens::hashed(token), platform.now());
    let write = async move |tx: &mut Tx| {
        let Some(row) = token_rows::find_refresh(tx, &hash).await? else {
            return Ok(Rotation::Worthless);
        };
        if at >= row.expires_at {
            return Ok(Rotation::Worthless);
        }
        let (profile, session_id) = (row.profile, row.session_id);
        rows::lock_profile(tx, profile).await?;
        if row.used_at.is_some() || !token_rows::use_refresh(tx, &hash, at).await? {
            return sign_outs::end_one(tx, profile, session_id, at).await.map(Rotation::Stolen);
        }
        let new = tokens::issue_refresh(tx, session_id, profile, row.device.clone(), at).await?;
        Ok::<_, StoreError>(Rotation::Fresh(profile, session_id, new))
    };
    match platform.store.write(write).await? {
        Rotation::Worthless => Err(AskError::BadToken),
        Rotation::Stolen(revoked) => {
            sign_outs::tell(platform, &[revoked]);
            Err(AskError::BadToken)
        }
        Rotation::Fresh(profile, session_id, refresh) => {
            session(platform, card(platform, profile).await?, session_id, refresh, at)
        }
    }
}

/// Who an access token speaks for.
///
/// # Errors
///
/// [`AskError::BadToken`], [`AskError::TokenExpired`] or [`AskError::Revoked`].
pub fn identify(platform: &Platform, access_token: &str) -> Result<Identity, AskError> {
    platform.tokens.verify(access_token, platform.now())
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
