//! Codes by SMS or mail: asking for one, signing in with it, and choosing a new password.
//!
//! Whoever asks gets the same answer whether there is an account or not, after the same work.

use std::{net::IpAddr, sync::Arc, time::Duration};

use domain::{
    checked_text::{Login, PersonName},
    clock::Timestamp,
    contact::{CODE_DIGITS, CODE_SPAN, CODES_FROM_ONE, CODES_TO_ONE, CodePurpose, Contact},
    ids::AccountId,
    role::{Profile, Role},
    session::SessionEnd,
};
use storage::{accounts as rows, commands::fingerprint, contacts, db::Tx, error::StoreError};

use crate::{
    error::AskError,
    messenger::CodeMessage,
    passwords,
    platform::{Changes, Platform},
    sessions::{self, Client, Session},
    sign_outs::{self, Whose},
    tries::{Tries, counted},
};

/// Times that a code is handed to the way out.
const SENDS_MAX: u32 = 3;
/// Pause before it is handed out again.
const SEND_PAUSE: Duration = Duration::from_secs(2);

fn code_hash(to: &Contact, purpose: CodePurpose, code: &str) -> String {
    fingerprint(&["code", to.as_str(), purpose.as_str(), code])
}

fn new_code() -> String {
    let modulus = 10_u64.pow(CODE_DIGITS as u32);
    format!("{:0width$}", rand::random::<u64>() % modulus, width = CODE_DIGITS)
}

/// Sends a code. Nobody learns whether it is sent: one for a new password goes to known contacts only.
///
/// # Errors
///
/// [`AskError::TooOften`] if too many were asked for.
pub async fn send(
    platform: &Platform,
    to: Contact,
    purpose: CodePurpose,
    address: Option<IpAddr>,
) -> Result<(), AskError> {
    let whose = fingerprint(&["contact", to.as_str()]);
    let from = address.map_or_else(|| "-".to_owned(), |it| counted(it).to_string());
    let mut counts = vec![(format!("codes:{from}"), CODES_FROM_ONE)];
    counts.extend(
        CODES_TO_ONE.into_iter().enumerate().map(|(n, it)| (format!("code{n}:{whose}"), it)),
    );
    for (key, quota) in counts {
        let taken = platform.rates.take(key, quota).await;
        if !taken.is_allowed {
            return Err(AskError::TooOften { retry_after: taken.retry_after });
        }
    }
    let code = new_code();
    let hash = code_hash(&to, purpose, &code);
    let known = contacts::find_account(&mut platform.reader(), &to).await?;
    let (kept, expires_at) = (to.clone(), platform.now() + CODE_SPAN);
    let write =
        async move |tx: &mut Tx| contacts::put_code(tx, &kept, purpose, &hash, expires_at).await;
    platform.store.write::<_, _, StoreError>(write).await?;
    if purpose != CodePurpose::Reset || known.is_some() {
        let messenger = Arc::clone(&platform.messenger);
        let minutes = platform.clock.real(CODE_SPAN).as_secs().div_ceil(60);
        let message = CodeMessage { to, purpose, code, minutes };
        // Not waited for: how long it takes must tell nobody whether there is somebody.
        tokio::spawn(async move {
            for n in 1..=SENDS_MAX {
                let Err(why) = messenger.send(&message).await else { return };
                tracing::warn!(purpose = %purpose, n, why, "a code was not sent");
                tokio::time::sleep(SEND_PAUSE * n).await;
            }
        });
    }
    Ok(())
}

/// Whether the code is right; used up if it is, counted if it is not. The transaction must commit
/// either way.
pub(crate) async fn take(
    tx: &mut Tx,
    to: &Contact,
    purpose: CodePurpose,
    code: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(on_file) = contacts::lock_code(tx, to, purpose).await? else { return Ok(false) };
    if !on_file.kept.is_alive(at) {
        return Ok(false);
    }
    if on_file.code_hash != code_hash(to, purpose, code.trim()) {
        contacts::note_try(tx, to, purpose).await?;
        return Ok(false);
    }
    contacts::remove_code(tx, to, purpose).await?;
    Ok(true)
}

