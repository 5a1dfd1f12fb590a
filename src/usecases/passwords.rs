//! Passwords: argon2id, away from the threads that serve sockets, and never many at once.

use std::sync::{Arc, LazyLock};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use storage::error::StoreError;
use tokio::sync::Semaphore;

use crate::error::AskError;

/// Fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Most bytes of a password.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Passwords hashed at once; each takes 19 MiB and a core.
pub const AT_ONCE_MAX: usize = 4;
/// Passwords that may wait for their turn; more are refused.
pub const WAITING_MAX: usize = 2_000;

static AT_ONCE: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE_MAX)));
static WAITING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(WAITING_MAX));

/// The hash of a password that nobody has: checked when a login does not exist, so that a stranger
/// cannot tell from the time an answer takes whether it does.
static NOBODYS: LazyLock<String> =
    LazyLock::new(|| hash_now("nobody signs in with this").unwrap_or_default());

/// In place of a hash, for accounts that have no password: nothing belongs to it.
pub const NONE: &str = "!";

/// Checks that a password may be used.
///
/// # Errors
///
/// [`AskError::OutOfRange`] if it is too short or too long.
pub fn check(password: &str) -> Result<(), AskError> {
    if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
        let what = "a password has at least 8 characters and at most 256 bytes";
        return Err(AskError::OutOfRange { what });
    }
    Ok(())
}

/// Hashes a password.
///
/// # Errors
///
/// [`AskError::Busy`] if too many wait, [`AskError::Store`] if the machine cannot do it.
pub async fn hash(password: String) -> Result<String, AskError> {
    away(move || hash_now(&password)).await?.ok_or_else(broken)
}

/// Whether the password belongs to the hash; takes as long when there is no hash.
///
/// # Errors
///
/// [`AskError::Busy`] if too many wait, [`AskError::Store`] if the machine cannot do it.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool, AskError> {
    away(move || {
        let hash = hash.filter(|it| it != NONE);
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODYS.clone());
        let matches = PasswordHash::new(&hash)
            .is_ok_and(|it| Argon2::default().verify_password(password.as_bytes(), &it).is_ok());
        matches && exists
    })
    .await
}

fn hash_now(password: &str) -> Option<String> {
    Argon2::default().hash_password(password.as_bytes()).ok().map(|it| it.to_string())
}

fn broken() -> AskError {
    AskError::Store(StoreError::refused("a password could not be hashed"))
}

async fn away<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AskError> {
    let _turn = WAITING.try_acquire().map_err(|_| AskError::Busy)?;
    let permit = Arc::clone(&AT_ONCE).acquire_owned().await.map_err(|_| AskError::Busy)?;
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    done.await.map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let stored = hash("correct horse".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(verify("correct horse".to_owned(), Some(stored.clone())).await.unwrap());
        assert!(!verify("wrong horse".to_owned(), Some(stored)).await.unwrap());
        assert!(!verify("nobody signs in with this".to_owned(), None).await.unwrap());
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert!(check("1234567").is_err());
        assert!(check("12345678").is_ok());
        assert!(check(&"x".repeat(257)).is_err());
    }
}
