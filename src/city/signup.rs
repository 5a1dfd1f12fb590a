//! Making many accounts without asking too much at once.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};

use crate::client::{
    error::ClientError,
    rest::Rest,
    session::{Login, Session},
};

/// Accounts made at the same time; passwords are expensive on purpose.
const AT_ONCE: usize = 4;

/// An account to be made.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// Name to sign in with.
    pub login: String,
    /// `customer`, `merchant` or `rider`.
    pub role: &'static str,
    /// Name to show.
    pub name: String,
}

/// Registers and signs everybody in, spread over all nodes; `tick` hears of each.
///
/// # Errors
///
/// The first [`ClientError`].
pub async fn join_all(
    rest: &Rest,
    password: &str,
    newcomers: Vec<Newcomer>,
    tick: impl Fn() + Send + Sync,
) -> Result<Vec<Session>, ClientError> {
    let tick = Arc::new(tick);
    let joining = newcomers.into_iter().enumerate().map(|(n, newcomer)| {
        let rest = rest.beginning_with(n);
        let login =
            Login { login: newcomer.login, password: password.to_owned(), role: newcomer.role };
        let tick = Arc::clone(&tick);
        async move {
            let session = Session::join(rest, login, &newcomer.name).await?;
            tick();
            Ok::<_, ClientError>(session)
        }
    });
    let mut joined = Vec::new();
    let mut results = stream::iter(joining).buffered(AT_ONCE);
    while let Some(session) = results.next().await {
        joined.push(session?);
    }
    Ok(joined)
}

/// Waits until the server answers at all.
///
/// # Errors
///
/// The last [`ClientError`] if it does not within `patience`.
pub async fn wait_for_server(rest: &Rest, patience: Duration) -> Result<(), ClientError> {
    let call = crate::client::rest::Call::get("/healthz");
    rest.clone().patience(patience).call(&call, None).await.map(drop)
}
