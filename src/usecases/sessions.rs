//! Signing in on a device, staying signed in, and seeing where one is.

use std::net::IpAddr;

use domain::{
    checked_text::Login,
    clock::Timestamp,
    ids::{AccountId, SessionId},
    role::{Profile, Role},
    session::{SessionEnd, Shown, Verdict},
};
use serde::{Deserialize, Serialize};
use storage::{
    accounts::{self as rows, ProfileCard},
    commands::fingerprint,
    db::Tx,
    error::StoreError,
    sign_ins::{self, SignInRow},
    tokens::{self as token_rows, RefreshToken},
};

use crate::{
    accounts::card,
    error::AskError,
    passwords,
    platform::{Changes, Platform, RevokedSession},
    sign_outs::{self, Ended},
    tokens::{self, Identity, Subject},
    tries::Tries,
};

/// Longest name of a device, in characters.
pub const DEVICE_CHARS_MAX: usize = 120;
/// Longest name of a program that is kept, in characters.
const CLIENT_CHARS_MAX: usize = 160;

/// Somebody who wants to sign in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// As typed.
    pub login: String,
    /// As typed.
    pub password: String,
    /// In which role.
    pub role: Role,
    /// From where.
    pub client: Client,
    /// Whose guesses are counted together.
    pub address: Option<IpAddr>,
    /// Whether to stay signed in for longer.
    pub stays: bool,
}

/// A device and the program on it, as they describe themselves.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// What the device is called, for people.
    pub device: Option<String>,
    /// Made once at installation and kept.
    pub device_id: Option<String>,
    /// What tells the program from others, if it says so.
    pub fingerprint: Option<String>,
    /// The `User-Agent`.
    pub agent: Option<String>,
}

impl Client {
    fn device_hash(&self) -> Option<String> {
        self.device_id.as_ref().map(|it| fingerprint(&["device", it]))
    }

    /// Versions change under a client's feet, so that only the letters of its name count.
    fn hash(&self) -> String {
        let agent = self.agent.as_deref().unwrap_or_default();
        match &self.fingerprint {
            Some(own) => fingerprint(&["fingerprint", own]),
            None => {
                let letters: String = agent.chars().filter(|it| it.is_alphabetic()).collect();
                fingerprint(&["agent", &letters.to_lowercase()])
            }
        }
    }

    /// A token given to `row` may be used by this client.
    fn is_that_of(&self, row: &SignInRow) -> bool {
        let is_device = row.device_hash.is_none() || row.device_hash == self.device_hash();
        let is_program = row.fingerprint.as_ref().is_none_or(|it| *it == self.hash());
        is_device && is_program
    }
}

fn cut(text: Option<&String>, chars_max: usize) -> Option<String> {
    let text: String = text?.chars().filter(|it| !it.is_control()).take(chars_max).collect();
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// The sign-in.
    pub session_id: SessionId,
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

/// Signs somebody in with login and password. Of more sign-ins than an account may have, the oldest
/// ends; one of the same device and role is replaced.
///
/// # Errors
///
/// [`AskError::WrongLogin`], whatever of login, password and role is wrong; [`AskError::TooOften`]
/// after too many of those.
pub async fn sign_in(platform: &Platform, asked: SignIn) -> Result<Session, AskError> {
    let tries = Tries::begin(platform, &asked.login, asked.address).await?;
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
    tries.succeeded(platform).await;
    let n_max = platform.sessions.sessions_max;
    open(platform, card, asked.client, asked.stays, n_max).await
}

/// Signs a profile in without a password, beside any number of others: for the demo, whose visitors
/// share one account.
///
/// # Errors
///
/// [`AskError::NotFound`] if there is no such profile.
pub async fn sign_in_as(platform: &Platform, profile: Profile) -> Result<Session, AskError> {
    let card = card(platform, profile).await?;
    open(platform, card, Client::default(), false, 0).await
}

/// Begins a sign-in on a device. `n_max` 0 is no limit.
pub(crate) async fn open(
    platform: &Platform,
    card: ProfileCard,
    client: Client,
    stays: bool,
    n_max: usize,
) -> Result<Session, AskError> {
    let (session_id, token) = (SessionId::generate(), tokens::new_refresh());
    let (account_id, profile, at) = (card.account_id, card.profile, platform.now());
    let expires_at = at + platform.sessions.span_of(stays);
    let has_mark = client.agent.is_some() || client.fingerprint.is_some();
    let row = SignInRow {
        session_id,
        account_id,
        profile,
        device: cut(client.device.as_ref(), DEVICE_CHARS_MAX),
        client: cut(client.agent.as_ref(), CLIENT_CHARS_MAX),
        device_hash: client.device_hash(),
        fingerprint: has_mark.then(|| client.hash()),
        stays,
        created_at: at,
        used_at: at,
        expires_at,
        ended_at: None,
    };
    let hash = tokens::hashed(&token);
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        rows::lock_account(tx, account_id).await?;
        let mut gone = Vec::new();
        for (it, why) in leaving(sign_ins::list_open(tx, account_id, at).await?, &row, n_max) {
            gone.push(sign_outs::end_one(tx, changes, &Ended::from(&it), why, at).await?);
        }
        sign_ins::insert(tx, &row).await?;
        token_rows::insert_refresh(tx, &refresh_row(&row, hash.clone(), expires_at), at).await?;
        Ok::<_, AskError>(gone)
    };
    let gone: Vec<RevokedSession> = platform.command(None, work).await?.value;
    sign_outs::tell(platform, gone);
    session(platform, card, session_id, (token, expires_at))
}

