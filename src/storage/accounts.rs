//! Accounts and their profiles.

use domain::{
    account::Standing,
    checked_text::{Login, PersonName},
    clock::Timestamp,
    ids::AccountId,
    role::{Profile, Role},
};

use crate::{
    args,
    columns::{any_of, parsed, word},
    db::{Reader, Tx},
    error::StoreError,
};

/// What is needed to check a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whose.
    pub account_id: AccountId,
    /// In PHC form: algorithm, parameters, salt and hash.
    pub password_hash: String,
}

/// A profile with what others may see of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileCard {
    /// Which profile.
    pub profile: Profile,
    /// Of which account.
    pub account_id: AccountId,
    /// The name to show.
    pub name: String,
}

#[derive(sqlx::FromRow)]
struct CredentialsRow {
    account_id: String,
    password_hash: String,
}

#[derive(sqlx::FromRow)]
struct ProfileRow {
    profile_id: String,
    account_id: String,
    name: String,
}

impl ProfileRow {
    fn card(self) -> Result<ProfileCard, StoreError> {
        Ok(ProfileCard {
            profile: parsed("profile.profile_id", &self.profile_id)?,
            account_id: parsed("profile.account_id", &self.account_id)?,
            name: self.name,
        })
    }
}

/// Whether there is any account.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn is_any(reader: &mut impl Reader) -> Result<bool, StoreError> {
    let found: Option<(i64,)> = reader.opt("select 1 from account limit 1", args![]).await?;
    Ok(found.is_some())
}

/// Writes a new account.
///
/// # Errors
///
/// [`StoreError::Duplicate`] if the login is taken.
pub async fn insert_account(
    tx: &mut Tx,
    account_id: AccountId,
    login: &Login,
    password_hash: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "insert into account (account_id, login, password_hash, created_at_ms)
         values (?, ?, ?, ?)",
        args![account_id, login.as_str(), password_hash, at],
    )
    .await?;
    Ok(())
}

/// Gives an account a role.
///
/// # Errors
///
/// [`StoreError::Duplicate`] if it has a profile of that role already.
pub async fn insert_profile(
    tx: &mut Tx,
    account_id: AccountId,
    profile: Profile,
    name: &PersonName,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        "insert into profile (profile_id, account_id, role, name, created_at_ms)
         values (?, ?, ?, ?, ?)",
        args![profile.to_string(), account_id, profile.role().as_str(), name.as_str(), at],
    )
    .await?;
    Ok(())
}

/// What somebody signs in with, if there is such a login.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_credentials(
    reader: &mut impl Reader,
    login: &Login,
) -> Result<Option<Credentials>, StoreError> {
    let row: Option<CredentialsRow> = reader
        .opt(
            "select account_id, password_hash from account where login = ? and standing = 'active'",
            args![login.as_str()],
        )
        .await?;
    row.map(|row| {
        let account_id = parsed("account.account_id", &row.account_id)?;
        Ok(Credentials { account_id, password_hash: row.password_hash })
    })
    .transpose()
}

/// The profile of an account in a role.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_profile_in_role(
    reader: &mut impl Reader,
    account_id: AccountId,
    role: Role,
) -> Result<Option<ProfileCard>, StoreError> {
    let row: Option<ProfileRow> = reader
        .opt(
            "select profile_id, account_id, name from profile where account_id = ? and role = ?",
            args![account_id, role.as_str()],
        )
        .await?;
    row.map(ProfileRow::card).transpose()
}

/// One profile.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_profile(
    reader: &mut impl Reader,
    profile: Profile,
) -> Result<Option<ProfileCard>, StoreError> {
    let row: Option<ProfileRow> = reader
        .opt(
            "select profile_id, account_id, name from profile where profile_id = ?",
            args![profile.to_string()],
        )
        .await?;
    row.map(ProfileRow::card).transpose()
}

