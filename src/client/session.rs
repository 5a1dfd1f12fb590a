//! Somebody who is signed in: a profile, its tokens, and calls made in its name.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::client::{
    error::ClientError,
    rest::{Call, Rest},
};

/// Name and password of an account, kept so that a lost refresh token is no end.
#[derive(Clone)]
pub struct Login {
    /// Name to sign in with.
    pub login: String,
    /// Password.
    pub password: String,
    /// Role to sign in as.
    pub role: &'static str,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({} as {})", self.login, self.role)
    }
}

/// A signed-in profile. Clones share the tokens.
#[derive(Debug, Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    rest: Rest,
    login: Login,
    profile: String,
    name: String,
    tokens: Mutex<Tokens>,
}

#[derive(Debug)]
struct Tokens {
    access: String,
    refresh: String,
}

/// The server's answer to a sign-in.
#[derive(Deserialize)]
struct SignedIn {
    access_token: String,
    refresh_token: String,
    profile: String,
    name: String,
}

impl SignedIn {
    fn read(call: &str, value: Value) -> Result<Self, ClientError> {
        serde_json::from_value(value)
            .map_err(|err| ClientError::Unreadable { call: call.to_owned(), why: err.to_string() })
    }

    fn tokens(self) -> Tokens {
        Tokens { access: self.access_token, refresh: self.refresh_token }
    }
}

/// Makes an account with one role; that it exists already is fine.
///
/// # Errors
///
/// [`ClientError`] as the server answers.
pub async fn register(rest: &Rest, login: &Login, name: &str) -> Result<(), ClientError> {
    let body = json!({ "login": login.login, "password": login.password, "name": name,
        "roles": [login.role] });
    match rest.call(&Call::post("/v1/accounts", body), None).await {
        Ok(_) => Ok(()),
        Err(err) if err.status() == Some(409) => Ok(()),
        // The account may stand although the answer was lost; signing in will tell.
        Err(ClientError::Unreachable { sent: true, .. }) => Ok(()),
        Err(err) => Err(err),
    }
}

impl Session {
    /// Signs in.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as the server answers.
    pub async fn sign_in(rest: Rest, login: Login) -> Result<Self, ClientError> {
        let signed_in = ask_to_sign_in(&rest, &login).await?;
        let (profile, name) = (signed_in.profile.clone(), signed_in.name.clone());
        let tokens = Mutex::new(signed_in.tokens());
        Ok(Self { inner: Arc::new(Inner { rest, login, profile, name, tokens }) })
    }

    /// Makes an account and signs in.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as the server answers.
    pub async fn join(rest: Rest, login: Login, name: &str) -> Result<Self, ClientError> {
        register(&rest, &login, name).await?;
        Self::sign_in(rest, login).await
    }

    /// The profile, e.g. `rid_…`.
    pub fn profile(&self) -> &str {
        &self.inner.profile
    }

    /// The role.
    pub fn role(&self) -> &'static str {
        self.inner.login.role
    }

    /// The name that others see.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// How the server is reached.
    pub fn rest(&self) -> &Rest {
        &self.inner.rest
    }

    /// The access token that is valid at present, as far as we know.
    pub async fn access_token(&self) -> String {
        self.inner.tokens.lock().await.access.clone()
    }

    /// Makes a call in this profile's name; takes new tokens if the server asks for it.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as the server answers.
    pub async fn call(&self, call: Call) -> Result<Value, ClientError> {
        let token = self.access_token().await;
        match self.inner.rest.call(&call, Some(&token)).await {
            Err(err) if err.status() == Some(401) => {
                let token = self.renew(&token).await?;
                self.inner.rest.call(&call, Some(&token)).await
            }
            done => done,
        }
    }

    /// Makes a call and reads the answer.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as the server answers.
    pub async fn ask<T: serde::de::DeserializeOwned>(&self, call: Call) -> Result<T, ClientError> {
        let name = call.name();
        let value = self.call(call).await?;
        serde_json::from_value(value)
            .map_err(|err| ClientError::Unreadable { call: name, why: err.to_string() })
    }

    /// Takes new tokens in place of `used`, once however many ask, and answers the access token.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as the server answers.
    pub async fn renew(&self, used: &str) -> Result<String, ClientError> {
        let mut tokens = self.inner.tokens.lock().await;
        if tokens.access != used {
            return Ok(tokens.access.clone());
        }
        let path = "/v1/sessions/refresh";
        let call = Call::post(path, json!({ "refresh_token": tokens.refresh }));
        let signed_in = match self.inner.rest.call(&call, None).await {
            Ok(value) => SignedIn::read(path, value)?,
            // The answer to an earlier renewal may have been lost: then only the password helps.
            Err(_) => ask_to_sign_in(&self.inner.rest, &self.inner.login).await?,
        };
        *tokens = signed_in.tokens();
        Ok(tokens.access.clone())
    }
}

async fn ask_to_sign_in(rest: &Rest, login: &Login) -> Result<SignedIn, ClientError> {
    let path = "/v1/sessions";
    let body = json!({ "login": login.login, "password": login.password, "role": login.role });
    // Signing in twice does no harm; the key only tells the client so.
    let call = Call::post(path, body).key(uuid::Uuid::now_v7().to_string());
    SignedIn::read(path, rest.call(&call, None).await?)
}
