//! What a request must bring, as argument types: who asks, about what, with which body and key.

use std::{fmt, net::IpAddr, ops::Deref, str::FromStr, time::Duration};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
    web::{Bytes, Data},
};
use actors::objects;
use domain::{
    ids::{AccountId, CustomerId, MerchantId, OperatorId, RiderId},
    role::{Profile, Role},
};
use futures_util::future::{LocalBoxFuture, Ready, ready};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use storage::commands::{CID_BYTES_MAX, CommandKey, fingerprint};
use usecases::{error::AskError, sessions, tokens::Identity};

use super::{
    problem::{Kind, Problem},
    state::HttpState,
};

/// Most bytes of a body.
pub const BODY_BYTES_MAX: usize = 64 * 1_024;
/// Name of the header that makes a command happen once.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Whoever is signed in.
#[derive(Debug, Clone, Copy)]
pub struct AnyProfile(pub Identity);

/// Looks who asks before anything else does, so that the token is read once; the account, if the
/// token is good.
pub(super) fn remember_identity(req: &HttpRequest) -> Option<AccountId> {
    let identity = identify(req).ok()?;
    req.extensions_mut().insert(identity);
    Some(identity.account_id)
}

/// Whoever asks, if the token was looked at and is good.
pub(super) fn remembered(req: &HttpRequest) -> Option<Identity> {
    req.extensions().get::<Identity>().copied()
}

fn identify(req: &HttpRequest) -> Result<Identity, Problem> {
    if let Some(known) = req.extensions().get::<Identity>() {
        return Ok(*known);
    }
    let state = req
        .app_data::<Data<HttpState>>()
        .ok_or_else(|| Problem::new(Kind::Internal, "The server is not set up."))?;
    let token = req
        .headers()
        .get(AUTHORIZATION)
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| {
            let detail = "Send `Authorization: Bearer …` with the token of POST /v1/sessions.";
            Problem::new(Kind::NotSignedIn, detail)
        })?;
    Ok(sessions::identify(&state.platform, token)?)
}

impl FromRequest for AnyProfile {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(identify(req).map(Self))
    }
}

macro_rules! in_role {
    ($(#[$meta:meta])* $name:ident, $id:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub $id);

        impl FromRequest for $name {
            type Error = Problem;
            type Future = Ready<Result<Self, Problem>>;

            fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(identify(req).and_then(|identity| match identity.profile {
                    Profile::$name(id) => Ok(Self(id)),
                    _ => Err(AskError::WrongRole { needed: Role::$name }.into()),
                }))
            }
        }
    };
}
in_role!(
    /// A signed-in customer.
    Customer,
    CustomerId
);
in_role!(
    /// A signed-in merchant.
    Merchant,
    MerchantId
);
in_role!(
    /// A signed-in rider.
    Rider,
    RiderId
);
in_role!(
    /// A signed-in operator.
    Operator,
    OperatorId
);

/// The program at the other end, as it names itself.
#[derive(Debug, Clone)]
pub struct UserAgent(pub Option<String>);

impl FromRequest for UserAgent {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let agent = req.headers().get(USER_AGENT).map(|it| it.as_bytes());
        ready(Ok(Self(agent.map(|it| String::from_utf8_lossy(it).into_owned()))))
    }
}

/// The address of whoever asks; `None` if the connection has none.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub Option<IpAddr>);

impl FromRequest for ClientAddress {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let guard = req.app_data::<Data<HttpState>>().map(|it| &it.guard);
        ready(Ok(Self(guard.and_then(|it| it.address(req)))))
    }
}

/// An id in a path or a query.
#[derive(Debug, Clone, Copy)]
pub struct IdPath<T>(pub T);

impl<'de, T> Deserialize<'de> for IdPath<T>
where
    T: FromStr<Err: fmt::Display>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A JSON body of a known shape.
#[derive(Debug, Clone)]
pub struct Body<T> {
    value: T,
    raw: Bytes,
}