/// Who leaves when `new` comes; `open` has the newest first.
fn leaving(open: Vec<SignInRow>, new: &SignInRow, n_max: usize) -> Vec<(SignInRow, SessionEnd)> {
    let is_again = |it: &SignInRow| {
        it.profile == new.profile && it.device_hash.is_some() && it.device_hash == new.device_hash
    };
    let (again, others): (Vec<_>, Vec<_>) = open.into_iter().partition(is_again);
    let n_stay = if n_max == 0 { others.len() } else { n_max - 1 };
    let too_many = others.into_iter().skip(n_stay).map(|it| (it, SessionEnd::TooMany));
    again.into_iter().map(|it| (it, SessionEnd::Replaced)).chain(too_many).collect()
}

fn refresh_row(sign_in: &SignInRow, token_hash: String, expires_at: Timestamp) -> RefreshToken {
    RefreshToken {
        token_hash,
        session_id: sign_in.session_id,
        profile: sign_in.profile,
        device: sign_in.device.clone(),
        expires_at,
        used_at: None,
        successor: None,
    }
}

fn session(
    platform: &Platform,
    card: ProfileCard,
    session_id: SessionId,
    (refresh_token, refresh_expires_at): (String, Timestamp),
) -> Result<Session, AskError> {
    let ProfileCard { profile, account_id, name } = card;
    let subject = Subject { profile, account_id, name: &name, session_id };
    let (access_token, access_expires_at) = platform.tokens.issue(subject, platform.now())?;
    Ok(Session {
        session_id,
        access_token,
        access_expires_at,
        refresh_token,
        refresh_expires_at,
        profile,
        name,
    })
}

/// What became of a refresh token inside the transaction.
#[derive(Serialize, Deserialize)]
enum Rotation {
    Fresh { token: String, expires_at: i64 },
    Stolen(RevokedSession),
    Worthless,
}