/// Somebody who signs in with a code.
#[derive(Debug, Clone)]
pub struct CodeSignIn {
    /// Where the code went.
    pub to: Contact,
    /// As typed.
    pub code: String,
    /// In which role.
    pub role: Role,
    /// What a new customer is called.
    pub name: Option<PersonName>,
    /// From where.
    pub client: Client,
    /// Whose guesses are counted together.
    pub address: Option<IpAddr>,
    /// Whether to stay signed in for longer.
    pub stays: bool,
}

/// What a customer is called who gave no name.
const NAMELESS: &str = "Customer";

/// Signs somebody in with a code. Who is new becomes a customer.
///
/// # Errors
///
/// [`AskError::WrongCode`], whatever of contact, code and role is wrong; [`AskError::TooOften`] after
/// too many of those.
pub async fn sign_in(platform: &Platform, asked: CodeSignIn) -> Result<Session, AskError> {
    let CodeSignIn { to, code, role, name, client, address, stays } = asked;
    let tries = Tries::begin(platform, to.as_str(), address).await?;
    let name = match name {
        Some(name) => name,
        None => PersonName::parse(NAMELESS)?,
    };
    let at = platform.now();
    let write = async move |tx: &mut Tx| {
        if !take(tx, &to, CodePurpose::SignIn, &code, at).await? {
            return Ok(None);
        }
        let found = contacts::find_account(tx, &to).await?;
        if let Some(account_id) = found {
            return Ok(Some(account_id));
        }
        if role != Role::Customer {
            return Ok(None);
        }
        let account_id = AccountId::generate();
        let login = Login::parse(&account_id.to_string()).map_err(StoreError::refused)?;
        rows::insert_account(tx, account_id, &login, passwords::NONE, at).await?;
        rows::insert_profile(tx, account_id, Profile::generate(role), &name, at).await?;
        contacts::give(tx, account_id, &to).await?;
        Ok::<_, StoreError>(Some(account_id))
    };
    let account_id = platform.store.write(write).await?.ok_or(AskError::WrongCode)?;
    let card = rows::find_profile_in_role(&mut platform.reader(), account_id, role)
        .await?
        .ok_or(AskError::WrongCode)?;
    tries.succeeded(platform).await;
    sessions::open(platform, card, client, stays, platform.sessions.sessions_max).await
}

/// Chooses a new password with a code; every sign-in ends.
///
/// # Errors
///
/// [`AskError::WrongCode`], also if there is no such person; [`AskError::OutOfRange`] if the password
/// is not acceptable; [`AskError::TooOften`] after too many wrong codes.
pub async fn reset_password(
    platform: &Platform,
    to: Contact,
    code: String,
    password: String,
    address: Option<IpAddr>,
) -> Result<(), AskError> {
    passwords::check(&password)?;
    let tries = Tries::begin(platform, to.as_str(), address).await?;
    let hash = passwords::hash(password).await?;
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        let is_right = take(tx, &to, CodePurpose::Reset, &code, at).await?;
        let (true, Some(account_id)) = (is_right, contacts::find_account(tx, &to).await?) else {
            return Ok(None);
        };
        let whose = Whose { account_id, profile: None, but: None };
        let gone =
            sign_outs::end_all_of(tx, changes, whose, SessionEnd::PasswordChanged, at).await?;
        rows::set_password(tx, account_id, &hash).await?;
        Ok::<_, AskError>(Some(gone))
    };
    let gone = platform.command(None, work).await?.value.ok_or(AskError::WrongCode)?;
    sign_outs::tell(platform, gone);
    tries.succeeded(platform).await;
    Ok(())
}

/// Makes a contact the account's own, with the code that was sent to it. It is taken from whoever had
/// it before: numbers change hands.
///
/// # Errors
///
/// [`AskError::WrongCode`]; [`AskError::TooOften`] after too many of those.
pub async fn prove_contact(
    platform: &Platform,
    account_id: AccountId,
    to: Contact,
    code: String,
) -> Result<(), AskError> {
    let at = platform.now();
    let write = async move |tx: &mut Tx| {
        if !take(tx, &to, CodePurpose::Verify, &code, at).await? {
            return Ok(false);
        }
        contacts::give(tx, account_id, &to).await?;
        Ok::<_, StoreError>(true)
    };
    if platform.store.write(write).await? { Ok(()) } else { Err(AskError::WrongCode) }
}