impl<T> Body<T> {
    /// What it says.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Longest wait for the whole of a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

async fn bytes(req: HttpRequest, payload: &mut Payload) -> Result<Bytes, Problem> {
    let arrived = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(&req, payload)).await;
    let late = |_| Problem::new(Kind::BadJson, "The body did not arrive in time; send it again.");
    arrived.map_err(late)?.map_err(|err| {
        let status = err.as_response_error().status_code();
        if status == Kind::TooLarge.row().0 {
            let detail = format!("A body has at most {BODY_BYTES_MAX} bytes.");
            return Problem::new(Kind::TooLarge, detail);
        }
        Problem::new(Kind::BadJson, "The body did not arrive as a whole; send it again.")
    })
}

fn check_media_type(req: &HttpRequest) -> Result<(), Problem> {
    let Some(given) = req.headers().get(CONTENT_TYPE) else { return Ok(()) };
    let given = given.to_str().unwrap_or_default().to_ascii_lowercase();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence == "application/json" || essence.ends_with("+json") {
        return Ok(());
    }
    Err(Problem::new(Kind::WrongMediaType, "Send `Content-Type: application/json`."))
}

fn parse<T: DeserializeOwned>(raw: &[u8]) -> Result<T, Problem> {
    objects::from_slice(raw).map_err(|err| {
        let detail = match err.classify() {
            serde_json::error::Category::Data => format!("In the body: {err}."),
            _ => format!("The body is not JSON: {err}."),
        };
        Problem::new(Kind::BadJson, detail)
    })
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, mut payload) = (req.clone(), payload.take());
        Box::pin(async move {
            check_media_type(&req)?;
            let raw = bytes(req, &mut payload).await?;
            Ok(Self { value: parse(&raw)?, raw })
        })
    }
}

/// A JSON body that may be left out; then everything has its default.
#[derive(Debug, Clone)]
pub struct MaybeBody<T>(pub Body<T>);

impl<T: DeserializeOwned + Default + 'static> FromRequest for MaybeBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, mut payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let raw = bytes(req.clone(), &mut payload).await?;
            if raw.trim_ascii().is_empty() {
                return Ok(Self(Body { value: T::default(), raw }));
            }
            check_media_type(&req)?;
            Ok(Self(Body { value: parse(&raw)?, raw }))
        })
    }
}

/// The idempotency key, if the client sent one, and what it was sent for.
#[derive(Debug, Clone)]
pub struct MaybeKey {
    key: Option<String>,
    method: String,
    path: String,
}

impl MaybeKey {
    /// What makes the command happen once, if there is a key.
    pub fn command<T>(self, sender: impl Into<Profile>, body: &Body<T>) -> Option<CommandKey> {
        self.with_raw(sender.into(), &body.raw)
    }

    /// The same for a command without a body.
    pub fn bare(self, sender: impl Into<Profile>) -> Option<CommandKey> {
        self.with_raw(sender.into(), b"")
    }

    fn with_raw(self, sender: Profile, raw: &[u8]) -> Option<CommandKey> {
        let body = String::from_utf8_lossy(raw);
        self.key.map(|cid| CommandKey {
            sender: sender.to_string(),
            cid,
            body_hash: fingerprint(&[&self.method, &self.path, &body]),
        })
    }
}

fn key(req: &HttpRequest) -> Result<MaybeKey, Problem> {
    let key = match req.headers().get(IDEMPOTENCY_KEY) {
        None => None,
        Some(value) => {
            let text = value.to_str().unwrap_or_default().trim();
            if text.is_empty() || text.len() > CID_BYTES_MAX {
                let detail = format!("An Idempotency-Key has 1 to {CID_BYTES_MAX} characters.");
                return Err(Problem::new(Kind::KeyInvalid, detail));
            }
            Some(text.to_owned())
        }
    };
    Ok(MaybeKey { key, method: req.method().to_string(), path: req.path().to_owned() })
}

impl FromRequest for MaybeKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(key(req))
    }
}

/// An idempotency key that must be there.
#[derive(Debug, Clone)]
pub struct RequiredKey(pub MaybeKey);

impl FromRequest for RequiredKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(key(req).and_then(|key| match key.key {
            Some(_) => Ok(Self(key)),
            None => {
                let detail = "Send a new random Idempotency-Key with every new request, and the \
                              same one when you repeat a request.";
                Err(Problem::new(Kind::KeyMissing, detail))
            }
        }))
    }
}
