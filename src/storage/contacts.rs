//! Telephone numbers and mail addresses of accounts, and the codes that prove them.

use domain::{
    clock::Timestamp,
    contact::{CodePurpose, Contact, KeptCode},
    ids::AccountId,
};

use crate::{
    args,
    columns::parsed,
    commands::fingerprint,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

#[derive(sqlx::FromRow)]
struct AccountRow {
    account_id: String,
}

#[derive(sqlx::FromRow)]
struct CodeRow {
    code_hash: String,
    expires_at_ms: i64,
    n_tries: i64,
}

/// A code of a contact, and what is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeOnFile {
    /// Hash of the code.
    pub code_hash: String,
    /// Whether it is alive.
    pub kept: KeptCode,
}

const fn column(contact: &Contact) -> &'static str {
    match contact {
        Contact::Phone(_) => "phone",
        Contact::Email(_) => "email",
    }
}

fn hash(contact: &Contact) -> String {
    fingerprint(&["contact", contact.as_str()])
}

/// The account that a proven contact belongs to.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn find_account(
    reader: &mut impl Reader,
    contact: &Contact,
) -> Result<Option<AccountId>, StoreError> {
    let sql = format!(
        "select account_id from account where {} = ? and standing = 'active'",
        column(contact)
    );
    let row: Option<AccountRow> = reader.opt(&sql, args![contact.as_str()]).await?;
    row.map(|it| parsed("account.account_id", &it.account_id)).transpose()
}

/// Gives a proven contact to an account; whoever had it before has it no more.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn give(tx: &mut Tx, account_id: AccountId, contact: &Contact) -> Result<(), StoreError> {
    let column = column(contact);
    let text = contact.as_str();
    let free = format!("update account set {column} = null where {column} = ? and account_id <> ?");
    tx.exec(&free, args![text, account_id]).await?;
    let set = format!("update account set {column} = ? where account_id = ?");
    tx.exec(&set, args![text, account_id]).await?;
    Ok(())
}

/// Keeps a new code in place of the one before.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn put_code(
    tx: &mut Tx,
    contact: &Contact,
    purpose: CodePurpose,
    code_hash: &str,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "insert into login_code (contact_hash, purpose, code_hash, expires_at_ms, n_tries)
         values (?, ?, ?, ?, 0){}",
        dialect::or_update(
            tx.is_mysql(),
            "contact_hash, purpose",
            &["code_hash", "expires_at_ms", "n_tries"]
        )
    );
    tx.exec(&sql, args![hash(contact), purpose.as_str(), code_hash, expires_at]).await?;
    Ok(())
}

/// The code of a contact, locked until the transaction ends: of many who guess at once each counts.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn lock_code(
    tx: &mut Tx,
    contact: &Contact,
    purpose: CodePurpose,
) -> Result<Option<CodeOnFile>, StoreError> {
    let sql = "select code_hash, expires_at_ms, n_tries from login_code
                where contact_hash = ? and purpose = ?";
    let row: Option<CodeRow> = tx.opt_locked(sql, args![hash(contact), purpose.as_str()]).await?;
    Ok(row.map(|it| CodeOnFile {
        code_hash: it.code_hash,
        kept: KeptCode { expires_at: Timestamp::from_ms(it.expires_at_ms), n_tries: it.n_tries },
    }))
}

/// A wrong code came.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn note_try(
    tx: &mut Tx,
    contact: &Contact,
    purpose: CodePurpose,
) -> Result<(), StoreError> {
    tx.exec(
        "update login_code set n_tries = n_tries + 1 where contact_hash = ? and purpose = ?",
        args![hash(contact), purpose.as_str()],
    )
    .await?;
    Ok(())
}

/// The code was used.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn remove_code(
    tx: &mut Tx,
    contact: &Contact,
    purpose: CodePurpose,
) -> Result<(), StoreError> {
    tx.exec(
        "delete from login_code where contact_hash = ? and purpose = ?",
        args![hash(contact), purpose.as_str()],
    )
    .await?;
    Ok(())
}

/// Removes codes that ran out before `cutoff`.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn remove_old(tx: &mut Tx, cutoff: Timestamp) -> Result<u64, StoreError> {
    tx.exec("delete from login_code where expires_at_ms < ?", args![cutoff]).await
}
