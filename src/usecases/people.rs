//! People as the other parties of an order see them.

use domain::role::Profile;
use storage::{accounts, db::Reader, error::StoreError, events::Person};

/// People as others see them, in the order of `profiles`.
///
/// # Errors
///
/// [`StoreError::NotFound`] if one of them does not exist.
pub(crate) async fn people(
    reader: &mut impl Reader,
    profiles: &[Profile],
) -> Result<Vec<Person>, StoreError> {
    let cards = accounts::list_profiles(reader, profiles).await?;
    profiles
        .iter()
        .map(|profile| {
            let card = cards
                .iter()
                .find(|it| it.profile == *profile)
                .ok_or_else(|| StoreError::not_found("profile", profile))?;
            Ok(Person {
                profile: profile.to_string(),
                role: profile.role().to_string(),
                name: card.name.clone(),
            })
        })
        .collect()
}
