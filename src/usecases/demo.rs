//! What only `riderhub demo` needs.

use domain::{
    checked_text::Login,
    role::{Profile, Role},
};
use storage::accounts as rows;

use crate::{accounts, error::AskError, platform::Platform, tokens};

/// Login of the operator that visitors of a demo are signed in as.
const LOGIN: &str = "demo-operator";

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