/// Exchanges a refresh token for a new session. One that was used before, or that comes from another
/// device, ends its sign-in with every token of it, and the account is told: somebody has a copy.
/// Only who lost the answer may ask again, for a moment, and gets the same.
///
/// # Errors
///
/// [`AskError::BadToken`] if it is unknown, used or too old.
pub async fn refresh(
    platform: &Platform,
    token: &str,
    client: Client,
) -> Result<Session, AskError> {
    let hash = tokens::hashed(token);
    let mut reader = platform.reader();
    let known = token_rows::find_refresh(&mut reader, &hash).await?.ok_or(AskError::BadToken)?;
    let (profile, session_id) = (known.profile, known.session_id);
    let account_id = card(platform, profile).await?.account_id;
    let (before, policy) = (token.to_owned(), platform.sessions);
    let repeat_within = policy.repeat_within.mul_f64(platform.clock.scale());
    let work = async move |tx: &mut Tx, changes: &mut Changes, at: Timestamp| {
        rows::lock_account(tx, account_id).await?;
        let row = token_rows::find_refresh(tx, &hash).await?;
        let sign_in = sign_ins::find_of_account(tx, account_id, session_id).await?;
        let (Some(row), Some(sign_in)) = (row, sign_in) else { return Ok(Rotation::Worthless) };
        let after = row.successor.as_deref().and_then(|it| tokens::unseal(&before, it));
        let next = match &after {
            Some(after) => token_rows::find_refresh(tx, &tokens::hashed(after)).await?,
            None => None,
        };
        let shown = Shown {
            has_ended: sign_in.ended_at.is_some(),
            expires_at: row.expires_at,
            used_at: row.used_at,
            successor_is_new: next.as_ref().is_some_and(|it| it.used_at.is_none()),
            is_same_client: client.is_that_of(&sign_in),
        };
        Ok::<_, AskError>(match (shown.judge(at, repeat_within), after, next) {
            (Verdict::Repeat, Some(token), Some(next)) => {
                Rotation::Fresh { token, expires_at: next.expires_at.ms() }
            }
            (Verdict::Worthless | Verdict::Repeat, ..) => Rotation::Worthless,
            (Verdict::Stolen(why), ..) => {
                let gone = Ended::from(&sign_in);
                Rotation::Stolen(sign_outs::end_one(tx, changes, &gone, why, at).await?)
            }
            (Verdict::Exchange, ..) => {
                let expires_at = at + policy.span_of(sign_in.stays);
                let token = exchange(tx, &sign_in, &before, &client, (at, expires_at)).await?;
                Rotation::Fresh { token, expires_at: expires_at.ms() }
            }
        })
    };
    match platform.command(None, work).await?.value {
        Rotation::Worthless => Err(AskError::BadToken),
        Rotation::Stolen(gone) => {
            metrics::counter!("riderhub_stolen_tokens_total").increment(1);
            tracing::warn!(session.id = %session_id, "a refresh token was copied; its sign-in is over");
            sign_outs::tell(platform, vec![gone]);
            Err(AskError::BadToken)
        }
        Rotation::Fresh { token, expires_at } => {
            let card = card(platform, profile).await?;
            session(platform, card, session_id, (token, Timestamp::from_ms(expires_at)))
        }
    }
}

/// Uses a refresh token up; the one that takes its place.
async fn exchange(
    tx: &mut Tx,
    sign_in: &SignInRow,
    before: &str,
    client: &Client,
    (at, expires_at): (Timestamp, Timestamp),
) -> Result<String, StoreError> {
    let after = tokens::new_refresh();
    let unsealable = || StoreError::refused("a refresh token cannot be sealed");
    let sealed = tokens::seal(before, &after).ok_or_else(unsealable)?;
    // The account's lock is held, so nobody was faster.
    token_rows::use_refresh(tx, &tokens::hashed(before), &sealed, at).await?;
    let row = refresh_row(sign_in, tokens::hashed(&after), expires_at);
    token_rows::insert_refresh(tx, &row, at).await?;
    sign_ins::note_use(tx, sign_in.session_id, &client.hash(), at, expires_at).await?;
    Ok(after)
}

/// Who an access token speaks for: its signature, its time and its sign-in are checked.
///
/// # Errors
///
/// [`AskError::BadToken`], [`AskError::TokenExpired`] or [`AskError::Revoked`].
pub fn identify(platform: &Platform, access_token: &str) -> Result<Identity, AskError> {
    platform.tokens.verify(access_token, platform.now())
}

/// The devices that somebody is signed in on, in all roles, the newest first; at most
/// [`sign_ins::OPEN_MAX`].
///
/// # Errors
///
/// [`AskError::Store`] if they cannot be read.
pub async fn list(platform: &Platform, account_id: AccountId) -> Result<Vec<SignInRow>, AskError> {
    Ok(sign_ins::list_open(&mut platform.reader(), account_id, platform.now()).await?)
}
