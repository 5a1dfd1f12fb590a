//! What only `riderhub demo` needs.

use domain::{
    checked_text::Login,
    role::{Profile, Role},
};
use storage::{accounts as rows, db::Tx, error::StoreError, shared_values, store::Store};

use crate::{accounts, error::AskError, platform::Platform, tokens};

/// Login of the operator that visitors of a demo are signed in as.
const LOGIN: &str = "demo-operator";

/// Name of the shared value that says that a store is a demo's.
const MARK: &str = "demo";

/// Marks a store without accounts as a demo's. Whether it is one: anybody may be its operator, so
/// a store of real people never is.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn claim(store: &Store) -> Result<bool, StoreError> {
    let mark = async |tx: &mut Tx| {
        if shared_values::find(tx, MARK).await?.is_some() {
            return Ok(true);
        }
        if rows::is_any(tx).await? {
            return Ok(false);
        }
        shared_values::overwrite(tx, MARK, "yes").await.map(|()| true)
    };
    store.write(mark).await
}

/// The operator of a demo, made if there is none. Nobody knows the password.
///
/// # Errors
///
/// [`AskError`] as the store gives it.
pub async fn operator(platform: &Platform) -> Result<Profile, AskError> {
    let login = Login::parse(LOGIN)?;
    let mut reader = platform.reader();
    if let Some(known) = rows::find_credentials(&mut reader, &login).await?
        && let Some(card) =
            rows::find_profile_in_role(&mut reader, known.account_id, Role::Operator).await?
    {
        return Ok(card.profile);
    }
    accounts::create_operator(platform, LOGIN, &tokens::random_hex()).await
}