/// Keeps an account's sign-ins as they are until the transaction ends: who begins or renews one and
/// who ends them all wait for each other.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn lock_account(tx: &mut Tx, account_id: AccountId) -> Result<(), StoreError> {
    let sql = "select account_id, password_hash from account where account_id = ?";
    tx.opt_locked::<CredentialsRow>(sql, args![account_id]).await?;
    Ok(())
}

/// Several profiles, in no order; unknown ones are left out.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_profiles(
    reader: &mut impl Reader,
    profiles: &[Profile],
) -> Result<Vec<ProfileCard>, StoreError> {
    if profiles.is_empty() {
        return Ok(Vec::new());
    }
    let (marks, values) = any_of(profiles);
    let sql =
        format!("select profile_id, account_id, name from profile where profile_id in ({marks})");
    let rows: Vec<ProfileRow> = reader.all(&sql, &values).await?;
    rows.into_iter().map(ProfileRow::card).collect()
}

/// All profiles of one account.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_profiles_of_account(
    reader: &mut impl Reader,
    account_id: AccountId,
) -> Result<Vec<ProfileCard>, StoreError> {
    let rows: Vec<ProfileRow> = reader
        .all(
            "select profile_id, account_id, name from profile where account_id = ? order by role",
            args![account_id],
        )
        .await?;
    rows.into_iter().map(ProfileRow::card).collect()
}

/// What an account says of its person.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// What the person signs in with.
    pub login: String,
    /// In PHC form, or no password at all.
    pub password_hash: String,
    /// A number that was proven to be the person's.
    pub phone: Option<String>,
    /// A mail address that was proven to be the person's.
    pub email: Option<String>,
    /// The picture, by the name of its object.
    pub avatar: Option<String>,
    /// Whether the person may sign in.
    pub standing: Standing,
}

#[derive(sqlx::FromRow)]
struct FactsRow {
    login: String,
    password_hash: String,
    phone: Option<String>,
    email: Option<String>,
    avatar: Option<String>,
    standing: String,
}

/// What an account says of its person.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_facts(
    reader: &mut impl Reader,
    account_id: AccountId,
) -> Result<Option<AccountFacts>, StoreError> {
    let sql = "select login, password_hash, phone, email, avatar, standing from account
                where account_id = ?";
    let row: Option<FactsRow> = reader.opt(sql, args![account_id]).await?;
    row.map(|row| {
        Ok(AccountFacts {
            login: row.login,
            password_hash: row.password_hash,
            phone: row.phone,
            email: row.email,
            avatar: row.avatar,
            standing: word("account.standing", &row.standing, Standing::from_text)?,
        })
    })
    .transpose()
}

/// Gives an account another password.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn set_password(
    tx: &mut Tx,
    account_id: AccountId,
    password_hash: &str,
) -> Result<(), StoreError> {
    let sql = "update account set password_hash = ? where account_id = ?";
    tx.exec(sql, args![password_hash, account_id]).await?;
    Ok(())
}

/// Says whether the person of an account may sign in.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn set_standing(
    tx: &mut Tx,
    account_id: AccountId,
    standing: Standing,
) -> Result<(), StoreError> {
    let sql = "update account set standing = ? where account_id = ?";
    tx.exec(sql, args![standing.as_str(), account_id]).await?;
    Ok(())
}

/// Gives an account another picture, or none.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn set_avatar(
    tx: &mut Tx,
    account_id: AccountId,
    avatar: Option<&str>,
) -> Result<(), StoreError> {
    let sql = "update account set avatar = ? where account_id = ?";
    tx.exec(sql, args![avatar, account_id]).await?;
    Ok(())
}

/// Gives all profiles of an account another name.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn rename(
    tx: &mut Tx,
    account_id: AccountId,
    name: &PersonName,
) -> Result<(), StoreError> {
    let sql = "update profile set name = ? where account_id = ?";
    tx.exec(sql, args![name.as_str(), account_id]).await?;
    Ok(())
}
